"""Columns that are independent given the component, and cells that may be missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BORROWED = 1.0
"""Rows' worth of the pooled estimate that the start of every component is mixed with."""


def over_columns(x: Array, each: Callable[[int, Array], Array]) -> Array:
    """sum_j each(j, values)[i, k] over the cells of row i that are known, shape (n, K).

    Parameters
    ----------
    x : array of shape (n, d)
    each : callable
        Given a column's number and its distinct values (m,), returns (m, K); of nan it may make
        anything. Columns of counts hold far fewer values than rows.
    """
    total: Array | None = None
    for j in range(x.shape[1]):
        values, where = distinct(x[:, j])
        made = np.where(np.isnan(values)[:, None], 0.0, each(j, values))[where]
        total = made if total is None else total + made
    assert total is not None, "a family has at least one column"
    return total


def distinct(column: Array) -> tuple[Array, NDArray[np.intp]]:
    """The different values of a column, and which of them each row has."""
    values, where = np.unique(np.asarray(column, dtype=np.float64), return_inverse=True)
    return values, np.asarray(where.ravel(), dtype=np.intp)


def spread_over(where: NDArray[np.intp], resp: Array, m: int) -> Array:
    """sum of resp[i, k] over the rows with each of m distinct values, shape (m, K)."""
    columns = [np.bincount(where, r, minlength=m) for r in resp.T]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float64)


def counted(x: Array, resp: Array) -> Array:
    """sum_i resp[i, k] over the cells that are known, shape (K, d)."""
    missing = np.isnan(x)
    if missing.any():
        return resp.T @ (~missing).astype(np.float64)
    return np.repeat(resp.sum(axis=0)[:, None], x.shape[1], axis=1)


def summed(values: Array, resp: Array) -> Array:
    """sum_i resp[i, k] values[i, j] over the cells that are known, shape (K, d)."""
    values = np.asarray(values, dtype=np.float64)
    return resp.T @ np.where(np.isnan(values), 0.0, values)


def ratio(total: Array, count: Array, otherwise: Array) -> Array:
    """total / count, and what stands in `otherwise` where nothing was counted."""
    alive = count > 0
    return np.where(alive, total / np.where(alive, count, 1.0), otherwise)


def slope(total: Array, value: Array) -> Array:
    """total / value, the derivative of total · log(value): 0 where there is nothing to divide."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, total / value, 0.0)


def shrunk(total: Array, count: Array, unit: float = 0.5) -> Array:
    """Means of each component and column, (K, d), mixed with a row's worth of the pooled one.

    The pooled mean of a column is (sum + unit) / (count + 1), so that nothing starts at zero.
    """
    pooled = (total.sum(axis=0) + unit) / (count.sum(axis=0) + 1)
    return (total + BORROWED * pooled) / (count + BORROWED)


def first_fault(wrong: Mask, expected: str | Callable[[int], str]) -> tuple[int, int, str] | None:
    """Row, column and what is expected (of that column) of the first wrong cell, if any."""
    if not wrong.any():
        return None
    i, j = (int(at) for at in np.argwhere(wrong)[0])
    return i, j, expected if isinstance(expected, str) else expected(j)
