"""What ``latentia impute`` says of a table with holes, and what it writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentia.cli.errors import Refusal
from latentia.cli.inputs import counted, listed

if TYPE_CHECKING:
    from latentia.data.holes import HollowTable


def describe(read: "HollowTable", data: str, texts: dict[str, Any]) -> None:
    """Print what was read and what of it is missing.

    Parameters
    ----------
    read : HollowTable
    data : str
        The file, as written on the command line.
    texts : dict of str to list of str or None
        The columns of categories that are texts.

    Raises
    ------
    Refusal
        Nothing is missing, or nothing that can be filled in.
    """
    import numpy as np

    from latentia.data.holes import without_values

    missing = np.isnan(read.values).sum(axis=0)
    holes = [f"{n} ({m})" for n, m in zip(read.columns, missing, strict=True) if m]
    words = [f"{name} ({cells.count(None)})" for name, cells in texts.items() if None in cells]
    empty = [name for name in without_values(read) if name not in texts]
    nothing = f"{listed(empty)} {'has' if len(empty) == 1 else 'have'} no value at all"
    if not holes and not words:
        also = f", and {nothing} to tell what is missing there" if empty else ""
        raise Refusal(
            f"{data} has no missing number in {listed(read.columns)}{also}; nothing is to do"
        )
    n, d = read.values.shape
    print(
        f"Read {data}: {counted(n, 'row')}, {counted(d, 'column')} of numbers "
        f"({listed(read.columns)})."
    )
    if holes:
        print(f"Missing: {counted(int(missing.sum()), 'number')}, in {listed(holes)}.")
    if words:
        n_texts = sum(cells.count(None) for cells in texts.values())
        print(f"Missing: {counted(n_texts, 'text')}, in {listed(words)}.")
    left = [name for name in read.skipped if name not in texts and name not in empty]
    if left:
        print(f"Left as they are: {listed(left)}.")
    if empty:
        print(f"Left empty: {nothing}, so nothing can be said of what is missing there.")


def write(
    read: "HollowTable",
    imputer: Any,
    frame: Any,
    texts: dict[str, Any],
    paths: Sequence[Path],
) -> None:
    """Write a table filled in once for each path, and print where.

    Parameters
    ----------
    read : HollowTable
    imputer : EMImputer
        Fitted to `frame`.
    frame : Arrow table
        The columns that were modelled.
    texts : dict
        As for `describe`.
    paths : sequence of Path
    """
    import numpy as np

    from latentia.data.holes import to_floats_of, write_filled

    d = len(read.columns)
    for path, filled in zip(paths, imputer.imputations(frame), strict=True):
        if isinstance(filled, np.ndarray):
            write_filled(read, filled[:, :d], path)
            continue
        numbers = np.column_stack([to_floats_of(filled[name]) for name in read.columns])
        write_filled(read, numbers, path, {name: filled[name].to_pylist() for name in texts})
    last = f" to {paths[-1].name}" if len(paths) > 1 else ""
    print(f"Wrote {paths[0]}{last}: {counted(len(read.values), 'row')}.")


def write_filled_report(imputer: Any, frame: Any, data: str, path: Path, command: str) -> None:
    """Write the report on what was filled in, and print where.

    Raises
    ------
    Refusal
        No column varies.
    """
    from latentia.report import write_report

    if imputer.normal_ is None:
        raise Refusal("no column has more than one value, so there is nothing to report")
    write_report(path, estimator=imputer, X=frame, source=data, command=command)
    print(f"Wrote {path}.")
