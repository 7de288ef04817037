"""Probabilistic principal components of rows with holes, as the engine sees them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.engine import Model, Suff
from latentia.engine.space import Positive, Real
from latentia.missing.patterns import RowsByPattern

from .posterior import LOG_2PI, posterior, square

Array = NDArray[np.float64]

BLOCK = 4_096
"""Rows whose pairs of columns are counted at once."""


LEAST_SHARE = 1e-13
"""Of the columns' mean variance: less noise than that is rounding."""

LEAST_NOISE = 0.05
"""Of the columns' mean variance, where a climb begins among holes."""


class PrincipalParams(NamedTuple):
    """A row is mean + loadings · z + noise of one variance, z standard normal.

    Attributes
    ----------
    mean : array of shape (d,)
    loadings : array of shape (d, q)
        Known up to a rotation.
    noise : array of shape ()
        The variance of what is left.
    """

    mean: Any
    loadings: Any
    noise: Any


class PrincipalStats(NamedTuple):
    """Expected sums in the frame: of all rows, and for each column of the rows that have it.

    Attributes
    ----------
    weight : float
    total : array of shape (q (q + 1) / 2,)
        Lower triangle of E[z zᵀ].
    count : array of shape (d,)
    first, second : array of shape (d,)
        x and x².
    factor : array of shape (d, q)
        E[z].
    cross : array of shape (d, q)
        x E[z].
    squares : array of shape (d, q (q + 1) / 2)
        Lower triangles of E[z zᵀ].
    """

    weight: Any
    total: Any
    count: Any
    first: Any
    second: Any
    factor: Any
    cross: Any
    squares: Any


@final
class PrincipalModel(Model[PrincipalParams, Any]):
    """Principal components as a density (Tipping & Bishop 1999), cells missing at random.

    Latent is z alone: what a row has not is left out of its sums, so n rows cost n d q², whatever
    their patterns, nearly all of it in products of matrices (Tipping & Bishop 1999, app. B, with
    Ilin & Raiko 2010, JMLR 11, 1957-2000).

    Parameters
    ----------
    frame : Frame
    n_components : int
        q, less than the number of columns.
    compiled : bool, default=False
        Whether E-steps are compiled code.
    """

    def __init__(self, frame: Frame, n_components: int, compiled: bool = False) -> None:
        self.frame, self.n_components, self.compiled = frame, n_components, compiled
        self.n_gauge = n_components * (n_components - 1) // 2

    @property
    def space(self) -> PrincipalParams:
        spread = self.frame.spread
        least = LEAST_SHARE * float(np.mean(spread**2))
        return PrincipalParams(Real(spread), Real(spread[:, None]), Positive(0.0, least))

    def start(self, sample: Any, rng: np.random.Generator, given: Any = None) -> PrincipalParams:
        if given is not None:
            return given
        rows: Any = self.prepare(sample)
        return self.closed_form(*available([rows]), exact=bool(rows.seen.all()))

    def prepare(self, chunk: Any) -> Any:
        if isinstance(chunk, RowsByPattern):
            return chunk
        return RowsByPattern.of(self.frame.into(chunk.x), chunk.weights)

    def closed_form(self, mean: Array, covariance: Array, exact: bool) -> PrincipalParams:
        """The maximum for rows without holes of these moments in the frame; else a first guess.

        Tipping & Bishop (1999), eq. 7 and 8. Moments of pairs of columns have small and negative
        eigenvalues that say nothing of the noise, which then begins no lower than `LEAST_NOISE`.
        """
        d, q = len(mean), self.n_components
        values, axes = np.linalg.eigh(covariance)
        values, axes = values[::-1], axes[:, ::-1]
        noise = float(values[q:].mean())
        if not exact:
            noise = max(noise, LEAST_NOISE * float(np.trace(covariance)) / d)
        stretch = np.sqrt(np.maximum(values[:q] - noise, 0.0))
        return self._outside(mean, axes[:, :q] * stretch, noise)

    def _inside(self, params: PrincipalParams) -> tuple[Array, Array, float]:
        origin, scale, _ = self.frame
        noise = float(params.noise) / scale**2
        return (params.mean - origin) / scale, params.loadings / scale, noise

    def _outside(self, mean: Array, loadings: Array, noise: float) -> PrincipalParams:
        origin, scale, _ = self.frame
        return PrincipalParams(
            origin + scale * mean, scale * loadings, np.asarray(scale**2 * noise)
        )

    # -- EM ----------------------------------------------------------------------------------------

    def e_step(self, params: PrincipalParams, chunk: Any) -> Suff:
        rows = self.prepare(chunk)
        assert isinstance(rows, RowsByPattern)
        mean, loadings, noise = self._inside(params)
        if not noise > 0:
            raise np.linalg.LinAlgError("the variance of the noise fell to 0")
        psi = np.full(len(mean), noise)
        found = posterior(loadings, psi, mean, rows, self.compiled)
        w = rows.weights
        seen = rows.seen.astype(np.float64)
        by_pattern = np.bincount(rows.which, w, len(seen))
        count = by_pattern @ seen
        weighted = found.mean * w[:, None]
        z = rows.z
        stats = PrincipalStats(
            weight=float(w.sum()),
            total=found.moments.sum(axis=0),
            count=count,
            first=w @ z,
            second=np.einsum("n,nd,nd->d", w, z, z),
            factor=seen.T @ _by_pattern(weighted, rows),
            cross=z.T @ weighted,
            squares=seen.T @ found.moments,
        )
        loglik = float(w @ found.log_density)
        unit = float(count.sum()) * float(np.log(self.frame.scale))
        return Suff(loglik - unit, stats.weight, stats.weight, stats)

    def m_step(self, suff: Suff, params: PrincipalParams) -> PrincipalParams:
        stats, q = suff.stats, self.n_components
        normal = np.empty((len(stats.count), q + 1, q + 1))
        normal[:, :q, :q] = square(stats.squares, q)
        normal[:, :q, q] = normal[:, q, :q] = stats.factor
        normal[:, q, q] = stats.count
        right = np.concatenate([stats.cross, stats.first[:, None]], axis=1)
        found: Any = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        mean, loadings = found[:, q], found[:, :q]
        left = self._distance(mean, loadings, stats).sum() / stats.count.sum()
        return self._outside(mean, loadings, float(left))

    @staticmethod
    def _distance(mean: Array, loadings: Array, stats: PrincipalStats) -> Array:
        """Expected squares of what is left of each column, summed, (d,)."""
        explained = mean * stats.first + (loadings * stats.cross).sum(axis=1)
        made = square(stats.squares, loadings.shape[1])
        fitted = mean**2 * stats.count + 2 * mean * (loadings * stats.factor).sum(axis=1)
        fitted += np.einsum("di,dij,dj->d", loadings, made, loadings)
        return stats.second - 2 * explained + fitted

    def q(self, params: PrincipalParams, suff: Suff) -> float:
        stats, q = suff.stats, self.n_components
        mean, loadings, noise = self._inside(params)
        distance = float(self._distance(mean, loadings, stats).sum())
        unit = LOG_2PI + np.log(noise) + 2 * np.log(self.frame.scale)
        trace = float(np.trace(square(stats.total, q)))
        prior = stats.weight * q * LOG_2PI + trace
        return -float(stats.count.sum() * unit + distance / noise + prior) / 2

    def score(self, params: PrincipalParams, suff: Suff) -> PrincipalParams:
        stats, scale = suff.stats, self.frame.scale
        mean, loadings, noise = self._inside(params)
        made = square(stats.squares, self.n_components)
        in_mean = stats.first - mean * stats.count - (loadings * stats.factor).sum(axis=1)
        in_loadings = stats.cross - mean[:, None] * stats.factor
        in_loadings = in_loadings - np.einsum("dij,dj->di", made, loadings)
        distance = float(self._distance(mean, loadings, stats).sum())
        in_noise = (distance / noise - float(stats.count.sum())) / (2 * noise)
        return PrincipalParams(
            in_mean / noise / scale, in_loadings / noise / scale, np.asarray(in_noise / scale**2)
        )

    def simulate(self, params: PrincipalParams, chunk: Any, rng: np.random.Generator) -> Rows:
        """Rows with the holes that are there, drawn anew."""
        shape = chunk.x.shape
        z = rng.standard_normal((shape[0], self.n_components))
        drawn = params.mean + z @ params.loadings.T
        drawn += np.sqrt(params.noise) * rng.standard_normal(shape)
        return Rows(np.where(np.isnan(chunk.x), np.nan, drawn), chunk.weights)


def _by_pattern(values: Array, rows: RowsByPattern) -> Array:
    """Values of rows (n, q) summed over the rows of each pattern, (P, q)."""
    if len(rows.seen) == 1:
        return values.sum(axis=0)[None]
    made = np.zeros((len(rows.seen), values.shape[1]))
    filled = np.flatnonzero(np.diff(rows.begin))
    made[filled] = np.add.reduceat(values[rows.order], rows.begin[filled])
    return made


def available(chunks: Iterable[RowsByPattern]) -> tuple[Array, Array]:
    """Mean and covariance (d, d) from the rows that have each column, and each pair of columns.

    Rows are in a frame, so that their means are near 0 and squares about these do not cancel. With
    holes the covariance need not be positive definite; 0 for two columns that no row has together.
    """
    sums: Any = None
    for rows in chunks:
        d = rows.z.shape[1]
        weight = np.bincount(rows.which, rows.weights, len(rows.seen))
        seen = rows.seen.astype(np.float64)
        here = [np.zeros((d, d)) for _ in range(3)]
        here[0] = (seen * weight[:, None]).T @ seen
        for at in range(0, len(rows.z), BLOCK):
            part = slice(at, at + BLOCK)
            weighted = rows.z[part] * rows.weights[part, None]
            here[1] += weighted.T @ rows.seen[rows.which[part]]  # x_j where k is seen too
            here[2] += weighted.T @ rows.z[part]
        sums = here if sums is None else [a + b for a, b in zip(sums, here, strict=True)]
    count, first, second = sums
    mean = np.diagonal(first) / np.diagonal(count)
    second = second - mean * first - mean[:, None] * first.T + np.outer(mean, mean) * count
    return mean, second / np.where(count > 0, count, 1.0)
