"""Fit one model or a sweep of them, write what was asked for, and show it."""

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from latentia.cli.errors import INTERRUPTED, UNCONVERGED, NoResult, say, warnings_as_sentences
from latentia.cli.inputs import Input


class Request(NamedTuple):
    """What is to be fitted.

    Attributes
    ----------
    data : Input
        The rows.
    estimator : estimator
        With all settings but those of the grid and of the climb.
    climb : dict
        Arguments of `latentia.EM`.
    grid : dict of str to list
        The settings to try.
    criterion : str
        By which the winner is chosen.
    jobs : int or None
        Candidates or chunks at a time; all cores by default.
    quiet : bool
        Whether to show no progress.
    """

    data: Input
    estimator: Any
    climb: dict[str, Any]
    grid: dict[str, list[Any]]
    criterion: str
    jobs: int | None
    quiet: bool


class Outcome(NamedTuple):
    """What came out: the model that won, and the sweep if there was one."""

    estimator: Any
    selection: Any


def fit(request: Request) -> Outcome:
    """Fit every combination of the grid and keep the best.

    Parameters
    ----------
    request : Request
        What is to be fitted.

    Returns
    -------
    Outcome
        The winner, with the names of its columns.

    Raises
    ------
    NoResult
        Every start of every candidate collapsed.
    """
    n_candidates = 1
    for values in request.grid.values():
        n_candidates *= len(values)
    outcome = _one(request) if n_candidates == 1 else _sweep(request, n_candidates)
    import numpy as np

    outcome.estimator.feature_names_in_ = np.array(request.data.columns, dtype=object)
    return outcome


def write(
    outcome: Outcome, data: Input, command: str, report: Path | None, save: Path | None
) -> list[str]:
    """Write the model and the report, each whole or not at all.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    data : Input
        What it was fitted to.
    command : str
        What to type to do the same again.
    report, save : Path or None
        Where to; nothing is written for None.

    Returns
    -------
    list of str
        A sentence for each file.
    """
    told = []
    if save is not None:
        outcome.estimator.standard_errors()  # so that the file has them
        outcome.estimator.save(save)
        told.append(f"Model: {save}")
    if report is not None:
        from latentia.report.html import write_report

        write_report(
            report,
            estimator=outcome.estimator,
            X=data.values,
            columns=list(data.columns),
            source=data.source,
            selection=outcome.selection,
            command=command,
        )
        told.append(f"Report: {report}")
    return told


def show_outcome(outcome: Outcome, data: Input, written: list[str]) -> None:
    """Print what was read, the candidates, the winner with its certificate, and the files.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    data : Input
        What it was fitted to.
    written : list of str
        A sentence for each file.
    """
    from latentia.cli.printing import show
    from latentia.report.summary import summarise_selection

    swept = [] if outcome.selection is None else [summarise_selection(outcome.selection)]
    show(*data.described(), *swept, outcome.estimator.summary(), *written)


def ending(outcome: Outcome, written: list[str], allow_unconverged: bool) -> int:
    """Say on standard error where the fit is not what was asked for.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    written : list of str
        A sentence for each file.
    allow_unconverged : bool
        Whether a fit that did not converge is good enough.

    Returns
    -------
    int
        The exit status.
    """
    from latentia.engine import Status

    status = outcome.estimator.fit_.status
    kept = "; the best so far was written" if written else ""
    if status is Status.INTERRUPTED:
        say(f"interrupted before the fit converged{kept}")
        return INTERRUPTED
    if status is Status.CONVERGED:
        return 0
    what = {
        Status.MAX_ITER: "the fit stopped at --max-iter before it converged; raise it",
        Status.DECREASED: "the objective fell in an EM step, which is a fault in the model",
        Status.DEGENERATE: "a component collapsed; use fewer or a floor with --reg-covar",
    }[status]
    if allow_unconverged:
        say(f"{what}{kept}", "warning")
        return 0
    say(f"{what}, or accept the result with --allow-unconverged{kept}")
    return UNCONVERGED


def _one(request: Request) -> Outcome:
    from latentia import EM
    from latentia.cli.progress import climb_callbacks

    settings = {name: values[0] for name, values in request.grid.items()}
    climb = EM(**request.climb, workers=request.jobs, callbacks=climb_callbacks(request.quiet))
    estimator = request.estimator.set_params(**settings, em=climb)
    return Outcome(_fitted(estimator, request.data.values), None)


def _fitted(estimator: Any, values: Any) -> Any:
    from latentia.cli.errors import Refusal
    from latentia.engine import DegenerateFitError

    try:
        return estimator.fit(values)
    except ValueError as error:
        if isinstance(error.__cause__ or error, DegenerateFitError):
            raise NoResult(
                "the fit has no result, because in every start a component collapsed onto too few "
                "distinct rows; use fewer --components, a simpler --covariance, or a floor such "
                "as --reg-covar 1e-6"
            ) from error
        raise Refusal(str(error)) from error
