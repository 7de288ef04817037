"""Regressions of positive amounts: gamma with a logarithmic link."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Coefficients, Positive

from ..cells import ratio
from ..counts import deviance
from ..parabola import Parabola, gradient, height
from ..predictor import Basis, reach, steps
from ..shapes import gamma_shape, log_gamma_rest, log_minus_digamma, refuse_collapse
from .family import Regression, design, grams, least_squares, predictors, with_pooled
from .outcome import LARGEST

Array = NDArray[np.float64]


class GammaRegressionParams(NamedTuple):
    """Coefficients of log E[y], (K, p), and shapes (K,), or (1,) if components share it."""

    coefficients: Array
    shapes: Array


class GammaRegressionStats(NamedTuple):
    """What q is made of, of each component.

    Attributes
    ----------
    loss : Parabola
        sum_i r_ik (1 + log(y_i / μ_ik) - y_i / μ_ik) as a quadratic in the coefficients, in the
        basis: (K,), (K, p), (K, p, p).
    last : array of shape (K,)
        The same at the parameters that made the statistics, exactly.
    logs : array of shape (K,)
        sum_i r_ik log y_i.
    gram : array of shape (K, p, p)
        sum_i r_ik x_i x_i'.
    count : array of shape (K,)
        sum_i r_ik.
    """

    loss: Parabola
    last: Array
    logs: Array
    gram: Array
    count: Array


@final
class GammaRegression(Regression[GammaRegressionParams, GammaRegressionStats]):
    """y > 0, gamma with mean exp(x'β_k + offset) and shape a_k: var y = mean² / a_k.

    After McCullagh & Nelder (1989, ch. 8), with their logarithmic link. The M-step is a Newton
    step in the coefficients, and in the shapes exact given these.

    Parameters
    ----------
    n_components : int
    n_features : int
        Columns of the design; an offset and the response follow them.
    shared : bool, default=False
        Whether all components have one shape.
    basis : Basis, optional
        Of the design; the columns as they are by default.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families.regression import GammaRegression
    >>> family = GammaRegression(1, 1)
    >>> family.fault(np.array([[1.0, 0.0, 2.5], [1.0, 0.0, 0.0]]))
    (1, 2, 'expected a positive number')
    """

    m_step_exact = False

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        shared: bool = False,
        basis: Basis | None = None,
    ) -> None:
        self.n_components, self.n_features, self.shared = n_components, n_features, shared
        self.basis = Basis.plain(n_features) if basis is None else basis

    @property
    def space(self) -> GammaRegressionParams:
        lines = Coefficients(self.basis.columns, exchangeable=(0,))
        shapes = Positive(exchangeable=() if self.shared else (0,))
        return GammaRegressionParams(cast(Any, lines), cast(Any, shapes))

    def start(self, x: Array, resp: Array) -> GammaRegressionParams:
        rows = design(x, self.n_features) @ self.basis.columns
        lines = least_squares(rows, self.on_scale(x), resp)
        ones = np.ones(1 if self.shared else self.n_components)
        params, mixed = GammaRegressionParams(self.basis.out(lines), ones), with_pooled(resp)
        off = self._log_ratio(params, x)
        gap = ratio((mixed * (np.expm1(off) - off)).sum(axis=0), mixed.sum(axis=0), np.ones(1))
        gap = np.maximum(gap, 1e-6)
        if self.shared:
            gap = np.array([gap.mean()])
        return params._replace(shapes=gamma_shape(gap))

    def _log_ratio(self, params: GammaRegressionParams, x: Array) -> Array:
        """log(y / μ), (n, K)."""
        logs = np.log(np.asarray(x[:, -1, None], dtype=np.float64))
        return np.clip(logs - predictors(params.coefficients, x), -LARGEST, LARGEST)

    def log_density(self, params: GammaRegressionParams, x: Array) -> Array:
        y, shapes = np.asarray(x[:, -1, None], dtype=np.float64), params.shapes
        possible = (y > 0) & np.isfinite(y)
        known = np.where(possible, y, 1.0)
        off = np.clip(np.log(known) - predictors(params.coefficients, x), -LARGEST, LARGEST)
        made = log_gamma_rest(shapes) - deviance(shapes, shapes * np.exp(off)) - np.log(known)
        return np.where(possible, made, -np.inf)

    def stats(self, params: GammaRegressionParams, x: Array, resp: Array) -> GammaRegressionStats:
        rows = design(x, self.n_features) @ self.basis.columns
        off = self._log_ratio(params, x)
        excess = np.expm1(off)
        last = (resp * (off - excess)).sum(axis=0)
        gram = grams(rows, resp)
        loss = Parabola.around(
            self.basis.into(params.coefficients), last, (resp * excess).T @ rows, gram
        )
        logs = np.log(np.asarray(x[:, -1], dtype=np.float64))
        return GammaRegressionStats(loss, last, resp.T @ logs, gram, resp.sum(axis=0))

    def m_step(
        self, stats: GammaRegressionStats, params: GammaRegressionParams
    ) -> GammaRegressionParams:
        step = steps(stats.loss, self.basis.into(params.coefficients), stats.gram)
        step *= reach(step, stats.gram, stats.count)[:, None]
        lost, count = -stats.last, stats.count
        if self.shared:
            lost, count = lost.sum(keepdims=True), count.sum(keepdims=True)
        alive = count > 0
        shapes = gamma_shape(np.where(alive, ratio(lost, count, np.ones(1)), 1.0))
        shapes = np.where(alive, shapes, params.shapes)
        refuse_collapse(shapes, alive, "shape")
        return GammaRegressionParams(params.coefficients + self.basis.out(step), shapes)

    def q(self, params: GammaRegressionParams, stats: GammaRegressionStats) -> float:
        loss = height(stats.loss, self.basis.into(params.coefficients))
        each = stats.count * log_gamma_rest(params.shapes) + params.shapes * loss - stats.logs
        return float(each.sum())

    def score(
        self, params: GammaRegressionParams, stats: GammaRegressionStats
    ) -> GammaRegressionParams:
        at = self.basis.into(params.coefficients)
        in_lines = self.basis.chain(gradient(stats.loss, at))
        in_lines = in_lines * np.broadcast_to(params.shapes, stats.count.shape)[:, None]
        in_shapes = stats.count * log_minus_digamma(params.shapes) + height(stats.loss, at)
        if self.shared:
            in_shapes = in_shapes.sum(keepdims=True)
        return GammaRegressionParams(in_lines, in_shapes)

    def mean(self, params: GammaRegressionParams, given: Array) -> Array:
        return np.exp(np.clip(predictors(params.coefficients, given), -LARGEST, LARGEST))

    def response(
        self, params: GammaRegressionParams, given: Array, rng: np.random.Generator
    ) -> Array:
        mean = self.mean(params, given)
        shapes = np.broadcast_to(params.shapes, mean.shape)
        return np.maximum(rng.gamma(shapes, mean / shapes), np.finfo(np.float64).tiny)

    def on_scale(self, x: Array) -> Array:
        return np.asarray(np.log(x[:, -1]) - x[:, self.n_features], dtype=np.float64)

    def wrong(self, x: Array) -> tuple[NDArray[np.bool_], str]:
        y = x[:, -1]
        return ~((y > 0) & np.isfinite(y)), "expected a positive number"
