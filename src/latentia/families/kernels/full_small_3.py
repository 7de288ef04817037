"""E- and M-pass over a chunk of rows with 3 features, unrolled.

Written by full_small_write.py: change that file, not this one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from latentia.families.kernels.full_small_parts import coefficients, unpacked
from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.tile import load, load_weights


@njit(nogil=True, cache=True, fastmath={"contract"})
def _load(flat, start, origin, unit, z):
    """A whole tile of rows that lie one behind the other."""
    x = flat[start * 3 : (start + z.shape[1]) * 3]
    centre0 = origin[0]
    centre1 = origin[1]
    centre2 = origin[2]
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    for b in range(z.shape[1]):
        z0[b] = (np.float64(x[3 * b]) - centre0) * unit
        z1[b] = (np.float64(x[3 * b + 1]) - centre1) * unit
        z2[b] = (np.float64(x[3 * b + 2]) - centre2) * unit


@njit(nogil=True, cache=True, fastmath={"contract"})
def _joint(z, coefficient, joint):
    """Log-densities of a tile with the components' weights, (K, B)."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    for k in range(len(joint)):
        c, line = coefficient[k], joint[k]
        u00 = c[0]
        v0 = c[1]
        u01 = c[2]
        u11 = c[3]
        v1 = c[4]
        u02 = c[5]
        u12 = c[6]
        u22 = c[7]
        v2 = c[8]
        offset = c[9]
        for b in range(line.size):
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            value = offset
            t = v0 + u00 * x0
            value -= t * t
            t = v1 + u01 * x0
            t += u11 * x1
            value -= t * t
            t = v2 + u02 * x0
            t += u12 * x1
            t += u22 * x2
            value -= t * t
            line[b] = value


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _moments0(z, resp, sums):
    """Add sums of r z and r z zᵀ over a tile."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    for k in range(len(resp)):
        r, line = resp[k], sums[k]
        s0 = 0.0
        s1 = 0.0
        s2 = 0.0
        s3 = 0.0
        s4 = 0.0
        s5 = 0.0
        s6 = 0.0
        s7 = 0.0
        s8 = 0.0
        for b in range(r.size):
            w = r[b]
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            y0 = w * x0
            y1 = w * x1
            y2 = w * x2
            s0 += y0
            s1 += y1
            s2 += y2
            s3 += y0 * x0
            s4 += y1 * x0
            s5 += y1 * x1
            s6 += y2 * x0
            s7 += y2 * x1
            s8 += y2 * x2
        line[0] += s0
        line[1] += s1
        line[2] += s2
        line[3] += s3
        line[4] += s4
        line[5] += s5
        line[6] += s6
        line[7] += s7
        line[8] += s8


@njit(nogil=True, cache=True)
def chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    """Log-likelihood, counts, first and second moments of n rows, in tiles of `lanes` rows."""
    n_components = len(offset)
    coefficient = coefficients(offset, means, factor)
    z = np.empty((3, lanes))
    joint = np.empty((n_components, lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, sums = np.zeros(n_components), np.zeros((n_components, 9))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        if rows == lanes and row == 3 and column == 1:
            _load(flat, start, origin, unit, z)
        else:
            load(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        _joint(z, coefficient, joint)
        loglik += softmax(joint, weight, count, scratch)
        _moments0(z, joint, sums)
    first, second = unpacked(sums, 3)
    return loglik, count, first, second
