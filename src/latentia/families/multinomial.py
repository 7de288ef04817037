"""Rows of counts over categories, given their total."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from latentia.engine.space import Simplex

from .cells import BORROWED, ratio, slope
from .counts import count_fault, deviance, is_count, log_factorial, log_factorial_rest
from .family import Family

Array = NDArray[np.float64]

MANY = 1e3
"""Totals above which logarithms of probabilities are not simply added up, as they would cancel."""


class MultinomialParams(NamedTuple):
    """Probabilities of the categories of each component, (K, d)."""

    probabilities: Array


class MultinomialStats(NamedTuple):
    """Expected counts of each component.

    Attributes
    ----------
    counts : array of shape (K, d)
        sum_i r_ik x_ij.
    constant : array of shape (K,)
        sum_i r_ik log(n_i! / prod_j x_ij!).
    """

    counts: Array
    constant: Array


def log_coefficient(x: Array) -> Array:
    """log(n! / prod_j x_j!) of each row, n its total."""
    return log_factorial(x.sum(axis=1)) - log_factorial(x).sum(axis=1)


@final
class Multinomial(Family[MultinomialParams, MultinomialStats]):
    """Counts over d categories given their total n, P(x) = n! prod_j p_j^x_j / x_j!.

    Documents as counts of words are the common case (Nigam et al. 2000). Totals may
    differ from row to row and are not modelled; a row of zeros has probability one (Johnson, Kotz
    & Balakrishnan 1997, eq. 35.1).

    Parameters
    ----------
    n_components : int
    n_features : int
        The number of categories.
    total : int, default=1
        Of the rows that `draw` makes, which has none to look at.

    Raises
    ------
    ValueError
        If `total` is no whole number of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Multinomial
    >>> words = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 1.0]])
    >>> family = Multinomial(1, 3)
    >>> params = family.start(words, np.ones((2, 1)))
    >>> family.m_step(family.stats(params, words, np.ones((2, 1))), params).probabilities
    array([[0.5  , 0.375, 0.125]])
    """

    def __init__(self, n_components: int, n_features: int, *, total: int = 1) -> None:
        if not is_count(np.asarray(total, dtype=np.float64)):
            raise ValueError(
                f"got total={float(total):.16g}, expected a whole number of at least 0 that a "
                "float holds exactly"
            )
        self.n_components, self.n_features, self.total = n_components, n_features, int(total)

    @property
    def space(self) -> MultinomialParams:
        return MultinomialParams(cast(Any, Simplex(exchangeable=(0,))))

    def start(self, x: Array, resp: Array) -> MultinomialParams:
        counts = resp.T @ x
        pooled = counts.sum(axis=0) + 1 / self.n_features
        row = counts.sum() / max(float(resp.sum()), 1e-300) + 1  # a typical row's total
        mixed = counts + BORROWED * row * pooled / pooled.sum()
        return MultinomialParams(mixed / mixed.sum(axis=-1, keepdims=True))

    def log_density(self, params: MultinomialParams, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        possible = np.all(is_count(x), axis=1, keepdims=True)
        x = np.where(possible, x, 0.0)
        total = x.sum(axis=1)
        made = self._large(params, x) if total.max(initial=0.0) > MANY else self._small(params, x)
        return np.where(possible, made, -np.inf)

    def _small(self, params: MultinomialParams, x: Array) -> Array:
        never = params.probabilities == 0
        made = x @ np.log(np.where(never, 1.0, params.probabilities)).T
        if never.any():
            made[x @ never.T > 0] = -np.inf
        return made + log_coefficient(x)[:, None]

    def _large(self, params: MultinomialParams, x: Array) -> Array:
        total = x.sum(axis=1)
        lost = [deviance(x, total[:, None] * p).sum(axis=1) for p in params.probabilities]
        rest = log_factorial_rest(total) - log_factorial_rest(x).sum(axis=1)
        return rest[:, None] - np.stack(lost, axis=1)

    def stats(self, params: MultinomialParams, x: Array, resp: Array) -> MultinomialStats:
        x = np.asarray(x, dtype=np.float64)
        return MultinomialStats(resp.T @ x, resp.T @ log_coefficient(x))

    def m_step(self, stats: MultinomialStats, params: MultinomialParams) -> MultinomialParams:
        total = stats.counts.sum(axis=-1, keepdims=True)
        return MultinomialParams(ratio(stats.counts, total, params.probabilities))

    def q(self, params: MultinomialParams, stats: MultinomialStats) -> float:
        return float(xlogy(stats.counts, params.probabilities).sum() + stats.constant.sum())

    def score(self, params: MultinomialParams, stats: MultinomialStats) -> MultinomialParams:
        return MultinomialParams(slope(stats.counts, params.probabilities))

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return count_fault(x)

    def draw(
        self, params: MultinomialParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        p = params.probabilities[labels]
        return rng.multinomial(self.total, p / p.sum(axis=1, keepdims=True)).astype(np.float64)
