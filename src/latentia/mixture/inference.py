"""Standard errors and intervals of a Gaussian mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from latentia.data.arrays import Rows, RowSource
from latentia.engine import inference as engine
from latentia.estimator import Estimate, feature_names

from .model import MixtureModel, MixtureParams

if TYPE_CHECKING:
    from .estimator import GaussianMixture

Array = NDArray[np.float64]


class StandardErrors(NamedTuple):
    """Standard errors, shaped like the parameters.

    Attributes
    ----------
    weights : array of shape (K,)
    means : array of shape (K, d)
    covariances : array in the shape of the covariance type
    note : str
        Why something is missing; empty where all is well.
    """

    weights: Array
    means: Array
    covariances: Array
    note: str


def standard_errors(
    model: MixtureModel,
    rows: Rows,
    params: MixtureParams,
    method: str = "oakes",
    **asked: Any,
) -> StandardErrors:
    """Standard errors at `params` by any method of the engine.

    `asked` is what that takes besides: the backend, and the settings of the bootstraps.
    """
    found = engine.standard_errors(model, RowSource(rows), params, method, **asked)
    weights, (means, covariances) = found.errors
    if len(weights) == 1:
        weights = np.zeros(1)  # it is 1 by definition
    return StandardErrors(weights, means, covariances, found.note)


def table(estimator: GaussianMixture, level: float) -> list[Estimate]:
    """All parameters, a row each; components are numbered as `predict` numbers them.

    Intervals are Wald's: on the logit scale for weights, the log scale for variances, and the
    parameter's own for the rest, so that none leaves its range.
    """
    if not 0 < level < 1:
        raise ValueError(f"got level={level!r}, expected a number between 0 and 1")
    z = float(norm.ppf((1 + level) / 2))
    se = estimator.standard_errors()
    k, d = estimator.means_.shape
    columns = feature_names(estimator, d)
    rows: list[Estimate] = []
    for i in range(k):
        w = float(estimator.weights_[i])
        rows.append(_on_logit(f"weight[{i}]", w, float(se.weights[i]), z))
    for i in range(k):
        for j in range(d):
            name = f"mean[{i}, {columns[j]}]"
            rows.append(_on_line(name, estimator.means_[i, j], se.means[i, j], z))
    for name, value, error, diagonal in _covariance_rows(estimator, se.covariances, columns):
        rows.append((_on_log if diagonal else _on_line)(name, value, error, z))
    return rows


def _covariance_rows(
    estimator: GaussianMixture, se: Array, columns: Sequence[str]
) -> list[tuple[str, float, float, bool]]:
    value = np.asarray(estimator.covariances_)
    kind, (k, d) = estimator.covariance_type, estimator.means_.shape
    out: list[tuple[str, float, float, bool]] = []
    if kind == "spherical":
        return [(f"variance[{i}]", value[i], se[i], True) for i in range(k)]
    if kind == "diag":
        return [
            (f"variance[{i}, {columns[j]}]", value[i, j], se[i, j], True)
            for i in range(k)
            for j in range(d)
        ]
    matrices = (
        [("", value, se)] if kind == "tied" else [(f"{i}, ", value[i], se[i]) for i in range(k)]
    )
    for prefix, matrix, error in matrices:
        for a in range(d):
            out.append((f"variance[{prefix}{columns[a]}]", matrix[a, a], error[a, a], True))
        for a in range(d):
            for b in range(a):
                name = f"covariance[{prefix}{columns[b]}, {columns[a]}]"
                out.append((name, matrix[a, b], error[a, b], False))
    return out


def _on_line(name: str, value: float, se: float, z: float) -> Estimate:
    value, se = float(value), float(se)
    return Estimate(name, value, se, value - z * se, value + z * se)


def _on_log(name: str, value: float, se: float, z: float) -> Estimate:
    value, se = float(value), float(se)
    factor = float(np.exp(z * se / value))
    return Estimate(name, value, se, value / factor, value * factor)


def _on_logit(name: str, value: float, se: float, z: float) -> Estimate:
    if not 0 < value < 1:
        return Estimate(name, value, se, float("nan"), float("nan"))
    centre = np.log(value / (1 - value))
    half = z * se / (value * (1 - value))
    lower, upper = (float(1 / (1 + np.exp(-(centre + side * half)))) for side in (-1, 1))
    return Estimate(name, value, se, lower, upper)
