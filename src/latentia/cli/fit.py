"""``latentia fit``: the options that all models share, and those of each."""

from pathlib import Path
from typing import Annotated

import typer

from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.group import Commands
from latentia.cli.inputs import (
    check_rows,
    not_negative,
    read_input,
    split_components,
    split_names,
    whole_number,
)

app = typer.Typer(cls=Commands, help="Fit a model to data.")

COVARIANCES = ("full", "tied", "diag", "spherical")
CRITERIA = ("bic", "aic", "aicc", "sabic", "icl")
OUTPUT = "Output"
CLIMB = "Climb"


HELP = (
    "Fit Gaussian mixtures and keep the best.\n\n"
    "Every number of components is tried with every type of covariance. "
    "Results go to standard output, progress and errors to standard error.\n\n"
    "The exit status is 0 where the fit converged, 1 where it did not, 2 for input that cannot be "
    "used, and 130 after Ctrl-C; whatever was fitted by then is written all the same."
)
EXAMPLE = "Example: latentia fit gaussian-mixture faithful --components 1:5 --report report.html"


@app.command("gaussian-mixture", help=HELP, epilog=EXAMPLE)
def gaussian_mixture(
    ctx: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .csv, .tsv, .parquet, .arrow or .npy file, a folder or 'pattern' of such "
            "files, or the name of a built-in data set.",
        ),
    ],
    components: Annotated[
        str, typer.Option(metavar="K", help="How many: 3, or 1:9, or 1,2,5.")
    ] = "1:9",
    covariance: Annotated[
        str, typer.Option(metavar="TYPES", help="Some of full, tied, diag, spherical.")
    ] = ",".join(COVARIANCES),
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Columns to use; otherwise all that hold numbers."),
    ] = None,
    criterion: Annotated[
        str, typer.Option(metavar="NAME", help="What decides: bic, aic, aicc, sabic, icl.")
    ] = "bic",
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an .html report.", rich_help_panel=OUTPUT),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the model, as .safetensors.", rich_help_panel=OUTPUT
        ),
    ] = None,
    standard_errors: Annotated[
        bool,
        typer.Option(
            "--standard-errors/--no-standard-errors",
            help="Compute them; it takes long for hundreds of parameters.",
            rich_help_panel=OUTPUT,
        ),
    ] = True,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=OUTPUT)
    ] = False,
    allow_unconverged: Annotated[
        bool,
        typer.Option(
            "--allow-unconverged",
            help="Exit with 0 also where the fit did not converge.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    starts: Annotated[
        int,
        typer.Option(
            parser=whole_number("--starts"),
            metavar="N",
            help="Starts of each candidate.",
            rich_help_panel=CLIMB,
        ),
    ] = 10,
    tol: Annotated[
        float,
        typer.Option(
            parser=not_negative("--tol"),
            metavar="NATS",
            help="Stop when less is estimated to be left to gain.",
            rich_help_panel=CLIMB,
        ),
    ] = 1e-5,
    max_iter: Annotated[
        int,
        typer.Option(
            parser=whole_number("--max-iter"),
            metavar="N",
            help="E-steps of a start, at most.",
            rich_help_panel=CLIMB,
        ),
    ] = 1000,
    reg_covar: Annotated[
        float,
        typer.Option(
            parser=not_negative("--reg-covar"),
            metavar="FLOOR",
            help="Lower bound of the eigenvalues of covariances.",
            rich_help_panel=CLIMB,
        ),
    ] = 1e-6,
    accelerate: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, quasi-newton, lbfgs, anderson, squarem, or none for plain EM.",
            rich_help_panel=CLIMB,
        ),
    ] = "auto",
    seed: Annotated[
        int,
        typer.Option(
            parser=whole_number("--seed", least=0),
            metavar="N",
            help="Of the random starts.",
            rich_help_panel=CLIMB,
        ),
    ] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            parser=whole_number("--jobs"),
            metavar="N",
            help="Candidates at a time; by default what pays.",
            show_default=False,
            rich_help_panel=CLIMB,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Fit on the Dask cluster of the scheduler at this address.",
            rich_help_panel=CLIMB,
        ),
    ] = None,
    dask_folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where data are put for its workers to read, on a disk that they share.",
            rich_help_panel=CLIMB,
        ),
    ] = None,
) -> None:
    """Fit Gaussian mixtures and keep the best."""
    numbers = split_components(components)
    types = split_names("--covariance", covariance, COVARIANCES)
    chosen = split_names("--criterion", criterion, CRITERIA)
    if len(chosen) > 1:
        raise Refusal(f"got --criterion {criterion}, expected one of {', '.join(CRITERIA)}")
    _check_outputs(data, report, save)

    from latentia import GaussianMixture
    from latentia.cli.cluster import backend_at
    from latentia.cli.fitting import Outcome, Request, deliver, fit, write_model, write_report
    from latentia.engine.accelerate import ACCELERATORS

    split_names("--accelerate", accelerate, tuple(ACCELERATORS))
    read = read_input(data, columns)
    check_rows(read, numbers)
    climb = {"tol": tol, "max_iter": max_iter, "accelerate": accelerate, "starts": starts}
    request = Request(
        data=read,
        estimator=GaussianMixture(reg_covar=reg_covar, random_state=seed),
        climb=climb,
        grid={"n_components": numbers, "covariance_type": types},
        criterion=chosen[0],
        jobs=jobs,
        quiet=quiet,
        standard_errors=standard_errors,
    )

    def write(outcome: Outcome, written: list[str]) -> None:
        if save is not None:
            write_model(outcome, save, written)
        if report is not None:
            write_report(outcome, read, ctx.obj.command(), report, written)

    with warnings_as_sentences(), backend_at(dask, dask_folder, quiet) as backend:
        outcome = fit(request._replace(backend=backend))
        status = deliver(outcome, read, write, allow_unconverged)
    raise typer.Exit(status)


def _check_outputs(data: str, report: Path | None, save: Path | None) -> None:
    from latentia.cli.outputs import check_output
    from latentia.extras import require

    if report is not None:
        for module in ("matplotlib", "jinja2"):
            require(module, extra="plot")
    others: dict[str, Path | None] = {"the data": Path(data)}
    check_output("--report", report, (".html", ".htm"), others)
    check_output("--save", save, (".safetensors",), others)
