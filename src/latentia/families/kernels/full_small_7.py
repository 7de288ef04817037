"""E- and M-pass over a chunk of rows with 7 features, unrolled.

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
    x = flat[start * 7 : (start + z.shape[1]) * 7]
    centre0 = origin[0]
    centre1 = origin[1]
    centre2 = origin[2]
    centre3 = origin[3]
    centre4 = origin[4]
    centre5 = origin[5]
    centre6 = origin[6]
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
    z4 = z[4]
    z5 = z[5]
    z6 = z[6]
    for b in range(z.shape[1]):
        z0[b] = (np.float64(x[7 * b]) - centre0) * unit
        z1[b] = (np.float64(x[7 * b + 1]) - centre1) * unit
        z2[b] = (np.float64(x[7 * b + 2]) - centre2) * unit
        z3[b] = (np.float64(x[7 * b + 3]) - centre3) * unit
        z4[b] = (np.float64(x[7 * b + 4]) - centre4) * unit
        z5[b] = (np.float64(x[7 * b + 5]) - centre5) * unit
        z6[b] = (np.float64(x[7 * b + 6]) - centre6) * unit


@njit(nogil=True, cache=True, fastmath={"contract"})
def _joint(z, coefficient, joint):
    """Log-densities of a tile with the components' weights, (K, B)."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
    z4 = z[4]
    z5 = z[5]
    z6 = z[6]
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
        u04 = c[14]
        u14 = c[15]
        u24 = c[16]
        u34 = c[17]
        u44 = c[18]
        v4 = c[19]
        u05 = c[20]
        u15 = c[21]
        u25 = c[22]
        u35 = c[23]
        u45 = c[24]
        u55 = c[25]
        v5 = c[26]
        u06 = c[27]
        u16 = c[28]
        u26 = c[29]
        u36 = c[30]
        u46 = c[31]
        u56 = c[32]
        u66 = c[33]
        v6 = c[34]
        offset = c[35]
        for b in range(line.size):
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            x3 = z3[b]
            x4 = z4[b]
            x5 = z5[b]
            x6 = z6[b]
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
            t = v4 + u04 * x0
            t += u14 * x1
            t += u24 * x2
            t += u34 * x3
            t += u44 * x4
            value -= t * t
            t = v5 + u05 * x0
            t += u15 * x1
            t += u25 * x2
            t += u35 * x3
            t += u45 * x4
            t += u55 * x5
            value -= t * t
            t = v6 + u06 * x0
            t += u16 * x1
            t += u26 * x2
            t += u36 * x3
            t += u46 * x4
            t += u56 * x5
            t += u66 * x6
            value -= t * t
            line[b] = value


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _moments0(z, resp, sums):
    """Add sums of r z and r z zᵀ over a tile, part 1 of 2."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
    z4 = z[4]
    z5 = z[5]
    z6 = z[6]
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
        s14 = 0.0
        s15 = 0.0
        s16 = 0.0
        s17 = 0.0
        for b in range(r.size):
            w = r[b]
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            x3 = z3[b]
            x4 = z4[b]
            x5 = z5[b]
            x6 = z6[b]
            y0 = w * x0
            y1 = w * x1
            y2 = w * x2
            y3 = w * x3
            y4 = w * x4
            y5 = w * x5
            y6 = w * x6
            s0 += y0
            s1 += y1
            s2 += y2
            s3 += y3
            s4 += y4
            s5 += y5
            s6 += y6
            s7 += y0 * x0
            s8 += y1 * x0
            s9 += y1 * x1
            s10 += y2 * x0
            s11 += y2 * x1
            s12 += y2 * x2
            s13 += y3 * x0
            s14 += y3 * x1
            s15 += y3 * x2
            s16 += y3 * x3
            s17 += y4 * x0
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
        line[14] += s14
        line[15] += s15
        line[16] += s16
        line[17] += s17


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _moments1(z, resp, sums):
    """Add sums of r z and r z zᵀ over a tile, part 2 of 2."""
    z0 = z[0]
    z1 = z[1]
    z2 = z[2]
    z3 = z[3]
    z4 = z[4]
    z5 = z[5]
    z6 = z[6]
    for k in range(len(resp)):
        r, line = resp[k], sums[k]
        s18 = 0.0
        s19 = 0.0
        s20 = 0.0
        s21 = 0.0
        s22 = 0.0
        s23 = 0.0
        s24 = 0.0
        s25 = 0.0
        s26 = 0.0
        s27 = 0.0
        s28 = 0.0
        s29 = 0.0
        s30 = 0.0
        s31 = 0.0
        s32 = 0.0
        s33 = 0.0
        s34 = 0.0
        for b in range(r.size):
            w = r[b]
            x0 = z0[b]
            x1 = z1[b]
            x2 = z2[b]
            x3 = z3[b]
            x4 = z4[b]
            x5 = z5[b]
            x6 = z6[b]
            y4 = w * x4
            y5 = w * x5
            y6 = w * x6
            s18 += y4 * x1
            s19 += y4 * x2
            s20 += y4 * x3
            s21 += y4 * x4
            s22 += y5 * x0
            s23 += y5 * x1
            s24 += y5 * x2
            s25 += y5 * x3
            s26 += y5 * x4
            s27 += y5 * x5
            s28 += y6 * x0
            s29 += y6 * x1
            s30 += y6 * x2
            s31 += y6 * x3
            s32 += y6 * x4
            s33 += y6 * x5
            s34 += y6 * x6
        line[18] += s18
        line[19] += s19
        line[20] += s20
        line[21] += s21
        line[22] += s22
        line[23] += s23
        line[24] += s24
        line[25] += s25
        line[26] += s26
        line[27] += s27
        line[28] += s28
        line[29] += s29
        line[30] += s30
        line[31] += s31
        line[32] += s32
        line[33] += s33
        line[34] += s34


@njit(nogil=True, cache=True)
def chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    """Log-likelihood, counts, first and second moments of n rows, in tiles of `lanes` rows."""
    n_components = len(offset)
    coefficient = coefficients(offset, means, factor)
    z = np.empty((7, lanes))
    joint = np.empty((n_components, lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, sums = np.zeros(n_components), np.zeros((n_components, 35))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        if rows == lanes and row == 7 and column == 1:
            _load(flat, start, origin, unit, z)
        else:
            load(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        _joint(z, coefficient, joint)
        loglik += softmax(joint, weight, count, scratch)
        _moments0(z, joint, sums)
        _moments1(z, joint, sums)
    first, second = unpacked(sums, 7)
    return loglik, count, first, second
