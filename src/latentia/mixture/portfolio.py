"""A portfolio of starts: every way to guess once, raced, and which of them won."""

from __future__ import annotations

from typing import Any

from latentia.engine import EM, Fit

from .start import PORTFOLIO, method_of


def raced(em: EM) -> EM:
    """The same settings with a start for each way to guess, and a race between them.

    A race, short runs or a larger number of starts that were asked for stay as they are.
    """
    asked: dict[str, Any] = em.get_params(deep=False)
    race = asked["race"] or not asked["short_runs"]
    return EM(**{**asked, "starts": max(asked["starts"], len(PORTFOLIO)), "race": race})


def winner(method: str, fit: Fit[Any]) -> str:
    """The name of the start that won: one of `start.METHODS` or `PORTFOLIO`."""
    return method_of(method, fit.best)
