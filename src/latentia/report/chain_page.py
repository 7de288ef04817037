"""The report on a hidden Markov model."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import wording
from .cards import GENERAL_HEADS, Card, parameters_of
from .displays.canvas import Array, colour, glyph
from .displays.dwell import DwellTimesDisplay
from .displays.forecast import ForecastDisplay
from .displays.residuals import PseudoResidualsDisplay
from .displays.ribbon import StateProbabilityDisplay
from .displays.series import StateSequenceDisplay, means_of
from .displays.strips import MOST_COLUMNS, Steps, n_shown
from .displays.transitions import TransitionGraphDisplay
from .figures import svg
from .formatting import (
    counted,
    fixed,
    listed,
    one_line,
    share,
    shorten,
    significant,
    state,
    whole,
    with_error,
)
from .letters import lettered
from .page import LEVEL, climb_figure, common, criterion_figure, interval_note, judged, rendered
from .rendering import html_table
from .summary import PlainEstimate, estimates_of
from .sweep import settings_words
from .tables import Table

AHEAD = 12
"""Steps of the forecast that is drawn."""


def render_chain(
    estimator: Any,
    X: Any,
    columns: list[str],
    source: str,
    selection: Any,
    command: str,
    title: str | None,
    standard_errors: bool,
    steps: Steps,
) -> str:
    """The page as text; see `write_report`."""
    resp = np.asarray(estimator.predict_proba(X, steps.lengths), dtype=float)
    labels = np.asarray(estimator.predict(X, steps.lengths))
    estimates, note = estimates_of(estimator, LEVEL, standard_errors, columns)
    estimates = [e._replace(name=lettered(estimator, e.name)) for e in estimates]
    n, k = resp.shape
    m = 1 if steps.lengths is None else len(steps.lengths)
    sureness = resp[np.arange(n), labels]
    moves = [e for e in estimates if e.name.startswith("transition[")]
    return rendered(
        "chain.html.j2",
        **common(estimator, source, selection, command, "state"),
        title=one_line(title or f"The states behind {source}"),
        question=_question(n, m, columns),
        headline=f"{_number(k)} state{'s' * (k > 1)}",
        answer=_answer(estimator, columns, sureness, selection),
        figures=_figures(estimator, X, columns, selection, steps),
        strip=[
            ("steps", whole(n)),
            ("sequence" if m == 1 else "sequences", whole(m)),
            ("column" if len(columns) == 1 else "columns", whole(len(columns))),
            *judged(estimator),
        ],
        series_words=_series_words(estimator, labels, sureness),
        heads=GENERAL_HEADS,
        cards=_cards(estimator, labels, sureness, estimates),
        interval_note=interval_note(estimates, note, False),
        transitions=_transitions(moves),
        dwell_words=_dwell_words(estimator),
        residual_words=_residual_words(estimator, X, steps),
        ahead=AHEAD,
        grid_width=620,
    )


def _number(k: int) -> str:
    return wording.NUMBERS[k] if k < len(wording.NUMBERS) else str(k)


def _question(n: int, m: int, columns: list[str]) -> str:
    named = [shorten(name, 40) for name in columns[:6]]
    if len(columns) > 6:
        named.append(f"{len(columns) - 6} more")
    where = "" if m == 1 else f" in {counted(m, 'sequence')}"
    return (
        f"Which states lie behind these {whole(n)} steps{where} of "
        f"{counted(len(columns), 'column')} ({listed(named)}), and how do they follow one another?"
    )


def _answer(estimator: Any, columns: list[str], sureness: Array, selection: Any) -> list[str]:
    k = len(estimator.startprob_)
    if selection is None or len(selection.candidates) < 2:
        told = [f"{_number(k)} state{'s were' if k > 1 else ' was'} asked for."]
    else:
        winner = settings_words(selection.candidates[selection.best].settings)
        told = [
            f"Of {len(selection.candidates)} candidates, the model of {winner} was chosen by "
            f"{selection.criterion.upper()}."
        ]
    if k == 1:
        return told
    if k <= 5:
        told.append(_portraits(estimator, columns))
    clear = share(float(np.mean(sureness >= 0.9)))
    told.append(f"At {clear} of the steps the state is known with at least 90\u00a0% probability.")
    return told


def _portraits(estimator: Any, columns: list[str]) -> str:
    """How often each state is in force, for how long, and what it makes."""
    shares = estimator.get_stationary_distribution()
    lasts = estimator.dwell_times().mean
    means = means_of(estimator)
    if means is None:
        means = np.full((len(shares), len(columns)), np.nan)
    shown = [j for j in range(len(columns)) if np.isfinite(means[:, j]).all()][:2]
    parts: list[str] = []
    for i in np.argsort(-shares, kind="stable"):
        made = listed([f"{shorten(columns[j], 30)} {significant(means[i, j], 3)}" for j in shown])
        about = f", around {made}" if made else ""
        last = "is never left" if np.isinf(lasts[i]) else f"lasts {fixed(lasts[i], 1)} steps"
        parts.append(
            f"{state(int(i))} is in force {share(float(shares[i]))} of the time in the "
            f"long run and {last}{about}"
        )
    told = "; ".join(parts) + "."
    return told[0].upper() + told[1:]


def _cards(
    estimator: Any, labels: Any, sureness: Array, estimates: list[PlainEstimate]
) -> list[Card]:
    """A card for each state, with what it makes."""
    made = [e for e in estimates if not e.name.startswith(("start[", "transition["))]
    shares = estimator.get_stationary_distribution()
    return [
        Card(
            state(i).capitalize(),
            glyph(i),
            colour(i),
            share(float(shares[i])),
            "",
            whole(int((labels == i).sum())),
            whole(int((sureness[labels == i] < 0.9).sum())),
            parameters_of(i, made),
        )
        for i in range(len(shares))
    ]


def _transitions(moves: list[PlainEstimate]) -> str:
    """All transition probabilities with their intervals, as a table."""
    rows: list[tuple[str, ...]] = []
    for e in moves:
        value, lower, upper = with_error(e.value, e.lower, e.upper, error=e.se)
        span = f"{lower} to {upper}" if lower and upper else ""
        if e.se == 0:  # on the edge of what is allowed
            value, span = f"{e.value:g}", "held"
        name = e.name.removeprefix("transition[").removesuffix("]").replace(", ", " → ")
        rows.append((name, value, span))
    heads = ("from → to", "probability", f"{100 * LEVEL:g} % interval")
    shown = 3 if any(row[2] for row in rows) else 2
    cut = tuple(row[:shown] for row in rows)
    return html_table(Table("", heads[:shown], cut, "lrr"[:shown]))


def _series_words(estimator: Any, labels: Any, sureness: Array) -> str:
    told = (
        "Each point is a step in the colour of its state on the likeliest path of states "
        "(Viterbi’s)."
    )
    means = means_of(estimator)
    if means is not None and np.isfinite(means).any():
        told += " The coloured lines are the states’ means."
    unsure = int((sureness < 0.9).sum())
    if not unsure:
        return told
    verb = "has" if unsure == 1 else "have"
    return told + (
        f" {counted(unsure, 'step')} of {whole(len(labels))} {verb} a state of less than 0.9 "
        "probability."
    )


def _dwell_words(estimator: Any) -> str:
    told = (
        "Discs are as large as the states’ shares in the long run, arrows as wide as their "
        "transition is probable; what is below 0.005 is left out."
    )
    if len(estimator.startprob_) == 1:
        return "With one state there is nothing to follow."
    return told


def _residual_words(estimator: Any, X: Any, steps: Steps) -> str:
    """What the residuals show; empty where the family has none."""
    try:
        found = estimator.pseudo_residuals(X, steps.lengths)
    except TypeError:
        return ""
    z = found.randomised(random_state=0)
    z = z[np.isfinite(z)]
    beyond = float(np.mean(np.abs(z) > 1.96))
    return (
        "A residual tells where a step lies in the distribution that the model gives it from all "
        "the others. If the model is true they are standard normal: 5\u00a0% lie beyond the dashed "
        "lines, and their quantiles keep to the diagonal, within the grey band. Here "
        f"{share(beyond)} lie beyond."
    )


def _figures(
    estimator: Any, X: Any, columns: list[str], selection: Any, steps: Steps
) -> dict[str, str]:
    k, d = len(estimator.startprob_), min(len(columns), MOST_COLUMNS)
    m = n_shown(1 if steps.lengths is None else len(steps.lengths), len(columns))
    drawn = criterion_figure(selection, "states")
    placed = {"at": steps.at, "axis": steps.axis, "names": steps.names}
    named = shorten(", ".join(columns), 200)
    drawn["series"] = svg(
        lambda f: StateSequenceDisplay.from_estimator(
            estimator, X, steps.lengths, columns=columns, figure=f, **placed
        ),
        name="series",
        alt=f"{named} over time, each step in the colour of its state",
        size=(8.6, min(1.35 * m * d + 0.9, 13.0)),
    )
    if k > 1:
        drawn["ribbon"] = svg(
            lambda f: StateProbabilityDisplay.from_estimator(
                estimator, X, steps.lengths, figure=f, **placed
            ),
            name="ribbon",
            alt="Probabilities of the states at each step, stacked",
            size=(8.6, 0.95 * m + 0.9),
        )
        drawn["transitions"] = svg(
            lambda f: TransitionGraphDisplay.from_estimator(estimator, ax=f.add_subplot()),
            name="transitions",
            alt=f"{counted(k, 'state')} as discs, with arrows for their transitions",
            size=(4.4, 2.4 if k == 2 else 4.2),
        )
        across = min(k, 3)
        drawn["dwell"] = svg(
            lambda f: DwellTimesDisplay.from_estimator(estimator, X, steps.lengths, figure=f),
            name="dwell",
            alt="Distributions of the number of steps in a row in each state",
            size=(2.7 * across + 0.5, 2.1 * -(-min(k, 9) // across) + 0.2),
        )
        drawn["climb"] = climb_figure(estimator)
    try:
        drawn["residuals"] = svg(
            lambda f: PseudoResidualsDisplay.from_estimator(
                estimator, X, steps.lengths, columns=columns, figure=f
            ),
            name="residuals",
            alt=f"Pseudo-residuals of {named} by step, and their quantiles against the normal’s",
            size=(8.6, 2.5 * d + 0.3),
        )
        drawn["forecast"] = svg(
            lambda f: ForecastDisplay.from_estimator(
                estimator, X, steps.lengths, steps=AHEAD, columns=columns, figure=f
            ),
            name="forecast",
            alt=f"The last steps of {named}, and quantiles of the next {AHEAD}",
            size=(6.4, 2.0 * d + 0.5),
        )
    except TypeError:
        pass  # a family that says nothing of single columns
    return drawn
