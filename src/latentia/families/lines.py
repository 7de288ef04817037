"""Rows and their products laid out as lines: a step over few rows is two products of matrices.

A normal log-density is linear in the columns of a row and their products, and so are its weighted
moments. Both are exact to the digits that `ILL` leaves where no component is thin.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .covariance import Covariance

Array = NDArray[np.float64]

ROOM = 2**21
"""Numbers that the lines of a chunk hold, at most; where there are more, rows are gone through."""


@cache
def _triangle(d: int) -> tuple[Any, Any, Array]:
    """Rows and columns of the products there are of d columns, and their part in z'Pz / 2."""
    row, column = np.triu_indices(d)
    return row, column, np.where(row == column, 0.5, 1.0)


def laid_out(structure: Covariance, z: Array) -> Array | None:
    """Ones, columns and the products the structure needs, (lines, n); None if too many or large.

    Products of each two columns, squares where covariances are diagonal, and the sum of squares
    where they are spherical.
    """
    n, d = z.shape
    form = structure.form
    products = {"diag": d, "spherical": 1}.get(form, d * (d + 1) // 2)
    if (1 + d + products) * n > ROOM:
        return None
    made = np.empty((1 + d + products, n))
    made[0], columns = 1.0, made[1 : 1 + d]
    columns[:] = z.T
    with np.errstate(over="ignore"):
        if form == "diag":
            np.multiply(columns, columns, out=made[1 + d :])
        elif form == "spherical":
            np.einsum("ji,ji->i", columns, columns, out=made[1 + d])
        else:
            row, column, _ = _triangle(d)
            np.multiply(columns[row], columns[column], out=made[1 + d :])
        if not np.isfinite(made.sum()):  # rows far from those that made the frame
            return None
    return made


def log_density(
    structure: Covariance, offset: Array, means: Array, precision: Array, lines: Array
) -> Array:
    """offset_k - |U_k' (z_i - m_k)|² / 2 with `precision` the factors U, shape (K, n)."""
    k, d = means.shape
    pulled = structure.precision_times(precision, means)
    inverse = structure.inverse(precision)
    made = np.empty((k, len(lines)))
    made[:, 0] = offset - (pulled * means).sum(axis=1) / 2
    made[:, 1 : 1 + d] = pulled
    if structure.form in ("diag", "spherical"):
        made[:, 1 + d :] = inverse.reshape(k, -1) / -2
    else:
        row, column, part = _triangle(d)
        made[:, 1 + d :] = -part * inverse[..., row, column]
    return made @ lines


def moments(structure: Covariance, resp: Array, lines: Array, d: int) -> tuple[Array, ...]:
    """Weights (K,), first moments (K, d) and second ones in the structure's shape.

    `resp` is (K, n), the weights of the rows in it.
    """
    made = resp @ lines.T
    first, products = made[:, 1 : 1 + d], made[:, 1 + d :]
    if structure.form == "diag":
        return made[:, 0], first, products
    if structure.form == "spherical":
        return made[:, 0], first, products[:, 0]
    if structure.form == "tied":
        products = products.sum(axis=0)
    row, column, _ = _triangle(d)
    second = np.empty((*products.shape[:-1], d, d))
    second[..., row, column] = second[..., column, row] = products
    return made[:, 0], first, second
