"""Weibull times."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Positive

from .intervals import LIMIT, Standard
from .parabola import LONGEST, Slopes
from .shapes import SHARPEST, refuse_collapse
from .survival import LARGEST, Sums, Survival

Array = NDArray[np.float64]


class WeibullParams(NamedTuple):
    """Shapes k and scales λ of each component and column, both (K, d)."""

    shapes: Array
    scales: Array


@final
class _WeibullSlopes(Slopes):
    """In log k and log λ, where u = (t / λ)^k has log f = log k + log u - log t - u."""

    def coordinates(self, params: WeibullParams) -> Array:
        return np.stack([np.log(params.shapes), np.log(params.scales)], axis=-1)

    def parameters(self, z: Array, counted: Any, params: WeibullParams) -> WeibullParams:
        reached = np.exp(z)
        shapes = np.where(counted, reached[..., 0], params.shapes)
        refuse_collapse(shapes, counted, "shape", SHARPEST**0.5)  # the spread is 1.3 / k
        return WeibullParams(shapes, np.where(counted, reached[..., 1], params.scales))

    def chain(self, params: WeibullParams, gradient: Array) -> WeibullParams:
        return WeibullParams(gradient[..., 0] / params.shapes, gradient[..., 1] / params.scales)

    def of(self, theta: WeibullParams, y: Array) -> Array:
        log_u = _log_u(theta, y)
        excess = np.expm1(log_u)
        return np.stack([1 - excess * log_u, theta.shapes * excess], axis=-1)

    def curvature(self, theta: WeibullParams, y: Array, weight: Array) -> Array:
        """That of the coefficients of log u = k log t - k log λ, in which q is concave.

        In log k and log λ it is the Hessian where the gradient is zero.
        """
        log_u = _log_u(theta, y)
        heavy, k = weight * np.exp(log_u), theta.shapes[:, 0]
        own = np.einsum("mkn->k", heavy * log_u**2 + weight)
        cross, scale = -k * np.einsum("mkn->k", heavy * log_u), k**2 * np.einsum("mkn->k", heavy)
        return np.stack([np.stack([own, cross], -1), np.stack([cross, scale], -1)], -1)

    def longest(self, params: WeibullParams) -> Array:
        wide = LONGEST * np.maximum(1.0, 1 / params.shapes)
        return np.stack([np.full(wide.shape, LONGEST), wide], axis=-1)


def _log_u(theta: WeibullParams, y: Array) -> Array:
    return np.minimum(theta.shapes * (y - np.log(theta.scales)), LIMIT)


@final
class Weibull(Survival[WeibullParams]):
    """Times with density (k/λ) (t/λ)^(k-1) exp(-(t/λ)^k).

    The distribution is that of Johnson, Kotz & Balakrishnan (1994, ch. 21). Columns are
    independent given the component. The M-step is a Newton step, since the likelihood sums t^k
    over the rows. Parameters of `Survival` apply.

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
    Weeks of remission, of which three had not ended when they were last looked at:

    >>> import numpy as np
    >>> from latentia import EM
    >>> from latentia.data.arrays import Rows
    >>> from latentia.families import Weibull
    >>> from latentia.mixture import MixtureModel
    >>> weeks = np.array([6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 9.0, 20.0, 35.0])
    >>> ended = np.arange(9) < 6
    >>> rows = Rows.of(np.stack([weeks, np.where(ended, weeks, np.inf)], axis=1))
    >>> one = lambda rows, rng: [np.ones((len(rows), 1))]
    >>> fit = EM(tol=1e-9).fit(MixtureModel(Weibull(1, censored=True), 1, one), rows)
    >>> shape, scale = (float(leaf[0, 0]) for leaf in fit.params.components)
    >>> print(f"{shape:.4f} {scale:.4f}")
    1.5974 21.5397
    """

    @property
    def space(self) -> WeibullParams:
        return WeibullParams(*(cast(Any, Positive(exchangeable=(0,))) for _ in range(2)))

    @property
    def _sums(self) -> Sums | None:
        return None

    @property
    def _slopes(self) -> Slopes | None:
        return _WeibullSlopes()

    def _standard(self, theta: WeibullParams) -> Standard:
        return Standard(np.log(theta.scales), 1 / theta.shapes, np.ones(theta.shapes.shape))

    def _log_pdf(self, theta: WeibullParams, t: Array) -> Array:
        log_t = np.log(t)
        log_u = theta.shapes * (log_t - np.log(theta.scales))
        hazard = np.exp(np.minimum(log_u, LARGEST))
        return np.log(theta.shapes) + log_u - log_t - hazard

    def _begin(self, mean: Array, variance: Array) -> WeibullParams:
        shapes = np.pi / np.sqrt(6 * variance)
        return WeibullParams(shapes, np.exp(mean + np.euler_gamma / shapes))

    def _between(self, theta: WeibullParams, p: Array, low: float, high: float) -> Array:
        first, last = ((bound / theta.scales) ** theta.shapes for bound in (low, high))
        hazard = first - np.log1p(p * np.expm1(first - last))
        return theta.scales * hazard ** (1 / theta.shapes)
