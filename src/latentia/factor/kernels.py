"""Factors of rows given what was seen, pattern by pattern: compiled."""

from __future__ import annotations

import numpy as np
from numba import njit


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
    lower, inverse = np.zeros((q, q)), np.zeros((q, q))
    for p in range(patterns):
        at, total = 0, 0.0
        for i in range(q):
            for j in range(i + 1):
                value = sums[p, at]
                at += 1
                if i == j:
                    value += 1.0
                for k in range(j):
                    value -= lower[i, k] * lower[j, k]
                if i > j:
                    lower[i, j] = value / lower[j, j]
                else:
                    lower[i, i] = np.sqrt(value)
                    total += np.log(value)
        log_det[p] = total
        for j in range(q):
            inverse[j, j] = 1 / lower[j, j]
            for i in range(j + 1, q):
                value = 0.0
                for k in range(j, i):
                    value -= lower[i, k] * inverse[k, j]
                inverse[i, j] = value / lower[i, i]
        at = 0
        for i in range(q):
            for j in range(i + 1):
                value = 0.0
                for k in range(i, q):
                    value += inverse[k, i] * inverse[k, j]
                covariance[p, at] = value
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
