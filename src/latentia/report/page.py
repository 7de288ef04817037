"""What every report has, whatever was fitted: the sweep, the climb, how to repeat it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

import numpy as np

from latentia import __version__
from latentia.engine import Status
from latentia.extras import require

from . import wording
from .displays import ClimbDisplay, CriterionDisplay
from .figures import svg
from .formatting import counted, fixed, one_line, status_word, true_minus, whole
from .kinds import is_variational
from .rendering import html_table
from .summary import PlainEstimate, settings_used
from .sweep import candidate_table, selection_notes, verdict
from .tables import Table

BEST_SHOWN = 8
"""Candidates in the open table; the rest are folded away."""

PACKAGES = (("NumPy", "numpy"), ("SciPy", "scipy"), ("scikit-learn", "scikit-learn"))
"""Whose versions are told."""

LEVEL = 0.95


def rendered(template: str, **told: Any) -> str:
    """A page as text, of a template of this package."""
    jinja2 = require("jinja2", extra="plot")

    def text(name: str) -> str:
        return files("latentia.report").joinpath(name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made: str = environment.get_template(template).render(
        safe=jinja2.filters.do_mark_safe, version=__version__, **told
    )
    return made


def common(
    estimator: Any, source: str, selection: Any, command: str, noun: str, given: str = "X"
) -> dict[str, Any]:
    """What the template asks for on every page; `noun` is what is hidden, a group or a state.

    `given` is what `fit` was called with.
    """
    return {
        "noun": noun,
        "cautions": wording.cautions(estimator, selection),
        "sweep": None if selection is None else _sweep(selection),
        "climb_words": wording.climb_words(estimator, noun),
        "converged": estimator.fit_.status is Status.CONVERGED,
        "certificate": estimator.certificate_.sentences(),
        **repeated(estimator, source, command, given),
    }


def repeated(
    estimator: Any, source: str, command: str, given: str = "X", of: Any = None
) -> dict[str, Any]:
    """How to do the same again; `of` is the certificate whose settings are told, if not its own."""
    call = command.strip() or _call(estimator, given)
    return {
        "source": one_line(source),
        "command": [line.split(" ") for line in call.splitlines()],
        "seed": _seed(estimator),
        "settings": settings_used(estimator, of),
        "versions": _versions(),
    }


def criterion_figure(selection: Any, what: str) -> dict[str, str]:
    """The candidates of a sweep, by the number of `what`; nothing where there is one, or none."""
    if selection is None or len(selection.candidates) < 2:
        return {}
    name = selection.criterion.upper()
    drawn = svg(
        lambda f: CriterionDisplay.from_selection(selection, ax=f.add_subplot()),
        name="criterion",
        alt=f"{name} of {len(selection.candidates)} candidates against their number of "
        f"{what}; {verdict(selection)}",
        size=(4.7, 3.3),
    )
    return {"criterion": drawn}


def climb_figure(estimator: Any) -> str:
    """How far below the top each start still was."""
    return svg(
        lambda f: ClimbDisplay.from_estimator(estimator, ax=f.add_subplot()),
        name="climb",
        alt="Nats below the estimated top against E-steps, on a logarithmic scale, for "
        + counted(len(estimator.fit_.climbs), "start"),
        size=(4.7, 3.1),
    )


def judged(estimator: Any) -> list[tuple[str, str]]:
    """Labels and values of how well it fits, and how the fit ended."""
    height = true_minus(fixed(estimator.loglik_, 2))
    ended = ("fit", status_word(estimator.fit_.status))
    if is_variational(estimator):
        return [("log evidence, at least", height), ended]
    return [
        ("free parameters", whole(estimator.n_parameters_)),
        ("log-likelihood", height),
        ("BIC", true_minus(fixed(estimator.criteria()["bic"], 2))),
        ended,
    ]


def _sweep(selection: Any) -> dict[str, Any]:
    table = candidate_table(selection)
    head = table.rows[:BEST_SHOWN]
    rest = table.rows[BEST_SHOWN:]
    return {
        "verdict": verdict(selection),
        "criterion": selection.criterion.upper(),
        "best": html_table(Table("", table.columns, head, table.align, table.marked)),
        "rest": html_table(Table("", table.columns, rest, table.align)) if rest else "",
        "n_rest": len(rest),
        "notes": selection_notes(selection),
    }


def interval_note(estimates: list[PlainEstimate], note: str, posterior: bool) -> str:
    """What the intervals mean, or why there are none."""
    if any(e.se == e.se for e in estimates):
        told = (
            f"Intervals hold the true value in {100 * LEVEL:g}\u00a0% of samples such as this, if "
            "the model is right."
        )
        if posterior:
            told = f"Intervals hold {100 * LEVEL:g}\u00a0% of the posterior, as if it were normal."
        return f"{told} {note}".strip()
    return note or "There are no standard errors for this fit."


def _call(estimator: Any, given: str) -> str:
    """How to fit this in Python."""
    call = f"{estimator!r}.fit({given})"
    names = ["EM"] if "em=EM(" in call else []
    return f"from latentia import {', '.join([*names, type(estimator).__name__])}\n\n{call}"


def _seed(estimator: Any) -> str:
    seed = getattr(estimator, "random_state", None)
    if isinstance(seed, (int, np.integer)):
        return str(int(seed))
    return "none was given, so another run may start elsewhere"


def _versions() -> list[tuple[str, str]]:
    found = [("latentia", __version__), ("Python", platform.python_version())]
    for label, package in PACKAGES:
        try:
            found.append((label, version(package)))
        except PackageNotFoundError:  # installed in a way that leaves no metadata
            continue
    return found
