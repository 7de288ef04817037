"""Constraints on whole matrices: `PositiveDefinite`, `Orthogonal`, and `UnitProduct` shapes."""

from __future__ import annotations

from typing import final

import numpy as np

from .constraint import (
    Array,
    Constraint,
    DegenerateError,
    Index,
    LeafChart,
    OutOfChartError,
    finite,
    indices,
    rounding,
)
from .recent import inverse_lower, lower

ALIKE = 1e-8
"""Correlations of a smaller determinant are too nearly singular to tell much by it."""


def _stack(value: Array) -> Array:
    """The value as (matrices, d, d), whatever axes lead."""
    return value.reshape(-1, *value.shape[-2:])


def _lead_index(position: int, value: Array) -> str:
    where = [int(i) for i in np.unravel_index(position, value.shape[:-2])]
    return f"matrix {where} " if where else ""


@final
class PositiveDefinite(Constraint):
    """Symmetric positive definite matrices in the last two axes.

    The chart writes X = B M Mᵀ Bᵀ with B the Cholesky factor of the base and M lower
    triangular, and takes the logarithm of M's diagonal (Pinheiro & Bates 1996). Its
    coordinates have no unit, whatever the units of the data.

    Parameters
    ----------
    floor : float, default=0.0
        A bound under the eigenvalues that was set to keep the likelihood finite.
    unit : float or array of shape (d,), default=1.0
        The unit of each row and column (about a standard deviation of the data), by which
        a matrix is judged singular.
    singular_below : float, default=2e-15
        A matrix whose Cholesky factor, in those units, has a squared diagonal entry below
        this is degenerate: it cannot be told from rounding.
    exchangeable : tuple of int, default=()
        Axes over interchangeable components.
    """

    def __init__(
        self,
        floor: float = 0.0,
        unit: float | Array = 1.0,
        singular_below: float = 2e-15,
        exchangeable: tuple[int, ...] = (),
    ) -> None:
        if not floor >= 0:
            raise ValueError(f"got floor={floor!r}, expected a number of at least 0")
        self.floor, self.singular_below = float(floor), float(singular_below)
        self.unit = np.asarray(unit, dtype=np.float64)
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        d = shape[-1]
        return int(np.prod(shape[:-2])) * d * (d + 1) // 2

    def violation(self, value: Array, base: Array) -> str | None:
        if not finite(value):
            return "has a non-finite entry, expected symmetric positive definite matrices"
        across = np.swapaxes(value, -1, -2)
        if not (value == across).all() and (np.abs(value - across) > rounding(value)).any():
            return "is not symmetric, expected symmetric positive definite matrices"
        if value.size and not _above(value, self.floor):
            smallest = np.linalg.eigvalsh(value)
            rounded = np.maximum(smallest[..., -1], float(np.max(self.unit)) ** 2)
            lowest = smallest[..., 0] + 1e-9 * rounded  # a singular matrix is not a violation
            if (lowest < self.floor * (1 - 1e-9)).any():
                worst = float(smallest[..., 0].min())
                return f"has the eigenvalue {worst!r}, expected none below {self.floor:g}"
        return None

    def cholesky(self, value: Array) -> Array:
        """Lower Cholesky factors; DegenerateError where a matrix is singular."""
        flat = _stack(value)
        try:
            factor = lower(flat)
        except np.linalg.LinAlgError:
            factor = np.full_like(flat, np.nan)
            for i, matrix in enumerate(flat):
                try:
                    factor[i] = np.linalg.cholesky(matrix)
                except np.linalg.LinAlgError:
                    factor[i] = np.nan
        pivot = np.diagonal(factor, axis1=-2, axis2=-1) / self.unit
        square = pivot * pivot
        if not square.min(initial=np.inf) > self.singular_below:
            bad = ~(square > self.singular_below).all(axis=-1)
            where = _lead_index(int(np.argmax(bad)), value)
            raise DegenerateError(f"{where}is singular")
        return np.asarray(factor, dtype=np.float64).reshape(value.shape)

    def refuse_singular(self, value: Array) -> None:
        """DegenerateError where a matrix is singular."""
        self.cholesky(value)

    def chart(self, base: Array) -> LeafChart:
        return _LogCholesky(self, base)

    def project(self, value: Array) -> Array:
        if not self.floor or _far_above(value, self.floor):
            return value
        return raise_eigenvalues(value, self.floor)

    def at_floor(self, value: Array) -> list[Index]:
        if not self.floor or _above(value, self.floor * (1 + 1e-6)):
            return []
        lowest = np.linalg.eigvalsh(value)[..., 0]
        return indices(np.asarray(lowest <= self.floor * (1 + 1e-6)))


def raise_eigenvalues(value: Array, floor: float) -> Array:
    """The nearest symmetric matrices with no eigenvalue below `floor`."""
    if not floor or _above(value, floor):
        return value
    eigenvalues, vectors = np.linalg.eigh(value)
    if (eigenvalues >= floor).all():
        return value
    return _from_eigen(np.maximum(eigenvalues, floor), vectors)


def _far_above(value: Array, bound: float) -> bool:
    """Whether factors that are asked for anyway show that all eigenvalues are above `bound`.

    The smallest is at least 1 / |L⁻¹|², with the norm of all entries.
    """
    try:
        inverse = inverse_lower(_stack(value))
    except np.linalg.LinAlgError:
        return False
    with np.errstate(over="ignore"):
        return bool((np.einsum("kij,kij->k", inverse, inverse) * bound < 1 - 1e-9).all())


def _above(value: Array, bound: float) -> bool:
    """Whether a Cholesky factor shows, to rounding, that all eigenvalues are above `bound`.

    It costs a tenth of the eigenvalues. False where it does not show it.
    """
    moved = _stack(value)
    try:
        pivots = np.diagonal(lower(moved), axis1=1, axis2=2)
        if not (pivots > 0).all():
            return False
        if not bound or _by_determinant(pivots, np.diagonal(moved, axis1=1, axis2=2), bound):
            return True
        moved = moved.copy()
        np.einsum("kii->ki", moved)[...] -= bound
        pivots = np.diagonal(np.linalg.cholesky(moved), axis1=1, axis2=2)
    except np.linalg.LinAlgError:
        return False
    return bool((pivots > 0).all())


def _by_determinant(pivots: Array, variances: Array, bound: float) -> bool:
    """Whether the pivots of a factor that is at hand show the same.

    With the variances D² = diag(X) and the correlations R = D⁻¹ X D⁻¹, whose eigenvalues have the
    mean 1, the smallest eigenvalue of R is at least |R| ((d - 1) / d)^(d - 1), or |R| / e, and that
    of X at least as many times the smallest variance.
    """
    with np.errstate(under="ignore"):
        determinant = np.prod(pivots**2 / variances, axis=1)
    if not (determinant > ALIKE).all():
        return False
    return bool((determinant * variances.min(axis=1) > np.e * bound).all())


def _from_eigen(eigenvalues: Array, vectors: Array) -> Array:
    product = (vectors * eigenvalues[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return (product + np.swapaxes(product, -1, -2)) / 2


@final
class _LogCholesky(LeafChart):
    def __init__(self, constraint: PositiveDefinite, base: Array) -> None:
        self.constraint, self.shape = constraint, base.shape
        self.factor = _stack(constraint.cholesky(base))
        self.inverse = inverse_lower(_stack(base))
        d = base.shape[-1]
        rows, columns = np.tril_indices(d)
        each = np.arange(len(self.factor))[:, None]
        self.entries_of_lower = (each * d * d + (rows * d + columns)).ravel()
        self.diagonal = (each * len(rows) + np.flatnonzero(rows == columns)).ravel()
        self.size = len(self.entries_of_lower)

    def _entries(self, matrices: Array) -> Array:
        """What is on and below the diagonals, shape (size,)."""
        return matrices.ravel()[self.entries_of_lower]

    def pack(self, value: Array) -> Array:
        return self._coordinates(_stack(self.constraint.cholesky(value)))

    def _coordinates(self, lower: Array) -> Array:
        x = self._entries(self.inverse @ lower)
        x[self.diagonal] = np.log(x[self.diagonal])
        return x

    def unpack(self, x: Array) -> Array:
        entries = x.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            entries[self.diagonal] = np.exp(entries[self.diagonal])
            relative = np.zeros_like(self.factor)
            relative.reshape(-1)[self.entries_of_lower] = entries
            lower = self.factor @ relative
            return (lower @ np.swapaxes(lower, -1, -2)).reshape(self.shape)

    def pull(self, value: Array, gradient: Array) -> Array:
        return self._pulled(_stack(self.constraint.cholesky(value)), gradient)

    def _pulled(self, lower: Array, gradient: Array) -> Array:
        slope = _stack(gradient)
        slope = slope + np.swapaxes(slope, -1, -2)
        g = self._entries(np.swapaxes(self.factor, -1, -2) @ slope @ lower)
        ratio = np.diagonal(lower, axis1=1, axis2=2) / np.diagonal(self.factor, axis1=1, axis2=2)
        g[self.diagonal] *= ratio.ravel()
        return g

    def pack_and_pull(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        lower = _stack(self.constraint.cholesky(value))
        return self._coordinates(lower), self._pulled(lower, gradient)


@final
class Orthogonal(Constraint):
    """Orthogonal matrices in the last two axes: the orientation of a covariance.

    The chart is Cayley's, X = B (I - A/2)⁻¹ (I + A/2) with A skew-symmetric. It reaches all
    rotations of the base but half-turns, and no reflection: a model's M-step should keep the
    signs and order of the columns near those of the previous step.
    """

    def __init__(self, exchangeable: tuple[int, ...] = ()) -> None:
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        d = shape[-1]
        return int(np.prod(shape[:-2])) * d * (d - 1) // 2

    def violation(self, value: Array, base: Array) -> str | None:
        product = np.swapaxes(value, -1, -2) @ value
        if (np.abs(product - np.eye(value.shape[-1])) <= 1e-8).all():
            return None
        return "is not orthogonal, expected XᵀX to be the identity"

    def chart(self, base: Array) -> LeafChart:
        return _Cayley(base)


@final
class _Cayley(LeafChart):
    def __init__(self, base: Array) -> None:
        self.shape, self.base = base.shape, _stack(base)
        d = base.shape[-1]
        self.eye = np.eye(d)
        self.rows, self.columns = np.tril_indices(d, -1)
        self.size = len(self.base) * len(self.rows)

    def _rotation(self, value: Array) -> Array:
        return np.swapaxes(self.base, -1, -2) @ _stack(value)

    def pack(self, value: Array) -> Array:
        rotation = self._rotation(value)
        opened = rotation + self.eye
        if (np.abs(np.linalg.det(opened / 2)) < 1e-8).any():
            raise OutOfChartError("an orthogonal matrix turned half around or was reflected")
        # A = 2 (C - I)(C + I)^-1; the two factors commute
        skew = 2 * np.linalg.solve(opened, rotation - self.eye)
        return np.asarray(skew[:, self.rows, self.columns], dtype=np.float64).ravel()

    def unpack(self, x: Array) -> Array:
        skew = np.zeros_like(self.base)
        entries = x.reshape(len(self.base), -1)
        skew[:, self.rows, self.columns] = entries
        skew[:, self.columns, self.rows] = -entries
        rotation = np.linalg.solve(self.eye - skew / 2, self.eye + skew / 2)
        return (self.base @ rotation).reshape(self.shape)

    def pull(self, value: Array, gradient: Array) -> Array:
        opened = self._rotation(value) + self.eye  # (I - A/2)^-1 = (C + I) / 2
        inner = np.swapaxes(self.base, -1, -2) @ _stack(gradient)
        turned = np.swapaxes(opened, -1, -2)
        full = turned @ inner @ turned / 4
        return (full[:, self.rows, self.columns] - full[:, self.columns, self.rows]).ravel()


@final
class UnitProduct(Constraint):
    """Positive numbers whose product along the last axis is one: the shape of a covariance.

    The chart is the logarithm of all but the last, which follows.
    """

    def __init__(self, exchangeable: tuple[int, ...] = ()) -> None:
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        return int(np.prod(shape[:-1])) * (shape[-1] - 1)

    def violation(self, value: Array, base: Array) -> str | None:
        if not (np.isfinite(value).all() and (value > 0).all()):
            return "has an entry that is not positive and finite, expected a product of 1"
        product = np.log(value).sum(axis=-1)
        if (np.abs(product) > 1e-8).any():
            worst = float(product.flat[int(np.argmax(np.abs(product)))])
            return f"has the product {float(np.exp(worst))!r}, expected 1"
        return None

    def chart(self, base: Array) -> LeafChart:
        return _LogContrast(base)


@final
class _LogContrast(LeafChart):
    def __init__(self, base: Array) -> None:
        self.log_base = np.log(base)
        self.lead = (*base.shape[:-1], base.shape[-1] - 1)
        self.size = int(np.prod(self.lead))

    def pack(self, value: Array) -> Array:
        return (np.log(value) - self.log_base)[..., :-1].ravel()

    def unpack(self, x: Array) -> Array:
        moved = x.reshape(self.lead)
        last = -moved.sum(axis=-1, keepdims=True)
        return np.exp(self.log_base + np.concatenate([moved, last], axis=-1))

    def pull(self, value: Array, gradient: Array) -> Array:
        slope = value * gradient
        return (slope[..., :-1] - slope[..., -1:]).ravel()
