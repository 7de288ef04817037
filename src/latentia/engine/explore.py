"""What a climb tries beside its steps: bounds reached exactly, and ways on from a presumed top.

Everything here counts as E-steps, and nothing is accepted that lowers the objective by more than
rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .accelerate import Here
from .chart import Chart, ConstraintError, lifted
from .curvature import ways_on
from .edges import GROWTH, LIFT, RELEASES, WAIT, Edges, away, growing, inward, spread, trials
from .evaluator import FAILURES, Point
from .stopping import Progress
from .tree import Array, Tree

if TYPE_CHECKING:
    from .climb import Climber

LONG = 40
"""Moves after which an accelerated climb looks around before it says it has converged."""

LOOKS = 5
"""How often a climb looks around, at most."""

WORTH = 100.0
"""Multiples of what may remain that a climb must have gained before it looks around again."""


def settle(climber: Climber, point: Point, here: Here) -> bool:
    """Try what runs to a boundary exactly there; whether the climb moved."""
    if climber.edges.wait or climber.record.moves >= climber.max_iter:
        return False
    tried = False
    for trial in trials(climber.chart, point.params, point.em_params, here.score):
        if climber.record.moves >= climber.max_iter:
            break
        tried = True
        try:
            params = climber.chart.settled(point.params, *trial)
            chart, rebinding = climber.chart.holding(*trial)
            there = climber.visit(params, point.objective - point.rounding, chart)
        except (*FAILURES, ConstraintError):  # such as 0/0 in an M-step that knows no zeros
            climber.note(np.nan, accepted=False, em=False)
            continue
        if there.here is not None:
            climber.chart = chart
            climber.state = climber.accelerator.rebind(climber.state, rebinding)
            climber.progress = climber.progress.interrupted()
            climber.point, climber.edges = there, climber.edges.settled()
            climber.note(there.objective, accepted=True, em=False)
            return True
        climber.note(there.objective, accepted=False, em=False)
    if tried:
        climber.edges = climber.edges.refused()
    return False


def explore(climber: Climber, point: Point, here: Here) -> bool:
    """Look for a way on from where the climb seems to end; whether it moved."""
    return (
        _release(climber, point)
        or _grow(climber, point, here)
        or _look_around(climber, point, here)
    )


def _release(climber: Climber, point: Point) -> bool:
    """Let go what should not be on its boundary; whether the climb moved."""
    raised = lifted(climber.space, point.params, climber.start, LIFT)
    spent = climber.record.moves >= climber.max_iter
    if raised is None or spent or climber.edges.releases >= RELEASES:
        return False
    enough, space = max(climber.tol, point.rounding), climber.space
    found = _elsewhere(climber, raised.params, -np.inf)
    if found is None or found.point.here is None:
        return False
    there = found.point
    runs = found.chart.running(raised.params, there.em_params, found.point.here.score)
    go = inward(raised, runs, enough)
    if go is None:
        return False
    for params in away(space, point.params, climber.start, go):
        if climber.record.moves >= climber.max_iter:
            break
        found = _elsewhere(climber, params, point.objective + point.rounding)
        if found is not None and found.point.here is not None:
            climber.chart, climber.point = found
            climber.state = climber.accelerator.begin(climber.chart.size)
            climber.progress = Progress()
            climber.edges = Edges(WAIT, 0, climber.edges.releases + 1)
            climber.note(found.point.objective, accepted=True, em=False)
            return True
    return False


class Elsewhere(NamedTuple):
    """A point that the chart at hand does not reach, in a chart of its own."""

    chart: Chart
    point: Point


def _elsewhere(climber: Climber, params: Tree, least: float) -> Elsewhere | None:
    try:
        chart = Chart(climber.space, params)
        there = climber.visit(params, least, chart)
    except (*FAILURES, ConstraintError):
        climber.note(np.nan, accepted=False, em=False)
        return None
    if there.here is None or least == -np.inf:  # else it is taken, and noted there
        climber.note(there.objective, accepted=False, em=False)
    return Elsewhere(chart, there)


def _grow(climber: Climber, point: Point, here: Here) -> bool:
    """Let small entries grow, the others following; whether the climb moved."""
    enough = max(climber.tol, point.rounding)
    trial = growing(climber.chart, point.params, point.em_params, here.score, enough)
    if trial is None or climber.edges.releases >= RELEASES:
        return False
    for share in GROWTH:
        if climber.record.moves + 2 > climber.max_iter:
            return False
        try:
            distances = spread(climber.chart, trial, share)
            grown = climber.chart.pack(climber.chart.settled(point.params, *trial, distances))
        except FAILURES:
            continue
        least = point.objective + enough
        there = climber.attempt(grown, -np.inf)
        if there is not None and there.here is not None and there.objective < least:
            climber.note(there.objective, accepted=False, em=False)
            rest = np.abs(grown - here.x) < 1e-9
            score, em_step = rest * there.here.score, rest * there.here.em_step
            step = rest * climber.accelerator.inverse(climber.state, score, em_step)
            there = climber.attempt(grown + step, least)
        if there is None or there.here is None or there.objective < least:
            climber.note(np.nan if there is None else there.objective, accepted=False, em=False)
            continue
        climber.take(there, em=False)
        climber.edges = climber.edges._replace(releases=climber.edges.releases + 1)
        return True
    return False


def _look_around(climber: Climber, point: Point, here: Here) -> bool:
    """Leave a saddle or a flat place that looked like a maximum; False where it is one.

    Only after a long accelerated climb: a secant method sees no curvature in directions it
    never went, and may stop where plain EM would creep on for thousands of steps.
    """
    enough = max(climber.tol, point.rounding)
    long = climber.record.moves >= LONG and climber.record.accelerated
    rose = point.objective > climber.looked + WORTH * enough
    spent = climber.looks >= LOOKS or climber.record.moves >= climber.max_iter
    if spent or not (long and rose):
        return False
    climber.looks, climber.looked = climber.looks + 1, point.objective

    def probe(step: Array) -> Here | None:
        if climber.record.moves >= climber.max_iter:
            return None
        there = climber.attempt(here.x + step, -np.inf)
        climber.note(np.nan if there is None else there.objective, accepted=False, em=False)
        return None if there is None else there.here

    def inverse(score: Array, em_step: Array) -> Array:
        return climber.accelerator.inverse(climber.state, score, em_step)

    for step in ways_on(here, probe, inverse):
        if climber.record.moves >= climber.max_iter:
            return False
        there = climber.attempt(here.x + step, point.objective + enough)
        if there is not None and there.here is not None:
            climber.point = there
            climber.state = climber.accelerator.begin(climber.chart.size)
            climber.progress = Progress()
            climber.note(there.objective, accepted=True, em=False)
            return True
        climber.note(np.nan if there is None else there.objective, accepted=False, em=False)
    return False
