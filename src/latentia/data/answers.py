"""Answers on disk: tables of numbers and texts, with holes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.columns import INDEX_NAMES, named_columns, wanted_columns
from latentia.data.errors import DataError, decoding
from latentia.data.listing import kind_of, require_file
from latentia.data.tables import NO_TEXT, Table, read_frame, read_table

if TYPE_CHECKING:
    import pyarrow as pa


def read_answers(path: str | os.PathLike[str], columns: str | Sequence[str] | None = None) -> Table:
    r"""Read the columns of a file, be they numbers or texts.

    Parameters
    ----------
    path : path-like
        A file that `latentia.data.tables.read_table` reads.
    columns : sequence of str, optional
        The columns to take, in this order. By default all but nameless ones, which are row
        numbers.

    Returns
    -------
    Table
        Values of shape (n, D), float64 with NaN for missing cells where all columns hold
        numbers, else objects with None; empty cells of texts and NA, NaN and NULL are missing.

    Raises
    ------
    DataError
        The file is missing, unreadable, empty or of another kind, or a column is absent.
    ImportError
        pyarrow, which every format but .npy needs, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from latentia.data.answers import read_answers
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "survey.csv")
    ...     _ = path.write_text("smokes,visits\nyes,2\n,3\nno,\n")
    ...     read_answers(path).values.tolist()
    [['yes', 2.0], [None, 3.0], ['no', None]]
    """
    file = Path(path)
    if kind_of(file) == "NumPy":
        return read_table(file, columns, allow_missing=True)
    require_file(file)
    wanted = wanted_columns(columns)
    frame = read_frame(file, wanted)
    with decoding(file, "a table"):
        present = [str(name) for name in frame.column_names]
        names = [name for name in present if name not in INDEX_NAMES]
        if wanted is not None:
            names = named_columns(wanted, present, str(file))
        if not names or not frame.num_rows:
            raise DataError(f"{file} has no rows or no columns; at least one of each is needed")
        cells = [_cells(frame.column(name)) for name in names]
    numeric = not any(isinstance(cell, str) for column in cells for cell in column)
    values = np.empty((frame.num_rows, len(names)), dtype=np.float64 if numeric else object)
    for j, column in enumerate(cells):
        values[:, j] = [np.nan if cell is None else cell for cell in column] if numeric else column
    return Table(values, tuple(names), file, ())


def _cells(column: "pa.ChunkedArray") -> list[Any]:
    """Numbers and texts, None where a cell is missing."""
    return [_cell(cell) for cell in column.to_pylist()]


def _cell(cell: Any) -> Any:
    if isinstance(cell, str):
        text = cell.strip()
        return None if text.lower() in NO_TEXT else text
    if cell is None or cell != cell:
        return None
    return cell if isinstance(cell, bool) else float(cell)
