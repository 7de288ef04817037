"""Inverse Gaussian times: when a Brownian motion with drift first reaches a level."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from latentia.engine.space import Positive

from .cells import counted, first_fault, ratio, summed
from .family import Family
from .shapes import moments, over_cells, refuse_collapse

Array = NDArray[np.float64]

LOG_2PI = float(np.log(2 * np.pi))


class InverseGaussianParams(NamedTuple):
    """Means μ and shapes λ of each component and column, both (K, d); the variance is μ³/λ."""

    means: Array
    shapes: Array


class InverseGaussianStats(NamedTuple):
    """Of each component and column, (K, d), over the cells that are known.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik.
    total : array of shape (K, d)
        sum_i r_ik x_ij.
    inverse : array of shape (K, d)
        sum_i r_ik / x_ij.
    logs : array of shape (K, d)
        sum_i r_ik log x_ij.
    """

    count: Array
    total: Array
    inverse: Array
    logs: Array


@final
class InverseGaussian(Family[InverseGaussianParams, InverseGaussianStats]):
    """Positive numbers with density sqrt(λ / (2πx³)) exp(-λ (x - μ)² / (2μ²x)) (Tweedie 1957).

    Columns are independent given the component; missing cells (nan) are left out.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import InverseGaussian
    >>> times = np.array([[1.0], [2.0], [6.0]])
    >>> family, resp = InverseGaussian(1), np.ones((3, 1))
    >>> params = family.start(times, resp)
    >>> mean, shape = family.m_step(family.stats(params, times, resp), params)
    >>> print(f"{mean[0, 0]:.4f} {shape[0, 0]:.4f}")
    3.0000 4.5000
    """

    takes_missing = True

    def __init__(self, n_components: int, n_features: int = 1) -> None:
        self.n_components, self.n_features = n_components, n_features

    @property
    def space(self) -> InverseGaussianParams:
        means, shapes = (cast(Any, Positive(exchangeable=(0,))) for _ in range(2))
        return InverseGaussianParams(means, shapes)

    def start(self, x: Array, resp: Array) -> InverseGaussianParams:
        with np.errstate(over="ignore", invalid="ignore"):  # of the variances, which are not used
            means, _ = moments(np.asarray(x, dtype=np.float64), resp)
        _, spread = moments(np.log(x), resp)  # log(1 + μ/λ) if the logarithms were normal
        return InverseGaussianParams(means, means / np.expm1(np.clip(spread, 1e-6, 5.0)))

    def log_density(self, params: InverseGaussianParams, x: Array) -> Array:
        means, shapes = params

        def each(j: int, values: Array) -> Array:
            possible = (values > 0) & (values < np.inf)
            t = np.where(possible, values, 1.0)
            with np.errstate(over="ignore"):
                off = shapes[:, j] / t * (t / means[:, j] - 1) ** 2
            made = (np.log(shapes[:, j]) - LOG_2PI - 3 * np.log(t) - off) / 2
            return np.where(possible, made, -np.inf)

        return over_cells(x, each)

    def stats(self, params: InverseGaussianParams, x: Array, resp: Array) -> InverseGaussianStats:
        x = np.asarray(x, dtype=np.float64)
        logs = summed(np.log(x), resp)
        return InverseGaussianStats(counted(x, resp), summed(x, resp), summed(1 / x, resp), logs)

    def m_step(
        self, stats: InverseGaussianStats, params: InverseGaussianParams
    ) -> InverseGaussianParams:
        alive = stats.count > 0
        means = ratio(stats.total, stats.count, params.means)
        gap = ratio(stats.inverse, stats.count, 1 / params.means + 1 / params.shapes) - 1 / means
        with np.errstate(divide="ignore"):
            shapes = np.where(alive, 1 / np.maximum(gap, 0.0), params.shapes)
        refuse_collapse(shapes / means, alive, "shape relative to the mean")
        return InverseGaussianParams(means, shapes)

    def q(self, params: InverseGaussianParams, stats: InverseGaussianStats) -> float:
        means, shapes = params
        constant = stats.count * (np.log(shapes) - LOG_2PI) - 3 * stats.logs
        return float(np.sum(constant - shapes * self._lost(means, stats)) / 2)

    def _lost(self, means: Array, stats: InverseGaussianStats) -> Array:
        """sum_i r_ik (x_ij - μ)² / (μ² x_ij)."""
        return (stats.total / means - 2 * stats.count) / means + stats.inverse

    def score(
        self, params: InverseGaussianParams, stats: InverseGaussianStats
    ) -> InverseGaussianParams:
        means, shapes = params
        in_means = shapes / means * (stats.total / means - stats.count) / means
        in_shapes = (stats.count / shapes - self._lost(means, stats)) / 2
        return InverseGaussianParams(in_means, in_shapes)

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return first_fault(~((x > 0) & (x < np.inf) | np.isnan(x)), "expected a number above 0")

    def cdf(self, params: InverseGaussianParams, x: Array) -> Array:
        """As Shuster (1968) gives it, in logarithms, where a large factor meets a small one."""
        mean, shape = params.means[:, 0], params.shapes[:, 0]
        inside = (x > 0) & (x < np.inf)
        t = np.where(inside, x, 1.0)
        root, share = np.sqrt(shape / t), t / mean
        up, back = log_ndtr(root * (share - 1)), log_ndtr(-root * (share + 1))
        below = np.minimum(np.exp(up) + np.exp(2 * shape / mean + back), 1.0)
        outside = np.where(np.isnan(x), np.nan, np.where(x > 0, 1.0, 0.0))
        return np.where(inside, below, outside)

    def draw(
        self, params: InverseGaussianParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        drawn = rng.wald(params.means[labels], params.shapes[labels])
        return np.maximum(drawn, np.finfo(np.float64).tiny)
