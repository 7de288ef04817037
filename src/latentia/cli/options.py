"""The options that the commands of ``latentia fit`` share."""

from pathlib import Path
from typing import Annotated

import typer

from latentia.cli.values import not_negative, one_of, whole_number

OUTPUT = "Output"
CLIMB = "Climb"

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A .csv, .tsv, .parquet, .arrow or .npy file, a folder or 'pattern' of such "
        "files, or the name of a built-in data set.",
    ),
]
Components = Annotated[str, typer.Option(metavar="K", help="How many: 3, or 1:9, or 1,2,5.")]
Columns = Annotated[
    str | None,
    typer.Option(metavar="A,B,...", help="Columns to use; otherwise all that hold numbers."),
]
CRITERIA = ("bic", "aic", "aicc", "sabic", "icl")
Criterion = Annotated[
    str, typer.Option(metavar="NAME", help="What decides: bic, aic, aicc, sabic, icl.")
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write an .html report.", rich_help_panel=OUTPUT),
]
Save = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the model, as .safetensors.", rich_help_panel=OUTPUT),
]
StandardErrors = Annotated[
    bool,
    typer.Option(
        "--standard-errors/--no-standard-errors",
        help="Compute them; it takes long for hundreds of parameters.",
        rich_help_panel=OUTPUT,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=OUTPUT)
]
AllowUnconverged = Annotated[
    bool,
    typer.Option(
        "--allow-unconverged",
        help="Exit with 0 also where the fit did not converge.",
        rich_help_panel=OUTPUT,
    ),
]
Starts = Annotated[
    int,
    typer.Option(
        parser=whole_number("--starts"),
        metavar="N",
        help="Starts of each candidate.",
        rich_help_panel=CLIMB,
    ),
]
Exchange = Annotated[
    int,
    typer.Option(
        parser=whole_number("--exchange", least=0),
        metavar="ROUNDS",
        help="Rounds in which candidates take starts from their neighbours' fits.",
        rich_help_panel=CLIMB,
    ),
]
Tol = Annotated[
    float,
    typer.Option(
        parser=not_negative("--tol"),
        metavar="NATS",
        help="Stop when less is estimated to be left to gain.",
        rich_help_panel=CLIMB,
    ),
]
MaxIter = Annotated[
    int,
    typer.Option(
        parser=whole_number("--max-iter"),
        metavar="N",
        help="E-steps of a start, at most.",
        rich_help_panel=CLIMB,
    ),
]
RegCovar = Annotated[
    float,
    typer.Option(
        parser=not_negative("--reg-covar"),
        metavar="FLOOR",
        help="Lower bound of the eigenvalues of covariances.",
        rich_help_panel=CLIMB,
    ),
]
Accelerate = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, quasi-newton, lbfgs, anderson, squarem, or none for plain EM.",
        rich_help_panel=CLIMB,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        parser=whole_number("--seed", least=0),
        metavar="N",
        help="Of the random starts.",
        rich_help_panel=CLIMB,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        parser=whole_number("--jobs"),
        metavar="N",
        help="Candidates at a time; by default what pays.",
        show_default=False,
        rich_help_panel=CLIMB,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Fit on the Dask cluster of the scheduler at this address.",
        rich_help_panel=CLIMB,
    ),
]
SharedFolder = Annotated[
    Path | None,
    typer.Option(
        "--dask-folder",
        metavar="FOLDER",
        help="Where data are put for its workers to read, on a disk that they share.",
        rich_help_panel=CLIMB,
    ),
]


def criterion_of(text: str) -> str:
    """What was written after ``--criterion``, if it is one."""
    return one_of("--criterion", text, CRITERIA)
