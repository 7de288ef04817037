"""What a sweep of candidates says."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.engine import Status

from .formatting import counted, fixed, listed, one_line, status_word
from .tables import Summary, Table


def summarise_selection(selection: Any) -> Summary:
    """What a sweep of candidates says: all of them, best first, and why the others lost.

    Parameters
    ----------
    selection : Selection
        As `latentia.select` returns it.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets, select
    >>> X = datasets.load("faithful").values
    >>> swept = select(GaussianMixture(random_state=0), X, {"n_components": [1, 2, 3]})
    >>> summarise_selection(swept).title
    'Gaussian mixtures compared by BIC: 3 candidates'
    """
    table = candidate_table(selection)
    candidates = list(selection.candidates)
    winner = candidates[selection.best]
    return Summary(
        f"Gaussian mixtures compared by {selection.criterion.upper()}: "
        f"{counted(len(candidates), 'candidate')}",
        (("winner", settings_words(winner.settings)), ("why", verdict(selection))),
        (table,),
        tuple(selection_notes(selection)),
    )


def ranking(selection: Any) -> list[int]:
    """Positions of the candidates, the winner first, those without a number last."""
    values = [getattr(c, selection.criterion) for c in selection.candidates]
    order = sorted(range(len(values)), key=lambda i: (values[i] != values[i], values[i]))
    return [selection.best, *(i for i in order if i != selection.best)]


def candidate_table(selection: Any, others: bool = False) -> Table:
    """All candidates, best first, with what each loses to the winner.

    The other criteria are shown on request: with them the table is wider than a terminal.
    """
    criterion = selection.criterion
    candidates = [selection.candidates[i] for i in ranking(selection)]
    least = getattr(candidates[0], criterion)
    keys = list(dict.fromkeys(key for c in candidates for key in c.settings))
    beside = [c for c in ("bic", "aic", "icl") if others and c != criterion]
    columns = (
        *(HEADS.get(key, one_line(key)) for key in keys),
        criterion.upper(),
        "worse by",
        "log-lik.",
        "free",
        *(name.upper() for name in beside),
        "E-steps",
        "ended",
    )
    rows = tuple(
        (
            *(one_line(c.settings.get(key, "")) for key in keys),
            fixed(getattr(c, criterion), 2, "-"),
            fixed(getattr(c, criterion) - least, 2, "-"),
            fixed(c.loglik, 2, "-"),
            fixed(c.n_parameters, 0, "-"),
            *(fixed(getattr(c, other), 2, "-") for other in beside),
            fixed(c.n_steps, 0, "-"),
            "failed" if not c.loglik == c.loglik else status_word(c.status),
        )
        for c in candidates
    )
    numeric = ["l" if isinstance(candidates[0].settings.get(k), str) else "r" for k in keys]
    align = "".join(numeric) + "r" * (5 + len(beside)) + "l"
    return Table("Candidates, best first", columns, rows, align, frozenset({0}))


HEADS = {"n_components": "components", "covariance_type": "covariance"}
"""Settings as the head of a column."""


def settings_words(settings: dict[str, Any]) -> str:
    """A candidate in words, such as "3 components, tied covariance"."""
    words: list[str] = []
    for key, value in settings.items():
        if key == "n_components":
            words.append(counted(int(value), "component"))
        elif key == "covariance_type":
            words.append(f"{value} covariance")
        else:
            words.append(f"{one_line(key)}={one_line(value)}")
    return ", ".join(words)


def verdict(selection: Any) -> str:
    """How clearly the winner leads, in one sentence; grades after Kass & Raftery (1995)."""
    order = ranking(selection)
    name = selection.criterion.upper()
    value = getattr(selection.candidates[order[0]], selection.criterion)
    told = f"{name} {fixed(value, 2)}, the lowest of the {counted(len(order), 'candidate')}"
    second = selection.candidates[order[1]] if len(order) > 1 else None
    lead = float("nan") if second is None else getattr(second, selection.criterion) - value
    if second is None or lead != lead:
        return f"{told}."
    grade = next(word for least, word in GRADES if lead >= least)
    return (
        f"{told}; the next ({settings_words(second.settings)}) is worse by "
        f"{fixed(lead, 2)}, {grade}."
    )


GRADES = (
    (10.0, "a very clear lead"),
    (6.0, "a clear lead"),
    (2.0, "a moderate lead"),
    (-np.inf, "hardly a lead: take both seriously"),
)
"""Kass & Raftery (1995), section 3.2, on differences of BIC."""


def selection_notes(selection: Any) -> list[str]:
    """What must be known of candidates that did not converge or failed."""
    notes: list[str] = []
    unfinished = [
        c
        for c in selection.candidates
        if c.loglik == c.loglik and c.status is not Status.CONVERGED
    ]
    if unfinished:
        notes.append(
            f"Not converged, so their {selection.criterion.upper()} may still fall: "
            f"{listed([settings_words(c.settings) for c in unfinished])}."
        )
    notes += [
        f"Failed: {settings_words(c.settings)}" + (f" ({one_line(c.note)})." if c.note else ".")
        for c in selection.candidates
        if not c.loglik == c.loglik
    ]
    notes += [
        f"{settings_words(c.settings)}: {one_line(c.note)}"
        for c in selection.candidates
        if c.note and c.loglik == c.loglik
    ]
    return notes
