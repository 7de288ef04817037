"""How one file, or one part of a collection, is read: a block of rows at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from latentia.data import delimited
from latentia.data.columns import named_columns, require_distinct
from latentia.data.errors import decoding
from latentia.data.frames import to_floats
from latentia.data.listing import kind_of, require_file
from latentia.data.npy import map_npy, npy_columns
from latentia.extras import require

Blocks = Iterator[list[np.ndarray]]

# Arrow reads some forty blocks of text ahead, however few are asked for.
_TEXT_BLOCK = 2**20


class Decoder(NamedTuple):
    """What is known of a table before it is decoded, and how it is.

    Attributes
    ----------
    name : str
        What messages call it.
    types : mapping of str to narwhals type
        The type of each column; of text, numbers where they are to be read as such.
    n_rows : int or None
        How many rows there are, where that is known.
    blocks : callable
        Takes names of columns and a number of rows; gives blocks of about that many rows or
        fewer, each a list of arrays of floats, one a column.
    """

    name: str
    types: Mapping[str, Any]
    n_rows: int | None
    blocks: Callable[[Sequence[str], int], Blocks]


def open_file(path: Path, wanted: Sequence[str] | None, *, only: bool) -> Decoder:
    """Look at a file's columns without decoding it.

    Parameters
    ----------
    path : Path
        The file.
    wanted : sequence of str or None
        The columns that are to be read as numbers; None to find out which are.
    only : bool
        Whether it is the only file, which then must have rows.

    Returns
    -------
    Decoder
        How to read it.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    kind = kind_of(path)
    require_file(path)
    if kind == "Parquet":
        return _parquet(path)
    if kind == "Arrow":
        return _arrow(path)
    if kind == "NumPy":
        return _npy(path)
    return _text(path, wanted, only)


def frame_floats(frame: Any, names: Sequence[str]) -> list[np.ndarray]:
    """Return columns of a small data frame of any library as arrays of floats."""
    data = nw.from_native(frame, eager_only=True)
    return [to_floats(data[name]) for name in names]


def arrow_types(schema: Any, source: str) -> Mapping[str, Any]:
    """Return the types of an Arrow schema's columns, each of which has its own name."""
    require_distinct(schema.names, source)
    return nw.from_native(schema.empty_table(), eager_only=True).schema


def batch_floats(batch: Any, names: Sequence[str], rows: int) -> Blocks:
    """Return an Arrow batch as blocks of floats."""
    pa = require("pyarrow", extra="io")
    for at in range(0, len(batch), rows):
        yield frame_floats(pa.Table.from_batches([batch.slice(at, rows)]), names)


def _parquet(path: Path) -> Decoder:
    parquet = require("pyarrow.parquet", extra="io")
    with decoding(path, "a Parquet file"), parquet.ParquetFile(path, pre_buffer=False) as file:
        types = arrow_types(file.schema_arrow, str(path))
        n_rows = file.metadata.num_rows

    def blocks(names: Sequence[str], rows: int) -> Blocks:
        # One buffer a column: together they stay small however many columns there are.
        buffer = min(2**20, max(2**14, 2**25 // len(names)))
        with (
            decoding(path, "a Parquet file"),
            parquet.ParquetFile(path, pre_buffer=False, buffer_size=buffer) as file,
        ):
            for batch in file.iter_batches(batch_size=rows, columns=list(names)):
                yield from batch_floats(batch, names, rows)

    return Decoder(str(path), types, n_rows, blocks)


def _arrow(path: Path) -> Decoder:
    pa = require("pyarrow", extra="io")
    with path.open("rb") as stream:
        is_file = stream.read(6) == b"ARROW1"
    opened = pa.ipc.open_file if is_file else pa.ipc.open_stream
    what, n_rows = "an Arrow IPC file", None
    with decoding(path, what), pa.memory_map(str(path)) as source:
        types = arrow_types(opened(source).schema, str(path))
        if is_file:
            dataset = require("pyarrow.dataset", extra="io")
            n_rows = dataset.dataset(str(path), format="ipc").count_rows()

    def blocks(names: Sequence[str], rows: int) -> Blocks:
        places = sorted(list(types).index(name) for name in names)
        options = pa.ipc.IpcReadOptions(included_fields=places)
        # Mapped, since a batch may be the whole table.
        with decoding(path, what), pa.memory_map(str(path)) as source:
            reader = opened(source, options=options)
            batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
            for batch in batches:
                batch.validate(full=True)
                yield from batch_floats(batch, names, rows)

    return Decoder(str(path), types, n_rows, blocks)


def _npy(path: Path) -> Decoder:
    mapped = map_npy(path)
    single = mapped.dtype == np.float32
    columns = npy_columns(mapped)

    def blocks(names: Sequence[str], rows: int) -> Blocks:
        mapped = map_npy(path)
        for at in range(0, len(mapped), rows):
            part = np.asarray(mapped[at : at + rows], dtype=np.float32 if single else np.float64)
            yield [part[:, columns.index(name)] for name in names]

    types = dict.fromkeys(columns, nw.Float32() if single else nw.Float64())
    return Decoder(str(path), types, len(mapped), blocks)


def _text(path: Path, wanted: Sequence[str] | None, only: bool) -> Decoder:
    header = delimited.read_header(path, expect_names=wanted is None, expect_rows=only)
    numbers = set(_numbers(path, header) if wanted is None else wanted)
    types = {name: nw.Float64() if name in numbers else nw.String() for name in header}

    def blocks(names: Sequence[str], rows: int) -> Blocks:
        named_columns(names, header, str(path))
        n_before = 0
        for batch in _text_batches(path, names):
            columns = delimited.plain_numbers(batch) or []
            for name in names[len(columns) :]:
                cells = delimited.read_cells(batch[name])
                if cells.numbers is None:
                    at, cell = cells.strange[0]
                    raise delimited.text_among_numbers(path, name, n_before + at + 1, cell)
                columns.append(cells.numbers.to_numpy(zero_copy_only=False))
            n_before += len(batch)
            yield columns

    return Decoder(str(path), types, None, blocks)


def _numbers(path: Path, header: Sequence[str]) -> list[str]:
    """Return the columns of numbers, each by the first block in which it is not empty."""
    found, open_ones = [], list(header)
    for batch in _text_batches(path, header):
        for name in tuple(open_ones):
            cells = delimited.read_cells(batch[name])
            if cells.n_present:
                open_ones.remove(name)
                if cells.numbers is not None or not cells.mostly_text:
                    found.append(name)
        if not open_ones:
            break
    return [name for name in header if name in found]


def _text_batches(path: Path, names: Sequence[str]) -> Iterator[Any]:
    arrow_csv = require("pyarrow.csv", extra="io")
    with delimited.decoding_text(path):
        reader = arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=_TEXT_BLOCK, use_threads=False),
            **delimited.parsing(path, names),
        )
        with reader:
            yield from reader
