"""The densities of classes, each a Gaussian mixture, and Bayes' rule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import normal_log_density

Array = NDArray[np.float64]


class ClassDensities(NamedTuple):
    """p(x, c) = prior_c sum_k w_ck N(x; m_ck, S_ck), the components of all classes in one row.

    Attributes
    ----------
    priors : array of shape (C,)
        How likely each class is.
    counts : array of int, shape (C,)
        Components of each class; those of the first class come first.
    weights : array of shape (K,)
        Of the components, with the sum 1 in each class; K is the sum of `counts`.
    means : array of shape (K, d)
    covariances : array of shape (K, d, d)

    Examples
    --------
    >>> import numpy as np
    >>> far = ClassDensities(
    ...     np.array([0.5, 0.5]),
    ...     np.array([1, 1]),
    ...     np.ones(2),
    ...     np.array([[0.0], [9.0]]),
    ...     np.ones((2, 1, 1)),
    ... )
    >>> far.log_joint(np.array([[1.0]])).argmax()
    np.int64(0)
    """

    priors: Array
    counts: NDArray[np.int64]
    weights: Array
    means: Array
    covariances: Array

    def log_joint(self, x: Array) -> Array:
        """log p(x_i, c) of rows x (n, d), shape (n, C)."""
        full = STRUCTURES["full"]
        components = normal_log_density(full, self.means, full.precision(self.covariances), x)
        with np.errstate(divide="ignore"):
            components += np.log(self.weights)
            priors = np.log(self.priors)
        parts = np.split(components, np.cumsum(self.counts)[:-1], axis=1)
        return np.stack([logsumexp(part, axis=1) for part in parts], axis=1) + priors
