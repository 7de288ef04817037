"""Coefficients of linear predictors: `Coefficients`, and `Contrasts` against a first component."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from .constraint import Array, Constraint, LeafChart, first_wrong


@final
class Coefficients(Constraint):
    """Any finite numbers along the last axis, charted along the columns of a basis.

    A unit step in a coordinate adds a column of the basis. With one in which the columns of a
    design are uncorrelated and of unit size, such steps move predictions by about one, whatever
    the units of the design.

    Parameters
    ----------
    basis : array of shape (q, q)
        Invertible.
    exchangeable : tuple of int, default=()
        Axes over interchangeable components.
    """

    def __init__(self, basis: Any, exchangeable: tuple[int, ...] = ()) -> None:
        self.basis, self.exchangeable = _invertible(basis), exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        return int(np.prod(shape))

    def violation(self, value: Array, base: Array) -> str | None:
        return first_wrong(value, ~np.isfinite(value), "a finite number")

    def chart(self, base: Array) -> LeafChart:
        return _Along(base, self.basis, slice(None))


@final
class Contrasts(Constraint):
    """Coefficients of each component against those of component 0, which are zero: (K, q).

    The components are interchangeable: renumbered, all are taken against the new first one.
    Moves from state to state have coefficients (K, K, q), of which those to state 0 are zero.

    Parameters
    ----------
    basis : array of shape (q, q)
        As in `Coefficients`.
    axes : int, default=1
        Axes over components: 1, or 2 of moves.
    """

    def __init__(self, basis: Any, axes: int = 1) -> None:
        self.basis, self.exchangeable = _invertible(basis), tuple(range(axes))

    def _places(self, which: slice) -> tuple[slice, ...]:
        """Of the components along the last axis that runs over them."""
        return (*(slice(None) for _ in self.exchangeable[1:]), which)

    def n_free(self, shape: tuple[int, ...]) -> int:
        last = self.exchangeable[-1]
        return int(np.prod(shape) // shape[last] * (shape[last] - 1))

    def violation(self, value: Array, base: Array) -> str | None:
        wrong, first = ~np.isfinite(value), self._places(slice(1))
        wrong[first] |= value[first] != 0
        return first_wrong(value, wrong, "a finite number, and 0 for the first component")

    def chart(self, base: Array) -> LeafChart:
        return _Along(base, self.basis, *self._places(slice(1, None)))

    def renumbered(self, value: Array, order: NDArray[np.intp]) -> Array:
        moved = value
        for axis in self.exchangeable:
            moved = np.take(moved, order, axis=axis)
        return moved - moved[self._places(slice(1))]

    def told_apart(self, value: Array) -> Array:
        return value - value.mean(axis=self.exchangeable[-1], keepdims=True)


def _invertible(basis: Any) -> Array:
    made = np.asarray(basis, dtype=np.float64)
    square = made.ndim == 2 and made.shape[0] == made.shape[1] and np.isfinite(made).all()
    if not (square and np.isfinite(np.linalg.slogdet(made)[1])):
        raise ValueError(
            f"got a basis of shape {made.shape}, expected a square matrix of full rank"
        )
    return made


@final
class _Along(LeafChart):
    """Coordinates along a basis, of the coefficients in some places."""

    def __init__(self, base: Array, basis: Array, *places: slice) -> None:
        self.base, self.basis, self.places = base, basis, places
        self.size = base[places].size

    def pack(self, value: Array) -> Array:
        away = (value - self.base)[self.places].reshape(-1, len(self.basis))
        return np.asarray(np.linalg.solve(self.basis, away.T).T.ravel(), dtype=np.float64)

    def unpack(self, x: Array) -> Array:
        value = self.base.copy()
        moved = x.reshape(-1, len(self.basis)) @ self.basis.T
        value[self.places] += moved.reshape(self.base[self.places].shape)
        return value

    def pull(self, value: Array, gradient: Array) -> Array:
        return (gradient[self.places].reshape(-1, len(self.basis)) @ self.basis).ravel()
