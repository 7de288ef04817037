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
    load_tile,
    softmax,
    whole,
)
from latentia.families.kernels.tile import line, load_weights, strided

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
def chunk(flat, row, column, weights, origin, unit, offset, means, factor, n, lanes, like):
    """`run` in tiles of so many lanes, with products in the type of `like`, an array."""
    n_components, n_features = means.shape
    k, d = whole(n_components), whole(n_features)
    centres = np.zeros((k, d), like.dtype)
    offsets, half = np.empty(n_components, like.dtype), np.empty(n_components, like.dtype)
    centres[:n_components, :n_features] = means
    offsets[:] = offset
    half[:] = factor * factor / 2
    z, joint = np.zeros((d, lanes), like.dtype), np.empty((k, lanes), like.dtype)
    weight, scratch = np.empty(lanes), np.empty((2, lanes), like.dtype)
    square = np.empty(lanes, like.dtype)
    count, first, second = np.zeros(n_components), np.zeros((k, d)), np.zeros(n_components)
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_tile(flat, row, column, start, rows, origin, unit, z[:n_features])
        load_weights(weights, start, rows, weight)
        weight *= RAISED
        _squared_norms(z, square)
        joint[:] = 0
        add_squared_distances(z, centres, joint)
        _joint(offsets, half, joint)
        loglik += softmax(joint[:n_components], weight, count, scratch)
        add_products(joint, z, first, False)
        _add_second(joint, square, second)
    first = first[:n_components, :n_features] / RAISED
    return loglik / RAISED, count / RAISED, first, second / RAISED


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
    like = np.empty(0, np.float64 if careful else x.dtype)
    return chunk(
        flat,
        row,
        column,
        line(weights),
        origin,
        float(unit),
        offset,
        means,
        factor,
        len(x),
        LANES,
        like,
    )
