"""The report on a table whose missing cells were filled in: one HTML file."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.engine import Status

from .displays.climb import ClimbDisplay
from .displays.holes import HolesDisplay
from .displays.imputed import ImputedDisplay
from .displays.overimputation import OverimputationDisplay
from .figures import svg
from .formatting import counted, fixed, one_line, share, shorten, status_word, true_minus, whole
from .missing import MOST_COLUMNS, normal_table, patterns_table
from .page import rendered, repeated
from .rendering import html_table
from .tables import Table

STARTS = 5
"""Climbs from far apart."""

LOW = 0.8
"""Share of intervals that hold their value below which the page warns, at a level of 0.9."""

DRAWN = {
    None: "Each was filled with what is expected of it given the rest of its row",
    "conditional": "Each was drawn from its distribution given the rest of its row, as estimated",
    "bootstrap": "Each was drawn given the rest of its row, under parameters fitted to rows drawn "
    "anew",
    "posterior": "Each was drawn given the rest of its row, under parameters drawn from their "
    "posterior",
}


def has_page(imputer: Any, X: Any) -> bool:
    """Whether there is something to say of what was filled in of X.

    There is not where the imputer came from a file, which does not keep the rows of the fit, or
    where X has no holes.
    """
    normal = imputer.normal_
    if normal is None or normal._data is None:
        return False
    hidden, _ = imputer.plot.diagnostics.hidden_of(imputer, X)
    return bool(hidden.any())


def render_imputations(imputer: Any, X: Any, source: str, command: str, title: str | None) -> str:
    """The page as text; see `write_report`.

    Parameters
    ----------
    imputer : EMImputer
        Fitted, not loaded from a file.
    X : array-like of shape (n, d)
        With holes.
    """
    diagnostics = imputer.plot.diagnostics
    normal, patterns = imputer.normal_, imputer.patterns_
    hidden, names = diagnostics.hidden_of(imputer, X)
    filled = diagnostics.filled_columns(imputer, X)
    over = diagnostics.overimpute(imputer, X)
    spread = diagnostics.disperse(imputer, STARTS)
    (n, d), cells = hidden.shape, int(hidden.sum())
    m = imputer.n_imputations
    shares = list(over.coverage().values())
    return rendered(
        "missing.html.j2",
        **repeated(normal, source, command or _call(imputer)),
        noun="class",
        grid_width=620,
        cards=[],
        title=one_line(title or f"What is missing in {source}"),
        question=f"What can stand for the {whole(cells)} missing cells of {whole(n)} rows?",
        headline=f"{counted(cells, 'cell')} filled in" + ("" if m == 1 else f", {m} times"),
        answer=_answer(imputer, hidden, names, m),
        cautions=_cautions(imputer, spread, shares),
        sweep=None,
        strip=[
            ("rows", whole(n)),
            ("columns", whole(d)),
            ("missing", share(cells / (n * d))),
            ("tables", whole(m)),
            ("log-likelihood", true_minus(fixed(normal.loglik_, 2))),
            ("fit", status_word(normal.fit_.status)),
        ],
        figures=_figures(hidden, names, filled, over, spread),
        holes_words=_holes_words(hidden),
        little=_little(imputer),
        patterns=html_table(patterns_table(patterns)) if d <= MOST_COLUMNS else "",
        densities_words=(
            "Bars are the values that were seen, lines those that were filled in"
            + (", thin ones each table\u2019s and the thick one all of them. " if m > 1 else ". ")
            + "They need not be alike: cells that are missing may be those of other rows. A "
            "difference that nothing in the data explains is what to look for."
        ),
        filled=html_table(_filled_table(filled)),
        overimputation_words=(
            f"Each value that was seen, treated as missing: a dot is what would have been filled "
            f"in, a line the interval that is to hold the value in {100 * over.level:g}\u00a0% of "
            "cases, orange where it does not. On the slanted line both are the same. Intervals "
            "that are as wide as the column itself say that the others tell little of it."
        ),
        coverage=html_table(_coverage_table(over)),
        model_words=_model_words(imputer),
        n_parameters=whole(normal.n_parameters_),
        parameters=html_table(normal_table(normal.estimates())),
        climb_words=(
            f"EM was started {STARTS} times from parameters far apart. Each line shows how far "
            f"below the top such a climb still was. {spread}"
        ),
        converged=normal.fit_.status is Status.CONVERGED,
        certificate=normal.certificate_.sentences(),
    )


def _call(imputer: Any) -> str:
    return f"from latentia import EMImputer\n\n{imputer!r}.fit(X)"


def _answer(imputer: Any, hidden: Any, names: list[str], m: int) -> list[str]:
    counts = hidden.sum(axis=0)
    with_holes = [(names[j], int(counts[j])) for j in np.argsort(-counts) if counts[j]]
    told = ", ".join(f"{shorten(name, 40)} ({whole(k)})" for name, k in with_holes[:8])
    more = f" and {counted(len(with_holes) - 8, 'more column')}" if len(with_holes) > 8 else ""
    made = [f"They are in {told}{more}.", f"{DRAWN[imputer.draw]}."]
    if m > 1:
        made.append(
            f"The {m} tables differ by what is not known. Do with each of them what is to be done, "
            "and pool the results."
        )
    elif imputer.draw is None:
        made.append(
            "A table filled with expectations is for prediction: standard errors from it are too "
            "small."
        )
    return made


def _cautions(imputer: Any, spread: Any, shares: list[float]) -> list[str]:
    found: list[str] = []
    if imputer.normal_.fit_.status is not Status.CONVERGED:
        found.append(str(imputer.normal_.fit_.status))
    if not spread.one_top:
        found.append(str(spread))
    if shares and min(shares) < LOW:
        found.append(
            f"In one column only {share(min(shares))} of the intervals hold the value that was "
            "seen; a logarithm or bounds may suit it better."
        )
    return found


def _holes_words(hidden: Any) -> str:
    whole_rows = int((~hidden.any(axis=1)).sum())
    return (
        f"Rows from the first at the top to the last. {counted(whole_rows, 'row')} of "
        f"{whole(len(hidden))} {'has' if whole_rows == 1 else 'have'} no hole. What follows is "
        "right where cells are missing at random: whether one is missing may depend on what was "
        "seen of its row, but not on its own value, which these data cannot tell."
    )


def _little(imputer: Any) -> str:
    try:
        return str(imputer.little_test())
    except (ValueError, np.linalg.LinAlgError) as error:
        return f"There is no Little\u2019s test: {error}."


def _filled_table(filled: list[Any]) -> Table:
    rows: list[tuple[str, ...]] = []
    for name, seen, imputed, labels in filled:
        cells = whole(imputed.shape[1])
        if labels:
            for i, label in enumerate(labels):
                known, made = (share(float((v == i).mean())) for v in (seen, imputed))
                rows.append((one_line(f"{name} = {label}"), cells, known, "", made, ""))
            continue
        numbers = (seen.mean(), seen.std(), imputed.mean(), imputed.std(axis=1).mean())
        rows.append((one_line(name), cells, *(f"{number:.4g}" for number in numbers)))
    heads = ("column", "missing", "seen: mean", "std. dev.", "filled: mean", "std. dev.")
    return Table("", heads, tuple(rows), "lrrrrr")


def _coverage_table(over: Any) -> Table:
    rows: list[tuple[str, ...]] = []
    for j, name in enumerate(over.columns):
        mine = over.column == j
        if mine.any():
            width = np.median(over.high[mine] - over.low[mine])
            span = over.truth[mine].std()
            held = share(float(over.covered[mine].mean()))
            ratio = f"{width / span:.2f}" if span > 0 else ""
            rows.append((one_line(name), whole(mine.sum()), held, f"{width:.4g}", ratio))
    heads = ("column", "values", "held", "width of interval", "in std. dev.")
    return Table("", heads, tuple(rows), "lrrrr")


def _model_words(imputer: Any) -> str:
    scales = imputer.transforms or {}
    told = "The columns are taken to be normal together"
    if scales:
        named = ", ".join(f"{shorten(str(k), 30)} as its {WORDS[v]}" for k, v in scales.items())
        told += f", {named}"
    parts = [told]
    if imputer.nominal is not None and len(imputer.nominal):
        parts.append("categories stand as 0 and 1")
    if imputer.panel is not None:
        parts.append("with what time and unit add to them")
    if imputer.ridge:
        rows = "1 row" if imputer.ridge == 1 else f"{imputer.ridge:g} rows"
        parts.append(f"under a prior of no correlations worth {rows}")
    return "; ".join(parts) + "."


WORDS = {"log": "logarithm", "sqrt": "square root", "logit": "logit"}


def _figures(
    hidden: Any, names: list[str], filled: list[Any], over: Any, spread: Any
) -> dict[str, str]:
    def side(n: int) -> tuple[int, int]:
        return min(n, 3), -(-min(n, 12) // 3)

    across, down = side(len(filled))
    wide, high = side(len(over.columns))
    drawn = {
        "holes": svg(
            lambda f: HolesDisplay(hidden=hidden, columns=names).plot(figure=f),
            name="holes",
            alt=f"A map of {whole(hidden.sum())} missing cells in {counted(len(names), 'column')}",
            size=(4.9, 4.6),
        ),
        "densities": svg(
            lambda f: ImputedDisplay(filled=filled).plot(figure=f),
            name="densities",
            alt="Values seen and filled in of "
            + shorten(", ".join(column.name for column in filled), 160),
            size=(2.75 * across + 0.3, 2.2 * down + 0.3),
        ),
        "climb": svg(
            lambda f: ClimbDisplay.from_estimator(spread, ax=f.add_subplot()),
            name="climb",
            alt=f"Nats below the top against E-steps, for {STARTS} starts far apart",
            size=(4.7, 3.1),
        ),
    }
    if len(over.row):
        drawn["overimputation"] = svg(
            lambda f: OverimputationDisplay(overimputation=over).plot(figure=f),
            name="overimputation",
            alt="What would be filled in for values that were seen, against these, of "
            + shorten(", ".join(over.columns), 160),
            size=(2.75 * wide + 0.3, 2.6 * high + 0.3),
        )
    return drawn
