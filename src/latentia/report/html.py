"""The report: one HTML file that needs no network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from latentia.data.files import write_atomically

from . import wording
from .cards import GENERAL_HEADS, HEADS, cards_of
from .chain_page import render_chain
from .discriminant_page import render_discriminant
from .displays import (
    DensityDisplay,
    ItemResponsesDisplay,
    MarginalsDisplay,
    MembershipDisplay,
    PairsDisplay,
)
from .displays.canvas import Array
from .displays.strips import Steps
from .factor_page import render_factors
from .figures import svg
from .formatting import (
    one_line,
    shorten,
    whole,
    with_interval,
)
from .kinds import (
    is_discriminant,
    is_gaussian,
    is_hidden_markov,
    is_imputer,
    is_latent_class,
    is_mixture,
    is_regression,
    is_variational,
)
from .missing_page import has_page, render_imputations
from .page import LEVEL, climb_figure, common, criterion_figure, interval_note, judged, rendered
from .plain_page import render_plain
from .regression_page import render_regression
from .rendering import html_table
from .summary import (
    PlainEstimate,
    column_names,
    covariance_words,
    estimates_of,
    in_use,
    is_told_of,
)
from .tables import Table
from .views import views_of

MOST_POINTS = 5000
"""Rows drawn in the figure of the fit."""


def write_report(
    path: str | os.PathLike[str],
    *,
    estimator: Any,
    X: Any,
    columns: Sequence[str] | None = None,
    source: str,
    selection: Any = None,
    command: str = "",
    title: str | None = None,
    standard_errors: bool = True,
    steps: Steps | None = None,
    **told: Any,
) -> None:
    """Write a report on a fitted model as one HTML file.

    The file holds its styles and figures and runs no script. The same fit gives the same bytes.

    Parameters
    ----------
    path : path-like
        The file to write; one that exists is replaced once the new one is complete.
    estimator : estimator
        Fitted to X. Mixtures, regressions, discriminants, hidden Markov models, factors and
        `EMImputer` have pages of their own; that of any other is its summary and its plots.
    X : array-like of shape (n, D)
        Of a hidden Markov model one sequence, or several one behind the other; of regressions
        columns by name.
    columns : sequence of str, optional
        Names of the D columns; regressions know theirs.
    source : str
        Where the data come from, as the reader knows it: the name of a file.
    selection : Selection, optional
        The sweep in which the estimator won.
    command : str, default=""
        What to type to repeat all this; a call in Python by default.
    title : str, optional
        Heads the page.
    standard_errors : bool, default=True
        Whether to compute standard errors, which may take longer than all the rest.
    steps : Steps, optional
        Of a hidden Markov model: which rows are a sequence, and when each was.
    **told
        What `fit` took besides: `groups`, `offset` and `trials` of regressions, `lengths`, `id`
        and `time` of states with regressions, and `y`, which of a `MixtureDiscriminant` are the
        classes.

    Raises
    ------
    ImportError
        matplotlib or Jinja2 is not installed.
    ValueError
        `columns` does not name every column, or another model won the selection.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from latentia import GaussianMixture, datasets
    >>> faithful = datasets.load("faithful")
    >>> fitted = GaussianMixture(2, random_state=0).fit(faithful.values)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "report.html")
    ...     write_report(
    ...         path,
    ...         estimator=fitted,
    ...         X=faithful.values,
    ...         columns=faithful.columns,
    ...         source="faithful.csv",
    ...     )
    ...     "Two groups" in path.read_text(encoding="utf-8")
    True
    """
    by_formula = is_regression(estimator)
    names = [] if by_formula else column_names(estimator, columns)
    chain = is_hidden_markov(estimator)
    plain_chain = chain and not hasattr(estimator, "dwell_times")
    if told and not (plain_chain or by_formula or is_discriminant(estimator)):
        raise TypeError(
            f"got {', '.join(told)} for {type(estimator).__name__}, expected them for regressions "
            "or discriminants alone; leave them out"
        )
    if selection is not None:
        _require_winner(estimator, selection)
    with warnings.catch_warnings():
        # an array for a model that was fitted to a data frame; letters that a font has not
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        asked = (estimator, X, names, source, selection, command, title, standard_errors)
        if hasattr(estimator, "components_"):
            page = render_factors(estimator, source, selection, None, command, title)
        elif chain and not plain_chain:
            page = render_chain(*asked, Steps() if steps is None else steps)
        elif by_formula:
            rest = (source, selection, command, title, standard_errors)
            page = render_regression(estimator, X, told, *rest)
        elif is_discriminant(estimator):
            page = render_discriminant(estimator, X, names, source, command, title, **told)
        elif is_mixture(estimator):
            page = render(*asked)
        elif is_imputer(estimator) and has_page(estimator, X):
            page = render_imputations(estimator, X, source, command, title)
        else:
            told |= {} if steps is None else steps._asdict()
            rest = (source, selection, command, title, standard_errors)
            page = render_plain(estimator, X, told, *rest)
    write_atomically(path, page)


def _require_winner(estimator: Any, selection: Any) -> None:
    """The sweep must be the one that the estimator won, or the report would contradict itself."""
    chosen, has = selection.candidates[selection.best].settings, estimator.get_params(deep=False)
    for name, value in chosen.items():
        if name in has and has[name] is not value and str(has[name]) != str(value):
            raise ValueError(
                f"got an estimator with {name}={has[name]!r} and a selection won by "
                f"{name}={value!r}; give the selection's best_estimator"
            )


def render(
    estimator: Any,
    X: Any,
    columns: list[str],
    source: str,
    selection: Any,
    command: str,
    title: str | None,
    standard_errors: bool,
) -> str:
    """The page as text."""
    resp = np.asarray(estimator.predict_proba(X), dtype=float)
    labels, sureness = resp.argmax(axis=1), resp.max(axis=1)
    estimates, note = estimates_of(estimator, LEVEL, standard_errors, columns)
    n, k = resp.shape
    gaussian = is_gaussian(estimator)
    cards = cards_of(estimator, columns, labels, sureness, estimates)
    return rendered(
        "template.html.j2",
        **common(estimator, source, selection, command, "group"),
        title=one_line(title or f"The groups hidden in {source}"),
        question=wording.question(n, columns),
        headline=wording.headline(in_use(estimator)),
        answer=wording.answer(estimator, columns, sureness, selection),
        figures=_figures(estimator, X, columns, labels, sureness, selection),
        strip=[
            ("rows", whole(n)),
            ("columns", whole(len(columns))),
            ("groups", whole(in_use(estimator))),
            *judged(estimator),
        ],
        fit_words=_fit_words(estimator, len(columns), k, n),
        wide=len(columns) > 2,
        grid_width=min(620, 130 * min(len(cards[0].rows), 6)),
        heads=HEADS if gaussian else GENERAL_HEADS,
        cards=[card for i, card in enumerate(cards) if is_told_of(estimator, i)],
        interval_note=interval_note(estimates, note, is_variational(estimator)),
        covariances=_covariances(estimates if gaussian else []),
        covariance_words=covariance_words(estimator) if gaussian else "",
        views=views_of(estimator, X, columns, standard_errors),
        membership_words=wording.membership_words(labels, sureness),
    )


def _fit_words(estimator: Any, n_columns: int, k: int, n: int) -> str:
    """How to read the figure of the fit."""
    if is_latent_class(estimator):
        return wording.response_words(k)
    if is_gaussian(estimator):
        return wording.fit_words(n_columns, k, n, min(n, MOST_POINTS))
    return wording.marginal_words(n_columns, k)


def _figures(
    estimator: Any, X: Any, columns: list[str], labels: Any, sureness: Array, selection: Any
) -> dict[str, str]:
    k, d = len(estimator.weights_), len(columns)
    groups = wording.headline(k).lower()
    drawn = criterion_figure(selection, "components")
    if is_latent_class(estimator):
        shown = min(len(estimator.probabilities_), 12)
        drawn["fit"] = svg(
            lambda f: ItemResponsesDisplay.from_estimator(estimator, columns=columns, figure=f),
            name="fit",
            alt=f"Probabilities of the answers to {shorten(', '.join(columns), 200)}, for {groups}",
            size=(2.2 * min(shown, 4) + 0.6, 2.3 * -(-shown // 4)),
        )
    elif not is_gaussian(estimator):
        side = 1.6 * min(d, 3) + 3.3 if d > 1 else 4.9
        drawn["fit"] = svg(
            lambda f: MarginalsDisplay.from_estimator(estimator, X, columns=columns, figure=f),
            name="fit",
            alt=f"{shorten(', '.join(columns), 200)}, each under the densities of {groups}",
            size=(side, 3.5 if d == 1 else 2.5 * -(-min(d, 6) // 3)),
        )
    elif d == 1:
        drawn["fit"] = svg(
            lambda f: DensityDisplay.from_estimator(
                estimator, X, columns=columns, ax=f.add_subplot()
            ),
            name="fit",
            alt=f"Histogram of {columns[0]} under the densities of {groups}",
            size=(4.9, 3.5),
        )
    else:
        shown = min(d, 6)
        side = 4.9 if d == 2 else 1.25 * shown + 0.9
        drawn["fit"] = svg(
            lambda f: PairsDisplay.from_estimator(
                estimator, X, columns=columns, figure=f, max_points=MOST_POINTS
            ),
            name="fit",
            alt=f"Scatter plots of {shorten(', '.join(columns), 200)}: rows coloured by {groups}, "
            "with ellipses of one and two standard deviations",
            size=(side, 0.84 * side if d == 2 else side),
        )
    if k > 1:
        display = MembershipDisplay(labels=labels, sureness=sureness, n_components=k)
        drawn["membership"] = svg(
            lambda f: display.plot(ax=f.add_subplot()),
            name="membership",
            alt=f"Probability of each row's group, sorted, for {groups}; "
            f"{int((sureness < 0.9).sum())} of {len(sureness)} rows below 0.9",
            size=(4.9, 2.9),
        )
        drawn["climb"] = climb_figure(estimator)
    return drawn


def _covariances(estimates: list[PlainEstimate]) -> dict[str, Any]:
    rest = [e for e in estimates if e.name.startswith(("variance", "covariance"))]
    rows = tuple((one_line(e.name), *with_interval(e.value, e.se, e.lower, e.upper)) for e in rest)
    heads = ("parameter", "estimate", "std. error", f"{100 * LEVEL:g} % from", "to")
    return {"n": len(rest), "table": html_table(Table("", heads, rows, "lrrrr")) if rest else ""}
