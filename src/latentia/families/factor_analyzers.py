"""Factor analyzers: normal components whose covariances are a few factors and uniquenesses."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine.space import Positive, Real

from . import factors, moments
from .covariance import STRUCTURES
from .family import Family, MixturePass
from .gaussian import Gaussian, GaussianParams, GaussianStats

Array = NDArray[np.float64]

MODELS = ("CCC", "CCU", "CUC", "CUU", "UCC", "UCU", "UUC", "UUU")
"""By McNicholas & Murphy (2008): whether loadings, uniquenesses, and these within a component are
constrained (C) or not (U)."""


class FactorParams(NamedTuple):
    """Means (K, d), loadings (K, d, q) and uniquenesses (K, d), in the units of the data.

    What components share has no axis over them; uniquenesses that are one for all columns have
    none over these. A covariance is loadings @ loadings.T + diag(uniquenesses). Loadings are
    known up to a rotation.
    """

    means: Array
    loadings: Array
    uniquenesses: Array


def most_factors(n_features: int) -> int:
    """How many factors d columns can tell apart: (d - q)² >= d + q (Ledermann 1937).

    Examples
    --------
    >>> [most_factors(d) for d in (2, 3, 6, 25)]
    [0, 1, 3, 18]
    """
    return int(np.floor(n_features + 0.5 - np.sqrt(2 * n_features + 0.25) + 1e-9))


@final
class FactorAnalyzers(Family[FactorParams, GaussianStats]):
    """K factor analyzers (Ghahramani & Hinton 1996; McLachlan & Peel 2000, ch. 8).

    A row of component k is its mean, plus loadings times q standard normal factors, plus noise
    whose variances are the uniquenesses. Factors are integrated out, and so are missing cells
    (nan). The M-step finds loadings and uniquenesses from the moments of the rows, exactly but
    where components share the loadings alone.

    Parameters
    ----------
    n_components : int
    frame : Frame
        Origin and unit of the statistics. Rows and parameters are in the user's units.
    n_factors : int, default=1
        q, the same in all components.
    model : str, default="UUU"
        One of `MODELS`: what is shared of the loadings, what of the uniquenesses, and whether
        these are one number (C) or one a column (U).
    floor : float, default=0.0
        A bound under every uniqueness, in the user's units.

    Raises
    ------
    ValueError
        If there is no such model, or if there are too many factors for the columns.

    References
    ----------
    McNicholas & Murphy (2008), Parsimonious Gaussian mixture models, Statistics and Computing
    18, 285-296.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import Mixture
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1)) @ [[2.0, -1.0, 1.0, 0.0]] + rng.normal(size=(500, 4))
    >>> mixture = Mixture("factor_analyzers").fit(X)
    >>> loadings = mixture.params_.loadings[0]
    >>> bool(np.allclose(loadings @ loadings.T, np.outer([2, -1, 1, 0], [2, -1, 1, 0]), atol=0.4))
    True
    """

    takes_missing = True

    def __init__(
        self,
        n_components: int,
        frame: Frame,
        n_factors: int = 1,
        model: str = "UUU",
        floor: float = 0.0,
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"got model={model!r}, expected one of {', '.join(MODELS)}")
        d = len(frame.origin)
        most = most_factors(d) if model in ("CCU", "UUU") else d - 1
        if not 1 <= n_factors <= most:
            raise ValueError(
                f"got n_factors={n_factors!r} for {d} columns, expected "
                f"{f'a number from 1 to {most}' if most else 'more columns'}; {model} cannot tell "
                "more factors apart"
            )
        self.n_components, self.n_features, self.n_factors = n_components, d, n_factors
        self.model, self.frame, self.floor = model, frame, floor
        self.shared_loadings, self.shared_noise, self.isotropic = (c == "C" for c in model)
        gauge = n_factors * (n_factors - 1) // 2
        self.n_gauge = gauge if self.shared_loadings else n_components * gauge
        self.m_step_exact = not self.shared_loadings or self.shared_noise
        self._normal = Gaussian(n_components, STRUCTURES["full"], frame)

    @property
    def space(self) -> FactorParams:
        spread = self.frame.spread
        loadings = Real(spread[:, None], exchangeable=() if self.shared_loadings else (0,))
        variance = float(np.mean(spread**2)) if self.isotropic else spread**2
        noise = Positive(
            self.floor, 2e-15 * variance, exchangeable=() if self.shared_noise else (0,)
        )
        return FactorParams(self._normal.space.means, cast(Any, loadings), cast(Any, noise))

    # -- covariances -----------------------------------------------------------------------------

    def _noise(self, uniquenesses: Array) -> Array:
        """Uniquenesses of every component and column, (K, d)."""
        noise = np.asarray(uniquenesses)
        if self.isotropic:
            noise = noise[..., None]
        return np.broadcast_to(noise, (self.n_components, self.n_features))

    def covariances(self, params: FactorParams) -> Array:
        """All covariances written out, (K, d, d)."""
        _, loadings, uniquenesses = params
        common = loadings @ np.swapaxes(loadings, -1, -2)
        return common + self._noise(uniquenesses)[:, :, None] * np.eye(self.n_features)

    def _written_out(self, params: FactorParams) -> GaussianParams:
        return GaussianParams(params.means, self.covariances(params))

    # -- the E-step is that of normal components ---------------------------------------------------

    def log_density(self, params: FactorParams, x: Array) -> Array:
        return self._normal.log_density(self._written_out(params), x)

    def stats(self, params: FactorParams, x: Array, resp: Array) -> GaussianStats:
        return self._normal.stats(self._written_out(params), x, resp)

    def prepare(self, rows: Rows) -> Any:
        return self._normal.prepare(rows)

    def mixture_pass(self, params: FactorParams, weights: Array, rows: Any) -> MixturePass | None:
        return self._normal.mixture_pass(self._written_out(params), weights, rows)

    def q(self, params: FactorParams, stats: GaussianStats) -> float:
        return self._normal.q(self._written_out(params), stats)

    def score(self, params: FactorParams, stats: GaussianStats) -> FactorParams:
        in_means, slope = self._normal.score(self._written_out(params), stats)
        in_loadings = 2 * slope @ params.loadings
        in_noise = np.einsum("kii->ki", slope)
        if self.shared_loadings:
            in_loadings = in_loadings.sum(axis=0)
        if self.isotropic:
            in_noise = in_noise.sum(axis=1)
        if self.shared_noise:
            in_noise = in_noise.sum(axis=0)
        return FactorParams(in_means, in_loadings, np.asarray(in_noise))

    def draw(
        self, params: FactorParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        return self._normal.draw(self._written_out(params), labels, rng)

    def expected(self, params: FactorParams, x: Array) -> Array:
        return self._normal.expected(self._written_out(params), x)

    def completed(
        self,
        params: FactorParams,
        x: Array,
        labels: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Array:
        return self._normal.completed(self._written_out(params), x, labels, rng)

    # -- start and M-step --------------------------------------------------------------------------

    def start(self, x: Array, resp: Array) -> FactorParams:
        means, covariances = self._normal.start(x, resp)
        means, unit = (means - self.frame.origin) / self.frame.scale, self.frame.scale**2
        noise = np.einsum("kii->ki", covariances) / (2 * unit)
        least = np.maximum(1e-6 * (self.frame.spread**2 / unit), self.floor / unit)
        noise = np.maximum(noise, least)
        count = np.maximum(resp.sum(axis=0), 1e-3 * resp.sum())
        shared = np.broadcast_to(count @ noise / count.sum(), noise.shape)
        noise = shared if self.shared_noise else noise
        if self.isotropic:
            noise = np.broadcast_to(noise.mean(axis=1, keepdims=True), noise.shape)
        scatter, psi = covariances / unit, noise
        if self.shared_loadings and not self.shared_noise:
            # their M-step keeps a column of zeros, so the exact one of pooled rows goes first
            share = count / count.sum()
            pooled = np.einsum("k,kij->ij", share, scatter)
            first = factors.best_uniquenesses(
                share @ noise, np.ones(1), pooled[None], self.n_factors, self.isotropic, least.min()
            )
            scatter, psi = (np.repeat(each[None], len(count), axis=0) for each in (pooled, first))
        loadings = self._best_loadings(psi, scatter)
        loadings, noise = self._maximum(count, covariances / unit, loadings, noise)
        return self._outside(means, loadings, noise)

    def m_step(self, stats: GaussianStats, params: FactorParams) -> FactorParams:
        unit = self.frame.scale
        summed = stats.moments
        count = moments.weight(summed)
        old = (params.means - self.frame.origin) / unit
        means = moments.centres(summed, old)
        scatter = moments.scatter(STRUCTURES["full"], summed, means)
        loadings = np.broadcast_to(
            params.loadings / unit, (self.n_components, self.n_features, self.n_factors)
        )
        noise = self._noise(params.uniquenesses) / unit**2
        alive = count > 0
        a_row = scatter[alive] / count[alive, None, None]
        made = self._maximum(count[alive], a_row, loadings[alive], noise[alive])
        # a component without rows keeps what is its own
        new_loadings, new_noise = loadings.copy(), np.array(noise)
        new_loadings[alive], new_noise[alive] = made
        if not alive.all():
            new_loadings[~alive] = made[0][0] if self.shared_loadings else loadings[~alive]
            new_noise[~alive] = made[1][0] if self.shared_noise else noise[~alive]
        return self._outside(means, new_loadings, new_noise)

    def _maximum(
        self, count: Array, scatter: Array, loadings: Array, noise: Array
    ) -> tuple[Array, Array]:
        """Loadings (G, d, q) and uniquenesses (G, d) of components with rows, in the frame's unit.

        From those given on; `scatter` is a row's.
        """
        floor = self.floor / self.frame.scale**2
        if self.shared_loadings and not self.shared_noise:
            common, noise = factors.common_loadings(
                loadings[0], noise, count, scatter, self.isotropic, floor
            )
            common = factors.turned_to(common, loadings[0])
            return np.broadcast_to(common, loadings.shape), noise
        share, seen = count / count.sum(), scatter
        if self.shared_loadings:
            seen = np.broadcast_to(np.einsum("k,kij->ij", share, scatter), scatter.shape)
        groups = [np.arange(len(count))] if self.shared_noise else np.arange(len(count))[:, None]
        made = np.array(noise)
        for group in groups:
            mine = group[:1] if self.shared_loadings else group
            part = share[mine] / share[mine].sum()
            made[group] = factors.best_uniquenesses(
                noise[group[0]], part, seen[mine], self.n_factors, self.isotropic, floor
            )
        return factors.turned_to(self._best_loadings(made, seen), loadings), made

    def _best_loadings(self, noise: Array, scatter: Array) -> Array:
        """The loadings (G, d, q) that fit each scatter best, given its uniquenesses (G, d)."""
        each = zip(np.log(noise), scatter, strict=True)
        return np.stack([factors.best_loadings(psi, s, self.n_factors) for psi, s in each])

    def _outside(self, means: Array, loadings: Array, noise: Array) -> FactorParams:
        """Parameters in the user's units, short of what is shared, from all (K, ...) in the frame.

        A uniqueness at the floor is there to the bit.
        """
        unit = self.frame.scale
        uniquenesses = np.maximum(noise * unit**2, self.floor)
        if self.isotropic:
            uniquenesses = uniquenesses[:, 0]
        if self.shared_noise:
            uniquenesses = uniquenesses[0]
        loadings = unit * (loadings[0] if self.shared_loadings else loadings)
        return FactorParams(self.frame.origin + unit * means, loadings, np.asarray(uniquenesses))
