"""Rows with holes, filled with what is expected, or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows

from .cells import groups, told
from .model import CellModel, CellParams

Array = NDArray[np.float64]


def completed(
    model: CellModel, params: CellParams, x: Array, rng: np.random.Generator | None
) -> Array:
    """Codes and numbers without holes, (n, q + p).

    Parameters
    ----------
    model : CellModel
    params : CellParams
    x : array of shape (n, q + p)
        Codes, and numbers in the user's units; nan where a cell is missing.
    rng : numpy.random.Generator or None
        Draw cells and numbers given what was seen; None: take the most probable cell, and the
        numbers expected over all cells.
    """
    rows = Rows(x, np.ones(len(x)))
    codes, z = model.parts(rows)
    log_mass = model.log_mass(params.effects)
    means, covariance = model.inside(params)
    q = len(model.levels)
    out, filled = np.array(x), np.array(z)
    for group in groups(codes, z, model.levels):
        known = told(group, z, log_mass, means, covariance)
        seen, missing = group.seen, ~group.seen
        if rng is None:
            place = known.share.argmax(axis=1)
        else:
            upto = np.cumsum(known.share, axis=1)
            place = (rng.uniform(size=(len(upto), 1)) * upto[:, -1:] > upto).sum(axis=1)
        cell = known.cells[np.arange(len(place)), place]
        where = np.unravel_index(cell, model.levels) if q else ()
        for j, each in enumerate(where):
            out[group.rows, j] = each
        if not missing.any():
            continue
        added = means[:, missing] - means[:, seen] @ known.slopes.T
        if rng is None:
            own = np.einsum("rm,rmh->rh", known.share, added[known.cells])
        else:
            root = np.linalg.cholesky(known.left)
            own = added[cell] + rng.standard_normal((len(cell), len(root))) @ root.T
        values = z[np.ix_(group.rows, seen)] @ known.slopes.T + own
        filled[np.ix_(group.rows, missing)] = values
    hidden = np.isnan(x)
    if model.frame is not None:
        origin, scale, _ = model.frame
        back: Any = origin + scale * filled
        numbers = out[:, q:]
        numbers[hidden[:, q:]] = back[hidden[:, q:]]
    out[:, :q] = np.where(hidden[:, :q], out[:, :q], x[:, :q])
    return out
