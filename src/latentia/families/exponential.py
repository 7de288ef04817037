"""Exponential times."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import exprel, xlogy

from latentia.engine.space import DegenerateError, Positive

from .intervals import Standard
from .parabola import Slopes
from .survival import Sums, Survival

Array = NDArray[np.float64]

_SMALLEST = np.finfo(np.float64).tiny
_SERIES = (-1 / 12, 1 / 720, -1 / 30240, 1 / 1209600)


class ExponentialParams(NamedTuple):
    """Rates λ of each component and column, (K, d); 0 only where times are truncated above."""

    rates: Array


class ExponentialStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik.
    total : array of shape (K, d)
        sum_i r_ik E[t_ij].
    constant : array of shape (K, d)
        What makes q the log-likelihood at the parameters that made the statistics.
    """

    count: Array
    total: Array
    constant: Array


def share_before(u: Array) -> Array:
    """1/u - 1/(exp(u) - 1), u >= 0: the mean of exponential times within a window, as a share.

    u is the rate times the window's width; 1/2 at 0.
    """
    small = u < 0.2
    near, far = np.where(small, u, 0.0), np.where(small, 1.0, u)
    series = np.zeros_like(near)
    for coefficient in reversed(_SERIES):
        series = series * near**2 + coefficient
    with np.errstate(over="ignore"):
        return np.where(small, 0.5 + near * series, 1 / far - 1 / np.expm1(far))


def _slope_of_share(u: Array) -> Array:
    """The derivative of `share_before`, about -1/12 at 0."""
    far = np.maximum(u, 0.05)
    half = np.minimum(far / 2, 350.0)
    slope = 1 / (4 * np.sinh(half) ** 2) - 1 / far**2
    return np.where(u < 0.05, -1 / 12 + u**2 / 240, slope)


def rate_in_window(share: Array) -> Array:
    """The rate times the width with `share_before(u)` = share in (0, 1/2); 0 from 1/2 on.

    Newton's method from the left, where a falling convex function never oversteps.
    """
    inside = np.minimum(share, 0.5)
    inverse = 1 / inside
    with np.errstate(over="ignore"):
        late = inverse * (1 - 2 * inverse / np.expm1(np.minimum(inverse, 700.0)))
    u = np.maximum(12 * (0.5 - inside), np.where(inverse > 5, late, 0.0))
    for _ in range(40):
        step = (inside - share_before(u)) / _slope_of_share(u)
        u = np.maximum(u + step, 0.0)
        if (np.abs(step) <= 1e-15 * u).all():
            break
    return u


@final
class _ExponentialSums(Sums):
    """Counts and totals of exact times within a window."""

    def __init__(self, window: tuple[float, float]) -> None:
        self.lower, self.width = window[0], window[1] - window[0]

    def of(self, t: Array, y: Array, weight: Array) -> ExponentialStats:
        total = np.einsum("mkn,mkn->k", weight, np.broadcast_to(t, weight.shape))
        return ExponentialStats(weight.sum(axis=(0, 2)), total, np.zeros(weight.shape[1]))

    def height(self, params: ExponentialParams, stats: ExponentialStats) -> Array:
        past = stats.total - self.lower * stats.count
        if np.isinf(self.width):
            return xlogy(stats.count, params.rates) - params.rates * past
        inside = np.log(self.width) + np.log(exprel(-params.rates * self.width))
        return -stats.count * inside - params.rates * past

    def slope(self, params: ExponentialParams, stats: ExponentialStats) -> ExponentialParams:
        past = stats.total - self.lower * stats.count
        if np.isinf(self.width):
            return ExponentialParams(stats.count / params.rates - past)
        mean = self.width * share_before(params.rates * self.width)
        return ExponentialParams(stats.count * mean - past)

    def maximum(self, params: ExponentialParams, stats: ExponentialStats) -> ExponentialParams:
        alive = stats.count > 0
        mean = np.where(alive, stats.total / np.where(alive, stats.count, 1.0) - self.lower, 1.0)
        if (mean <= 0).any():
            k = int(np.argwhere(mean <= 0)[0][0])
            raise DegenerateError(
                f"all times of component {k} are {self.lower:g}, expected some that are later: its "
                "rate has no finite maximum"
            )
        if np.isinf(self.width):
            return ExponentialParams(np.where(alive, 1 / mean, params.rates))
        rates = rate_in_window(mean / self.width) / self.width
        return ExponentialParams(np.where(alive, rates, params.rates))


@final
class Exponential(Survival[ExponentialParams]):
    """Times with density λ exp(-λt) (Johnson, Kotz & Balakrishnan 1994, ch. 19).

    Columns are independent given the component. Parameters of `Survival` apply. Where times are
    truncated above, a rate of 0 is the uniform distribution, which times have whose mean is in
    the middle of the window or beyond.

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
    >>> from latentia.families import Exponential
    >>> times = np.array([[1.0, 1.0], [4.0, np.inf], [3.0, 3.0]])  # the second was still running
    >>> family, resp = Exponential(1, censored=True), np.ones((3, 1))
    >>> params = family.start(times, resp)
    >>> for _ in range(60):
    ...     params = family.m_step(family.stats(params, times, resp), params)
    >>> params.rates  # two events in eight units of time
    array([[0.25]])
    """

    zero_is_possible = True

    @property
    def space(self) -> ExponentialParams:
        return ExponentialParams(cast(Any, Positive(exchangeable=(0,))))

    @property
    def _sums(self) -> Sums | None:
        return _ExponentialSums(self.window)

    @property
    def _slopes(self) -> Slopes | None:
        return None

    def _standard(self, theta: ExponentialParams) -> Standard:
        one = np.ones(theta.rates.shape)
        return Standard(-np.log(np.maximum(theta.rates, _SMALLEST)), one, one)

    def _log_pdf(self, theta: ExponentialParams, t: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.log(np.maximum(theta.rates, _SMALLEST)) - theta.rates * t

    def _begin(self, mean: Array, variance: Array) -> ExponentialParams:
        return ExponentialParams(np.exp(-mean - np.euler_gamma))

    def _between(self, theta: ExponentialParams, p: Array, low: float, high: float) -> Array:
        width = high - low
        if np.isinf(width):
            return low - np.log(p) / theta.rates
        u = theta.rates * width
        moved = -np.log1p(p * np.expm1(-u)) / np.where(u > 0, u, 1.0)
        return low + width * np.where(u > 1e-12, moved, p)
