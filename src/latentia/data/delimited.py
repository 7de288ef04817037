"""Text with commas or tabs: its header, its cells, and which of them are numbers."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latentia.data.columns import require_distinct
from latentia.data.errors import DataError, decoding
from latentia.extras import require

if TYPE_CHECKING:
    import pyarrow as pa

# How spreadsheets, R, Python and databases write that nothing is there, in lower case.
_MISSING = ("", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "none")


class Cells(NamedTuple):
    """The cells of one column, or of a stretch of it.

    Attributes
    ----------
    numbers : Arrow array or None
        float64, null where nothing is there; None where a cell is no number.
    n_present : int
        How many cells are filled.
    strange : list of (int, str)
        The filled cells that are no numbers, with their positions from 0.
    """

    numbers: Any
    n_present: int
    strange: list[tuple[int, str]]

    @property
    def mostly_text(self) -> bool:
        """Whether half of the filled cells or more are no numbers, or none is filled."""
        return 2 * len(self.strange) >= self.n_present


def read_cells(text: "pa.ChunkedArray | pa.Array") -> Cells:
    """Make numbers of cells, whatever stands around or instead of them.

    Parameters
    ----------
    text : Arrow array of strings
        The cells.

    Returns
    -------
    Cells
        The numbers, and the cells that are none.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from latentia.data.delimited import read_cells
    >>> read_cells(pa.array([" +1", "n/a", "1e3"])).numbers.to_pylist()
    [1.0, None, 1000.0]
    >>> read_cells(pa.array(["1", "", "many"])).strange
    [(2, 'many')]
    """
    pa = require("pyarrow", extra="io")
    pc = require("pyarrow.compute", extra="io")
    try:
        numbers = text.cast(pa.float64())
        return Cells(numbers, len(numbers) - numbers.null_count, [])
    except pa.ArrowInvalid:  # text, or numbers with spaces around them or missing ones among them
        trimmed = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(_MISSING))
    present = pc.if_else(missing, None, trimmed)
    n_present = len(present) - present.null_count
    try:
        return Cells(present.cast(pa.float64()), n_present, [])
    except pa.ArrowInvalid:
        cells = present.to_pylist()
    strange = [(at, c) for at, c in enumerate(cells) if c is not None and not is_number(c)]
    if strange:
        return Cells(None, n_present, strange)
    # Numbers as Python reads them and Arrow does not, such as +1.
    read = pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    return Cells(read, n_present, [])


def read_texts(text: "pa.ChunkedArray | pa.Array") -> "list[str | None]":
    """The cells of a column as texts, None where nothing is there or a word for it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> read_texts(pa.array(["red", "NA", "", None]))
    ['red', None, None, None]
    """
    pa = require("pyarrow", extra="io")
    pc = require("pyarrow.compute", extra="io")
    trimmed = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(_MISSING))
    return pc.if_else(pc.fill_null(missing, True), None, text).to_pylist()


def plain_numbers(batch: "pa.RecordBatch") -> list[np.ndarray] | None:
    """Make numbers of all columns in one call, where every cell is nothing but a number.

    Of wide tables a block has few rows, and a call for each column takes longer than its cells.

    Parameters
    ----------
    batch : Arrow record batch of strings

    Returns
    -------
    list of arrays of shape (n,), or None
        One a column, float64; None where a cell has something else in or around it.
    """
    pa = require("pyarrow", extra="io")
    try:
        together = pa.concat_arrays(batch.columns).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    return list(together.to_numpy(zero_copy_only=False).reshape(batch.num_columns, -1))


def is_number(text: str) -> bool:
    """Whether a text is a number as files write it.

    Parameters
    ----------
    text : str
        The content of a cell.

    Returns
    -------
    bool
        True for integers and decimals with or without exponent, and for infinity and NaN.

    Examples
    --------
    >>> from latentia.data.delimited import is_number
    >>> is_number("-1.5e3"), is_number("1_000"), is_number("abc")
    (True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def delimiter_of(path: Path) -> str:
    """Return what separates the cells of a file with this ending."""
    return "\t" if path.suffix.lower() == ".tsv" else ","


def read_header(path: Path, *, expect_names: bool, expect_rows: bool = True) -> list[str]:
    """Read the names of the columns.

    Parameters
    ----------
    path : Path
        The file.
    expect_names : bool
        Refuse a first line that is not one of names, which would go unnoticed where the user
        names no columns.
    expect_rows : bool, default True
        Refuse a file with nothing below the header.

    Returns
    -------
    list of str
        The names, each different.

    Raises
    ------
    DataError
        The file is no text in UTF-8, or has no such header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names = next(filter(None, csv.reader(stream, delimiter=delimiter_of(path))), [])
            has_rows = any(line.strip("\r\n") for line in stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not text in UTF-8; save it as CSV in UTF-8") from error
    if any("\0" in name for name in names):
        raise DataError(f"{path} is not text in UTF-8; save it as CSV in UTF-8")
    if not names:
        raise DataError(f"{path} has nothing but empty lines; give a file with data in it")
    if expect_rows and not has_rows:
        raise DataError(f"{path} has a header and no rows; give a file with data in it")
    require_distinct(names, str(path))
    if expect_names:
        _require_names(path, names)
    return names


def parsing(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return the options with which Arrow reads every cell of some columns as text.

    The types that a CSV reader guesses from the first block of a file may not hold further down.

    Parameters
    ----------
    path : Path
        The file.
    names : sequence of str
        The columns.

    Returns
    -------
    dict
        Arguments of `pyarrow.csv.read_csv` and `pyarrow.csv.open_csv`.
    """
    pa = require("pyarrow", extra="io")
    arrow_csv = require("pyarrow.csv", extra="io")
    return {
        "parse_options": arrow_csv.ParseOptions(
            delimiter=delimiter_of(path), newlines_in_values=True
        ),
        "convert_options": arrow_csv.ConvertOptions(
            include_columns=list(names), column_types=dict.fromkeys(names, pa.string())
        ),
    }


@contextmanager
def decoding_text(path: Path) -> Iterator[None]:
    """Turn what Arrow says of a text into one sentence, naming a row with too many cells.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DataError
        The text cannot be read.
    """
    pa = require("pyarrow", extra="io")
    with decoding(path, "a CSV text"):
        try:
            yield
        except pa.ArrowInvalid as error:
            if "straddling" in str(error):
                raise DataError(
                    f"{path} has a row longer than what is read at a time, a MiB or more; "
                    "correct it if a quote is left open there, or give the data as Parquet"
                ) from None
            ragged = re.search(r"Expected (\d+) columns, got (\d+): (.*)", str(error))
            if ragged is None:
                raise
            expected, present, row = ragged.groups()
            raise DataError(
                f"{path} has a row with more or fewer cells than the header ({present}, "
                f"not {expected}: {row[:60]!r}); give every row as many"
            ) from None


def text_among_numbers(path: Path, name: str, row: int, cell: str, others: str = "") -> DataError:
    """Return what is said of a column of numbers with text in it, `row` counting from 1."""
    return DataError(
        f"column {name!r} of {path} holds numbers but for text in data row {row} "
        f"({cell[:40]!r}){others}; correct it, or leave the column out by naming others"
    )


def _require_names(path: Path, header: Sequence[str]) -> None:
    if len(header) == 1:
        for mark, called in ((";", "semicolons"), ("\t", "tabs")):
            if mark in header[0]:
                raise DataError(
                    f"{path} seems to be separated by {called}; "
                    "separate a .csv file by commas and a .tsv file by tabs"
                )
    if all(is_number(name) for name in header):
        raise DataError(
            f"the first line of {path} holds numbers where the names of the columns are expected; "
            "put a line of names above it"
        )
