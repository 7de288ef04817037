"""Parameters with their standard errors, as summaries and pages of all kinds have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from .formatting import one_line, with_interval
from .tables import Table


def with_errors(
    estimator: Any, level: float = 0.95, standard_errors: bool = True
) -> tuple[list[Any], str]:
    """The parameters with standard errors if they can be had, and what there is to say of these.

    Parameters
    ----------
    estimator : estimator
        Fitted, with `estimates`, `parameter_table` and `standard_errors`.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether they are wanted.

    Returns
    -------
    estimates : list of Estimate
        Errors are nan where there are none.
    note : str
        Empty where all is well.
    """
    errors, note = errors_of(estimator) if standard_errors else (None, "")
    if errors is None:
        return estimator.estimates(), note
    return estimator.parameter_table(level), note


def errors_of(estimator: Any) -> tuple[Any, str]:
    """The standard errors, None where there are none, and what there is to say of them."""
    try:
        found = estimator.standard_errors()
    except NotFittedError as error:  # a model from a file has not the data of its fit
        return None, f"There are no standard errors: {error}."
    return found, str(found.note)


def parameters_table(
    estimates: list[Any],
    level: float = 0.95,
    *,
    title: str = "Parameters",
    heads: tuple[str, str] = ("parameter", "estimate"),
    align: str = "l",
) -> Table:
    """Estimates line by line, with errors and intervals where there are any.

    `align` is that of the names, as `Table` has it.
    """
    every: tuple[str, ...] = heads
    if any(np.isfinite(e.se) for e in estimates):
        every += ("std. error", f"{100 * level:g} % from", "to")
    rows = tuple(
        (one_line(e.name), *with_interval(e.value, e.se, e.lower, e.upper))[: len(every)]
        for e in estimates
    )
    return Table(title, every, rows, align + "r" * (len(every) - 1))
