"""Binomial counts of a known number of trials; Bernoulli where it is one."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincc, xlog1py, xlogy

from latentia.engine.space import Interval

from .cells import counted, first_fault, ratio, shrunk, slope, summed
from .counts import deviance, is_count, log_factorial, log_factorial_rest, over_counts
from .family import Family

Array = NDArray[np.float64]


class BinomialParams(NamedTuple):
    """Probabilities of success of each component and column, (K, d)."""

    probabilities: Array


class BinomialStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known.

    Attributes
    ----------
    successes : array of shape (K, d)
        sum_i r_ik x_ij.
    failures : array of shape (K, d)
        sum_i r_ik (n_j - x_ij).
    constant : array of shape (K, d)
        sum_i r_ik log(n_j over x_ij).
    """

    successes: Array
    failures: Array
    constant: Array


@final
class Binomial(Family[BinomialParams, BinomialStats]):
    """Successes among n trials, P(x) = (n over x) p^x (1 - p)^(n - x) in each column.

    Columns are independent given the component (Johnson, Kemp & Kotz 2005, eq. 3.2); missing
    cells (nan) are left out. A probability may be exactly 0 or 1.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.
    trials : int or array of shape (d,)
        The number of trials of each column, which is known.

    Raises
    ------
    ValueError
        If a number of trials is no whole number of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Binomial
    >>> coins, heads, resp = Binomial(1, trials=10), np.array([[3.0], [5.0]]), np.ones((2, 1))
    >>> params = coins.start(heads, resp)
    >>> coins.m_step(coins.stats(params, heads, resp), params).probabilities
    array([[0.4]])
    """

    takes_missing = True

    def __init__(self, n_components: int, n_features: int = 1, *, trials: ArrayLike) -> None:
        self.n_components, self.n_features = n_components, n_features
        given = np.asarray(trials, dtype=np.float64)
        if given.shape not in ((), (n_features,)) or not (is_count(given) & (given > 0)).all():
            raise ValueError(
                f"got trials={trials!r}, expected a whole number of at least 1, or one for each of "
                f"{n_features} columns"
            )
        self.trials = np.broadcast_to(given, (n_features,))

    @property
    def name(self) -> str:
        return "Bernoulli" if (self.trials == 1).all() else "Binomial"

    @property
    def space(self) -> BinomialParams:
        return BinomialParams(cast(Any, Interval(0.0, 1.0, exchangeable=(0,))))

    def start(self, x: Array, resp: Array) -> BinomialParams:
        return BinomialParams(shrunk(summed(x / self.trials, resp), counted(x, resp)))

    def log_density(self, params: BinomialParams, x: Array) -> Array:
        def each(j: int, counts: Array) -> Array:
            n, p = self.trials[j], params.probabilities[:, j]
            made = -deviance(counts, n * p) - deviance(n - counts, n * (1 - p))
            rest = log_factorial_rest(counts) + log_factorial_rest(n - counts)
            return made + (log_factorial_rest(n) - rest)

        return over_counts(x, each, self.trials)

    def stats(self, params: BinomialParams, x: Array, resp: Array) -> BinomialStats:
        x = np.asarray(x, dtype=np.float64)
        n = self.trials
        logs = log_factorial(n) - log_factorial(x) - log_factorial(n - x)
        return BinomialStats(summed(x, resp), summed(n - x, resp), summed(logs, resp))

    def m_step(self, stats: BinomialStats, params: BinomialParams) -> BinomialParams:
        total = stats.successes + stats.failures
        return BinomialParams(ratio(stats.successes, total, params.probabilities))

    def q(self, params: BinomialParams, stats: BinomialStats) -> float:
        p = params.probabilities
        heights = xlogy(stats.successes, p) + xlog1py(stats.failures, -p) + stats.constant
        return float(heights.sum())

    def score(self, params: BinomialParams, stats: BinomialStats) -> BinomialParams:
        p = params.probabilities
        return BinomialParams(slope(stats.successes, p) - slope(stats.failures, 1 - p))

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        wrong = ~(is_count(x) & (x <= self.trials) | np.isnan(x))
        return first_fault(wrong, lambda j: f"expected a whole number from 0 to {self.trials[j]:g}")

    def cdf(self, params: BinomialParams, x: Array) -> Array:
        n, at = self.trials[0], np.floor(x)
        inside = np.clip(at, 0.0, n - 1)
        below = betaincc(inside + 1, n - inside, params.probabilities[:, 0])
        return np.where(at < 0, 0.0, np.where(at >= n, 1.0, below))

    def draw(
        self, params: BinomialParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        whole = self.trials.astype(np.int64)
        return rng.binomial(whole, params.probabilities[labels]).astype(np.float64)


def Bernoulli(n_components: int, n_features: int = 1) -> Binomial:
    """Zeros and ones: `Binomial` with one trial, as in latent class analysis of items.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Bernoulli
    >>> items = Bernoulli(2, 3)
    >>> items.fault(np.array([[0, 1, np.nan], [1, 2, 0]]))
    (1, 1, 'expected a whole number from 0 to 1')
    """
    return Binomial(n_components, n_features, trials=1)
