"""``latentia fit markov-regression``: regressions that switch with hidden states, by formula."""

from typing import Annotated, Any

import typer

from latentia.cli import hidden_markov, options
from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.outputs import check_outputs
from latentia.cli.regression import FAMILIES, read_columns
from latentia.cli.values import one_of, split_components


def markov_regression(
    ctx: typer.Context,
    data: options.Data,
    formula: Annotated[
        list[str],
        typer.Option(metavar="FORMULA", help="Such as 'y ~ x'; once for each response."),
    ],
    states: Annotated[
        str, typer.Option("--states", metavar="K", help="How many: 3, or 1:4, or 1,2,5.")
    ] = "2",
    family: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="gaussian, poisson, binomial or gamma; of several responses a,b.",
        ),
    ] = "gaussian",
    transitions: Annotated[
        str | None, typer.Option(metavar="FORMULA", help="Covariates of moves, such as '~ z'.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="FORMULA", help="Covariates of first states.")
    ] = None,
    id_: hidden_markov.Id = None,
    time: hidden_markov.Time = None,
    offset: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Added to the linear predictor.")
    ] = None,
    trials: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Trials of a binomial response.")
    ] = None,
    shared_dispersion: Annotated[
        bool, typer.Option("--shared-dispersion", help="One variance, or shape, for all.")
    ] = False,
    criterion: options.Criterion = "bic",
    report: options.Report = None,
    save: options.Save = None,
    standard_errors: options.StandardErrors = True,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Starts of each; many where they cost little."),
    ] = None,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
) -> None:
    """Fit regressions that switch with the states of a hidden Markov chain, and keep the best."""
    numbers, chosen = split_components(states, "--states"), options.criterion_of(criterion)
    kinds = [one_of("--family", name.strip(), FAMILIES) for name in family.split(",")]
    check_outputs(data, report, save)

    from latentia import MarkovRegression
    from latentia.cli.fitting import Outcome, Request, deliver, fit, write_model, write_report
    from latentia.hmm.start import starts_for
    from latentia.regression.formula import FormulaError
    from latentia.switching.setting import families, formulas

    single = formula[0] if len(formula) == 1 else list(formula)
    try:
        families(kinds[0] if len(kinds) == 1 else kinds, len(formula))
        formulas(single, transitions, start)
    except (FormulaError, ValueError) as error:
        raise Refusal(str(error)) from error
    estimator = MarkovRegression(
        single,
        family=kinds[0] if len(kinds) == 1 else kinds,
        transitions=transitions,
        start=start,
        shared_dispersion=shared_dispersion,
        random_state=seed,
    )
    told = {"id": id_, "time": time, "offset": offset, "trials": trials}
    told = {name: column for name, column in told.items() if column is not None}
    needed, left = estimator.columns_needed()
    read = read_columns(data, needed, [*left, *told.values()])
    climb: dict[str, Any] = {
        "tol": tol,
        "max_iter": max_iter,
        "accelerate": accelerate,
        "starts": starts,
    }
    if starts is None:
        climb["starts"] = starts_for(len(read), max(numbers))
        climb["race"] = climb["starts"] > 1
    request = Request(
        data=read,
        estimator=estimator,
        climb=climb,
        grid={"n_states": numbers},
        criterion=chosen,
        jobs=jobs,
        quiet=quiet,
        standard_errors=standard_errors,
        told=told,
    )

    def write(outcome: Outcome, written: list[str]) -> None:
        if save is not None:
            write_model(outcome, save, written)
        if report is not None:
            sequences = {name: told[name] for name in ("id", "time") if name in told}
            write_report(outcome, read, ctx.obj.command(), report, written, **sequences)

    with warnings_as_sentences():
        outcome = fit(request)
        status = deliver(outcome, read, write, allow_unconverged)
    raise typer.Exit(status)


def outlook(
    estimator: Any,
    data: str,
    columns: str | None,
    id_: str | None,
    time: str | None,
    steps: int | None,
    ahead: str | None,
) -> tuple[Any, list[str], Any, int]:
    """What ``latentia forecast`` tells of a switching regression.

    Parameters
    ----------
    estimator : MarkovRegression
        Fitted.
    data, columns, id_, time
        As in `states`.
    steps : int, optional
        How many ahead; 10, or as many as `ahead` has, by default.
    ahead : str, optional
        A file of covariates of the steps to come.

    Returns
    -------
    law : ResponseOutlook
    responses : list of str
    names : tuple or None
        What the sequences are called.
    steps : int
        For each of them.

    Raises
    ------
    Refusal
        Columns are named.
    ValueError
        The covariates do not fit the sequences.
    """
    read, told = columns_of(estimator, data, columns, id_, time)
    coming = None
    if ahead is None:
        steps = 10 if steps is None else steps
    else:
        beside = [name for name in (*estimator.beside_, id_, time) if isinstance(name, str)]
        coming = read_columns(ahead, estimator.columns_needed()[0], beside).values
    law = estimator.forecast(read, steps=steps, ahead=coming, **told)
    names = None
    if id_ is not None:
        labels = read[id_]
        names = tuple(dict.fromkeys(labels.tolist()))  # in the order in which they first appear
    m = 1 if names is None else len(names)
    return law, list(estimator.response_names_), names, len(law) // m


def columns_of(
    estimator: Any, data: str, columns: str | None, id_: str | None, time: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns that formulas need, and what tells sequences apart."""
    if columns is not None:
        raise Refusal("got --columns for a model that finds its columns by formula; leave it out")
    needed, left = estimator.columns_needed()
    beside = [name for name in (*estimator.beside_, id_, time) if isinstance(name, str)]
    read = read_columns(data, needed, [*left, *beside]).values
    return read, {"id": id_, "time": time}


def states(
    estimator: Any, data: str, columns: str | None, id_: str | None, time: str | None, proba: bool
) -> tuple[list[str], list[Any]]:
    """What ``latentia predict`` writes of a switching regression.

    Parameters
    ----------
    estimator : MarkovRegression
        Fitted.
    data : str
        What to read.
    columns : str, optional
        As written after ``--columns``, which formulas have no use for.
    id_, time : str, optional
        The columns that say whose a step is, and when it was.
    proba : bool

    Returns
    -------
    names : list of str
        ``state``, then ``p0``, ``p1``, ...
    arrays : list of ndarray of shape (n,)

    Raises
    ------
    Refusal
        Columns are named.
    """
    read, told = columns_of(estimator, data, columns, id_, time)
    names, found = ["state"], [estimator.predict(read, **told)]
    if proba:
        shares = estimator.predict_proba(read, **told)
        names += [f"p{k}" for k in range(shares.shape[1])]
        found += list(shares.T)
    return names, found


def markov_autoregression(
    ctx: typer.Context,
    data: options.Data,
    states: Annotated[
        str, typer.Option("--states", metavar="K", help="How many: 3, or 1:4, or 1,2,5.")
    ] = "2",
    order: Annotated[
        str, typer.Option("--order", metavar="P", help="Lags: 4, or 1:4, or 1,2,4.")
    ] = "1",
    form: Annotated[
        str, typer.Option(metavar="KIND", help="mean: lags deviate from means; or intercept.")
    ] = "mean",
    switching_coefficients: Annotated[
        bool, typer.Option("--switching-coefficients", help="States have lags of their own.")
    ] = False,
    switching_variance: Annotated[
        bool, typer.Option("--switching-variance", help="States have variances of their own.")
    ] = False,
    start: Annotated[str, typer.Option(metavar="KIND", help="stationary, or free.")] = "stationary",
    id_: hidden_markov.Id = None,
    time: hidden_markov.Time = None,
    criterion: options.Criterion = "bic",
    columns: options.Columns = None,
    report: options.Report = None,
    save: options.Save = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Starts of each; many where they cost little."),
    ] = None,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    seed: options.Seed = 0,
) -> None:
    """Fit autoregressions that switch with the states of a hidden Markov chain."""
    grid = {
        "n_states": split_components(states, "--states"),
        "order": split_components(order, "--order", 0),
    }
    one_of("--form", form, ("mean", "intercept"))
    one_of("--start", start, ("stationary", "free"))
    chosen = options.criterion_of(criterion)
    check_outputs(data, report, save)

    from latentia import MarkovAutoregression
    from latentia.cli.sequences import Asked, fit_sequences

    candidate = MarkovAutoregression(
        form=form,
        switching_coefficients=switching_coefficients,
        switching_variance=switching_variance,
        start=start,
        tol=tol,
        max_iter=max_iter,
        n_init=starts,
        random_state=seed,
    )
    files = (report, save, ctx.obj.command())
    asked = Asked(data, columns, id_, time, chosen, *files, quiet, allow_unconverged)
    fit_sequences(candidate, grid, asked)
