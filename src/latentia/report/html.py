"""The report: one HTML file that needs no network."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Any

import numpy as np

from latentia import __version__
from latentia.data.files import write_atomically
from latentia.engine import Status
from latentia.extras import require

from . import wording
from .cards import GENERAL_HEADS, HEADS, cards_of
from .displays import (
    ClimbDisplay,
    CriterionDisplay,
    DensityDisplay,
    ItemResponsesDisplay,
    MarginalsDisplay,
    MembershipDisplay,
    PairsDisplay,
)
from .displays.canvas import Array
from .figures import svg
from .formatting import (
    counted,
    fixed,
    one_line,
    shorten,
    status_word,
    true_minus,
    whole,
    with_error,
)
from .kinds import is_gaussian, is_latent_class, is_regression, is_variational
from .rendering import html_table
from .summary import (
    PlainEstimate,
    column_names,
    covariance_words,
    estimates_of,
    in_use,
    is_told_of,
    settings_used,
)
from .sweep import candidate_table, selection_notes, verdict
from .tables import Table

BEST_SHOWN = 8
"""Candidates in the open table; the rest are folded away."""

MOST_POINTS = 5000
"""Rows drawn in the figure of the fit."""

PACKAGES = (("NumPy", "numpy"), ("SciPy", "scipy"), ("scikit-learn", "scikit-learn"))
"""Whose versions are told."""

LEVEL = 0.95


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
) -> None:
    """Write a report on a fitted mixture as one HTML file.

    The file holds its styles and figures and runs no script. The same fit gives the same bytes.

    Parameters
    ----------
    path : path-like
        The file to write; one that exists is replaced once the new one is complete.
    estimator : GaussianMixture or Mixture
        Fitted to X.
    X : array-like of shape (n, D)
    columns : sequence of str, optional
        Names of the D columns.
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
    if is_regression(estimator):
        raise TypeError(
            "got a mixture of regressions, expected a mixture of rows: the page has no place for "
            "coefficients; use summary() and plot.lines(X)"
        )
    names = column_names(estimator, columns)
    if selection is not None:
        _require_winner(estimator, selection)
    with warnings.catch_warnings():
        # an array for a model that was fitted to a data frame; letters that a font has not
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        page = render(estimator, X, names, source, selection, command, title, standard_errors)
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
    jinja2 = require("jinja2", extra="plot")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files("latentia.report").joinpath("template.html.j2").read_text(encoding="utf-8")
    resp = np.asarray(estimator.predict_proba(X), dtype=float)
    labels, sureness = resp.argmax(axis=1), resp.max(axis=1)
    estimates, note = estimates_of(estimator, LEVEL, standard_errors, columns)
    n, k = resp.shape
    gaussian = is_gaussian(estimator)
    cards = cards_of(estimator, columns, labels, sureness, estimates)
    page: str = environment.from_string(template).render(
        title=one_line(title or f"The groups hidden in {source}"),
        source=one_line(source),
        question=wording.question(n, columns),
        headline=wording.headline(in_use(estimator)),
        answer=wording.answer(estimator, columns, sureness, selection),
        cautions=wording.cautions(estimator, selection),
        figures=_figures(estimator, X, columns, labels, sureness, selection),
        strip=_strip(estimator, n, columns),
        sweep=None if selection is None else _sweep(selection),
        fit_words=_fit_words(estimator, len(columns), k, n),
        wide=len(columns) > 2,
        heads=HEADS if gaussian else GENERAL_HEADS,
        cards=[card for i, card in enumerate(cards) if is_told_of(estimator, i)],
        interval_note=_interval_note(estimates, note, is_variational(estimator)),
        covariances=_covariances(estimates if gaussian else []),
        covariance_words=covariance_words(estimator) if gaussian else "",
        membership_words=wording.membership_words(labels, sureness, k),
        climb_words=wording.climb_words(estimator),
        converged=estimator.fit_.status is Status.CONVERGED,
        certificate=estimator.certificate_.sentences(),
        command=[line.split(" ") for line in (command.strip() or _call(estimator)).splitlines()],
        seed=_seed(estimator),
        settings=settings_used(estimator),
        versions=_versions(),
        version=__version__,
        safe=jinja2.filters.do_mark_safe,
    )
    return page


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
    drawn: dict[str, str] = {}
    if selection is not None and len(selection.candidates) > 1:
        name = selection.criterion.upper()
        drawn["criterion"] = svg(
            lambda f: CriterionDisplay.from_selection(selection, ax=f.add_subplot()),
            name="criterion",
            alt=f"{name} of {len(selection.candidates)} candidates against their number of "
            f"components; {verdict(selection)}",
            size=(4.7, 3.3),
        )
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
        drawn["climb"] = svg(
            lambda f: ClimbDisplay.from_estimator(estimator, ax=f.add_subplot()),
            name="climb",
            alt="Nats below the estimated top against E-steps, on a logarithmic scale, for "
            + counted(len(estimator.fit_.climbs), "start"),
            size=(4.7, 3.1),
        )
    return drawn


def _strip(estimator: Any, n: int, columns: list[str]) -> list[tuple[str, str]]:
    height = true_minus(fixed(estimator.loglik_, 2))
    judged = [
        ("free parameters", whole(estimator.n_parameters_)),
        ("log-likelihood", height),
        ("BIC", true_minus(fixed(estimator.criteria()["bic"], 2))),
    ]
    return [
        ("rows", whole(n)),
        ("columns", whole(len(columns))),
        ("groups", whole(in_use(estimator))),
        *([("log evidence, at least", height)] if is_variational(estimator) else judged),
        ("fit", status_word(estimator.fit_.status)),
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


def _interval_note(estimates: list[PlainEstimate], note: str, posterior: bool) -> str:
    if any(e.se == e.se for e in estimates):
        told = (
            f"Intervals hold the true value in {100 * LEVEL:g}\u00a0% of samples such as this, if "
            "the model is right."
        )
        if posterior:
            told = f"Intervals hold {100 * LEVEL:g}\u00a0% of the posterior, as if it were normal."
        return f"{told} {note}".strip()
    return note or "There are no standard errors for this fit."


def _covariances(estimates: list[PlainEstimate]) -> dict[str, Any]:
    rest = [e for e in estimates if e.name.startswith(("variance", "covariance"))]
    rows = tuple(
        (one_line(e.name), *with_error(e.value, e.se, e.lower, e.upper, error=e.se)) for e in rest
    )
    heads = ("parameter", "estimate", "std. error", f"{100 * LEVEL:g} % from", "to")
    return {"n": len(rest), "table": html_table(Table("", heads, rows, "lrrrr")) if rest else ""}


def _call(estimator: Any) -> str:
    """How to fit this in Python."""
    call = f"{estimator!r}.fit(X)"
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
