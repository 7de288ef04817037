"""What a table of categories, and perhaps numbers, says: a summary and its pictures."""

from __future__ import annotations

from typing import Any

from .displays.climb import ClimbDisplay
from .displays.mosaic import MosaicDisplay
from .figures import Picture, name_a_plot
from .formatting import counted, fixed, one_line, shorten, status_word, whole
from .parameters import parameters_table, with_errors
from .summary import MOST_ROWS, settings_used
from .tables import Summary


def summarise_table(estimator: Any, level: float = 0.95, standard_errors: bool = True) -> Summary:
    """What a fitted `LogLinear` or `GeneralLocation` says.

    Parameters
    ----------
    estimator : LogLinear or GeneralLocation
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
    >>> from latentia import LogLinear
    >>> rows = [["yes", "a"], ["yes", "b"], ["no", "b"], ["no", None], [None, "a"], ["no", "a"]]
    >>> print(summarise_table(LogLinear().fit(rows)))
    Log-linear model of 2 columns, 4 cells
    ======================================
    ...
    """
    kinds, fit = estimator.kinds_, estimator.fit_
    estimates, note = with_errors(estimator, level, standard_errors)
    notes = [note] if note else []
    heights = estimator.criteria()
    what = (
        f"Log-linear model of {counted(len(kinds.names), 'column')}"
        if not kinds.numeric
        else f"General location model of {counted(len(kinds.categorical), 'column')} of "
        f"categories and {len(kinds.numeric)} of numbers"
    )
    facts = (
        ("rows", whole(fit.n_units)),
        ("interactions", _terms(estimator.interactions)),
        *((("means", _terms(estimator.means)),) if kinds.numeric else ()),
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic")),
        ("ended", status_word(fit.status)),
        ("settings", settings_used(estimator)),
    )
    if len(estimates) > MOST_ROWS:
        left = counted(len(estimates) - MOST_ROWS, "parameter")
        notes.append(f"{left} not listed; parameter_table() has them.")
    return Summary(
        f"{what}, {counted(kinds.cells, 'cell')}",
        facts,
        (parameters_table(estimates[:MOST_ROWS], level),),
        (*notes, *estimator.certificate_.sentences()),
    )


def _terms(asked: Any) -> str:
    if isinstance(asked, str):
        return asked
    if isinstance(asked, int):
        return "each column by itself" if asked == 1 else f"all of up to {asked} columns"
    return ", ".join(map(str, asked))


class TablePlots:
    """The plots of a fitted table; each method returns a Display.

    Parameters
    ----------
    estimator : LogLinear or GeneralLocation
        Fitted.
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def mosaic(self, *columns: int, **options: Any) -> MosaicDisplay:
        """Two columns of categories, by number; options as for `MosaicDisplay.from_estimator`."""
        asked: Any = columns or (0, 1)
        return MosaicDisplay.from_estimator(self._estimator, asked, **options)

    def figures(self, X: Any = None) -> tuple[Picture, ...]:
        """What a page shows, whatever the rows: a mosaic of the first columns of categories."""
        kinds = self._estimator.kinds_
        first = [str(kinds.names[j]) for j in kinds.categorical[:2]]
        if len(first) < 2:
            return ()
        return (
            Picture(
                "mosaic",
                shorten(one_line(f"{first[1]} by {first[0]}"), 80),
                "Bars are as wide as the first column’s categories are frequent, and stacked by "
                "what the second column has among them, summed over all others. Columns that have "
                "nothing to do with one another have the same heights in every bar.",
                (5.2, 3.8),
                lambda f: self.mosaic(ax=f.add_subplot()),
            ),
        )

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)
