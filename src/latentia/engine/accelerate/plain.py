"""Plain EM, as an accelerator that never proposes anything."""

from __future__ import annotations

from typing import NamedTuple, final

from ..space import Rebinding
from ..tree import Array
from .interface import Accelerator, Here, Proposal


class NoState(NamedTuple):
    """Plain EM remembers nothing."""


@final
class Plain(Accelerator[NoState]):
    """Expectation-maximization itself (Dempster, Laird & Rubin 1977)."""

    name = "none"
    explores = False

    def begin(self, size: int) -> NoState:
        return NoState()

    def propose(self, state: NoState, here: Here) -> Proposal:
        return Proposal(None, here.em_gain)

    def retry(self, state: NoState, step: Array, tries: int) -> Array | None:
        return None

    def accept(self, state: NoState, before: Here, after: Here, *, em: bool) -> NoState:
        return state

    def refuse(self, state: NoState) -> NoState:
        return state

    def rebind(self, state: NoState, rebinding: Rebinding) -> NoState:
        return state
