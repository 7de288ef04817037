"""Rows of numbers: the chunk most models work on, and where such chunks come from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

BLOCK = 65_536
"""Rows in a chunk, at most: its statistics cost far more than the call that computes them."""

PART = 8_192
"""Rows gone through at a time where an array over rows and components is made."""

LEAST = 4_096, 16_384
"""Rows in a chunk, at least, of wide and of narrow rows: smaller ones wait for the interpreter."""

WIDE = 65_536
"""Cells in a chunk, at least, within those: wide rows take so long that fewer of them make one."""

CHUNKS = 16
"""Chunks of up to CHUNKS * BLOCK rows, where they hold LEAST each."""

TILE = 256
"""Chunks hold a multiple of this many rows, so that compiled loops run full."""

WIDEST = 1e153
"""Standard deviations up to this, and down to its inverse, have squares that a float can hold."""

SAMPLE = 20_000
"""Distinct rows that a start looks at, at most."""

POOL = 3 * SAMPLE
"""Distinct rows that are kept to draw samples from, at most."""


class Rows(NamedTuple):
    """Independent rows with a weight each.

    Attributes
    ----------
    x : array of shape (n, d), float64 or float32
        As the user has it: in any memory order, perhaps mapped from a file.
    weights : array of shape (n,)
        Equal weights may share one number in memory (``numpy.broadcast_to``).
    """

    x: Any
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
        values = np.asanyarray(x)
        if values.dtype != np.float32:
            values = np.asanyarray(values, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2:
            raise ValueError(f"got x of shape {values.shape}, expected rows and columns")
        if weights is None:
            return cls(values, ones(len(values)))
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

    def blocks(self, size: int = PART) -> Iterator[Rows]:
        """The rows in order, `size` at a time, as views."""
        for at in range(0, len(self.x), size):
            yield Rows(self.x[at : at + size], self.weights[at : at + size])


def ones(n: int) -> NDArray[np.float64]:
    """n weights of one that share their memory."""
    return np.broadcast_to(np.float64(1.0), (n,))


def total_of(weights: NDArray[np.float64]) -> float:
    """The sum of weights; of a number that stands for all of them its multiple."""
    if weights.strides == (0,) and len(weights):
        return len(weights) * float(weights[0])
    return float(weights.sum())


def rows_in_a_chunk(n: int, n_columns: int = 1) -> int:
    """How many of n rows go into each chunk: of one size, whatever the number of threads."""
    least = int(np.clip(WIDE // max(n_columns, 1), *LEAST))
    chunks = max(min(CHUNKS, n // least), -(-n // BLOCK), 1)
    if chunks < CHUNKS:
        chunks = 1 << (chunks.bit_length() - 1)  # so that threads have equal shares
    each = -(-n // chunks)
    return max(-(-each // TILE) * TILE, 1)


class RowSource:
    """Rows handed out in chunks that are views: nothing is copied.

    Parameters
    ----------
    rows : Rows
        In memory, or mapped from a file.
    block : int, optional
        Rows in a chunk; by default `rows_in_a_chunk`. Results are the same bits for the same
        block, whatever the number of threads or machines.
    """

    def __init__(self, rows: Rows, block: int | None = None) -> None:
        self.rows = rows
        self.block = rows_in_a_chunk(*rows.x.shape) if block is None else block

    @cached_property
    def distinct(self) -> Rows:
        """Different rows with their summed weights: all, or `POOL` of them."""
        return distinct_rows(self.rows, POOL)

    def chunks(self) -> Sequence[Rows]:
        return list(self.rows.blocks(self.block))

    def sample(self, rng: np.random.Generator) -> Rows:
        """Distinct rows with their summed weights, in an order that only the rows decide.

        Rows of weight zero are left out. If there are more than `SAMPLE`, that many are drawn
        by weight from `distinct`.
        """
        distinct = self.distinct
        if len(distinct) <= SAMPLE:
            return distinct
        total = float(distinct.weights.sum())
        drawn = np.sort(rng.choice(len(distinct), SAMPLE, replace=True, p=distinct.weights / total))
        idx, counts = np.unique(drawn, return_counts=True)
        return Rows(distinct.x[idx], np.asarray(counts, dtype=np.float64) * (total / SAMPLE))


def distinct_rows(rows: Rows, most: int | None = None) -> Rows:
    """Each different row once, in float64, with the sum of its weights, sorted by its key.

    A key is a hash of a row's bits. If there are more than `most` different rows, those with
    the smallest keys are kept, which is a fair sample that depends on the set of rows alone,
    and their weights are raised so that the total is kept (bottom-k sampling, Cohen & Kaplan
    2007). No more than three times `most` rows, or a few blocks, are in memory at once.
    """
    gathered: list[_Keyed] = []
    limit, total, waiting, dropped = np.uint64(2**64 - 1), 0.0, 0, False
    for block in rows.blocks():
        used = block.weights > 0
        x = np.ascontiguousarray(block.x[used], dtype=np.float64) + 0.0  # -0.0 becomes 0.0
        w = block.weights[used]
        total += float(w.sum())
        key = _keys(x)
        near = key <= limit
        gathered.append(_Keyed(key[near], x[near], w[near]))
        waiting += len(gathered[-1].key)
        if most is not None and waiting > most // 2:
            united = _united(gathered, most)
            if united.dropped:
                limit, dropped = united.rows.key[-1], True
            gathered, waiting = [united.rows], 0
    if not gathered:
        return Rows(np.asarray(rows.x, dtype=np.float64), np.array(rows.weights))
    (_, x, w), more = _united(gathered, most)
    return Rows(x, w * (total / w.sum()) if dropped or more else w)


class _Keyed(NamedTuple):
    key: NDArray[np.uint64]
    x: NDArray[np.float64]
    w: NDArray[np.float64]


class _United(NamedTuple):
    rows: _Keyed
    dropped: bool  # whether there were more


def _united(parts: Sequence[_Keyed], most: int | None) -> _United:
    """Different rows once, sorted by their keys, the first `most` of them."""
    key = np.concatenate([part.key for part in parts])
    first, place = _each_once(key)
    x = _gathered(parts, first[:most])
    if not _the_same(parts, x, first, place):  # two different rows share a key
        bits = np.concatenate([part.x for part in parts]).view(np.uint64)
        both = np.column_stack([key, bits])
        _, first, place = np.unique(both, axis=0, return_index=True, return_inverse=True)
        x = _gathered(parts, first[:most])
    w = np.concatenate([part.w for part in parts])
    summed = np.bincount(place.ravel(), weights=w, minlength=len(first))[:most]
    kept = _Keyed(key[first[:most]], x, np.asarray(summed, dtype=np.float64))
    return _United(kept, len(first) > len(x))


def _each_once(key: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each different key, in their order, comes first, and which of them every key is.

    What `np.unique` says with a stable sort, which takes several times as long.
    """
    order = np.argsort(key)
    ordered = key[order]
    begins = np.ones(len(key), dtype=np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    place = np.empty(len(key), dtype=np.intp)
    place[order] = np.cumsum(begins) - 1
    return np.minimum.reduceat(order, np.flatnonzero(begins)), place


def _places(parts: Sequence[_Keyed]) -> Iterator[tuple[_Keyed, int]]:
    """Each part, and where it begins among the rows of all."""
    begin = 0
    for part in parts:
        yield part, begin
        begin += len(part.key)


def _gathered(parts: Sequence[_Keyed], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Some rows out of all parts, which are never put together."""
    if len(parts) == 1:
        return parts[0].x[rows]
    x = np.empty((len(rows), parts[0].x.shape[1]))
    for part, begin in _places(parts):
        here = (rows >= begin) & (rows < begin + len(part.key))
        x[here] = part.x[rows[here] - begin]
    return x


def _the_same(
    parts: Sequence[_Keyed],
    x: NDArray[np.float64],
    first: NDArray[np.intp],
    place: NDArray[np.intp],
) -> bool:
    """Whether rows that share a key with one in `x` are that row."""
    for part, begin in _places(parts):
        at = place[begin : begin + len(part.key)]
        again = np.flatnonzero((at < len(x)) & (first[at] != np.arange(begin, begin + len(at))))
        if not np.array_equal(part.x[again].view(np.uint64), x[at[again]].view(np.uint64)):
            return False
    return True


def _keys(x: NDArray[np.float64]) -> NDArray[np.uint64]:
    key = np.zeros(len(x), dtype=np.uint64)
    for column in x.view(np.uint64).T:  # splitmix64, one column after the other
        key = _mix(key ^ column)
    return key


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
        One unit for all columns: the power of two next to the root mean square of their standard
        deviations, so that going in and out of the frame rounds nothing but what the origin does.
    spread : array of shape (d,)
        The standard deviation of each column, 1 where a column is constant.
    """

    origin: NDArray[np.float64]
    scale: float
    spread: NDArray[np.float64]

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")  # what comes of it is refused
    def of(cls, rows: Rows) -> Frame:
        """The frame of some rows; missing cells (nan) are left out, column by column.

        Raises
        ------
        ValueError
            If the columns spread so far, or so little, that a float cannot hold their squares.
        """
        x, w = np.asarray(rows.x, dtype=np.float64), rows.weights
        known = ~np.isnan(x)
        whole = bool(known.all())
        total = w.sum() if whole else np.maximum(w @ known, np.finfo(np.float64).tiny)
        first = x[0] if whole else np.nan_to_num(x[known.argmax(axis=0), np.arange(x.shape[1])])
        away = x - first
        if not whole:
            away[~known] = 0.0
        origin = first + _weighted_sum(w, away) / total
        np.subtract(x, origin, out=away)
        if not whole:
            away[~known] = 0.0
        # through the largest deviation, so that squares neither overflow nor vanish
        width = np.maximum(away.max(axis=0), -away.min(axis=0))
        unit = np.where(width > 0, width, 1.0)
        np.divide(away, unit, out=away)
        spread = unit * np.sqrt(_weighted_sum(w, np.square(away, out=away)) / total)
        spread = np.where(spread > 0, spread, 1.0)
        largest = float(spread.max())
        if not 1 / WIDEST < largest < WIDEST:  # not of nan or inf either
            raise ValueError(
                f"got columns whose standard deviation is about {largest:.0e}, and the square of "
                "that is beyond what a float can hold; give them in another unit"
            )
        typical = float(largest * np.sqrt(np.mean((spread / largest) ** 2)))
        return cls(origin, math.ldexp(1.0, round(math.log2(typical))), spread)

    def into(self, x: Any) -> NDArray[np.float64]:
        """Rows in the frame's origin and unit."""
        away = x - self.origin
        return np.divide(away, self.scale, out=away)


def _weighted_sum(weights: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """sum_i w_i x_i without BLAS, whose threads would go on spinning into the first steps."""
    return np.einsum("i,ij->j", weights, x)
