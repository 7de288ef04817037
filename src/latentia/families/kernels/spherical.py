"""Spherical covariances: distances from centred rows, scaled once a component.

Centring costs a fifth of a pass beside the expanded square, so there is no other form: it cannot
cancel, however far a thin component is from the origin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.products import (
    LANES,
    RAISED,
    add_products,
    add_squared_distances,
    filled,
    raised,
    softmax,
)
from latentia.families.kernels.tile import load_weights, strided
from latentia.families.kernels.turn import load_turned

Array = NDArray[np.float64]


@njit(nogil=True, cache=True, fastmath={"contract"})
def _joint(offset, half, joint):
    """Log-densities from squared distances and half the precisions, in place."""
    for k in range(len(offset)):
        line, constant, scale = joint[k], offset[k], half[k]
        for b in range(line.size):
            line[b] = constant - scale * line[b]


@njit(nogil=True, cache=True, fastmath={"contract"})
def _squared_norms(z, square):
    """|z|² of the lanes."""
    square[:] = 0
    for j in range(len(z)):
        values = z[j]
        for b in range(square.size):
            square[b] += values[b] * values[b]


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _add_second(resp, square, second):
    """Add the sums of r |z|² over a tile."""
    for k in range(len(second)):
        line, total = resp[k], square.dtype.type(0)
        for b in range(square.size):
            total += line[b] * square[b]
        second[k] += total


@njit(nogil=True, cache=True)
def _chunk(flat, row, column, weights, origin, unit, offset, means, half, n, lanes):
    """Log-likelihood, counts and moments, with products in the type of `means`, all RAISED."""
    n_components, (k, d) = len(offset), means.shape
    z, joint = np.zeros((d, lanes), means.dtype), np.empty((k, lanes), means.dtype)
    weight, scratch = np.empty(lanes), np.empty((2, lanes), means.dtype)
    square = np.empty(lanes, means.dtype)
    count, first, second = np.zeros(n_components), np.zeros((k, d)), np.zeros(n_components)
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z[: len(origin)])
        load_weights(weights, start, rows, weight)
        _squared_norms(z, square)
        joint[:] = 0
        add_squared_distances(z, means, joint)
        _joint(offset, half, joint)
        loglik += softmax(joint[:n_components], weight, count, scratch)
        add_products(joint, z, first, False)
        _add_second(joint, square, second)
    return loglik, count, first, second


def run(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
    careful: bool = False,
) -> tuple[float, Array, Array, Array]:
    """One fused pass over the rows of a chunk; see the package for what goes in and out.

    Rows in float32 are multiplied in float32, unless `careful` says that components are too thin
    for that.
    """
    flat, row, column = strided(x)
    kind = np.dtype(np.float64) if careful else x.dtype
    centres, half = filled(means, kind), (factor * factor / 2).astype(kind)
    weights, origin, offset = raised(weights), np.array(origin), offset.astype(kind)
    loglik, count, first, second = _chunk(
        flat, row, column, weights, origin, float(unit), offset, centres, half, len(x), LANES
    )
    k, d = means.shape
    return loglik / RAISED, count / RAISED, first[:k, :d] / RAISED, second / RAISED
