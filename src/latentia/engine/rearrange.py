"""Starts that a model makes of the best of the others, when those have been climbed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .certificate import Status
from .chart import at_floors
from .evaluator import Evaluator
from .model import Chunk
from .starts import Race, Runner, Settings
from .trace import Climb
from .tree import Tree


class Rearranged(NamedTuple):
    """What came of rearranging.

    Attributes
    ----------
    climbs : list of Climb
        One for each start that was made, in their order, but for those that ended on a floor where
        the best of the others did not, which is no better likelihood, and those they outran.
    n_steps : int
        E-steps of them all.
    interrupted : bool
    """

    climbs: list[Climb]
    n_steps: int
    interrupted: bool


def rearranged(
    settings: Settings,
    evaluator: Evaluator,
    climbs: list[Climb],
    sample: Chunk,
    rng: np.random.Generator,
) -> Rearranged:
    """Race what the model makes of the best climb, and of what wins, as long as that is higher.

    Parameters
    ----------
    settings : Settings
        `rearrange` says how often, at most.
    evaluator : Evaluator
    climbs : list of Climb
        Those of the starts.
    sample : Chunk
        Units to look at, prepared.
    rng : numpy.random.Generator
        What the model draws from.
    """
    race = Race() if settings.race is None else settings.race
    plain = replace(settings, race=race, anneal=(), warm_up=None, checkpoint=None)
    made: list[Climb] = []
    tried, spent = len(climbs), 0
    best = _highest(climbs)
    for _ in range(settings.rearrange):
        if best is None:
            break
        starts = list(evaluator.model.rearrangements(best.params, sample, rng))
        if not starts:
            break

        def make(i: int, starts: list[Any] = starts) -> tuple[Tree, np.random.Generator]:
            return starts[i], rng  # nothing is drawn: these climbs are neither annealed nor warmed

        runner = Runner(plain, evaluator, make, range(tried, tried + len(starts)))
        interrupted = runner.run()
        tried, spent = tried + len(starts), spent + runner.n_steps
        proper = _proper(evaluator.model.space, runner.climbs, best)
        made += proper
        higher = _highest(proper)
        if interrupted:
            return Rearranged(made, spent, True)
        if higher is None or higher.objective - best.objective <= max(100 * settings.tol, 1e-6):
            break
        best = higher
    return Rearranged(made, spent, False)


def _proper(space: Tree, climbs: list[Climb], best: Climb) -> list[Climb]:
    """Those that may be kept: none on a floor if `best` is not, and none outrun by such alone."""
    floored = bool(at_floors(space, best.params))
    kept = [c for c in climbs if floored or not at_floors(space, c.params)]
    ended = [c.objective for c in kept if c.status is not Status.OUTRUN]
    top = max([best.objective, *ended])
    return [c for c in kept if c.status is not Status.OUTRUN or c.objective <= top]


def _highest(climbs: list[Climb]) -> Climb | None:
    """The highest of those that did not collapse."""
    usable = [c for c in climbs if c.status is not Status.DEGENERATE]
    return max(usable, key=lambda c: c.objective, default=None)
