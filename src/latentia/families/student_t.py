"""Multivariate t components by location, scale and 1/ν, with the normal as an ordinary point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, ndtr, stdtr

from latentia.data.arrays import Frame, Rows
from latentia.engine.space import Constraint, Fixed, Interval

from . import completing, incomplete, moments
from .covariance import Covariance
from .family import Family, MixturePass
from .gaussian import LOG_2PI, Gaussian, GaussianParams
from .incomplete import Batch, RowsInPatterns, Seen
from .kernels.rule import ILL
from .moments import Moments

Array = NDArray[np.float64]

NEARLY_NORMAL = 0.02
"""Below this, 1/ν may go to zero in one step."""

FIRST = 0.1
"""Where 1/ν starts."""

HEAVIEST = 10.0
"""1/ν is at most this: with heavier tails rows that coincide have a likelihood without bound."""

LONGEST = 3.0
"""How many times its size, or of `FIRST`, 1/ν may grow in one step."""

_STIRLING = (-1 / 4, 1 / 24, -1 / 20, 17 / 112, -31 / 36, 691 / 88)


class StudentTParams(NamedTuple):
    """Locations (K, d), scale matrices (in the structure's shape), and 1/ν, (K,) or ().

    Locations and scales are in the units of the data. The covariance is ν / (ν - 2) times the
    scale matrix; at 1/ν = 0 it is the scale matrix of a normal.
    """

    locations: Array
    scales: Array
    inverse_df: Array


class StudentTStats(NamedTuple):
    """Of each component, at the parameters that made them.

    Attributes
    ----------
    count : array of shape (K,)
        sum_i r_ik.
    moments : Moments
        Of the rows with weights r_ik u_ik, u_ik = (ν + p_i) / (ν + δ_ik), where row i has p_i
        cells that were seen, at the squared distance δ_ik; in the frame's origin and unit.
    slope : array of shape (K,)
        The score in 1/ν, plus curvature times 1/ν.
    curvature : array of shape (K,)
        sum_i r_ik s_ik² of the rows' scores s_ik in 1/ν.
    constant : array of shape ()
        What makes q the sum of the log-densities at these parameters.
    """

    count: Array
    moments: Moments
    slope: Array
    curvature: Array
    constant: Array


def log1p_over(x: Array) -> tuple[Array, Array]:
    """log(1 + x) / x and its derivative, from 0 on."""
    small = x < 0.03
    far, near = np.where(small, 1.0, x), np.where(small, x, 0.0)
    ratio = np.log1p(far) / far
    k = np.arange(14)
    series = np.polynomial.Polynomial((-1.0) ** k / (k + 1))
    slope = np.where(small, series.deriv()(near), (1 / (1 + far) - ratio) / far)
    return np.where(small, series(near), ratio), slope


def log_norm(inverse_df: Array, number: Array) -> tuple[Array, Array]:
    """log(Γ(a + p/2) / (Γ(a) a^(p/2))) with a = ν/2, and its derivative in 1/ν, (P, K).

    The ratio of gamma functions p whole steps of two apart is a product, in which nothing
    cancels; one step is left over where the number of cells p is odd.

    Parameters
    ----------
    inverse_df : array of shape (K,)
    number : array of shape (P,)
        p.
    """
    odd = number % 2
    i = np.arange(max(int(number.max(initial=0.0)) - 1, 0), dtype=np.float64)
    taken = (i[:, None] % 2 == odd) & (i[:, None] <= number - 2)  # (i, P)
    value = np.log1p(np.multiply.outer(i, inverse_df))
    slope = i[:, None] / (1 + np.multiply.outer(i, inverse_df))
    chosen = taken.T.astype(np.float64)
    half, half_slope = _half_step(inverse_df)
    return chosen @ value + odd[:, None] * half, chosen @ slope + odd[:, None] * half_slope


def _half_step(inverse_df: Array) -> tuple[Array, Array]:
    """log(Γ(a + 1/2) / (Γ(a) √a)) for a = ν/2, and its derivative in 1/ν."""
    small = inverse_df < 0.03
    near = np.where(small, inverse_df, 0.0)
    series = np.polynomial.Polynomial([c for pair in ((0.0, c) for c in _STIRLING) for c in pair])
    a = 1 / (2 * np.where(small, 1.0, inverse_df))
    value = gammaln(a + 0.5) - gammaln(a) - np.log(a) / 2
    slope = -2 * a**2 * (digamma(a + 0.5) - digamma(a) - 1 / (2 * a))
    return np.where(small, series(near), value), np.where(small, series.deriv()(near), slope)


@final
class StudentT(Family[StudentTParams, StudentTStats]):
    """K multivariate t densities, for clusters with outliers (Peel & McLachlan 2000).

    Scale matrices are tied as covariances are. The degrees of freedom ν are charted as 1/ν from
    0, where t is the normal, to 10: rows with no heavy tail end at 0 exactly. Missing cells (nan)
    are integrated out. The M-step is exact in locations and scales; in 1/ν it is a Newton step on
    the observed likelihood, as EM itself stands still near the normal (ECME; Liu & Rubin 1995).

    Parameters
    ----------
    n_components : int
    covariance : Covariance
        How the scale matrices are tied.
    frame : Frame
        Origin and unit of the statistics. Rows and parameters are in the user's units.
    df : {"own", "shared"} or float, default="own"
        Degrees of freedom: estimated for each component, one estimate for all, or held at a
        positive number; infinity is the normal.
    floor : float, default=0.0
        A bound under the eigenvalues of every scale matrix, in the user's units.

    Raises
    ------
    ValueError
        If `df` is none of these.

    Examples
    --------
    Ninety rows and ten far off; the location stays where most are:

    >>> import numpy as np
    >>> from latentia import Mixture
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2)) + np.where(np.arange(100) < 10, 15, 0)[:, None]
    >>> mixture = Mixture("student_t").fit(X)
    >>> bool(np.abs(mixture.params_.locations).max() < 0.4)
    True
    """

    m_step_exact = False
    takes_missing = True

    def __init__(
        self,
        n_components: int,
        covariance: Covariance,
        frame: Frame,
        df: str | float = "own",
        floor: float = 0.0,
    ) -> None:
        if df not in ("own", "shared") and not (isinstance(df, int | float) and df > 0):
            raise ValueError(
                f"got df={df!r}, expected 'own', 'shared', or a positive number of degrees of "
                "freedom"
            )
        self.n_components, self.covariance, self.df = n_components, covariance, df
        self.frame, self.floor, self.n_features = frame, floor, len(frame.origin)
        self._normal = Gaussian(n_components, covariance, frame, floor)

    @property
    def space(self) -> StudentTParams:
        locations, scales = self._normal.space
        bound: Constraint = Fixed()
        if isinstance(self.df, str):
            bound = Interval(0.0, HEAVIEST, exchangeable=(0,) if self.df == "own" else ())
        return StudentTParams(locations, scales, cast(Any, bound))

    def degrees_of_freedom(self, params: StudentTParams) -> Array:
        """ν of each component, (K,); infinity where it is normal."""
        with np.errstate(divide="ignore"):
            return np.broadcast_to(1 / params.inverse_df, (self.n_components,))

    def start(self, x: Array, resp: Array) -> StudentTParams:
        means, covariances = self._normal.start(x, resp)
        if isinstance(self.df, str):
            shape = (self.n_components,) if self.df == "own" else ()
            return StudentTParams(means, covariances, np.full(shape, FIRST))
        return StudentTParams(means, covariances, np.array(1 / self.df))

    # -- the E-step ------------------------------------------------------------------------------

    def _inside(self, params: StudentTParams) -> tuple[Array, Array, Array]:
        """Locations, scales as matrices, and 1/ν (K,), in the frame's origin and unit."""
        means, scales = self._normal.inside(GaussianParams(*params[:2]))
        matrices = self.covariance.matrices(scales, *means.shape)
        return means, matrices, np.broadcast_to(params.inverse_df, (self.n_components,))

    def _thin(self, params: StudentTParams) -> bool:
        """Whether some component is so thin that its moments need twice the precision."""
        _, scales = self._normal.inside(GaussianParams(*params[:2]))
        return self.covariance.largest(self.covariance.precision(scales)) >= ILL[False]

    def _heights(self, given: Seen, inverse_df: Array) -> tuple[Array, Array, Array]:
        """log f(x | k), its derivative in 1/ν, and the expected weights u, (P, K, m) each."""
        p, eta = given.number[:, None, None], inverse_df[:, None]
        norm, norm_slope = (part[:, :, None] for part in log_norm(inverse_df, given.number))
        ratio, ratio_slope = log1p_over(eta * given.distance)
        grown = (1 + eta * p) / 2 * given.distance
        unit = LOG_2PI + 2 * np.log(self.frame.scale)
        height = norm - (p * unit + given.log_det[:, :, None]) / 2 - grown * ratio
        score = norm_slope - given.distance * (p * ratio / 2) - grown * given.distance * ratio_slope
        return height, score, (1 + eta * p) / (1 + eta * given.distance)

    def log_density(self, params: StudentTParams, x: Array) -> Array:
        means, matrices, inverse_df = self._inside(params)
        z = self.frame.into(x)

        def each(batch: Batch) -> Array:
            given = incomplete.seen(batch, z[batch.rows], means, matrices)
            return self._heights(given, inverse_df)[0]

        parts = incomplete.batches(z, self.n_components)
        return incomplete.over_rows(parts, each, (len(z), self.n_components))

    def stats(self, params: StudentTParams, x: Array, resp: Array) -> StudentTStats:
        see, parts = self._seer(params, x), incomplete.batches(x, self.n_components)
        return incomplete.summed(parts, see, resp)

    def prepare(self, rows: Rows) -> RowsInPatterns:
        return RowsInPatterns(rows.x, rows.weights, incomplete.batches(rows.x, self.n_components))

    def mixture_pass(self, params: StudentTParams, weights: Array, rows: Any) -> MixturePass:
        if not isinstance(rows, RowsInPatterns):
            rows = self.prepare(rows)
        return incomplete.mixture_pass(rows, weights, self._seer(params, rows.x))

    def _seer(
        self, params: StudentTParams, x: Any
    ) -> Callable[[Batch], tuple[Array, Callable[[Array], StudentTStats]]]:
        """What makes densities and statistics of a batch of some rows."""
        means, matrices, inverse_df = self._inside(params)
        thin = self._thin(params)

        def see(batch: Batch) -> tuple[Array, Callable[[Array], StudentTStats]]:
            given = incomplete.seen(batch, self.frame.into(x[batch.rows]), means, matrices)
            height, score, weight = self._heights(given, inverse_df)

            def stats_of(resp: Array) -> StudentTStats:
                resp = incomplete.telling(given, resp)
                weighted = resp * weight
                total = weighted.sum(axis=(0, 2))
                about = incomplete.expected_moments(given, resp, weighted)
                curvature = (resp * score**2).sum(axis=(0, 2))
                made = StudentTStats(
                    resp.sum(axis=(0, 2)),
                    moments.about_zero(self.covariance, total, *about, means, thin),
                    (resp * score).sum(axis=(0, 2)) + curvature * inverse_df,
                    curvature,
                    np.array(0.0),
                )
                short = float((resp * height).sum()) - self.q(params, made)
                return made._replace(constant=np.array(short))

            return height, stats_of

        return see

    # -- the M-step ------------------------------------------------------------------------------

    def m_step(self, stats: StudentTStats, params: StudentTParams) -> StudentTParams:
        old = self._normal.inside(GaussianParams(*params[:2]))
        means = moments.centres(stats.moments, old.means)
        alive = stats.count > 0
        scales = self.covariance.maximum(
            np.where(alive, stats.count, 1e-300),
            moments.scatter(self.covariance, stats.moments, means),
            self.floor / self.frame.scale**2,
            self.n_features,
            old.covariances,
        )
        if not alive.all():  # a component without rows stays as it was
            scales = self.covariance.keep(old.covariances, scales, ~alive)
        made = self._normal.outside(GaussianParams(means, scales))
        return StudentTParams(*made, self._lighter_or_heavier(stats, params.inverse_df))

    def _lighter_or_heavier(self, stats: StudentTStats, old: Array) -> Array:
        """1/ν a Newton step on, or at 0."""
        if not isinstance(self.df, str):
            return old
        slope, curvature = stats.slope, stats.curvature
        if self.df == "shared":
            slope, curvature = slope.sum(), curvature.sum()
        known = curvature > 0
        new = np.where(known, slope / np.where(known, curvature, 1.0), old)
        below = np.where(old < NEARLY_NORMAL, 0.0, old / 4)
        above = np.minimum(old + LONGEST * np.maximum(old, FIRST), HEAVIEST)
        return np.where(new > 0, np.minimum(new, above), below)

    def q(self, params: StudentTParams, stats: StudentTStats) -> float:
        means, scales = self._normal.inside(GaussianParams(*params[:2]))
        precision = self.covariance.precision(scales)
        log_det = self.covariance.log_det_precision(precision, *means.shape)
        scatter = moments.scatter(self.covariance, stats.moments, means)
        normal = float(stats.count @ log_det) - self.covariance.trace(precision, scatter)
        eta = params.inverse_df
        parabola = stats.slope * eta - stats.curvature * eta**2 / 2
        return float(stats.constant + parabola.sum()) + normal / 2

    def score(self, params: StudentTParams, stats: StudentTStats) -> StudentTParams:
        means, scales = self._normal.inside(GaussianParams(*params[:2]))
        precision = self.covariance.precision(scales)
        scatter = moments.scatter(self.covariance, stats.moments, means)
        pull = moments.deviation(stats.moments, means)
        in_means = self.covariance.precision_times(precision, pull)
        in_scales = self.covariance.score(precision, stats.count, scatter, self.n_features)
        in_eta = stats.slope - stats.curvature * params.inverse_df
        unit = self.frame.scale
        if not np.ndim(params.inverse_df):
            in_eta = in_eta.sum()
        return StudentTParams(in_means / unit, in_scales / unit**2, in_eta)

    # -- beyond fitting ----------------------------------------------------------------------------

    def expected(self, params: StudentTParams, x: Array) -> Array:
        locations, matrices = self._matrices(params)
        return completing.expected(x, locations, matrices)

    def completed(
        self,
        params: StudentTParams,
        x: Array,
        labels: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Array:
        eta = np.broadcast_to(params.inverse_df, (self.n_components,))[:, None]

        def stretch(given: Seen) -> Array:
            """One over the root of a weight given what was seen: gamma, (ν + p)/2, (ν + δ)/2."""
            heavy = np.maximum(eta, 1e-12)
            shape = (1 / heavy + given.number[:, None, None]) / 2
            weight = rng.gamma(np.broadcast_to(shape, given.distance.shape))
            return np.sqrt((1 / heavy + given.distance) / 2 / weight)

        return completing.drawn(x, *self._matrices(params), labels, rng, stretch)

    def _matrices(self, params: StudentTParams) -> tuple[Array, Array]:
        locations, scales, _ = params
        return locations, self.covariance.matrices(scales, *locations.shape)

    def cdf(self, params: StudentTParams, x: Array) -> Array:
        means, scales, eta = params
        deviation = np.sqrt(self.covariance.matrices(scales, *means.shape)[:, 0, 0])
        away = (x - means[:, 0]) / deviation
        heavy = np.broadcast_to(eta > 0, (self.n_components,))
        return np.where(heavy, stdtr(1 / np.where(eta > 0, eta, 1.0), away), ndtr(away))

    def draw(
        self, params: StudentTParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        eta = np.broadcast_to(params.inverse_df, (self.n_components,))[labels]
        half = 1 / (2 * np.maximum(eta, 1e-12))
        weight = np.where(eta > 1e-12, rng.gamma(half, 1 / half), 1.0)
        normal = self._normal.draw(GaussianParams(*params[:2]), labels, rng)
        centre = params.locations[labels]
        return centre + (normal - centre) / np.sqrt(weight)[:, None]
