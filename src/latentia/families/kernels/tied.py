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

from latentia.families.kernels.lanes import softmax
from latentia.families.kernels.products import (
    LANES,
    RAISED,
    add_linear,
    add_products,
    add_squared_distances,
    filled,
    load_tile,
)
from latentia.families.kernels.tile import line, load_weights, strided

Array = NDArray[np.float64]


@njit(nogil=True, cache=True)
def _scatter(flat, row, column, weights, origin, unit, sums, n, lanes):
    """Add the lower triangle, in whole blocks, to `sums`."""
    n_features, d = len(origin), len(sums)
    z, weighted, weight = np.zeros((d, lanes)), np.zeros((d, lanes)), np.empty(lanes)
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_tile(flat, row, column, start, rows, origin, unit, z[:n_features])
        load_weights(weights, start, rows, weight)
        for j in range(n_features):
            values, into = z[j], weighted[j]
            for b in range(lanes):
                into[b] = weight[b] * values[b]
        add_products(weighted, z, sums, True)


@njit(nogil=True, cache=True)
def _chunk(flat, row, column, weights, origin, unit, constant, slopes, white, n, lanes):
    """Log-likelihood, counts and first moments, all RAISED.

    Joint log-densities are constant + slopes z, or where `white` has lines, Uᵀ / √2, they are
    constant - |white z - slopes|².
    """
    n_components, k, d = len(constant), len(slopes), white.shape[1]
    careful = len(white) > 0
    z, joint, y = np.zeros((d, lanes)), np.empty((k, lanes)), np.empty((len(white), lanes))
    weight, scratch = np.empty(lanes), np.empty((2, lanes))
    count, first = np.zeros(n_components), np.zeros((k, d))
    loglik = 0.0
    for start in range(0, n, lanes):
        rows = min(lanes, n - start)
        load_tile(flat, row, column, start, rows, origin, unit, z[: len(origin)])
        load_weights(weights, start, rows, weight)
        for b in range(lanes):
            weight[b] *= RAISED
        if careful:
            y[:] = 0
            add_linear(z, white, y)
            joint[:] = 0
            add_squared_distances(y, slopes, joint)
            for c in range(n_components):
                for b in range(lanes):
                    joint[c, b] = constant[c] - joint[c, b]
        else:
            joint[:] = 0
            for c in range(n_components):
                joint[c] = constant[c]
            add_linear(z, slopes, joint)
        loglik += softmax(joint[:n_components], weight, count, scratch)
        add_products(joint, z, first, False)
    return loglik, count, first


def scatter(x: NDArray[Any], weights: Array, origin: Array, unit: float) -> Array:
    """sum_i w_i z_i z_iᵀ with z = (x - origin) unit, shape (D, D): what `run` can do without."""
    flat, row, column = strided(x)
    origin, d = np.array(origin), len(origin)
    sums = filled(np.zeros((d, d)))
    _scatter(flat, row, column, line(weights), origin, float(unit), sums, len(x), LANES)
    lower = np.tril(sums[:d, :d])
    return lower + np.tril(lower, -1).T


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
    constant = offset - 0.5 * np.einsum("kj,kj->k", centres, centres)
    slopes = filled(centres @ factor.T)
    white = np.empty((0, slopes.shape[1]))
    loglik, count, first, second = _passed(
        x, weights, origin, unit, constant, slopes, white, scatter
    )
    with np.errstate(invalid="ignore"):  # what is not finite is to be seen in the result
        loglik -= 0.5 * float(np.sum((factor @ factor.T) * second))
    return loglik, count, first, second


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
    root = np.sqrt(0.5) * factor
    return _passed(x, weights, origin, unit, offset, filled(means @ root), filled(root.T), scatter)


def _passed(
    x: NDArray[Any],
    weights: Array,
    origin: Array,
    unit: float,
    constant: Array,
    slopes: Array,
    white: Array,
    known: Array | None,
) -> tuple[float, Array, Array, Array]:
    flat, row, column = strided(x)
    n, (k, d) = len(x), (len(constant), len(origin))
    second = known if known is not None else scatter(x, weights, origin, unit)
    weights, origin, constant = line(weights), np.array(origin), np.array(constant)
    loglik, count, first = _chunk(
        flat, row, column, weights, origin, float(unit), constant, slopes, white, n, LANES
    )
    return loglik / RAISED, count / RAISED, first[:k, :d] / RAISED, second
