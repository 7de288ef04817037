"""What a climb leaves behind: its trace, its result, and what it learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import tree
from .accelerate import Accelerator
from .certificate import Status
from .chart import Chart
from .edges import Edges
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


class ClimbState(NamedTuple):
    """Everything a climb needs to go on, to the last bit: a tree of arrays and numbers.

    Attributes
    ----------
    start, params : params
        Where the climb began, and where it stands.
    base : params
        The base of the chart.
    method : NamedTuple of arrays
        The accelerator's state.
    progress : Progress
        The stopping rule's.
    rows : array of shape (E-steps, 3)
        The trace so far: objective, accepted, em.
    remaining, largest_fall : float
        As in `Certificate`.
    refused, looks : int
        Proposals taken back; how often the climb looked around.
    looked : float
        The objective where it did so last.
    edges : Edges
        What is known of parameters that ran to a boundary.
    """

    start: Tree
    params: Tree
    base: Tree
    method: Any
    progress: Progress
    rows: Array
    remaining: float
    largest_fall: float
    refused: int
    looks: int
    looked: float
    edges: Edges

    def afresh(self, space: Tree, accelerator: Accelerator[Any]) -> ClimbState:
        """The same place and knowledge, with an empty trace and a new budget of E-steps.

        What another accelerator knew is of no use to this one, which begins anew.
        """
        method = accelerator.begin(Chart(space, self.base).size)
        if _goes_on(method, self.method):
            method = self.method
        return self._replace(method=method, rows=np.empty((0, 3)), largest_fall=0.0, refused=0)


def _goes_on(begun: Any, state: Any) -> bool:
    """Whether `state` is one that the method of `begun` comes to: places for vectors may fill."""
    pairs = zip(tree.leaves(begun), tree.leaves(state), strict=False)
    return tree.same_structure(begun, state) and all(
        np.shape(empty) in ((0,), np.shape(leaf)) for empty, leaf in pairs
    )


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
    state : ClimbState or None
        Lets a later climb go on from here; None where the climb did not get beyond its start.
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
    state: ClimbState | None
    remaining_gain: float
    em_rate: float
    largest_fall: float
    score_norm: float
    rounding: float


class Record:
    """The trace while it grows: a row (objective, accepted, em) for each E-step."""

    def __init__(self, rows: Array | None = None) -> None:
        earlier: list[list[float]] = [] if rows is None else rows.tolist()
        self.rows = [(objective, bool(taken), bool(em)) for objective, taken, em in earlier]

    def array(self) -> Array:
        """The rows as `ClimbState` keeps them."""
        return np.array(self.rows, dtype=np.float64).reshape(-1, 3)

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
