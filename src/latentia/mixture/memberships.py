"""What a fitted mixture says of rows, gathered from what is known of blocks of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from latentia.data.arrays import Rows
from latentia.families import incomplete, making
from latentia.families.covariance import written_out
from latentia.families.gaussian import normal_log_density

from . import errors, noise
from .model import Membership, entropy, membership

if TYPE_CHECKING:
    from .estimator import GaussianMixture
    from .general import Mixture

Array = NDArray[np.float64]


class Sums(NamedTuple):
    """Log-likelihood of some rows, their number, and the entropy of their memberships."""

    loglik: float
    n: int
    entropy: float


def of_gaussian(mixture: GaussianMixture, X: Any) -> Iterator[Any]:
    """Of consecutive rows, from the public attributes alone, which a user may have set."""
    check_is_fitted(mixture, ["weights_", "means_", "precisions_cholesky_"])
    x = errors.validated(mixture, X, reset=False)
    names, box = getattr(mixture, "feature_names_in_", None), mixture.noise_box_
    whose = "GaussianMixture" if box is None else "noise"
    errors.require_finite(x, names, whose, holes=box is None)
    means = np.asarray(mixture.means_, dtype=np.float64)
    precision = np.asarray(mixture.precisions_cholesky_, dtype=np.float64)
    weights = np.asarray(mixture.weights_, dtype=np.float64)
    structure = written_out(mixture.covariance_type)
    for block in Rows.of(x).blocks():
        z = np.asarray(block.x, dtype=np.float64)
        if np.isnan(z).any():
            precisions = structure.matrices(structure.inverse(precision), *means.shape)
            covariances = np.asarray(np.linalg.inv(precisions), dtype=np.float64)
            made = incomplete.log_density(z, means, covariances)
        else:
            made = normal_log_density(structure, means, precision, z)
        if box is None:
            yield membership(made, weights)
        else:
            level = np.full(len(z), -box.log_volume)
            every = np.append(weights, mixture.noise_weight_)
            yield noise.told(membership(np.column_stack([made, level]), every))


def of_family(mixture: Mixture, X: Any) -> Iterator[Membership]:
    """Of consecutive rows; of one that no component could make nothing is known."""
    model, params = mixture._fitted_model(), mixture._params()
    x = errors.validated(mixture, X, reset=False)
    names = getattr(mixture, "feature_names_in_", None)
    errors.require_possible(x, names, making.pieces(mixture.family_, range(x.shape[1])))
    for block in Rows.of(x).blocks():
        known = model.posterior(params, block)
        nowhere = ~np.isfinite(known.log_density)[:, None]  # such a row tells nothing
        yield known._replace(resp=np.where(nowhere, params.weights, known.resp))


Known = Iterator[Membership | noise.NoisyMembership]


def labels(known: Known) -> NDArray[np.int64]:
    """The most probable component of each row, shape (n,); -1 where noise is."""
    return np.concatenate([_labels(block) for block in known])


def _labels(block: Membership | noise.NoisyMembership) -> NDArray[np.int64]:
    most = block.resp.argmax(axis=1)
    if isinstance(block, noise.NoisyMembership):
        return np.where(block.noise > block.resp.max(axis=1), -1, most)
    return most


def probabilities(known: Known) -> Array:
    """The probability of each component for each row, shape (n, K)."""
    return np.concatenate([block.resp for block in known])


def log_densities(known: Known) -> Array:
    """The log-likelihood of each row, shape (n,)."""
    return np.concatenate([block.log_density for block in known])


def as_precise(values: Array, X: Any, parameters: Any) -> NDArray[np.floating[Any]]:
    """In single precision where rows and parameters are, as scikit-learn has it."""
    kinds = {str(kind).lower() for kind in getattr(X, "dtypes", [getattr(X, "dtype", "")])}
    single = kinds == {"float32"} and getattr(parameters, "dtype", None) == np.float32
    return values.astype(np.float32) if single else values


def sums(known: Known) -> Sums:
    """What information criteria are made of."""
    loglik = mixed = 0.0
    n = 0
    for block in known:
        once = np.ones(len(block.resp))
        loglik += float(block.log_density.sum())
        mixed += entropy(block.resp, once)
        if isinstance(block, noise.NoisyMembership):
            mixed += entropy(block.noise[:, None], once)
        n += len(once)
    return Sums(loglik, n, mixed)
