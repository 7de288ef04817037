"""``latentia impute``: what is missing in a table, filled in once or several times."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, NoResult, Refusal, say, warnings_as_sentences
from latentia.cli.values import not_negative, one_of, split_columns, whole_number

if TYPE_CHECKING:
    from latentia.data.holes import HollowTable

MODEL, PANEL, OUTPUT = "Model", "Panel", "Output"
DRAWS = ("mean", "conditional", "bootstrap", "posterior")
ENDINGS = (".csv", ".tsv", ".parquet", ".arrow", ".npy")
_RANGE = re.compile(r"(.+)=([^:]*):([^:]*)")


def impute(
    ctx: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .csv, .tsv, .parquet, .arrow or .npy file, or the name of a data set.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="A .csv, .tsv, .parquet, .arrow or .npy file.",
            rich_help_panel=OUTPUT,
        ),
    ],
    imputations: Annotated[
        int,
        typer.Option(
            parser=whole_number("--imputations", most=1000),
            metavar="M",
            help="How many tables: FILE-1, FILE-2, ...",
        ),
    ] = 1,
    draw: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mean, conditional, bootstrap or posterior; by default mean, or bootstrap "
            "where there are several tables.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Columns to model and fill; otherwise all that hold numbers."
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Columns modelled as logarithms.", rich_help_panel=MODEL
        ),
    ] = None,
    sqrt: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="Columns modelled as square roots.", rich_help_panel=MODEL
        ),
    ] = None,
    bounds: Annotated[
        str | None,
        typer.Option(
            metavar="A=LOW:HIGH,...", help="Such as age=0:120,income=0:.", rich_help_panel=MODEL
        ),
    ] = None,
    logit: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns of shares, modelled as logits.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    nominal: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns of categories, texts or numbers.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns of numbers to leave as they are.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="When: numbers or dates of a panel.", rich_help_panel=PANEL
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Of whom.", rich_help_panel=PANEL),
    ] = None,
    polynomial: Annotated[
        int | None,
        typer.Option(
            parser=whole_number("--polynomial", least=0),
            metavar="DEGREE",
            help="A trend in time; 0 is a level, for --per-unit.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    spline: Annotated[
        int | None,
        typer.Option(
            parser=whole_number("--spline", least=4),
            metavar="N",
            help="A trend of N cubic functions of time, 4 or more.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    per_unit: Annotated[
        bool,
        typer.Option(
            "--per-unit", help="A level and a trend for each unit.", rich_help_panel=PANEL
        ),
    ] = False,
    lags: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns that go with their value of the time before.",
            rich_help_panel=PANEL,
        ),
    ] = None,
    leads: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="And with that of the time after.", rich_help_panel=PANEL
        ),
    ] = None,
    ordered: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Columns in which only values that occur are filled in.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    ridge: Annotated[
        float,
        typer.Option(
            parser=not_negative("--ridge"),
            metavar="ROWS",
            help="A prior of no correlations worth so many rows.",
            rich_help_panel=MODEL,
        ),
    ] = 1.0,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole_number("--seed", least=0),
            metavar="N",
            help="Of what is drawn.",
            rich_help_panel=MODEL,
        ),
    ] = 0,
    report: options.Report = None,
    save: options.Save = None,
) -> None:
    """Fill what is missing in a table by a normal distribution fitted by EM.

    Types, order and every value that is there stay as they are.
    """
    from latentia.cli.filled import describe, write, write_filled_report
    from latentia.cli.outputs import check_output

    kind = _kind_of(draw, imputations)
    paths = _paths(out, imputations)
    for path in paths:
        check_output("--out", path, ENDINGS, {"the data": Path(data)})
    check_output("--report", report, (".html",), {"the data": Path(data)})
    check_output("--save", save, (".safetensors",), {"the data": Path(data)})
    with warnings_as_sentences():
        read = _read(data, None if columns is None else split_columns(columns))
        transforms = {"log": log, "sqrt": sqrt, "logit": logit}
        known = _of_columns(read, transforms, bounds, ordered, nominal, ids)
        panel = _panel(time, unit, polynomial, spline, per_unit, lags, leads)
        frame, texts = _frame(read, known["nominal"], panel)
        describe(read, data, texts)
        imputer = _fitted(
            frame,
            panel=panel,
            draw=kind,
            n_imputations=imputations,
            ridge=ridge,
            random_state=seed,
            **known,
        )
        write(read, imputer, frame, texts, paths)
        if report is not None:
            write_filled_report(imputer, frame, data, report, ctx.obj.command())
        if save is not None:
            imputer.save(save)
            print(f"Wrote {save}.")
    if imputer.normal_ is not None and not imputer.normal_.converged_:
        say(str(imputer.normal_.fit_.status))
        raise typer.Exit(UNCONVERGED)


def _kind_of(draw: str | None, imputations: int) -> str | None:
    if draw is None:
        return "bootstrap" if imputations > 1 else None
    kind = one_of("--draw", draw, DRAWS)
    if kind == "mean" and imputations > 1:
        raise Refusal(
            f"got --imputations {imputations} with --draw mean, which are all the same; leave one "
            "of the two out"
        )
    return None if kind == "mean" else kind


def _paths(out: Path, imputations: int) -> list[Path]:
    if imputations == 1:
        return [out]
    return [out.with_name(f"{out.stem}-{i}{out.suffix}") for i in range(1, imputations + 1)]


def _read(data: str, columns: Sequence[str] | None) -> "HollowTable":
    from latentia import datasets
    from latentia.data.holes import of_numbers, read_hollow

    if data in datasets.names() and not Path(data).exists():
        known = datasets.load(data)
        return of_numbers(known.values, known.columns, data, columns)
    return read_hollow(Path(data), columns)


def _panel(
    time: str | None,
    unit: str | None,
    polynomial: int | None,
    spline: int | None,
    per_unit: bool,
    lags: str | None,
    leads: str | None,
) -> Any:
    """The panel that options ask for, or None."""
    from latentia.missing import Panel

    before, after = (
        () if text is None else tuple(split_columns(text, option))
        for text, option in ((lags, "--lags"), (leads, "--leads"))
    )
    if time is not None:
        return Panel(time, unit, polynomial, spline, per_unit, before, after)
    asked = {
        "--unit": unit,
        "--polynomial": polynomial,
        "--spline": spline,
        "--per-unit": per_unit or None,
        "--lags": lags,
        "--leads": leads,
    }
    for option, value in asked.items():
        if value is not None:
            raise Refusal(f"got {option} without --time, expected the column that says when")
    return None


def _frame(
    read: "HollowTable", nominal: Sequence[str], panel: Any
) -> tuple[Any, dict[str, list[str | None]]]:
    """The table to model, and its columns of categories that are texts."""
    from latentia.data.holes import texts_of, times_of
    from latentia.extras import require

    pa = require("pyarrow", extra="io")
    columns: dict[str, Any] = dict(zip(read.columns, read.values.T, strict=True))
    texts = {name: texts_of(read, name) for name in nominal if name not in columns}
    columns |= {name: pa.array(cells, pa.string()) for name, cells in texts.items()}
    if panel is not None:
        if panel.time not in columns:
            columns[panel.time] = times_of(read, panel.time)
        if panel.unit is not None and panel.unit not in columns:
            columns[panel.unit] = pa.array(texts_of(read, panel.unit), pa.string())
    return pa.table(columns), texts


def _of_columns(
    read: "HollowTable",
    transforms: dict[str, str | None],
    bounds: str | None,
    ordered: str | None,
    nominal: str | None,
    ids: str | None,
) -> dict[str, Any]:
    """What `EMImputer` is told of the columns."""
    from latentia.data.columns import named_columns

    empty = [n for n, column in zip(read.columns, read.values.T, strict=True) if _is_empty(column)]
    if empty:
        raise Refusal(f"column {empty[0]!r} has no number at all; name the others with --columns")
    scales: dict[str, str] = {}
    for name, listing in transforms.items():
        scales |= dict.fromkeys(_named(listing, f"--{name}", read), name)
    every = [*read.columns, *read.skipped]
    chosen = [] if nominal is None else split_columns(nominal, "--nominal")
    limits = dict(zip(read.columns, read.limits, strict=True))
    return {
        "transforms": scales,
        "nominal": named_columns(chosen, every, "the data") if chosen else [],
        "ids": _named(ids, "--ids", read),
        "bounds": limits | _bounds(bounds, read),
        "integers": [n for n, whole in zip(read.columns, read.whole, strict=True) if whole],
        "ordered": _named(ordered, "--ordered", read),
    }


def _fitted(frame: Any, **asked: Any) -> Any:
    from latentia.missing import EMImputer

    try:
        return EMImputer(tol=1e-5, keep_empty_features=True, **asked).fit(frame)
    except ValueError as error:
        raise NoResult(str(error).replace("ridge=", "--ridge ")) from error


def _is_empty(column: Any) -> bool:
    return bool((column != column).all())


def _named(text: str | None, option: str, read: "HollowTable") -> list[str]:
    """Columns that an option names."""
    from latentia.data.columns import named_columns

    if text is None:
        return []
    return named_columns(split_columns(text, option), read.columns, "the data")


def _bounds(text: str | None, read: "HollowTable") -> dict[str, tuple[float, float]]:
    """What was written after ``--bounds``, by column."""
    made: dict[str, tuple[float, float]] = {}
    for part in [] if text is None else split_columns(text, "--bounds"):
        found = _RANGE.fullmatch(part)
        try:
            assert found is not None
            low = float(found[2]) if found[2].strip() else float("-inf")
            high = float(found[3]) if found[3].strip() else float("inf")
        except (AssertionError, ValueError):
            raise Refusal(
                f"got {part!r} in --bounds, expected a column and two numbers, of which one may "
                "be left out, as in age=0:120 or income=0:"
            ) from None
        (name,) = _named(found[1], "--bounds", read)
        if not low < high:
            raise Refusal(f"got {part!r} in --bounds, expected the lower number first")
        made[name] = low, high
    return made
