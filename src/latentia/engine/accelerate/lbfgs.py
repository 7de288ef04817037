"""Limited-memory BFGS on the score that the E-step gives by Fisher's identity."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal
from .secants import Rows, bends, filled, no_rows, pushed, table, two_loop


class Pairs(NamedTuple):
    """Steps and falls of the score, newest last; `used` of the rows are filled."""

    steps: Rows
    drops: Rows
    used: int
    em_first: int


@final
class LBFGS(Accelerator[Pairs]):
    """L-BFGS (Liu & Nocedal 1989) on the Fisher score; EM's map is used only to begin.

    Parameters
    ----------
    memory : int, default=20
        Secant pairs kept.
    warm_up : int, default=2
        Plain EM steps first, and after each failure.
    """

    name = "lbfgs"
    least_gain = 1e-9

    def __init__(self, memory: int = 20, warm_up: int = 2) -> None:
        self.memory, self.warm_up = memory, warm_up

    def begin(self, size: int) -> Pairs:
        return Pairs(no_rows(self.memory), no_rows(self.memory), 0, self.warm_up)

    def most(self, size: int) -> int:
        """How many pairs of so many parameters are kept."""
        return min(self.memory, max(2 * size, 1))

    def inverse(self, state: Pairs, score: Array, em_step: Array) -> Array:
        if not state.used:
            return em_step
        steps, drops = state.steps[: state.used], state.drops[: state.used]
        unit = float(steps[-1] @ drops[-1]) / float(drops[-1] @ drops[-1])
        return two_loop(steps, drops, drops, score, score, unit)

    def propose(self, state: Pairs, here: Here) -> Proposal:
        if state.em_first > 0 or not state.used:
            return Proposal(None, np.inf)
        step = self.inverse(state, here.score, here.em_step)
        left = 0.5 * float(step @ here.score)
        return Proposal(step if left > 0 else None, left)

    def retry(self, state: Pairs, step: Array, tries: int) -> Array | None:
        return 0.4 * step if tries < 2 else None

    def accept(self, state: Pairs, before: Here, after: Here, *, em: bool) -> Pairs:
        state = state._replace(em_first=max(state.em_first - 1, 0))
        step, drop = after.x - before.x, before.score - after.score
        if float(step @ drop) <= self.least_gain:
            return state
        used, most = state.used, self.most(len(step))
        steps = pushed(state.steps, step, used, most)
        drops = pushed(state.drops, drop, used, most)
        return state._replace(steps=steps, drops=drops, used=min(used + 1, most))

    def refuse(self, state: Pairs) -> Pairs:
        return state._replace(used=0, em_first=1)

    def rebind(self, state: Pairs, rebinding: Rebinding) -> Pairs:
        size = len(rebinding.kept)
        fresh, used = self.begin(size), state.used
        if not used:
            return fresh._replace(em_first=state.em_first)
        steps = rebinding.steps(table(state.steps, used, len(state.steps[0])))
        drops = rebinding.slopes(table(state.drops, used, len(state.drops[0])))
        good = bends(steps, drops) > self.least_gain
        steps, drops = (a[good][-self.most(size) :] for a in (steps, drops))
        rows = filled(fresh.steps, steps), filled(fresh.drops, drops)
        return Pairs(*rows, len(steps), state.em_first)
