"""What may be said of a fit, and on what grounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

NOT_FINITE = "the objective became "
"""How the detail of a climb begins whose objective is nan or infinite."""


class Status(Enum):
    """How a climb ended. Each value is the sentence the user reads."""

    CONVERGED = "The climb converged: less than the tolerance is estimated to be left to gain."
    MAX_ITER = (
        "The climb stopped at max_iter before it converged; raise max_iter, or go on from here."
    )
    DECREASED = (
        "The M-step contradicts the likelihood, which fell or can still rise where EM stands "
        "still; the best point is returned. Run check_model on the model to find the fault."
    )
    DEGENERATE = (
        "The likelihood has no finite maximum here: a parameter collapsed, as a covariance does "
        "that fits too few distinct points. Ask for a simpler model, or set a floor."
    )
    INTERRUPTED = "The climb was interrupted; the best point so far is returned."
    OUTRUN = "The climb was left where it was, since others of the race were higher."

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Optimum:
    """A distinct local maximum and how many starts reached it.

    Attributes
    ----------
    objective : float
    hits : int
    params : NamedTuple of arrays, or None
        Where it is; None in a fit that was loaded from a file.
    """

    objective: float
    hits: int
    params: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Certificate:
    """The evidence for a fit. All of it is estimated on this data; none of it is a proof.

    Attributes
    ----------
    status : Status
    monotone : bool
        Whether no accepted step lost more than rounding.
    largest_fall : float
        The largest loss over an accepted step, in nats.
    rounding : float
        Differences of the objective below this, in nats, are rounding.
    em_rate : float or None
        The share of the distance to the maximum that a plain EM step leaves (its largest
        recent estimate); None after an accelerated climb, where the slowest direction is gone
        before it could be measured, and where no two plain steps followed one another.
    remaining_gain : float
        Estimated nats between here and the top of this hill.
    tol : float
        What `remaining_gain` was to fall below.
    score_norm : float
        The largest entry of the score in the chart's coordinates.
    on_boundary : tuple of str
        Parameters exactly on the edge of what is allowed.
    active_floors : tuple of str
        Parameters held up by a floor; elsewhere the fit is the maximum-likelihood one.
    n_steps : int
        E-steps of the climb that won, after the start's own, refused proposals included.
    n_refused : int
        Proposals that did not gain and were taken back.
    looked_around : bool
        Whether the curvature around the end was probed for a saddle or a flat place, as it is
        after long accelerated climbs.
    n_starts : int
    n_degenerate : int
        Starts that collapsed and were left out.
    optima : tuple of Optimum
        The distinct maxima that the starts reached, best first: they differ in height, or in
        parameters by more than the order of components.
    claims : tuple of str
        What the model's flags allow to be said.
    detail : str
        More about the status, such as the parameter that collapsed; may be empty.
    n_steps_all : int
        E-steps of all starts together, with those that lost a race, annealing and warming up.
    n_outrun : int
        Starts that lost a race and were not climbed to the end.
    n_rearranged : int
        Starts, the last of them, that were made of the best of the others.
    one_maximum : bool
        Whether the model says that there is no other maximum.
    start_found : str
        How the only start was found, in a sentence, where others were looked at before; else
        empty.
    """

    status: Status
    monotone: bool
    largest_fall: float
    rounding: float
    em_rate: float | None
    remaining_gain: float
    tol: float
    score_norm: float
    on_boundary: tuple[str, ...]
    active_floors: tuple[str, ...]
    n_steps: int
    n_refused: int
    looked_around: bool
    n_starts: int
    n_degenerate: int
    optima: tuple[Optimum, ...]
    claims: tuple[str, ...]
    detail: str = ""
    n_steps_all: int = 0
    n_outrun: int = 0
    n_rearranged: int = 0
    one_maximum: bool = False
    start_found: str = ""

    @property
    def alike(self) -> float:
        """Maxima that differ by fewer nats than this are of equal height."""
        return max(100 * self.tol, 1e-6)

    @property
    def held(self) -> str:
        """Which parameters a floor holds up, in a few words; empty where none does."""
        return f"held up by a floor: {listed(self.active_floors)}" if self.active_floors else ""

    @property
    def ending(self) -> str:
        """How the climb ended, with the detail, in one sentence."""
        nowhere = self.detail.startswith(NOT_FINITE)
        if self.status is Status.DEGENERATE and nowhere and self.n_steps == 0:
            # no step was taken, so nothing can have collapsed
            value = self.detail.removeprefix(NOT_FINITE)
            return (
                f"The objective is {value} at the start already; look for values that the "
                "model cannot explain, in the data and in the starting parameters."
            )
        return str(self.status) + (f" ({self.detail})" if self.detail else "")

    @property
    def remaining(self) -> str:
        """What is left to gain, in a sentence."""
        if not math.isfinite(self.remaining_gain):
            return "How much remains is not known yet."
        asked = f" (asked for: {self.tol:g})" if self.status is Status.CONVERGED else ""
        return f"About {self.remaining_gain:.2g} nats are estimated to remain{asked}."

    def sentences(self) -> list[str]:
        """The certificate in plain words, a sentence an item."""
        told = [self.ending]
        if self.status not in (Status.DEGENERATE, Status.DECREASED):
            told.append(self.remaining)
        if self.status is Status.CONVERGED and self.tol < self.rounding:
            told.append(
                f"The tolerance of {self.tol:g} is below the rounding of this objective, "
                f"{self.rounding:.2g} nats, which decided instead."
            )
        if self.monotone:
            told.append("The objective never fell by more than rounding.")
        else:
            told.append(f"An EM step fell by {self.largest_fall:.3g} nats and was taken back.")
        told.append(
            f"The climb took {_counted(self.n_steps, 'E-step')}; "
            f"{_counted(self.n_refused, 'proposal')} {_were(self.n_refused)} refused."
        )
        if self.looked_around and self.status is Status.CONVERGED:
            told.append("The surroundings were probed for a way on uphill; none was found.")
        if self.em_rate is not None and self.em_rate < 1:
            told.append(
                f"A plain EM step leaves an estimated {100 * self.em_rate:.3g} % of the distance."
            )
        if self.n_starts > 1:
            if self.optima:
                told.append(
                    f"Of {self.n_starts} starts {self.optima[0].hits} reached this maximum; "
                    f"{_counted(len(self.optima), 'distinct maximum', 'distinct maxima')} "
                    f"{_were(len(self.optima))} seen."
                )
            if self.n_rearranged:
                told.append(
                    f"{_counted(self.n_rearranged, 'start')} {_were(self.n_rearranged)} made of "
                    "the best of the others, its components rearranged."
                )
            if self.n_outrun:
                told.append(
                    f"{_counted(self.n_outrun, 'start')} lost the race and {_were(self.n_outrun)} "
                    "not climbed to the end."
                )
            twins = sum(self.optima[0].objective - o.objective <= self.alike for o in self.optima)
            if twins > 1:
                told.append(
                    f"The highest maximum has {_counted(twins - 1, 'equal')} at other parameters: "
                    "the data do not choose between them."
                )
        elif self.one_maximum:
            told.append("There is no other maximum, wherever a climb starts.")
        else:
            found = self.start_found or "One start was made; another could find a higher maximum."
            told.append(found)
        if self.n_degenerate:
            collapsed, n = _counted(self.n_degenerate, "start"), self.n_degenerate
            told.append(f"{collapsed} collapsed and {_were(n)} left out.")
        if self.active_floors:
            told.append(
                "Held up by a floor, so not a maximum-likelihood estimate: "
                f"{listed(self.active_floors)}."
            )
        if self.on_boundary:
            told.append(f"Exactly on the edge of what is allowed: {listed(self.on_boundary)}.")
        return told + list(self.claims)


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n} {one}" if n == 1 else f"{n} {many or one + 's'}"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names one after the other; of many only how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
