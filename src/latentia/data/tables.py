"""Tables on disk (CSV, TSV, Parquet, Arrow IPC, .npy) become a matrix of numbers."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latentia.data import delimited
from latentia.data.columns import named_columns, wanted_columns
from latentia.data.errors import DataError, decoding
from latentia.data.frames import frame_to_matrix, require_finite
from latentia.data.listing import kind_of, require_file
from latentia.data.npy import map_npy, npy_columns
from latentia.extras import require

if TYPE_CHECKING:
    import pyarrow as pa


class Table(NamedTuple):
    """Numbers read from a file.

    Attributes
    ----------
    values : ndarray of shape (n, D)
        float64, or float32 where every column of the file is.
    columns : tuple of str
        The names of the D columns; x0, x1, ... for a file that has none.
    path : Path
        The file.
    skipped : tuple of str
        Columns left out because they hold no numbers; empty where columns were named.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    path: Path
    skipped: tuple[str, ...]


def read_table(
    path: str | os.PathLike[str],
    columns: str | Sequence[str] | None = None,
    *,
    allow_missing: bool = False,
) -> Table:
    r"""Read the numbers in a file, or say in one sentence what is wrong with it.

    Parameters
    ----------
    path : path-like
        A file ending in .csv, .tsv, .parquet, .arrow, .feather, .ipc or .npy. CSV is UTF-8 text
        with commas (tabs for .tsv) and a first line of names; empty cells, NA, NaN and NULL are
        missing values, and empty lines are passed over.
    columns : sequence of str, optional
        The columns to take, in this order. By default every column of numbers.
    allow_missing : bool, default False
        Keep missing values as NaN instead of refusing them.

    Returns
    -------
    Table
        The values, shape (n, D), the names of the columns, the path, and the columns left out.

    Raises
    ------
    DataError
        The file is missing, unreadable, empty or of another kind; a named column is absent or not
        of numbers; no column is of numbers; a column of numbers has text in it; values are missing
        or infinite. Rows are counted from 1 below the header.
    ImportError
        pyarrow, which every format but .npy needs, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from latentia.data.tables import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "geyser.csv")
    ...     _ = path.write_text("eruptions,waiting,seen by\n3.6,79,A\n1.8,54,B\n")
    ...     table = read_table(path)
    >>> table.values
    array([[ 3.6, 79. ],
           [ 1.8, 54. ]])
    >>> table.columns, table.skipped
    (('eruptions', 'waiting'), ('seen by',))
    """
    file = Path(path)
    kind = kind_of(file)
    require_file(file)
    wanted = wanted_columns(columns)
    if kind == "NumPy":
        return _read_npy(file, wanted, allow_missing)
    frame = read_frame(file, wanted)
    with decoding(file, "a table of numbers"):
        matrix = frame_to_matrix(frame, wanted, allow_missing=allow_missing, source=str(file))
    return Table(matrix.values, matrix.columns, file, matrix.skipped)


NO_TEXT = ("", "na", "nan", "null")
"""Cells of a column of text that hold nothing, in small letters."""


def read_frame(path: Path, columns: list[str] | None) -> "pa.Table":
    """Read a file other than .npy as it is: numbers, or texts where a column has text.

    Parameters
    ----------
    path : Path
        The file, which is there.
    columns : list of str or None
        The columns to take; all by default.
    """
    return _READERS[kind_of(path)](path, columns)


def read_labels(path: str | os.PathLike[str], column: str) -> np.ndarray:
    r"""Read one column of a file as the classes of its rows.

    Parameters
    ----------
    path : path-like
        A file that `read_table` reads.
    column : str
        Its name.

    Returns
    -------
    ndarray of shape (n,)
        Of str, or of int where all are whole numbers.

    Raises
    ------
    DataError
        The file or the column cannot be used, or a row has no class.
    ImportError
        pyarrow, which every format but .npy needs, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.csv")
    ...     _ = path.write_text("length,species\n1.4,setosa\n4.7,versicolor\n")
    ...     read_labels(path, "species").tolist()
    ['setosa', 'versicolor']
    """
    file = Path(path)
    kind = kind_of(file)
    require_file(file)
    if kind == "NumPy":
        cells: list[Any] = _read_npy(file, [column], allow_missing=True).values[:, 0].tolist()
    else:
        with decoding(file, "a table"):
            cells = read_frame(file, [column]).column(column).to_pylist()
    for row, cell in enumerate(cells):
        if (
            cell is None
            or cell != cell
            or (isinstance(cell, str) and cell.strip().lower() in NO_TEXT)
        ):
            raise DataError(
                f"column {column!r} of {file} has no value in data row {row + 1}; a class is "
                "needed for every row"
            )
    if all(isinstance(cell, int | float) and float(cell).is_integer() for cell in cells):
        return np.array([int(cell) for cell in cells])
    if any(isinstance(cell, float) for cell in cells):
        raise DataError(
            f"column {column!r} of {file} holds measurements, expected classes: text or whole "
            "numbers"
        )
    return np.array([str(cell) for cell in cells])


def _read_parquet(path: Path, columns: list[str] | None) -> "pa.Table":
    parquet = require("pyarrow.parquet", extra="io")
    with decoding(path, "a Parquet file"), parquet.ParquetFile(path) as file:
        if columns is not None:
            named_columns(columns, file.schema_arrow.names, str(path))
        return file.read(columns=columns)


def _read_arrow(path: Path, columns: list[str] | None) -> "pa.Table":
    pa = require("pyarrow", extra="io")
    with decoding(path, "an Arrow IPC file"), pa.OSFile(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        opened = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        table = opened.read_all()
        table.validate(full=True)
        return table


def _read_csv(path: Path, columns: list[str] | None) -> "pa.Table":
    pa = require("pyarrow", extra="io")
    arrow_csv = require("pyarrow.csv", extra="io")
    header = delimited.read_header(path, expect_names=columns is None)
    names = header if columns is None else named_columns(columns, header, str(path))
    with delimited.decoding_text(path):
        table = arrow_csv.read_csv(path, **delimited.parsing(path, names))
        return pa.table(
            {name: _numbers_or_text(path, name, table[name], columns is not None) for name in names}
        )


def _numbers_or_text(path: Path, name: str, text: "pa.ChunkedArray", wanted: bool) -> Any:
    """Return the column as float64 where it holds numbers, or else as the text it is."""
    cells = delimited.read_cells(text)
    if not cells.n_present:
        return cells.numbers if wanted else text
    if cells.numbers is not None:
        return cells.numbers
    if cells.mostly_text:
        return text
    at, cell = cells.strange[0]
    others = f" and {len(cells.strange) - 1} more cells" if len(cells.strange) > 1 else ""
    raise delimited.text_among_numbers(path, name, at + 1, cell, others)


def _read_npy(path: Path, columns: list[str] | None, allow_missing: bool) -> Table:
    mapped = map_npy(path)
    names = npy_columns(mapped)
    if columns is not None:
        named_columns(columns, names, str(path))
        mapped = mapped[:, [names.index(name) for name in columns]]
        names = columns
    with decoding(path, "a .npy array of numbers"):
        kept = np.float32 if mapped.dtype == np.float32 else np.float64
        values = np.array(mapped, dtype=kept, order="C")
    require_finite(values, names, str(path), allow_missing=allow_missing)
    return Table(values, tuple(names), path, ())


_READERS: dict[str, Callable[[Path, list[str] | None], Any]] = {
    "CSV": _read_csv,
    "TSV": _read_csv,
    "Parquet": _read_parquet,
    "Arrow": _read_arrow,
}
