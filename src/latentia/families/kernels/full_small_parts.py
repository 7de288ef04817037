"""What the unrolled kernels for few features share: coefficients in, symmetric matrices out."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def coefficients(offset, means, factor):
    """One line of numbers a component, from which its joint log-density is made.

    log(weight f(z)) = offset - sum_j (u_j . z - v_j)^2, with u_j the j-th column of the factor
    over the root of two and v_j = u_j . mean: as many products as the expanded quadratic form, but
    what cancels is linear in z. A line holds u_0 and -v_0, u_1 and -v_1, ..., and the offset.
    """
    n_components, n_features = means.shape
    lines = np.empty((n_components, n_features * (n_features + 1) // 2 + n_features + 1))
    for k in range(n_components):
        at = 0
        for j in range(n_features):
            v = 0.0
            for i in range(j + 1):
                u = math.sqrt(0.5) * factor[k, i, j]
                lines[k, at] = u
                v += u * means[k, i]
                at += 1
            lines[k, at] = -v
            at += 1
        lines[k, at] = offset[k]
    return lines


@njit(nogil=True, cache=True)
def unpacked(sums, n_features):
    """First (K, D) and second (K, D, D) moments from lines of D + D (D + 1) / 2 sums."""
    n_components = len(sums)
    first = sums[:, :n_features].copy()
    second = np.empty((n_components, n_features, n_features))
    for k in range(n_components):
        at = n_features
        for j in range(n_features):
            for i in range(j + 1):
                second[k, i, j] = sums[k, at]
                second[k, j, i] = sums[k, at]
                at += 1
    return first, second
