"""What comes out of a fit: the best climb, its certificate, and what is said where it failed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from sklearn.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    ConvergenceWarning,
)

from .certificate import Certificate, Optimum, Status
from .chart import at_boundaries, at_floors, n_free
from .model import Model
from .relabel import distance
from .trace import Climb

P = TypeVar("P", bound=tuple[Any, ...])

APART = 0.05
"""Maxima of equal height are two where they differ by more than this, in `relabel.distance`."""


class NotConvergedWarning(ConvergenceWarning):
    """A fit ended before it converged; its result is usable but not final."""


class DecreasedWarning(UserWarning):
    """The objective fell where it cannot: the model's E-step or M-step is wrong."""


class DegenerateFitError(ValueError):
    """Every start collapsed onto too few distinct points."""


@dataclass(frozen=True)
class Fit(Generic[P]):
    """A fitted model.

    Attributes
    ----------
    params : NamedTuple of arrays
        The parameters, in the user's units.
    objective : float
        Log-likelihood plus log-prior, in nats.
    loglik : float
        The log-likelihood alone.
    n_units, n_obs : float
        Total weight of the independent units, and of what BIC counts.
    n_free : int
        Free parameters.
    status : Status
    certificate : Certificate
    climbs : tuple of Climb
        One for each start, in their order; `climbs[best]` is the one that won.
    best : int

    Notes
    -----
    `climbs` has fewer entries after an interrupt: those of the starts that had begun.
    `certificate.n_steps_all` counts the E-steps of all starts together.
    """

    params: P
    objective: float
    loglik: float
    n_units: float
    n_obs: float
    n_free: int
    status: Status
    certificate: Certificate
    climbs: tuple[Climb, ...]
    best: int

    @property
    def trace(self) -> Any:
        """What happened at each E-step of the climb that won."""
        return self.climbs[self.best].trace


def _order(climb: Climb) -> tuple[bool, float]:
    """What makes one climb better than another: not collapsed, then higher."""
    return (climb.status is not Status.DEGENERATE, climb.objective)


def _best(climbs: list[Climb], tol: float) -> int:
    """The number of the best climb.

    One that was left behind on the way to the same top, for no more than `tol`, does not win over
    one that went there.
    """
    highest = max(_order(climb) for climb in climbs)
    went = [i for i, climb in enumerate(climbs) if climb.status is not Status.OUTRUN]
    top = max((_order(climbs[i]) for i in went), default=highest)
    if (top[0], top[1] + tol) < highest:
        top, went = highest, list(range(len(climbs)))
    return next(
        i
        for i in went or range(len(climbs))  # the first of equals, so that rounding does not decide
        if _order(climbs[i]) >= (top[0], top[1] - climbs[i].rounding)
    )


def assemble(
    model: Model[Any, Any],
    climbs: list[Climb],
    n_starts: int,
    tol: float,
    *,
    interrupted: bool,
    n_steps: int,
    n_rearranged: int = 0,
) -> Fit[Any]:
    """The best of the climbs, with its evidence."""
    best = _best(climbs, tol)
    won = climbs[best]
    status = Status.INTERRUPTED if interrupted else won.status
    accelerated = bool((won.trace.accepted & ~won.trace.em).any())
    certificate = Certificate(
        status=status,
        monotone=won.largest_fall == 0,
        largest_fall=won.largest_fall,
        rounding=won.rounding,
        em_rate=None if accelerated or np.isnan(won.em_rate) else won.em_rate,
        remaining_gain=won.remaining_gain,
        tol=tol,
        score_norm=won.score_norm,
        on_boundary=at_boundaries(model.space, won.params),
        active_floors=at_floors(model.space, won.params),
        n_steps=max(len(won.trace.objective) - 1, 0),
        n_refused=won.n_refused,
        looked_around=won.looked_around,
        n_starts=n_starts,
        n_degenerate=sum(c.status is Status.DEGENERATE for c in climbs),
        optima=_optima(model, climbs, tol),
        claims=_claims(model),
        one_maximum=model.one_maximum,
        detail=won.detail,
        n_steps_all=n_steps,
        n_outrun=sum(c.status is Status.OUTRUN for c in climbs),
        n_rearranged=n_rearranged,
    )
    suff = won.suff
    return Fit(
        params=won.params,
        objective=won.objective,
        loglik=np.nan if suff is None else float(suff.loglik),
        n_units=np.nan if suff is None else float(suff.n_units),
        n_obs=np.nan if suff is None else float(suff.n_obs),
        n_free=n_free(model.space, won.params) - model.n_gauge,
        status=status,
        certificate=certificate,
        climbs=tuple(climbs),
        best=best,
    )


def _optima(model: Model[Any, Any], climbs: list[Climb], tol: float) -> tuple[Optimum, ...]:
    """Distinct maxima among the climbs that converged, by height and by parameters.

    Parameters are compared up to the order of components, and not where the likelihood is flat
    along a gauge.
    """
    ended = [c for c in climbs if c.status is Status.CONVERGED]
    groups: list[list[Climb]] = []
    for each in sorted(ended, key=lambda c: -c.objective):
        for group in groups:
            if group[0].objective - each.objective > max(100 * tol, 1e-6):
                continue
            if model.n_gauge or distance(model.space, each.params, group[0].params) <= APART:
                group.append(each)
                break
        else:
            groups.append([each])
    return tuple(Optimum(group[0].objective, len(group), group[0].params) for group in groups)


def _claims(model: Model[Any, Any]) -> tuple[str, ...]:
    claims: list[str] = []
    if not model.exact_e_step:
        claims.append("The E-step is approximate: the objective is a bound, not the likelihood.")
    if not model.m_step_exact:
        claims.append("The M-step is inexact and was halved wherever the objective would fall.")
    if model.stochastic:
        claims.append("The E-step draws random numbers: the objective is itself an estimate.")
    if model.has_prior:
        claims.append("A prior is in force: this is a posterior mode, not maximum likelihood.")
    return tuple(claims)


def announce(fit: Fit[Any], on_degenerate: str) -> None:
    """Raise or warn where the result is not what was asked for."""
    ending = fit.certificate.ending
    if fit.status is Status.DEGENERATE and on_degenerate == "raise":
        raise DegenerateFitError(ending)
    if fit.status is Status.DECREASED:
        warnings.warn(ending, DecreasedWarning, stacklevel=4)
    elif fit.status in (Status.MAX_ITER, Status.INTERRUPTED):
        left = fit.certificate.remaining
        warnings.warn(f"{fit.status} {left}", NotConvergedWarning, stacklevel=4)
