"""Loops over tiles that the diagonal, spherical and tied passes share.

They go by blocks of a few components and features, so that a number that is loaded is used
several times; along the lanes the compiler makes vectors. Sums are written term by term onto what
is there: each term is then one fused instruction. Tiles are filled up to whole blocks:
lines of zeros below the features, lines without meaning below the components.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

from latentia.families.kernels import lanes
from latentia.families.kernels.tile import line

BLOCK = 4
"""Tiles have a multiple of this many features and components."""

LANES = 256
"""Rows in a tile: a few hundred features and components still fit the second cache."""

RAISED = 2.0**40
"""Weights times this make responsibilities whose products are not subnormal, which are slow.

Sums are divided by it in the end; for a power of two neither rounds.
"""


def raised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """`tile.line` of the weights, RAISED."""
    weights = line(weights) * RAISED
    weights.flags.writeable = False
    return weights


def filled(matrix: NDArray[Any], dtype: Any = np.float64) -> NDArray[Any]:
    """The matrix with zeros up to whole blocks, in its own memory."""
    rows, columns = matrix.shape
    result = np.zeros((-(-rows // BLOCK) * BLOCK, -(-columns // BLOCK) * BLOCK), dtype)
    result[:rows, :columns] = matrix
    return result


def softmax(joint: Any, weight: Any, count: Any, scratch: Any) -> Any:
    """`lanes.softmax` in the precision of the tile; compiled code only."""
    raise NotImplementedError


@overload(softmax, strict=False)
def _softmax(joint: Any, weight: Any, count: Any, scratch: Any) -> Any:
    if joint.dtype.bitwidth == 32:
        return lambda joint, weight, count, scratch: lanes.softmax_32(joint, weight, count, scratch)
    return lambda joint, weight, count, scratch: lanes.softmax(joint, weight, count, scratch)


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def add_products(a, b, sums, triangle):
    """Add a bᵀ, the sums over the lanes, to `sums`; of `triangle` only blocks to the diagonal.

    `a` is (K, B), `b` (P, B) and `sums` (K, P), float64; K and P are whole blocks. Within a tile
    sums are in the tile's own precision.
    """
    zero = a.dtype.type(0)
    for k in range(0, len(a), 4):
        a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
        for j in range(0, k + 4 if triangle else len(b), 4):
            b0, b1, b2, b3 = b[j], b[j + 1], b[j + 2], b[j + 3]
            s00 = s01 = s02 = s03 = zero
            s10 = s11 = s12 = s13 = zero
            s20 = s21 = s22 = s23 = zero
            s30 = s31 = s32 = s33 = zero
            for i in range(a.shape[1]):
                x0, x1, x2, x3 = b0[i], b1[i], b2[i], b3[i]
                y = a0[i]
                s00 += y * x0
                s01 += y * x1
                s02 += y * x2
                s03 += y * x3
                y = a1[i]
                s10 += y * x0
                s11 += y * x1
                s12 += y * x2
                s13 += y * x3
                y = a2[i]
                s20 += y * x0
                s21 += y * x1
                s22 += y * x2
                s23 += y * x3
                y = a3[i]
                s30 += y * x0
                s31 += y * x1
                s32 += y * x2
                s33 += y * x3
            for at, s in enumerate(((s00, s01, s02, s03), (s10, s11, s12, s13))):
                line = sums[k + at]
                line[j] += s[0]
                line[j + 1] += s[1]
                line[j + 2] += s[2]
                line[j + 3] += s[3]
            for at, s in enumerate(((s20, s21, s22, s23), (s30, s31, s32, s33))):
                line = sums[k + 2 + at]
                line[j] += s[0]
                line[j + 1] += s[1]
                line[j + 2] += s[2]
                line[j + 3] += s[3]


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_squared_distances(z, means, joint):
    """Add to `joint`, shape (K, B), the squared distances of the lanes to the means."""
    for k in range(0, len(joint), 2):
        line, other = joint[k], joint[k + 1]
        for j in range(0, len(z), 4):
            z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
            m0, m1, m2, m3 = means[k, j], means[k, j + 1], means[k, j + 2], means[k, j + 3]
            o0, o1, o2, o3 = (
                means[k + 1, j],
                means[k + 1, j + 1],
                means[k + 1, j + 2],
                means[k + 1, j + 3],
            )
            for b in range(line.size):
                x0, x1, x2, x3 = z0[b], z1[b], z2[b], z3[b]
                t0, t1, t2, t3 = x0 - m0, x1 - m1, x2 - m2, x3 - m3
                line[b] = (((line[b] + t0 * t0) + t1 * t1) + t2 * t2) + t3 * t3
                t0, t1, t2, t3 = x0 - o0, x1 - o1, x2 - o2, x3 - o3
                other[b] = (((other[b] + t0 * t0) + t1 * t1) + t2 * t2) + t3 * t3


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_linear(z, slopes, joint):
    """Add slopes z, shape (K, B), to `joint`."""
    for k in range(0, len(joint), 4):
        l0, l1, l2, l3 = joint[k], joint[k + 1], joint[k + 2], joint[k + 3]
        for j in range(0, len(z), 4):
            z0, z1, z2, z3 = z[j], z[j + 1], z[j + 2], z[j + 3]
            p0, p1, p2, p3 = slopes[k, j], slopes[k, j + 1], slopes[k, j + 2], slopes[k, j + 3]
            line = slopes[k + 1]
            q0, q1, q2, q3 = line[j], line[j + 1], line[j + 2], line[j + 3]
            line = slopes[k + 2]
            r0, r1, r2, r3 = line[j], line[j + 1], line[j + 2], line[j + 3]
            line = slopes[k + 3]
            s0, s1, s2, s3 = line[j], line[j + 1], line[j + 2], line[j + 3]
            for b in range(l0.size):
                x0, x1, x2, x3 = z0[b], z1[b], z2[b], z3[b]
                l0[b] = (((l0[b] + p0 * x0) + p1 * x1) + p2 * x2) + p3 * x3
                l1[b] = (((l1[b] + q0 * x0) + q1 * x1) + q2 * x2) + q3 * x3
                l2[b] = (((l2[b] + r0 * x0) + r1 * x1) + r2 * x2) + r3 * x3
                l3[b] = (((l3[b] + s0 * x0) + s1 * x1) + s2 * x2) + s3 * x3
