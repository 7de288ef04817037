"""The report on any estimator: its summary and the figures that its plots offer."""

from __future__ import annotations

import warnings
from typing import Any

from . import wording
from .figures import svg
from .formatting import one_line, shorten, true_minus
from .kinds import is_hidden_markov
from .page import climb_figure, common, criterion_figure, judged, rendered, repeated
from .rendering import html_table
from .summary import summarise_mixture

OPEN = 30
"""Rows up to which a table is shown; longer ones are folded away."""


def render_plain(
    estimator: Any,
    X: Any,
    told: dict[str, Any],
    source: str,
    selection: Any,
    command: str,
    title: str | None,
    standard_errors: bool,
) -> str:
    """The page as text; see `write_report`.

    Parameters
    ----------
    told : dict
        What the plots take besides X, such as the lengths of sequences.
    """
    chain = is_hidden_markov(estimator)
    summary = (
        summarise_mixture(estimator, standard_errors=standard_errors)
        if chain
        else estimator.summary()
    )
    of = fitted_in(estimator)
    noun = "state" if chain else "class"  # which the page does not speak of
    certificate = of.certificate_.sentences()
    pictures = estimator.plot.figures(X, **told)
    figures = criterion_figure(selection, f"{noun}s")
    with warnings.catch_warnings():
        # of a climb that begins at the top
        warnings.filterwarnings("ignore", message="Attempting to set identical low and high")
        figures["climb"] = climb_figure(of)
    shown = [
        {
            "title": each.title,
            "words": each.words,
            "wide": each.size[0] > 6,
            "html": svg(each.draw, name=each.name, alt=each.title, size=each.size),
        }
        for each in pictures
    ]
    return rendered(
        "plain.html.j2",
        **common(of, source, selection, command, noun)
        | repeated(estimator, source, command, of=of.certificate_),
        title=one_line(title or f"What was fitted to {source}"),
        question=wording.question_of_fit(source),
        headline=shorten(summary.title, 160),
        answer=[],
        figures=figures,
        strip=judged(of),
        facts=[(label, true_minus(value)) for label, value in summary.facts],
        tables=[
            {"title": t.title, "html": html_table(t), "open": len(t.rows) <= OPEN}
            for t in summary.tables
        ],
        notes=[note for note in summary.notes if note not in certificate],
        pictures=shown,
        cards=[],
        grid_width=620,
    )


def fitted_in(estimator: Any) -> Any:
    """The estimator that was fitted: itself, or the model that an imputer fills cells by."""
    if hasattr(estimator, "fit_"):
        return estimator
    return estimator.normal_ if hasattr(estimator, "normal_") else estimator.model_
