"""Candidates, what makes one proper, and the choice among them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentia.engine import NotConvergedWarning, Status
from latentia.engine.selection import CRITERIA

SMALLEST_VARIANCE = 1e-3
"""A component thinner than this share of the pooled covariance, in any direction, is spurious."""


@dataclass(frozen=True)
class Candidate:
    """One fitted candidate; numbers are nan where it failed.

    Attributes
    ----------
    settings : dict
        What was varied.
    loglik : float
    n_parameters : int
    aic, aicc, bic, sabic, icl : float
        Lower is better; AICc is infinite where there are too few rows for so many parameters.
    status : Status
    n_steps : int
        E-steps of the best start.
    note : str
        Why it cannot win; empty where it can.
    seconds : float
    """

    settings: dict[str, Any]
    loglik: float
    n_parameters: int
    aic: float
    aicc: float
    bic: float
    sabic: float
    icl: float
    status: Status
    n_steps: int
    note: str
    seconds: float


@dataclass(frozen=True)
class Selection:
    """The candidates in the order of the grid, and the winner.

    Attributes
    ----------
    candidates : tuple of Candidate
    criterion : str
    best : int
        Position of the winner among the candidates.
    best_estimator : estimator
        Fitted.
    n_begun : int
        Candidates that were fitted from where they had climbed together before.
    """

    candidates: tuple[Candidate, ...]
    criterion: str
    best: int
    best_estimator: Any
    n_begun: int = 0

    @property
    def best_settings(self) -> dict[str, Any]:
        """The winner's settings."""
        return self.candidates[self.best].settings

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row a candidate, best first, as records for a data frame."""
        order = sorted(
            range(len(self.candidates)),
            key=lambda i: (bool(self.candidates[i].note), _value(self.candidates[i], self)),
        )
        rows: list[dict[str, Any]] = []
        for i in order:
            c = self.candidates[i]
            rows.append(
                {
                    **c.settings,
                    "loglik": c.loglik,
                    "n_parameters": c.n_parameters,
                    "aic": c.aic,
                    "aicc": c.aicc,
                    "bic": c.bic,
                    "sabic": c.sabic,
                    "icl": c.icl,
                    "status": c.status.name,
                    "n_steps": c.n_steps,
                    "note": c.note,
                }
            )
        return rows

    def summary(self) -> Any:
        """The table as a person reads it."""
        from latentia.report.summary import summarise_selection

        return summarise_selection(self)

    @property
    def plot(self) -> Any:
        """Pictures of the sweep: ``plot.criterion()``."""
        from latentia.report.displays import SelectionPlots

        return SelectionPlots(self)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _value(candidate: Candidate, selection: Selection) -> float:
    value = float(getattr(candidate, selection.criterion))
    return value if np.isfinite(value) else np.inf


def judged(estimator: Any, settings: dict[str, Any], seconds: float) -> Candidate:
    """A fitted estimator as a candidate, with a note if its maximum is no proper one."""
    certificate = estimator.certificate_
    note = certificate.held
    if certificate.status is not Status.CONVERGED:
        note = str(certificate.status)
    elif not note and estimator.smallest_variance() < SMALLEST_VARIANCE:
        note = "a component is thinner than a thousandth of the pooled covariance"
    return Candidate(
        settings=settings,
        loglik=estimator.loglik_,
        n_parameters=estimator.n_parameters_,
        **{name: estimator.criteria()[name] for name in CRITERIA},
        status=certificate.status,
        n_steps=certificate.n_steps,
        note=note,
        seconds=seconds,
    )


def winner(candidates: list[Candidate], criterion: str) -> int:
    """The position of the best candidate that is proper, or of the best of the others."""
    possible = [i for i, c in enumerate(candidates) if np.isfinite(getattr(c, criterion))]
    if not possible and any(np.isfinite(c.loglik) for c in candidates):
        raise ValueError(
            f"got {len(candidates)} candidates with too many parameters for {criterion} on so few "
            "rows, expected one with at most n - 2; give smaller models, or another criterion"
        )
    if not possible:
        reasons = "; ".join(sorted({c.note for c in candidates}))
        if len(candidates) == 1:
            raise ValueError(reasons)
        raise ValueError(f"none of the {len(candidates)} candidates could be fitted: {reasons}")
    proper = [i for i in possible if not candidates[i].note]
    if not proper:
        warnings.warn(
            "no candidate is a converged and proper maximum, so the best of the others was taken; "
            "raise max_iter, give fewer components, or simpler covariances",
            NotConvergedWarning,
            stacklevel=3,
        )
    return min(proper or possible, key=lambda i: float(getattr(candidates[i], criterion)))
