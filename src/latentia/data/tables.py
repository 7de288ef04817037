"""Tables on disk (CSV, TSV, Parquet, Arrow IPC, .npy) become a matrix of numbers."""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from latentia.data.errors import DataError
from latentia.data.frames import frame_to_matrix, is_number, named_columns, require_finite
from latentia.extras import require

if TYPE_CHECKING:
    import pyarrow as pa

# How spreadsheets, R, Python and databases write that nothing is there, in lower case.
_MISSING = ("", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "none")


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
    suffix = file.suffix.lower()
    if suffix != ".npy" and suffix not in _READERS:
        known = ", ".join([*_READERS, ".npy"])
        raise DataError(
            f"{file} has {f'the unknown ending {suffix}' if suffix else 'no ending'}; "
            f"give a file ending in one of {known}"
        )
    _require_file(file)
    wanted = [columns] if isinstance(columns, str) else None if columns is None else list(columns)
    if suffix == ".npy":
        return _read_npy(file, wanted, allow_missing)
    frame = _READERS[suffix](file, wanted)
    with _decoding(file, "a table of numbers"):
        matrix = frame_to_matrix(frame, wanted, allow_missing=allow_missing, source=str(file))
    return Table(matrix.values, matrix.columns, file, matrix.skipped)


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; give the file in it that holds the data")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise DataError(f"{path} is empty; give a file with data in it")
    except FileNotFoundError:
        raise DataError(f"there is no file {path}; check the name") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check it") from error


@contextmanager
def _decoding(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a decoder says of damaged bytes into one sentence."""
    try:
        yield
    except (DataError, ImportError):
        raise
    except Exception as error:  # decoders raise many kinds, for a corrupt size even MemoryError
        reason = str(error).partition("\n")[0].strip(" .")[:200] or type(error).__name__
        raise DataError(
            f"{path} is not {what} that can be read ({reason}); "
            "it may be damaged, cut short or of another format"
        ) from error


def _read_parquet(path: Path, columns: list[str] | None) -> "pa.Table":
    parquet = require("pyarrow.parquet", extra="io")
    with _decoding(path, "a Parquet file"), parquet.ParquetFile(path) as file:
        if columns is not None:
            named_columns(columns, file.schema_arrow.names, str(path))
        return file.read(columns=columns)


def _read_arrow(path: Path, columns: list[str] | None) -> "pa.Table":
    pa = require("pyarrow", extra="io")
    with _decoding(path, "an Arrow IPC file"), pa.OSFile(str(path)) as source:
        is_file = source.read(6) == b"ARROW1"
        source.seek(0)
        opened = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        table = opened.read_all()
        table.validate(full=True)
        return table


def _read_csv(path: Path, columns: list[str] | None) -> "pa.Table":
    """Read every cell as text, then make numbers of the columns that are numbers.

    The types that a CSV reader guesses from the first block of a file may not hold further down.
    """
    pa = require("pyarrow", extra="io")
    arrow_csv = require("pyarrow.csv", extra="io")
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    header = _csv_header(path, delimiter)
    if columns is None:
        _require_names(path, header)
        names = header
    else:
        names = named_columns(columns, header, str(path))
    with _decoding(path, "a CSV text"):
        try:
            table = arrow_csv.read_csv(
                path,
                parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=names, column_types=dict.fromkeys(names, pa.string())
                ),
            )
        except pa.ArrowInvalid as error:
            ragged = re.search(r"Expected (\d+) columns, got (\d+): (.*)", str(error))
            if ragged is None:
                raise
            expected, present, row = ragged.groups()
            raise DataError(
                f"{path} has a row with more or fewer cells than the header ({present}, "
                f"not {expected}: {row[:60]!r}); give every row as many"
            ) from None
        return pa.table(
            {name: _numbers_or_text(path, name, table[name], columns is not None) for name in names}
        )


def _csv_header(path: Path, delimiter: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names = next(filter(None, csv.reader(stream, delimiter=delimiter)), [])
            has_rows = any(line.strip("\r\n") for line in stream)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not text in UTF-8; save it as CSV in UTF-8") from error
    if any("\0" in name for name in names):
        raise DataError(f"{path} is not text in UTF-8; save it as CSV in UTF-8")
    if not names:
        raise DataError(f"{path} has nothing but empty lines; give a file with data in it")
    if not has_rows:
        raise DataError(f"{path} has a header and no rows; give a file with data in it")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(f"{path} has {count} columns named {name!r}; give each its own name")
    return names


def _require_names(path: Path, header: list[str]) -> None:
    """Refuse a first line that is not one of names, which would go unnoticed."""
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


def _numbers_or_text(path: Path, name: str, text: "pa.ChunkedArray", wanted: bool) -> Any:
    """Return the column as float64 where it holds numbers, or else as the text it is."""
    pa = require("pyarrow", extra="io")
    pc = require("pyarrow.compute", extra="io")
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:  # text, or numbers with spaces around them or missing ones among them
        trimmed = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(_MISSING))
    present = pc.if_else(missing, None, trimmed)
    n_present = len(present) - present.null_count
    if not n_present:
        return present.cast(pa.float64()) if wanted else present
    try:
        return present.cast(pa.float64())
    except pa.ArrowInvalid:
        cells = present.to_pylist()
    strange = [(row, c) for row, c in enumerate(cells, 1) if c is not None and not is_number(c)]
    if not strange:  # numbers as Python reads them and Arrow does not, such as +1
        return pa.array([None if cell is None else float(cell) for cell in cells])
    if 2 * len(strange) < n_present:
        row, cell = strange[0]
        others = f" and {len(strange) - 1} more cells" if len(strange) > 1 else ""
        raise DataError(
            f"column {name!r} of {path} holds numbers but for text in data row {row} "
            f"({cell[:40]!r}){others}; correct it, or leave the column out by naming others"
        )
    return present


def _read_npy(path: Path, columns: list[str] | None, allow_missing: bool) -> Table:
    values = _npy_values(path)
    names = [f"x{j}" for j in range(values.shape[1])]
    if columns is not None:
        named_columns(columns, names, str(path))
        values = np.ascontiguousarray(values[:, [names.index(name) for name in columns]])
        names = columns
    require_finite(values, names, str(path), allow_missing=allow_missing)
    return Table(values, tuple(names), path, ())


def _npy_values(path: Path) -> np.ndarray:
    what = "a .npy array of numbers"
    with _decoding(path, what), path.open("rb") as stream:
        version = np.lib.format.read_magic(stream)
        read = "read_array_header_1_0" if version == (1, 0) else "read_array_header_2_0"
        shape, _, dtype = getattr(np.lib.format, read)(stream)
    if dtype.kind not in "iuf":
        raise DataError(
            f"{path} holds an array of dtype {dtype} where numbers are expected; "
            "save one of integers or floats"
        )
    if len(shape) not in (1, 2):
        raise DataError(
            f"{path} holds an array of {len(shape)} dimensions, shape {shape}; "
            "save one with a row an observation and a column a variable"
        )
    if 0 in shape:
        raise DataError(f"{path} holds an array of shape {shape}: not one number; save some")
    with _decoding(path, what):
        # Mapped, since that compares the file's size with the shape before any memory is taken.
        mapped = np.lib.format.open_memmap(path, mode="r")
        kept = np.float32 if dtype == np.float32 else np.float64
        return np.array(mapped.reshape(len(mapped), -1), dtype=kept, order="C")


_READERS: dict[str, Callable[[Path, list[str] | None], Any]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
    ".ipc": _read_arrow,
}
