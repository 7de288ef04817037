"""Squared extrapolation."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal


class SquaremState(NamedTuple):
    """`em_steps` taken in a row since the last extrapolation, and the first of them."""

    em_steps: int
    first: Array


@final
class Squarem(Accelerator[SquaremState]):
    """Squared extrapolation with step length S3 (Varadhan & Roland 2008, eq. 9).

    Two EM steps r and r + v give the extrapolation 2ar + a²v with a = |r| / |v|, and one more
    EM step steadies it.
    """

    name = "squarem"

    def begin(self, size: int) -> SquaremState:
        return SquaremState(0, np.zeros(size))

    def propose(self, state: SquaremState, here: Here) -> Proposal:
        if state.em_steps < 1:
            return Proposal(None, here.em_gain)
        r, v = state.first, here.em_step - state.first
        curvature = float(np.linalg.norm(v))
        length = float(np.linalg.norm(r)) / curvature if curvature > 0 else 1.0
        if length <= 1.0:
            return Proposal(None, here.em_gain)
        # from the point after the first EM step, which lies r beyond where the cycle began
        return Proposal((2 * length - 1) * r + length**2 * v, here.em_gain)

    def retry(self, state: SquaremState, step: Array, tries: int) -> Array | None:
        return 0.4 * step if tries < 2 else None

    def accept(self, state: SquaremState, before: Here, after: Here, *, em: bool) -> SquaremState:
        if not em:
            return SquaremState(-1, state.first)  # the next EM step only steadies
        return SquaremState(min(state.em_steps + 1, 1), before.em_step)

    def refuse(self, state: SquaremState) -> SquaremState:
        return SquaremState(0, state.first)

    def rebind(self, state: SquaremState, rebinding: Rebinding) -> SquaremState:
        return state._replace(first=rebinding.steps(state.first))
