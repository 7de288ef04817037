"""Rows of numbers in memory: the chunk most models work on, and where such chunks come from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

BLOCK = 16_384
"""Rows in a chunk: large enough that threads are not held up by the interpreter."""

SAMPLE = 20_000
"""Distinct rows that starts look at, at most."""


class Rows(NamedTuple):
    """Independent rows with a weight each.

    Attributes
    ----------
    x : array of shape (n, d)
    weights : array of shape (n,)
    """

    x: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, x: object, weights: object = None) -> Rows:
        """Rows from anything array-like; a vector is one column, weights default to one.

        Raises
        ------
        ValueError
            If `x` is no matrix, or if the weights are not one for each row, finite and at least
            zero. Whether an entry of `x` may be nan is for the model to say.
        """
        values = np.asarray(x, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2:
            raise ValueError(f"got x of shape {values.shape}, expected rows and columns")
        if weights is None:
            return cls(values, np.ones(len(values)))
        w = np.asarray(weights, dtype=np.float64)
        if w.shape != (len(values),):
            raise ValueError(
                f"got weights of shape {w.shape}, expected ({len(values)},): one weight a row"
            )
        wrong = ~(np.isfinite(w) & (w >= 0))
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ValueError(f"got weights[{i}] = {w[i]:g}, expected a finite number of at least 0")
        return cls(values, w)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: NDArray[np.intp]) -> Self:
        return type(self)(self.x[idx], self.weights[idx])

    def reweight(self, w: NDArray[np.float64]) -> Self:
        return type(self)(self.x, self.weights * w)


class RowSource:
    """Rows in memory, handed out in chunks of `BLOCK`.

    Parameters
    ----------
    rows : Rows
    block : int, default=BLOCK
        Rows in a chunk. Results are the same bits for the same block, whatever the number of
        threads.
    """

    def __init__(self, rows: Rows, block: int = BLOCK) -> None:
        self.rows, self.block = rows, block

    @cached_property
    def distinct(self) -> Rows:
        """Each different row once with its summed weight, in an order the rows alone decide."""
        return distinct_rows(self.rows)

    def chunks(self) -> Sequence[Rows]:
        x, w = self.rows
        return [
            Rows(x[at : at + self.block], w[at : at + self.block])
            for at in range(0, len(x), self.block)
        ]

    def sample(self, rng: np.random.Generator) -> Rows:
        """Distinct rows with their summed weights, in an order that only the rows decide.

        Rows of weight zero are left out. If there are more than `SAMPLE`, that many are drawn
        by weight.
        """
        distinct = self.distinct
        if len(distinct) <= SAMPLE:
            return distinct
        share = distinct.weights / distinct.weights.sum()
        drawn = np.sort(rng.choice(len(distinct), SAMPLE, replace=True, p=share))
        idx, counts = np.unique(drawn, return_counts=True)
        counts = np.asarray(counts, dtype=np.float64)
        share = float(distinct.weights.sum()) / SAMPLE
        return Rows(distinct.x[idx], counts * share)


def distinct_rows(rows: Rows) -> Rows:
    """Each different row once, with the sum of its weights, sorted by a hash of its bits."""
    x = np.ascontiguousarray(rows.x[rows.weights > 0] + 0.0)  # -0.0 becomes 0.0
    w = rows.weights[rows.weights > 0]
    bits = x.view(np.uint64)
    key = np.zeros(len(x), dtype=np.uint64)
    for column in bits.T:  # splitmix64, one column after the other
        key = _mix(key ^ column)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    if not np.array_equal(bits, bits[first][inverse]):  # two different rows share a key
        _, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
    summed = np.bincount(inverse.ravel(), weights=w, minlength=len(first))
    return Rows(x[first], np.asarray(summed, dtype=np.float64))


def _mix(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    key = key + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


class Frame(NamedTuple):
    """Origin and unit in which moments are summed, so that they do not cancel.

    Attributes
    ----------
    origin : array of shape (d,)
        The weighted mean of the columns.
    scale : float
        One unit for all columns: the root mean square of their standard deviations.
    spread : array of shape (d,)
        The standard deviation of each column, 1 where a column is constant.
    """

    origin: NDArray[np.float64]
    scale: float
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows) -> Frame:
        """The frame of some rows."""
        x, w = rows
        origin = x[0] + (w @ (x - x[0])) / w.sum()
        # through the largest deviation, so that squares neither overflow nor vanish
        width = np.abs(x - origin).max(axis=0)
        unit = np.where(width > 0, width, 1.0)
        spread = unit * np.sqrt(w @ ((x - origin) / unit) ** 2 / w.sum())
        spread = np.where(spread > 0, spread, 1.0)
        largest = spread.max()
        scale = float(largest * np.sqrt(np.mean((spread / largest) ** 2)))
        return cls(origin, scale, spread)
