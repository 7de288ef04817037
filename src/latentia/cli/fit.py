"""``latentia fit``: a command for each kind of model."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli import options, texts
from latentia.cli.discriminant import discriminant
from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.factors import factors, principal
from latentia.cli.group import Commands
from latentia.cli.hidden_markov import hidden_markov
from latentia.cli.hidden_markov_mixture import hidden_markov_mixture
from latentia.cli.hidden_semi_markov import hidden_semi_markov
from latentia.cli.inputs import Input, check_columns, check_rows, listed, read_input
from latentia.cli.outputs import check_outputs
from latentia.cli.regression import regression
from latentia.cli.survival import survival
from latentia.cli.switching import markov_autoregression, markov_regression
from latentia.cli.table import table
from latentia.cli.values import (
    not_negative,
    one_of,
    split_columns,
    split_components,
    split_names,
    whole_number,
)

app = typer.Typer(cls=Commands, help="Fit a model to data.")

COVARIANCES = ("full", "tied", "diag", "spherical")
MCLUST = (
    *("EII", "VII", "EEI", "VEI", "EVI", "VVI"),
    *("EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"),
)
"""The fourteen models by mclust's names; "E" and "V" are those of one column."""
WEIGHTS_PRIORS = ("dirichlet-process", "dirichlet-distribution")


@app.command("gaussian-mixture", help=texts.GAUSSIAN, epilog=texts.GAUSSIAN_EXAMPLE)
def gaussian_mixture(
    ctx: typer.Context,
    data: options.Data,
    components: options.Components = "1:9",
    covariance: Annotated[
        str,
        typer.Option(
            metavar="TYPES",
            help="Some of full, tied, diag, spherical, or of mclust's names EII to VVV.",
        ),
    ] = ",".join(COVARIANCES),
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="conjugate: so that no component collapses.", show_default=False
        ),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(
            parser=not_negative("--noise"),
            metavar="SHARE",
            help="Rows may be noise, from no component; it begins with this share of them.",
            show_default=False,
        ),
    ] = None,
    columns: options.Columns = None,
    criterion: options.Criterion = "bic",
    report: options.Report = None,
    save: options.Save = None,
    standard_errors: options.StandardErrors = True,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: options.Starts = 10,
    exchange: options.Exchange = 0,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    reg_covar: options.RegCovar = 1e-6,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
    dask: options.Scheduler = None,
    dask_folder: options.SharedFolder = None,
) -> None:
    """Fit Gaussian mixtures and keep the best."""
    numbers = split_components(components)
    types = split_names("--covariance", covariance, (*COVARIANCES, *MCLUST, "E", "V"))
    if prior not in (None, "conjugate"):
        raise Refusal(f"got --prior {prior}, expected conjugate")
    if noise is not None and not 0 < noise < 1:
        raise Refusal(f"got --noise {noise:g}, expected a share between 0 and 1, such as 0.1")
    chosen = options.criterion_of(criterion)
    check_outputs(data, report, save)

    from latentia import GaussianMixture
    from latentia.cli.fitting import Request

    _check_accelerator(accelerate)
    read = read_input(data, columns, allow_missing=True)
    check_rows(read, numbers)
    check_columns(read)
    request = Request(
        data=read,
        estimator=GaussianMixture(reg_covar=reg_covar, prior=prior, noise=noise, random_state=seed),
        climb={"tol": tol, "max_iter": max_iter, "accelerate": accelerate, "starts": starts},
        grid={"n_components": numbers, "covariance_type": types},
        criterion=chosen,
        jobs=jobs,
        exchange=exchange,
        quiet=quiet,
        standard_errors=standard_errors,
    )
    _run(ctx, request, (dask, dask_folder), report, save, allow_unconverged)


@app.command("mixture", help=texts.MIXTURE, epilog=texts.MIXTURE_EXAMPLE)
def mixture(
    ctx: typer.Context,
    data: options.Data,
    family: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Such as poisson, or poisson,negative-binomial to compare them, or "
            "'binomial(trials=10)', or visits=poisson,height+weight=gaussian by columns.",
        ),
    ],
    components: options.Components = "1:9",
    columns: options.Columns = None,
    criterion: options.Criterion = "bic",
    report: options.Report = None,
    save: options.Save = None,
    standard_errors: options.StandardErrors = True,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: options.Starts = 10,
    exchange: options.Exchange = 0,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
    dask: options.Scheduler = None,
    dask_folder: options.SharedFolder = None,
) -> None:
    """Fit mixtures of any family and keep the best."""
    numbers, chosen = split_components(components), options.criterion_of(criterion)
    check_outputs(data, report, save)

    from latentia import Mixture
    from latentia.cli.families import columns_named, specifications
    from latentia.cli.fitting import Request

    _check_accelerator(accelerate)
    read = read_input(data, columns or columns_named(family), allow_missing=True)
    check_rows(read, numbers)
    kinds = specifications(family, read.columns)
    request = Request(
        data=read,
        estimator=Mixture(kinds[0], random_state=seed),
        climb={"tol": tol, "max_iter": max_iter, "accelerate": accelerate, "starts": starts},
        grid={"family": kinds, "n_components": numbers},
        criterion=chosen,
        jobs=jobs,
        exchange=exchange,
        quiet=quiet,
        standard_errors=standard_errors,
    )
    _run(ctx, request, (dask, dask_folder), report, save, allow_unconverged)


@app.command("bayesian-mixture", help=texts.BAYESIAN, epilog=texts.BAYESIAN_EXAMPLE)
def bayesian_mixture(
    ctx: typer.Context,
    data: options.Data,
    components: Annotated[
        int, typer.Option(parser=whole_number("--components"), metavar="K", help="At most.")
    ] = 10,
    covariance: Annotated[
        str, typer.Option(metavar="TYPE", help="full, tied, diag or spherical.")
    ] = "full",
    columns: options.Columns = None,
    weights_prior: Annotated[
        str,
        typer.Option(metavar="NAME", help="dirichlet-process or dirichlet-distribution."),
    ] = "dirichlet-process",
    concentration: Annotated[
        float | None,
        typer.Option(
            parser=not_negative("--concentration"),
            metavar="NUMBER",
            help="Of that prior: the larger, the more components are used; by default 1 / K.",
            show_default=False,
        ),
    ] = None,
    report: options.Report = None,
    save: options.Save = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: options.Starts = 10,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    reg_covar: options.RegCovar = 1e-6,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
    dask: options.Scheduler = None,
    dask_folder: options.SharedFolder = None,
) -> None:
    """Fit a Bayesian Gaussian mixture."""
    kind = one_of("--covariance", covariance, COVARIANCES)
    prior = one_of("--weights-prior", weights_prior, WEIGHTS_PRIORS)
    if concentration == 0:
        raise Refusal("got --concentration 0, expected a number above 0")
    check_outputs(data, report, save)

    from latentia import BayesianGaussianMixture
    from latentia.cli.fitting import Request

    _check_accelerator(accelerate)
    read = read_input(data, columns)
    check_rows(read, [components])
    check_columns(read)
    request = Request(
        data=read,
        estimator=BayesianGaussianMixture(
            reg_covar=reg_covar,
            random_state=seed,
            weight_concentration_prior_type=prior.replace("-", "_"),
            weight_concentration_prior=concentration,
        ),
        climb={"tol": tol, "max_iter": max_iter, "accelerate": accelerate, "starts": starts},
        grid={"n_components": [components], "covariance_type": [kind]},
        criterion="bic",
        jobs=jobs,
        quiet=quiet,
    )
    _run(ctx, request, (dask, dask_folder), report, save, allow_unconverged)


@app.command("latent-class", help=texts.LATENT_CLASS, epilog=texts.LATENT_CLASS_EXAMPLE)
def latent_class(
    ctx: typer.Context,
    data: options.Data,
    components: Annotated[
        str, typer.Option("--components", "--classes", metavar="K", help="As 3, 1:6, or 1,2,5.")
    ] = "1:6",
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Columns to use; otherwise all.")
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Columns that are no items but covariates of class membership."
        ),
    ] = None,
    criterion: options.Criterion = "bic",
    report: options.Report = None,
    save: options.Save = None,
    standard_errors: options.StandardErrors = True,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    starts: options.Starts = 20,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    accelerate: options.Accelerate = "auto",
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
    dask: options.Scheduler = None,
    dask_folder: options.SharedFolder = None,
) -> None:
    """Fit latent class models and keep the best."""
    numbers, chosen = split_components(components), options.criterion_of(criterion)
    check_outputs(data, report, save)

    from latentia import LatentClass
    from latentia.cli.fitting import Request

    _check_accelerator(accelerate)
    asked = [] if covariates is None else split_columns(covariates, "--covariates")
    wanted = None if columns is None else list(dict.fromkeys([*split_columns(columns), *asked]))
    read = read_input(data, wanted, answers=True)
    check_rows(read, numbers)
    for name in asked:
        if name not in read.columns:
            raise Refusal(
                f"got --covariates {covariates}, but there is no column {name!r}; there are "
                f"{listed(read.columns)}"
            )
    places = [read.columns.index(name) for name in asked]
    estimator = LatentClass(covariates=places or None, random_state=seed)
    try:  # what cannot be used is said once, and not of every candidate
        LatentClass(1, covariates=estimator.covariates, max_iter=0, n_init=1).fit(read.values)
    except ValueError as error:
        named = re.sub(r"'x(\d+)'", lambda x: repr(read.columns[int(x[1])]), str(error))
        raise Refusal(named) from error
    request = Request(
        data=read,
        estimator=estimator,
        climb={"tol": tol, "max_iter": max_iter, "accelerate": accelerate, "starts": starts},
        grid={"n_components": numbers},
        criterion=chosen,
        jobs=jobs,
        quiet=quiet,
        standard_errors=standard_errors,
    )
    _run(ctx, request, (dask, dask_folder), report, save, allow_unconverged)


app.command("hmm", help=texts.HIDDEN_MARKOV, epilog=texts.HIDDEN_MARKOV_EXAMPLE)(hidden_markov)
app.command(
    "markov-regression", help=texts.MARKOV_REGRESSION, epilog=texts.MARKOV_REGRESSION_EXAMPLE
)(markov_regression)
app.command(
    "markov-autoregression",
    help=texts.MARKOV_AUTOREGRESSION,
    epilog=texts.MARKOV_AUTOREGRESSION_EXAMPLE,
)(markov_autoregression)
app.command("hmm-mixture", help=texts.MARKOV_MIXTURE, epilog=texts.MARKOV_MIXTURE_EXAMPLE)(
    hidden_markov_mixture
)
app.command("hsmm", help=texts.SEMI_MARKOV, epilog=texts.SEMI_MARKOV_EXAMPLE)(hidden_semi_markov)
app.command("regression", help=texts.REGRESSION, epilog=texts.REGRESSION_EXAMPLE)(regression)
app.command("factors", help=texts.FACTORS, epilog=texts.FACTORS_EXAMPLE)(factors)
app.command("pca", help=texts.PRINCIPAL, epilog=texts.PRINCIPAL_EXAMPLE)(principal)
app.command("table", help=texts.TABLE, epilog=texts.TABLE_EXAMPLE)(table)
app.command("survival", help=texts.SURVIVAL, epilog=texts.SURVIVAL_EXAMPLE)(survival)
app.command("discriminant", help=texts.DISCRIMINANT, epilog=texts.DISCRIMINANT_EXAMPLE)(
    discriminant
)


def _check_accelerator(name: str) -> None:
    from latentia.engine.accelerate import ACCELERATORS

    split_names("--accelerate", name, tuple(ACCELERATORS))


def _run(
    ctx: typer.Context,
    request: Any,
    cluster: tuple[str | None, Path | None],
    report: Path | None,
    save: Path | None,
    allow_unconverged: bool,
) -> None:
    """Fit, write, show, and end with the exit status."""
    from latentia.cli.cluster import backend_at
    from latentia.cli.fitting import Outcome, deliver, fit, write_model, write_report

    read: Input = request.data

    def write(outcome: Outcome, written: list[str]) -> None:
        if save is not None:
            write_model(outcome, save, written)
        if report is not None:
            write_report(outcome, read, ctx.obj.command(), report, written)

    with warnings_as_sentences(), backend_at(*cluster, request.quiet) as backend:
        outcome = fit(request._replace(backend=backend))
        status = deliver(outcome, read, write, allow_unconverged)
    raise typer.Exit(status)
