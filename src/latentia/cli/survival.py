"""``latentia fit survival``: survival curves and regressions of times known up to intervals."""

from typing import Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, Refusal, say, warnings_as_sentences
from latentia.cli.inputs import listed, read_input
from latentia.cli.outputs import check_outputs, write_plain_report
from latentia.cli.values import one_of, split_names

DISTRIBUTIONS = ("weibull", "exponential", "lognormal", "loglogistic", "normal", "logistic")


def survival(
    ctx: typer.Context,
    data: options.Data,
    lower: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="The time, or after which moment it is known to be."),
    ],
    upper: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Up to which moment; missing or inf where the event is still to come. Without it "
            "all times are known.",
        ),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="In place of --upper: 1 (of 0 and 1) or 2 (of 1 and 2) where the event came at "
            "the time, else it is still to come.",
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Covariates of a regression; else a curve is drawn."),
    ] = None,
    distribution: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"Of a regression: {', '.join(DISTRIBUTIONS)}."),
    ] = "weibull",
    report: options.Report = None,
    save: options.Save = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 10_000,
) -> None:
    """Fit a survival curve, or a regression of times on covariates."""
    kind = one_of("--distribution", distribution, DISTRIBUTIONS)
    check_outputs(data, report, save)
    if event is not None and upper is not None:
        raise Refusal("got --event and --upper, which say the same; give one of them")
    if on is None and kind != "weibull":
        raise Refusal("got --distribution without --on; name the covariates of the regression")

    from latentia.cli.printing import show
    from latentia.cli.progress import working

    second = event if upper is None else upper
    bounds = [lower] if second is None else [lower, second]
    read = read_input(data, ",".join(bounds + ([] if on is None else [on])), allow_missing=True)
    names = split_columns(on, read.columns)
    times = read.values[:, [read.columns.index(name) for name in bounds]]
    if event is not None:
        times = times_of(times[:, 0], times[:, 1], event)
    written: list[str] = []
    with warnings_as_sentences():
        try:
            with working("fitting", quiet):
                fitted = fit(times, read.values, names, read.columns, kind, tol, max_iter)
        except ValueError as error:
            raise Refusal(str(error)) from error
        if save is not None:
            fitted.save(save)
            written.append(f"Model: {save}")
        if report is not None:
            x = read.values[:, [read.columns.index(name) for name in names]]
            write_plain_report(fitted, x, read.source, ctx.obj.command(), report, written)
        show(*read.described(), fitted.summary(), *written)
    if not fitted.converged_:
        what = "the fit stopped before it converged; raise --max-iter"
        say(what if allow_unconverged else f"{what}, or accept it with --allow-unconverged")
        raise typer.Exit(0 if allow_unconverged else UNCONVERGED)


def times_of(times: Any, events: Any, named: str) -> Any:
    """Bounds of times that are known where the event came, and else still to come.

    Parameters
    ----------
    times : ndarray of shape (n,)
        When the event came, or the row was last seen.
    events : ndarray of shape (n,)
        1 and 0, or 2 and 1 as in many tables.
    named : str
        The column of `events`.

    Returns
    -------
    ndarray of shape (n, 2)

    Raises
    ------
    Refusal
        `events` holds other numbers, or a cell is missing.

    Examples
    --------
    >>> import numpy as np
    >>> times_of(np.array([3.0, 5.0]), np.array([1.0, 0.0]), "came")
    array([[ 3.,  3.],
           [ 5., inf]])
    """
    import numpy as np

    found = set(np.unique(events).tolist())
    if not (found <= {0, 1} or found <= {1, 2}):  # nan is in neither
        raise Refusal(
            f"got --event {named}, which holds {listed(tuple(f'{x:g}' for x in sorted(found)))}; "
            "expected 0 and 1, or 1 and 2"
        )
    came = events == (2 if 2 in found else 1)
    return np.column_stack([times, np.where(came, times, np.inf)])


def split_columns(on: str | None, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The covariates that were named; none where there is no regression."""
    return () if on is None else tuple(split_names("--on", on, columns))


def fit(
    times: Any,
    values: Any,
    names: tuple[str, ...],
    columns: tuple[str, ...],
    distribution: str,
    tol: float,
    max_iter: int,
) -> Any:
    """A curve of times where no covariate is named, or a regression on those that are.

    Parameters
    ----------
    times : ndarray of shape (n, 1) or (n, 2)
    values : ndarray of shape (n, d)
        All columns.
    names, columns : tuple of str
        The covariates, and what the columns of `values` are called.
    distribution : str
    tol : float
    max_iter : int

    Raises
    ------
    ValueError
        If the data cannot be used, or the likelihood has no maximum.
    """
    import numpy as np

    from latentia import CensoredRegression, SelfConsistent

    both = np.hstack([times, times]) if times.shape[1] == 1 else times
    if not names:
        return SelfConsistent(tol=tol, max_iter=max_iter).fit(both)
    x = values[:, [columns.index(name) for name in names]]
    fitted = CensoredRegression(distribution, tol=tol, max_iter=max_iter)
    made = fitted.fit(x, both if times.shape[1] == 2 else times[:, 0])
    vars(made)["feature_names_in_"] = np.array(names, dtype=object)
    return made
