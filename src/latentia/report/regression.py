"""Summaries of mixtures of regressions: coefficients with their tests, component by component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .formatting import FIRST_GROUP, counted, fixed, one_line, shorten, with_error, with_interval
from .parameters import with_errors
from .summary import mixture_facts
from .tables import Summary, Table


def summarise_regression(
    estimator: Any, level: float = 0.95, standard_errors: bool = True
) -> Summary:
    """What a fitted mixture of regressions says of its data.

    Parameters
    ----------
    estimator : MixtureRegression
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
    >>> from latentia import MixtureRegression, datasets
    >>> countries = datasets.load("co2")
    >>> data = dict(zip(countries.columns, countries.values.T))
    >>> print(summarise_regression(MixtureRegression("co2 ~ gnp", random_state=0).fit(data)))
    Mixture of 2 linear regressions, co2 ~ gnp
    ==========================================
    data             28 rows, 1 column
    ...
    """
    estimates, note = with_errors(estimator, level, standard_errors)
    notes = (note,) if note else ()
    tested = estimator.tested(estimates)
    parts = {part: [c for c in tested if c.part == part] for part in ("response", "membership")}
    others = [e for e in estimates if e.name.startswith(("weight", "variance", "shape"))]
    tables = [coefficient_table("Coefficients", parts["response"], level)]
    if parts["membership"]:
        against = f"Logits of membership, against component {FIRST_GROUP}"
        tables.append(coefficient_table(against, parts["membership"], level))
    if others:
        tables.append(_others(others, level))
    return Summary(
        title_of_regression(estimator),
        _facts(estimator),
        tuple(tables),
        (*notes, *estimator.certificate_.sentences()),
    )


def title_of_regression(estimator: Any) -> str:
    """What kind of mixture it is, with its formulas."""
    words = estimator.described()
    k = len(estimator.weights_)
    if k == 1:
        return shorten(
            one_line(words[0].upper() + words[1:].replace("regressions", "regression")), 120
        )
    return shorten(one_line(f"Mixture of {k} {words}"), 120)


def _facts(estimator: Any) -> tuple[tuple[str, str], ...]:
    n_rows, n_units = estimator.fit_.n_obs, estimator.fit_.n_units
    facts = mixture_facts(estimator)
    if n_units < n_rows:
        (label, words), *others = facts
        facts = ((label, f"{words}, {counted(n_units, 'subject')}"), *others)
    return facts


def coefficient_table(title: str, rows: Sequence[Any], level: float) -> Table:
    """Coefficients with standard errors, z and p, where they are known."""
    known = any(row.se == row.se for row in rows)
    heads: tuple[str, ...] = ("component", "term", "estimate")
    if known:
        heads += ("std. error", "z", "P(>|z|)", f"{100 * level:g} % from", "to")
    made: list[tuple[str, ...]] = []
    for row in rows:
        value, se, low, high = with_error(row.value, row.se, row.lower, row.upper, error=row.se)
        tests = (_or_blank(row.z, fixed(row.z, 2)), _or_blank(row.p, p_value(row.p)))
        cells = (str(row.component + FIRST_GROUP), one_line(row.name), value, se, *tests, low, high)
        made.append(cells[: len(heads)])
    return Table(title, heads, tuple(made), "ll" + "r" * (len(heads) - 2))


def _others(estimates: Sequence[Any], level: float) -> Table:
    known = any(e.se == e.se for e in estimates)
    heads: tuple[str, ...] = ("parameter", "estimate")
    if known:
        heads += ("std. error", f"{100 * level:g} % from", "to")
    rows = tuple(
        (e.name, *with_interval(e.value, e.se, e.lower, e.upper))[: len(heads)] for e in estimates
    )
    return Table("Other parameters", heads, rows, "l" + "r" * (len(heads) - 1))


def _or_blank(value: float, text: str) -> str:
    return text if value == value else ""


def p_value(p: float) -> str:
    """A p-value to three decimals, or that it is smaller.

    Examples
    --------
    >>> p_value(0.04321), p_value(1e-9)
    ('0.043', '<0.001')
    """
    return "<0.001" if p < 0.0005 else fixed(p, 3)
