"""The multivariate normal with holes as the engine sees it."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine import Model, Suff
from latentia.engine.space import PositiveDefinite, Real

from .conditional import LOG_2PI, Normal, expected, n_cells, prepared
from .measured import MeasuredRows

Array = NDArray[np.float64]


class NormalStats(NamedTuple):
    """Expected sums in the frame, about its origin.

    Attributes
    ----------
    weight : float
    first : array of shape (d,)
    second : array of shape (d, d)
    """

    weight: Any
    first: Any
    second: Any


@final
class NormalModel(Model[Normal, Any]):
    """Rows of a multivariate normal distribution, cells missing at random.

    With `ridge` the covariance has a prior, and the climb is to the posterior mode: an inverted
    Wishart's density in the covariance less the part that shrinks it, proportional to
    |S|^(-r/2) exp(-r tr(L S⁻¹)/2), highest at L, the variances seen on a diagonal. It is worth r
    rows in which no two columns go together (Schafer 1997, sec. 5.2.3; with Honaker, King &
    Blackwell 2011, the empirical prior).

    Parameters
    ----------
    frame : Frame
    ridge : float, default=0
        r, in rows.
    compiled : bool, default=False
        Whether E-steps are compiled code.
    n_apart : int, default=0
        Pairs of columns that are never seen together, whose covariances the likelihood does not
        see: Model's `n_gauge`, unless a ridge determines them.
    """

    def __init__(
        self, frame: Frame, ridge: float = 0.0, compiled: bool = False, n_apart: int = 0
    ) -> None:
        self.frame, self.ridge, self.compiled = frame, ridge, compiled
        self.n_gauge = 0 if ridge else n_apart

    @property
    def space(self) -> Normal:
        spread = self.frame.spread
        return Normal(Real(scale=spread), PositiveDefinite(unit=spread))

    def inside(self, params: Normal) -> Normal:
        """The parameters in the frame's origin and unit."""
        origin, scale, _ = self.frame
        return Normal((params.mean - origin) / scale, params.covariance / scale**2)

    def outside(self, params: Normal) -> Normal:
        """The parameters in the user's units: the inverse of `inside`."""
        origin, scale, _ = self.frame
        return Normal(origin + scale * params.mean, scale**2 * params.covariance)

    def prepare(self, chunk: Any) -> Any:
        return prepared(self.frame, chunk, self.compiled)

    def first(self) -> Normal:
        """Where a climb starts: the columns by themselves, each from the cells it has."""
        return Normal(self.frame.origin, np.diag(self.frame.spread**2))

    def start(self, sample: Any, rng: np.random.Generator, given: Normal | None = None) -> Normal:
        return self.first() if given is None else given

    def e_step(self, params: Normal, chunk: Any) -> Suff:
        rows = self.prepare(chunk) if isinstance(chunk, Rows | MeasuredRows) else chunk
        mean, covariance = self.inside(params)
        loglik, n, first, second = expected(Normal(mean, covariance), self.frame, rows)
        cross = np.outer(first, mean)
        stats = NormalStats(
            n, first + n * mean, second + cross + cross.T + n * np.outer(mean, mean)
        )
        seen = n_cells(rows)
        return Suff(loglik - seen * float(np.log(self.frame.scale)), n, n, stats)

    def m_step(self, suff: Suff, params: Normal) -> Normal:
        n, first, second = suff.stats
        mean = first / n
        scatter = second - np.outer(mean, first)
        covariance = (scatter + self.ridge * self.shape()) / (n + self.ridge)
        return self.outside(Normal(mean, (covariance + covariance.T) / 2))

    def shape(self) -> Array:
        """L of the prior, in the frame."""
        return np.diag((self.frame.spread / self.frame.scale) ** 2)

    def _scatter(self, mean: Array, suff: Suff) -> Array:
        """Expected squares and products about a mean in the frame."""
        n, first, second = suff.stats
        cross = np.outer(first, mean)
        return second - cross - cross.T + n * np.outer(mean, mean)

    def q(self, params: Normal, suff: Suff) -> float:
        mean, covariance = self.inside(params)
        n, unit = suff.stats.weight, LOG_2PI + 2 * float(np.log(self.frame.scale))
        return _height(covariance, self._scatter(mean, suff), n) - n * len(mean) * unit / 2

    def score(self, params: Normal, suff: Suff) -> Normal:
        mean, covariance = self.inside(params)
        precision = np.linalg.inv(covariance)
        n, first, _ = suff.stats
        slope = _slope(precision, self._scatter(mean, suff), n)
        scale = self.frame.scale
        return Normal(precision @ (first - n * mean) / scale, slope / scale**2)

    @property
    def has_prior(self) -> bool:
        return self.ridge > 0

    def log_prior(self, params: Normal) -> float:
        if not self.ridge:
            return 0.0
        covariance = self.inside(params).covariance
        return _height(covariance, self.ridge * self.shape(), self.ridge)

    def prior_score(self, params: Normal) -> Normal:
        precision = np.linalg.inv(self.inside(params).covariance)
        slope = _slope(precision, self.ridge * self.shape(), self.ridge)
        return Normal(np.zeros(len(slope)), slope / self.frame.scale**2)

    def simulate(self, params: Normal, chunk: Any, rng: np.random.Generator) -> Any:
        """Rows with the holes that are there, drawn anew."""
        drawn = rng.multivariate_normal(*params, size=len(chunk), method="cholesky")
        if isinstance(chunk, MeasuredRows):
            told = drawn + np.sqrt(chunk.variance) * rng.standard_normal(drawn.shape)
            told = np.where(np.isnan(chunk.told), np.nan, told)
            x = np.where(np.isnan(chunk.x), np.nan, drawn)
            return MeasuredRows(x, chunk.weights, told, chunk.variance)
        return Rows(np.where(np.isnan(chunk.x), np.nan, drawn), chunk.weights)


def _height(covariance: Array, scatter: Array, n: float) -> float:
    """-(n log|S| + tr(scatter S⁻¹)) / 2."""
    root = np.linalg.cholesky(covariance)
    half = np.linalg.solve(root, scatter)
    log_det = 2 * float(np.log(np.diagonal(root)).sum())
    return -(n * log_det + float(np.trace(np.linalg.solve(root, half.T)))) / 2


def _slope(precision: Array, scatter: Array, n: float) -> Array:
    """The gradient of `_height` in S."""
    return cast(Array, (precision @ scatter @ precision - n * precision) / 2)
