"""The report on a mixture of regressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import wording
from .cards import Card, Row, span_of
from .displays import LinesDisplay, MembershipDisplay
from .displays.canvas import Array, colour, glyph
from .figures import svg
from .formatting import counted, one_line, share, shorten, true_minus, whole, with_error
from .page import LEVEL, climb_figure, common, criterion_figure, interval_note, judged, rendered
from .parameters import with_errors
from .regression import coefficient_table, p_value, title_of_regression
from .rendering import html_table
from .views import MOST_PARAMETERS, View, profile_view

HEADS = ("term", "estimate", "P(>|z|)")


def render_regression(
    estimator: Any,
    X: Any,
    told: Mapping[str, Any],
    source: str,
    selection: Any,
    command: str,
    title: str | None,
    standard_errors: bool,
) -> str:
    """The page as text; see `write_report`."""
    resp = np.asarray(estimator.predict_memberships(X, **told), dtype=float)
    labels, sureness = resp.argmax(axis=1), resp.max(axis=1)
    n, k = resp.shape
    estimates, note = with_errors(estimator, LEVEL, standard_errors)
    standard_errors = any(np.isfinite(e.se) for e in estimates)
    figures = _figures(estimator, X, told, labels, sureness, selection)
    subjects = estimator.fit_.n_units
    return rendered(
        "template.html.j2",
        **common(estimator, source, selection, command, "component", _given(told)),
        title=one_line(title or f"Regressions in {source}"),
        question=_question(estimator, n),
        headline=f"{_number(k)} regression{'s' * (k > 1)}",
        answer=_answer(estimator, k, sureness, selection),
        figures=figures,
        strip=[
            ("rows", whole(n)),
            *([("subjects", whole(subjects))] if subjects < estimator.fit_.n_obs else []),
            ("components", whole(k)),
            *judged(estimator),
        ],
        fit_words=_line_words(k),
        wide=False,
        grid_width=620,
        heads=HEADS if standard_errors else (*HEADS[:2], ""),
        cards=_cards(estimator, estimates, labels, sureness),
        interval_note=interval_note(estimates, note, False),
        covariances={"n": 0, "table": ""},
        covariance_words="",
        views=_views(estimator, estimates, k, standard_errors),
        membership_words=wording.membership_words(labels, sureness).replace("group", "component"),
    )


def _given(told: Mapping[str, Any]) -> str:
    """What `fit` was called with; arrays are named only."""
    each = (
        f"{name}={value!r}" if isinstance(value, str) else f"{name}=..."
        for name, value in told.items()
    )
    return ", ".join(["X", *each])


def _number(k: int) -> str:
    return wording.NUMBERS[k] if k < len(wording.NUMBERS) else str(k)


def _question(estimator: Any, n: int) -> str:
    told = title_of_regression(estimator)
    return (
        f"Which lines lie behind these {whole(n)} rows, and which row follows which? "
        f"{told[0].upper()}{told[1:]}."
    )


def _answer(estimator: Any, k: int, sureness: Array, selection: Any) -> list[str]:
    told = [f"{_number(k)} component{'s were' if k > 1 else ' was'} asked for."]
    if selection is not None and len(selection.candidates) > 1:
        told = [
            f"Of {len(selection.candidates)} candidates, {counted(k, 'component')} "
            f"{'were' if k > 1 else 'was'} chosen by {selection.criterion.upper()}."
        ]
    if k > 1:
        weights = np.asarray(estimator.weights_, dtype=float)
        each = ", ".join(share(float(w)) for w in weights)
        clear = share(float(np.mean(sureness >= 0.9)))
        told += [
            f"Their shares of the rows are {each}.",
            f"For {clear} of the rows the component is known with at least 90\u00a0% probability.",
        ]
    return told


def _line_words(k: int) -> str:
    if k == 1:
        return "The line is the expected response; other covariates stand at their mean or mode."
    return (
        "Each line is the response that a component expects; other covariates stand at their mean "
        "or most frequent level. Rows have the mark and colour of their most probable component, "
        "paler where that is not sure."
    )


def _figures(
    estimator: Any,
    X: Any,
    told: Mapping[str, Any],
    labels: Any,
    sureness: Array,
    selection: Any,
) -> dict[str, str]:
    drawn = criterion_figure(selection, "components")
    k = len(estimator.weights_)
    try:
        lines = estimator.lines(X, **told)
    except ValueError:  # no covariate is a number, so there is no line
        lines = None
    if lines is not None:
        drawn["fit"] = svg(
            lambda f: LinesDisplay(**lines._asdict()).plot(ax=f.add_subplot()),
            name="lines",
            alt=f"{shorten(lines.response, 60)} against {shorten(lines.column, 60)}, with the "
            f"expected response of {counted(k, 'component')}",
            size=(4.9, 3.6),
        )
    if k > 1:
        display = MembershipDisplay(
            labels=labels,
            sureness=sureness,
            n_components=k,
            names=[f"component {i}" for i in range(k)],
            noun="component",
        )
        drawn["membership"] = svg(
            lambda f: display.plot(ax=f.add_subplot()),
            name="membership",
            alt=f"Probability of each row's component, sorted; {int((sureness < 0.9).sum())} of "
            f"{len(sureness)} rows below 0.9",
            size=(4.9, 2.9),
        )
        drawn["climb"] = climb_figure(estimator)
    return drawn


def _cards(estimator: Any, estimates: list[Any], labels: Any, sureness: Array) -> list[Card]:
    """A card for each component: its coefficients, and its dispersion."""
    tested = [c for c in estimator.tested(estimates) if c.part == "response"]
    weights = {e.name: e for e in estimates if e.name.startswith("weight[")}
    cards: list[Card] = []
    for i, weight in enumerate(np.asarray(estimator.weights_, dtype=float)):
        rows: list[Row] = []
        for c in tested:
            if c.component == i:
                value, low, high = with_error(c.value, c.lower, c.upper, error=c.se)
                p = p_value(c.p) if c.p == c.p else ""
                rows.append((one_line(c.name), true_minus(value), span_of(low, high), p))
        for e in estimates:
            what, _, place = e.name.partition("[")
            if what in ("variance", "shape") and place in (f"{i}]", ""):
                value, low, high = with_error(e.value, e.lower, e.upper, error=e.se)
                rows.append((what, true_minus(value), span_of(low, high), ""))
        known = weights.get(f"weight[{i}]")
        told = len(weights) > 1 and known is not None and known.lower == known.lower
        cards.append(
            Card(
                f"Component {i}",
                glyph(i),
                colour(i),
                share(float(weight)),
                f"{100 * known.lower:.1f} to {100 * known.upper:.1f} %" if told and known else "",
                whole(int((labels == i).sum())),
                whole(int((sureness[labels == i] < 0.9).sum())),
                rows,
            )
        )
    return cards


def _views(estimator: Any, estimates: list[Any], k: int, standard_errors: bool) -> list[View]:
    made: list[View] = []
    if k > 1 and estimator.n_parameters_ <= MOST_PARAMETERS:
        made.append(profile_view(estimator, None, standard_errors))
    logits = [c for c in estimator.tested(estimates) if c.part == "membership"]
    if logits:
        table = html_table(coefficient_table("", logits, LEVEL))
        words = "Coefficients of the logits of membership, against component 0."
        made.append(View("What decides the component: covariates", table, words, False, True))
    return made
