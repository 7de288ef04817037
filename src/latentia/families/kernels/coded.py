"""Rows of codes: each row's combinations of levels by number, and a pass of a mixture over them.

A sum over the columns of a row is one over a few blocks of columns, each looked up in a table of
sums that is made once a pass and stays in the caches; expected counts go the same way back.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels import logit
from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.tile import line, load_weights

Array = NDArray[np.float64]
Whole = NDArray[np.int32]

LANES = 256
"""Rows in a tile."""


@njit(nogil=True, cache=True)
def _tables(logs, n_levels, block, before):
    """The sums of each block's combinations in each component, (K, C)."""
    tables = np.zeros((len(logs), before[-1]))
    for k in range(len(logs)):
        level, size, last = 0, 1, -1
        for j in range(len(n_levels)):
            if block[j] != last:
                last, size = block[j], 1
            sums = tables[k, before[last] : before[last + 1]]
            for code in range(n_levels[j], -1, -1):  # from the last, which is missing: as it is
                more = logs[k, level + code] if code < n_levels[j] else 0.0
                for c in range(size):
                    sums[code * size + c] = sums[c] + more
            level += n_levels[j]
            size *= n_levels[j] + 1
    return tables


@njit(nogil=True, cache=True)
def _levels(counts, n_levels, block, before, of_levels):
    """Expected counts of levels, (K, M), from those of combinations, (K, C), which are lost."""
    for k in range(len(counts)):
        level = of_levels.shape[1]
        for j in range(len(n_levels) - 1, -1, -1):
            b, levels = block[j], n_levels[j]
            level -= levels
            size = 1
            for i in range(j - 1, -1, -1):
                if block[i] != b:
                    break
                size *= n_levels[i] + 1
            sums = counts[k, before[b] : before[b + 1]]
            for code in range(levels + 1):
                for c in range(size):
                    value = sums[code * size + c]
                    if code < levels:
                        of_levels[k, level + code] += value
                    if code > 0:
                        sums[c] += value


@njit(nogil=True, cache=True)
def _joint(places, start, rows, tables, offset, joint):
    """Log-densities of a tile with the components' weights; those of lanes without a row are 0."""
    for k in range(len(joint)):
        joint[k, :rows] = offset[k]
        joint[k, rows:] = 0.0
    _add(places, start, rows, tables, joint)


@njit(nogil=True, cache=True)
def _add(places, start, rows, tables, joint):
    """Add the log-densities of a tile."""
    for k in range(len(joint)):
        into, sums = joint[k], tables[k]
        for block in places:
            at = block[start : start + rows]
            for b in range(rows):
                into[b] += sums[at[b]]


@njit(nogil=True, cache=True)
def _gather(places, start, rows, resp, counts):
    """Add the memberships of a tile to those of the combinations that its rows have."""
    for k in range(len(resp)):
        each, into = resp[k], counts[k]
        for block in places:
            at = block[start : start + rows]
            for b in range(rows):
                into[at[b]] += each[b]


@njit(nogil=True, cache=True)
def _chunk(places, weights, logs, offset, n_levels, block, before, lanes):
    """The pass, tile by tile."""
    n, n_components = places.shape[1], len(offset)
    joint, scratch, weight = np.empty((n_components, lanes)), np.empty((2, lanes)), np.empty(lanes)
    tables = _tables(logs, n_levels, block, before)
    count, counts, of_levels = np.zeros(n_components), np.zeros(tables.shape), np.zeros(logs.shape)
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_weights(weights, start, rows, weight)
        _joint(places, start, rows, tables, offset, joint)
        loglik += softmax(joint, weight, count, scratch)
        _gather(places, start, rows, joint, counts)
    _levels(counts, n_levels, block, before, of_levels)
    return loglik, count, of_levels


@njit(nogil=True, cache=True)
def _gated(places, weights, logs, z, basis, coefficients, n_levels, block, before, lanes):
    """The pass, tile by tile, with weights of the components that covariates decide."""
    n, (n_components, q) = places.shape[1], coefficients.shape
    joint, scratch, weight = np.empty((n_components, lanes)), np.empty((2, lanes)), np.empty(lanes)
    chosen, shares = np.empty(joint.shape), np.empty(joint.shape)
    raw, moved = np.empty((q, lanes)), np.empty((q, lanes))
    pairs = np.empty((q * (q + 1) // 2, lanes))
    tables = _tables(logs, n_levels, block, before)
    count, counts, of_levels = np.zeros(n_components), np.zeros(tables.shape), np.zeros(logs.shape)
    slope, gram = np.zeros((n_components - 1, q)), np.zeros(len(pairs))
    curvature = np.zeros((n_components * (n_components - 1) // 2, len(pairs)))
    loglik, value = 0.0, 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_weights(weights, start, rows, weight)
        logit.design(z, start, rows, basis, raw, moved, pairs)
        logit.log_shares(raw, coefficients, chosen, shares, scratch)
        joint[:] = chosen
        _add(places, start, rows, tables, joint)
        loglik += softmax(joint, weight, count, scratch)
        _gather(places, start, rows, joint, counts)
        value += logit.add(
            weight, chosen, shares, joint, moved, pairs, scratch[0], slope, curvature, gram
        )
    _levels(counts, n_levels, block, before, of_levels)
    return loglik, of_levels, value, slope, curvature, gram


def run_gated(
    places: Whole,
    weights: Array,
    logs: Array,
    z: Array,
    basis: Array,
    coefficients: Array,
    n_levels: Whole,
    block: Whole,
    before: Whole,
) -> tuple[float, Array, float, Array, Array, Array]:
    """`run` where covariates decide the weights of the components by a multinomial logit.

    Parameters
    ----------
    places, weights, logs, n_levels, block, before
        As `run` takes them.
    z : array of shape (n, q)
        The covariates.
    basis : array of shape (q, q)
        Upper triangular: `z @ basis` are the covariates in which the sums are made.
    coefficients : array of shape (K, q)
        Of z, zero for the first component.

    Returns
    -------
    loglik : float
        nan where a row is impossible in every component.
    of_levels : array of shape (K, M)
        Expected rows of each component with each level.
    value : float
        sum_i sum_k r_ik log w_k(z_i).
    slope : array of shape (K - 1, q)
        Its gradient, in the basis.
    curvature : array of shape (K (K - 1) / 2, q, q)
        Minus its Hessian, of components 1 and 1, 2 and 1, 2 and 2, 3 and 1, and so on.
    gram : array of shape (q, q)
        Second moments of the covariates, summed.
    """
    z = np.array(z, dtype=np.float64, order="C", copy=None).view()
    z.flags.writeable = False  # so that code is compiled for one kind of array only
    basis, coefficients = np.ascontiguousarray(basis), np.ascontiguousarray(coefficients)
    loglik, of_levels, value, slope, curvature, gram = _gated(
        places, line(weights), logs, z, basis, coefficients, n_levels, block, before, LANES
    )
    q = len(basis)
    return loglik, of_levels, value, slope, logit.square(curvature, q), logit.square(gram, q)


def run(
    places: Whole,
    weights: Array,
    logs: Array,
    offset: Array,
    n_levels: Whole,
    block: Whole,
    before: Whole,
) -> tuple[float, Array, Array]:
    """One fused pass over the rows of a chunk.

    Parameters
    ----------
    places : array of int, shape (B, n)
        The combinations of each row, one of each block of columns.
    weights : array of shape (n,)
    logs : array of shape (K, M)
        Log-probabilities of the levels of all columns, side by side.
    offset : array of shape (K,)
        Logarithms of the components' weights.
    n_levels, block : arrays of int, shape (d,)
        Of each column: its levels, and the block that it is in.
    before : array of int, shape (B + 1,)
        Combinations of earlier blocks.

    Returns
    -------
    loglik : float
        nan where a row is impossible in every component.
    count : array of shape (K,)
        Expected rows of each component.
    of_levels : array of shape (K, M)
        And with each level.
    """
    return _chunk(places, line(weights), logs, offset, n_levels, block, before, LANES)


@njit(nogil=True, cache=True)
def _number(x, n_levels, block, stride, before, places, impossible):
    n, d = x.shape
    for b in range(len(places)):
        places[b] = before[b]
    for i in range(n):
        wrong = False
        for j in range(d):
            value, level = x[i, j], n_levels[j]
            if value >= 0.0 and value < level:
                code = np.int32(value)
                if code == value:
                    level = code
                else:
                    wrong = True
            elif value == value:  # nan is a missing cell
                wrong = True
            places[block[j], i] += level * stride[j]
        impossible[i] = wrong


def numbered(
    x: Array, n_levels: Whole, block: Whole, stride: Whole, before: Whole
) -> tuple[Whole, NDArray[np.bool_]]:
    """The combinations of each row, (B, n), and which rows have a cell that is no code, (n,).

    Parameters
    ----------
    x : array of shape (n, d)
        Codes; nan where they are missing.
    n_levels, block, before : arrays of int
        As `run` takes them.
    stride : array of int, shape (d,)
        What a level of each column adds to the number of its block's combination.
    """
    x = np.array(x, dtype=np.float64, order="C", copy=None).view()
    x.flags.writeable = False  # so that code is compiled for one kind of array only
    places = np.empty((len(before) - 1, len(x)), dtype=np.int32)
    impossible = np.empty(len(x), dtype=np.bool_)
    _number(x, n_levels, block, stride, before, places, impossible)
    return places, impossible
