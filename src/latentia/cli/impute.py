"""``latentia impute``: what is missing in a table, filled in once or several times."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentia.cli import options
from latentia.cli.errors import UNCONVERGED, NoResult, Refusal, say, warnings_as_sentences
from latentia.cli.inputs import counted, listed, not_negative, one_of, split_columns, whole_number

if TYPE_CHECKING:
    from latentia.data.holes import HollowTable

MODEL, OUTPUT = "Model", "Output"
DRAWS = ("mean", "conditional", "bootstrap", "posterior")
ENDINGS = (".csv", ".tsv", ".parquet", ".npy")
_RANGE = re.compile(r"(.+)=([^:]*):([^:]*)")


def impute(
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
            metavar="FILE", help="A .csv, .tsv, .parquet or .npy file.", rich_help_panel=OUTPUT
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
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Print the patterns of holes, the fit and Little's test.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    save: options.Save = None,
) -> None:
    """Fill what is missing in a table by a normal distribution fitted by EM.

    Types, order and every value that is there stay as they are.
    """
    from latentia.cli.outputs import check_output

    kind = _kind_of(draw, imputations)
    paths = _paths(out, imputations)
    for path in paths:
        check_output("--out", path, ENDINGS, {"the data": Path(data)})
    check_output("--save", save, (".safetensors",), {"the data": Path(data)})
    with warnings_as_sentences():
        read = _read(data, None if columns is None else split_columns(columns))
        known = _of_columns(read, log, sqrt, bounds, ordered)
        _describe(read, data)
        imputer = _fitted(
            read, draw=kind, n_imputations=imputations, ridge=ridge, random_state=seed, **known
        )
        _write(read, imputer, paths)
        _tell(imputer, report)
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


def _describe(read: "HollowTable", data: str) -> None:
    import numpy as np

    missing = np.isnan(read.values).sum(axis=0)
    holes = [f"{n} ({m})" for n, m in zip(read.columns, missing, strict=True) if m]
    if not holes:
        raise Refusal(f"{data} has no missing number in {listed(read.columns)}; nothing is to do")
    n, d = read.values.shape
    print(
        f"Read {data}: {counted(n, 'row')}, {counted(d, 'column')} of numbers "
        f"({listed(read.columns)})."
    )
    print(f"Missing: {counted(int(missing.sum()), 'number')}, in {listed(holes)}.")
    if read.skipped:
        print(f"Left as they are: {listed(read.skipped)}.")


def _of_columns(
    read: "HollowTable", log: str | None, sqrt: str | None, bounds: str | None, ordered: str | None
) -> dict[str, Any]:
    """What `EMImputer` is told of the columns."""
    empty = [n for n, column in zip(read.columns, read.values.T, strict=True) if _is_empty(column)]
    if empty:
        raise Refusal(f"column {empty[0]!r} has no number at all; name the others with --columns")
    transforms = dict.fromkeys(_named(log, "--log", read), "log")
    transforms |= dict.fromkeys(_named(sqrt, "--sqrt", read), "sqrt")
    limits = dict(zip(read.columns, read.limits, strict=True))
    return {
        "transforms": transforms,
        "bounds": limits | _bounds(bounds, read),
        "integers": [n for n, whole in zip(read.columns, read.whole, strict=True) if whole],
        "ordered": _named(ordered, "--ordered", read),
    }


def _fitted(read: "HollowTable", **asked: Any) -> Any:
    from latentia.extras import require
    from latentia.missing import EMImputer

    named = dict(zip(read.columns, read.values.T, strict=True))
    table = require("pyarrow", extra="io").table(named)
    try:
        return EMImputer(tol=1e-5, keep_empty_features=True, **asked).fit(table)
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


def _write(read: "HollowTable", imputer: Any, paths: Sequence[Path]) -> None:
    from latentia.data.holes import write_filled

    for path, filled in zip(paths, imputer.imputations(read.values), strict=True):
        write_filled(read, filled, path)
    last = f" to {paths[-1].name}" if len(paths) > 1 else ""
    print(f"Wrote {paths[0]}{last}: {counted(len(read.values), 'row')}.")


def _tell(imputer: Any, report: bool) -> None:
    from latentia.cli.printing import show

    if imputer.normal_ is None or not report:
        return
    try:
        test = str(imputer.little_test())
    except ValueError as error:
        test = f"There is no Little's test: {error}."
    show(imputer.summary(), test)
