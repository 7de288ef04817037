"""Methods that go further than one EM step, each one small class behind one interface.

An accelerator sees points of the climb (coordinates, objective, EM step, score) and proposes
a step. The loop in `em` evaluates it, and refuses it where it does not gain; so no accelerator
can make the objective fall. The state is a NamedTuple of arrays, so that it can be written to
a checkpoint.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar, final

import numpy as np

from .tree import Array

S = TypeVar("S", bound=tuple[Any, ...])

LARGEST = 8_000_000
"""Numbers kept in each of the arrays of secants, at most (64 MB)."""


class Here(NamedTuple):
    """One point of the climb in a chart's coordinates.

    Attributes
    ----------
    x : array of shape (size,)
        The coordinates.
    objective : float
        Log-likelihood plus log-prior, in nats.
    em_step : array of shape (size,)
        Where the M-step would go, less `x`.
    score : array of shape (size,)
        The gradient of the objective.
    """

    x: Array
    objective: float
    em_step: Array
    score: Array

    @property
    def em_gain(self) -> float:
        """What an EM step gains to second order: half its product with the score."""
        return 0.5 * float(self.score @ self.em_step)


class Proposal(NamedTuple):
    """What an accelerator would do next.

    Attributes
    ----------
    step : array of shape (size,), or None
        From the point at hand; None for the EM step.
    left : float
        Nats the method believes are left to gain; inf where it knows nothing yet.
    """

    step: Array | None
    left: float


class Accelerator(ABC, Generic[S]):
    """How the next step is chosen."""

    name: str

    @abstractmethod
    def begin(self, size: int) -> S:
        """The state before the first step, for a chart with `size` coordinates."""

    @abstractmethod
    def propose(self, state: S, here: Here) -> Proposal:
        """A step from `here`."""

    @abstractmethod
    def retry(self, state: S, step: Array, tries: int) -> Array | None:
        """A shorter step after `tries` refusals; None to take the EM step."""

    @abstractmethod
    def accept(self, state: S, before: Here, after: Here, *, em: bool) -> S:
        """Learn from a step that was taken; `em` says whether it was the plain one."""

    @abstractmethod
    def refuse(self, state: S) -> S:
        """Learn that a proposal and its retries failed."""

    def inverse(self, state: S, score: Array, em_step: Array) -> Array:
        """What the method takes the inverse of the observed information times `score` to be.

        `em_step` is the inverse of the complete information times the same vector.
        """
        return em_step


class NoState(NamedTuple):
    """Plain EM remembers nothing."""


@final
class Plain(Accelerator[NoState]):
    """Expectation-maximization itself (Dempster, Laird & Rubin 1977)."""

    name = "none"

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


class Secants(NamedTuple):
    """The pairs a quasi-Newton method has seen, newest last; `used` of the rows are filled.

    Attributes
    ----------
    steps, drops, em_drops : array of shape (memory, size)
        Step s, fall of the score y, fall of the EM step.
    used : int
    stretch : float
        By how much the next step is lengthened, since the last showed no concavity.
    em_first : int
        EM steps still to take before the first proposal.
    """

    steps: Array
    drops: Array
    em_drops: Array
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
    """

    name = "quasi-newton"
    longest = 1.9
    """By how much EM steps are lengthened where the secants know nothing: an EM step of up to
    twice its length still converges (Redner & Walker 1984, thm. 5.2)."""
    least_gain = 1e-9
    """Secants with less than this in them, in nats, are rounding and are skipped."""

    def __init__(self, memory: int = 100, warm_up: int = 2) -> None:
        self.memory, self.warm_up = memory, warm_up

    def begin(self, size: int) -> Secants:
        rows = min(self.memory, max(2 * size, 1), max(LARGEST // max(size, 1), 5))
        empty = np.zeros((rows, size))
        return Secants(empty, empty.copy(), empty.copy(), 0, 1.0, self.warm_up)

    def inverse(self, state: Secants, score: Array, em_step: Array) -> Array:
        """B g with B the BFGS inverse, by the two-loop recursion with B0 g a multiple of f."""
        if not state.used:
            return em_step
        steps, drops, em_drops = (a[: state.used] for a in state[:3])
        curvature = np.einsum("ij,ij->i", steps, drops)
        longer = float(curvature[-1] / max(drops[-1] @ em_drops[-1], 1e-300))
        longer = min(max(longer, 1.0), self.longest)
        g, newton = score.copy(), longer * em_step
        shares = np.empty(state.used)
        for i in range(state.used - 1, -1, -1):
            shares[i] = steps[i] @ g / curvature[i]
            g -= shares[i] * drops[i]
            newton -= (longer * shares[i]) * em_drops[i]
        for i in range(state.used):
            newton += (shares[i] - drops[i] @ newton / curvature[i]) * steps[i]
        return newton

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
            concave = bend > 0 or abs(bend) <= self.least_gain
            return state if concave else state._replace(stretch=min(2 * state.stretch, 1024.0))
        steps, drops, em_drops = (a.copy() for a in state[:3])
        used = state.used
        if used == len(steps):
            for a in (steps, drops, em_drops):
                a[:-1] = a[1:]
            used -= 1
        steps[used], drops[used] = step, drop
        em_drops[used] = before.em_step - after.em_step
        return state._replace(
            steps=steps, drops=drops, em_drops=em_drops, used=used + 1, stretch=1.0
        )

    def refuse(self, state: Secants) -> Secants:
        return state._replace(used=0, stretch=1.0)


class AutoState(NamedTuple):
    """The states of both methods, and how often the first one failed of late."""

    secants: Secants
    squarem: SquaremState
    failures: float


@final
class Auto(Accelerator[AutoState]):
    """Quasi-Newton; SQUAREM after it where quasi-Newton is refused again and again."""

    name = "auto"
    patience = 6.0
    """Failures, each forgotten at a tenth for a success, after which SQUAREM takes over."""

    def __init__(self) -> None:
        self.first, self.second = QuasiNewton(), Squarem()

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

    def inverse(self, state: AutoState, score: Array, em_step: Array) -> Array:
        if self._fell_back(state):
            return em_step
        return self.first.inverse(state.secants, score, em_step)


ACCELERATORS: dict[str, type[Accelerator[Any]]] = {
    kind.name: kind for kind in (Auto, QuasiNewton, Squarem, Plain)
}
"""By the names that `EM` takes."""
