"""Factor analysis of rows, with or without holes, as the engine sees it."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine import Model, Suff
from latentia.engine.space import Positive, Real
from latentia.families import factors
from latentia.families.factor_analyzers import most_factors
from latentia.missing.conditional import Normal
from latentia.missing.holes import is_singular
from latentia.missing.model import NormalModel, NormalStats

Array = NDArray[np.float64]


class FactorParams(NamedTuple):
    """Columns in units of their spread: a row is mean + loadings · factors + noise.

    Attributes
    ----------
    mean : array of shape (d,)
    loadings : array of shape (d, q)
        Of uncorrelated factors; known up to a rotation.
    uniquenesses : array of shape (d,)
        Variances of the noise.
    """

    mean: Any
    loadings: Any
    uniquenesses: Any


class SummedRows(NamedTuple):
    """Rows in units of the columns' spread: those without holes as sums, the others by pattern.

    Attributes
    ----------
    rows : Rows
        As they came.
    whole : NormalStats
        Of the rows without holes.
    holes : RowsByPattern, RowsInPatterns or None
    log_units : float
        The logarithm of the spread, summed over the cells that were seen.
    """

    rows: Rows
    whole: NormalStats
    holes: Any
    log_units: float

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, idx: NDArray[np.intp]) -> Any:
        return self.rows.take(idx)

    def reweight(self, w: Array) -> Any:
        return self.rows.reweight(w)


def n_beyond(n_features: int, n_factors: int) -> int:
    """How many of the free numbers of loadings and uniquenesses a covariance cannot tell apart.

    Above 0 beyond Ledermann's bound (1937): then every covariance can be reached.

    Examples
    --------
    >>> n_beyond(6, 3), n_beyond(5, 3)
    (0, 2)
    """
    d, q = n_features, n_factors
    own = d * q + d - q * (q - 1) // 2
    return max(own - d * (d + 1) // 2, 0)


@final
class FactorModel(Model[FactorParams, Any]):
    """Normal rows whose covariance is a few factors and uniquenesses, cells missing at random.

    What is latent to the E-step is only what is missing; factors are integrated out, and the
    M-step finds the best loadings and uniquenesses of the completed covariance by Newton steps
    (Jöreskog 1967), so that without holes one step ends at the maximum. Rows without holes are
    one matrix, so a step costs d³, however many there are.

    Parameters
    ----------
    frame : Frame
        Origin and spread of the columns.
    n_factors : int
        q, from 0 to d.
    floor : float, default=0.0
        A bound under each uniqueness, as a share of the column's variance.
    compiled : bool, default=False
        Whether E-steps of rows with holes are compiled code.

    References
    ----------
    Jöreskog (1967), Some contributions to maximum likelihood factor analysis, Psychometrika 32,
    443-482; Rubin & Thayer (1982), EM algorithms for ML factor analysis, Psychometrika 47, 69-76.
    """

    def __init__(
        self, frame: Frame, n_factors: int, floor: float = 0.0, compiled: bool = False
    ) -> None:
        d = len(frame.origin)
        self.frame, self.n_factors, self.floor = frame, n_factors, floor
        self.n_gauge = n_factors * (n_factors - 1) // 2 + n_beyond(d, n_factors)
        self.compiled = compiled
        self._normal = NormalModel(Frame(np.zeros(d), 1.0, np.ones(d)), compiled=compiled)

    @property
    def space(self) -> FactorParams:
        return FactorParams(Real(), Real(), Positive(self.floor, 2e-15))

    @property
    def is_saturated(self) -> bool:
        """Whether there are more factors than columns can tell apart (Ledermann 1937)."""
        return self.n_factors > most_factors(len(self.frame.origin))

    def first(self, noise: Array | None = None) -> FactorParams:
        """Where a climb starts; `noise` are uniquenesses (d,) in the user's units."""
        d, spread = len(self.frame.origin), self.frame.spread
        share = np.full(d, 0.5) if noise is None else np.asarray(noise) / spread**2
        floor = max(self.floor, 1e-8)
        return FactorParams(np.zeros(d), np.zeros((d, self.n_factors)), np.maximum(share, floor))

    def regressed(self, covariance: Array) -> FactorParams | None:
        """Where else a climb may start: what the other columns leave of each, and a little less.

        Jöreskog (1967, sec. 5). `covariance` (d, d) is in units of the columns' spread; None where
        columns follow from one another.
        """
        d = len(self.frame.origin)
        if is_singular(covariance):
            return None
        left = 1 / np.diagonal(np.linalg.inv(covariance))
        noise = (1 - self.n_factors / (2 * d)) * left
        return self.first()._replace(uniquenesses=np.maximum(noise, max(self.floor, 1e-8)))

    def start(self, sample: Any, rng: np.random.Generator, given: Any = None) -> FactorParams:
        if given is not None:
            return given
        d = len(self.frame.origin)
        share = rng.uniform(0.05, 0.95, size=d)
        return self.first()._replace(uniquenesses=np.maximum(share, max(self.floor, 1e-8)))

    def normal(self, params: FactorParams) -> Normal:
        """The distribution of a row, in units of the columns' spread."""
        covariance = params.loadings @ params.loadings.T + np.diag(params.uniquenesses)
        return Normal(params.mean, covariance)

    # -- rows ------------------------------------------------------------------------------------

    def prepare(self, chunk: Any) -> Any:
        if isinstance(chunk, SummedRows):
            return chunk
        origin, _, spread = self.frame
        z: Any = chunk.x - origin
        z /= spread
        hollow: Any = np.isnan(z).any(axis=1)
        full, w = (z, chunk.weights) if not hollow.any() else (z[~hollow], chunk.weights[~hollow])
        weighted = full * w[:, None]
        sums = NormalStats(float(w.sum()), weighted.sum(axis=0), weighted.T @ full)
        seen = float(w.sum()) * float(np.log(spread).sum())
        holes = None
        if hollow.any():
            left = Rows(z[hollow], chunk.weights[hollow])
            seen += float(left.weights @ (~np.isnan(left.x) @ np.log(spread)))
            holes = self._normal.prepare(left)
        return SummedRows(chunk, sums, holes, seen)

    def e_step(self, params: FactorParams, chunk: Any) -> Suff:
        summed = self.prepare(chunk)
        assert isinstance(summed, SummedRows)
        normal, whole = self.normal(params), summed.whole
        loglik, n = -summed.log_units, float(summed.whole.weight)
        stats = whole
        if n > 0:
            loglik += self._normal.q(normal, Suff(0.0, n, n, whole))
        if summed.holes is not None:
            found = self._normal.e_step(normal, summed.holes)
            loglik, n = loglik + found.loglik, n + found.n_units
            stats = NormalStats(
                *(a + b for a, b in zip(whole, cast(Any, found.stats), strict=True))
            )
        return Suff(loglik, n, n, stats)

    def q(self, params: FactorParams, suff: Suff) -> float:
        units = float(np.log(self.frame.spread).sum())
        return self._normal.q(self.normal(params), suff) - suff.stats.weight * units

    def score(self, params: FactorParams, suff: Suff) -> FactorParams:
        in_mean, slope = self._normal.score(self.normal(params), suff)
        return FactorParams(in_mean, 2 * slope @ params.loadings, np.diagonal(slope).copy())

    def m_step(self, suff: Suff, params: FactorParams) -> FactorParams:
        n, first, second = suff.stats
        mean = first / n
        scatter = second / n - np.outer(mean, mean)
        scatter = (scatter + scatter.T) / 2
        q = self.n_factors
        if not q:
            noise = np.maximum(np.diagonal(scatter), self.floor)
            return FactorParams(mean, params.loadings, noise)
        noise = factors.best_uniquenesses(
            np.asarray(params.uniquenesses), np.ones(1), scatter[None], q, False, self.floor
        )
        noise = np.maximum(noise, self.floor)  # there to the bit
        loadings = factors.best_loadings(np.log(noise), scatter, q)
        return FactorParams(mean, factors.turned_to(loadings, params.loadings), noise)

    def simulate(self, params: FactorParams, chunk: Any, rng: np.random.Generator) -> Rows:
        """Rows with the holes that are there, drawn anew."""
        rows = chunk.rows if isinstance(chunk, SummedRows) else chunk
        factor = rng.standard_normal((len(rows), self.n_factors))
        noise = rng.standard_normal(rows.x.shape) * np.sqrt(params.uniquenesses)
        drawn = (params.mean + factor @ params.loadings.T + noise) * self.frame.spread
        drawn += self.frame.origin
        return Rows(np.where(np.isnan(rows.x), np.nan, drawn), rows.weights)
