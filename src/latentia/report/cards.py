"""The groups one by one, as the report shows them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .displays.canvas import Array, colour, glyph
from .formatting import (
    FIGURE_SPACE,
    POINT_SPACE,
    decimals_for,
    fixed,
    group,
    on_the_point,
    share,
    significant,
    true_minus,
    whole,
    with_error,
)
from .kinds import is_gaussian
from .summary import PlainEstimate, of_component

Row = tuple[str, str, str, str]

HEADS = ("column", "mean", "std. dev.")
GENERAL_HEADS = ("parameter", "estimate", "")
"""Over the first, second and last cell of a card's rows."""

MOST_SHOWN = 24
"""Parameters of a group that is not Gaussian; `parameter_table` has all."""


class Card(NamedTuple):
    """One group: its name, colour, size, and rows as `HEADS` or `GENERAL_HEADS` name them."""

    name: str
    glyph: str
    colour: str
    share: str
    interval: str
    n_rows: str
    n_unsure: str
    rows: list[Row]


def cards_of(
    estimator: Any,
    columns: list[str],
    labels: Any,
    sureness: Array,
    estimates: list[PlainEstimate],
) -> list[Card]:
    """A card for each group, in the order of the components."""
    weights = [e for e in estimates if e.name.startswith("weight[")]
    k = len(estimator.weights_)
    if not is_gaussian(estimator):
        others = [e for e in estimates if e not in weights]
        weights = weights or [PlainEstimate("", float(w)) for w in estimator.weights_]
        of_each = [parameters_of(i, others) for i in range(k)]
        return [_card(i, k, weights[i], labels, sureness, rows) for i, rows in enumerate(of_each)]
    d = np.shape(estimator.means_)[1]
    means = [e for e in estimates if e.name.startswith("mean[")]
    deviations = np.sqrt(
        np.diagonal(np.asarray(estimator.covariance_matrices(), dtype=float), axis1=1, axis2=2)
    )
    cards: list[Card] = []
    for i in range(k):
        mine = means[i * d : (i + 1) * d]
        texts = [
            with_error(e.value, e.lower, e.upper, error=e.se if e.se > 0 else float(s))
            for s, e in zip(deviations[i], mine, strict=True)
        ]
        shown = on_the_point([t[0] for t in texts], FIGURE_SPACE, POINT_SPACE)
        spreads = [_spread(s, e) for s, e in zip(deviations[i], mine, strict=True)]
        spreads = on_the_point(spreads, FIGURE_SPACE, POINT_SPACE)
        rows = [
            (name, true_minus(mean), span_of(t[1], t[2]), spread)
            for name, mean, t, spread in zip(columns, shown, texts, spreads, strict=True)
        ]
        cards.append(_card(i, k, weights[i], labels, sureness, rows))
    return cards


def _card(
    i: int, k: int, weight: PlainEstimate, labels: Any, sureness: Array, rows: list[Row]
) -> Card:
    known = k > 1 and weight.lower == weight.lower
    return Card(
        group(i).capitalize(),
        glyph(i),
        colour(i),
        share(float(weight.value)),
        f"{100 * weight.lower:.1f} to {100 * weight.upper:.1f} %" if known else "",
        whole(int((labels == i).sum())),
        whole(int((sureness[labels == i] < 0.9).sum())),
        rows,
    )


def parameters_of(i: int, estimates: list[PlainEstimate]) -> list[Row]:
    """A group's own parameters, at most `MOST_SHOWN`, such as ("rate (visits)", "5.83", ...)."""
    rows: list[Row] = []
    for what, place, e in of_component(estimates, i):
        value, lower, upper = with_error(e.value, e.lower, e.upper, error=e.se)
        name = f"{what} ({place})" if place else what
        rows.append((name, true_minus(value), span_of(lower, upper), ""))
    return rows[:MOST_SHOWN]


def _spread(deviation: float, mean: PlainEstimate) -> str:
    """A standard deviation to as many decimals as are readable beside its mean."""
    if mean.se == mean.se and mean.se > 0 and deviation > 0:
        return fixed(float(deviation), min(decimals_for(mean.se), decimals_for(float(deviation))))
    return significant(float(deviation), 3)


def span_of(lower: str, upper: str) -> str:
    """An interval in words, where there is one."""
    if lower and lower == upper:
        return "held"  # by an edge or a floor
    return f"{true_minus(lower)} to {true_minus(upper)}" if lower and upper else ""
