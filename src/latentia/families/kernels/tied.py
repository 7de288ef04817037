"""One covariance for all components: log-densities are linear in a row up to what they share.

zᵀPz is common to all components, so responsibilities need P m_k . z only, and the log-likelihood
loses tr(P S) / 2 with S = sum_i w_i z_i z_iᵀ, which no parameter changes: known once, a step
touches no second moment. The difference loses eps times the largest precision: the log-likelihood
is good to nine digits up to a precision of about 1e7 in z's unit. `run_careful` takes distances
between Uᵀz and Uᵀm_k instead, which lose only eps times its root.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.blocks import set_linear
from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.moments import add_moments, in_order
from latentia.families.kernels.products import (
    LANES,
    RAISED,
    add_linear,
    add_products,
    add_squared_distances,
    filled,
)
from latentia.families.kernels.registers import ALIGNMENT, COLUMNS, ROWS, aligned
from latentia.families.kernels.tile import line, load_weights, strided
from latentia.families.kernels.turn import load_turned

Array = NDArray[np.float64]


@njit(nogil=True, cache=True)
def _scatter(flat, row, column, weights, origin, unit, sums, n, lanes):
    """Add the lower triangle, in whole blocks, to `sums`."""
    n_features, d = len(origin), len(sums)
    z, weighted, weight = np.zeros((d, lanes)), np.zeros((d, lanes)), np.empty(lanes)
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z[:n_features])
        load_weights(weights, start, rows, weight)
        for j in range(n_features):
            values, into = z[j], weighted[j]
            for b in range(lanes):
                into[b] = weight[b] * values[b]
        add_products(weighted, z, sums, True)


@njit(nogil=True, cache=True)
def _chunk(flat, row, column, n, weights, origin, unit, coefficient, n_components, lanes):
    """Log-likelihood, counts and first moments, all RAISED.

    Joint log-densities are linear in a row: `coefficient` has constants and slopes in the order
    in which `set_linear` reads them, (groups of ROWS components, ROWS (1 + D)).
    """
    n_features, groups = len(origin), len(coefficient)
    width, step = COLUMNS * ALIGNMENT // 8, lanes + ALIGNMENT // 8
    z = aligned((-(-n_features // COLUMNS) * COLUMNS, step), origin)
    joint = aligned((groups * ROWS, step), origin)
    weight, scratch = np.empty(step), np.empty((2, step))
    count, sums = np.zeros(n_components), np.zeros(len(z) * len(joint))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z[:n_features])
        load_weights(weights, start, rows, weight)
        for b in range(step):
            weight[b] *= RAISED
        for b in range(0, lanes, width):
            for k in range(groups):
                set_linear(  # pyright: ignore[reportCallIssue]
                    coefficient[k],
                    0,
                    z.reshape(-1),
                    b,
                    step,
                    n_features,
                    joint.reshape(-1),
                    ROWS * k * step + b,
                )
        loglik += softmax(joint[:n_components], weight, count, scratch)
        joint[n_components:] = 0.0
        add_moments(joint, z, lanes, sums)
    return loglik, count, in_order(sums, n_components, n_features)


@njit(nogil=True, cache=True)
def _chunk_careful(flat, row, column, n, weights, origin, unit, constant, centres, white, lanes):
    """The same; joint log-densities are constant - |white z - centres|², `white` being Uᵀ / √2."""
    n_components, k, d = len(constant), len(centres), white.shape[1]
    z, joint, y = np.zeros((d, lanes)), np.empty((k, lanes)), np.empty((len(white), lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, first = np.zeros(n_components), np.zeros((k, d))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_turned(flat, row, column, start, rows, origin, unit, z[: len(origin)])
        load_weights(weights, start, rows, weight)
        for b in range(lanes):
            weight[b] *= RAISED
        y[:] = 0
        add_linear(z, white, y)
        joint[:] = 0
        add_squared_distances(y, centres, joint)
        for c in range(n_components):
            for b in range(lanes):
                joint[c, b] = constant[c] - joint[c, b]
        loglik += softmax(joint[:n_components], weight, count, scratch)
        add_products(joint, z, first, False)
    return loglik, count, first[:n_components, : len(origin)]


def scatter(x: NDArray[Any], weights: Array, origin: Array, unit: float) -> Array:
    """sum_i w_i z_i z_iᵀ with z = (x - origin) unit, shape (D, D): what `run` can do without."""
    flat, row, column = strided(x)
    origin, d = np.array(origin), len(origin)
    sums = filled(np.zeros((d, d)))
    _scatter(flat, row, column, line(weights), origin, float(unit), sums, len(x), LANES)
    lower = np.tril(sums[:d, :d])
    return lower + np.tril(lower, -1).T


_scatter_of = scatter  # where an argument has that name


def run(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
    scatter: Array | None = None,
    careful: bool = False,
) -> tuple[float, Array, Array, Array]:
    """One fused pass over the rows of a chunk; see the package for what goes in and out.

    Parameters
    ----------
    scatter : array of shape (D, D), optional
        What `scatter` makes of the same rows, weights, origin and unit, if it is known.
    careful : bool, default=False
        Whether to do as `run_careful`.
    """
    if careful:
        return run_careful(x, weights, origin, unit, offset, means, factor, scatter)
    centres = means @ factor
    (k, d), groups = means.shape, -(-len(means) // ROWS)
    lines = np.zeros((groups * ROWS, 1 + d))
    lines[:k, 0] = offset - 0.5 * np.einsum("kj,kj->k", centres, centres)
    lines[:k, 1:] = centres @ factor.T
    by_groups = np.swapaxes(lines.reshape(groups, ROWS, 1 + d), 1, 2)
    coefficient = np.ascontiguousarray(by_groups).reshape(groups, -1)
    flat, row, column = strided(x)
    second = scatter if scatter is not None else _scatter_of(x, weights, origin, unit)
    loglik, count, first = _chunk(
        flat,
        row,
        column,
        len(x),
        line(weights),
        np.array(origin),
        float(unit),
        coefficient,
        k,
        LANES,
    )
    with np.errstate(invalid="ignore"):  # what is not finite is to be seen in the result
        loglik = loglik / RAISED - 0.5 * float(np.sum((factor @ factor.T) * second))
    return loglik, count / RAISED, first / RAISED, second


def run_careful(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    offset: Array,
    means: Array,
    factor: Array,
    scatter: Array | None = None,
) -> tuple[float, Array, Array, Array]:
    """`run` for a precision so large that its log-likelihood would cancel."""
    flat, row, column = strided(x)
    second = scatter if scatter is not None else _scatter_of(x, weights, origin, unit)
    root = np.sqrt(0.5) * factor
    loglik, count, first = _chunk_careful(
        flat,
        row,
        column,
        len(x),
        line(weights),
        np.array(origin),
        float(unit),
        np.array(offset),
        filled(means @ root),
        filled(root.T),
        LANES,
    )
    return loglik / RAISED, count / RAISED, first / RAISED, second
