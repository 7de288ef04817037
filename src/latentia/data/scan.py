"""Data larger than memory: decoded once into a mapped matrix on disk."""

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, final

import narwhals as nw
import numpy as np

from latentia.data import cache as caches
from latentia.data.columns import (
    listed,
    named_columns,
    not_numbers,
    numeric_columns,
    wanted_columns,
)
from latentia.data.decoders import Decoder, open_file
from latentia.data.errors import DataError
from latentia.data.frames import require_finite, stacked
from latentia.data.listing import data_files, kind_of, require_file
from latentia.data.npy import map_npy, npy_columns
from latentia.data.streams import open_collection

_BLOCK_BYTES, _MOST_ROWS = 2**22, 65_536


class Part(NamedTuple):
    """A file among several.

    Attributes
    ----------
    path : str
        The file, or what the part of a collection is called.
    first_row : int
        Where its rows begin in the matrix, from 0.
    """

    path: str
    first_row: int


@final
class Scanned:
    """Numbers that lie on disk and are mapped into memory; a context manager.

    Attributes
    ----------
    values : memmap of shape (n, D)
        float64, or float32 where every column is; C order, read only.
    columns : tuple of str
        The names of the D columns; x0, x1, ... where they have none.
    skipped : tuple of str
        Columns left out because they hold no numbers; empty where columns were named.
    parts : tuple of Part
        The files and where their rows begin.
    cache : Path or None
        The file that holds the numbers; None where the data file itself is mapped.
    """

    def __init__(
        self,
        values: np.ndarray,
        columns: Sequence[str],
        skipped: Sequence[str],
        parts: Sequence[Part],
        cache: Path | None,
        *,
        keep: bool,
    ) -> None:
        self._values: np.ndarray | None = values
        self.columns, self.skipped = tuple(columns), tuple(skipped)
        self.parts, self.cache, self._keep = tuple(parts), cache, keep

    @property
    def values(self) -> np.ndarray:
        if self._values is None:
            raise DataError("these data have been closed; scan them again")
        return self._values

    def where(self, row: int) -> str:
        """Say in which file a row stands, and which it is there.

        Parameters
        ----------
        row : int
            A row of `values`, from 0.

        Returns
        -------
        str
            The file and the row as it is counted there, from 1 below any header.

        Raises
        ------
        IndexError
            There is no such row.
        """
        n = len(self.values)
        if not 0 <= row < n:
            raise IndexError(f"got row {row}, expected one from 0 to {n - 1}")
        part = self.parts[bisect_right([part.first_row for part in self.parts], row) - 1]
        return f"{part.path}, row {row - part.first_row + 1}"

    def close(self) -> None:
        """Let the numbers go, and remove their cache unless it is kept.

        Arrays made from `values` stay readable where the system lets an open file be removed.
        """
        self._values = None
        if self.cache is not None and not self._keep:
            self.cache.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def scan(
    path: Any,
    columns: str | Sequence[str] | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
    keep: bool = False,
    allow_missing: bool = False,
) -> Scanned:
    r"""Map data that need not fit into memory, decoding them once where they are not numbers yet.

    A .npy file of floats in C order is mapped itself. Whatever else is decoded block by block into
    a cache on disk, which goes when it is closed, when nothing looks at it any more, or when
    the interpreter ends.

    Parameters
    ----------
    path : path-like or collection
        A .parquet, .csv, .tsv, .arrow, .feather, .ipc or .npy file; a folder of files of one kind,
        taken in the order of their names; a pattern such as ``data/*.parquet``; a Dask array or
        data frame; a polars LazyFrame; an Arrow dataset or stream.
    columns : sequence of str, optional
        The columns to take, in this order. By default every column of numbers. A column of a CSV
        is of numbers if most cells are in the first block in which any is filled.
    cache : "beside" or path-like, optional
        The folder for the cache, or ``"beside"`` for that of the data; by default the temporary
        folder, which TMPDIR names.
    keep : bool, default False
        Leave the cache, and use it again if files, their sizes and times, and columns are the same.
    allow_missing : bool, default False
        Keep missing values as NaN instead of refusing them.

    Returns
    -------
    Scanned
        The matrix, the names of its columns, and where each row came from.

    Raises
    ------
    DataError
        As `read_table` does; besides, files differ in their columns, a file changes while it is
        read, or the disk has not enough room.
    ImportError
        pyarrow, which every format but .npy needs, is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from latentia.data.scan import scan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, row in (("a.csv", "3.6,79"), ("b.csv", "1.8,54")):
    ...         _ = Path(folder, name).write_text(f"eruptions,waiting\n{row}\n")
    ...     with scan(folder) as data:
    ...         print(data.values, data.columns, data.where(1).removeprefix(folder)[1:])
    [[ 3.6 79. ] [ 1.8 54. ]] ('eruptions', 'waiting') b.csv, row 1
    """
    wanted = wanted_columns(columns)
    if not isinstance(path, str | os.PathLike):
        if keep:
            raise DataError("got keep=True for data that are no files; write them to files first")
        return _decode(open_collection(path), wanted, "the data", None, cache, allow_missing, None)
    files = data_files(path)
    for file in files:
        require_file(file)
    if len(files) == 1 and kind_of(files[0]) == "NumPy" and wanted is None:
        mapped = _as_it_is(files[0], allow_missing)
        if mapped is not None:
            return mapped
    request = _request(files, wanted, allow_missing)
    if keep:
        folder = caches.cache_folder(cache, files[0])
        target = folder / caches.kept_name(request)
        kept = caches.open_kept(target, request)
        if kept is not None:
            values, record = kept
            parts = [Part(name, row) for name, row in record["parts"]]
            return Scanned(values, record["columns"], record["skipped"], parts, target, keep=True)
    first = open_file(files[0], wanted, only=len(files) == 1)
    chosen = _chosen(first, wanted)[0]
    others = [open_file(file, chosen, only=False) for file in files[1:]]
    decoders = [first, *others]
    scanned = _decode(
        decoders, wanted, str(path), files[0], cache, allow_missing, request if keep else None
    )
    if _request(files, wanted, allow_missing) != request:
        scanned.close()
        if scanned.cache is not None:
            scanned.cache.unlink(missing_ok=True)
        raise DataError(f"{path} changed while it was read; scan it again once it is complete")
    return scanned


def _as_it_is(file: Path, allow_missing: bool) -> Scanned | None:
    mapped = map_npy(file)
    if mapped.dtype not in (np.float32, np.float64) or not mapped.flags.c_contiguous:
        return None
    names, rows = npy_columns(mapped), _rows(mapped.shape[1])
    for at in range(0, len(mapped), rows):
        block = np.asarray(mapped[at : at + rows])
        require_finite(block, names, str(file), allow_missing=allow_missing, n_before=at)
    return Scanned(mapped, names, (), [Part(str(file), 0)], None, keep=True)


def _decode(
    decoders: Sequence[Decoder],
    wanted: list[str] | None,
    source: str,
    beside: Path | None,
    cache: str | os.PathLike[str] | None,
    allow_missing: bool,
    request: Mapping[str, Any] | None,
) -> Scanned:
    chosen, skipped = _chosen(decoders[0], wanted)
    for decoder in decoders[1:]:
        _require_same(decoders[0], decoder, chosen, wanted is not None)
    single = all(decoder.types[name] == nw.Float32 for decoder in decoders for name in chosen)
    counts = [decoder.n_rows for decoder in decoders]
    n_rows = None if None in counts else sum(count or 0 for count in counts)
    if n_rows == 0:
        raise DataError(f"{source} has no rows; at least one is needed")
    folder = caches.cache_folder(cache, beside)
    dtype = np.dtype(np.float32 if single else np.float64)
    writer = caches.CacheWriter(folder, len(chosen), dtype, n_rows, source)
    try:
        parts = _fill(writer, decoders, chosen, dtype, allow_missing)
        if not writer.n_rows:
            raise DataError(f"{source} has no rows; at least one is needed")
        if request is None:
            values = writer.map()
        else:
            record = {"request": request, "columns": chosen, "skipped": skipped, "parts": parts}
            values = writer.keep(caches.kept_name(request), record)
    except BaseException:
        writer.abandon()
        raise
    names = [str(name) for name in chosen]
    return Scanned(values, names, skipped, parts, writer.path, keep=request is not None)


def _fill(
    writer: caches.CacheWriter,
    decoders: Sequence[Decoder],
    chosen: Sequence[str],
    dtype: np.dtype,
    allow_missing: bool,
) -> list[Part]:
    rows, parts = _rows(len(chosen)), []
    buffer = np.empty((rows, len(chosen)), dtype)
    for decoder in decoders:
        parts.append(Part(decoder.name, writer.n_rows))
        n_before = 0
        for columns in decoder.blocks(chosen, rows):
            for at in range(0, len(columns[0]), rows):
                block = stacked([column[at : at + rows] for column in columns], buffer)
                require_finite(
                    block, chosen, decoder.name, allow_missing=allow_missing, n_before=n_before
                )
                writer.write(block)
                n_before += len(block)
        if decoder.n_rows not in (None, n_before):
            raise DataError(
                f"{decoder.name} has {n_before} rows where it says it has {decoder.n_rows}; "
                "it may be damaged"
            )
    return parts


def _rows(n_columns: int) -> int:
    return min(_MOST_ROWS, max(1, _BLOCK_BYTES // (8 * n_columns)))


def _chosen(first: Decoder, wanted: list[str] | None) -> tuple[list[str], tuple[str, ...]]:
    if wanted is None:
        return numeric_columns(first.types, first.name)
    chosen = named_columns(wanted, list(first.types), first.name)
    _require_numbers(first, chosen)
    return chosen, ()


def _require_numbers(decoder: Decoder, chosen: Sequence[str]) -> None:
    for name in chosen:
        if not decoder.types[name].is_numeric():
            raise not_numbers(name, decoder.name, f"values of type {decoder.types[name]}")


def _require_same(first: Decoder, other: Decoder, chosen: Sequence[str], named: bool) -> None:
    expected = chosen if named else list(first.types)
    lost = [name for name in expected if name not in other.types]
    new = [] if named else [name for name in other.types if name not in first.types]
    if lost or new:
        told = [f"has no {listed(lost)}"] * bool(lost) + [f"also has {listed(new)}"] * bool(new)
        raise DataError(
            f"{other.name} differs in its columns from {first.name}: it {' and '.join(told)}; "
            "give files with the same columns, or name those that all have"
        )
    _require_numbers(other, chosen)


def _request(
    files: Sequence[Path], wanted: list[str] | None, allow_missing: bool
) -> dict[str, Any]:
    states = [(os.path.abspath(file), file.stat()) for file in files]
    return {
        "format": 1,
        "files": [[name, state.st_size, state.st_mtime_ns] for name, state in states],
        "columns": wanted,
        "allow_missing": allow_missing,
    }
