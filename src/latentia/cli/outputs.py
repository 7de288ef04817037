"""What is written: refused before any work is done, or written whole."""

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latentia.cli.errors import Refusal

TABLE_ENDINGS = (".csv", ".tsv", ".parquet", ".arrow", ".npy")
OF_ARROW = (".parquet", ".arrow")
"""Those that pyarrow writes."""


def check_outputs(data: str, report: Path | None, save: Path | None) -> None:
    """Refuse what a fit cannot write, its report and its model, before it begins.

    Parameters
    ----------
    data : str
        As written on the command line: it is not to be overwritten.
    report, save : Path or None
        As written after ``--report`` and ``--save``.

    Raises
    ------
    Refusal
        As `check_output`.
    ImportError
        A package that reports need is missing.
    """
    from latentia.extras import require

    if report is not None:
        for module in ("matplotlib", "jinja2"):
            require(module, extra="plot")
    others: dict[str, Path | None] = {"the data": Path(data)}
    check_output("--report", report, (".html", ".htm"), others)
    check_output("--save", save, (".safetensors",), {**others, "the report": report})


def check_output(
    option: str,
    path: Path | None,
    endings: Sequence[str],
    others: dict[str, Path | None],
) -> None:
    """Refuse a path that cannot be written, or that would replace what the user gave.

    Parameters
    ----------
    option : str
        The option it was given to.
    path : Path or None
        The file to be written; None passes.
    endings : sequence of str
        The endings it may have.
    others : dict of str to Path or None
        The other files of this command, by what they are: none may be the same.

    Raises
    ------
    Refusal
        The ending is another, there is no such folder or nothing can be written in it, the path is
        a folder, or it is one of the other files.
    """
    if path is None:
        return
    if path.is_dir():
        raise Refusal(f"{option} {path} is a folder; give the name of a file in it")
    if path.suffix.lower() not in endings:
        known = " or ".join(filter(None, [", ".join(endings[:-1]), endings[-1]]))
        raise Refusal(f"{option} {path} does not end in {known}; give it such a name")
    target = Path(os.path.realpath(path))
    folder = target.parent
    if folder.is_file():
        raise Refusal(f"{option} {path} is in {folder}, which is a file; choose another place")
    if not folder.is_dir():
        raise Refusal(f"{option} {path} is in no folder that exists; create {folder} first")
    if target.exists() and not target.is_file():
        raise Refusal(f"{option} {path} is no ordinary file; give the name of one")
    if not _writable(target):
        raise Refusal(f"{option} {path} cannot be written: no permission; choose another place")
    for what, other in others.items():
        if other is not None and _same(target, other):
            raise Refusal(f"{option} {path} would overwrite {what}; give {option} another name")


def write_plain_report(
    estimator: Any, X: Any, source: str, command: str, path: Path, written: list[str]
) -> None:
    """Write the report on a model that was fitted once, whole or not at all.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : array-like
        What its plots are drawn of.
    source : str
        Where the data come from.
    command : str
        What to type to do the same again.
    path : Path
        Where to.
    written : list of str
        Gets a line.
    """
    from latentia.report import write_report

    write_report(path, estimator=estimator, X=X, source=source, command=command)
    written.append(f"Report: {path}")


def check_table(option: str, path: Path | None, others: dict[str, Path | None]) -> None:
    """Refuse a table that cannot be written, as `check_output`, or for want of a package.

    Raises
    ------
    Refusal
        As `check_output`.
    ImportError
        pyarrow is needed and not installed.
    """
    from latentia.extras import require

    check_output(option, path, TABLE_ENDINGS, others)
    if path is not None and path.suffix.lower() in OF_ARROW:
        require("pyarrow", extra="io")


def write_table(path: Path, columns: Sequence[str], arrays: Sequence[Any]) -> None:
    """Write columns to a file with one of `TABLE_ENDINGS`, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; .npy has no names, and is one array of floats where there are several columns.
    columns : sequence of str
        The names of the columns.
    arrays : sequence of ndarray of shape (n,)
        The columns.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    from latentia.data.delimited import delimiter_of
    from latentia.data.files import bytes_of_table, write_atomically

    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        text = io.StringIO()
        write_csv(text, columns, arrays, delimiter_of(path))
        write_atomically(path, text.getvalue())
        return
    payload = io.BytesIO()
    if suffix in OF_ARROW:
        from latentia.extras import require

        table = require("pyarrow", extra="io").table(dict(zip(columns, arrays, strict=True)))
        payload.write(bytes_of_table(table, suffix))
    else:
        import numpy as np

        np.save(payload, arrays[0] if len(arrays) == 1 else np.column_stack(list(arrays)))
    write_atomically(path, payload.getvalue())


def write_csv(
    stream: Any, columns: Sequence[str], arrays: Sequence[Any], delimiter: str = ","
) -> None:
    """Write columns as CSV text; every float comes back as the same bits.

    Parameters
    ----------
    stream : text file
        Where to.
    columns : sequence of str
        The names of the columns.
    arrays : sequence of ndarray of shape (n,)
        The columns.
    delimiter : str, default ","
        What stands between cells.

    Examples
    --------
    >>> import sys
    >>> import numpy as np
    >>> from latentia.cli.outputs import write_csv
    >>> write_csv(sys.stdout, ["component", "p0"], [np.array([0, 1]), np.array([0.9, 0.1])])
    component,p0
    0,0.9
    1,0.1
    """
    writer = csv.writer(stream, lineterminator="\n", delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(zip(*(array.tolist() for array in arrays), strict=True))


def _writable(target: Path) -> bool:
    if target.exists() and not os.access(target, os.W_OK):
        return False  # it could be replaced, but whoever made it read-only did not want that
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            return True
    except OSError:
        return False


def _same(target: Path, other: Path) -> bool:
    try:
        return target == Path(os.path.realpath(other)) or target.samefile(other)
    except OSError:  # one of them does not exist yet
        return False
