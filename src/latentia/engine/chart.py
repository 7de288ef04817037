"""A chart: the free parameters of a model as one vector, around a base point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import tree
from .space import Constraint, DegenerateError, OutOfChartError, Rebinding
from .space.constraint import Index, Mask, Running
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
        self._names, self._structure = tree.names(space), tree.structure(base)
        self._charts = [
            _named(name, lambda c=c, v=v: c.chart(v))
            for name, c, v in zip(self._names, self._constraints, arrays(base), strict=True)
        ]
        borders = np.cumsum([0, *(chart.size for chart in self._charts)])
        self._slices = [slice(int(a), int(b)) for a, b in pairwise(borders)]
        self.size = int(borders[-1])

    @cached_property
    def units(self) -> list[float]:
        """The size of each leaf: its largest entry at the base."""
        return [float(np.max(np.abs(value), initial=0.0)) for value in arrays(self.base)]

    def pack(self, params: Tree) -> Array:
        """The coordinates of `params`, shape (size,)."""
        parts: list[Array] = []
        try:
            for chart, value in zip(self._charts, arrays(params), strict=True):
                parts.append(chart.pack(value))
        except (DegenerateError, OutOfChartError) as error:
            raise type(error)(f"{self._names[len(parts)]}: {error}") from None
        return np.concatenate(parts) if parts else np.empty(0)

    def pack_and_pull(self, params: Tree, gradient: Tree) -> tuple[Array, Array]:
        """The coordinates of `params`, and a gradient in its entries turned into one in them."""
        parts: list[tuple[Array, Array]] = []
        try:
            for chart, value, slope in zip(
                self._charts, arrays(params), arrays(gradient), strict=True
            ):
                parts.append(chart.pack_and_pull(value, slope))
        except (DegenerateError, OutOfChartError) as error:
            raise type(error)(f"{self._names[len(parts)]}: {error}") from None
        if not parts:
            return np.empty(0), np.empty(0)
        xs, slopes = zip(*parts, strict=True)
        return np.concatenate(xs), np.concatenate(slopes)

    def unpack(self, x: Array) -> Tree:
        """The parameters at coordinates `x`, moved up to a floor where one would be crossed."""
        values = [
            constraint.project(chart.unpack(x[part]))
            for constraint, chart, part in zip(
                self._constraints, self._charts, self._slices, strict=True
            )
        ]
        return tree.build(self._structure, values)

    def pull(self, params: Tree, gradient: Tree) -> Array:
        """A gradient in the entries of `params`, turned into one in the coordinates."""
        parts = [
            chart.pull(value, slope)
            for chart, value, slope in zip(
                self._charts, arrays(params), arrays(gradient), strict=True
            )
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def running(self, params: Tree, ahead: Tree, slope: Array) -> list[Running | None]:
        """How the entries of each leaf stand to their bounds, with `slope` in the coordinates."""
        return [
            chart.running(value, there, slope[part])
            for chart, value, there, part in zip(
                self._charts, arrays(params), arrays(ahead), self._slices, strict=True
            )
        ]

    def settled(
        self,
        params: Tree,
        runs: Sequence[Running | None],
        which: Sequence[Mask],
        distances: Sequence[Array] | None = None,
    ) -> Tree:
        """`params` with the entries `which`, flat for each leaf, exactly on their bounds.

        With `distances`, flat for each leaf, they are put at these distances from them.
        """
        values = arrays(params)
        for i, (chart, value, run, mask) in enumerate(
            zip(self._charts, values, runs, which, strict=True)
        ):
            if run is not None and mask.any():
                off = 0.0 if distances is None else distances[i]
                target = run.bound + np.sign(chart.entries(value).ravel() - run.bound) * off
                values[i] = chart.settle(value, mask, target)
        return tree.rebuild(self.base, values)

    def holding(
        self, runs: Sequence[Running | None], which: Sequence[Mask]
    ) -> tuple[Chart, Rebinding]:
        """The chart with those entries held on their bounds, and how its coordinates follow."""
        chart = Chart(self.space, self.settled(self.base, runs, which))
        found = [old.rebinding(new) for old, new in zip(self._charts, chart._charts, strict=True)]
        begins = [part.start for part in self._slices]
        return chart, Rebinding(
            np.concatenate([r.kept + at for r, at in zip(found, begins, strict=True)]),
            np.concatenate(
                [
                    np.where(r.less >= 0, r.less + at, -1)
                    for r, at in zip(found, begins, strict=True)
                ]
            ),
        )

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
    for i, (constraint, value, start) in enumerate(
        zip(constraints, values, arrays(base), strict=True)
    ):
        if value.shape != start.shape:
            wrong = f"has shape {value.shape}, expected the {start.shape} it started with"
        else:
            wrong = constraint.violation(value, start)
        if wrong:
            raise ConstraintError(
                f"parameter `{tree.names(space)[i]}` {wrong} ({type(constraint).__name__}); "
                "mend the model's start or m_step, or look for what is not finite in the data"
            )


def n_free(space: Tree, params: Tree) -> int:
    """The number of free parameters by declaration."""
    return sum(
        constraint.n_free(value.shape)
        for constraint, value in zip(tree.leaves(space), arrays(params), strict=True)
    )


class Lifted(NamedTuple):
    """Parameters off their bounds, and for each leaf which entries were on them (flat)."""

    params: Tree
    which: list[Mask]


def lifted(space: Tree, params: Tree, start: Tree, share: float) -> Lifted | None:
    """`params` with what reached a bound since `start` a little way off it; None if nothing did."""
    values: list[Array] = []
    which: list[Mask] = []
    leaves = zip(tree.leaves(space), arrays(params), arrays(start), strict=True)
    for constraint, value, base in leaves:
        found = constraint.lifted(value, base, share)
        values.append(value if found is None else found[0])
        none = np.zeros(value.size, dtype=np.bool_)
        which.append(none if found is None else found[1].ravel())
    if not any(bool(mask.any()) for mask in which):
        return None
    return Lifted(tree.rebuild(params, values), which)


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
