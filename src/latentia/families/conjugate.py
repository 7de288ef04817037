"""The conjugate prior of normal components: it keeps covariances of few rows off the singular."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentia.data.arrays import Frame, Rows

from .covariance import Covariance

Array = NDArray[np.float64]

SHRINKAGE = 0.01
"""What the prior counts for in a mean, in rows, by default."""


class ConjugatePrior(NamedTuple):
    """A normal inverse-Wishart prior of each component's mean and covariance.

    Given Sigma_k, a mean is N(mean, Sigma_k / shrinkage); Sigma_k is inverse Wishart. Where
    covariances are diagonal, each variance is inverse gamma, (dof / 2, scale_jj / 2); where they
    are spherical, the one variance is, with the mean of the scale_jj. All components are as if
    they had the same prior; where one covariance is for all, there is one prior for it.

    Attributes
    ----------
    mean : array of shape (d,)
        In the units of the data.
    shrinkage : float
        How many rows the prior counts for in a mean; 0 leaves means alone.
    dof : float
        Degrees of freedom of a covariance.
    scale : array of shape (d, d)
        In squared units of the data.

    References
    ----------
    Fraley & Raftery (2007), Bayesian regularization for normal mixture estimation and model-based
    clustering, Journal of Classification 24, sec. 3.
    """

    mean: Array
    shrinkage: float
    dof: float
    scale: Array

    @staticmethod
    def of(rows: Rows, n_components: int, covariance: Covariance) -> ConjugatePrior:
        """The default, mclust's: shrinkage 0.01, d + 2 degrees of freedom, the rows' own scale.

        That is the covariance of all rows over K^(2/d), or the mean of its diagonal where
        covariances are diagonal or spherical. Missing cells are left out, and covariances of
        columns with them.

        Examples
        --------
        >>> from latentia import datasets
        >>> from latentia.data.arrays import Rows
        >>> from latentia.families.covariance import STRUCTURES
        >>> rows = Rows.of(datasets.load("galaxies").values)
        >>> prior = ConjugatePrior.of(rows, 3, STRUCTURES["V"])
        >>> prior.mean.round(2), prior.dof, prior.scale.round(3)
        (array([20.83]), 3.0, array([[2.314]]))
        """
        x, d = np.asarray(rows.x, dtype=np.float64), rows.x.shape[1]
        seen = np.isfinite(x)
        weight = rows.weights[:, None] * seen
        total = weight.sum(axis=0)
        mean = (weight * np.where(seen, x, 0.0)).sum(axis=0) / total
        apart = np.where(seen, x - mean, 0.0)
        pooled = (apart.T * rows.weights) @ apart
        variance = np.diagonal(pooled) / np.maximum(total - 1, 1e-300)
        matrix = np.diag(variance)
        if seen.all() and rows.weights.sum() > d:
            matrix = pooled / (rows.weights.sum() - 1)
        if not covariance.oriented:
            matrix = np.eye(d) * variance.mean()
        return ConjugatePrior(mean, SHRINKAGE, d + 2.0, matrix / n_components ** (2 / d))

    @staticmethod
    def checked(
        mean: ArrayLike, shrinkage: float, dof: float, scale: ArrayLike, n_features: int
    ) -> ConjugatePrior:
        """The prior of these numbers.

        Raises
        ------
        ValueError
            If they are no prior for so many columns.
        """
        d = n_features
        where, matrix = np.asarray(mean, dtype=np.float64), np.asarray(scale, dtype=np.float64)
        if where.shape != (d,) or matrix.shape != (d, d):
            raise ValueError(
                f"got a prior with a mean of shape {where.shape} and a scale of shape "
                f"{matrix.shape}, expected ({d},) and ({d}, {d}) for {d} columns"
            )
        finite = np.isfinite(where).all() and np.isfinite(matrix).all()
        if not finite or (np.linalg.eigvalsh((matrix + matrix.T) / 2) <= 0).any():
            raise ValueError(
                "got a prior whose mean or scale is not finite or whose scale is not positive "
                "definite, expected a covariance as the scale"
            )
        if not (0 <= shrinkage < np.inf and 0 < dof < np.inf):
            raise ValueError(
                f"got a prior with shrinkage={shrinkage!r} and dof={dof!r}, expected a number of "
                "at least 0 and one above 0"
            )
        return ConjugatePrior(where, float(shrinkage), float(dof), (matrix + matrix.T) / 2)

    @staticmethod
    def asked(
        value: ConjugatePrior | str | None, rows: Rows, n_components: int, covariance: Covariance
    ) -> ConjugatePrior | None:
        """What an argument stands for: None, "conjugate" for the default, or the prior itself."""
        if value is None:
            return None
        if isinstance(value, str):
            return ConjugatePrior.of(rows, n_components, covariance)
        return ConjugatePrior.checked(*value, n_features=rows.x.shape[1])

    def inside(self, frame: Frame) -> ConjugatePrior:
        """The same in a frame's origin and unit."""
        mean, scale = (self.mean - frame.origin) / frame.scale, self.scale / frame.scale**2
        return self._replace(mean=mean, scale=scale)

    def rows(self, covariance: Covariance, n_components: int) -> Array:
        """What the prior adds to the number of rows behind each covariance, (K,)."""
        d = len(self.mean)
        each = {"diag": self.dof + 2, "spherical": (self.dof + 2) / d}
        share = each.get(covariance.form, self.dof + d + 1)
        of_means = 1.0 if self.shrinkage else 0.0
        return np.full(n_components, of_means + share / (n_components if covariance.shared else 1))

    def scatter(self, covariance: Covariance, means: Array) -> Array:
        """What it adds to the scatter about `means`, in the structure's shape."""
        k, d = means.shape
        away = means - self.mean
        each = self.scale / (k if covariance.shared else 1)
        if covariance.form == "spherical":
            each = each / d
        products = self.shrinkage * away[:, :, None] * away[:, None, :]
        return covariance.summed(each + products)

    def shrunk(self, means: Array, count: Array) -> Array:
        """Means (K, d) of so many rows, drawn towards the prior's."""
        pull = self.shrinkage / np.maximum(count + self.shrinkage, 1e-300)
        return means + pull[:, None] * (self.mean - means)

    def log_density(
        self, covariance: Covariance, means: Array, precision: Array, log_unit: float = 0.0
    ) -> float:
        """Logarithm of the prior density, short of a constant.

        `log_unit` is that of a density per user's unit against one per frame's.
        """
        log_det = covariance.log_det_precision(precision, *means.shape) - 2 * log_unit
        trace = covariance.trace(precision, self.scatter(covariance, means))
        return 0.5 * (float(self.rows(covariance, len(means)) @ log_det) - trace)

    def score(self, covariance: Covariance, means: Array, precision: Array) -> tuple[Array, Array]:
        """Its gradient in means and covariances."""
        pull = self.shrinkage * (self.mean - means)
        rows, scatter = self.rows(covariance, len(means)), self.scatter(covariance, means)
        in_covariances = covariance.score(precision, rows, scatter, means.shape[1])
        return covariance.precision_times(precision, pull), in_covariances
