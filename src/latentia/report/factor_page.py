"""The report on factors or principal components: one HTML file."""

from __future__ import annotations

import os
import warnings
from typing import Any

from latentia.data.files import write_atomically

from .displays.loadings import LoadingsDisplay
from .displays.scree import ScreeDisplay
from .factor import summarise_factors, summarise_principal
from .figures import svg
from .formatting import counted, one_line, share, whole
from .page import climb_figure, common, criterion_figure, judged, rendered
from .rendering import html_table

TALL = 40
"""Columns up to which the map of loadings is as tall as all of them need."""


def write_factor_report(
    path: str | os.PathLike[str],
    *,
    estimator: Any,
    source: str,
    selection: Any = None,
    analysis: Any = None,
    command: str = "",
    title: str | None = None,
) -> None:
    """Write a report on fitted factors or principal components as one HTML file.

    The file holds its styles and figures and runs no script. The same fit gives the same bytes.

    Parameters
    ----------
    path : path-like
        The file to write; one that exists is replaced once the new one is complete.
    estimator : FactorAnalysis or ProbabilisticPCA
        Fitted.
    source : str
        Where the data come from, as the reader knows it: the name of a file.
    selection : Selection, optional
        The sweep in which the estimator won.
    analysis : ParallelAnalysis, optional
        Of the same rows.
    command : str, default=""
        What to type to repeat all this; a call in Python by default.
    title : str, optional
        Heads the page.

    Raises
    ------
    ImportError
        matplotlib or Jinja2 is not installed.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from latentia import ProbabilisticPCA, datasets
    >>> pca = ProbabilisticPCA(2).fit(datasets.load("iris").values)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "report.html")
    ...     write_factor_report(path, estimator=pca, source="iris.csv")
    ...     "2 components" in path.read_text(encoding="utf-8")
    True
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        page = render_factors(estimator, source, selection, analysis, command, title)
    write_atomically(path, page)


def render_factors(
    estimator: Any, source: str, selection: Any, analysis: Any, command: str, title: str | None
) -> str:
    """The page as text; see `write_factor_report`."""
    q, d = estimator.components_.shape
    principal = hasattr(estimator, "explained_variance_")
    noun = "component" if principal else "factor"
    told = (summarise_principal if principal else summarise_factors)(estimator)
    figures = criterion_figure(selection, f"{noun}s")
    size = (2.2 + 0.55 * max(min(q, 8), 2), 1.2 + 0.24 * min(max(d, 4), TALL))
    figures["loadings"] = svg(
        lambda f: LoadingsDisplay.from_estimator(estimator, ax=f.add_subplot()),
        name="loadings",
        alt=f"Loadings of {counted(d, 'column')} on {counted(q, noun)} as colours",
        size=size,
    )
    with warnings.catch_warnings():
        # of a climb that begins at the top
        warnings.filterwarnings("ignore", message="Attempting to set identical low and high")
        figures["climb"] = climb_figure(estimator)
    if analysis is not None:
        figures["scree"] = svg(
            lambda f: ScreeDisplay.from_analysis(analysis, ax=f.add_subplot()),
            name="scree",
            alt=f"Eigenvalues in order; {analysis.n_factors} lie above what chance shows",
            size=(4.7, 3.3),
        )
    test = [note for note in told.notes if note.startswith("Test of fit")]
    rest = [n for n in told.notes if n not in (*test, *estimator.certificate_.sentences())]
    return rendered(
        "factor.html.j2",
        **common(estimator, source, selection, command, noun),
        title=one_line(title or f"The {noun}s behind {source}"),
        question=f"How few directions are enough for {counted(d, 'column')} of numbers?",
        headline=counted(q, noun),
        answer=_answer(estimator, analysis, principal),
        figures=figures,
        strip=[("rows", whole(estimator.fit_.n_obs)), ("columns", whole(d)), *judged(estimator)],
        loadings_words=_loadings_words(estimator, principal),
        fit_words=" ".join(test),
        tables=[(html_table(table), table.title) for table in told.tables],
        notes=rest,
        scree_words="" if analysis is None else _scree_words(analysis),
        cards=[],
        grid_width=620,
    )


def _answer(estimator: Any, analysis: Any, principal: bool) -> list[str]:
    told: list[str] = []
    if principal:
        explained = share(float(estimator.explained_variance_ratio_.sum()))
        told.append(f"They hold {explained} of the variance; the rest is noise of one variance.")
    elif estimator.rotation is not None:
        told.append(f"They were rotated by {estimator.rotation}.")
    if analysis is not None:
        told.append(f"By parallel analysis {analysis.n_factors} stand out from chance.")
    return told


def _loadings_words(estimator: Any, principal: bool) -> str:
    told = (
        "A loading says by how many of its standard deviations a column rises with one standard "
        "deviation of the "
    )
    if principal:
        return f"{told}component: blue up, orange down."
    told = f"{told}factor: blue up, orange down. What factors do not explain is unique."
    held = getattr(estimator, "heywood_", [])
    if held:
        told += (
            f" {counted(len(held), 'column')} had nothing unique left, a Heywood case, which as a "
            "rule means too many factors or too few rows."
        )
    return told


def _scree_words(analysis: Any) -> str:
    return (
        "Eigenvalues of the correlations, largest first, beside those of columns that have nothing "
        "to do with one another, drawn as often as there are rows. Those above the dashed line "
        f"stand out: {analysis.n_factors}."
    )
