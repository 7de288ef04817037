"""Full covariances, some ten to twenty features: products of features, and two matrix products.

Log-densities are linear in 1, z_j and z_i z_j, and so are the moments that are summed. The
products are laid out for a tile, so both passes are one matrix product each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.full_small_parts import unpacked
from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.tile import line, load, load_weights, strided

Array = NDArray[np.float64]

LANES = 128


@njit(nogil=True, cache=True)
def _products(features, n_features):
    """Lines of z_i z_j, i up to j, behind the lines of z."""
    at = n_features
    for j in range(n_features):
        right = features[j]
        for i in range(j + 1):
            left, into = features[i], features[at]
            for b in range(into.size):
                into[b] = left[b] * right[b]
            at += 1


@njit(nogil=True, cache=True)
def _coefficients(offset, means, factor):
    """Constants (K,) and coefficients (K, P) of the features in the joint log-densities."""
    n_components, n_features = means.shape
    constant = offset.copy()
    lines = np.zeros((n_components, n_features + n_features * (n_features + 1) // 2))
    for k in range(n_components):
        at = n_features
        for j in range(n_features):
            for i in range(j + 1):
                p = 0.0
                for t in range(j, n_features):
                    p += factor[k, i, t] * factor[k, j, t]
                lines[k, at] = -p if i < j else -p / 2
                lines[k, j] += p * means[k, i]
                if i < j:
                    lines[k, i] += p * means[k, j]
                at += 1
        for j in range(n_features):
            constant[k] -= lines[k, j] * means[k, j] / 2
    return constant, lines


@njit(nogil=True, cache=True)
def _chunk(flat, row, column, n, weights, origin, unit, offset, means, factor, lanes):
    n_components, n_features = means.shape
    constant, coefficient = _coefficients(offset, means, factor)
    n_terms = coefficient.shape[1]
    features = np.empty((n_terms, lanes))
    joint = np.empty((n_components, lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count = np.zeros(n_components)
    sums, added = np.zeros((n_components, n_terms)), np.empty((n_components, n_terms))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load(flat, row, column, start, rows, origin, unit, features[:n_features])
        _products(features, n_features)
        load_weights(weights, start, rows, weight)
        np.dot(coefficient, features, joint)
        for k in range(n_components):
            joint[k] += constant[k]
        loglik += softmax(joint, weight, count, scratch)
        np.dot(joint, features.T, added)
        sums += added
    first, second = unpacked(sums, n_features)
    return loglik, count, first, second


def run(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
) -> tuple[float, Array, Array, Array]:
    """One fused pass over the rows of a chunk; see the package for what goes in and out."""
    flat, row, column = strided(x)
    return _chunk(
        flat, row, column, len(x), line(weights), origin, unit, offset, means, factor, LANES
    )
