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
from .summary import PlainEstimate


class Card(NamedTuple):
    """One group: its name, colour, size, and a row for each column."""

    name: str
    glyph: str
    colour: str
    share: str
    interval: str
    n_rows: str
    n_unsure: str
    rows: list[tuple[str, str, str, str]]


def cards_of(
    estimator: Any,
    columns: list[str],
    labels: Any,
    sureness: Array,
    estimates: list[PlainEstimate],
) -> list[Card]:
    """A card for each group, in the order of the components."""
    k, d = np.shape(estimator.means_)
    weights = [e for e in estimates if e.name.startswith("weight[")]
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
        weight = weights[i]
        known = k > 1 and weight.lower == weight.lower
        cards.append(
            Card(
                group(i).capitalize(),
                glyph(i),
                colour(i),
                share(float(weight.value)),
                f"{100 * weight.lower:.1f} to {100 * weight.upper:.1f} %" if known else "",
                whole(int((labels == i).sum())),
                whole(int((sureness[labels == i] < 0.9).sum())),
                [
                    (name, true_minus(mean), _span(t[1], t[2]), spread)
                    for name, mean, t, spread in zip(columns, shown, texts, spreads, strict=True)
                ],
            )
        )
    return cards


def _spread(deviation: float, mean: PlainEstimate) -> str:
    """A standard deviation to as many decimals as are readable beside its mean."""
    if mean.se == mean.se and mean.se > 0 and deviation > 0:
        return fixed(float(deviation), min(decimals_for(mean.se), decimals_for(float(deviation))))
    return significant(float(deviation), 3)


def _span(lower: str, upper: str) -> str:
    return f"{true_minus(lower)} to {true_minus(upper)}" if lower and upper else ""
