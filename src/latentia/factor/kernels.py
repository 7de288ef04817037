"""Factors of rows given what was seen, pattern by pattern: compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from latentia.families.kernels import triangle


@njit(nogil=True, cache=True)
def solve(sums, towards, order, begin, weights, mean, covariance, moments, log_det):
    """Means of the factors of rows, their covariances by pattern, and expected squares.

    Parameters
    ----------
    sums : (P, q (q + 1) / 2) lower triangles of M - I
    towards : (n, q)
    order, begin : rows by pattern, and where each pattern begins, (P + 1,)
    weights : (n,)
    mean : (n, q) M⁻¹ towards, filled in
    covariance : (P, q (q + 1) / 2) lower triangles of M⁻¹, filled in
    moments : (P, q (q + 1) / 2) of weights times M⁻¹ + mean meanᵀ summed over rows, filled in
    log_det : (P,) log |M|, filled in
    """
    patterns, q = len(sums), towards.shape[1]
    lower, whole = np.zeros((q, q)), np.zeros((q, q))
    for p in range(patterns):
        at = 0
        for i in range(q):
            for j in range(i + 1):
                lower[i, j] = sums[p, at] + (1.0 if i == j else 0.0)
                at += 1
        log_det[p] = triangle.factorised(lower, q, lower)
        triangle.inverted(lower, q, lower)
        triangle.squared(lower, q, whole)
        at = 0
        for i in range(q):
            for j in range(i + 1):
                covariance[p, at] = whole[i, j]
                at += 1
        weight = 0.0
        for row in order[begin[p] : begin[p + 1]]:
            w = weights[row]
            weight += w
            for i in range(q):
                mean[row, i] = 0.0
            at = 0
            for i in range(q):
                for j in range(i):
                    value = covariance[p, at]
                    at += 1
                    mean[row, i] += value * towards[row, j]
                    mean[row, j] += value * towards[row, i]
                mean[row, i] += covariance[p, at] * towards[row, i]
                at += 1
            at = 0
            for i in range(q):
                half = w * mean[row, i]
                for j in range(i + 1):
                    moments[p, at] += half * mean[row, j]
                    at += 1
        for at in range(len(covariance[p])):
            moments[p, at] += weight * covariance[p, at]
