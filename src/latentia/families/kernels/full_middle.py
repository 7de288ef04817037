"""Full covariances, some ten to twenty features: sums of products of features, in register blocks.

Moments are linear in z_j and z_i z_j, which are laid out for a tile. So are log-densities, with
a constant; but float32 has not the digits for what cancels there, so float32 rows are centred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.blocks import set_linear
from latentia.families.kernels.distances import half_squared_distances, packed_factors
from latentia.families.kernels.full_small_parts import unpacked
from latentia.families.kernels.lanes import softmax, softmax_32
from latentia.families.kernels.moments import add_moments, in_order
from latentia.families.kernels.products import RAISED, raised
from latentia.families.kernels.registers import ALIGNMENT, COLUMNS, ROWS, aligned
from latentia.families.kernels.tile import load_weights, strided
from latentia.families.kernels.turn import load_turned

Array = NDArray[np.float64]

LANES, MANY, LANES_OF_MANY = 256, 24, 128
"""Rows in a tile; columns beyond which a tile's features outgrow the cache, and rows then."""


@njit(nogil=True, cache=True)
def _products(features, n_features):
    """Lines of z_i z_j, i up to j, behind the lines of z."""
    at = n_features
    for j in range(n_features):
        right = features[j]
        for i in range(j + 1):
            left, into = features[i], features[at]
            for b in range(into.size):
                into[b] = left[b] * right[b]
            at += 1


@njit(nogil=True, cache=True)
def _coefficients(offset, means, factor):
    """Constants and coefficients of the features in the joint log-densities, (groups, length).

    In the order in which `set_linear` reads them: components by ROWS, those of a group together.
    """
    n_components, n_features = means.shape
    n_terms = n_features + n_features * (n_features + 1) // 2
    lines = np.zeros((-(-n_components // ROWS), 1 + n_terms, ROWS))
    for k in range(n_components):
        into = lines[k // ROWS, :, k % ROWS]
        into[0] = offset[k]
        at = 1 + n_features
        for j in range(n_features):
            for i in range(j + 1):
                p = 0.0
                for t in range(j, n_features):
                    p += factor[k, i, t] * factor[k, j, t]
                into[at] = -p if i < j else -p / 2
                into[1 + j] += p * means[k, i]
                if i < j:
                    into[1 + i] += p * means[k, j]
                at += 1
        for j in range(n_features):
            into[0] -= into[1 + j] * means[k, j] / 2
    return lines.reshape(len(lines), (1 + n_terms) * ROWS)


@njit(nogil=True, cache=True)
def _chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    n_components, n_features = means.shape
    coefficient = _coefficients(offset, means, factor)
    groups = len(coefficient)
    n_terms = n_features + n_features * (n_features + 1) // 2
    width = COLUMNS * ALIGNMENT // 8
    # Lines a power of two apart would drive each other out of the cache.
    step = lanes + ALIGNMENT // 8
    features = aligned((-(-n_terms // COLUMNS) * COLUMNS, step), origin)
    joint = aligned((groups * ROWS, step), origin)
    weight, scratch = np.empty(step), np.empty((2, step))
    count = np.zeros(n_components)
    sums = np.zeros(features.shape[0] * joint.shape[0])
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, features[:n_features])
        _products(features, n_features)
        load_weights(weights, start, rows, weight)
        for b in range(0, lanes, width):
            for k in range(groups):
                set_linear(  # pyright: ignore[reportCallIssue]
                    coefficient[k],
                    0,
                    features.reshape(-1),
                    b,
                    step,
                    n_terms,
                    joint.reshape(-1),
                    ROWS * k * step + b,
                )
        loglik += softmax(joint[:n_components], weight, count, scratch)
        joint[n_components:] = 0.0
        add_moments(joint, features, lanes, sums)
    first, second = unpacked(in_order(sums, n_components, n_terms), n_features)
    return loglik, count, first, second


@njit(nogil=True, cache=True)
def _chunk_32(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    n_components, n_features = means.shape
    like = np.empty(0, np.float32)
    packed = packed_factors(factor, like)
    n_terms = n_features + n_features * (n_features + 1) // 2
    z = aligned((n_features, lanes), origin)
    group = aligned((n_features * COLUMNS * ALIGNMENT // 4,), like)
    features = aligned((-(-n_terms // COLUMNS) * COLUMNS, lanes), like)
    joint = aligned((-(-n_components // ROWS) * ROWS, lanes), like)
    weight, scratch = np.empty(lanes), np.empty((2, lanes), np.float32)
    count = np.zeros(n_components)
    sums = np.zeros(features.shape[0] * joint.shape[0])
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        for k in range(n_components):
            into = joint[k]
            half_squared_distances(z, means[k], packed[k], group, into)
            constant = np.float32(offset[k])
            for b in range(lanes):
                into[b] = constant - into[b]
        loglik += softmax_32(joint[:n_components], weight, count, scratch)
        for j in range(n_features):
            for b in range(lanes):
                features[j, b] = z[j, b]
        _products(features, n_features)
        add_moments(joint, features, lanes, sums)
    first, second = unpacked(in_order(sums, n_components, n_terms), n_features)
    return loglik, count, first, second


def run(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
) -> tuple[float, Array, Array, Array]:
    """One fused pass over the rows of a chunk; see the package for what goes in and out."""
    flat, row, column = strided(x)
    chunk = _chunk_32 if x.dtype == np.float32 else _chunk
    lanes = LANES if x.shape[1] <= MANY else LANES_OF_MANY
    loglik, count, first, second = chunk(
        flat, row, column, len(x), raised(weights), origin, unit, offset, means, factor, lanes
    )
    return loglik / RAISED, count / RAISED, first / RAISED, second / RAISED
