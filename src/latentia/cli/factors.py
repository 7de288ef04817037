"""``latentia fit factors`` and ``latentia fit pca``: few directions behind many columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, Refusal, say, warnings_as_sentences
from latentia.cli.inputs import read_input
from latentia.cli.outputs import TABLE_ENDINGS, check_output
from latentia.cli.values import one_of, split_components

ROTATIONS = ("none", "varimax", "quartimax", "promax", "oblimin")

Scores = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write where each row lies along them: .csv, .tsv, .parquet, .arrow or .npy.",
        rich_help_panel=options.OUTPUT,
    ),
]
Filled = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the columns with missing cells filled in.",
        rich_help_panel=options.OUTPUT,
    ),
]


def factors(
    ctx: typer.Context,
    data: options.Data,
    factors: Annotated[
        str, typer.Option("--factors", metavar="K", help="How many: 3, or 1:6, or 1,2,5.")
    ] = "1:3",
    rotation: Annotated[
        str, typer.Option(metavar="NAME", help=f"{', '.join(ROTATIONS[:-1])}, or oblimin.")
    ] = "none",
    kaiser: Annotated[
        bool, typer.Option("--kaiser", help="Let columns count alike in the rotation.")
    ] = False,
    parallel: Annotated[
        bool, typer.Option("--parallel", help="Say how many stand out from chance, too.")
    ] = False,
    min_uniqueness: Annotated[
        float,
        typer.Option(metavar="SHARE", help="The least that uniquenesses may be.", min=0, max=0.99),
    ] = 1e-6,
    criterion: options.Criterion = "bic",
    columns: options.Columns = None,
    report: options.Report = None,
    save: options.Save = None,
    scores: Scores = None,
    filled: Filled = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    seed: options.Seed = 0,
) -> None:
    """Fit factor analyses and keep the best."""
    turned = one_of("--rotation", rotation, ROTATIONS)
    try:
        numbers = split_components(factors)
    except Refusal as refusal:
        told = str(refusal).replace("--components", "--factors")
        raise Refusal(told.replace("a mixture has", "there must be")) from None

    from latentia import FactorAnalysis

    candidate = FactorAnalysis(
        rotation=None if turned == "none" else turned,
        kaiser=kaiser,
        min_uniqueness=min_uniqueness,
        tol=tol,
        max_iter=max_iter,
        random_state=seed,
    )
    _run(
        (data, columns),
        candidate,
        numbers,
        criterion,
        (report, save, scores, filled),
        ctx.obj.command(),
        quiet,
        allow_unconverged,
        parallel,
    )


def principal(
    ctx: typer.Context,
    data: options.Data,
    components: options.Components = "1:3",
    criterion: options.Criterion = "bic",
    columns: options.Columns = None,
    report: options.Report = None,
    save: options.Save = None,
    scores: Scores = None,
    filled: Filled = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
    seed: options.Seed = 0,
) -> None:
    """Fit principal components and keep the best."""
    numbers = split_components(components)

    from latentia import ProbabilisticPCA

    candidate = ProbabilisticPCA(tol=tol, max_iter=max_iter, random_state=seed)
    _run(
        (data, columns),
        candidate,
        numbers,
        criterion,
        (report, save, scores, filled),
        ctx.obj.command(),
        quiet,
        allow_unconverged,
        False,
    )


def _run(
    asked: tuple[str, str | None],
    candidate: Any,
    numbers: list[int],
    criterion: str,
    files: tuple[Path | None, Path | None, Path | None, Path | None],
    command: str,
    quiet: bool,
    allow_unconverged: bool,
    parallel: bool,
) -> None:
    """Read, fit, print and write."""
    data, columns = asked
    report, save, scores, filled = files
    chosen = options.criterion_of(criterion)
    others: dict[str, Path | None] = {"the data": Path(data)}
    for option, path, endings in (
        ("--report", report, (".html", ".htm")),
        ("--save", save, (".safetensors",)),
        ("--scores", scores, TABLE_ENDINGS),
        ("--filled", filled, TABLE_ENDINGS),
    ):
        check_output(option, path, endings, others)
        others[f"what {option} writes"] = path

    from latentia import select
    from latentia.cli.printing import show
    from latentia.cli.progress import working
    from latentia.factor import parallel_analysis

    read = read_input(data, columns, allow_missing=True)
    with warnings_as_sentences():
        try:
            with working("fitting", quiet):
                rows = _named(read)
                swept = select(candidate, rows, {"n_components": numbers}, criterion=chosen)
                analysis = parallel_analysis(read.values, random_state=0) if parallel else None
        except ValueError as error:
            raise Refusal(str(error)) from error
        made = swept.best_estimator
        table = [swept.summary()] if len(numbers) > 1 else []
        told = [] if analysis is None else [f"Parallel analysis: {analysis.n_factors} factors."]
        summary = made.summary()
        written = _written(
            made, (read.columns, rows), files, swept if table else None, analysis, data, command
        )
        show(*read.described(), *table, *told, summary, *written)
    if not made.converged_:
        what = "the fit stopped before it converged; raise --max-iter"
        say(what if allow_unconverged else f"{what}, or accept it with --allow-unconverged")
        raise typer.Exit(0 if allow_unconverged else UNCONVERGED)


def _named(read: Any) -> Any:
    """The rows as a table, so that what is said of columns calls them by name."""
    from latentia.extras import require

    arrow = require("pyarrow", extra="io")
    return arrow.table(dict(zip(read.columns, read.values.T, strict=True)))


def _written(
    made: Any,
    read: tuple[Sequence[str], Any],
    files: tuple[Path | None, Path | None, Path | None, Path | None],
    swept: Any,
    analysis: Any,
    source: str,
    command: str,
) -> list[str]:
    """Write what was asked for; a line for each file."""
    from latentia.cli.outputs import write_table

    report, save, scores, filled = files
    columns, rows = read
    written: list[str] = []
    if report is not None:
        from latentia.report.factor_page import write_factor_report

        write_factor_report(
            report,
            estimator=made,
            source=source,
            selection=swept,
            analysis=analysis,
            command=command,
        )
        written.append(f"Report: {report}")
    if save is not None:
        made.save(save)
        written.append(f"Model: {save}")
    if scores is not None:
        names = [str(name) for name in made.get_feature_names_out()]
        if not names:
            raise Refusal("got --scores, but the best model has no factors; ask for one or more")
        write_table(scores, names, list(made.transform(rows).T))
        written.append(f"Scores: {scores}")
    if filled is not None:
        write_table(filled, columns, list(made.impute(rows).T))
        written.append(f"Filled: {filled}")
    return written
