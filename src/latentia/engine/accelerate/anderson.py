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
    steps, changes, slopes : array of shape (order, size)
        Steps taken, and the changes of the EM step and of the score over them; `used` of the
        rows are filled.
    used : int
    trust : int
        How far the damping has been lowered: it grows with every step that is accepted.
    em_first : int
        EM steps still to take before the next proposal.
    """

    steps: Array
    changes: Array
    slopes: Array
    used: int
    trust: int
    em_first: int


@final
class Anderson(Accelerator[Mixing]):
    """Damped Anderson acceleration with restarts (Henderson & Varadhan 2019, DAAREM).

    With F the changes of the EM step f over the last steps X, the step is f - (X + F)γ, where γ
    minimises |f - Fγ|² + λ|γ|², and λ shrinks γ to a share of its free length that rises with
    every accepted step. After `order` steps the memory begins anew. Lengths are those that the
    complete information C measures, which the score gives for nothing: with G the changes of
    the score, FᵀCF is FᵀG and FᵀCf is Fᵀg. So the units of the parameters do not matter.

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
        empty = np.zeros((rows, size))
        return Mixing(empty, empty.copy(), empty.copy(), 0, 0, 1)

    def propose(self, state: Mixing, here: Here) -> Proposal:
        if state.em_first > 0 or not state.used:
            return Proposal(None, here.em_gain if state.used else np.inf)
        steps, changes, slopes = (rows[: state.used] for rows in state[:3])
        gram = changes @ slopes.T
        weights = self._weights((gram + gram.T) / 2, changes @ here.score, state.trust)
        step = here.em_step - weights @ (steps + changes)
        left = max(0.5 * float(step @ here.score), here.em_gain)
        return Proposal(step, left)

    def _weights(self, gram: Array, along: Array, trust: int) -> Array:
        """The damped weights γ of the normal equations ``gram @ γ = along``."""
        diagonal = np.diagonal(gram)
        unit = np.where(diagonal > 0, 1 / np.sqrt(np.maximum(diagonal, 1e-300)), 0.0)
        scale, vectors = np.linalg.eigh(gram * unit * unit[:, None])
        known = scale > 1e-10
        if not known.any():
            return np.zeros(len(gram))
        scale, vectors = scale[known], vectors[:, known]
        part = vectors.T @ (along * unit)
        wanted = float(np.sum((part / scale) ** 2)) / (1 + self.rise ** (self.patience - trust))

        def length(damping: float) -> float:
            return float(np.sum((part / (scale + damping)) ** 2))

        low, high = 0.0, float(scale[-1])
        while length(high) > wanted and high < 1e16:
            high *= 4
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if length(middle) > wanted else (low, middle)
        return unit * (vectors @ (part / (scale + high)))

    def retry(self, state: Mixing, step: Array, tries: int) -> Array | None:
        return None

    def accept(self, state: Mixing, before: Here, after: Here, *, em: bool) -> Mixing:
        used = 0 if state.used == len(state.steps) else state.used
        steps, changes, slopes = (rows.copy() for rows in state[:3])
        steps[used] = after.x - before.x
        changes[used] = after.em_step - before.em_step
        slopes[used] = after.score - before.score
        trust = state.trust if em else min(state.trust + 1, 2 * self.patience)
        return Mixing(steps, changes, slopes, used + 1, trust, max(state.em_first - 1, 0))

    def refuse(self, state: Mixing) -> Mixing:
        trust = max(state.trust - 2, -self.patience)
        # the memory begins anew, with more EM steps the more often it failed
        return state._replace(used=0, trust=trust, em_first=2 + max(-trust, 0) // 2)

    def rebind(self, state: Mixing, rebinding: Rebinding) -> Mixing:
        fresh = self.begin(len(rebinding.kept))
        used = min(state.used, len(fresh.steps))
        kept = slice(state.used - used, state.used)
        fresh.steps[:used] = rebinding.steps(state.steps[kept])
        fresh.changes[:used] = rebinding.steps(state.changes[kept])
        fresh.slopes[:used] = rebinding.slopes(state.slopes[kept])
        return fresh._replace(used=used, trust=state.trust, em_first=state.em_first)
