"""What fitted factors say of rows: scores, densities, and cells that are missing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import ones
from latentia.missing.patterns import RowsByPattern
from latentia.mixture.errors import DataWarning

from .model import FactorModel, FactorParams
from .posterior import Posterior, posterior, square, worth_compiling
from .solution import Solution

Array = NDArray[np.float64]

BLOCK = 16_384
"""Rows that are looked at at once."""

ENOUGH = 1e-9
"""The least that what was seen may tell of a direction of the factors, as a share."""


def _blocks(
    model: FactorModel, params: FactorParams, x: Array
) -> Iterator[tuple[slice, RowsByPattern, Posterior]]:
    """Blocks of rows by pattern in units of the columns' spread, and their factors."""
    noise = np.asarray(params.uniquenesses)
    compiled = worth_compiling(len(x), model.n_factors)
    for at in range(0, len(x), BLOCK):
        part = slice(at, at + BLOCK)
        z: Any = (x[part] - model.frame.origin) / model.frame.spread
        rows = RowsByPattern.of(z, ones(len(z)))
        yield part, rows, posterior(params.loadings, noise, params.mean, rows, compiled)


def scores(
    found: Solution, model: FactorModel, params: FactorParams, x: Array, method: str
) -> Array:
    """Factor scores (n, q); see `FactorAnalysis.scores`."""
    if method not in ("regression", "bartlett"):
        raise ValueError(f"got method={method!r}, expected 'regression' or 'bartlett'")
    made = np.empty((len(x), model.n_factors))
    for part, rows, known in _blocks(model, params, x):
        mean = known.mean if method == "regression" else _bartlett(known, rows, model.n_factors)
        made[part] = mean @ found.turn
    unknown = int(np.isnan(made).any(axis=1).sum())
    if unknown:
        rows_, have = ("row", "has") if unknown == 1 else ("rows", "have")
        warnings.warn(
            f"{unknown} {rows_} {have} too few columns seen for Bartlett's scores of "
            f"{model.n_factors} factors, which are nan there; the regression scores are known",
            DataWarning,
            stacklevel=3,
        )
    return made


def _bartlett(known: Posterior, rows: RowsByPattern, q: int) -> Array:
    """(I - C)⁻¹ E[z], with C the covariance of z: the prior of z is taken out again."""
    told = np.eye(q) - square(known.covariance, q)
    least = np.linalg.eigvalsh(told)[:, 0] if q else np.ones(len(told))
    told[least < ENOUGH] = np.nan
    inverse = np.full_like(told, np.nan)
    whole = least >= ENOUGH
    inverse[whole] = np.linalg.inv(told[whole])
    return np.einsum("nij,nj->ni", inverse[rows.which], known.mean)


def log_densities(model: FactorModel, params: FactorParams, x: Array) -> Array:
    """The log-density of what was seen of each row, (n,)."""
    made, units = np.empty(len(x)), np.log(model.frame.spread)
    for part, rows, known in _blocks(model, params, x):
        made[part] = known.log_density - (rows.seen @ units)[rows.which]
    return made


def filled(model: FactorModel, params: FactorParams, x: Array) -> Array:
    """Rows with what is missing expected."""
    made = np.array(x, dtype=np.float64)
    for part, _, known in _blocks(model, params, x):
        guess = params.mean + known.mean @ params.loadings.T
        guess = model.frame.origin + model.frame.spread * guess
        own = made[part]
        made[part] = np.where(np.isnan(own), guess, own)
    return made
