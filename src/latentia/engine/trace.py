"""What a climb leaves behind: its trace, its result, and what it learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .certificate import Status
from .chart import Chart
from .model import Suff
from .stopping import Progress
from .tree import Array, Tree


class Trace(NamedTuple):
    """What happened at each E-step of a climb, in order; the first evaluates the start.

    Attributes
    ----------
    objective : array of shape (n_steps + 1,)
        The objective found; nan where the point was degenerate.
    accepted : array of bool, shape (n_steps + 1,)
        False where the point was taken back.
    em : array of bool, shape (n_steps + 1,)
        True for plain EM steps, False for accelerated ones.
    """

    objective: Array
    accepted: Any
    em: Any


class Memory(NamedTuple):
    """What a climb has learnt, to go on from where it stopped as if it had not.

    Attributes
    ----------
    chart : Chart
    state : NamedTuple of arrays
        The accelerator's.
    progress : Progress
        The stopping rule's.
    """

    chart: Chart
    state: Any
    progress: Progress


@dataclass(frozen=True)
class Climb:
    """One climb: where it ended and how.

    Attributes
    ----------
    params : NamedTuple of arrays
    suff : Suff
        The statistics at `params`.
    objective : float
    status : Status
    detail : str
    trace : Trace
    n_refused : int
        Proposals that were taken back.
    looked_around : bool
        Whether the curvature around the end was probed for a way on.
    memory : Memory or None
        Lets a later climb go on from here.
    remaining_gain, em_rate, largest_fall, score_norm, rounding : float
        As in `Certificate`.
    """

    params: Tree
    suff: Suff | None
    objective: float
    status: Status
    detail: str
    trace: Trace
    n_refused: int
    looked_around: bool
    memory: Memory | None
    remaining_gain: float
    em_rate: float
    largest_fall: float
    score_norm: float
    rounding: float


class Record:
    """The trace while it grows: a row (objective, accepted, em) for each E-step."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, bool, bool]] = []

    @property
    def moves(self) -> int:
        """E-steps after the one that evaluated the start."""
        return max(len(self.rows) - 1, 0)

    @property
    def accelerated(self) -> bool:
        """Whether any step that was taken was not a plain EM step."""
        return any(accepted and not em for _, accepted, em in self.rows)

    def trace(self) -> Trace:
        objective, accepted, em = zip(*self.rows, strict=True) if self.rows else ((), (), ())
        return Trace(np.array(objective, float), np.array(accepted, bool), np.array(em, bool))
