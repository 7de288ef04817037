"""Rows of a model completed: expected, or drawn within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import conditional, measured, scales
from .conditional import Normal
from .measured import MeasuredRows
from .scales import Scale

Array = NDArray[np.float64]

TRIES = 100
"""How often a row is drawn again that breaks a bound, before it is put there."""


def completed(
    normal: Normal,
    y: Array,
    limits: Sequence[Scale],
    rng: np.random.Generator | None,
    told: tuple[Array, Array] | None = None,
) -> Array:
    """Rows y (n, p) with what is missing expected, or drawn where there is a generator.

    Parameters
    ----------
    normal : Normal
    y : array of shape (n, p)
    limits : sequence of Scale
        Between whose bounds what is drawn lies: rows are drawn again until it does.
    rng : Generator, optional
    told : (means, variances), optional
        What is believed of hidden cells, (n, p) each; nan and 0 where nothing is.
    """
    hidden = np.isnan(y)
    made = _once(normal, y, told, np.arange(len(y)), rng)
    for _ in range(0 if rng is None else TRIES):
        again = np.flatnonzero(scales.outside(limits, made, hidden))
        if not again.size:
            break
        made[again] = _once(normal, y[again], told, again, rng)
    return made


def _once(
    normal: Normal,
    y: Array,
    told: tuple[Array, Array] | None,
    rows: Any,
    rng: np.random.Generator | None,
) -> Array:
    made = conditional.filled(normal, y, rng)
    if told is None:
        return made
    means, variances = told[0][rows], told[1][rows]
    some = np.flatnonzero(~np.isnan(means).all(axis=1))
    if some.size:
        part = MeasuredRows(y[some], np.ones(some.size), means[some], variances[some])
        filled = measured.drawn(*normal, part, rng) + normal.mean
        made[some] = np.where(np.isnan(part.x), filled, part.x)
    return made
