"""Sequences as an E-step takes them: what was seen of their steps is known."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import SAMPLE
from latentia.data.groups import GroupedRows

from .workspace import Workspace

Array = NDArray[np.float64]


class SeenSequences(NamedTuple):
    """Sequences, and which of their steps were seen at all.

    Attributes
    ----------
    x : array of shape (n, d)
    weights : array of shape (m,)
    sizes : array of int, shape (m,)
    seen : array of int or None
        The steps with some cell that is known; None where those are all.
    complete : bool
        Whether every cell of these is known.
    workspace : Workspace
        Memory that one E-step leaves for the next.
    """

    x: Any
    weights: Array
    sizes: NDArray[np.intp]
    seen: NDArray[np.intp] | None
    complete: bool
    workspace: Workspace

    @classmethod
    def of(cls, chunk: Any) -> Self:
        """Sequences as they are handed out."""
        missing = _missing(chunk.x)
        if missing is None:
            return cls(chunk.x, chunk.weights, chunk.sizes, None, True, Workspace())
        hollow = missing.all(axis=1)
        seen = np.flatnonzero(~hollow) if hollow.any() else None
        complete = not missing[~hollow].any()
        return cls(chunk.x, chunk.weights, chunk.sizes, seen, complete, Workspace())

    def __len__(self) -> int:
        return len(self.sizes)

    def take(self, idx: NDArray[np.intp]) -> Any:
        return GroupedRows(self.x, self.weights, self.sizes).take(idx)

    def reweight(self, w: Array) -> Self:
        weights = self.weights * w
        return type(self)(self.x, weights, self.sizes, self.seen, self.complete, self.workspace)

    def among(self, first: int, last: int) -> Self:
        """Some of the sequences, as views."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        part = slice(first, last)
        return self._rows(int(ends[first]), int(ends[last]), self.weights[part], self.sizes[part])

    def steps(self, first: int, last: int) -> Self:
        """Some steps of the only sequence, as views."""
        return self._rows(first, last, self.weights, np.array([last - first], dtype=np.intp))

    def excerpt(self) -> Self:
        """Of a sequence longer than a sample is to be, stretches spread over it, as sequences."""
        n = len(self.x)
        if len(self) > 1 or n <= SAMPLE:
            return self
        size = SAMPLE // STRETCHES
        at = np.linspace(0, n - size, STRETCHES).astype(np.intp)
        x = np.concatenate([self.x[i : i + size] for i in at])
        weights = np.full(STRETCHES, self.weights[0] * n / len(x))
        return self.of(GroupedRows(x, weights, np.full(STRETCHES, size)))

    def _rows(self, first: int, last: int, weights: Array, sizes: NDArray[np.intp]) -> Self:
        seen = self.seen
        if seen is not None:
            begin, end = np.searchsorted(seen, [first, last])
            seen = seen[begin:end] - first
        x = self.x[first:last]
        return type(self)(x, weights, sizes, seen, self.complete, self.workspace)


def _missing(x: Any) -> NDArray[np.bool_] | None:
    """Where nothing is known; None where there is no such cell."""
    if any(np.isnan(x[at : at + _SOME]).any() for at in range(0, len(x), _SOME)):
        return np.isnan(x)
    return None


STRETCHES = 10
"""Stretches that stand for a sequence that is too long for a start to look at."""

_SOME = 1 << 16
"""Rows looked at together, so that what is found of them is small."""
