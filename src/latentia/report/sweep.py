"""What a sweep of candidates says."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.engine import Status

from .formatting import counted, fixed, one_line, status_word
from .kinds import is_gaussian, is_hidden_markov
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
    best = selection.best_estimator
    kind = "Gaussian mixtures" if is_gaussian(best) else "Mixtures"
    kind = "Hidden Markov models" if is_hidden_markov(best) else kind
    kind = "Models" if hasattr(best, "components_") else kind
    return Summary(
        f"{kind} compared by {selection.criterion.upper()}: "
        f"{counted(len(candidates), 'candidate')}",
        (("winner", settings_words(winner.settings)), ("why", verdict(selection))),
        (table,),
        tuple(selection_notes(selection)),
    )


def failed(candidate: Any) -> bool:
    """Whether a candidate has no result at all."""
    return bool(np.isnan(candidate.loglik))


def set_aside(candidate: Any) -> bool:
    """Whether a candidate has a result that is not that of a proper maximum."""
    return not failed(candidate) and bool(candidate.note)


def ranking(selection: Any) -> list[int]:
    """Positions of the candidates: the winner, the others best first, those set aside, failures."""

    def order(i: int) -> tuple[bool, bool, bool, float]:
        c = selection.candidates[i]
        value = float(getattr(c, selection.criterion))
        return (i != selection.best, failed(c), bool(c.note), np.inf if np.isnan(value) else value)

    return sorted(range(len(selection.candidates)), key=order)


def candidate_table(selection: Any) -> Table:
    """All candidates in their ranking, with what each loses to the winner."""
    criterion = selection.criterion
    candidates = [selection.candidates[i] for i in ranking(selection)]
    least = getattr(candidates[0], criterion)
    keys = list(dict.fromkeys(key for c in candidates for key in c.settings))
    beside = [c for c in ("bic", "aic", "icl") if c != criterion]
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
            fixed(c.n_parameters, 0) if not failed(c) else "-",
            *(fixed(getattr(c, other), 2, "-") for other in beside),
            fixed(c.n_steps, 0) if not failed(c) else "-",
            _ending(c),
        )
        for c in candidates
    )
    numeric = ["l" if isinstance(candidates[0].settings.get(k), str) else "r" for k in keys]
    align = "".join(numeric) + "r" * (5 + len(beside)) + "l"
    return Table("Candidates, best first", columns, rows, align, frozenset({0}))


def _ending(candidate: Any) -> str:
    """How a candidate ended, in a word or two."""
    if failed(candidate):
        return "failed"
    if candidate.status is Status.CONVERGED and candidate.note:
        return "set aside"
    return status_word(candidate.status)


HEADS = {
    "n_components": "components",
    "n_states": "states",
    "n_clusters": "clusters",
    "covariance_type": "covariance",
}
"""Settings as the head of a column."""


def settings_words(settings: dict[str, Any]) -> str:
    """A candidate in words, such as "3 components with tied covariance"."""
    rest = dict(settings)
    words: list[str] = []
    if "n_components" in rest:
        family = rest.pop("family", None)
        one = "component" if family is None else f"{one_line(family)} component"
        words.append(counted(int(rest.pop("n_components")), one))
    if "n_states" in rest:
        words.append(counted(int(rest.pop("n_states")), "state"))
    if "n_clusters" in rest:
        words.append(counted(int(rest.pop("n_clusters")), "cluster"))
    if "covariance_type" in rest:
        words.append(f"{one_line(rest.pop('covariance_type'))} covariance")
    words += [f"{one_line(key)}={one_line(value)}" for key, value in rest.items()]
    return " with ".join([words[0], ", ".join(words[1:])]) if words[1:] else "".join(words)


def runner_up(selection: Any) -> Any:
    """The best candidate that is another model than the winner; None if there is none.

    With one component several covariance types are the same model.
    """
    first, *others = (selection.candidates[i] for i in ranking(selection))
    for other in others:
        same = other.n_parameters == first.n_parameters and np.isclose(
            other.loglik, first.loglik, rtol=1e-9
        )
        if not (failed(other) or set_aside(other) or same):
            return other
    return None


def lead(selection: Any) -> float:
    """By how much the winner leads; nan if there is no other."""
    second = runner_up(selection)
    winner = selection.candidates[selection.best]
    name = selection.criterion
    return float("nan") if second is None else getattr(second, name) - getattr(winner, name)


def contest(selection: Any) -> str:
    """Among whom the winner is the lowest, as the end of a clause."""
    n = len(selection.candidates)
    if n == 1:
        return ""
    if set_aside(selection.candidates[selection.best]):
        return ", though no candidate ended at a proper maximum"
    out = sum(failed(c) or set_aside(c) for c in selection.candidates)
    if not out:
        return f", the lowest of the {n} candidates"
    if n - out == 1:
        return f", the only candidate (of {n}) that ended at a proper maximum"
    return f", the lowest of the {n - out} candidates (of {n}) that ended at a proper maximum"


def verdict(selection: Any) -> str:
    """How clearly the winner leads, in one sentence; grades after Kass & Raftery (1995)."""
    name, margin = selection.criterion.upper(), lead(selection)
    value = getattr(selection.candidates[selection.best], selection.criterion)
    told = f"{name} {fixed(value, 2)}{contest(selection)}"
    if margin != margin:
        return f"{told}."
    grade = next(word for least, word in GRADES if margin >= least)
    return (
        f"{told}; the next ({settings_words(runner_up(selection).settings)}) is worse by "
        f"{fixed(margin, 2)}, {grade}."
    )


GRADES = (
    (10.0, "a very clear lead"),
    (6.0, "a clear lead"),
    (2.0, "a moderate lead"),
    (-np.inf, "hardly a lead: take both seriously"),
)
"""Kass & Raftery (1995), section 3.2, on differences of BIC."""


def selection_notes(selection: Any) -> list[str]:
    """Which candidates could not win and why."""
    out = [c for c in selection.candidates if failed(c) or set_aside(c)]
    notes: list[str] = []
    for why in dict.fromkeys(_reason(c) for c in out):
        these = [c for c in out if _reason(c) == why]
        verb = "Failed" if failed(these[0]) else "Set aside"
        notes.append(f"{verb}, {why}: {_joined(these)}.")
    if selection.n_begun:
        notes.append(
            f"{counted(selection.n_begun, 'candidate')} climbed together first, each again from "
            "what its neighbours found; E-steps are of the fits that followed."
        )
    return notes


def _reason(candidate: Any) -> str:
    """Why a candidate could not win, without what is particular to it."""
    if failed(candidate):
        return one_line(candidate.note).rstrip(". ") if candidate.note else "for an unknown reason"
    if candidate.status is not Status.CONVERGED:
        return f"not converged ({status_word(candidate.status)})"
    return one_line(candidate.note).partition(":")[0].rstrip(". ")


def _joined(candidates: list[Any]) -> str:
    """Some candidates by name; of many the first few and how many more."""
    named = [settings_words(c.settings) for c in candidates[:4]]
    more = len(candidates) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")
