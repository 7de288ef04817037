"""Beta shares: numbers between 0 and 1."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from latentia.engine.space import Positive

from .cells import counted, first_fault, summed
from .dirichlet import in_proportion, log_constant
from .family import Family
from .shapes import (
    digamma_share,
    dirichlet_shapes,
    log_dirichlet,
    moments,
    over_cells,
    refuse_collapse,
)

Array = NDArray[np.float64]


class BetaParams(NamedTuple):
    """Shapes a and b of each component and column, both (K, d); the mean is a / (a + b)."""

    a: Array
    b: Array


class BetaStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik.
    logs : array of shape (K, d)
        sum_i r_ik log x_ij.
    logs_of_rest : array of shape (K, d)
        sum_i r_ik log(1 - x_ij).
    """

    count: Array
    logs: Array
    logs_of_rest: Array


@final
class Beta(Family[BetaParams, BetaStats]):
    """Numbers between 0 and 1 with density x^(a-1) (1 - x)^(b-1) / B(a, b).

    The density is that of Johnson, Kotz & Balakrishnan (1995, ch. 25): a Dirichlet of x and
    1 - x. Columns are independent given the component; missing cells (nan) are left out.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Beta
    >>> shares = np.array([[0.2], [0.5], [0.8]])
    >>> family, resp = Beta(1), np.ones((3, 1))
    >>> params = family.start(shares, resp)
    >>> a, b = family.m_step(family.stats(params, shares, resp), params)
    >>> bool(np.isclose(a, b).all())
    True
    """

    takes_missing = True

    def __init__(self, n_components: int, n_features: int = 1) -> None:
        self.n_components, self.n_features = n_components, n_features

    @property
    def space(self) -> BetaParams:
        return BetaParams(*(cast(Any, Positive(exchangeable=(0,))) for _ in range(2)))

    def start(self, x: Array, resp: Array) -> BetaParams:
        mean, variance = moments(np.asarray(x, dtype=np.float64), resp)
        most = mean * (1 - mean)
        total = np.maximum(most / np.maximum(variance, 1e-4 * most) - 1, 0.5)
        return BetaParams(total * mean, total * (1 - mean))

    def log_density(self, params: BetaParams, x: Array) -> Array:
        shapes = np.stack(params, axis=-1)

        def each(j: int, values: Array) -> Array:
            possible = (values > 0) & (values < 1)
            share = np.where(possible, values, 0.5)
            shares = np.stack([share, 1 - share], axis=-1)
            return np.where(possible, log_dirichlet(shapes[:, j], shares), -np.inf)

        return over_cells(x, each)

    def stats(self, params: BetaParams, x: Array, resp: Array) -> BetaStats:
        x = np.asarray(x, dtype=np.float64)
        return BetaStats(counted(x, resp), summed(np.log(x), resp), summed(np.log1p(-x), resp))

    def m_step(self, stats: BetaStats, params: BetaParams) -> BetaParams:
        alive = (stats.count > 0)[..., None]
        logs = np.stack([stats.logs, stats.logs_of_rest], axis=-1)
        means = np.where(alive, logs / np.where(alive, stats.count[..., None], 1.0), -1.0)
        shapes = np.where(alive, dirichlet_shapes(means), np.stack(params, axis=-1))
        refuse_collapse(shapes.sum(axis=-1), alive[..., 0], "sum of the shapes")
        return BetaParams(shapes[..., 0], shapes[..., 1])

    def q(self, params: BetaParams, stats: BetaStats) -> float:
        constant = stats.count * log_constant(np.stack(params, axis=-1))
        return float(
            np.sum(constant + (params.a - 1) * stats.logs + (params.b - 1) * stats.logs_of_rest)
        )

    def score(self, params: BetaParams, stats: BetaStats) -> BetaParams:
        expected = stats.count[..., None] * digamma_share(np.stack(params, axis=-1))
        return BetaParams(stats.logs - expected[..., 0], stats.logs_of_rest - expected[..., 1])

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return first_fault(
            ~((x > 0) & (x < 1) | np.isnan(x)), "expected a number above 0 and below 1"
        )

    def cdf(self, params: BetaParams, x: Array) -> Array:
        below = betainc(params.a[:, 0], params.b[:, 0], np.clip(x, 0.0, 1.0))
        return np.asarray(below, dtype=np.float64)

    def draw(self, params: BetaParams, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        logs = in_proportion(np.stack(params, axis=-1)[labels], rng)[..., 0]
        tiny, last = np.finfo(np.float64).tiny, 1 - np.finfo(np.float64).epsneg
        return np.clip(np.exp(logs), tiny, last)
