"""The one interface of all accelerators, and what they see of the climb.

An accelerator sees points of the climb (coordinates, objective, EM step, score) and proposes
a step. The loop in `climb` evaluates it, and refuses it where it does not gain; so no accelerator
can make the objective fall. The state is a NamedTuple of arrays, so that it can be written to
a checkpoint.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar

from ..space import Rebinding
from ..tree import Array

S = TypeVar("S", bound=tuple[Any, ...])


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
    """How the next step is chosen.

    Attributes
    ----------
    name : str
    explores : bool
        Whether the climb may try, beside the method's steps, parameters exactly on their bounds
        and ways on from where it seems to end. False for EM itself.
    """

    name: str
    explores: bool = True

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

    @abstractmethod
    def rebind(self, state: S, rebinding: Rebinding) -> S:
        """The state in the coordinates of a new chart, in which some entries are held."""

    def inverse(self, state: S, score: Array, em_step: Array) -> Array:
        """What the method takes the inverse of the observed information times `score` to be.

        `em_step` is the inverse of the complete information times the same vector.
        """
        return em_step
