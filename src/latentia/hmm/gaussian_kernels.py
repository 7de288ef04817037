"""Densities of normal states at every step, and moments of the steps, for columns apart.

States stand along the lines that loops run over, so that many of them fill vector registers; sums
are taken block by block, so that they keep their digits over long sequences.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BLOCK = 256
"""Steps whose moments are summed before they are added to the others."""


@njit(nogil=True, cache=True, fastmath={"contract"})
def log_densities(flat, row, column, origin, unit, means, roots, offset, out):
    """Fill `out` (n, K) with offset_k - sum_j ((z_j - m_jk) s_jk)²; z is (x - origin) · unit.

    `means` and `roots`, (d, K), are in the unit of z; `roots` are over √2 deviations. Rows are
    those of `tile.strided`.
    """
    n, n_states = out.shape
    d = origin.size
    for t in range(n):
        line = out[t]
        for k in range(n_states):
            line[k] = offset[k]
        for j in range(d):
            z = (np.float64(flat[t * row + j * column]) - origin[j]) * unit
            mean, root = means[j], roots[j]
            for k in range(n_states):
                away = (z - mean[k]) * root[k]
                line[k] -= away * away


@njit(nogil=True, cache=True, fastmath={"contract"})
def moments(flat, row, column, origin, unit, resp, count, first, second):
    """Add sums of r, r z and r z² to `count` (K,), `first` and `second` (d, K).

    `resp` (n, K) may be part of wider lines.
    """
    n, n_states = resp.shape
    d = origin.size
    some = np.empty((1 + 2 * d, n_states))
    for begin in range(0, n, BLOCK):
        some[:] = 0.0
        end = min(begin + BLOCK, n)
        for t in range(begin, end - 1, 2):  # two steps at once: a sum waits for the one before
            r, q = resp[t], resp[t + 1]
            line = some[0]
            for k in range(n_states):
                line[k] += r[k] + q[k]
            for j in range(d):
                z = (np.float64(flat[t * row + j * column]) - origin[j]) * unit
                y = (np.float64(flat[(t + 1) * row + j * column]) - origin[j]) * unit
                zz, yy = z * z, y * y
                ones, twos = some[1 + j], some[1 + d + j]
                for k in range(n_states):
                    ones[k] += r[k] * z + q[k] * y
                    twos[k] += r[k] * zz + q[k] * yy
        if (end - begin) % 2:
            r = resp[end - 1]
            for k in range(n_states):
                some[0, k] += r[k]
            for j in range(d):
                z = (np.float64(flat[(end - 1) * row + j * column]) - origin[j]) * unit
                for k in range(n_states):
                    some[1 + j, k] += r[k] * z
                    some[1 + d + j, k] += r[k] * z * z
        for k in range(n_states):
            count[k] += some[0, k]
            for j in range(d):
                first[j, k] += some[1 + j, k]
                second[j, k] += some[1 + d + j, k]
