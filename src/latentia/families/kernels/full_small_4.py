"""E- and M-pass over a chunk of rows with 4 features, unrolled.

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
    x = flat[start * 4 : (start + z.shape[1]) * 4]
    centre0 = origin[0]
    centre1 = origin[1]
    centre2 = origin[2]
    centre3 = origin[3]
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
    for b in range(z.shape[1]):
        z0[b] = (np.float64(x[4 * b]) - centre0) * unit
        z1[b] = (np.float64(x[4 * b + 1]) - centre1) * unit
        z2[b] = (np.float64(x[4 * b + 2]) - centre2) * unit
        z3[b] = (np.float64(x[4 * b + 3]) - centre3) * unit


@njit(nogil=True, cache=True, fastmath={"contract"})
def _joint(z, coefficient, joint):
    """Log-densities of a tile with the components' weights, (K, B)."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
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
        u03 = c[9]
        u13 = c[10]
        u23 = c[11]
        u33 = c[12]
        v3 = c[13]
        offset = c[14]
        for b in range(line.size):
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            x3 = z3[b]
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
            t = v3 + u03 * x0
            t += u13 * x1
            t += u23 * x2
            t += u33 * x3
            value -= t * t
            line[b] = value


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _moments0(z, resp, sums):
    """Add sums of r z and r z zᵀ over a tile."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
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
        s9 = 0.0
        s10 = 0.0
        s11 = 0.0
        s12 = 0.0
        s13 = 0.0
        for b in range(r.size):
            w = r[b]
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            x3 = z3[b]
            y0 = w * x0
            y1 = w * x1
            y2 = w * x2
            y3 = w * x3
            s0 += y0
            s1 += y1
            s2 += y2
            s3 += y3
            s4 += y0 * x0
            s5 += y1 * x0
            s6 += y1 * x1
            s7 += y2 * x0
            s8 += y2 * x1
            s9 += y2 * x2
            s10 += y3 * x0
            s11 += y3 * x1
            s12 += y3 * x2
            s13 += y3 * x3
        line[0] += s0
        line[1] += s1
        line[2] += s2
        line[3] += s3
        line[4] += s4
        line[5] += s5
        line[6] += s6
        line[7] += s7
        line[8] += s8
        line[9] += s9
        line[10] += s10
        line[11] += s11
        line[12] += s12
        line[13] += s13


@njit(nogil=True, cache=True)
def chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    """Log-likelihood, counts, first and second moments of n rows, in tiles of `lanes` rows."""
    n_components = len(offset)
    coefficient = coefficients(offset, means, factor)
    z = np.empty((4, lanes))
    joint = np.empty((n_components, lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, sums = np.zeros(n_components), np.zeros((n_components, 14))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        if rows == lanes and row == 4 and column == 1:
            _load(flat, start, origin, unit, z)
        else:
            load(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        _joint(z, coefficient, joint)
        loglik += softmax(joint, weight, count, scratch)
        _moments0(z, joint, sums)
    first, second = unpacked(sums, 4)
    return loglik, count, first, second
