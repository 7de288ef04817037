"""Anderson mixing of EM steps, damped and restarted."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal


class Mixing(NamedTuple):
    """What Anderson's method remembers.

    Attributes
    ----------
    steps, changes : array of shape (order, size)
        Steps taken, and the changes of the EM step over them; `used` of the rows are filled.
    used : int
    trust : int
        How far the damping has been lowered: it grows with every step that is accepted.
    em_first : int
        EM steps still to take before the next proposal.
    """

    steps: Array
    changes: Array
    used: int
    trust: int
    em_first: int


@final
class Anderson(Accelerator[Mixing]):
    """Damped Anderson acceleration with restarts (Henderson & Varadhan 2019, DAAREM).

    With F the changes of the EM step f over the last steps X, the step is f - (X + F)γ, where γ
    minimises |f - Fγ|² + λ|γ|², and λ shrinks γ to a share of its free length that rises with
    every accepted step. After `order` steps the memory begins anew.

    Parameters
    ----------
    order : int, default=10
        Steps remembered, at most half the number of parameters.
    """

    name = "anderson"
    rise, patience = 1.2, 25
    """The share is 1 / (1 + rise^(patience - trust))."""

    def __init__(self, order: int = 10) -> None:
        self.order = order

    def begin(self, size: int) -> Mixing:
        rows = max(min(self.order, (size + 1) // 2), 1)
        return Mixing(np.zeros((rows, size)), np.zeros((rows, size)), 0, 0, 1)

    def propose(self, state: Mixing, here: Here) -> Proposal:
        if state.em_first > 0 or not state.used:
            return Proposal(None, here.em_gain if state.used else np.inf)
        steps, changes = state.steps[: state.used], state.changes[: state.used]
        weights = self._weights(changes, here.em_step, state.trust)
        step = here.em_step - weights @ (steps + changes)
        left = max(0.5 * float(step @ here.score), here.em_gain)
        return Proposal(step, left)

    def _weights(self, changes: Array, em_step: Array, trust: int) -> Array:
        """The damped least-squares weights γ, from a singular value decomposition of F."""
        left, scale, right = np.linalg.svd(changes.T, full_matrices=False)
        if not scale[0] > 0:
            return np.zeros(len(changes))
        known = scale > 1e-10 * scale[0]
        along, scale = (left.T @ em_step)[known], scale[known]
        wanted = 1 / (1 + self.rise ** (self.patience - trust)) * np.sum((along / scale) ** 2)

        def length(damping: float) -> float:
            return float(np.sum((along * scale / (scale**2 + damping)) ** 2))

        low, high = 0.0, float(scale[0] ** 2)
        while length(high) > wanted and high < 1e16 * scale[0] ** 2:
            high *= 4
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if length(middle) > wanted else (low, middle)
        return right[known].T @ (along * scale / (scale**2 + high))

    def retry(self, state: Mixing, step: Array, tries: int) -> Array | None:
        return None

    def accept(self, state: Mixing, before: Here, after: Here, *, em: bool) -> Mixing:
        used = 0 if state.used == len(state.steps) else state.used
        steps, changes = state.steps.copy(), state.changes.copy()
        steps[used] = after.x - before.x
        changes[used] = after.em_step - before.em_step
        trust = state.trust if em else min(state.trust + 1, 2 * self.patience)
        return Mixing(steps, changes, used + 1, trust, max(state.em_first - 1, 0))

    def refuse(self, state: Mixing) -> Mixing:
        return state._replace(trust=max(state.trust - 2, -self.patience), em_first=1)

    def rebind(self, state: Mixing, rebinding: Rebinding) -> Mixing:
        fresh = self.begin(len(rebinding.kept))
        used = min(state.used, len(fresh.steps))
        for empty, rows in zip(fresh[:2], state[:2], strict=True):
            empty[:used] = rebinding.steps(rows[state.used - used : state.used])
        return fresh._replace(used=used, trust=state.trust, em_first=state.em_first)
