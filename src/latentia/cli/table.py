"""``latentia fit table``: tables of categories, and of categories and numbers, with holes."""

from typing import Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, Refusal, say, warnings_as_sentences
from latentia.cli.inputs import read_input
from latentia.cli.outputs import check_outputs, write_plain_report
from latentia.cli.values import not_negative, split_names


def table(
    ctx: typer.Context,
    data: options.Data,
    categorical: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Columns of numbers that are categories; texts are anyway."
        ),
    ] = None,
    interactions: Annotated[
        str,
        typer.Option(
            metavar="TERMS", help="Of categories: a number (2: all pairs), saturated, or a:b,c."
        ),
    ] = "2",
    means: Annotated[
        str, typer.Option(metavar="TERMS", help="What means of numbers depend on, likewise.")
    ] = "1",
    prior: Annotated[
        float,
        typer.Option(
            parser=not_negative("--prior"), metavar="ROWS", help="Rows added to each cell."
        ),
    ] = 0.0,
    columns: options.Columns = None,
    report: options.Report = None,
    save: options.Save = None,
    quiet: options.Quiet = False,
    allow_unconverged: options.AllowUnconverged = False,
    tol: options.Tol = 1e-5,
    max_iter: options.MaxIter = 1000,
) -> None:
    """Fit a log-linear model, or with columns of numbers the general location model."""
    check_outputs(data, report, save)

    from latentia import GeneralLocation, LogLinear
    from latentia.cli.printing import show
    from latentia.cli.progress import working
    from latentia.extras import require

    read = read_input(data, columns, allow_missing=True, answers=True)
    chosen = () if categorical is None else split_names("--categorical", categorical, read.columns)
    places = [read.columns.index(name) for name in chosen]
    values: Any = read.values
    texts = [
        j
        for j in range(values.shape[1])
        if any(isinstance(cell, str | bool) for cell in values[:, j].tolist())
    ]
    climb = {"prior": prior, "tol": tol, "max_iter": max_iter}
    if set(places) | set(texts) == set(range(values.shape[1])):
        estimator: Any = LogLinear(terms_of(interactions), **climb)
    else:
        asked = {"interactions": terms_of(interactions), "means": terms_of(means)}
        estimator = GeneralLocation(list(chosen), **asked, **climb)
    cells = {name: values[:, j].tolist() for j, name in enumerate(read.columns)}
    named = require("pyarrow", extra="io").table(cells)
    written: list[str] = []
    with warnings_as_sentences():
        try:
            with working("fitting", quiet):
                estimator.fit(named)
        except ValueError as error:
            raise Refusal(str(error)) from error
        if save is not None:
            estimator.save(save)
            written.append(f"Model: {save}")
        if report is not None:
            write_plain_report(estimator, named, read.source, ctx.obj.command(), report, written)
        show(*read.described(), estimator.summary(), *written)
    if not estimator.converged_:
        what = "the fit stopped before it converged; raise --max-iter"
        say(what if allow_unconverged else f"{what}, or accept it with --allow-unconverged")
        raise typer.Exit(0 if allow_unconverged else UNCONVERGED)


def terms_of(text: str) -> Any:
    """A number, "saturated", or a list of terms."""
    if text.strip().isdigit():
        return int(text)
    return text if text == "saturated" else [part.strip() for part in text.split(",")]
