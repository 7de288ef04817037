"""Constraints made of other constraints: part held fixed (`Masked`), groups equal (`Tied`)."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from .constraint import Array, Constraint, Index, LeafChart, Mask, Rebinding, Running, indices
from .elementwise import ElementChart, Interval, Positive, Real
from .simplex import Simplex, SimplexChart


@final
class Masked(Constraint):
    """Some entries are free, the others stay where they started.

    Parameters
    ----------
    inner : Real, Positive, Interval or Simplex
        What the free entries may be. In a `Simplex` row the free ones share what the held
        ones leave.
    free : array of bool, of the parameter's shape
        True where the entry may move.
    """

    def __init__(self, inner: Constraint, free: Any) -> None:
        if not isinstance(inner, (Real, Positive, Interval, Simplex)):
            raise TypeError(
                f"got Masked({type(inner).__name__}, ...), expected Real, Positive, Interval or "
                "Simplex inside; use Fixed() to hold a whole matrix"
            )
        self.inner, self.free = inner, np.asarray(free, dtype=np.bool_)
        self.exchangeable = inner.exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        free = np.broadcast_to(self.free, shape)
        if isinstance(self.inner, Simplex):
            if self.inner.support is not None:
                free = free & np.broadcast_to(self.inner.support, shape)
            return int(np.maximum(free.sum(axis=-1) - 1, 0).sum())
        return int(free.sum())

    def violation(self, value: Array, base: Array) -> str | None:
        held: Mask = ~np.broadcast_to(self.free, base.shape)
        if value.shape == base.shape and (value[held] != base[held]).any():
            where = list(indices((value != base) & held)[0])
            return f"changed at {where} where it is held, expected the value it started from"
        return self.inner.violation(value, base)

    def chart(self, base: Array) -> LeafChart:
        free = np.broadcast_to(self.free, base.shape)
        if isinstance(self.inner, Simplex):
            return SimplexChart(base, free)
        return _Held(self.inner.chart(base), base, free)

    def project(self, value: Array) -> Array:
        return np.where(self.free, self.inner.project(value), value)

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        found = self.inner.lifted(value, np.where(self.free, base, value), share)
        if found is None or not isinstance(self.inner, Simplex):
            return found
        gone, kept = found[1], np.where(self.free, value, 0.0)  # what is held stays, to the bit
        raised = np.where(gone, share, kept)
        total, full = (part.sum(axis=-1, keepdims=True) for part in (kept, raised))
        raised = raised * (total / np.where(full > 0, full, 1.0))
        return np.where(gone.any(axis=-1, keepdims=True) & self.free, raised, value), gone

    def at_floor(self, value: Array) -> list[Index]:
        return self._free_only(self.inner.at_floor(value), value)

    def at_boundary(self, value: Array) -> list[Index]:
        return self._free_only(self.inner.at_boundary(value), value)

    def _free_only(self, where: list[Index], value: Array) -> list[Index]:
        free = np.broadcast_to(self.free, value.shape)
        return [index for index in where if free[index]]


@final
class _Held(LeafChart):
    """An elementwise chart with some of its coordinates left out."""

    def __init__(self, inner: ElementChart, base: Array, free: Mask) -> None:
        self.inner, self.base, self.free = inner, base, free
        self.keep: Mask = free[inner.free]
        self.size = int(self.keep.sum())

    def pack(self, value: Array) -> Array:
        return self.inner.pack(value)[self.keep]

    def unpack(self, x: Array) -> Array:
        full = np.zeros(self.inner.size)
        full[self.keep] = x
        return np.where(self.free, self.inner.unpack(full), self.base)

    def pull(self, value: Array, gradient: Array) -> Array:
        return self.inner.pull(value, gradient)[self.keep]

    def running(self, value: Array, ahead: Array, slope: Array) -> Running | None:
        full = np.zeros(self.inner.size)
        full[self.keep] = slope
        found = self.inner.running(value, ahead, full)
        if found is None:
            return None
        return found._replace(bound=np.where(self.free.ravel(), found.bound, np.nan))

    def settle(self, value: Array, which: Mask, target: Array) -> Array:
        return self.inner.settle(value, which, target)

    def rebinding(self, new: Any) -> Rebinding:
        old_free, new_free = self.free & self.inner.free, new.free & new.inner.free
        kept = np.flatnonzero(new_free[old_free]).astype(np.intp)
        return Rebinding(kept, np.full(len(kept), -1, dtype=np.intp))


@final
class Tied(Constraint):
    """Entries, rows or matrices of the same group are equal.

    Parameters
    ----------
    inner : Constraint
        What each group's common value may be.
    groups : array of int
        The group of each entry along the leading axes: its shape is that of the parameter,
        or of the parameter's first axes. Groups are numbered from 0 without gaps.

    Notes
    -----
    A model's M-step must pool the statistics of a group; the engine checks that it did.
    """

    def __init__(self, inner: Constraint, groups: Any) -> None:
        self.inner, self.groups = inner, np.asarray(groups, dtype=np.intp)
        self.n_groups = int(self.groups.max()) + 1
        if not np.array_equal(np.unique(self.groups), np.arange(self.n_groups)):
            raise ValueError(
                f"got groups {np.unique(self.groups).tolist()}, expected 0 to "
                f"{self.n_groups - 1} without gaps"
            )
        self.exchangeable = ()
        flat = self.groups.ravel()
        self.first = np.array([int(np.argmax(flat == g)) for g in range(self.n_groups)])

    def _rest(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[self.groups.ndim :]

    def reduce(self, value: Array) -> Array:
        """One value for each group: shape (n_groups, ...)."""
        return value.reshape(-1, *self._rest(value.shape))[self.first]

    def expand(self, common: Array) -> Array:
        """The whole parameter from the groups' common values."""
        return common[self.groups]

    def n_free(self, shape: tuple[int, ...]) -> int:
        return self.inner.n_free((self.n_groups, *self._rest(shape)))

    def violation(self, value: Array, base: Array) -> str | None:
        common = self.reduce(value)
        wrong = self.inner.violation(common, self.reduce(base))
        if (
            wrong is None
            and not (np.abs(self.expand(common) - value) <= 1e-9 * np.abs(value)).all()
        ):
            return "differs within a tied group, expected equal values"
        return wrong

    def chart(self, base: Array) -> LeafChart:
        return _Shared(self, self.inner.chart(self.reduce(base)))

    def project(self, value: Array) -> Array:
        return self.expand(self.inner.project(self.reduce(value)))

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        found = self.inner.lifted(self.reduce(value), self.reduce(base), share)
        return None if found is None else (self.expand(found[0]), found[1])

    def at_floor(self, value: Array) -> list[Index]:
        return self._everywhere(self.inner.at_floor(self.reduce(value)))

    def at_boundary(self, value: Array) -> list[Index]:
        return self._everywhere(self.inner.at_boundary(self.reduce(value)))

    def _everywhere(self, found: list[Index]) -> list[Index]:
        """Positions among the groups' values, as those of all their members."""
        return [(*at, *index[1:]) for index in found for at in indices(self.groups == index[0])]


@final
class _Shared(LeafChart):
    def __init__(self, tied: Tied, inner: LeafChart) -> None:
        self.tied, self.inner, self.size = tied, inner, inner.size

    def pack(self, value: Array) -> Array:
        return self.inner.pack(self.tied.reduce(value))

    def unpack(self, x: Array) -> Array:
        return self.tied.expand(self.inner.unpack(x))

    def pull(self, value: Array, gradient: Array) -> Array:
        return self.inner.pull(*self._reduced(value, gradient))

    def pack_and_pull(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        return self.inner.pack_and_pull(*self._reduced(value, gradient))

    def _reduced(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        common = self.tied.reduce(value)
        summed = np.zeros_like(common)
        flat = gradient.reshape(-1, *common.shape[1:])
        np.add.at(summed, self.tied.groups.ravel(), flat)
        return common, summed

    def running(self, value: Array, ahead: Array, slope: Array) -> Running | None:
        return self.inner.running(self.tied.reduce(value), self.tied.reduce(ahead), slope)

    def entries(self, value: Array) -> Array:
        return self.inner.entries(self.tied.reduce(value))

    def settle(self, value: Array, which: Mask, target: Array) -> Array:
        return self.tied.expand(self.inner.settle(self.tied.reduce(value), which, target))

    def rebinding(self, new: Any) -> Rebinding:
        return self.inner.rebinding(new.inner)
