"""Squared extrapolation."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal


class SquaremState(NamedTuple):
    """What SQUAREM remembers.

    Attributes
    ----------
    em_steps : int
        EM steps taken in a row since the last extrapolation.
    first : array of shape (size,)
        The first of them.
    longest : float
        The longest step length a that is tried.
    """

    em_steps: int
    first: Array
    longest: float


@final
class Squarem(Accelerator[SquaremState]):
    """Squared extrapolation with step length S3 (Varadhan & Roland 2008, eq. 9).

    Two EM steps r and r + v give the extrapolation 2ar + a²v with a = |r| / |v|, and one more
    EM step steadies it. The length is bounded; the bound grows fourfold when it was reached and
    held, and shrinks as much when a step was refused.
    """

    name = "squarem"
    growth = 4.0

    def begin(self, size: int) -> SquaremState:
        return SquaremState(0, np.zeros(size), self.growth)

    def _length(self, state: SquaremState, em_step: Array) -> float:
        """The step length a of the cycle at hand, bounded."""
        curvature = float(np.linalg.norm(em_step - state.first))
        length = float(np.linalg.norm(state.first)) / curvature if curvature > 0 else 1.0
        return min(length, state.longest)

    def propose(self, state: SquaremState, here: Here) -> Proposal:
        if state.em_steps < 1:
            return Proposal(None, np.inf)
        length = self._length(state, here.em_step)
        if length <= 1.0:
            return Proposal(None, here.em_gain)
        r, v = state.first, here.em_step - state.first
        # from the point after the first EM step, which lies r beyond where the cycle began
        step = (2 * length - 1) * r + length**2 * v
        return Proposal(step, max(0.5 * float(step @ here.score), here.em_gain))

    def retry(self, state: SquaremState, step: Array, tries: int) -> Array | None:
        return None

    def accept(self, state: SquaremState, before: Here, after: Here, *, em: bool) -> SquaremState:
        if em:
            return state._replace(em_steps=min(state.em_steps + 1, 1), first=before.em_step)
        reached = self._length(state, before.em_step) >= state.longest
        longest = state.longest * (self.growth if reached else 1.0)
        return state._replace(em_steps=-1, longest=longest)  # the next EM step only steadies

    def refuse(self, state: SquaremState) -> SquaremState:
        return state._replace(em_steps=0, longest=max(state.longest / self.growth, self.growth))

    def rebind(self, state: SquaremState, rebinding: Rebinding) -> SquaremState:
        return state._replace(first=rebinding.steps(state.first))
