"""Full covariances, many features or ill-conditioned components: centred rows, triangles of blocks.

Distances are sums of squares of U_kᵀ(z - m_k), and moments are about the means that came in, so
nothing cancels, whatever the components' condition. Both triangles are cut into blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.blocks import add_products
from latentia.families.kernels.distances import half_squared_distances, packed_factors
from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.products import RAISED, raised
from latentia.families.kernels.registers import ALIGNMENT, COLUMNS, ROWS, aligned
from latentia.families.kernels.tile import load_weights, strided
from latentia.families.kernels.turn import load_turned

Array = NDArray[np.float64]

# A row may be left out of a component's moments if this bounds what is lost; see `_chosen`.
_NEGLIGIBLE = 1e-17

# A count whose inverse would not be finite is none.
_NOTHING = 1e-300

# Up to this part of a tile's lanes it pays to gather those that matter.
_FEW = 0.85


@njit(nogil=True, cache=True)
def _unpacked(sums, n_features):
    """Symmetric (K, D, D) matrices from the blocks of their lower triangles."""
    n_components = len(sums)
    second = np.empty((n_components, n_features, n_features))
    for k in range(n_components):
        at = 0
        for i in range(0, n_features, ROWS):
            for j in range(0, i + ROWS, COLUMNS):
                for r in range(ROWS):
                    for c in range(COLUMNS):
                        if j + c <= i + r < n_features:
                            second[k, i + r, j + c] = sums[k, at]
                            second[k, j + c, i + r] = sums[k, at]
                        at += 1
    return second


@njit(nogil=True, cache=True)
def _chosen(resp, distance, count, chosen):
    """The lanes that matter to a component's moments; their number.

    In the order of matrices (z - m)(z - m)ᵀ is at most dist times the covariance that came in. So
    what is lost is at most 1e-17 of count times that covariance, which is what is added up.
    """
    lanes = len(resp)
    least = _NEGLIGIBLE * count / lanes
    kept = 0
    for b in range(lanes):
        chosen[kept] = b
        kept += not (resp[b] == 0.0 or resp[b] * (1.0 + 2.0 * distance[b]) <= least)
    return kept


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _line(values, r, centre, d, e):
    """Fill `d` with centred values and `e` with weighted ones; the sum of these."""
    total = r[0] * 0
    for b in range(len(r)):
        value = values[b] - centre
        d[b] = value
        e[b] = r[b] * d[b]
        total += e[b]
    return total


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _line_of(values, chosen, r, centre, d, e):
    """`_line` for the lanes in `chosen`."""
    total = r[0] * 0
    for b in range(len(r)):
        d[b] = values[chosen[b]] - centre
        e[b] = r[b] * d[b]
        total += e[b]
    return total


@njit(nogil=True, cache=True)
def _moments(z, resp, count, mean, chosen, kept, r, d, e, first, second):
    """Add the centred moments of the `kept` lanes in `chosen`; `count` is the sum of `resp`.

    Responsibilities go in divided by it, for products of tiny ones would be subnormal: slow, and
    of few digits.
    """
    n_features, lanes = z.shape
    vector = ALIGNMENT // d.itemsize
    few = kept < _FEW * lanes
    vectors = -(-kept // vector) if few else lanes // vector
    r = r[: vectors * vector]
    r[:] = 0
    if few:
        for b in range(kept):
            r[b] = resp[chosen[b]] / count
        chosen[kept : len(r)] = chosen[0]
    else:
        for b in chosen[:kept]:
            r[b] = resp[b] / count
    left, right = e.reshape(-1), d.reshape(-1)
    at = 0
    for i in range(0, n_features, ROWS):
        for j in range(i, min(i + ROWS, n_features)):
            if few:
                first[j] += count * _line_of(z[j], chosen, r, mean[j], d[j], e[j - i])
            else:
                first[j] += count * _line(z[j], r, mean[j], d[j], e[j - i])
        for j in range(0, i + ROWS, COLUMNS):
            add_products(left, right, j * lanes, lanes, vectors, count, second, at)  # pyright: ignore[reportCallIssue]
            at += ROWS * COLUMNS


@njit(nogil=True, cache=True)
def chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes, like):
    """`run` in tiles of so many lanes, with products in the type of `like`, an array."""
    n_components, n_features = means.shape
    padded = -(-n_features // ROWS) * ROWS
    width = COLUMNS * ALIGNMENT // like.itemsize
    packed = packed_factors(factor, like)
    z = aligned((n_features, lanes), origin)
    weight = np.empty(lanes)
    group = aligned((n_features * width,), like)
    d = aligned((padded, lanes), like)
    e = aligned((ROWS, lanes), like)
    r = np.empty(lanes, like.dtype)
    distance = aligned((n_components, lanes), like)
    joint = np.empty((n_components, lanes))
    scratch = np.empty((2, lanes))
    chosen = np.empty(lanes + ALIGNMENT, np.int32)
    in_tile = np.empty(n_components)
    count = np.zeros(n_components)
    first = np.zeros((n_components, n_features))
    second = np.zeros((n_components, padded * (padded + ROWS) // 2))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        for k in range(n_components):
            if offset[k] == -np.inf:
                joint[k] = -np.inf
                continue
            half_squared_distances(z, means[k], packed[k], group, distance[k])
            for b in range(lanes):
                joint[k, b] = offset[k] - distance[k, b]
        in_tile[:] = 0.0
        loglik += softmax(joint, weight, in_tile, scratch)
        for k in range(n_components):
            if in_tile[k] <= _NOTHING:
                continue
            count[k] += in_tile[k]
            kept = _chosen(joint[k], distance[k], in_tile[k], chosen)
            _moments(z, joint[k], in_tile[k], means[k], chosen, kept, r, d, e, first[k], second[k])
    return loglik, count, first, _unpacked(second, n_features)


def run(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
) -> tuple[float, Array, Array, Array]:
    """One fused pass over the rows of a chunk; first and second moments are about `means`."""
    flat, row, column = strided(x)
    like = np.empty(0, x.dtype)
    # An odd multiple of 64: lines of a tile at a power of two would fall into the same cache sets.
    lanes = 320 if x.shape[1] <= 400 else 192
    weights, n = raised(weights), len(x)
    loglik, count, first, second = chunk(
        flat, row, column, n, weights, origin, unit, offset, means, factor, lanes, like
    )
    return loglik / RAISED, count / RAISED, first / RAISED, second / RAISED
