"""A chart: the free parameters of a model as one vector, around a base point."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from . import tree
from .space import Constraint, DegenerateError, OutOfChartError
from .space.constraint import Index
from .tree import Array, Tree

T = TypeVar("T")


class ConstraintError(ValueError):
    """A model returned parameters that its own ``space`` does not allow."""


class Chart:
    """Coordinates in which every vector is allowed; zero stands for the base.

    Parameters
    ----------
    space : NamedTuple of Constraint
    base : NamedTuple of arrays
        Of the same structure, with values that `space` allows.

    Raises
    ------
    DegenerateError
        If the base is singular (a covariance without full rank).
    """

    def __init__(self, space: Tree, base: Tree) -> None:
        self.space, self.base = space, base
        self._constraints: list[Constraint] = tree.leaves(space)
        self._names = tree.names(space)
        self._charts = [
            _named(name, lambda c=c, v=v: c.chart(v))
            for name, c, v in zip(self._names, self._constraints, arrays(base), strict=True)
        ]
        borders = np.cumsum([0, *(chart.size for chart in self._charts)])
        self._slices = [slice(int(a), int(b)) for a, b in pairwise(borders)]
        self.size = int(borders[-1])

    def pack(self, params: Tree) -> Array:
        """The coordinates of `params`, shape (size,)."""
        parts = [
            _named(name, lambda c=c, v=v: c.pack(v))
            for name, c, v in zip(self._names, self._charts, arrays(params), strict=True)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def unpack(self, x: Array) -> Tree:
        """The parameters at coordinates `x`, moved up to a floor where one would be crossed."""
        values = [
            constraint.project(chart.unpack(x[part]))
            for constraint, chart, part in zip(
                self._constraints, self._charts, self._slices, strict=True
            )
        ]
        return tree.rebuild(self.base, values)

    def pull(self, params: Tree, gradient: Tree) -> Array:
        """A gradient in the entries of `params`, turned into one in the coordinates."""
        parts = [
            chart.pull(value, slope)
            for chart, value, slope in zip(
                self._charts, arrays(params), arrays(gradient), strict=True
            )
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def open_at(self, step: float) -> NDArray[np.bool_]:
        """Which coordinates can move by `step` both ways without being moved back by a floor."""
        return np.array([self._open(i, step) for i in range(self.size)], dtype=np.bool_)

    def _open(self, i: int, step: float) -> bool:
        for signed in (step, -step):
            x = np.zeros(self.size)
            x[i] = signed
            try:
                moved = self.pack(self.unpack(x))
            except (DegenerateError, OutOfChartError):
                return False
            if np.abs(moved - x).max() > 1e-3 * step:
                return False
        return True

    def labels(self) -> list[str]:
        """A name for each coordinate: its leaf and its number there."""
        return [
            f"{name}[{i}]"
            for name, chart in zip(self._names, self._charts, strict=True)
            for i in range(chart.size)
        ]


def _named(name: str, action: Callable[[], T]) -> T:
    """Run a leaf's action; if it fails, say which parameter it was."""
    try:
        return action()
    except (DegenerateError, OutOfChartError) as error:
        raise type(error)(f"{name}: {error}") from None


def check(space: Tree, params: Tree, base: Tree) -> None:
    """Refuse parameters that a model's own space does not allow.

    Raises
    ------
    ConstraintError
        Naming the parameter and what is wrong with it.
    """
    constraints = tree.leaves(space)
    values = arrays(params)
    if len(values) != len(constraints):
        raise ConstraintError(
            f"the model's parameters have {len(values)} leaves, expected the {len(constraints)} "
            "of its space; return the same NamedTuple from start and m_step"
        )
    for name, constraint, value, start in zip(
        tree.names(space), constraints, values, arrays(base), strict=True
    ):
        if value.shape != start.shape:
            wrong = f"has shape {value.shape}, expected the {start.shape} it started with"
        else:
            wrong = constraint.violation(value, start)
        if wrong:
            raise ConstraintError(
                f"parameter `{name}` {wrong} ({type(constraint).__name__}); "
                "mend the model's start or m_step"
            )


def n_free(space: Tree, params: Tree) -> int:
    """The number of free parameters by declaration."""
    return sum(
        constraint.n_free(value.shape)
        for constraint, value in zip(tree.leaves(space), arrays(params), strict=True)
    )


def at_floors(space: Tree, params: Tree) -> tuple[str, ...]:
    """The parameters held up by a floor, such as ``covariances[2]``."""
    return _where(space, params, lambda constraint, value: constraint.at_floor(value))


def at_boundaries(space: Tree, params: Tree) -> tuple[str, ...]:
    """The parameters exactly on the edge of what is allowed, such as ``weights[0]``."""
    return _where(space, params, lambda constraint, value: constraint.at_boundary(value))


def _where(
    space: Tree, params: Tree, find: Callable[[Constraint, Array], list[Index]]
) -> tuple[str, ...]:
    return tuple(
        f"{name}[{', '.join(map(str, index))}]" if index else name
        for name, constraint, value in zip(
            tree.names(space), tree.leaves(space), arrays(params), strict=True
        )
        for index in find(constraint, value)
    )


def arrays(params: Tree) -> list[Array]:
    """The leaves of `params` as float64 arrays."""
    return [np.asarray(leaf, dtype=np.float64) for leaf in tree.leaves(params)]
