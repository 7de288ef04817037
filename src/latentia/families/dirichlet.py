"""Dirichlet compositions: shares that add up to one."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from latentia.engine.space import Positive

from .cells import first_fault
from .family import Family
from .shapes import digamma_share, dirichlet_shapes, log_dirichlet, moments, refuse_collapse

Array = NDArray[np.float64]

CLOSE = 1e-6
"""By how much the sum of a row may differ from one: rounding in single precision."""


class DirichletParams(NamedTuple):
    """Shapes α of each component, (K, d); shares are α over their sum on average."""

    shapes: Array


class DirichletStats(NamedTuple):
    """Of each component.

    Attributes
    ----------
    count : array of shape (K,)
        sum_i r_ik.
    logs : array of shape (K, d)
        sum_i r_ik log x_ij.
    """

    count: Array
    logs: Array


def log_constant(shapes: Array) -> Array:
    """log Γ(sum α) - sum log Γ(α_j), (...,) for shapes (..., m)."""
    return gammaln(shapes.sum(axis=-1)) - gammaln(shapes).sum(axis=-1)


def in_proportion(shapes: Array, rng: np.random.Generator) -> Array:
    """Logarithms of Dirichlet shares, (n, m), given shapes row by row.

    Through Γ(α) = Γ(α + 1) U^(1/α), so that small shapes do not make zeros of all shares.
    """
    logs = np.log(rng.standard_gamma(shapes + 1)) - rng.standard_exponential(shapes.shape) / shapes
    return logs - np.logaddexp.reduce(logs, axis=-1, keepdims=True)


@final
class Dirichlet(Family[DirichletParams, DirichletStats]):
    """Rows of shares with density Γ(sum α) prod_j x_j^(α_j - 1) / Γ(α_j).

    The density is that of Kotz, Balakrishnan & Johnson (2000, ch. 49), over the first d - 1
    shares. All shares are above 0 and add up to one, so none can be missing.

    Parameters
    ----------
    n_components : int
    n_features : int
        The number of shares.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Dirichlet
    >>> budgets = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.6, 0.1, 0.3]])
    >>> family, resp = Dirichlet(1, 3), np.ones((3, 1))
    >>> params = family.start(budgets, resp)
    >>> params = family.m_step(family.stats(params, budgets, resp), params)
    >>> (params.shapes / params.shapes.sum()).round(2)
    array([[0.51, 0.25, 0.25]])
    """

    def __init__(self, n_components: int, n_features: int) -> None:
        self.n_components, self.n_features = n_components, n_features

    @property
    def space(self) -> DirichletParams:
        return DirichletParams(cast(Any, Positive(exchangeable=(0,))))

    def start(self, x: Array, resp: Array) -> DirichletParams:
        mean, variance = moments(np.asarray(x, dtype=np.float64), resp)
        most = (mean * (1 - mean)).sum(axis=1)
        total = most / np.maximum(variance.sum(axis=1), 1e-4 * most) - 1
        return DirichletParams(np.maximum(total, 0.5)[:, None] * mean)

    def _wrong(self, x: Array) -> NDArray[np.bool_]:
        """Cells that are no shares, and the last ones of rows that do not add up to one."""
        wrong = ~((x > 0) & (x < 1))
        off = np.abs(np.asarray(x, dtype=np.float64).sum(axis=1) - 1)
        wrong[:, -1] |= ~(off <= CLOSE) & ~wrong.any(axis=1)
        return wrong

    def log_density(self, params: DirichletParams, x: Array) -> Array:
        possible = ~self._wrong(x).any(axis=1, keepdims=True)
        shares = np.where(possible, np.asarray(x, dtype=np.float64), 0.5)
        return np.where(possible, log_dirichlet(params.shapes, shares[:, None]), -np.inf)

    def stats(self, params: DirichletParams, x: Array, resp: Array) -> DirichletStats:
        return DirichletStats(resp.sum(axis=0), resp.T @ np.log(np.asarray(x, dtype=np.float64)))

    def m_step(self, stats: DirichletStats, params: DirichletParams) -> DirichletParams:
        alive = stats.count > 0
        count = np.where(alive, stats.count, 1.0)[:, None]
        logs = np.where(alive[:, None], stats.logs / count, -float(self.n_features))
        shapes = np.where(alive[:, None], dirichlet_shapes(logs), params.shapes)
        refuse_collapse(shapes.sum(axis=1), alive, "sum of the shapes")
        return DirichletParams(shapes)

    def q(self, params: DirichletParams, stats: DirichletStats) -> float:
        constant = stats.count @ log_constant(params.shapes)
        return float(constant + ((params.shapes - 1) * stats.logs).sum())

    def score(self, params: DirichletParams, stats: DirichletStats) -> DirichletParams:
        return DirichletParams(stats.logs - stats.count[:, None] * digamma_share(params.shapes))

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return first_fault(
            self._wrong(x), "expected numbers above 0 and below 1 that add up to 1 in each row"
        )

    def draw(
        self, params: DirichletParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        shares = np.exp(in_proportion(params.shapes[labels], rng))
        return np.clip(shares, np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg)
