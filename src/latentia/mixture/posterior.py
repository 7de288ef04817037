"""What a variational posterior says of rows and of a mixture's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import normal_log_density

from . import errors
from .inference import StandardErrors
from .model import Membership, membership
from .proportions import Proportions
from .variational import VariationalParams, expected_log_weights

if TYPE_CHECKING:
    from .bayesian import BayesianGaussianMixture

Array = NDArray[np.float64]

NOTE = (
    "These are standard deviations of the variational posterior, which takes parameters and "
    "memberships as independent: where components overlap they are too small."
)
FEW = " Components with next to no rows have none: their posterior has no such moments."


def memberships(estimator: BayesianGaussianMixture, X: Any) -> Iterator[Membership]:
    """Of consecutive rows, by E[log weight] and E[log density] (Bishop 2006, eq. 10.46)."""
    check_is_fitted(estimator, ["weight_concentration_", "means_", "precisions_cholesky_"])
    x = errors.validated(estimator, X, reset=False)
    names = getattr(estimator, "feature_names_in_", None)
    errors.require_finite(x, names, type(estimator).__name__)
    structure, params = STRUCTURES[estimator.covariance_type], estimator._params()
    offset = expected_log_weights(params, estimator._prior.proportions)
    precision = np.asarray(estimator.precisions_cholesky_, dtype=np.float64)
    for block in Rows.of(x).blocks():
        z = np.asarray(block.x, dtype=np.float64)
        density = normal_log_density(structure, params.means, precision, z)
        yield membership(density + offset, np.ones(len(offset)))


def deviations(params: VariationalParams, proportions: Proportions, kind: str) -> StandardErrors:
    """Standard deviations, shaped as weights, means and covariances.

    A mean is t-distributed (Bishop 2006, eq. 2.162), a covariance inverse-Wishart (Mardia, Kent
    & Bibby 1979, sec. 3.8; von Rosen 1988); nan where a moment does not exist for want of rows.

    Parameters
    ----------
    params : VariationalParams
    proportions : Proportions
        Prior of the weights.
    kind : str
        The covariance type.

    Returns
    -------
    StandardErrors
    """
    k, d = params.means.shape
    structure = STRUCTURES[kind]
    weights = proportions.moments(params.concentration).deviation
    degrees = np.broadcast_to(params.degrees_of_freedom, (k,))
    written = structure.matrices(params.covariances, k, d)
    scale = degrees[:, None, None] * written
    variances = np.diagonal(scale, axis1=1, axis2=2)
    spare = degrees - d - 1
    means = variances / (params.mean_precision * _positive(spare))[:, None]
    above = spare[:, None, None]
    unit = np.sqrt(variances[:, :, None]) * np.sqrt(variances[:, None, :])
    moment = (above + 2) * (scale / unit) ** 2 + above
    squares = moment / ((above + 1) * above**2 * _positive(above - 2))
    covariances = unit * np.sqrt(squares)
    if not structure.oriented:
        covariances = np.diagonal(covariances, axis1=1, axis2=2)
    if kind == "spherical":
        covariances = covariances[:, 0]
    few = not (np.isfinite(means).all() and np.isfinite(covariances).all())
    return StandardErrors(
        np.zeros(1) if k == 1 else weights,
        np.sqrt(means),
        np.array(covariances[0] if kind == "tied" else covariances),
        NOTE + FEW if few else NOTE,
    )


def _positive(value: Array) -> Array:
    """nan where a moment does not exist."""
    return np.where(value > 0, value, np.nan)
