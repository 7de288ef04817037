"""Collections that hand out their rows part by part: Dask, lazy frames, Arrow streams."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np

from latentia.data.decoders import Blocks, Decoder, arrow_types, batch_floats, frame_floats
from latentia.data.errors import DataError
from latentia.data.npy import npy_columns
from latentia.extras import require


def open_collection(data: Any) -> list[Decoder]:
    """Look at the columns of a collection without computing it.

    Parameters
    ----------
    data : collection
        A Dask array or data frame, a polars LazyFrame, an Arrow dataset, or anything with
        ``__arrow_c_stream__``, such as a RecordBatchReader.

    Returns
    -------
    list of Decoder
        One a partition for Dask, else one.

    Raises
    ------
    DataError
        It is nothing of these.
    """
    if hasattr(data, "__dask_graph__") and hasattr(data, "blocks"):
        return _dask_array(data)
    if hasattr(data, "__dask_graph__") and hasattr(data, "partitions"):
        return _dask_frame(data)
    if hasattr(data, "collect_batches"):
        return [_lazy(data)]
    if hasattr(data, "to_batches") and hasattr(data, "count_rows") and hasattr(data, "schema"):
        return [_dataset(data)]
    if hasattr(data, "__arrow_c_stream__"):
        return [_reader(data)]
    raise DataError(
        f"got data of type {type(data).__qualname__}, expected a path, a Dask collection, a polars "
        "LazyFrame or an Arrow dataset or stream; give one of these"
    )


def _dask_array(data: Any) -> list[Decoder]:
    if data.ndim not in (1, 2) or data.dtype.kind not in "iuf":
        raise DataError(
            f"got a Dask array of {data.ndim} dimensions and dtype {data.dtype}, expected rows and "
            "columns of integers or floats"
        )
    data = data[:, None] if data.ndim == 1 else data.rechunk({1: -1})
    single = data.dtype == np.float32
    columns = npy_columns(data)
    types = dict.fromkeys(columns, nw.Float32() if single else nw.Float64())

    def decoder(i: int) -> Decoder:
        def blocks(names: Sequence[str], rows: int) -> Blocks:
            part = np.asarray(data.blocks[i].compute(), np.float32 if single else np.float64)
            yield [part[:, columns.index(name)] for name in names]

        n_rows = data.chunks[0][i]
        return Decoder(f"block {i}", types, None if np.isnan(n_rows) else int(n_rows), blocks)

    return [decoder(i) for i in range(data.numblocks[0])]


def _dask_frame(data: Any) -> list[Decoder]:
    types = nw.from_native(data._meta, eager_only=True).schema

    def decoder(i: int) -> Decoder:
        def blocks(names: Sequence[str], rows: int) -> Blocks:
            yield frame_floats(data[list(names)].partitions[i].compute(), names)

        return Decoder(f"partition {i}", types, None, blocks)

    return [decoder(i) for i in range(data.npartitions)]


def _lazy(data: Any) -> Decoder:
    def blocks(names: Sequence[str], rows: int) -> Blocks:
        for part in data.select(list(names)).collect_batches(chunk_size=rows):
            yield frame_floats(part, names)

    return Decoder("the lazy frame", nw.from_native(data).collect_schema(), None, blocks)


def _dataset(data: Any) -> Decoder:
    def blocks(names: Sequence[str], rows: int) -> Blocks:
        few = {"batch_readahead": 1, "fragment_readahead": 1}
        for batch in data.to_batches(columns=list(names), batch_size=rows, **few):
            yield from batch_floats(batch, names, rows)

    types = arrow_types(data.schema, "the dataset")
    return Decoder("the dataset", types, data.count_rows(), blocks)


def _reader(data: Any) -> Decoder:
    pa = require("pyarrow", extra="io")
    reader = pa.RecordBatchReader.from_stream(data)

    def blocks(names: Sequence[str], rows: int) -> Blocks:
        for batch in reader:
            yield from batch_floats(batch, names, rows)

    return Decoder("the stream", arrow_types(reader.schema, "the stream"), None, blocks)
