"""Quasi-Newton correction of the EM step."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal
from .secants import Rows, bends, filled, no_rows, pushed, table, two_loop

LARGEST = 8_000_000
"""Numbers kept in each of the arrays of secants, at most (64 MB)."""


class Secants(NamedTuple):
    """The pairs a quasi-Newton method has seen, newest last; `used` of the rows are filled.

    Attributes
    ----------
    steps, drops, em_drops : tuple of `memory` arrays of shape (size,)
        Step s, fall of the score y, fall of the EM step.
    used : int
    stretch : float
        By how much the next step is lengthened, since the last showed no concavity.
    em_first : int
        EM steps still to take before the first proposal.
    """

    steps: Rows
    drops: Rows
    em_drops: Rows
    used: int
    stretch: float
    em_first: int


@final
class QuasiNewton(Accelerator[Secants]):
    """EM step plus a secant correction of it (Jamshidian & Jennrich 1997, method QN2).

    With I_c the complete and I_o the observed information, an EM step is about I_c⁻¹ g and a
    Newton step I_o⁻¹ g. The difference is built up by BFGS from the falls of score and EM
    step between points that were visited anyway.

    Parameters
    ----------
    memory : int, default=100
        Secant pairs kept.
    warm_up : int, default=2
        Plain EM steps first.
    lean : int, optional
        Secant pairs kept of more than a thousand parameters; as many as of fewer by default.
    """

    name = "quasi-newton"
    many = 1000
    """Free parameters above which `lean` pairs are kept."""
    longest = 1.9
    """By how much EM steps are lengthened where the secants know nothing: an EM step of up to
    twice its length still converges (Redner & Walker 1984, thm. 5.2)."""
    least_bend = 1e-12
    """Less curvature than this, in nats, is rounding."""
    least_gain = 1e-9
    """Secants with less than this in them, in nats, are rounding and are skipped."""

    def __init__(self, memory: int = 100, warm_up: int = 2, lean: int | None = None) -> None:
        self.memory, self.warm_up = memory, warm_up
        self.lean = memory if lean is None else lean

    def most(self, size: int) -> int:
        """How many pairs of so many parameters are kept."""
        memory = self.lean if size > self.many else self.memory
        return min(memory, max(2 * size, 1), max(LARGEST // max(size, 1), 5))

    def begin(self, size: int) -> Secants:
        empty = no_rows(max(self.memory, self.lean))
        return Secants(empty, empty, empty, 0, 1.0, self.warm_up)

    def inverse(self, state: Secants, score: Array, em_step: Array) -> Array:
        """B g with B the BFGS inverse, B0 g a multiple of the EM step that belongs to g."""
        if not state.used:
            return em_step
        steps, drops, em_drops = (a[: state.used] for a in state[:3])
        longer = float(steps[-1] @ drops[-1] / max(drops[-1] @ em_drops[-1], 1e-300))
        longer = min(max(longer, 1.0), self.longest)
        return two_loop(steps, drops, em_drops, score, em_step, longer)

    def propose(self, state: Secants, here: Here) -> Proposal:
        if state.em_first > 0:
            return Proposal(None, np.inf)
        step = self.inverse(state, here.score, here.em_step)
        left = 0.5 * float(step @ here.score)
        return Proposal(state.stretch * step if left > 0 else None, left)

    def retry(self, state: Secants, step: Array, tries: int) -> Array | None:
        return 0.4 * step if tries < 2 else None

    def accept(self, state: Secants, before: Here, after: Here, *, em: bool) -> Secants:
        state = state._replace(em_first=max(state.em_first - 1, 0))
        step = after.x - before.x
        drop = before.score - after.score
        bend = float(step @ drop)
        if bend <= self.least_gain:
            concave = bend > -self.least_bend
            return state if concave else state._replace(stretch=min(2 * state.stretch, 1024.0))
        row, most = (step, drop, before.em_step - after.em_step), self.most(len(step))
        steps, drops, em_drops = (
            pushed(a, each, state.used, most) for a, each in zip(state[:3], row, strict=True)
        )
        used = min(state.used + 1, most)
        return state._replace(steps=steps, drops=drops, em_drops=em_drops, used=used, stretch=1.0)

    def refuse(self, state: Secants) -> Secants:
        return state._replace(used=0, stretch=1.0)

    def rebind(self, state: Secants, rebinding: Rebinding) -> Secants:
        """The same secants among what is still free; those with nothing left in them go."""
        size = len(rebinding.kept)
        fresh, used = self.begin(size), state.used
        if not used:
            return fresh._replace(stretch=state.stretch, em_first=state.em_first)
        steps, drops, em_drops = (table(rows, used, len(rows[0])) for rows in state[:3])
        moved = rebinding.steps(steps), rebinding.slopes(drops), rebinding.steps(em_drops)
        good = bends(moved[0], moved[1]) > self.least_gain
        kept = [rows[good][-self.most(size) :] for rows in moved]
        steps, drops, em_drops = (filled(a, b) for a, b in zip(fresh[:3], kept, strict=True))
        used = len(kept[0])
        return Secants(steps, drops, em_drops, used, state.stretch, state.em_first)
