"""The default: quasi-Newton as long as it works."""

from __future__ import annotations

from typing import NamedTuple, final

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal
from .quasi_newton import QuasiNewton, Secants
from .squarem import Squarem, SquaremState


class AutoState(NamedTuple):
    """The states of both methods, and how often the first one failed of late."""

    secants: Secants
    squarem: SquaremState
    failures: float


@final
class Auto(Accelerator[AutoState]):
    """Quasi-Newton; SQUAREM after it where quasi-Newton is refused again and again.

    Up to a thousand free parameters a hundred pairs of secants are kept, which with fewer
    parameters is the dense method; above, twenty.
    """

    name = "auto"
    patience = 6.0
    """Failures, each forgotten at a tenth for a success, after which SQUAREM takes over."""

    def __init__(self) -> None:
        self.first, self.second = QuasiNewton(lean=20), Squarem()

    def begin(self, size: int) -> AutoState:
        return AutoState(self.first.begin(size), self.second.begin(size), 0.0)

    def _fell_back(self, state: AutoState) -> bool:
        return state.failures > self.patience

    def propose(self, state: AutoState, here: Here) -> Proposal:
        if self._fell_back(state):
            return self.second.propose(state.squarem, here)
        return self.first.propose(state.secants, here)

    def retry(self, state: AutoState, step: Array, tries: int) -> Array | None:
        return self.first.retry(state.secants, step, tries)

    def accept(self, state: AutoState, before: Here, after: Here, *, em: bool) -> AutoState:
        if self._fell_back(state):
            squarem = self.second.accept(state.squarem, before, after, em=em)
            return state._replace(squarem=squarem)
        secants = self.first.accept(state.secants, before, after, em=em)
        failures = state.failures if em else max(state.failures - 0.1, 0.0)
        return state._replace(secants=secants, failures=failures)

    def refuse(self, state: AutoState) -> AutoState:
        if self._fell_back(state):
            return state._replace(squarem=self.second.refuse(state.squarem))
        return state._replace(secants=self.first.refuse(state.secants), failures=state.failures + 1)

    def rebind(self, state: AutoState, rebinding: Rebinding) -> AutoState:
        return AutoState(
            self.first.rebind(state.secants, rebinding),
            self.second.rebind(state.squarem, rebinding),
            state.failures,
        )

    def inverse(self, state: AutoState, score: Array, em_step: Array) -> Array:
        if self._fell_back(state):
            return em_step
        return self.first.inverse(state.secants, score, em_step)
