"""Newton steps for coefficients of linear predictors: as far as predictions may move at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parabola import FLAT, LONGEST, Parabola, gradient

Array = NDArray[np.float64]

DEPENDENT = 1e-9
"""Share of a column's length that the columns before it leave, below which it depends on them."""


MOST_PAIRED = 12
"""Covariates of which compiled passes keep the products of all pairs in the caches."""


class Basis(NamedTuple):
    """Coordinates in which the columns of a design are uncorrelated and of unit mean square.

    Attributes
    ----------
    columns : array of shape (q, q)
        Upper triangular: ``x @ columns`` are the rows in these coordinates, ``columns @ c`` are
        the coefficients at coordinates c.
    dependent : tuple of int
        Columns that are linear combinations of those before them; they are measured in their own
        unit, and nothing tells their coefficients from the others'.
    """

    columns: Array
    dependent: tuple[int, ...]

    @classmethod
    def of(cls, x: Array, weights: Array) -> Basis:
        """The basis of weighted rows of a design, (n, q), by orthogonalising its columns."""
        x = np.asarray(x, dtype=np.float64)
        root = np.sqrt(weights / weights.sum())[:, None]
        unit = np.abs(x).max(axis=0, initial=0.0, where=root > 0)
        unit = np.where(unit > 0, unit, 1.0)  # so that squares neither overflow nor vanish
        upper = np.linalg.qr(root * (x / unit), mode="r")
        upper = np.vstack([upper, np.zeros((x.shape[1] - len(upper), x.shape[1]))])
        length = np.sqrt((upper**2).sum(axis=0))
        left = np.abs(np.diagonal(upper))
        wrong = ~(left > DEPENDENT * length)
        upper[wrong] = 0.0
        upper[wrong, wrong] = np.where(length[wrong] > 0, length[wrong], 1.0)
        columns = np.linalg.inv(upper) / unit[:, None]
        return cls(np.triu(columns), tuple(int(j) for j in np.flatnonzero(wrong)))

    @classmethod
    def plain(cls, n_features: int) -> Basis:
        """The columns as they are."""
        return cls(np.eye(n_features), ())

    def into(self, coefficients: Array) -> Array:
        """Coefficients, (..., q), as coordinates."""
        return _solved(self.columns, coefficients)

    def out(self, coordinates: Array) -> Array:
        """Coordinates, (..., q), as coefficients."""
        return coordinates @ self.columns.T

    def chain(self, slope: Array) -> Array:
        """A gradient in coordinates as one in coefficients."""
        return _solved(self.columns.T, slope)


class Gate(NamedTuple):
    """Weights of components that follow covariates z: in proportion to exp(z'c_k).

    Attributes
    ----------
    coefficients : array of shape (K, q)
        Zero for the first component.
    basis : array of shape (q, q)
        The coordinates in which sums over rows are made, as `Basis.columns`.
    """

    coefficients: Array
    basis: Array


class GateSums(NamedTuple):
    """What rows say of a gate: sum_i sum_k r_ik log w_k(z_i) about its coefficients.

    Attributes
    ----------
    value : float
    slope : array of shape (K - 1, q)
        The gradient, in the basis.
    curvature : array of shape (K (K - 1) / 2, q, q)
        Minus the Hessian, of components 1 and 1, 2 and 1, 2 and 2, 3 and 1, and so on.
    gram : array of shape (q, q)
        sum_i w_i z_i z_i', in the basis.
    count : float
        sum_i w_i.
    """

    value: float
    slope: Array
    curvature: Array
    gram: Array
    count: float


def _solved(matrix: Array, vectors: Array) -> Array:
    """The inverse of a matrix times each of some vectors, (..., q)."""
    made = np.linalg.solve(matrix, vectors.reshape(-1, len(matrix)).T)
    return np.asarray(made.T.reshape(vectors.shape), dtype=np.float64)


def steps(stats: Parabola, z: Array, gram: Array) -> Array:
    """Newton steps from coordinates z, (..., q), towards where each parabola is highest.

    Directions in which a parabola is straight, against the second moments, are followed as if
    they were bent a little; how far one may go, `reach` says.

    Parameters
    ----------
    stats : Parabola
        Arrays of shapes (...), (..., q) and (..., q, q).
    z : array of shape (..., q)
    gram : array of shape (..., q, q)
        Second moments of the rows, summed.
    """
    scale = np.sqrt(np.maximum(np.diagonal(gram, axis1=-2, axis2=-1), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = stats.curvature / (scale[..., :, None] * scale[..., None, :])
    bend, axes = np.linalg.eigh(scaled)
    along = np.einsum("...ij,...i->...j", axes, gradient(stats, z) / scale)
    return np.einsum("...ij,...j->...i", axes, along / np.maximum(bend, FLAT)) / scale


def reach(step: Array, gram: Array, count: Array) -> Array:
    """The share of each step, (...), that moves predictions by no more than `LONGEST`.

    As a root mean square over the rows; 0 where there are no rows.
    """
    square = np.einsum("...i,...ij,...j->...", step, gram, step)
    moved = np.sqrt(np.maximum(square, 0.0) / np.where(count > 0, count, 1.0))
    share = np.where(moved > LONGEST, LONGEST / np.where(moved > 0, moved, 1.0), 1.0)
    return np.where(count > 0, share, 0.0)
