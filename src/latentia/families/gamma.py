"""Gamma times and amounts."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammainccinv, gammaincinv, xlogy

from latentia.engine.space import Positive

from .cells import ratio
from .counts import deviance
from .intervals import LIMIT, Standard
from .parabola import LONGEST, Slopes
from .shapes import gamma_shape, log_gamma_rest, log_minus_digamma, refuse_collapse
from .survival import Sums, Survival

Array = NDArray[np.float64]


class GammaParams(NamedTuple):
    """Shapes a and scales θ of each component and column, both (K, d); the mean is aθ."""

    shapes: Array
    scales: Array


class GammaStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik.
    total : array of shape (K, d)
        sum_i r_ik E[t_ij].
    logs : array of shape (K, d)
        sum_i r_ik E[log t_ij].
    constant : array of shape (K, d)
        What makes q the log-likelihood at the parameters that made the statistics.
    """

    count: Array
    total: Array
    logs: Array
    constant: Array


@final
class _GammaSums(Sums):
    def of(self, t: Array, y: Array, weight: Array) -> GammaStats:
        total, logs = (
            np.einsum("mkn,mkn->k", weight, np.broadcast_to(part, weight.shape)) for part in (t, y)
        )
        return GammaStats(weight.sum(axis=(0, 2)), total, logs, np.zeros(weight.shape[1]))

    def height(self, params: GammaParams, stats: GammaStats) -> Array:
        a, mean = params.shapes, params.shapes * params.scales
        lost = stats.count - stats.total / mean + stats.logs - xlogy(stats.count, mean)
        return a * lost + stats.count * log_gamma_rest(a) - stats.logs

    def slope(self, params: GammaParams, stats: GammaStats) -> GammaParams:
        a, scales = params
        centred = stats.logs - xlogy(stats.count, a * scales)
        in_shapes = centred + stats.count * log_minus_digamma(a)
        return GammaParams(in_shapes, (stats.total / scales - a * stats.count) / scales)

    def maximum(self, params: GammaParams, stats: GammaStats) -> GammaParams:
        alive = stats.count > 0
        mean = ratio(stats.total, stats.count, params.shapes * params.scales)
        geometric = ratio(stats.logs, stats.count, np.log(mean) - 1.0)
        shapes = np.where(alive, gamma_shape(np.log(mean) - geometric), params.shapes)
        refuse_collapse(shapes, alive, "shape")
        return GammaParams(shapes, np.where(alive, mean / shapes, params.scales))


@final
class _GammaSlopes(Slopes):
    """In the logarithms of the shape and of the mean, whose maxima do not depend on each other."""

    def coordinates(self, params: GammaParams) -> Array:
        log_shapes = np.log(params.shapes)
        return np.stack([log_shapes, log_shapes + np.log(params.scales)], axis=-1)

    def parameters(self, z: Array, counted: Any, params: GammaParams) -> GammaParams:
        shapes = np.where(counted, np.exp(z[..., 0]), params.shapes)
        refuse_collapse(shapes, counted, "shape")
        return GammaParams(shapes, np.where(counted, np.exp(z[..., 1] - z[..., 0]), params.scales))

    def chain(self, params: GammaParams, gradient: Array) -> GammaParams:
        return GammaParams(gradient.sum(axis=-1) / params.shapes, gradient[..., 1] / params.scales)

    def of(self, theta: GammaParams, y: Array) -> Array:
        a = theta.shapes
        off = np.minimum(y - np.log(a * theta.scales), LIMIT)
        excess = np.expm1(off)
        return np.stack([a * (log_minus_digamma(a) + off - excess), a * excess], axis=-1)

    def longest(self, params: GammaParams) -> Array:
        return np.full((*params.shapes.shape, 2), LONGEST)


@final
class Gamma(Survival[GammaParams]):
    """Times with density t^(a-1) exp(-t/θ) / (Γ(a) θ^a).

    The distribution is that of Johnson, Kotz & Balakrishnan (1994, ch. 17). Columns are
    independent given the component. The M-step is exact, but for truncated times, where it is a
    Newton step with the information. Parameters of `Survival` apply.

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
    >>> from latentia.families import Gamma
    >>> rain = np.array([[0.2], [1.1], [3.0], [0.7]])
    >>> family, resp = Gamma(1), np.ones((4, 1))
    >>> params = family.start(rain, resp)
    >>> params = family.m_step(family.stats(params, rain, resp), params)
    >>> float((params.shapes * params.scales)[0, 0])  # the mean
    1.25
    """

    @property
    def space(self) -> GammaParams:
        return GammaParams(*(cast(Any, Positive(exchangeable=(0,))) for _ in range(2)))

    @property
    def _sums(self) -> Sums | None:
        return _GammaSums() if self.whole else None

    @property
    def _slopes(self) -> Slopes | None:
        return _GammaSlopes()

    def _standard(self, theta: GammaParams) -> Standard:
        centre = np.log(theta.shapes) + np.log(theta.scales)
        return Standard(centre, np.ones(centre.shape), theta.shapes)

    def _log_pdf(self, theta: GammaParams, t: Array) -> Array:
        a = theta.shapes
        with np.errstate(over="ignore"):
            mean = np.minimum(t / theta.scales, 1e300)
            lost = deviance(a, mean)
        if not (mean > 0).all():  # it underflows; its logarithm does not
            log_mean = np.log(t) - np.log(theta.scales)
            lost = np.where(mean > 0, lost, a * (np.log(a) - log_mean - 1))
        return log_gamma_rest(a) - lost - np.log(t)

    def _begin(self, mean: Array, variance: Array) -> GammaParams:
        shapes = (1 + np.sqrt(1 + 2 * variance)) / (2 * variance)  # about, of trigamma(a)
        return GammaParams(shapes, np.exp(mean + log_minus_digamma(shapes)) / shapes)

    def _between(self, theta: GammaParams, p: Array, low: float, high: float) -> Array:
        a = theta.shapes
        after, before = (gammaincc(a, bound / theta.scales) for bound in (low, high))
        above = after + p * (before - after)
        return theta.scales * np.where(
            above < 0.5, gammainccinv(a, above), gammaincinv(a, np.maximum(1 - above, 1e-300))
        )
