"""Summaries of switching regressions: coefficients with their tests, moves, the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .formatting import counted, fixed, one_line, shorten, with_error, with_interval
from .hidden_markov import facts
from .parameters import with_errors
from .regression import p_value
from .tables import Summary, Table

TITLES = {
    "response": "Coefficients of the responses, by state",
    "transition": "Logits of moves from state to state, against moving to state 0",
    "start": "Logits of first states, against state 0",
}


def summarise_switching(
    estimator: Any, level: float = 0.95, standard_errors: bool = True
) -> Summary:
    """What a fitted switching regression says of its data.

    Parameters
    ----------
    estimator : MarkovRegression
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether to compute standard errors.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import MarkovRegression, datasets
    >>> years = datasets.load("earthquakes")
    >>> data = dict(zip(years.columns, years.values.T))
    >>> model = MarkovRegression("count ~ 1", family="poisson", random_state=0).fit(data)
    >>> print(summarise_switching(model, standard_errors=False))
    Markov-switching regression of 2 states: count ~ 1 (poisson)
    ======...
    data            107 steps in 1 sequence, 0 columns
    ...
    """
    estimates, note = with_errors(estimator, level, standard_errors)
    tested = estimator.tested(estimates)
    tables = [
        _tested(title, [row for row in tested if row.part == part], level)
        for part, title in TITLES.items()
    ]
    names = {row.name for row in tested}
    others = [e for e in estimates if e.name not in names]
    states = counted(estimator.n_states, "state")
    return Summary(
        shorten(one_line(f"Markov-switching regression of {states}: {estimator.described()}"), 120),
        facts(estimator),
        tuple(table for table in [*tables, _others(others, level)] if table.rows),
        (*([note] if note else []), *estimator.certificate_.sentences()),
    )


def _tested(title: str, rows: Sequence[Any], level: float) -> Table:
    """Coefficients with standard errors, z and p, where they are known."""
    known = any(row.se == row.se for row in rows)
    heads: tuple[str, ...] = ("state, term", "estimate")
    if known:
        heads += ("std. error", "z", "P(>|z|)", *_ends(level))
    made: list[tuple[str, ...]] = []
    for row in rows:
        value, se, low, high = with_error(row.value, row.se, row.lower, row.upper, error=row.se)
        sure = ("", "") if row.z != row.z else (fixed(row.z, 2), p_value(row.p))
        place = one_line(row.name.partition("[")[2].removesuffix("]"))
        made.append((place, value, se, *sure, low, high)[: len(heads)])
    return Table(title, heads, tuple(made), "l" + "r" * (len(heads) - 1))


def _others(estimates: Sequence[Any], level: float) -> Table:
    known = any(e.se == e.se for e in estimates)
    heads: tuple[str, ...] = ("parameter", "estimate")
    if known:
        heads += ("std. error", *_ends(level))
    rows = tuple(
        (one_line(e.name), *with_interval(e.value, e.se, e.lower, e.upper))[: len(heads)]
        for e in estimates
    )
    return Table("Other parameters", heads, rows, "l" + "r" * (len(heads) - 1))


def _ends(level: float) -> tuple[str, str]:
    return f"{100 * level:g} % from", "to"
