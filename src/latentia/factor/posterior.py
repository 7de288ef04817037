"""What is known of the factors of rows with holes, and how likely what was seen of them is."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.families.kernels.ready import waiting
from latentia.missing.patterns import RowsByPattern

Array = NDArray[np.float64]

LOG_2PI = float(np.log(2 * np.pi))

WORTH_COMPILING = 1_000_000
"""Below this many rows times squared factors, NumPy does without compiled code."""


class Posterior(NamedTuple):
    """Standard normal factors given what was seen.

    Attributes
    ----------
    mean : array of shape (n, q)
    covariance : array of shape (P, q (q + 1) / 2)
        Lower triangles, of the patterns: they do not depend on the row.
    moments : array of shape (P, q (q + 1) / 2)
        Expected squares and products, summed over the rows of each pattern by weight.
    log_density : array of shape (n,)
        Of what was seen of each row; 0 where that is nothing.
    """

    mean: Array
    covariance: Array
    moments: Array
    log_density: Array


def worth_compiling(n_rows: int, n_factors: int) -> bool:
    """Whether so many rows are worth compiled code."""
    return n_rows * n_factors**2 >= WORTH_COMPILING


def posterior(
    loadings: Array, noise: Array, centre: Array, rows: RowsByPattern, compiled: bool = False
) -> Posterior:
    """Factors of rows centre + loadings · z + noise, by Bayes' rule.

    With M = I + Σ_j w_j w_jᵀ / ψ_j over the columns j that were seen, the covariance of z is M⁻¹
    and its mean M⁻¹ Σ_j w_j (x_j - μ_j) / ψ_j, so that the cost of n rows is n d q² (Tipping &
    Bishop 1999, eq. 6; Ghahramani & Hinton 1996).

    Parameters
    ----------
    loadings : array of shape (d, q)
    noise : array of shape (d,)
        ψ, the variances.
    centre : array of shape (d,)
    rows : RowsByPattern
    compiled : bool, default=False
    """
    pull = loadings / noise[:, None]
    i, j = np.tril_indices(loadings.shape[1])
    seen = rows.seen.astype(np.float64)
    sums = seen @ (pull[:, i] * loadings[:, j])
    away = rows.z - (centre if rows.seen.all() else centre * rows.seen[rows.which])
    towards = away @ pull
    mean, covariance, moments, log_det = (_compiled if compiled else _plain)(sums, towards, rows)
    fitted = mean @ loadings.T
    if len(rows.seen) > 1 or not rows.seen.all():
        fitted *= rows.seen[rows.which]
    away -= fitted  # rather than a difference of squares, of which little is left
    distance = np.square(away, out=away) @ (1 / noise) + np.einsum("nq,nq->n", mean, mean)
    constant = seen @ (np.log(noise) + LOG_2PI) + log_det
    return Posterior(mean, covariance, moments, -(distance + constant[rows.which]) / 2)


def square(packed: Array, q: int) -> Array:
    """Symmetric matrices (..., q, q) from their lower triangles (..., q (q + 1) / 2)."""
    i, j = np.tril_indices(q)
    made = np.empty((*packed.shape[:-1], q, q))
    made[..., i, j] = made[..., j, i] = packed
    return made


def _plain(sums: Array, towards: Array, rows: RowsByPattern) -> tuple[Array, Array, Array, Array]:
    n, q = towards.shape
    patterns = len(sums)
    i, j = np.tril_indices(q)
    root = np.linalg.cholesky(square(sums, q) + np.eye(q))
    log_det = 2 * np.log(np.einsum("pii->pi", root)).sum(axis=1)
    half = np.linalg.inv(root)
    inverse = np.swapaxes(half, 1, 2) @ half
    if patterns == 1:
        mean = towards @ inverse[0]
    else:
        mean = np.einsum("nij,nj->ni", inverse[rows.which], towards)
    covariance = inverse[:, i, j]
    squares = np.zeros((patterns, len(i)))
    each = mean[:, i] * mean[:, j] * rows.weights[:, None]
    filled = np.flatnonzero(np.diff(rows.begin))
    if n:
        squares[filled] = np.add.reduceat(each[rows.order], rows.begin[filled])
    weight = np.bincount(rows.which, rows.weights, patterns)
    return mean, covariance, squares + weight[:, None] * covariance, log_det


def _compiled(
    sums: Array, towards: Array, rows: RowsByPattern
) -> tuple[Array, Array, Array, Array]:
    mean, covariance = np.empty_like(towards), np.empty_like(sums)
    moments, log_det = np.zeros_like(sums), np.empty(len(sums))
    weights = np.array(rows.weights)  # writable, so that there is one compiled form
    kernel()(sums, towards, rows.order, rows.begin, weights, mean, covariance, moments, log_det)
    return mean, covariance, moments, log_det


@cache
def kernel() -> Any:
    """The compiled code, loaded where rows are many, and made ready before it is used."""
    with waiting("factors'"):
        from .kernels import solve

        one, row = np.ones((1, 1)), np.zeros(1, dtype=np.intp)
        begin = np.array([0, 1], dtype=np.intp)
        solve(one, one, row, begin, np.ones(1), one.copy(), one.copy(), one.copy(), np.ones(1))
    return solve
