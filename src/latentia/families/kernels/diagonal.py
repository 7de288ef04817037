"""Diagonal covariances: distances by features from centred rows, nothing stored but the tile.

With the blocks of `products`, centring costs a tenth of a pass beside the expanded square, so
there is no other form: it cannot cancel, however far a thin component is from the origin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.products import LANES, RAISED, filled, raised, softmax
from latentia.families.kernels.tile import load_weights, strided
from latentia.families.kernels.turn import load_turned

Array = NDArray[np.float64]


@njit(nogil=True, cache=True, fastmath={"contract"})
def _joint(z, means, roots, offset, joint):
    """Log-densities of a tile with the components' weights; `roots` are 1 / (√2 deviations)."""
    for k in range(len(joint)):
        joint[k] = offset[k] if k < len(offset) else 0
    for k in range(0, len(offset), 2):
        line, other = joint[k], joint[k + 1]
        m, s, n, u = means[k], roots[k], means[k + 1], roots[k + 1]
        for j in range(0, len(z), 4):
            z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
            m0, m1, m2, m3 = m[j], m[j + 1], m[j + 2], m[j + 3]
            s0, s1, s2, s3 = s[j], s[j + 1], s[j + 2], s[j + 3]
            n0, n1, n2, n3 = n[j], n[j + 1], n[j + 2], n[j + 3]
            u0, u1, u2, u3 = u[j], u[j + 1], u[j + 2], u[j + 3]
            for b in range(line.size):
                x0, x1, x2, x3 = z0[b], z1[b], z2[b], z3[b]
                t0, t1, t2, t3 = (x0 - m0) * s0, (x1 - m1) * s1, (x2 - m2) * s2, (x3 - m3) * s3
                line[b] = (((line[b] - t0 * t0) - t1 * t1) - t2 * t2) - t3 * t3
                t0, t1, t2, t3 = (x0 - n0) * u0, (x1 - n1) * u1, (x2 - n2) * u2, (x3 - n3) * u3
                other[b] = (((other[b] - t0 * t0) - t1 * t1) - t2 * t2) - t3 * t3


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _moments(z, resp, n_components, first, second):
    """Add the sums of r z and r z² over a tile."""
    zero = z.dtype.type(0)
    for k in range(0, n_components, 2):
        r, q = resp[k], resp[k + 1]
        for j in range(0, len(z), 4):
            z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
            a0 = a1 = a2 = a3 = zero
            b0 = b1 = b2 = b3 = zero
            c0 = c1 = c2 = c3 = zero
            d0 = d1 = d2 = d3 = zero
            for i in range(r.size):
                x0, x1, x2, x3 = z0[i], z1[i], z2[i], z3[i]
                w = r[i]
                y0, y1, y2, y3 = w * x0, w * x1, w * x2, w * x3
                a0 += y0
                a1 += y1
                a2 += y2
                a3 += y3
                b0 += y0 * x0
                b1 += y1 * x1
                b2 += y2 * x2
                b3 += y3 * x3
                w = q[i]
                y0, y1, y2, y3 = w * x0, w * x1, w * x2, w * x3
                c0 += y0
                c1 += y1
                c2 += y2
                c3 += y3
                d0 += y0 * x0
                d1 += y1 * x1
                d2 += y2 * x2
                d3 += y3 * x3
            _add(first[k], j, a0, a1, a2, a3)
            _add(second[k], j, b0, b1, b2, b3)
            _add(first[k + 1], j, c0, c1, c2, c3)
            _add(second[k + 1], j, d0, d1, d2, d3)


@njit(nogil=True, cache=True, inline="always")
def _add(line, j, s0, s1, s2, s3):
    line[j] += s0
    line[j + 1] += s1
    line[j + 2] += s2
    line[j + 3] += s3


@njit(nogil=True, cache=True)
def _chunk(flat, row, column, weights, origin, unit, offset, means, roots, n, lanes):
    """Log-likelihood, counts and moments, with products in the type of `means`, all RAISED."""
    n_components, (k, d) = len(offset), means.shape
    z, joint = np.zeros((d, lanes), means.dtype), np.zeros((k, lanes), means.dtype)
    weight, scratch = np.empty(lanes), np.empty((2, lanes), means.dtype)
    count, first, second = np.zeros(n_components), np.zeros((k, d)), np.zeros((k, d))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z[: len(origin)])
        load_weights(weights, start, rows, weight)
        _joint(z, means, roots, offset, joint)
        loglik += softmax(joint[:n_components], weight, count, scratch)
        _moments(z, joint, n_components, first, second)
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
    centres, roots = filled(means, kind), filled(np.sqrt(0.5) * factor, kind)
    weights, origin, offset = raised(weights), np.array(origin), offset.astype(kind)
    loglik, count, first, second = _chunk(
        flat, row, column, weights, origin, float(unit), offset, centres, roots, len(x), LANES
    )
    k, d = means.shape
    return loglik / RAISED, count / RAISED, first[:k, :d] / RAISED, second[:k, :d] / RAISED
