"""Rows in groups, such as sequences and the rows of a subject: each group is one unit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray

from .arrays import PART, SAMPLE, rows_in_a_chunk

Array = NDArray[np.float64]


class GroupedRows(NamedTuple):
    """Independent groups of rows with a weight each: their rows are not independent.

    Attributes
    ----------
    x : array of shape (n, d)
        The rows, group after group, each in its own order.
    weights : array of shape (m,)
        How often each group counts.
    sizes : array of int, shape (m,)
        How many rows each group has, at least one.
    """

    x: Any
    weights: Array
    sizes: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def starts(self) -> NDArray[np.intp]:
        """Where each group begins among the rows."""
        return np.cumsum(self.sizes) - self.sizes

    def take(self, idx: NDArray[np.intp]) -> Self:
        sizes = self.sizes[idx]
        inside = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = np.repeat(self.starts[idx], sizes) + inside
        return type(self)(self.x[rows], self.weights[idx], sizes)

    def reweight(self, w: Array) -> Self:
        return type(self)(self.x, self.weights * w, self.sizes)

    def blocks(self, size: int = PART) -> Iterator[GroupedRows]:
        """The groups in order, as views of about `size` rows; a group is never split."""
        ends = np.cumsum(self.sizes)
        first = row = 0
        while first < len(self):
            last = max(int(np.searchsorted(ends, row + size, side="right")), first + 1)
            end = int(ends[last - 1])
            part = slice(first, last)
            yield GroupedRows(self.x[row:end], self.weights[part], self.sizes[part])
            first, row = last, end

    def firsts(self, rows: Array) -> Array:
        """The first of each group's rows, (m, ...)."""
        return rows[self.starts]

    def summed(self, rows: Array) -> Array:
        """Sums over each group's rows, (m, ...)."""
        return np.add.reduceat(rows, self.starts, axis=0)

    def spread(self, groups: Array) -> Array:
        """What is known of each group, for each of its rows, (n, ...)."""
        return np.repeat(groups, self.sizes, axis=0)


@final
class GroupedSource:
    """Groups in chunks of whole groups.

    Parameters
    ----------
    rows : GroupedRows
    """

    def __init__(self, rows: GroupedRows) -> None:
        self.rows = rows

    def chunks(self) -> Sequence[GroupedRows]:
        return list(self.rows.blocks(rows_in_a_chunk(*self.rows.x.shape)))

    @cached_property
    def distinct(self) -> GroupedRows:
        """Different groups with their summed weights, in an order that only the groups decide."""
        found: dict[bytes, tuple[int, float]] = {}
        for i, (start, size) in enumerate(zip(self.rows.starts, self.rows.sizes, strict=True)):
            if not self.rows.weights[i] > 0:
                continue
            own = hashlib.sha256()
            for at in range(start, start + size, PART):
                some = self.rows.x[at : min(at + PART, start + size)]
                own.update((np.ascontiguousarray(some, dtype=np.float64) + 0.0).tobytes())
            key = own.digest()
            first, weight = found.get(key, (i, 0.0))
            found[key] = first, weight + float(self.rows.weights[i])
        kept = [found[key] for key in sorted(found)]
        if len(kept) == len(self.rows) == 1:
            return GroupedRows(self.rows.x, np.array([kept[0][1]]), self.rows.sizes)
        taken = self.rows.take(np.array([i for i, _ in kept], dtype=np.intp))
        return GroupedRows(taken.x, np.array([weight for _, weight in kept]), taken.sizes)

    def sample(self, rng: np.random.Generator) -> GroupedRows:
        """All different groups, or as many, drawn by weight, as have `SAMPLE` rows."""
        each = self.distinct
        if len(each.x) <= SAMPLE:
            return each
        total = float(each.weights.sum())
        most = max(int(SAMPLE / (each.weights @ each.sizes / total)), 1)
        drawn = rng.choice(len(each), size=most, p=each.weights / total)
        idx, counts = np.unique(drawn, return_counts=True)
        taken = each.take(idx)
        shared = np.asarray(counts * (total / most), dtype=np.float64)
        return GroupedRows(taken.x, shared, taken.sizes)
