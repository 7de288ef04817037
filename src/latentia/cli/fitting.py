"""Fit one model or a sweep of them, write what was asked for, and show it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from latentia.cli.errors import INTERRUPTED, UNCONVERGED, NoResult, Refusal, say
from latentia.cli.progress import climb_callbacks, watched_sweep, working

_MANY_CLIMBS, _MOST_PROCESSES = 40, 8


class Request(NamedTuple):
    """What is to be fitted.

    Attributes
    ----------
    data : Input or Columns
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
        Candidates at a time, or threads of a single fit; by default what pays.
    quiet : bool
        Whether to show no progress.
    standard_errors : bool
        Whether to compute them, which takes long where there are many parameters.
    backend : str or Backend
        Where E-steps run.
    told : dict
        What `fit` takes besides the data.
    exchange : int
        Rounds in which candidates take starts from one another.
    """

    data: Any
    estimator: Any
    climb: dict[str, Any]
    grid: dict[str, list[Any]]
    criterion: str
    jobs: int | None
    quiet: bool
    standard_errors: bool = True
    backend: Any = "threads"
    told: dict[str, Any] = {}  # noqa: RUF012
    exchange: int = 0


class Outcome(NamedTuple):
    """What came out.

    Attributes
    ----------
    estimator : estimator
        The model that won, fitted.
    selection : Selection or None
        The sweep, if there was one and it came to its end.
    interrupted : bool
        Whether Ctrl-C ended it early.
    standard_errors : bool
        Whether the estimator has them.
    """

    estimator: Any
    selection: Any
    interrupted: bool
    standard_errors: bool = False


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

    if hasattr(outcome.estimator, "rename_columns"):  # its certificate has names, too
        outcome.estimator.rename_columns(request.data.columns)
    outcome.estimator.feature_names_in_ = np.array(request.data.columns, dtype=object)
    if not request.standard_errors:
        return outcome
    if outcome.interrupted:
        say("standard errors are left out after the interrupt")
        return outcome
    try:
        with working("computing standard errors", request.quiet):
            # candidates of a sweep were each on one thread, and this is on all again
            outcome.estimator.set_params(em__workers=request.jobs).standard_errors()
    except KeyboardInterrupt:
        say("interrupted while computing standard errors, which are left out")
        return outcome._replace(interrupted=True)
    return outcome._replace(standard_errors=True)


def deliver(
    outcome: Outcome,
    data: Any,
    write: Callable[[Outcome, list[str]], None],
    allow_unconverged: bool = False,
) -> int:
    """Write the files, show the results even where that failed, and judge them.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    data : Input or Columns
        What it was fitted to.
    write : callable
        Writes the files that were asked for, and adds a line for each to a list.
    allow_unconverged : bool, default False
        Whether a fit that did not converge is good enough.

    Returns
    -------
    int
        The exit status.
    """
    from latentia.cli.printing import show
    from latentia.report.summary import summarise_mixture, summarise_selection

    written: list[str] = []
    try:
        write(outcome, written)
    finally:
        swept = [] if outcome.selection is None else [summarise_selection(outcome.selection)]
        winner = summarise_mixture(outcome.estimator, standard_errors=outcome.standard_errors)
        show(*data.described(), *swept, winner, *written)
    return ending(outcome, bool(written), allow_unconverged)


def write_model(outcome: Outcome, path: Path, written: list[str]) -> None:
    """Write the model, whole or not at all.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    path : Path
        Where to.
    written : list of str
        Gets a line.
    """
    outcome.estimator.save(path)
    written.append(f"Model: {path}")


def write_report(
    outcome: Outcome, data: Any, command: str, path: Path, written: list[str], **told: Any
) -> None:
    """Write the report, whole or not at all.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    data : Input or Columns
        What it was fitted to.
    command : str
        What to type to do the same again.
    path : Path
        Where to.
    written : list of str
        Gets a line.
    **told
        What `fit` took besides the data.
    """
    from latentia.report import html

    html.write_report(
        path,
        estimator=outcome.estimator,
        X=data.values,
        columns=list(data.columns),
        source=data.source,
        selection=outcome.selection,
        command=command,
        standard_errors=outcome.standard_errors,
        **told,
    )
    written.append(f"Report: {path}")


def ending(outcome: Outcome, written: bool, allow_unconverged: bool) -> int:
    """Say on standard error where the fit is not what was asked for.

    Parameters
    ----------
    outcome : Outcome
        What came out of the fit.
    written : bool
        Whether there are files of it.
    allow_unconverged : bool
        Whether a fit that did not converge is good enough.

    Returns
    -------
    int
        The exit status.
    """
    from latentia.engine import Status

    status = outcome.estimator.fit_.status
    kept = "; the best so far was written all the same" if written else ""
    if outcome.interrupted:
        say(f"interrupted before the end{kept or '; this is the best so far'}")
        return INTERRUPTED
    if status is Status.CONVERGED:
        note = _improper(outcome)
        if note:
            say(
                f"the best fit is no proper maximum ({note}); {_simpler(outcome.estimator)}",
                "warning",
            )
        return 0
    what = {
        Status.MAX_ITER: "the fit stopped at --max-iter before it converged; raise it",
        Status.DECREASED: (
            "the objective fell in an EM step, by a fault in the model or because values differ "
            "in their last digits only; take their mean from them"
        ),
        Status.DEGENERATE: f"a component collapsed; {_simpler(outcome.estimator)}",
    }[status]
    if allow_unconverged:
        say(f"{what}{kept}", "warning")
        return 0
    say(f"{what}, or accept the result with --allow-unconverged{kept}")
    return UNCONVERGED


def _one(request: Request) -> Outcome:
    from latentia import EM
    from latentia.engine import Status

    settings = {name: values[0] for name, values in request.grid.items()}
    climb = EM(
        **request.climb,
        backend=request.backend,
        workers=request.jobs,
        callbacks=climb_callbacks(request.quiet),
    )
    estimator = request.estimator.set_params(**settings, em=climb)
    fitted = _fitted(estimator, request.data.values, request.told)
    return Outcome(fitted, None, fitted.fit_.status is Status.INTERRUPTED)


def _sweep(request: Request, n_candidates: int) -> Outcome:
    from latentia import EM, select
    from latentia.engine import Status

    done: list[Any] = []
    estimator = request.estimator.set_params(
        em=EM(**request.climb, backend=request.backend, workers=1)
    )
    try:
        with watched_sweep(n_candidates, request.quiet) as watch:

            def watched(n_done: int, total: int, candidate: Any) -> None:
                if candidate.status is Status.INTERRUPTED:  # the engine has caught Ctrl-C
                    raise KeyboardInterrupt
                done.append(candidate)
                watch(n_done, total, candidate)

            selection = select(
                estimator,
                request.data.values,
                request.grid,
                criterion=request.criterion,
                n_jobs=_jobs(request, n_candidates),
                exchange=request.exchange,
                callback=watched,
                **request.told,
            )
    except KeyboardInterrupt:
        return _best_again(request, done, n_candidates)
    except ValueError as error:
        if len(done) < n_candidates:
            raise Refusal(str(error)) from error
        raise NoResult(
            f"none of the {n_candidates} candidates has a result, because a component collapsed "
            f"onto too few distinct rows in all of them; {_remedy(request.estimator)}"
        ) from error
    return Outcome(selection.best_estimator, selection, False)


def _jobs(request: Request, n_candidates: int) -> int | None:
    """Several processes where their start-up is small beside the climbs; None leaves it open."""
    if request.jobs is None and request.backend != "threads":
        return 1  # each candidate has the whole cluster
    if request.jobs is not None or n_candidates * request.climb["starts"] < _MANY_CLIMBS:
        return request.jobs
    from joblib import cpu_count

    return min(cpu_count(), n_candidates, _MOST_PROCESSES)


def _best_again(request: Request, done: list[Any], n_candidates: int) -> Outcome:
    """Fit the best of the candidates that were done before Ctrl-C; the same seed, the same fit."""
    from latentia.engine import Status

    converged = [c for c in done if c.status is Status.CONVERGED]
    usable = [c for c in converged if not c.note] or converged
    if not usable:
        raise KeyboardInterrupt
    best = min(usable, key=lambda c: getattr(c, request.criterion))
    say(f"interrupted after {len(done)} of {n_candidates} candidates; fitting the best again")
    settings = {name: [value] for name, value in best.settings.items()}
    return _one(request._replace(grid=settings, quiet=True))._replace(interrupted=True)


def _fitted(estimator: Any, values: Any, told: dict[str, Any]) -> Any:
    from latentia.engine import DegenerateFitError

    try:
        return estimator.fit(values, **told)
    except ValueError as error:
        if isinstance(error.__cause__ or error, DegenerateFitError):
            raise NoResult(
                "the fit has no result, because in every start a component collapsed onto too few "
                f"distinct rows; {_remedy(estimator)}"
            ) from error
        raise Refusal(str(error)) from error


def _simpler(estimator: Any) -> str:
    """What to ask for instead of a model that is too rich."""
    gaussian = hasattr(estimator, "covariance_type")
    other = "a simpler --covariance" if gaussian else "another --family"
    counted = "--states" if hasattr(estimator, "transmat_") else "--components"
    return f"use fewer {counted} or {other}"


def _remedy(estimator: Any) -> str:
    """The same, of a collapse."""
    if hasattr(estimator, "covariance_type"):
        floor = 100 * max(float(estimator.reg_covar), 1e-8)
        return f"use fewer --components, a simpler --covariance, or --reg-covar {floor:g}"
    return _simpler(estimator)


def _improper(outcome: Outcome) -> str:
    """Why a fit that converged is not to be trusted; empty where it is."""
    if outcome.selection is not None:
        return outcome.selection.candidates[outcome.selection.best].note
    return outcome.estimator.certificate_.held
