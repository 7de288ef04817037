"""``latentia fit``: a command for each kind of model."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.discriminant import discriminant
from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.factors import factors, principal
from latentia.cli.group import Commands
from latentia.cli.hidden_markov import hidden_markov
from latentia.cli.hidden_markov_mixture import hidden_markov_mixture
from latentia.cli.hidden_semi_markov import hidden_semi_markov
from latentia.cli.inputs import (
    Input,
    check_columns,
    check_rows,
    listed,
    not_negative,
    one_of,
    read_input,
    split_columns,
    split_components,
    split_names,
    whole_number,
)
from latentia.cli.outputs import check_outputs
from latentia.cli.regression import regression
from latentia.cli.survival import survival
from latentia.cli.switching import markov_autoregression, markov_regression
from latentia.cli.table import table

app = typer.Typer(cls=Commands, help="Fit a model to data.")

COVARIANCES = ("full", "tied", "diag", "spherical")
MCLUST = (
    *("EII", "VII", "EEI", "VEI", "EVI", "VVI"),
    *("EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"),
)
"""The fourteen models by mclust's names; "E" and "V" are those of one column."""
WEIGHTS_PRIORS = ("dirichlet-process", "dirichlet-distribution")

ENDINGS = (
    "Results go to standard output, progress and errors to standard error.\n\n"
    "The exit status is 0 where the fit converged, 1 where it did not, 2 for input that cannot be "
    "used, and 130 after Ctrl-C; whatever was fitted by then is written all the same."
)
GAUSSIAN = (
    "Fit Gaussian mixtures and keep the best.\n\n"
    f"Every number of components is tried with every type of covariance. {ENDINGS}"
)
GAUSSIAN_EXAMPLE = (
    "Example: latentia fit gaussian-mixture faithful --components 1:5 --report report.html"
)
MIXTURE = (
    "Fit mixtures of any family and keep the best.\n\n"
    f"Every number of components is tried with every family. Cells may be missing where the family "
    f"takes that. {ENDINGS}"
)
MIXTURE_EXAMPLE = "Example: latentia fit mixture deaths --family poisson --components 1:4"
BAYESIAN = (
    "Fit a Bayesian Gaussian mixture.\n\n"
    "Of the components that --components allows, those that the rows do not need are left with "
    f"next to none. {ENDINGS}"
)
BAYESIAN_EXAMPLE = "Example: latentia fit bayesian-mixture faithful --components 6"
REGRESSION = (
    "Fit mixtures of regressions by formula and keep the best.\n\n"
    "Every number of components is tried. Weights may follow covariates (--concomitant), and the "
    f"rows of a subject share a component (--groups). {ENDINGS}"
)
REGRESSION_EXAMPLE = (
    "Example: latentia fit regression npreg --formula 'yn ~ x + I(x**2)' --components 2"
)
DISCRIMINANT = (
    "Fit Gaussian densities of classes that are known, to predict the class of other rows.\n\n"
    "With --type mclustda each class is a mixture, its covariance and number of components "
    f"chosen by BIC; with edda each is one Gaussian. {ENDINGS}"
)
DISCRIMINANT_EXAMPLE = "Example: latentia fit discriminant iris --type edda --save iris.safetensors"
HIDDEN_MARKOV = (
    "Fit hidden Markov models of any family and keep the best.\n\n"
    "Rows are steps, of one sequence or of those that --id tells apart. Whole rows may be missing, "
    f"and cells where the family takes that. {ENDINGS}"
)
HIDDEN_MARKOV_EXAMPLE = (
    "Example: latentia fit hmm earthquakes --family poisson --states 1:4 --time year"
)
TABLE = (
    "Fit a log-linear model of categories, or with columns of numbers the general location model."
    f"\n\nColumns of texts are categories. Cells may be missing. {ENDINGS}"
)
TABLE_EXAMPLE = "Example: latentia fit table nhanes --categorical age,hyp --interactions 1"
FACTORS = (
    "Fit factor analyses for one or several numbers of factors, and keep the best.\n\n"
    f"Cells may be missing. {ENDINGS}"
)
FACTORS_EXAMPLE = "Example: latentia fit factors bfi --factors 1:6 --rotation oblimin --parallel"
PRINCIPAL = (
    "Fit principal components as a density, for one or several numbers, and keep the best.\n\n"
    f"Cells may be missing. {ENDINGS}"
)
PRINCIPAL_EXAMPLE = "Example: latentia fit pca airquality --components 1:3 --filled filled.csv"
SURVIVAL = (
    "Fit a survival curve by no formula, or with --on a regression of times on covariates.\n\n"
    "Times are known exactly or up to intervals; covariates may be missing. "
    f"{ENDINGS}"
)
SURVIVAL_EXAMPLE = (
    "Example: latentia fit survival cosmesis --lower left --upper right --on chemotherapy"
)
MARKOV_REGRESSION = (
    "Fit regressions that switch with the states of a hidden Markov chain, and keep the best.\n\n"
    "Lines differ between states; moves from state to state, and first states, may follow "
    f"covariates by logits. Responses may be missing. {ENDINGS}"
)
MARKOV_REGRESSION_EXAMPLE = (
    "Example: latentia fit markov-regression speed --formula 'rt ~ 1' --transitions '~ payoff' "
    "--id series"
)
MARKOV_AUTOREGRESSION = (
    "Fit autoregressions that switch with hidden states, and keep the best.\n\n"
    "The first values of each series, as many as there are lags, are given; the likelihood of the "
    f"others is exact. {ENDINGS}"
)
MARKOV_AUTOREGRESSION_EXAMPLE = (
    "Example: latentia fit markov-autoregression gnp --columns growth --order 4"
)
MARKOV_MIXTURE = (
    "Fit mixtures of hidden Markov models, which cluster sequences, and keep the best.\n\n"
    "Every number of clusters is tried with every number of states. --id says whose a row is. "
    f"{ENDINGS}"
)
MARKOV_MIXTURE_EXAMPLE = (
    "Example: latentia fit hmm-mixture rows.csv --id person --time day --clusters 1:4"
)
SEMI_MARKOV = (
    "Fit hidden states that last by laws of their own, and keep the best.\n\n"
    "Every number of states is tried with every law of durations. Rows are steps, of one sequence "
    f"or of those that --id tells apart; whole rows may be missing. {ENDINGS}"
)
SEMI_MARKOV_EXAMPLE = (
    "Example: latentia fit hsmm speed --columns rt --id series --durations geometric,poisson"
)
LATENT_CLASS = (
    "Fit latent class models and keep the best.\n\n"
    f"Columns are items, answers texts or numbers, and cells may be missing. {ENDINGS}"
)
LATENT_CLASS_EXAMPLE = "Example: latentia fit latent-class carcinoma --classes 1:4"


@app.command("gaussian-mixture", help=GAUSSIAN, epilog=GAUSSIAN_EXAMPLE)
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


@app.command("mixture", help=MIXTURE, epilog=MIXTURE_EXAMPLE)
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
    from latentia.cli.families import specifications
    from latentia.cli.fitting import Request

    _check_accelerator(accelerate)
    read = read_input(data, columns, allow_missing=True)
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


@app.command("bayesian-mixture", help=BAYESIAN, epilog=BAYESIAN_EXAMPLE)
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


@app.command("latent-class", help=LATENT_CLASS, epilog=LATENT_CLASS_EXAMPLE)
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
        typer.Option(metavar="A,B,...", help="Those that are covariates of class membership."),
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
    read = read_input(data, columns, answers=True)
    check_rows(read, numbers)
    asked = [] if covariates is None else split_columns(covariates, "--covariates")
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


app.command("hmm", help=HIDDEN_MARKOV, epilog=HIDDEN_MARKOV_EXAMPLE)(hidden_markov)
app.command("markov-regression", help=MARKOV_REGRESSION, epilog=MARKOV_REGRESSION_EXAMPLE)(
    markov_regression
)
app.command(
    "markov-autoregression", help=MARKOV_AUTOREGRESSION, epilog=MARKOV_AUTOREGRESSION_EXAMPLE
)(markov_autoregression)
app.command("hmm-mixture", help=MARKOV_MIXTURE, epilog=MARKOV_MIXTURE_EXAMPLE)(
    hidden_markov_mixture
)
app.command("hsmm", help=SEMI_MARKOV, epilog=SEMI_MARKOV_EXAMPLE)(hidden_semi_markov)
app.command("regression", help=REGRESSION, epilog=REGRESSION_EXAMPLE)(regression)
app.command("factors", help=FACTORS, epilog=FACTORS_EXAMPLE)(factors)
app.command("pca", help=PRINCIPAL, epilog=PRINCIPAL_EXAMPLE)(principal)
app.command("table", help=TABLE, epilog=TABLE_EXAMPLE)(table)
app.command("survival", help=SURVIVAL, epilog=SURVIVAL_EXAMPLE)(survival)
app.command("discriminant", help=DISCRIMINANT, epilog=DISCRIMINANT_EXAMPLE)(discriminant)


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
