"""E- and M-pass over a chunk of rows with 1 feature, unrolled.

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
    x = flat[start * 1 : (start + z.shape[1]) * 1]
    centre0 = origin[0]
    z0 = z[0]
    for b in range(z.shape[1]):
        z0[b] = (np.float64(x[b]) - centre0) * unit


@njit(nogil=True, cache=True, fastmath={"contract"})
def _joint(z, coefficient, joint):
    """Log-densities of a tile with the components' weights, (K, B)."""
    z0 = z[0]
    for k in range(len(joint)):
        c, line = coefficient[k], joint[k]
        u00 = c[0]
        v0 = c[1]
        offset = c[2]
        for b in range(line.size):
            x0 = z0[b]
            value = offset
            t = v0 + u00 * x0
            value -= t * t
            line[b] = value


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _moments0(z, resp, sums):
    """Add sums of r z and r z zᵀ over a tile."""
    z0 = z[0]
    for k in range(len(resp)):
        r, line = resp[k], sums[k]
        s0 = 0.0
        s1 = 0.0
        for b in range(r.size):
            w = r[b]
            x0 = z0[b]
            y0 = w * x0
            s0 += y0
            s1 += y0 * x0
        line[0] += s0
        line[1] += s1


@njit(nogil=True, cache=True)
def chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    """Log-likelihood, counts, first and second moments of n rows, in tiles of `lanes` rows."""
    n_components = len(offset)
    coefficient = coefficients(offset, means, factor)
    z = np.empty((1, lanes))
    joint = np.empty((n_components, lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, sums = np.zeros(n_components), np.zeros((n_components, 2))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        if rows == lanes and row == 1 and column == 1:
            _load(flat, start, origin, unit, z)
        else:
            load(flat, row, column, start, rows, origin, unit, z)
        load_weights(weights, start, rows, weight)
        _joint(z, coefficient, joint)
        loglik += softmax(joint, weight, count, scratch)
        _moments0(z, joint, sums)
    first, second = unpacked(sums, 1)
    return loglik, count, first, second
