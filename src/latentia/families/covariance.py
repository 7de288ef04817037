"""How the covariances of K Gaussian components are tied to one another.

A structure knows its own second moments, its own maximum, and its own precision; the
Gaussian family knows nothing of which it is. All arrays are in the family's frame.

`scatter` below is sum_i r_ik (x_i - m_k)(x_i - m_k)^T in the structure's own shape: the whole
matrices, their pooled sum, their diagonals, or their traces.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from latentia.engine.space import Constraint, Positive, PositiveDefinite

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_lapack: Any = lapack


def cholesky_of_inverse(lower: Array) -> Array:
    """Upper factors U with U Uᵀ = (L Lᵀ)⁻¹ of lower factors L, shape (..., d, d)."""
    d = lower.shape[-1]
    inverses = [_lapack.dtrtri(each, lower=1)[0] for each in lower.reshape(-1, d, d)]
    return np.swapaxes(np.array(inverses, dtype=np.float64).reshape(lower.shape), -1, -2)


def _lower(covariance: Array) -> Array:
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def raise_eigenvalues(matrices: Array, floor: float) -> Array:
    """The nearest symmetric matrices with no eigenvalue below `floor`."""
    return PositiveDefinite(floor).project(matrices)


class Covariance(ABC):
    """One way of tying covariances; leaves are `Full`, `Tied`, `Diagonal`, `Spherical`."""

    name: str
    own: bool = True
    """Whether each component has a covariance of its own."""
    oriented: bool = False
    """Whether a covariance is a matrix, and its precision a triangular factor."""

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
        """`new`, but `old` for the components in `which`, where each has its own."""
        if not self.own:
            return new
        return np.where(which.reshape(-1, *(1,) * (old.ndim - 1)), old, new)

    @abstractmethod
    def space(self, spread: Array, floor: float) -> Constraint:
        """The constraint on the parameter.

        `spread` are the standard deviations of the columns of the data, by which a covariance
        is judged singular; `floor` is the bound under its eigenvalues.
        """

    @abstractmethod
    def second(self, x: Array, resp: Array) -> Array:
        """The sum of resp-weighted squares and products of `x` about zero."""

    @abstractmethod
    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        """sum_k weight_k (a_k b_k^T + b_k a_k^T) / 2 in the structure's shape.

        `a`, `b` are (K, d). What `second` becomes when the origin moves is made of these.
        """

    @abstractmethod
    def maximum(self, count: Array, scatter: Array, floor: float, n_features: int) -> Array:
        """The covariance that maximises q under the floor."""

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
    def pooled(self, matrix: Array, count: Array) -> Array:
        """The scatter of `count` rows a component whose covariance is `matrix`, (d, d)."""

    @abstractmethod
    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        """All covariances written out, shape (K, d, d)."""


@final
class Full(Covariance):
    """Each component has its own matrix, (K, d, d)."""

    name = "full"
    oriented = True

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components, n_features, n_features)

    def space(self, spread: Array, floor: float) -> Constraint:
        return PositiveDefinite(floor, unit=spread, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        return np.stack([(x * r[:, None]).T @ x for r in resp.T])

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        product = (weight[:, None] * a)[:, :, None] * b[:, None, :]
        return (product + np.swapaxes(product, 1, 2)) / 2

    def maximum(self, count: Array, scatter: Array, floor: float, n_features: int) -> Array:
        average = scatter / count[:, None, None]
        return raise_eigenvalues((average + np.swapaxes(average, 1, 2)) / 2, floor)

    def precision(self, covariance: Array) -> Array:
        return cholesky_of_inverse(_lower(covariance))

    def inverse(self, precision: Array) -> Array:
        return precision @ np.swapaxes(precision, 1, 2)

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return 2 * np.log(np.diagonal(precision, axis1=1, axis2=2)).sum(axis=1)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        squares = [
            np.einsum("ij,ij->i", y, y)
            for y in ((x - mean) @ upper for mean, upper in zip(means, precision, strict=True))
        ]
        return np.stack(squares, axis=1)

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.einsum("kij,kij->", precision @ np.swapaxes(precision, 1, 2), scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision @ np.swapaxes(precision, 1, 2)
        return -(count[:, None, None] * inverse - inverse @ scatter @ inverse) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        inner = np.swapaxes(precision, 1, 2) @ vectors[:, :, None]
        return (precision @ inner)[:, :, 0]

    def pooled(self, matrix: Array, count: Array) -> Array:
        return count[:, None, None] * matrix

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return covariance


@final
class Tied(Covariance):
    """All components share one matrix, (d, d)."""

    name = "tied"
    own, oriented = False, True

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_features, n_features)

    def space(self, spread: Array, floor: float) -> Constraint:
        return PositiveDefinite(floor, unit=spread)

    def second(self, x: Array, resp: Array) -> Array:
        return (x * resp.sum(axis=1)[:, None]).T @ x

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        product = (weight[:, None] * a).T @ b
        return (product + product.T) / 2

    def maximum(self, count: Array, scatter: Array, floor: float, n_features: int) -> Array:
        average = scatter / count.sum()
        return raise_eigenvalues((average + average.T) / 2, floor)

    def precision(self, covariance: Array) -> Array:
        return cholesky_of_inverse(_lower(covariance))

    def inverse(self, precision: Array) -> Array:
        return precision @ precision.T

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return np.full(n_components, 2 * np.log(np.diagonal(precision)).sum())

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        white, centres = x @ precision, means @ precision
        differences = (white - centre for centre in centres)
        return np.stack([np.einsum("ij,ij->i", y, y) for y in differences], axis=1)

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.sum((precision @ precision.T) * scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision @ precision.T
        return -(count.sum() * inverse - inverse @ scatter @ inverse) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return vectors @ precision @ precision.T

    def pooled(self, matrix: Array, count: Array) -> Array:
        return count.sum() * matrix

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return np.broadcast_to(covariance, (n_components, n_features, n_features))


@final
class Diagonal(Covariance):
    """Each component has its own diagonal, (K, d)."""

    name = "diag"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components, n_features)

    def space(self, spread: Array, floor: float) -> Constraint:
        return Positive(floor, singular_below=2e-15 * spread**2, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        return resp.T @ (x * x)

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        return weight[:, None] * a * b

    def maximum(self, count: Array, scatter: Array, floor: float, n_features: int) -> Array:
        return np.maximum(scatter / count[:, None], floor)

    def precision(self, covariance: Array) -> Array:
        return 1 / np.sqrt(covariance)

    def inverse(self, precision: Array) -> Array:
        return precision**2

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return 2 * np.log(precision).sum(axis=1)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        squares = [
            np.einsum("ij,ij->i", y, y)
            for y in ((x - mean) * root for mean, root in zip(means, precision, strict=True))
        ]
        return np.stack(squares, axis=1)

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.sum(precision**2 * scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision**2
        return -(count[:, None] * inverse - inverse**2 * scatter) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return precision**2 * vectors

    def pooled(self, matrix: Array, count: Array) -> Array:
        return count[:, None] * np.diagonal(matrix)

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return covariance[:, :, None] * np.eye(n_features)


@final
class Spherical(Covariance):
    """Each component has one variance for all columns, (K,)."""

    name = "spherical"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components,)

    def space(self, spread: Array, floor: float) -> Constraint:
        typical = float(np.mean(spread**2))
        return Positive(floor, singular_below=2e-15 * typical, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        return resp.T @ np.einsum("ij,ij->i", x, x)

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        return weight * (a * b).sum(axis=1)

    def maximum(self, count: Array, scatter: Array, floor: float, n_features: int) -> Array:
        return np.maximum(scatter / (n_features * count), floor)

    def precision(self, covariance: Array) -> Array:
        return 1 / np.sqrt(covariance)

    def inverse(self, precision: Array) -> Array:
        return precision**2

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return 2 * n_features * np.log(precision)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        squares = [np.einsum("ij,ij->i", y, y) for y in (x - mean for mean in means)]
        return np.stack(squares, axis=1) * precision**2

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.sum(precision**2 * scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision**2
        return -(n_features * count * inverse - inverse**2 * scatter) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return precision[:, None] ** 2 * vectors

    def pooled(self, matrix: Array, count: Array) -> Array:
        return count * np.trace(matrix)

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return covariance[:, None, None] * np.eye(n_features)


STRUCTURES: dict[str, Covariance] = {
    structure.name: structure for structure in (Full(), Tied(), Diagonal(), Spherical())
}
