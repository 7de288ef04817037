"""Log-normal times and amounts."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from latentia.engine.space import Positive, Real

from .cells import ratio
from .intervals import Standard
from .parabola import LONGEST, Slopes
from .shapes import refuse_collapse
from .survival import Sums, Survival

Array = NDArray[np.float64]

LOG_2PI = float(np.log(2 * np.pi))


class LogNormalParams(NamedTuple):
    """Means μ and variances σ² of the logarithms, of each component and column, both (K, d)."""

    means: Array
    variances: Array


class LogNormalStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known, y = log t.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik.
    first : array of shape (K, d)
        sum_i r_ik E[y_ij].
    second : array of shape (K, d)
        sum_i r_ik E[y_ij²].
    constant : array of shape (K, d)
        What makes q the log-likelihood at the parameters that made the statistics.
    """

    count: Array
    first: Array
    second: Array
    constant: Array


def _squares(means: Array, stats: LogNormalStats) -> Array:
    """sum_i r_ik (y_ij - μ)²."""
    count, first, second, _ = stats
    return second - 2 * means * first + count * means**2


@final
class _LogNormalSums(Sums):
    def of(self, t: Array, y: Array, weight: Array) -> LogNormalStats:
        first, second = (
            np.einsum("mkn,mkn->k", weight, np.broadcast_to(part, weight.shape))
            for part in (y, y**2)
        )
        return LogNormalStats(weight.sum(axis=(0, 2)), first, second, np.zeros(weight.shape[1]))

    def height(self, params: LogNormalParams, stats: LogNormalStats) -> Array:
        means, variances = params
        logs = stats.count * (LOG_2PI + np.log(variances))
        return -stats.first - (logs + _squares(means, stats) / variances) / 2

    def slope(self, params: LogNormalParams, stats: LogNormalStats) -> LogNormalParams:
        means, variances = params
        in_means = (stats.first - stats.count * means) / variances
        spread = _squares(means, stats) / variances - stats.count
        return LogNormalParams(in_means, spread / (2 * variances))

    def maximum(self, params: LogNormalParams, stats: LogNormalStats) -> LogNormalParams:
        alive = stats.count > 0
        means = ratio(stats.first, stats.count, params.means)
        variances = ratio(_squares(means, stats), stats.count, params.variances)
        _refuse(variances, alive)
        return LogNormalParams(means, variances)


def _refuse(variances: Array, alive: NDArray[np.bool_]) -> None:
    with np.errstate(divide="ignore"):
        refuse_collapse(1 / np.maximum(variances, 0.0), alive, "precision")


@final
class _LogNormalSlopes(Slopes):
    """In the mean and the logarithm of the variance."""

    def coordinates(self, params: LogNormalParams) -> Array:
        return np.stack([params.means, np.log(params.variances)], axis=-1)

    def parameters(self, z: Array, counted: Any, params: LogNormalParams) -> LogNormalParams:
        means = np.where(counted, z[..., 0], params.means)
        variances = np.where(counted, np.exp(z[..., 1]), params.variances)
        _refuse(variances, counted)
        return LogNormalParams(means, variances)

    def chain(self, params: LogNormalParams, gradient: Array) -> LogNormalParams:
        return LogNormalParams(gradient[..., 0], gradient[..., 1] / params.variances)

    def of(self, theta: LogNormalParams, y: Array) -> Array:
        off = y - theta.means
        return np.stack([off / theta.variances, (off**2 / theta.variances - 1) / 2], axis=-1)

    def longest(self, params: LogNormalParams) -> Array:
        spread = LONGEST * np.sqrt(params.variances)
        return np.stack([spread, np.full(spread.shape, LONGEST)], axis=-1)


@final
class LogNormal(Survival[LogNormalParams]):
    """Times whose logarithms are normal (Johnson, Kotz & Balakrishnan 1994, ch. 14).

    Columns are independent given the component. The M-step is exact, but for truncated times,
    where it is a Newton step with the information. Parameters of `Survival` apply.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of times in a row.
    censored : bool, default=False
        Whether each time takes two columns, the bounds of what is known of it.
    truncated : tuple of float, default=(0, inf)
        The window outside which no time is recorded.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import LogNormal
    >>> incomes = np.exp([[9.0], [10.0], [11.0]])
    >>> family, resp = LogNormal(1), np.ones((3, 1))
    >>> params = family.start(incomes, resp)
    >>> params = family.m_step(family.stats(params, incomes, resp), params)
    >>> print(f"{params.means[0, 0]:.4f} {params.variances[0, 0]:.4f}")
    10.0000 0.6667
    """

    @property
    def space(self) -> LogNormalParams:
        means, variances = Real(exchangeable=(0,)), Positive(exchangeable=(0,))
        return LogNormalParams(cast(Any, means), cast(Any, variances))

    @property
    def _sums(self) -> Sums | None:
        return _LogNormalSums() if self.whole else None

    @property
    def _slopes(self) -> Slopes | None:
        return _LogNormalSlopes()

    def _standard(self, theta: LogNormalParams) -> Standard:
        return Standard(theta.means, np.sqrt(theta.variances), None)

    def _log_pdf(self, theta: LogNormalParams, t: Array) -> Array:
        y = np.log(t)
        square = (y - theta.means) ** 2 / theta.variances
        return -y - (LOG_2PI + np.log(theta.variances) + square) / 2

    def _begin(self, mean: Array, variance: Array) -> LogNormalParams:
        return LogNormalParams(mean, variance)

    def _between(self, theta: LogNormalParams, p: Array, low: float, high: float) -> Array:
        spread = np.sqrt(theta.variances)
        with np.errstate(divide="ignore"):
            start, end = ((np.log(bound) - theta.means) / spread for bound in (low, high))
        side = np.where(start > 0, -1.0, 1.0)  # above the mean, mirrored: no tail is 1 - small
        first, last = ndtr(side * start), ndtr(side * end)
        return np.exp(theta.means + spread * side * ndtri(first + p * (last - first)))
