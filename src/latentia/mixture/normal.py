"""What fitted mixtures of normal components share: their covariances, and rows drawn from them."""

from __future__ import annotations

from abc import ABC
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from latentia.families.covariance import written_out
from latentia.families.noise import Box

from . import components, errors
from .base import MixtureEstimator

Array = NDArray[np.float64]


class NormalMixtureEstimator(MixtureEstimator, ABC):
    """A mixture of normal components, as scikit-learn sees it.

    Attributes
    ----------
    covariance_type : str
        A parameter of every leaf.
    weights_ : array of shape (K,)
    means_ : array of shape (K, d)
    covariances_, precisions_, precisions_cholesky_ : array
        In the shape of the covariance type.
    noise_box_ : Box or None
        Where noise is uniform; None where there is none.
    noise_weight_ : float
        The share of noise; only where there is some.
    """

    covariance_type: str
    weights_: NDArray[Any]
    means_: NDArray[Any]
    covariances_: NDArray[Any]
    precisions_: NDArray[Any]
    precisions_cholesky_: NDArray[Any]
    noise_box_: Box | None = None
    noise_weight_: float

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.int64]]:
        """Draw rows from the fitted mixture of `weights_`, `means_` and `covariances_`.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, d)
        y : array of shape (n_samples,)
            The component of each row, -1 of noise; rows come sorted by it, noise last.
        """
        check_is_fitted(self, ["weights_", "means_", "covariances_"])
        errors.require_draws(n_samples)
        return components.draw(self, n_samples, check_random_state(self.random_state))

    def covariance_matrices(self) -> Array:
        """The covariance of every component written out, shape (K, d, d)."""
        check_is_fitted(self, ["means_", "covariances_"])
        structure = written_out(self.covariance_type)
        return np.array(structure.matrices(np.asarray(self.covariances_), *self.means_.shape))

    def smallest_variance(self) -> float:
        """The thinnest component's least variance as a share of the pooled covariance.

        The smallest eigenvalue of any component's covariance relative to their weighted mean.
        Below a thousandth, a component sits on a few rows that nearly coincide, and its
        likelihood says little (Day 1969; McLachlan & Peel 2000, sec. 3.10).
        """
        check_is_fitted(self, ["weights_", "covariances_"])
        return components.thinnest(self.weights_, self.covariance_matrices())
