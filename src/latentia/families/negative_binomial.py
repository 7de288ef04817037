"""Negative binomial counts by mean and dispersion, with the Poisson as an ordinary point."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, digamma, gammaincc, xlogy

from latentia.engine.space import Interval, Positive

from .cells import (
    counted,
    distinct,
    ratio,
    shrunk,
    slope,
    spread_over,
    summed,
)
from .counts import count_fault, deviance, log_factorial_rest, over_counts, stirling_error
from .family import Family

Array = NDArray[np.float64]

NEARLY_POISSON = 0.02
"""Below this excess of the variance, in means, a dispersion may go to zero in one step."""

_SMALLEST = 1e-300
_LARGE = 16.0
_DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760)


class NegativeBinomialParams(NamedTuple):
    """Means and dispersions of each component and column, both (K, d).

    The variance is mean + dispersion * mean²; at dispersion 0 the counts are Poisson.
    """

    means: Array
    dispersions: Array


class NegativeBinomialStats(NamedTuple):
    """Of each component and column, (K, d), at the parameters μ, α that made them.

    Attributes
    ----------
    count : array of shape (K, d)
        sum_i r_ik / (1 + αμ), which makes the score in the mean.
    total : array of shape (K, d)
        sum_i r_ik x_ij / (1 + αμ).
    slope : array of shape (K, d)
        The score in the dispersion, plus curvature times α.
    curvature : array of shape (K, d)
        sum_i r_ik s_i² of the scores s_i in the dispersion.
    constant : array of shape (K, d)
        What makes q the log-likelihood at these parameters.
    """

    count: Array
    total: Array
    slope: Array
    curvature: Array
    constant: Array


def log_probability(x: Array, mean: Array, dispersion: Array) -> Array:
    """log P(x), broadcast; nothing cancels from dispersion 0 (1 / dispersion = ∞) upwards."""
    size = 1 / np.maximum(dispersion, _SMALLEST)
    n = x + size
    made = -deviance(x, mean * (n / (size + mean))) - log_factorial_rest(x)
    below = (mean - x) / n
    near = below > -0.5  # further off the ratio may round to nothing, but not in its logarithm
    ratio = np.where(near, np.log1p(np.where(near, below, 0.0)), np.log((size + mean) / n))
    made -= size * ratio - (mean - x) * (size / (size + mean))
    return made + stirling_error(n) - stirling_error(size) - np.log1p(x / size) / 2


def score_in_dispersion(x: Array, mean: Array, dispersion: Array) -> Array:
    """The derivative of `log_probability`; ((x - mean)² - x) / 2 at dispersion 0."""
    grown = 1 + dispersion * x
    off = (mean - x) / grown
    size = 1 / np.maximum(dispersion, _SMALLEST)
    far = np.minimum(size, _LARGE)
    direct = far**2 * (_digamma_rest(x + far) - _digamma_rest(far))
    wide, share = np.maximum(size, _LARGE), np.log1p(x / np.maximum(size, _LARGE))
    series = sum(
        c * wide ** (-2.0 * k) * np.expm1(-2 * (k + 1) * share) for k, c in enumerate(_DIGAMMA)
    )
    rest = np.where(size < _LARGE, direct, series)
    return off**2 * _second_order(dispersion * off) - x / (2 * grown) - rest


def _digamma_rest(z: Array) -> Array:
    """ψ(z) - log z + 1 / (2z), the derivative of the error of Stirling's formula."""
    return digamma(z) - np.log(z) + 1 / (2 * z)


def _second_order(v: Array) -> Array:
    """(log(1 + v) - v / (1 + v)) / v² for v > -1, and 1/2 at 0."""
    small = np.abs(v) < 0.05
    near, far = np.where(small, v, 0.0), np.where(small, 1.0, v)
    k = np.arange(2, 16)
    series = np.polynomial.polynomial.polyval(near, (-1.0) ** k * (k - 1) / k)
    return np.where(small, series, (np.log1p(far) - far / (1 + far)) / far**2)


@final
class NegativeBinomial(Family[NegativeBinomialParams, NegativeBinomialStats]):
    """Counts more variable than Poisson ones: var = μ + αμ² (Lawless 1987).

    Columns are independent given the component; missing cells (nan) are left out. The dispersion
    α = 1 / size is charted from 0, where the counts are Poisson. The M-step is exact in the
    means; in the dispersions it is a Newton step with the outer product of the scores.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of columns.

    Examples
    --------
    Accidents of 647 women in munition factories (Greenwood & Yule 1920):

    >>> import numpy as np
    >>> from latentia import EM
    >>> from latentia.data.arrays import Rows
    >>> from latentia.families import NegativeBinomial
    >>> from latentia.mixture import MixtureModel
    >>> accidents = Rows.of(np.arange(6), [447, 132, 42, 21, 3, 2])
    >>> one = MixtureModel(NegativeBinomial(1), 1, lambda rows, rng: [np.ones((len(rows), 1))])
    >>> fit = EM(tol=1e-9).fit(one, accidents, rng=0)
    >>> mean, dispersion = (float(leaf[0, 0]) for leaf in fit.params.components)
    >>> print(f"{mean:.4f} {1 / dispersion:.4f}")
    0.4652 0.8651
    """

    m_step_exact = False
    takes_missing = True

    def __init__(self, n_components: int, n_features: int = 1) -> None:
        self.n_components, self.n_features = n_components, n_features

    @property
    def space(self) -> NegativeBinomialParams:
        means, dispersions = Positive(exchangeable=(0,)), Interval(0.0, exchangeable=(0,))
        return NegativeBinomialParams(cast(Any, means), cast(Any, dispersions))

    def start(self, x: Array, resp: Array) -> NegativeBinomialParams:
        x = np.asarray(x, dtype=np.float64)
        count = counted(x, resp)
        means = shrunk(summed(x, resp), count)
        variances = shrunk(summed(x**2, resp), count) - means**2
        moment = (variances - means) / means**2
        return NegativeBinomialParams(means, np.clip(moment, 0.05 / (1 + means), 20.0))

    def log_density(self, params: NegativeBinomialParams, x: Array) -> Array:
        def each(j: int, counts: Array) -> Array:
            return log_probability(counts, params.means[:, j], params.dispersions[:, j])

        return over_counts(x, each)

    def stats(self, params: NegativeBinomialParams, x: Array, resp: Array) -> NegativeBinomialStats:
        x = np.asarray(x, dtype=np.float64)
        means, dispersions = params
        share = 1 / (1 + dispersions * means)
        count, total = share * counted(x, resp), share * summed(x, resp)
        height, score, squares = (np.empty(means.shape) for _ in range(3))
        for j in range(x.shape[1]):
            values, where = distinct(x[:, j])
            known = ~np.isnan(values)
            weight = spread_over(where, resp, len(values))[known]
            value = values[known, None]
            slopes = score_in_dispersion(value, means[:, j], dispersions[:, j])
            logs = log_probability(value, means[:, j], dispersions[:, j])
            height[:, j] = np.where(weight > 0, weight * logs, 0.0).sum(axis=0)
            score[:, j], squares[:, j] = (weight * slopes).sum(axis=0), (weight * slopes**2).sum(0)
        made = NegativeBinomialStats(
            count, total, score + squares * dispersions, squares, np.zeros(means.shape)
        )
        return made._replace(constant=height - self._height(params, made))

    def _height(self, params: NegativeBinomialParams, stats: NegativeBinomialStats) -> Array:
        means, alpha = params
        parabola = stats.slope * alpha - stats.curvature * alpha**2 / 2
        return stats.constant + xlogy(stats.total, means) - stats.count * means + parabola

    def m_step(
        self, stats: NegativeBinomialStats, params: NegativeBinomialParams
    ) -> NegativeBinomialParams:
        old = params.dispersions
        means = ratio(stats.total, stats.count, params.means)
        new = ratio(stats.slope, stats.curvature, old)
        below = np.where(old * (1 + means) < NEARLY_POISSON, 0.0, old / 4)
        new = np.where(new > 0, np.minimum(new, old + np.maximum(3 * old, 1 / (1 + means))), below)
        return NegativeBinomialParams(means, new)

    def q(self, params: NegativeBinomialParams, stats: NegativeBinomialStats) -> float:
        return float(self._height(params, stats).sum())

    def score(
        self, params: NegativeBinomialParams, stats: NegativeBinomialStats
    ) -> NegativeBinomialParams:
        in_means = slope(stats.total, params.means) - stats.count
        return NegativeBinomialParams(in_means, stats.slope - stats.curvature * params.dispersions)

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return count_fault(x)

    def cdf(self, params: NegativeBinomialParams, x: Array) -> Array:
        mean, dispersion = params.means[:, 0], params.dispersions[:, 0]
        n = np.maximum(np.floor(x), 0.0) + 1
        size = 1 / np.maximum(dispersion, _SMALLEST)
        below = np.where(
            dispersion > 0, betaincc(n, size, mean / (size + mean)), gammaincc(n, mean)
        )
        return np.where(x < 0, 0.0, below)

    def draw(
        self, params: NegativeBinomialParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        means, dispersions = (leaf[labels] for leaf in params)
        size = 1 / np.maximum(dispersions, 1e-12)
        rates = np.where(dispersions > 1e-12, rng.gamma(size, means / size), means)
        return rng.poisson(rates).astype(np.float64)
