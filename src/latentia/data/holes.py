"""Tables with holes: read so that all but the missing numbers comes back as it was."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latentia.data import delimited
from latentia.data.columns import named_columns, numeric_columns
from latentia.data.errors import DataError, decoding
from latentia.data.files import bytes_of_table, write_atomically
from latentia.data.frames import require_finite, to_floats
from latentia.data.listing import kind_of, require_file
from latentia.data.npy import map_npy, npy_columns
from latentia.data.tables import read_frame
from latentia.extras import require

if TYPE_CHECKING:
    import pyarrow as pa


class HollowTable(NamedTuple):
    """A table with holes.

    Attributes
    ----------
    values : ndarray of shape (n, D), float64
        Its columns of numbers, NaN where one is missing.
    columns : tuple of str
        Their names.
    limits : list of (float, float)
        Between which numbers each column's type can hold.
    whole : tuple of bool
        Whether every number that is there is a whole one.
    table : Arrow table
        All columns as they are in the file: of a CSV file, texts.
    skipped : tuple of str
        Columns that hold no numbers, or none that was asked for.
    from_text : bool
        Whether the file is a text, so that all of `table` is.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    limits: list[tuple[float, float]]
    whole: tuple[bool, ...]
    table: "pa.Table"
    skipped: tuple[str, ...]
    from_text: bool = False


def read_hollow(path: Path, columns: Sequence[str] | None = None) -> HollowTable:
    r"""Read a table with holes from a file.

    Parameters
    ----------
    path : Path
        A .csv, .tsv, .parquet, .arrow, .feather, .ipc or .npy file.
    columns : sequence of str, optional
        The columns of numbers to look at; all of numbers by default.

    Returns
    -------
    HollowTable

    Raises
    ------
    DataError
        The file or a column cannot be used, or a number is infinite.

    Examples
    --------
    >>> import tempfile
    >>> from latentia.data.holes import read_hollow
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "trees.csv")
    ...     _ = path.write_text("tree,apples,height\nA,8,2.5\nB,NA,3\n")
    ...     read = read_hollow(path)
    >>> read.columns, read.whole, read.table["apples"].to_pylist()
    (('apples', 'height'), (True, False), ['8', 'NA'])
    """
    kind = kind_of(path)
    require_file(path)
    if kind == "NumPy":
        mapped = map_npy(path)
        return of_numbers(np.array(mapped), npy_columns(mapped), str(path), columns)
    if kind in ("CSV", "TSV"):
        table = _as_text(path)
        made = _chosen(table, _numbers_of_texts(path, table, columns), str(path))
        return made._replace(from_text=True)
    with decoding(path, "a table"):
        table = read_frame(path, None)
    return _chosen(table, _numbers_of_types(table, str(path), columns), str(path))


def of_numbers(
    values: np.ndarray, names: Sequence[str], source: str, columns: Sequence[str] | None = None
) -> HollowTable:
    """The same of a matrix with named columns."""
    pa = require("pyarrow", extra="io")
    table = pa.table({name: pa.array(values[:, j]) for j, name in enumerate(names)})
    wanted = list(names) if columns is None else named_columns(columns, names, source)
    return _chosen(table, {name: to_floats_of(table[name]) for name in wanted}, source)


def texts_of(read: HollowTable, name: str) -> list[str | None]:
    """A column of texts, None where one is missing: in a CSV file, also where a word says so.

    Raises
    ------
    DataError
        The table has no such column, or it holds something else.
    """
    pa = require("pyarrow", extra="io")
    (name,) = named_columns([name], read.table.column_names, "the data")
    column = read.table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise DataError(f"column {name!r} is of type {column.type}, not of text; name others")
    if read.from_text:
        return delimited.read_texts(column)
    return column.to_pylist()


def without_values(read: HollowTable) -> list[str]:
    """Columns that are in the table and have no value at all, so that they are of no type."""
    return [name for name in read.skipped if _is_empty(read.table[name], read.from_text)]


def _is_empty(column: "pa.ChunkedArray", is_text: bool) -> bool:
    if column.null_count == len(column):
        return True
    return is_text and delimited.read_cells(column).n_present == 0


def times_of(read: HollowTable, name: str) -> "pa.ChunkedArray":
    """A column of dates; those of a CSV file are read from texts such as 2024-02-29.

    Raises
    ------
    DataError
        The table has no such column, or it holds no dates.
    """
    pa = require("pyarrow", extra="io")
    (name,) = named_columns([name], read.table.column_names, "the data")
    column = read.table[name]
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return column
    for kind in (pa.date32(), pa.timestamp("us")):
        try:
            return pa.chunked_array([pa.array(texts_of(read, name)).cast(kind)])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    raise DataError(
        f"column {name!r} holds neither numbers nor dates such as 2024-02-29; name another"
    )


def to_floats_of(column: "pa.ChunkedArray") -> np.ndarray:
    """An Arrow column as float64, NaN where a value is missing."""
    import narwhals as nw

    series = nw.from_native(column, series_only=True)
    return np.array(to_floats(series), dtype=np.float64)


def _as_text(path: Path) -> "pa.Table":
    arrow_csv = require("pyarrow.csv", extra="io")
    header = delimited.read_header(path, expect_names=True)
    with delimited.decoding_text(path):
        return arrow_csv.read_csv(path, **delimited.parsing(path, header))


def _numbers_of_texts(
    path: Path, table: "pa.Table", columns: Sequence[str] | None
) -> dict[str, np.ndarray]:
    """The columns of a CSV file that hold numbers."""
    names = table.column_names
    wanted = names if columns is None else named_columns(columns, names, str(path))
    found: dict[str, np.ndarray] = {}
    for name in wanted:
        cells = delimited.read_cells(table[name])
        if cells.numbers is not None and (cells.n_present or columns is not None):
            if columns is not None or name:
                found[name] = to_floats_of(cells.numbers)
        elif columns is not None or not cells.mostly_text:
            at, cell = cells.strange[0]
            raise delimited.text_among_numbers(path, name, at + 1, cell)
    if not found:
        raise DataError(f"{path} has no column of numbers; at least one is needed")
    return found


def _numbers_of_types(
    table: "pa.Table", source: str, columns: Sequence[str] | None
) -> dict[str, np.ndarray]:
    """The columns of an Arrow table that are of a type of numbers."""
    import narwhals as nw

    types = nw.from_native(table, eager_only=True).schema
    wanted, _ = numeric_columns(types, source)
    if columns is not None:
        asked = named_columns(columns, table.column_names, source)
        text = [name for name in asked if name not in wanted]
        if text:
            raise DataError(
                f"column {text[0]!r} of {source} is of type {types[text[0]]}, not of numbers; "
                "name others"
            )
        wanted = asked
    return {name: to_floats_of(table[name]) for name in wanted}


def _chosen(table: "pa.Table", found: dict[str, np.ndarray], source: str) -> HollowTable:
    names = tuple(found)
    values = np.column_stack([found[name] for name in names])
    require_finite(values, names, source, allow_missing=True)
    whole = np.all(np.isnan(values) | (values == np.round(values)), axis=0)
    limits = [_limits(table.schema.field(name).type) for name in names]
    skipped = tuple(str(name) for name in table.column_names if name not in found)
    return HollowTable(values, names, limits, tuple(bool(w) for w in whole), table, skipped)


def _limits(kind: "pa.DataType") -> tuple[float, float]:
    """What numbers a type can hold, as floats."""
    pa = require("pyarrow", extra="io")
    if not pa.types.is_integer(kind):
        return -np.inf, np.inf
    held = np.iinfo(kind.to_pandas_dtype())
    # of 64 bits no float is the largest whole number, and beyond 2**53 few are
    return max(float(held.min), -(2.0**53)), min(float(held.max), 2.0**53)


def write_filled(
    read: HollowTable,
    filled: np.ndarray,
    path: Path,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write a table with what is missing filled in, and all else as it was.

    Parameters
    ----------
    read : HollowTable
    filled : ndarray of shape (n, D)
        Its columns of numbers without NaN; whole numbers where the column's are.
    path : Path
        A .csv, .tsv, .parquet, .arrow or .npy file. Numbers of a CSV file become numbers in
        Parquet and Arrow, whole ones int64, and all else stays text.
    texts : mapping of str to sequence of str, optional
        Columns of texts, complete.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    suffix = path.suffix.lower()
    payload = io.BytesIO()
    for name, cells in (texts or {}).items():
        at, field = read.table.column_names.index(name), read.table.schema.field(name)
        column = _with_texts(read, name, cells)
        read = read._replace(table=read.table.set_column(at, field, column))
    as_texts = read.from_text
    if suffix == ".npy":
        _require_exact(read)
        np.save(payload, filled)
    elif suffix in (".parquet", ".arrow"):
        table = _typed(read, filled) if as_texts else _with_numbers(read, filled)
        payload.write(bytes_of_table(table, suffix))
    elif as_texts:
        payload.write(_csv_of_texts(read, filled, delimited.delimiter_of(path)).encode())
    else:
        arrow_csv = require("pyarrow.csv", extra="io")
        options = arrow_csv.WriteOptions(
            quoting_style="needed", delimiter=delimited.delimiter_of(path)
        )
        arrow_csv.write_csv(_with_numbers(read, filled), payload, options)
    write_atomically(path, payload.getvalue())


def _require_exact(read: HollowTable) -> None:
    """Refuse whole numbers that floats would round, where a file of floats is asked for."""
    pa = require("pyarrow", extra="io")
    for j, name in enumerate(read.columns):
        large = read.whole[j] and bool((np.abs(read.values[:, j]) > 2.0**53).any())
        if large and not pa.types.is_floating(read.table.schema.field(name).type):
            raise DataError(
                f"column {name!r} holds whole numbers beyond 2**53, which the floats of a .npy "
                "file would round; write .csv, .parquet or .arrow"
            )


def _with_texts(read: HollowTable, name: str, cells: Sequence[str]) -> "pa.Array":
    """A column with its missing texts filled in, the others to the letter, in its own type."""
    pa = require("pyarrow", extra="io")
    column = read.table[name]
    there = texts_of(read, name)
    each = zip(column.to_pylist(), there, cells, strict=True)
    made = [old if known is not None else new for old, known, new in each]
    return pa.array(made, type=column.type)


def _csv_of_texts(read: HollowTable, filled: np.ndarray, delimiter: str) -> str:
    columns = {name: read.table[name].to_pylist() for name in read.table.column_names}
    for j, name in enumerate(read.columns):
        for i in np.flatnonzero(np.isnan(read.values[:, j])):
            value = float(filled[i, j])
            columns[name][i] = str(int(value)) if read.whole[j] else repr(value)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _typed(read: HollowTable, filled: np.ndarray) -> "pa.Table":
    """A table of texts with its numbers as numbers."""
    pa = require("pyarrow", extra="io")
    table = read.table
    for j, name in enumerate(read.columns):
        at = table.column_names.index(name)
        if not read.whole[j]:
            made = pa.array(filled[:, j])
        else:
            made = _whole_numbers(table.column(at).to_pylist(), read.values[:, j], filled[:, j])
        table = table.set_column(at, name, made)
    return table


def _whole_numbers(texts: Sequence[str], values: np.ndarray, filled: np.ndarray) -> "pa.Array":
    """A column of whole numbers, texts where 64 bits do not hold them.

    What was there is read from its text again where floats do not hold every whole number.
    """
    pa = require("pyarrow", extra="io")
    large = np.flatnonzero(np.abs(values) >= 2.0**53)
    if (np.abs(filled) >= 2.0**63).any():
        missing = np.isnan(values)
        each = zip(texts, missing, filled, strict=True)
        return pa.array([str(int(new)) if hole else old for old, hole, new in each])
    column = filled.astype(np.int64)
    for i in large.tolist():
        digits = texts[i].strip()
        column[i] = int(digits) if digits.lstrip("+-").isdecimal() else int(values[i])
    return pa.array(column)


def _with_numbers(read: HollowTable, filled: np.ndarray) -> "pa.Table":
    """The table with what was missing put in, in the type of each column."""
    pa = require("pyarrow", extra="io")
    pc = require("pyarrow.compute", extra="io")
    table = read.table
    for j, name in enumerate(read.columns):
        missing = np.isnan(read.values[:, j])
        if not missing.any():
            continue
        at = table.column_names.index(name)
        field, column = table.schema.field(at), table.column(at)
        values = np.where(missing, filled[:, j], 0.0)
        if pa.types.is_decimal(field.type):
            values = np.round(values, field.type.scale)
        made = pc.if_else(pa.array(missing), pa.array(values).cast(field.type, safe=False), column)
        table = table.set_column(at, field, made)
    return table
