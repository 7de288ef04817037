"""What a parameter may be: the interface every constraint answers to.

A constraint stands beside its parameter in a model's ``space``. It says which values are
allowed, how many of them are free, and gives coordinates in which every vector is allowed:
a `LeafChart`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = tuple[int, ...]


class DegenerateError(ArithmeticError):
    """A parameter reached a place where the likelihood has no finite value.

    A covariance that became singular is the common case. The engine turns it into
    ``Status.DEGENERATE``; it is not a traceback for the user.
    """


class OutOfChartError(ArithmeticError):
    """A value the coordinates at hand cannot express, such as a new exact zero.

    The engine answers by drawing new coordinates around the present parameters.
    """


class LeafChart(ABC):
    """Coordinates of one parameter around a base value; zero stands for the base.

    Attributes
    ----------
    size : int
        The number of coordinates.
    """

    size: int

    @abstractmethod
    def pack(self, value: Array) -> Array:
        """The coordinates of `value`, shape (size,).

        Raises
        ------
        DegenerateError
            If the value is singular.
        OutOfChartError
            If this chart does not reach the value.
        """

    @abstractmethod
    def unpack(self, x: Array) -> Array:
        """The value at coordinates `x`: the inverse of `pack`."""

    @abstractmethod
    def pull(self, value: Array, gradient: Array) -> Array:
        """The gradient in the coordinates, given the gradient in the entries of `value`.

        For a symmetric matrix the gradient G is the symmetric one, df = sum(G * dX).
        """


class Constraint(ABC):
    """What one parameter array may be.

    Attributes
    ----------
    exchangeable : tuple of int
        The axes that run over interchangeable components. Renumbering the components
        permutes these axes of every leaf together and changes no likelihood.
    """

    exchangeable: tuple[int, ...]

    @abstractmethod
    def n_free(self, shape: tuple[int, ...]) -> int:
        """The number of free parameters by declaration, whatever the values are."""

    @abstractmethod
    def violation(self, value: Array, base: Array) -> str | None:
        """What is wrong with `value`, as the end of a sentence, or None if it is allowed.

        `base` is the value at the start of the fit, which `Fixed` and `Masked` hold on to.
        """

    @abstractmethod
    def chart(self, base: Array) -> LeafChart:
        """Coordinates around `base`."""

    def project(self, value: Array) -> Array:
        """The allowed value nearest to one that a chart proposed; needed where floors are."""
        return value

    def at_floor(self, value: Array) -> list[Index]:
        """Where a floor that was set to keep the likelihood finite is active."""
        return []

    def at_boundary(self, value: Array) -> list[Index]:
        """Where the value sits exactly on the edge of what is allowed."""
        return []


def contains(constraint: Constraint, value: Any, base: Array) -> bool:
    """Whether `value` is allowed."""
    return constraint.violation(np.asarray(value, dtype=np.float64), base) is None


def rounding(value: Array) -> float:
    """How far two computations of `value` may lie apart by rounding alone."""
    largest = float(np.max(np.abs(value), initial=0.0))
    return 1e-9 * max(largest, 1e-300)


def indices(mask: Mask) -> list[Index]:
    """The positions where `mask` is true, as tuples of int."""
    return [tuple(int(i) for i in position) for position in np.argwhere(mask)]


def first_wrong(value: Array, wrong: Mask, expected: str) -> str | None:
    """A phrase naming the first wrong entry, or None where there is none."""
    if not wrong.any():
        return None
    where = indices(wrong)[0]
    at = f" at {list(where)}" if where else ""
    return f"is {float(value[where])!r}{at}, expected {expected}"
