"""Lower triangles of small matrices in compiled code: factors, their inverses, and what follows.

Only what is on and below diagonals is read and written, but for `squared`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def factorised(matrix, size, out):
    """The Cholesky factor of the first `size` rows and columns into `out`: the log-determinant.

    nan where they are not positive definite. `out` may be the matrix itself.
    """
    log_det = 0.0
    for i in range(size):
        for j in range(i + 1):
            value = matrix[i, j]
            for k in range(j):
                value -= out[i, k] * out[j, k]
            if i > j:
                out[i, j] = value / out[j, j]
            elif value > 0.0:
                out[i, i] = math.sqrt(value)
                log_det += math.log(value)
            else:
                return np.nan
    return log_det


@njit(nogil=True, cache=True)
def inverted(factor, size, out):
    """The inverse of a lower triangle into `out`, which may be the triangle itself."""
    for j in range(size):
        out[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, size):
            value = 0.0
            for k in range(j, i):
                value -= factor[i, k] * out[k, j]
            out[i, j] = value / factor[i, i]


@njit(nogil=True, cache=True)
def squared(inverse, size, out):
    """(LLᵀ)⁻¹ into `out`, all of it, from the inverse of L."""
    for i in range(size):
        for j in range(i + 1):
            value = 0.0
            for k in range(i, size):
                value += inverse[k, i] * inverse[k, j]
            out[i, j] = out[j, i] = value
