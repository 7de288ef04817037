"""What q alone gives: its gradient, and its maximum, without touching the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from . import tree
from .chart import Chart
from .model import Model, Suff
from .space import DegenerateError
from .tree import Array, Tree

STEP = 1e-4
"""Of central differences of a score, in coordinates of unit size."""

WIDE_STEP = float(np.finfo(np.float64).eps ** (1 / 5))
"""Of differences of the fourth order, of a sum over all units such as q."""


def chart_score(model: Model[Any, Any], chart: Chart, params: Tree, suff: Suff) -> Array:
    """Gradient of q + log_prior in the chart's coordinates, shape (size,).

    At the parameters that made `suff` this is the score of the observed likelihood (Fisher's
    identity), plus the prior's.
    """
    gradient = model.score(params, suff)
    if gradient is None or model.has_prior:
        return _with_score(model, chart, params, suff, gradient)[1]
    return chart.pull(params, gradient)


def with_score(
    model: Model[Any, Any], chart: Chart, params: Tree, suff: Suff
) -> tuple[Array, Array]:
    """The coordinates of `params`, and the score there as in `chart_score`."""
    return _with_score(model, chart, params, suff, model.score(params, suff))


def _with_score(
    model: Model[Any, Any], chart: Chart, params: Tree, suff: Suff, gradient: Tree | None
) -> tuple[Array, Array]:
    slope = model.prior_score(params) if model.has_prior else None
    if gradient is not None and slope is not None:
        return chart.pack_and_pull(params, tree.transform(np.add, gradient, slope))
    if gradient is None:
        x = chart.pack(params)
        score = gradient_of(lambda x: model.q(chart.unpack(x), suff), x)
    else:
        x, score = chart.pack_and_pull(params, gradient)
    if slope is not None:
        return x, score + chart.pull(params, slope)
    if model.has_prior:
        score = score + gradient_of(lambda x: model.log_prior(chart.unpack(x)), x)
    return x, score


def differences(function: Callable[[Array], Any], x: Array, step: float = STEP) -> Array:
    """Central differences of a function of a vector; a row for each coordinate."""
    if not len(x):
        return np.zeros((0, *np.shape(function(x))))
    rows: list[Any] = []
    for i in range(len(x)):
        ahead, behind = x.copy(), x.copy()
        ahead[i] += step
        behind[i] -= step
        rows.append((function(ahead) - function(behind)) / (ahead[i] - behind[i]))
    return np.array(rows, dtype=np.float64)


def gradient_of(function: Callable[[Array], float], x: Array) -> Array:
    """Fourth-order differences: a sum over many units leaves little room for small steps."""
    fine = differences(function, x, WIDE_STEP)
    return (4 * fine - differences(function, x, 2 * WIDE_STEP)) / 3


def maximise_q(model: Model[Any, Any], suff: Suff, params: Tree) -> Tree:
    """The parameters that maximise q + log_prior, found by L-BFGS in the chart."""
    chart = Chart(model.space, params)
    unit = max(suff.n_units, 1.0)

    def cost(x: Array) -> float:
        try:
            at = chart.unpack(x)
            value = -(model.q(at, suff) + model.log_prior(at)) / unit
        except (DegenerateError, FloatingPointError, np.linalg.LinAlgError):
            return np.inf
        return value if np.isfinite(value) else np.inf

    def slope(x: Array) -> Array:
        return -chart_score(model, chart, chart.unpack(x), suff) / unit

    found: Any = minimize(
        cost,
        np.zeros(chart.size),
        jac=slope,
        method="L-BFGS-B",
        options={"gtol": 1e-10, "ftol": 1e-15, "maxiter": 500},
    )
    better = found.x if found.fun <= cost(np.zeros(chart.size)) else np.zeros(chart.size)
    return chart.unpack(np.asarray(better, dtype=np.float64))
