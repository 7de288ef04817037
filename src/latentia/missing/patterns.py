"""Which cells of rows are seen: rows by pattern, and the table of patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.families.incomplete import distinct

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]


class RowsByPattern(NamedTuple):
    """Rows in a model's frame, and where those of each pattern of holes are.

    Attributes
    ----------
    z : array of shape (n, d)
        0 where nothing was seen.
    weights : array of shape (n,)
        0 for rows of which nothing was seen.
    which : array of int, shape (n,)
        The pattern of each row.
    seen : array of bool, shape (P, d)
        Which cells a pattern has.
    order : array of int, shape (n,)
        The rows by pattern.
    begin : array of int, shape (P + 1,)
        Where each pattern begins in `order`.
    """

    z: Array
    weights: Array
    which: Places
    seen: Mask
    order: Places
    begin: Places

    @classmethod
    def of(cls, z: Array, weights: Array) -> RowsByPattern:
        """Rows (n, d) with nan where nothing was seen; `z` itself is filled with zeros there."""
        hidden = np.isnan(z)
        seen, which = distinct(hidden)
        z[hidden] = 0.0
        telling: Any = seen.any(axis=1)
        return cls(z, weights * telling[which], which, seen, *_sorted(which, len(seen)))

    def __len__(self) -> int:
        return len(self.z)

    def take(self, idx: Places) -> RowsByPattern:
        which = self.which[idx]
        by_pattern = _sorted(which, len(self.seen))
        return RowsByPattern(self.z[idx], self.weights[idx], which, self.seen, *by_pattern)

    def reweight(self, w: Array) -> RowsByPattern:
        by_pattern = (self.which, self.seen, self.order, self.begin)
        return RowsByPattern(self.z, self.weights * w, *by_pattern)


def _sorted(which: Places, n_patterns: int) -> tuple[Places, Places]:
    counts = np.bincount(which, minlength=n_patterns)
    return np.argsort(which, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


class Patterns(NamedTuple):
    """The patterns of holes in some rows, the most frequent first.

    Attributes
    ----------
    columns : tuple of str
    seen : array of bool, shape (P, d)
        Which cells a pattern has.
    rows : array of shape (P,)
        How many rows have it, by weight.
    missing : array of shape (d,)
        How many cells of each column are missing, by weight.
    """

    columns: tuple[str, ...]
    seen: Mask
    rows: Array
    missing: Array

    def __str__(self) -> str:
        names = [name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…" for name in self.columns]
        wide = [max(len(name), 3) for name in names]
        shown = list(zip(self.seen, self.rows, strict=True))[:MOST]
        lines = [["rows", *names, "missing"]]
        for seen, rows in shown:
            cells = ["x" if cell else "." for cell in seen]
            lines.append([f"{rows:g}", *cells, str(int((~seen).sum()))])
        last = [f"{cells:g}" for cells in self.missing]
        lines.append(["missing", *last, f"{self.missing.sum():g}"])
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(c.rjust(w) for c, w in zip(line, wide, strict=True)) for line in lines]
        if left := len(self.rows) - len(shown):
            text.insert(-1, f"... {left} more patterns of {self.rows[MOST:].sum():g} rows")
        return "\n".join(text)


MOST, WIDEST = 30, 16
"""Patterns that a table prints, and letters of a column's name."""


def patterns_of(rows: Rows, columns: Sequence[str]) -> Patterns:
    """The patterns of holes in rows (n, d), which are looked at a block at a time.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [3.0, np.nan], [4.0, 5.0]])
    >>> print(patterns_of(Rows.of(x), ["size", "worms"]))
       rows  size  worms  missing
          2     x      x        0
          1     x      .        1
    missing     0      1        1
    """
    parts = [(*distinct(np.isnan(b.x)), b.weights) for b in rows.blocks(65_536)]
    every: Any = np.concatenate([seen for seen, _, _ in parts])
    counts = np.concatenate([np.bincount(which, w, len(seen)) for seen, which, w in parts])
    seen, which = distinct(~every)
    total: Any = np.bincount(which, counts, len(seen))
    order = np.lexsort((np.arange(len(total)), (~seen).sum(axis=1), -total))
    order = order[total[order] > 0]
    seen, total = seen[order], total[order]
    return Patterns(tuple(columns), seen, total, total @ ~seen)
