"""Which sequences, and how much of them, a figure over time has room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.sequences import sequences
from latentia.extras import require

from ..formatting import counted, state
from .canvas import Array, colour, mark

MOST_SERIES, MOST_COLUMNS, MOST_STEPS, MOST_PANELS = 6, 4, 2000, 12
"""Sequences, columns, steps of a sequence, and panels that are drawn."""


class Series(NamedTuple):
    """One sequence: where its steps lie on the axis, its rows, and what it is called."""

    at: Array
    x: Array
    name: str


class Steps(NamedTuple):
    """How rows form sequences, where they are an array.

    Attributes
    ----------
    lengths : array of int, shape (m,), or None
        Steps of each sequence; None of a single one.
    at : array of shape (n,) or None
        When each step was; None numbers them.
    axis : str
        What the axis of time is called.
    names : sequence of str or None
        What the sequences are called.
    """

    lengths: Any = None
    at: Any = None
    axis: str = "step"
    names: Sequence[str] | None = None


class Strips(NamedTuple):
    """What is drawn of some sequences: the first few, and the first steps of each.

    Attributes
    ----------
    series : list of Series
    places : list of array of int
        Of each one's steps among all steps, sequence after sequence.
    left_out : str
        What is not drawn, in words.
    """

    series: list[Series]
    places: list[NDArray[np.intp]]
    left_out: str


def strips(
    X: Any,
    lengths: Any,
    id: Any,
    time: Any,
    at: Any,
    names: Sequence[str] | None = None,
    most: int = MOST_STEPS,
) -> Strips:
    """The sequences of X that a figure has room for.

    `at` has the place of each row on the axis; by default the column `time`, or the step's number.
    """
    ragged = sequences(X, lengths, id=id, time=time)
    where = None if at is None else np.asarray(at)
    if where is None and time is not None:
        where = np.asarray(X[time])
    if where is not None and where.shape != (len(ragged.x),):
        raise ValueError(f"got at of shape {where.shape}, expected ({len(ragged.x)},)")
    if where is not None and ragged.order is not None:
        where = where[ragged.order]
    ends = np.cumsum(ragged.sizes)
    series = n_shown(len(ends), ragged.x.shape[1])
    shown, places = [], []
    for s, (end, size) in enumerate(zip(ends, ragged.sizes, strict=True)):
        if s == series:
            break
        own = np.arange(end - size, min(end, end - size + most))
        steps = np.arange(len(own), dtype=np.float64) if where is None else where[own]
        name = f"sequence {s}" if ragged.names is None else f"{id} {_plain(ragged.names[s])}"
        name = name if names is None else str(names[s])
        shown.append(Series(steps, np.asarray(ragged.x[own], dtype=np.float64), name))
        places.append(own)
    told = []
    if len(ends) > series:
        told.append(f"{counted(len(ends) - series, 'more sequence')} not drawn")
    if (ragged.sizes[:series] > most).any():
        told.append(f"the first {most:,} steps of each")
    return Strips(shown, places, "; ".join(told))


def n_shown(m: int, d: int) -> int:
    """How many of m sequences of d columns are drawn."""
    return min(m, MOST_SERIES, max(MOST_PANELS // min(d, MOST_COLUMNS), 1))


def _plain(name: Any) -> str:
    """A label without the fraction of a whole number."""
    return f"{name:g}" if isinstance(name, float) else str(name)


def in_order(X: Any, lengths: Any, id: Any, time: Any, values: Any) -> Any:
    """What is known of each row, sequence after sequence."""
    order = sequences(X, lengths, id=id, time=time).order
    return values if order is None else values[order]


def legend_of_states(figure: Any, k: int) -> None:
    """The states' marks in a row over all panels."""
    lines = require("matplotlib.lines", extra="plot")
    if k < 2:
        return
    handles = [
        lines.Line2D([], [], linestyle="none", marker=mark(j), color=colour(j), label=state(j))
        for j in range(k)
    ]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(k, 6),
        frameon=False,
        fontsize="small",
        columnspacing=1.2,
        handletextpad=0.2,
    )


def edges(at: Array) -> Array:
    """Halfway between steps, and as far before the first and behind the last."""
    at = np.asarray(at, dtype=np.float64)
    if len(at) == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middle = (at[1:] + at[:-1]) / 2
    return np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
