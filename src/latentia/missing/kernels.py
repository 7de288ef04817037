"""Hidden cells of rows given those seen, pattern by pattern: compiled.

A pattern is solved in whichever of its two blocks is smaller: hidden cells through the precision,
whose hidden block is the inverse of what is left of their covariance, or seen cells through the
covariance. What all rows share, products with whole matrices, is left to BLAS.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from latentia.families.kernels import triangle


@njit(nogil=True, cache=True)
def _factorised(matrix, at, size, out):
    """The lower factor of some rows and columns of a matrix: the log-determinant, or nan."""
    for i in range(size):
        for j in range(i + 1):
            out[i, j] = matrix[at[i], at[j]]
    return triangle.factorised(out, size, out)


@njit(nogil=True, cache=True)
def _through_hidden(precision, hidden, m, lower, inverse, left):
    """What is left of the covariance of hidden cells, (LLᵀ)⁻¹ of the precision's block."""
    log_det = _factorised(precision, hidden, m, lower)
    triangle.inverted(lower, m, inverse)
    triangle.squared(inverse, m, left)
    return log_det


@njit(nogil=True, cache=True)
def _through_seen(covariance, seen, o, hidden, m, lower, inverse, slope, left):
    """Slopes (m, o) of hidden cells on whitened seen ones, and what is left of the covariance."""
    log_det = _factorised(covariance, seen, o, lower)
    triangle.inverted(lower, o, inverse)
    for i in range(m):
        for j in range(o):
            value = 0.0
            for k in range(j + 1):
                value += inverse[j, k] * covariance[hidden[i], seen[k]]
            slope[i, j] = value
        for j in range(i + 1):
            value = covariance[hidden[i], hidden[j]]
            for k in range(o):
                value -= slope[i, k] * slope[j, k]
            left[i, j] = left[j, i] = value
    return log_det


@njit(nogil=True, cache=True)
def _root(left, m, factor):
    """A lower factor of a matrix that may be singular: pivots below rounding are zero."""
    for i in range(m):
        for j in range(i + 1):
            value = left[i, j]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            if i > j:
                factor[i, j] = value / factor[j, j] if factor[j, j] > 0 else 0.0
            else:
                factor[i, i] = np.sqrt(value) if value > 1e-15 * left[i, i] else 0.0


@njit(nogil=True, cache=True)
def complete(
    y, pull, order, begin, patterns, covariance, precision, log_det, weights, noise, second, careful
):
    """Fill the hidden cells of deviations y, in place.

    Parameters
    ----------
    y : (n, d) deviations from the mean, 0 where hidden
    pull : (n, d) of y times the precision
    order, begin : rows by pattern, and where each of the P patterns begins, (P + 1,)
    patterns : (P, d) whether a cell is seen
    covariance, precision, log_det : of all cells
    weights : (n,) rows without weight stay as they are
    noise : (n, d) standard normal numbers that hidden cells vary by, or (0, d) for none
    second : (d, d) what is left of covariances is added here
    careful : whether the precision has too few digits to be used

    Returns
    -------
    total : array of shape (3,)
        Sums over rows by weight: squared Mahalanobis distances of the seen cells, logarithms of
        the determinants of their covariances, and their number. nan where these are not definite.
    distance : array of shape (n,)
        The distance and log-determinant of each row, and log(2 pi) for each cell.
    """
    n, d = y.shape
    total, density = np.zeros(3), np.zeros(n)
    lower, inverse, left = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
    slope, factor, white = np.empty((d, d)), np.zeros((d, d)), np.empty(d)
    seen, hidden = np.empty(d, np.int64), np.empty(d, np.int64)
    log_2pi = np.log(2 * np.pi)
    drawn = len(noise) > 0
    for p in range(len(patterns)):
        rows = order[begin[p] : begin[p + 1]]
        weight = 0.0
        for i in rows:
            weight += weights[i]
        if not weight > 0:
            continue
        o = m = 0
        for j in range(d):
            if patterns[p, j]:
                seen[o] = j
                o += 1
            else:
                hidden[m] = j
                m += 1
        inward = m <= o and not careful
        if inward:
            size = log_det + _through_hidden(precision, hidden, m, lower, inverse, left)
        else:
            size = _through_seen(covariance, seen, o, hidden, m, lower, inverse, slope, left)
        if drawn:
            _root(left, m, factor)
        for i in rows:
            if not weights[i] > 0:
                continue
            distance = 0.0
            if inward:
                for a in range(o):
                    distance += y[i, seen[a]] * pull[i, seen[a]]
                for a in range(m):
                    value = 0.0
                    for b in range(a + 1):
                        value += inverse[a, b] * pull[i, hidden[b]]
                    distance -= value * value
                for a in range(m):
                    value = 0.0
                    for b in range(m):
                        value -= left[a, b] * pull[i, hidden[b]]
                    y[i, hidden[a]] = value
            else:
                for a in range(o):
                    value = 0.0
                    for b in range(a + 1):
                        value += inverse[a, b] * y[i, seen[b]]
                    white[a] = value
                    distance += value * value
                for a in range(m):
                    value = 0.0
                    for b in range(o):
                        value += slope[a, b] * white[b]
                    y[i, hidden[a]] = value
            if drawn:
                for a in range(m):
                    for b in range(a + 1):
                        y[i, hidden[a]] += factor[a, b] * noise[i, hidden[b]]
            total[0] += weights[i] * distance
            density[i] = -(distance + size + o * log_2pi) / 2
        total[1] += weight * size
        total[2] += weight * o
        for a in range(m):
            for b in range(m):
                second[hidden[a], hidden[b]] += weight * left[a, b]
    return total, density
