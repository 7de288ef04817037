"""How loadings and uniquenesses are found: a climb, and another where a uniqueness is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, Fit, Status
from latentia.estimator import climb
from latentia.missing.start import factored

from . import faults
from .model import FactorModel, FactorParams

Array = NDArray[np.float64]


def climbed(
    em: EM, model: FactorModel, rows: Rows, noise: Array | None, names: Sequence[str]
) -> Fit[FactorParams]:
    """The best fit from where it is to start.

    Without a `noise` to start from, half the variances are where it begins, or uniquenesses drawn
    at random where `em` asks for several starts. Where one of these ends with a uniqueness at its
    least, there often is a higher maximum at which another column's is, so that another climb
    begins at what the other columns leave of each (Jöreskog 1967).

    Parameters
    ----------
    em : EM
    model : FactorModel
    rows : Rows
    noise : array of shape (d,) or None
        Uniquenesses to start from, in the user's units.
    names : sequence of str
        Of the columns.

    Raises
    ------
    ValueError
        If the likelihood has no maximum.
    """
    source = RowSource(rows)
    start: Any = None if noise is None and em.starts > 1 else model.first(noise)
    fit = climb(em, model, source, start, on_degenerate="status")
    if fit.status is Status.DEGENERATE:
        raise ValueError(faults.collapsed(names))
    if noise is not None or start is None or not held(fit.params, model.floor).any():
        return fit
    spread = model.frame.spread
    other = model.regressed(factored(rows, model.frame).covariance / np.outer(spread, spread))
    if other is None or fit.status is Status.INTERRUPTED:
        return fit
    both = climb(em, model, source, [start, other], on_degenerate="status", checkpoint=None)
    return fit if both.status is Status.DEGENERATE else both


def held(params: FactorParams, floor: float) -> NDArray[np.bool_]:
    """Which uniquenesses are at their least, (d,)."""
    return np.asarray(params.uniquenesses) <= floor * (1 + 1e-9)


def risen(fit: Fit[Any]) -> list[float]:
    """The objective where a climb began and whenever it rose."""
    reached = fit.trace.objective[fit.trace.accepted]
    rising = np.maximum.accumulate(reached)
    higher = np.r_[True, rising[1:] > rising[:-1]]
    return [float(value) for value in rising[higher]]
