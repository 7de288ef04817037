"""A portfolio of starts: every way to guess once, raced, rearranged, and which of them won."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from latentia.engine import EM, Fit
from latentia.estimator import altered

from .start import PORTFOLIO, method_of

ROUNDS = 3
"""How often the best is rearranged, as long as that finds a higher maximum."""

REARRANGED = "split-and-merge"
"""The name of a start that was made of the best of the others."""


def raced(em: EM) -> EM:
    """The same settings with a start for each way to guess, a race of them, and split and merge.

    A race, short runs, rearranging or a larger number of starts that were asked for stay as
    they are.
    """
    race = em.race or not em.short_runs
    starts = max(em.starts, len(PORTFOLIO))
    return altered(em, {"starts": starts, "race": race, "rearrange": em.rearrange or ROUNDS})


def single(em: EM) -> EM:
    """The same settings for one climb from parameters that are known."""
    alone: dict[str, Any] = {"starts": 1, "race": False, "short_runs": 0, "rearrange": 0}
    return altered(em, {**alone, "anneal": (), "warm_up": None, "checkpoint": None})


GIVEN, SWEEP = "given", "sweep"
"""Starts that guessed nothing: the user's own, and what a sweep found for a fit of its."""


FOUND = (
    "The start is the highest that the candidates of a sweep found together; another could still "
    "find a higher maximum."
)
"""What a certificate says of the start that a sweep found."""


def found_by_a_sweep(fit: Fit[Any]) -> Fit[Any]:
    """The fit with a certificate that says where its start came from."""
    return replace(fit, certificate=replace(fit.certificate, start_found=FOUND))


def winner(method: str, fit: Fit[Any], *, guessed: bool = True, begun: bool = False) -> str:
    """The name of the start that won.

    One of `start.METHODS` or `PORTFOLIO`, `REARRANGED`, or, where nothing was guessed, `SWEEP` or
    `GIVEN`.
    """
    if not guessed:
        return SWEEP if begun else GIVEN
    first_rearranged = fit.certificate.n_starts - fit.certificate.n_rearranged
    return method_of(method, fit.best) if fit.best < first_rearranged else REARRANGED
