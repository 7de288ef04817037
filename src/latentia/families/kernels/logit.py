"""Weights of components that follow covariates by a multinomial logit, tile by tile.

A tile has the rows of a chunk side by side: the covariates in a basis, (q, B), and products of
all pairs of these, from which the curvature of q in the coefficients is a sum of a few lines.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.lanes import exp, log

Array = NDArray[np.float64]

LANES = 256
"""Rows in a tile."""


@njit(nogil=True, cache=True)
def design(z, start, rows, basis, raw, moved, pairs):
    """Fill `raw` and `moved`, (q, B), with covariates as they are and in a basis, and `pairs`.

    Lanes without a row are zero. `pairs`, (q (q + 1) / 2, B), are the products of the latter.
    """
    q = len(raw)
    for j in range(q):
        into = raw[j]
        for b in range(rows):
            into[b] = z[start + b, j]
        into[rows:] = 0.0
    place = 0
    for j in range(q):
        into = moved[j]
        into[:] = 0.0
        for i in range(j + 1):  # a basis is upper triangular
            share, line = basis[i, j], raw[i]
            for b in range(len(into)):
                into[b] += share * line[b]
        for i in range(j + 1):
            product, line = pairs[place], moved[i]
            for b in range(len(into)):
                product[b] = into[b] * line[b]
            place += 1


@njit(nogil=True, cache=True)
def log_shares(raw, coefficients, logs, shares, scratch):
    """Fill `logs` and `shares`, (K, B), with the components' weights; `scratch` is (2, B)."""
    top, total = scratch[0], scratch[1]
    lanes = len(top)
    for k in range(len(logs)):
        into = logs[k]
        into[:] = 0.0
        for j in range(len(raw)):
            slope, line = coefficients[k, j], raw[j]
            for b in range(lanes):
                into[b] += slope * line[b]
    top[:] = logs[0]
    for k in range(1, len(logs)):
        line = logs[k]
        for b in range(lanes):
            top[b] = line[b] if line[b] > top[b] else top[b]
    total[:] = 0.0
    for k in range(len(logs)):
        line, share = logs[k], shares[k]
        for b in range(lanes):
            line[b] -= top[b]
            share[b] = exp(line[b])
            total[b] += share[b]
    for b in range(lanes):
        top[b] = log(total[b])
        total[b] = 1.0 / total[b]
    for k in range(len(logs)):
        line, share = logs[k], shares[k]
        for b in range(lanes):
            line[b] -= top[b]
            share[b] *= total[b]


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _inner(x, y):
    total = 0.0
    for b in range(len(x)):
        total += x[b] * y[b]
    return total


@njit(nogil=True, cache=True)
def add(weight, logs, shares, resp, moved, pairs, line, slope, curvature, gram):
    """Add a tile to value, slope and curvature of q in the coefficients, and to the gram.

    Parameters
    ----------
    weight : array of shape (B,)
    logs, shares, resp : arrays of shape (K, B)
        The last with the rows' weights.
    moved, pairs : arrays of shapes (q, B) and (q (q + 1) / 2, B)
    line : array of shape (B,)
        Scratch.
    slope : array of shape (K - 1, q)
    curvature : array of shape (K (K - 1) / 2, q (q + 1) / 2)
        Of every two components, the first one not among them.
    gram : array of shape (q (q + 1) / 2,)

    Returns
    -------
    float
        What is to be added to the value.
    """
    value, place = 0.0, 0
    for p in range(len(pairs)):
        gram[p] += _inner(weight, pairs[p])
    for k in range(len(logs)):
        value += _inner(resp[k], logs[k])
        if k == 0:
            continue
        for b in range(len(line)):
            line[b] = resp[k, b] - weight[b] * shares[k, b]
        for j in range(len(moved)):
            slope[k - 1, j] += _inner(line, moved[j])
        for m in range(1, k + 1):
            own = 1.0 if m == k else 0.0
            for b in range(len(line)):
                line[b] = weight[b] * shares[k, b] * (own - shares[m, b])
            for p in range(len(pairs)):
                curvature[place, p] += _inner(line, pairs[p])
            place += 1
    return value


@cache
def triangle(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the cells of a lower triangle, row by row."""
    return np.tril_indices(n)


def square(packed: Array, n: int) -> Array:
    """Symmetric matrices, (..., n, n), of their lower triangles, row by row, (..., n (n+1) / 2)."""
    made = np.empty((*packed.shape[:-1], n, n))
    i, j = triangle(n)
    made[..., i, j] = made[..., j, i] = packed
    return made


@njit(nogil=True, cache=True)
def _chunk(z, basis, coefficients, resp, lanes):
    """The sums of all rows, tile by tile."""
    n, (n_components, q) = len(z), coefficients.shape
    logs, shares = np.empty((n_components, lanes)), np.empty((n_components, lanes))
    own, weight, scratch = np.empty(logs.shape), np.empty(lanes), np.empty((2, lanes))
    raw, moved = np.empty((q, lanes)), np.empty((q, lanes))
    pairs = np.empty((q * (q + 1) // 2, lanes))
    slope, gram = np.zeros((n_components - 1, q)), np.zeros(len(pairs))
    curvature = np.zeros((n_components * (n_components - 1) // 2, len(pairs)))
    value, count = 0.0, 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        weight[:] = 0.0
        for k in range(n_components):
            line = own[k]
            line[rows:] = 0.0
            for b in range(rows):
                line[b] = resp[k, start + b]
                weight[b] += line[b]
        count += weight.sum()
        design(z, start, rows, basis, raw, moved, pairs)
        log_shares(raw, coefficients, logs, shares, scratch)
        value += add(weight, logs, shares, own, moved, pairs, scratch[0], slope, curvature, gram)
    return value, slope, curvature, gram, count


def run(
    z: Array, basis: Array, coefficients: Array, resp: Array
) -> tuple[float, Array, Array, Array, float]:
    """What memberships say of the coefficients.

    Parameters
    ----------
    z : array of shape (n, q)
        The covariates.
    basis : array of shape (q, q)
        Upper triangular: `z @ basis` are the covariates in which the sums are made.
    coefficients : array of shape (K, q)
        Of z, zero for the first component.
    resp : array of shape (K, n)
        Memberships times weights of the rows.

    Returns
    -------
    value, slope, curvature, gram, count
        As `families.predictor.GateSums` has them.
    """
    given = [np.array(each, dtype=np.float64, order="C", copy=None).view() for each in (z, resp)]
    for each in given:
        each.flags.writeable = False  # so that code is compiled for one kind of array only
    basis, coefficients = np.ascontiguousarray(basis), np.ascontiguousarray(coefficients)
    value, slope, curvature, gram, count = _chunk(given[0], basis, coefficients, given[1], LANES)
    return value, slope, square(curvature, len(basis)), square(gram, len(basis)), count
