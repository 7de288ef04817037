"""What a normal distribution fitted to rows with holes says: a summary and its pictures."""

from __future__ import annotations

from typing import Any

from .displays.climb import ClimbDisplay
from .displays.holes import HolesDisplay
from .displays.imputed import MOST_COLUMNS as MOST_FILLED
from .displays.imputed import ImputedDisplay
from .displays.overimputation import OverimputationDisplay
from .displays.patterns import PatternsDisplay
from .displays.sensitivity import SensitivityDisplay
from .figures import Picture, name_a_plot
from .formatting import counted, fixed, one_line, share, status_word, whole
from .parameters import parameters_table, with_errors
from .summary import MOST_ROWS, settings_used
from .tables import Summary, Table

MOST_PATTERNS, MOST_COLUMNS = 12, 16
"""Patterns that a summary lists, and columns up to which it does."""


def summarise_normal(estimator: Any, level: float = 0.95, standard_errors: bool = True) -> Summary:
    """What a fitted `IncompleteNormal` says.

    Parameters
    ----------
    estimator : IncompleteNormal
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether to compute standard errors, which takes longer than all the rest.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import IncompleteNormal, datasets
    >>> print(summarise_normal(IncompleteNormal().fit(datasets.load("apple").values)))
    Normal distribution of 2 columns with 6 of 36 cells missing
    ======...
    """
    columns, _, rows, missing = estimator.patterns_
    n, d = float(rows.sum()), len(columns)
    holes, cells = float(missing.sum()), n * d
    heights = estimator.criteria()
    estimates, note = with_errors(estimator, level, standard_errors)
    tables = [normal_table(estimates, level)]
    if d <= MOST_COLUMNS:
        tables.insert(0, patterns_table(estimator.patterns_))
    left = len(estimates) - len(tables[-1].rows)
    notes = [note] if note else []
    if left:
        notes.append(f"{left} covariances are not listed; parameter_table() has them.")
    return Summary(
        f"Normal distribution of {counted(d, 'column')} with {whole(holes)} of {whole(cells)} "
        "cells missing",
        (
            ("data", f"{whole(n)} rows, {counted(d, 'column')}, {share(holes / cells)} missing"),
            ("log-likelihood", fixed(estimator.loglik_, 4)),
            ("free parameters", whole(estimator.n_parameters_)),
            *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic")),
            ("ended", status_word(estimator.fit_.status)),
            ("settings", f"{settings_used(estimator)}, ridge={estimator.ridge:g}"),
        ),
        tuple(tables),
        (*notes, *estimator.certificate_.sentences()),
    )


def normal_table(estimates: list[Any], level: float = 0.95) -> Table:
    """Means, variances and, where they are few, covariances, with errors where there are any."""
    few = len(estimates) <= MOST_ROWS
    shown = [e for e in estimates if few or not e.name.startswith("covariance")]
    return parameters_table(shown, level)


def patterns_table(patterns: Any) -> Table:
    """The patterns of holes, the most frequent first, as a table of a report."""
    columns, seen, rows, missing = patterns
    lines = [
        (whole(count), *("x" if cell else "." for cell in cells), whole((~cells).sum()))
        for cells, count in list(zip(seen, rows, strict=True))[:MOST_PATTERNS]
    ]
    if left := len(rows) - len(lines):
        rest = whole(rows[MOST_PATTERNS:].sum())
        lines.append((rest, *[""] * len(columns), f"{left} more patterns"))
    lines.append(("missing", *(whole(each) for each in missing), whole(missing.sum())))
    heads = ("rows", *(one_line(name) for name in columns), "missing")
    title = "Patterns of holes (x seen, . missing)"
    return Table(title, heads, tuple(lines), "r" * len(heads))


class MissingPlots:
    """The plots of a normal distribution with holes; each method returns a Display.

    Parameters
    ----------
    estimator : IncompleteNormal
        Fitted.

    Examples
    --------
    >>> from latentia import IncompleteNormal, datasets
    >>> MissingPlots(IncompleteNormal().fit(datasets.load("apple").values)).patterns()
    <...PatternsDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def patterns(self, **options: Any) -> PatternsDisplay:
        """Which cells are missing; options as for `PatternsDisplay.from_estimator`."""
        return PatternsDisplay.from_estimator(self._estimator, **options)

    def figures(self, X: Any = None) -> tuple[Picture, ...]:
        """What a page shows, whatever the rows: the patterns of holes."""
        columns, seen, *_ = self._estimator.patterns_
        d, n = len(columns), min(len(seen), MOST_PATTERNS)
        return (
            Picture(
                "patterns",
                "Which cells are missing together",
                "A line is a pattern of holes, the most frequent first, and its bar is how many "
                "rows have it.",
                (min(2.6 + 0.45 * d, 8.6), 1.4 + 0.28 * n),
                lambda f: self.patterns(figure=f),
            ),
        )

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)


class ImputerPlots:
    """The plots of an imputer; each method returns a Display.

    Parameters
    ----------
    estimator : EMImputer
        Fitted.
    diagnostics : module
        What computes that which they show.

    Examples
    --------
    >>> from latentia import EMImputer, datasets
    >>> air = datasets.load("airquality").values
    >>> EMImputer().fit(air).plot.densities(air)
    <...ImputedDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any, diagnostics: Any) -> None:
        self._estimator, self.diagnostics = estimator, diagnostics

    def patterns(self, **options: Any) -> PatternsDisplay:
        """Which cells are missing together; options as for `PatternsDisplay.from_estimator`."""
        return PatternsDisplay.from_estimator(self._estimator, **options)

    def figures(self, X: Any = None) -> tuple[Picture, ...]:
        """What a page shows of a table: the patterns of holes, and what is imputed in it."""
        found = MissingPlots(self._estimator.normal_).figures()
        filled = [] if X is None else self.diagnostics.filled_columns(self._estimator, X)
        if not filled:
            return found
        shown = ImputedDisplay(filled=filled)
        across = min(len(filled), 3)
        down = -(-min(len(filled), MOST_FILLED) // across)
        return (
            *found,
            Picture(
                "densities",
                "What was filled in",
                "Bars are the values that were seen, lines those that were filled in. They need "
                "not be alike: cells that are missing may be those of other rows.",
                (2.9 * across + 0.3, 2.3 * down + 0.4),
                lambda f: shown.plot(figure=f),
            ),
        )

    def holes(self, X: Any, *, figure: Any = None) -> HolesDisplay:
        """Where the missing cells of a table are."""
        hidden, names = self.diagnostics.hidden_of(self._estimator, X)
        return HolesDisplay(hidden=hidden, columns=names).plot(figure=figure)

    def densities(self, X: Any, *, figure: Any = None) -> ImputedDisplay:
        """What is imputed in a table beside what was seen."""
        filled = self.diagnostics.filled_columns(self._estimator, X)
        if not filled:
            raise ValueError("got a table without missing cells, expected one that is to be filled")
        return ImputedDisplay(filled=filled).plot(figure=figure)

    def overimputation(
        self, X: Any, *, level: float = 0.9, figure: Any = None
    ) -> OverimputationDisplay:
        """Values that were seen against what would have been imputed for them."""
        found = self.diagnostics.overimpute(self._estimator, X, level=level)
        return OverimputationDisplay(overimputation=found).plot(figure=figure)

    def dispersion(self, n_starts: int = 5, **options: Any) -> ClimbDisplay:
        """Climbs from starts far apart; options as for `ClimbDisplay.from_estimator`."""
        found = self.diagnostics.disperse(self._estimator, n_starts)
        return ClimbDisplay.from_estimator(found, **options)

    def sensitivity(self, shifted: Any, *, figure: Any = None) -> SensitivityDisplay:
        """What `shift_imputed` has found."""
        return SensitivityDisplay(sensitivity=shifted).plot(figure=figure)

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator.normal_, **options)
