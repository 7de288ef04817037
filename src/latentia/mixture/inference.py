"""Standard errors and intervals of a Gaussian mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.estimator import Estimate, feature_names
from latentia.families.covariance import STRUCTURES, written_out
from latentia.families.gaussian import GaussianParams

from . import parameters
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
    """Standard errors at `params`, with what `parameters.standard_errors` takes."""
    found = parameters.standard_errors(model, RowSource(rows), params, method, **asked)
    weights, (means, covariances), note = found
    return StandardErrors(weights, means, covariances, note)


def table(estimator: GaussianMixture, level: float) -> list[Estimate]:
    """All parameters, a row each, by `parameters.table`."""
    weights, means, covariances, _ = estimator.standard_errors()
    kind = estimator.covariance_type
    if STRUCTURES[kind] is not written_out(kind):
        covariances = STRUCTURES[kind].of_matrices(covariances)
    return parameters.table(
        estimator._model(estimator._frame),
        estimator._params(),
        MixtureParams(weights, GaussianParams(means, covariances)),
        feature_names(estimator, len(estimator._frame.origin)),
        level,
    )
