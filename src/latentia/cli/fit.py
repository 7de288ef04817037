"""``latentia fit``: the options that all models share, and those of each."""

from pathlib import Path
from typing import Annotated

import typer

from latentia.cli.errors import Refusal, warnings_as_sentences
from latentia.cli.group import Commands
from latentia.cli.inputs import Input, listed, read_input, split_components, split_names

app = typer.Typer(cls=Commands, help="Fit a model to data.")

COVARIANCES = ("full", "tied", "diag", "spherical")
CRITERIA = ("bic", "aic", "icl")
OUTPUT = "Output"
CLIMB = "Climb"


@app.command("gaussian-mixture")
def gaussian_mixture(
    ctx: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .csv, .tsv, .parquet, .arrow or .npy file, or the name of a built-in data set.",
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
        str, typer.Option(metavar="NAME", help="What decides among candidates: bic, aic or icl.")
    ] = "bic",
    starts: Annotated[
        int,
        typer.Option(min=1, help="Starts of each candidate.", rich_help_panel=CLIMB),
    ] = 10,
    tol: Annotated[
        float,
        typer.Option(
            min=0.0,
            help="Stop when fewer nats are estimated to be left to gain.",
            rich_help_panel=CLIMB,
        ),
    ] = 1e-5,
    max_iter: Annotated[
        int, typer.Option(min=1, help="E-steps of a start, at most.", rich_help_panel=CLIMB)
    ] = 1000,
    reg_covar: Annotated[
        float,
        typer.Option(
            min=0.0, help="Floor under the eigenvalues of covariances.", rich_help_panel=CLIMB
        ),
    ] = 1e-6,
    accelerate: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, quasi-newton, squarem, or none for plain EM.",
            rich_help_panel=CLIMB,
        ),
    ] = "auto",
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=2**32 - 1, help="Of the random starts.", rich_help_panel=CLIMB
        ),
    ] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How much to do at a time; all cores by default.",
            show_default=False,
            rich_help_panel=CLIMB,
        ),
    ] = None,
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
) -> None:
    """Fit Gaussian mixtures and keep the best.

    Every number of components is tried with every type of covariance. Results go to standard
    output, progress and errors to standard error. The exit status is 0 where the fit converged,
    1 where it did not, 2 for input that cannot be used, and 130 after Ctrl-C; the best so far
    is written in either case.
    """
    numbers = split_components(components)
    types = split_names("--covariance", covariance, COVARIANCES)
    chosen = split_names("--criterion", criterion, CRITERIA)
    if len(chosen) > 1:
        raise Refusal(f"got --criterion {criterion}, expected one; give bic, aic or icl")
    _check_outputs(data, report, save)

    from latentia import GaussianMixture
    from latentia.cli.fitting import Request, ending, fit, show_outcome, write
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
    )
    with warnings_as_sentences():
        outcome = fit(request)
        written = write(outcome, read, ctx.obj.command(), report, save)
        status = ending(outcome, written, allow_unconverged)
        show_outcome(outcome, read, written)
    raise typer.Exit(status)


def check_rows(read: Input, numbers: list[int]) -> None:
    """Refuse data from which no mixture can be estimated.

    Parameters
    ----------
    read : Input
        The data.
    numbers : list of int
        The numbers of components to be tried, in ascending order.

    Raises
    ------
    Refusal
        There are fewer rows than components, or a column holds one value only.
    """
    n = len(read.values)
    least = max(numbers[-1], 2)
    if n < least:
        asked = f"{numbers[-1]} components" if numbers[-1] > 1 else "a variance"
        advice = f"; ask for at most --components {n}" if n > 1 else ""
        raise Refusal(
            f"{read.source} has {n} {'row' if n == 1 else 'rows'}, "
            f"fewer than the {least} that {asked} need{'s' * (numbers[-1] == 1)}{advice}"
        )
    constant = (read.values == read.values[0]).all(axis=0)
    if constant.any():
        names = [name for name, same in zip(read.columns, constant, strict=True) if same]
        kept = [name for name, same in zip(read.columns, constant, strict=True) if not same]
        which = f"column {names[0]} of" if len(names) == 1 else f"columns {listed(names)} of"
        verb = "holds" if len(names) == 1 else "each hold"
        advice = f"leave it out with --columns {','.join(kept)}" if 0 < len(kept) <= 8 else (
            "leave it out by naming the others with --columns" if kept else "there is nothing to fit"
        )
        raise Refusal(f"{which} {read.source} {verb} the same value in every row; {advice}")


def _check_outputs(data: str, report: Path | None, save: Path | None) -> None:
    from latentia.cli.outputs import check_output

    others: dict[str, Path | None] = {"the data": Path(data)}
    check_output("--report", report, (".html", ".htm"), others)
    check_output("--save", save, (".safetensors",), others)
