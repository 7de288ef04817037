"""Rows brought into tiles: centred, scaled, and turned so that features are lines.

A kernel is compiled for one kind of array only, whatever the user's rows are in memory:
`strided` shows any (n, D) array as a flat read-only line with two steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Strided(NamedTuple):
    """An (n, D) array: x[i, j] is flat[i * row + j * column]."""

    flat: NDArray[Any]
    row: int
    column: int


def strided(x: NDArray[Any]) -> Strided:
    """The rows in `x`, shape (n, D), float64 or float32, without a copy.

    What cannot be read by steps forward in whole numbers of its own kind (a reversed axis, fields
    of records, the other byte order) is copied.
    """
    size = x.dtype.itemsize
    steps = [step if length > 1 else size for step, length in zip(x.strides, x.shape, strict=True)]
    plain = x.dtype.isnative and x.flags.aligned
    if not plain or any(step < 0 or step % size for step in steps):
        x = np.ascontiguousarray(x, dtype=x.dtype.newbyteorder("="))
        steps = list(x.strides)
    row, column = (step // size for step in steps)
    span = (x.shape[0] - 1) * row + (x.shape[1] - 1) * column + 1 if x.size else 0
    flat = np.lib.stride_tricks.as_strided(x, (span,), (size,), writeable=False)
    return Strided(flat, row, column)


def line(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights as a read-only contiguous line: one number where it stands for all of them."""
    if weights.strides == (0,):
        weights = weights[:1]
    weights = np.ascontiguousarray(weights, dtype=np.float64).view()
    weights.flags.writeable = False
    return weights


@njit(nogil=True, cache=True)
def load(flat, row, column, start, rows, origin, unit, z):
    """Fill z, shape (D, B), with (x - origin) * unit of `rows` rows from row `start` on.

    Differences are taken in float64 and rounded to z's own type. Lanes without a row repeat
    the last one, so that they are as harmless as it is.
    """
    n_features, lanes = z.shape
    for j in range(n_features):
        into, centre, x = z[j], origin[j], flat[start * row + j * column :]
        for b in range(rows):
            into[b] = (np.float64(x[b * row]) - centre) * unit
    for j in range(n_features):
        for b in range(rows, lanes):
            z[j, b] = z[j, rows - 1]


@njit(nogil=True, cache=True)
def load_weights(weights, start, rows, weight):
    """Fill `weight`, shape (B,), with those of `rows` rows; lanes without a row get 0."""
    common = weights.size == 1
    # A loop, for assigning a slice would compile the message of an error for over a second.
    for b in range(rows):
        weight[b] = weights[0] if common else weights[start + b]
    weight[rows:] = 0.0
