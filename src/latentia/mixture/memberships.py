"""What a fitted mixture says of rows: their components and densities, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import normal_log_density

from . import errors
from .model import Membership, entropy, membership

if TYPE_CHECKING:
    from .estimator import GaussianMixture

Array = NDArray[np.float64]


class Sums(NamedTuple):
    """Log-likelihood of some rows, their number, and the entropy of their memberships."""

    loglik: float
    n: int
    entropy: float


def given(mixture: GaussianMixture, X: Any) -> Any:
    """Rows that the user gives, checked against what was fitted."""
    check_is_fitted(mixture, ["weights_", "means_", "precisions_cholesky_"])
    x = errors.validated(mixture, X, reset=False)
    errors.require_finite(x, getattr(mixture, "feature_names_in_", None))
    return x


def in_blocks(mixture: GaussianMixture, x: Any) -> Iterator[Membership]:
    """Of consecutive rows, from the public attributes alone, which a user may have set."""
    means = np.asarray(mixture.means_, dtype=np.float64)
    precision = np.asarray(mixture.precisions_cholesky_, dtype=np.float64)
    weights = np.asarray(mixture.weights_, dtype=np.float64)
    structure = STRUCTURES[mixture.covariance_type]
    for block in Rows.of(x).blocks():
        z = np.asarray(block.x, dtype=np.float64)
        yield membership(normal_log_density(structure, means, precision, z), weights)


def labels(mixture: GaussianMixture, X: Any) -> NDArray[np.int64]:
    """The most probable component of each row, shape (n,)."""
    x = given(mixture, X)
    return np.concatenate([known.resp.argmax(axis=1) for known in in_blocks(mixture, x)])


def probabilities(mixture: GaussianMixture, X: Any) -> Array:
    """The probability of each component for each row, shape (n, K)."""
    x = given(mixture, X)
    return np.concatenate([known.resp for known in in_blocks(mixture, x)])


def log_densities(mixture: GaussianMixture, X: Any) -> Array:
    """The log-likelihood of each row, shape (n,)."""
    x = given(mixture, X)
    return np.concatenate([known.log_density for known in in_blocks(mixture, x)])


def sums(mixture: GaussianMixture, X: Any) -> Sums:
    """What information criteria are made of."""
    x = given(mixture, X)
    loglik = mixed = 0.0
    for log_density, resp in in_blocks(mixture, x):
        loglik += float(log_density.sum())
        mixed += entropy(resp, np.ones(len(resp)))
    return Sums(loglik, len(x), mixed)
