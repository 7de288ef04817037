"""The components of a fitted Gaussian mixture: their covariances, rows drawn, how thin they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentia.families.covariance import STRUCTURES, Covariance, written_out

if TYPE_CHECKING:
    from .normal import NormalMixtureEstimator

Array = NDArray[np.float64]


def shown(
    covariance_type: str, covariances: Array, n_components: int, n_features: int
) -> tuple[Covariance, Array]:
    """Covariances as they are handed on, given as they are fitted, and the structure that has."""
    structure = written_out(covariance_type)
    fitted = STRUCTURES[covariance_type]
    if structure is not fitted:
        covariances = fitted.matrices(covariances, n_components, n_features)
    return structure, covariances


def draw(mixture: NormalMixtureEstimator, n: int, rng: Any) -> tuple[Array, NDArray[np.int64]]:
    """Rows from a fitted mixture, (n, d), and the component of each; sorted by component.

    `rng` is a NumPy RandomState, as scikit-learn's `check_random_state` gives it.
    """
    structure = written_out(mixture.covariance_type)
    weights = np.asarray(mixture.weights_, dtype=np.float64)
    box = mixture.noise_box_
    every = weights if box is None else np.append(weights, mixture.noise_weight_)
    counts = rng.multinomial(n, every / every.sum())
    covariances = structure.each(np.asarray(mixture.covariances_), len(weights))
    drawn = [
        structure.draw(rng, mean, covariance, int(count))
        for mean, covariance, count in zip(mixture.means_, covariances, counts, strict=False)
    ]
    names = np.arange(len(weights))
    if box is not None:
        drawn.append(box.draw(int(counts[-1]), rng))
        names = np.append(names, -1)
    return np.vstack(drawn), np.repeat(names, counts)


def thinnest(weights: Any, matrices: Any) -> float:
    """The smallest eigenvalue of any covariance relative to their weighted mean."""
    matrices = np.asarray(matrices, dtype=np.float64)
    pooled = np.einsum("k,kij->ij", np.asarray(weights, dtype=np.float64), matrices)
    white = np.linalg.inv(np.linalg.cholesky(pooled))
    return float(np.linalg.eigvalsh(white @ matrices @ white.T).min())
