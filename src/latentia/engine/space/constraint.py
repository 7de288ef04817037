"""What a parameter may be: the interface every constraint answers to.

A constraint stands beside its parameter in a model's ``space``. It says which values are
allowed, how many of them are free, and gives coordinates in which every vector is allowed:
a `LeafChart`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

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


class Running(NamedTuple):
    """Which entries of a parameter run to a bound, entry by entry (flat).

    With the distance d to the bound nearest to it, an entry that the maximum wants on the bound
    has a negative slope in log d, and an EM step shortens d.

    Attributes
    ----------
    bound : array of shape (entries,)
        The nearest bound that the entry may reach; nan where there is none.
    distance : array of shape (entries,)
        How far the entry is from it.
    shrinking : array of shape (entries,)
        The logarithm of the share of the distance that an EM step leaves.
    slope : array of shape (entries,)
        The derivative of the objective in the logarithm of the distance, in nats.
    """

    bound: Array
    distance: Array
    shrinking: Array
    slope: Array


class Rebinding(NamedTuple):
    """How the coordinates of a new chart follow from those of an old one.

    Attributes
    ----------
    kept : array of int, shape (new size,)
        The old coordinate that each new one continues.
    less : array of int, shape (new size,)
        The old coordinate that is subtracted from it, since it became the reference; -1: none.
    """

    kept: NDArray[np.intp]
    less: NDArray[np.intp]

    @staticmethod
    def same(size: int) -> Rebinding:
        """Nothing changed."""
        return Rebinding(np.arange(size, dtype=np.intp), np.full(size, -1, dtype=np.intp))

    def steps(self, rows: Array) -> Array:
        """Steps in the old coordinates, shape (..., old size), in the new ones."""
        taken = np.where(self.less >= 0, rows[..., self.less], 0.0)
        return np.asarray(rows[..., self.kept] - taken, dtype=np.float64)

    def slopes(self, rows: Array) -> Array:
        """Gradients in the old coordinates in the new ones, along what is still free."""
        return np.asarray(rows[..., self.kept], dtype=np.float64)


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

    def pack_and_pull(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        """Both at once, for charts where that saves work."""
        return self.pack(value), self.pull(value, gradient)

    def running(self, value: Array, ahead: Array, slope: Array) -> Running | None:
        """How the entries of `value` stand to their bounds; None where a chart has none.

        `ahead` is where an EM step leads, `slope` the objective's gradient in the coordinates.
        """
        return None

    def entries(self, value: Array) -> Array:
        """What `running` and `settle` go through, entry by entry."""
        return value

    def settle(self, value: Array, which: Mask, target: Array) -> Array:
        """`value` with the entries `which` (flat) exactly at their targets, as on their bounds."""
        raise TypeError(f"{type(self).__name__} has no bounds")

    def rebinding(self, new: Any) -> Rebinding:
        """How the coordinates of `new`, around the same base with more on its bounds, follow."""
        return Rebinding.same(self.size)


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

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        """`value` with what is on a bound, but was not in `base`, a little way off it, and which.

        `share` is that little way in the parameter's own unit. None where there is nothing to
        lift; a zero by declaration or from the start is meant, and stays.
        """
        return None

    def renumbered(self, value: Array, order: NDArray[np.intp]) -> Array:
        """The components of `value` in another order: new component k is the old ``order[k]``."""
        for axis in self.exchangeable:
            value = np.take(value, order, axis=axis)
        return value

    def told_apart(self, value: Array) -> Array:
        """`value` as it is compared, to find out which component of two fits is which.

        What belongs to a component must not depend on how the others are numbered.
        """
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


def finite(value: Array) -> bool:
    """Whether all entries are finite; their sum mostly tells."""
    return bool(np.isfinite(value.sum())) or bool(np.isfinite(value).all())


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
