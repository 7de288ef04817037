"""What a structure of covariances knows: moments, maximum and precision of all components."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Constraint, Positive, PositiveDefinite
from latentia.engine.space.recent import inverse_lower, inverses

from .pattern import Pattern
from .patterned import Patterned

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def cholesky_of_inverse(lower: Array) -> Array:
    """Upper factors U with U Uᵀ = (L Lᵀ)⁻¹ of lower factors L, shape (..., d, d)."""
    return np.swapaxes(inverses(lower), -1, -2)


def factors_of_precision(covariance: Array) -> Array:
    """Upper factors U with U Uᵀ = S⁻¹ of covariances S, shape (..., d, d); LinAlgError if none."""
    d = covariance.shape[-1]
    inverse = inverse_lower(covariance.reshape(-1, d, d))
    return np.swapaxes(inverse, 1, 2).reshape(covariance.shape)


class Covariance(ABC):
    """One way of tying covariances: a form (`Full`, `Tied`, `Diagonal`, `Spherical`) and a pattern.

    All arrays are in the family's frame. `scatter` below is sum_i r_ik (x_i - m_k)(x_i - m_k)ᵀ in
    the form's own shape: the whole matrices, their pooled sum, their diagonals, or their traces.

    Parameters
    ----------
    pattern : Pattern, optional
        What components share beyond what the form says; None where that is nothing.

    Attributes
    ----------
    name : str
    form : {"full", "tied", "diag", "spherical"}
        Which moments are summed, and so which compiled pass sums them.
    """

    form: str
    own: bool = True
    """Whether there is a covariance for each component."""
    oriented: bool = False
    """Whether a covariance is a matrix, and its precision a triangular factor."""

    def __init__(self, pattern: Pattern | None = None) -> None:
        self.pattern = pattern

    @property
    def name(self) -> str:
        return self.form if self.pattern is None else self.pattern.name

    @property
    def shared(self) -> bool:
        """Whether all components have the same covariance."""
        return not self.own if self.pattern is None else self.pattern.shared

    @abstractmethod
    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        """The shape of the parameter."""

    def each(self, covariance: Array, n_components: int) -> list[Array]:
        """The covariance of each component."""
        return list(covariance) if self.own else [covariance] * n_components

    def draw(self, rng: np.random.RandomState, mean: Array, covariance: Array, count: int) -> Array:
        """Rows of one component, in the order of random numbers that scikit-learn draws."""
        if covariance.ndim == 2:
            return rng.multivariate_normal(mean, covariance, count)
        return mean + rng.standard_normal(size=(count, len(mean))) * np.sqrt(covariance)

    def keep(self, old: Array, new: Array, which: Mask) -> Array:
        """`new`, but `old` for the components in `which`, where they share nothing."""
        if not self.own or self.pattern is not None:
            return new
        return np.where(which.reshape(-1, *(1,) * (old.ndim - 1)), old, new)

    def space(self, spread: Array, floor: float) -> Constraint:
        """The constraint on the parameter.

        Parameters
        ----------
        spread : array of shape (d,)
            The standard deviations of the columns of the data, by which a covariance is judged
            singular.
        floor : float
            The bound under the eigenvalues.
        """
        free, d = self.free_space(spread, floor), len(spread)
        if self.pattern is None:
            return free

        def raised(value: Array) -> Array:
            """Nearest by the Kullback-Leibler divergence: as if rows had these covariances."""
            return self.nearest(self.matrices(value, len(value), d), floor, value)

        return Patterned(self.pattern, free, raised, d)

    def nearest(self, matrices: Array, floor: float = 0.0, previous: Array | None = None) -> Array:
        """The parameter nearest to any covariances, (K, d, d), as if as many rows had each."""
        k, d, _ = matrices.shape
        return self.maximum(np.ones(k), self.summed(matrices), floor, d, previous)

    @abstractmethod
    def free_space(self, spread: Array, floor: float) -> Positive | PositiveDefinite:
        """The same where components share nothing."""

    @abstractmethod
    def second(self, x: Array, resp: Array) -> Array:
        """The sum of resp-weighted squares and products of `x` about zero."""

    @abstractmethod
    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        """sum_k weight_k (a_k b_k^T + b_k a_k^T) / 2 in the structure's shape.

        `a`, `b` are (K, d). What `second` becomes when the origin moves is made of these.
        """

    @abstractmethod
    def maximum(
        self,
        count: Array,
        scatter: Array,
        floor: float,
        n_features: int,
        previous: Array | None = None,
    ) -> Array:
        """The covariance that maximises q under the floor.

        What has no closed form is sought from the previous covariance on, and q does not fall. A
        component without rows (a count of 1e-300) keeps of `previous` what it does not share.
        """

    @abstractmethod
    def precision(self, covariance: Array) -> Array:
        """Factors of the precision: upper triangular U with U Uᵀ, or 1 / standard deviations."""

    @abstractmethod
    def inverse(self, precision: Array) -> Array:
        """The precision itself from its factors."""

    @abstractmethod
    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        """Log-determinant of each component's precision, shape (K,)."""

    def largest(self, precision: Array) -> float:
        """The largest diagonal entry of any precision, from its factors."""
        squares = precision**2
        return float(np.max(squares.sum(axis=-1) if self.oriented else squares))

    @abstractmethod
    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        """Squared Mahalanobis distances of rows to means, shape (n, K)."""

    @abstractmethod
    def trace(self, precision: Array, scatter: Array) -> float:
        """sum_k tr(P_k scatter_k)."""

    @abstractmethod
    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        """Gradient of q in the covariance: -(n_k P_k - P_k scatter_k P_k) / 2."""

    @abstractmethod
    def precision_times(self, precision: Array, vectors: Array) -> Array:
        """P_k v_k for each component, shape (K, d)."""

    @abstractmethod
    def summed(self, matrices: Array) -> Array:
        """Scatter matrices of all components, (K, d, d), in the form's own shape."""

    def pooled(self, matrix: Array, count: Array) -> Array:
        """The scatter of `count` rows a component whose covariance is `matrix`, (d, d)."""
        return self.summed(count[:, None, None] * matrix)

    @abstractmethod
    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        """All covariances written out, shape (K, d, d)."""

    @abstractmethod
    def of_matrices(self, matrices: Array) -> Array:
        """The parameter, given all covariances written out: the inverse of `matrices`."""
