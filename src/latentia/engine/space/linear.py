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
        return _Along(base, self.basis, 0)


@final
class Contrasts(Constraint):
    """Coefficients of each component against those of component 0, which are zero: (K, q).

    The components are interchangeable: renumbered, all are taken against the new first one.

    Parameters
    ----------
    basis : array of shape (q, q)
        As in `Coefficients`.
    """

    def __init__(self, basis: Any) -> None:
        self.basis, self.exchangeable = _invertible(basis), (0,)

    def n_free(self, shape: tuple[int, ...]) -> int:
        return int((shape[0] - 1) * np.prod(shape[1:]))

    def violation(self, value: Array, base: Array) -> str | None:
        wrong = ~np.isfinite(value)
        wrong[0] |= value[0] != 0
        return first_wrong(value, wrong, "a finite number, and 0 for the first component")

    def chart(self, base: Array) -> LeafChart:
        return _Along(base, self.basis, 1)

    def renumbered(self, value: Array, order: NDArray[np.intp]) -> Array:
        moved = value[order]
        return moved - moved[:1]

    def told_apart(self, value: Array) -> Array:
        return value - value.mean(axis=0)


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
    """Coordinates along a basis, of all rows but the first `held`."""

    def __init__(self, base: Array, basis: Array, held: int) -> None:
        self.base, self.basis, self.held = base, basis, held
        self.size = base[held:].size

    def pack(self, value: Array) -> Array:
        away = (value - self.base)[self.held :].reshape(-1, len(self.basis))
        return np.asarray(np.linalg.solve(self.basis, away.T).T.ravel(), dtype=np.float64)

    def unpack(self, x: Array) -> Array:
        value = self.base.copy()
        value[self.held :] += (x.reshape(-1, len(self.basis)) @ self.basis.T).reshape(
            self.base[self.held :].shape
        )
        return value

    def pull(self, value: Array, gradient: Array) -> Array:
        return (gradient[self.held :].reshape(-1, len(self.basis)) @ self.basis).ravel()
