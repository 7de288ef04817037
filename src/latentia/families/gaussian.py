"""Multivariate normal components, their covariances tied in one of fourteen ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine import tree
from latentia.engine.space import Real

from . import completing, incomplete, moments
from .conjugate import ConjugatePrior
from .covariance import OWN, STRUCTURES, Covariance
from .family import Family, MixturePass
from .incomplete import Batch, RowsInPatterns, See
from .kernels.ready import ready
from .kernels.rule import ILL, Form, form_of, worth_compiling
from .lines import laid_out
from .moments import Moments
from .passes import Components, PreparedRows, by_numpy, compiled

Array = NDArray[np.float64]
LOG_2PI = float(np.log(2 * np.pi))

THIN = 1e-3
"""A component thinner than this share of what is within all sits on a few rows."""


class GaussianParams(NamedTuple):
    """Means (K, d) and covariances (in the structure's shape), in the units of the data."""

    means: Array
    covariances: Array


class GaussianStats(NamedTuple):
    """Weighted moments about the frame's origin, in the frame's unit.

    Attributes
    ----------
    count : array of shape (K,)
        sum_i r_ik.
    first : array of shape (K, d)
        sum_i r_ik z_i.
    second : array
        sum_i r_ik z_i z_iᵀ in the covariance structure's shape.
    low : Low or ()
        What these three leave over where they are kept in twice the precision, as for full
        covariances; a component may be thin and far from the origin.
    hidden : float
        The entropy of missing cells given the others, of which the other statistics are
        expectations: what q has to be raised by to be that of what was seen.
    """

    count: Array
    first: Array
    second: Array
    low: Any = ()
    hidden: Any = 0.0

    @property
    def moments(self) -> Moments:
        return Moments(self.count, self.first, self.second, self.low)


def normal_log_density(covariance: Covariance, means: Array, precision: Array, x: Array) -> Array:
    """log N(x_i; m_k, (U_k U_kᵀ)⁻¹) for rows x (n, d), shape (n, K)."""
    n_components, n_features = means.shape
    log_det = covariance.log_det_precision(precision, n_components, n_features)
    distance = covariance.squared_distance(precision, x, means)
    return 0.5 * (log_det - n_features * LOG_2PI - distance)


@final
class Gaussian(Family[GaussianParams, GaussianStats]):
    """K normal densities over rows that a `Frame` centres and scales.

    Missing cells (nan) are integrated out: rows are sorted by what was seen of them, and the
    expected moments of what was not are added (Ghahramani & Jordan 1994; Little & Rubin 2002,
    sec. 11.2). Rows without holes go through the same pass as ever.

    Parameters
    ----------
    n_components : int
    covariance : Covariance
        How the covariances are tied.
    frame : Frame
        Origin and unit of the statistics, where second moments do not cancel. Rows and
        parameters are in the user's units.
    floor : float, default=0.0
        A bound under the eigenvalues of every covariance, in the user's units.
    compiled : bool, optional
        Whether passes of a mixture go through compiled code; by default where the rows are
        worth it. The two agree to rounding.
    n_rows : int, optional
        Rows of the whole fit, for that default; those of each chunk if it is not given.
    lends : bool, default=True
        Whether a start lends each component d + 1 typical rows, which keeps guesses from being
        narrow; if not, it lends to those alone that would be thinner than `THIN` without.
    prior : ConjugatePrior, optional
        Of means and covariances, in the user's units.
    """

    takes_missing = True

    def __init__(
        self,
        n_components: int,
        covariance: Covariance,
        frame: Frame,
        floor: float = 0.0,
        compiled: bool | None = None,
        n_rows: int | None = None,
        lends: bool = True,
        prior: ConjugatePrior | None = None,
    ) -> None:
        self.n_components, self.covariance = n_components, covariance
        self.frame, self.floor, self.compiled, self.n_rows = frame, floor, compiled, n_rows
        self.n_features, self.lends = len(frame.origin), lends
        self.prior = None if prior is None else prior.inside(frame)

    @property
    def space(self) -> GaussianParams:
        spread = self.frame.spread
        return cast(
            GaussianParams,
            GaussianParams(
                Real(scale=spread, exchangeable=(0,)),  # pyright: ignore[reportArgumentType]
                self.covariance.space(spread, self.floor),  # pyright: ignore[reportArgumentType]
            ),
        )

    def inside(self, params: GaussianParams) -> GaussianParams:
        """The parameters in the frame's origin and unit."""
        origin, scale = self.frame.origin, self.frame.scale
        return GaussianParams((params.means - origin) / scale, params.covariances / scale**2)

    def outside(self, params: GaussianParams) -> GaussianParams:
        """The parameters in the user's units: the inverse of `inside`."""
        origin, scale = self.frame.origin, self.frame.scale
        return GaussianParams(origin + scale * params.means, scale**2 * params.covariances)

    def log_density(self, params: GaussianParams, x: Array) -> Array:
        z = self.frame.into(x)
        if np.isnan(z).any():
            means, covariances = params
            matrices = self.covariance.matrices(covariances, *means.shape)
            return incomplete.log_density(np.asarray(x, dtype=np.float64), means, matrices)
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        return normal_log_density(self.covariance, means, precision, z) - self._log_unit

    @property
    def _log_unit(self) -> float:
        """What a density per user's unit loses against one per frame's unit."""
        return self.n_features * float(np.log(self.frame.scale))

    def start(self, x: Array, resp: Array) -> GaussianParams:
        z = self.frame.into(x)
        if np.isnan(z).any():
            count, means, matrices = completing.guess(z, resp)
            scatter = self.covariance.summed(matrices)
            within = matrices.sum(axis=0) / max(float(count.sum()), 1e-300)
        else:
            summed = moments.of_rows(self.covariance, z, resp.T, None)
            count = summed.weight
            centre = resp.sum(axis=1) @ z / count.sum()
            means = moments.centres(summed, centre)
            between = (means - centre).T @ (count[:, None] * (means - centre))
            deviation = z - centre
            within = (deviation.T @ (resp.sum(axis=1)[:, None] * deviation) - between) / count.sum()
            scatter = moments.scatter(self.covariance, summed, means)
        lent = np.full(self.n_components, self.n_features + 1.0)
        if not self.lends:
            lent = np.where(self._narrow(count, scatter, within), lent, 0.0)
        covariances = self.covariance.maximum(
            count + lent,
            scatter + self.covariance.pooled(within, lent),
            self.floor / self.frame.scale**2,
            self.n_features,
        )
        return self.outside(GaussianParams(means, covariances))

    def _narrow(self, count: Array, scatter: Array, within: Array) -> NDArray[np.bool_]:
        """Which components are by themselves next to nothing in some direction, (K,)."""
        structure, once = self.covariance, np.full(self.n_components, 1e-6)
        if structure.pattern is not None and structure.pattern.shape == OWN:
            structure = STRUCTURES[structure.form]  # a volume for all would hide a lack of rows
        made = structure.maximum(
            count + once, scatter + structure.pooled(within, once), 0.0, self.n_features
        )
        matrices = structure.matrices(made, self.n_components, self.n_features)
        try:
            white = np.linalg.inv(np.linalg.cholesky(within))
        except np.linalg.LinAlgError:
            return np.ones(self.n_components, dtype=np.bool_)
        return np.linalg.eigvalsh(white @ matrices @ white.T).min(axis=1) < THIN

    def stats(self, params: GaussianParams, x: Array, resp: Array) -> GaussianStats:
        z, (means, precision) = self.frame.into(x), self._normal(params)
        if np.isnan(z).any():
            parts = incomplete.batches(z, self.n_components)
            return incomplete.summed(parts, self._seer(params, x), resp)
        centre = means if self._thin(precision) else None
        return GaussianStats(*moments.of_rows(self.covariance, z, resp.T, centre))

    def _normal(self, params: GaussianParams) -> tuple[Array, Array]:
        """Means and factors of the precisions in the frame.

        The factors are those of the covariances in the user's units, which others ask for too:
        the frame's unit is a power of two.
        """
        precision = self.covariance.precision(params.covariances)
        return (params.means - self.frame.origin) / self.frame.scale, precision * self.frame.scale

    def _thin(self, precision: Array) -> bool:
        """Whether some component's moments need twice the precision, in the frame."""
        return not self.covariance.largest(precision) < ILL[False]

    def _seer(self, params: GaussianParams, x: Any) -> See:
        """What makes densities and statistics of rows with holes."""
        means, precision = self._normal(params)
        k, d = means.shape
        matrices = self.covariance.matrices(self.inside(params).covariances, k, d)
        log_det = -self.covariance.log_det_precision(precision, k, d)
        thin, unit = self._thin(precision), LOG_2PI + 2 * float(np.log(self.frame.scale))

        def see(batch: Batch) -> tuple[Array, Callable[[Array], GaussianStats]]:
            given = incomplete.seen(batch, self.frame.into(x[batch.rows]), means, matrices)
            scale = given.log_det + given.number[:, None] * unit

            def stats_of(resp: Array) -> GaussianStats:
                resp = incomplete.telling(given, resp)
                count = resp.sum(axis=(0, 2))
                about = incomplete.expected_moments(given, resp, resp)
                made = moments.about_zero(self.covariance, count, *about, means, thin)
                left = log_det - given.log_det + (d - given.number[:, None]) * (unit + 1)
                hidden = np.sum(resp.sum(axis=2) * left) / 2
                return GaussianStats(*made, hidden)

            return -(scale[:, :, None] + given.distance) / 2, stats_of

        return see

    def _compiles(self, rows: Any) -> bool:
        """Whether so many rows are worth compiled code."""
        if self.compiled is not None:
            return self.compiled
        n_rows = len(rows) if self.n_rows is None else self.n_rows
        return worth_compiling(n_rows, self.n_features, self.n_components)

    def _form(self, rows: Any, precision: Array) -> Form | None:
        """The compiled form for some rows, or None for NumPy."""
        if not self._compiles(rows):
            return None
        n_rows = len(rows) if self.n_rows is None else self.n_rows
        judged = n_rows if self.compiled is None else None
        largest, single = self.covariance.largest(precision), rows.x.dtype == np.float32
        sizes = self.n_features, self.n_components
        return form_of(self.covariance.form, *sizes, largest, single, judged)

    def prepare(self, rows: Rows) -> Any:
        hollow = np.isnan(rows.x).any(axis=1)
        if hollow.any():
            return self._sorted(rows, hollow)
        frame, tied = self.frame, self.covariance.form == "tied"
        if not self._compiles(rows):
            few = not worth_compiling(len(rows), self.n_features, self.n_components)
            if not few:
                return rows
            inside = frame.into(rows.x)
            return PreparedRows(*rows, inside, laid_out(self.covariance, inside))
        form = self._form(rows, np.eye(self.n_features)) if tied else None
        if form is None:
            return rows
        module = ready(form, rows.x, self.covariance.form)
        scatter = module.scatter(rows.x, rows.weights, frame.origin, 1 / frame.scale)
        return PreparedRows(*rows, scatter=scatter)

    def _sorted(self, rows: Rows, hollow: NDArray[np.bool_]) -> RowsInPatterns:
        """Rows by their holes; those without one apart."""
        whole = None if hollow.all() else self.prepare(rows.take(np.flatnonzero(~hollow)))
        parts = incomplete.batches(rows.x, self.n_components, np.flatnonzero(hollow))
        return RowsInPatterns(rows.x, rows.weights, parts, whole)

    def mixture_pass(self, params: GaussianParams, weights: Array, rows: Any) -> MixturePass:
        if isinstance(rows, RowsInPatterns):
            made = incomplete.mixture_pass(rows, weights, self._seer(params, rows.x))
            if rows.whole is None:
                return made
            return tree.add(made, self.mixture_pass(params, weights, rows.whole))
        means, precision = self._normal(params)
        log_det = self.covariance.log_det_precision(precision, *means.shape)
        with np.errstate(divide="ignore"):
            offset = np.log(weights) + 0.5 * (log_det - self.n_features * LOG_2PI) - self._log_unit
        components, form = Components(offset, means, precision), self._form(rows, precision)
        given = self.covariance, self.frame, components, rows
        if form is None:
            loglik, summed = by_numpy(*given, careful=self._thin(precision))
        else:
            loglik, summed = compiled(form, *given)
        if np.isnan(loglik):  # rows that nobody prepared may have holes
            prepared = self.prepare(Rows(rows.x, rows.weights))
            if isinstance(prepared, RowsInPatterns):
                return self.mixture_pass(params, weights, prepared)
        return MixturePass(loglik, summed.weight, GaussianStats(*summed))

    def m_step(self, stats: GaussianStats, params: GaussianParams) -> GaussianParams:
        old, summed = self.inside(params), stats.moments
        means, count = moments.centres(summed, old.means), moments.weight(summed)
        if self.prior is not None:
            means = self.prior.shrunk(means, count)
        scatter = moments.scatter(self.covariance, summed, means)
        if self.prior is not None:
            count = count + self.prior.rows(self.covariance, self.n_components)
            scatter = scatter + self.prior.scatter(self.covariance, means)
        alive = count > 0
        count = np.where(alive, count, 1e-300)
        covariances = self.covariance.maximum(
            count,
            scatter,
            self.floor / self.frame.scale**2,
            self.n_features,
            old.covariances,
        )
        if not alive.all():  # a component without rows stays as it was
            covariances = self.covariance.keep(old.covariances, covariances, ~alive)
        return self.outside(GaussianParams(means, covariances))

    def q(self, params: GaussianParams, stats: GaussianStats) -> float:
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        log_det = self.covariance.log_det_precision(precision, self.n_components, self.n_features)
        constant = self.n_features * LOG_2PI + 2 * self._log_unit
        scatter = moments.scatter(self.covariance, stats.moments, means)
        trace = self.covariance.trace(precision, scatter)
        count = moments.weight(stats.moments)
        return 0.5 * (float(count @ (log_det - constant)) - trace) + float(stats.hidden)

    @property
    def has_prior(self) -> bool:
        return self.prior is not None

    def log_prior(self, params: GaussianParams) -> float:
        if self.prior is None:
            return 0.0
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        return self.prior.log_density(self.covariance, means, precision, self._log_unit)

    def prior_score(self, params: GaussianParams) -> GaussianParams | None:
        if self.prior is None:
            return None
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        in_means, in_covariances = self.prior.score(self.covariance, means, precision)
        scale = self.frame.scale
        return GaussianParams(in_means / scale, in_covariances / scale**2)

    def score(self, params: GaussianParams, stats: GaussianStats) -> GaussianParams:
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        pull = moments.deviation(stats.moments, means)
        scatter = moments.scatter(self.covariance, stats.moments, means)
        in_means = self.covariance.precision_times(precision, pull)
        in_covariances = self.covariance.score(
            precision, moments.weight(stats.moments), scatter, self.n_features
        )
        scale = self.frame.scale
        return GaussianParams(in_means / scale, in_covariances / scale**2)

    def expected(self, params: GaussianParams, x: Array) -> Array:
        means, covariances = params
        return completing.expected(x, means, self.covariance.matrices(covariances, *means.shape))

    def completed(
        self,
        params: GaussianParams,
        x: Array,
        labels: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Array:
        means, covariances = params
        matrices = self.covariance.matrices(covariances, *means.shape)
        return completing.drawn(x, means, matrices, labels, rng)

    def draw(
        self, params: GaussianParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        means, covariances = params
        factors = np.linalg.cholesky(self.covariance.matrices(covariances, *means.shape))
        noise = rng.standard_normal((len(labels), means.shape[1]))
        return means[labels] + np.einsum("nij,nj->ni", factors[labels], noise)
