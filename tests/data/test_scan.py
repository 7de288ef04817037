import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest

from latentia.data.errors import DataError
from latentia.data.scan import scan
from latentia.data.tables import read_table

X = np.random.default_rng(0).normal(size=(1000, 3))
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
TABLE = pa.table({name: FRAME[name].to_numpy() for name in FRAME})


def write_csv(table, path):
    table.to_pandas().to_csv(path, index=False)


def write_file(table, path):
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)


def write_stream(table, path):
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


def write_npy(table, path):
    np.save(path, np.column_stack([table[name].to_numpy() for name in table.column_names]))


WRITERS = {
    "csv": write_csv,
    "parquet": lambda table, path: pa.parquet.write_table(table, path, row_group_size=100),
    "feather": pa.feather.write_feather,
    "arrow": write_file,
    "ipc": write_stream,
    "npy": write_npy,
}
EVERY = pytest.mark.parametrize("kind", WRITERS)


@pytest.fixture(autouse=True)
def small_blocks(tmp_path, monkeypatch):
    """Blocks far smaller than the data, and a temporary folder of our own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr("latentia.data.scan._MOST_ROWS", 64)
    monkeypatch.setattr("latentia.data.decoders._TEXT_BLOCK", 2000)


def folder_of(tmp_path, kind, cuts=(0, 300, 301, 1000)):
    folder = tmp_path / "data"
    folder.mkdir()
    for i, (at, end) in enumerate(pairwise(cuts)):
        WRITERS[kind](TABLE.slice(at, end - at), str(folder / f"part-{i}.{kind}"))
    return folder


@EVERY
def test_one_file_gives_what_reading_it_whole_gives(tmp_path, kind):
    WRITERS[kind](TABLE, path := str(tmp_path / f"t.{kind}"))
    whole = read_table(path)
    with scan(path) as data:
        np.testing.assert_array_equal(data.values, whole.values)
        assert data.values.dtype == whole.values.dtype
        assert data.values.flags.c_contiguous
        assert not data.values.flags.writeable
        assert data.columns == whole.columns
        assert data.where(16) == f"{path}, row 17"
    last = whole.columns[-1], whole.columns[0]
    with scan(path, last) as data:
        np.testing.assert_array_equal(data.values, read_table(path, last).values)


@EVERY
def test_a_folder_and_a_pattern_are_their_files_one_after_the_other(tmp_path, kind):
    folder = folder_of(tmp_path, kind)
    for path in (folder, f"{folder}/part-?.{kind}"):
        with scan(path) as data:
            np.testing.assert_array_equal(data.values, X)
            assert [part.first_row for part in data.parts] == [0, 300, 301]
            for row, place in ((0, "0.{}, row 1"), (300, "1.{}, row 1"), (999, "2.{}, row 699")):
                assert data.where(row).endswith(place.format(kind))
            with pytest.raises(IndexError):
                data.where(1000)


def test_npy_of_floats_is_mapped_itself_and_other_arrays_are_decoded(tmp_path):
    for name, array, itself in (
        ("c", X, True),
        ("single", X.astype(np.float32), True),
        ("fortran", np.asfortranarray(X), False),
        ("integers", (X * 10).astype(">i2"), False),
        ("vector", X[:, 0].copy(), True),
    ):
        np.save(tmp_path / f"{name}.npy", array)
        with scan(tmp_path / f"{name}.npy") as data:
            np.testing.assert_array_equal(data.values, array.reshape(len(array), -1))
            assert (data.cache is None) == itself
        assert (tmp_path / f"{name}.npy").exists()


def test_single_precision_only_where_every_column_of_every_file_is(tmp_path):
    one, two = pa.table({"x": pa.array([0.5], pa.float32())}), pa.table({"x": [0.1]})
    pa.parquet.write_table(one, tmp_path / "a.parquet")
    with scan(tmp_path / "*.parquet") as data:
        assert data.values.dtype == np.float32
    pa.parquet.write_table(two, tmp_path / "b.parquet")
    with scan(tmp_path / "*.parquet") as data:
        assert data.values.tolist() == [[0.5], [0.1]]


@pytest.mark.parametrize(
    "text",
    [
        '"a b",c\r\n 1 , +2\r\n1e5,-.5\r\n',
        "x,when,ok\n1,2020-01-01,true\n2,2020-01-02,false\n",
        'note,x\n"two\nlines",1\n"b,c",2\n',
        "x,s\n1,1\n2,a\n3,b\n",
        "x,\n1,\n2,\n",
        "x\n\n1\n\n2\n\n",
        "s,x\n" + ",1\n" * 2000 + "late,2\n",
    ],
)
def test_csv_as_programs_write_it(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode())
    whole = read_table(tmp_path / "t.csv")
    with scan(tmp_path / "t.csv") as data:
        np.testing.assert_array_equal(data.values, whole.values)
        assert (data.columns, data.skipped) == (whole.columns, whole.skipped)


def test_missing_values_are_kept_on_request(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,NA\nNaN,3\n ,n/a\n")
    with scan(tmp_path / "t.csv", allow_missing=True) as data:
        np.testing.assert_array_equal(data.values, [[1, np.nan], [np.nan, 3], [np.nan, np.nan]])


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "ipc", "npy"])
@pytest.mark.parametrize(("bad", "word"), [(np.nan, "a missing"), (np.inf, "an infinite")])
def test_a_bad_cell_is_named_by_file_row_and_column(tmp_path, kind, bad, word):
    folder = folder_of(tmp_path, kind)
    x = X[:700].copy()
    x[516, 1] = bad
    names = TABLE.column_names
    table = pa.table({name: x[:, j] for j, name in enumerate(names)})
    WRITERS[kind](table, path := str(folder / f"part-1.{kind}"))
    column = "x1" if kind == "npy" else "b"
    words = f"{re.escape(path)} has {word} value in data row 517, column '{column}'"
    with pytest.raises(DataError, match=words):
        scan(folder)
    assert not list((tmp_path / "tmp").rglob(".latentia-*"))


def test_text_far_down_a_column_of_numbers_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 5000 + "1,many\n")
    for columns in (None, ["b"]):
        with pytest.raises(DataError, match=r"column 'b' .* data row 5001 \('many'\)"):
            scan(tmp_path / "t.csv", columns)


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_files_with_other_columns_are_named(tmp_path, kind):
    folder = folder_of(tmp_path, kind)
    other = TABLE.rename_columns(["a", "b", "z"])
    WRITERS[kind](other, str(folder / f"part-1.{kind}"))
    words = r"part-1\.\w+ differs in its columns from .*part-0\.\w+: it has no 'c' and also has 'z'"
    with pytest.raises(DataError, match=words):
        scan(folder)
    with scan(folder, ["b", "a"]) as data:
        assert data.values.shape == (300 + 1000 + 699, 2)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "without data files"),
        (["a.csv", "b.parquet"], "of two kinds"),
        (["a.csv", "b.xlsx"], "'b.xlsx', whose ending is none of"),
    ],
)
def test_folders_that_are_no_data_are_refused(tmp_path, names, words):
    (tmp_path / "d").mkdir()
    for name in [*names, "_SUCCESS", ".hidden"]:
        (tmp_path / "d" / name).write_text("a\n1\n")
    with pytest.raises(DataError, match=words):
        scan(tmp_path / "d")


def test_what_is_not_there_is_refused(tmp_path):
    for path, words in (
        (tmp_path / "no.csv", "there is no file"),
        (tmp_path / "no*.csv", "no file matches"),
        (3, "expected a path, a Dask collection"),
    ):
        with pytest.raises(DataError, match=words):
            scan(path)
    write_csv(TABLE, tmp_path / "t.csv")
    with pytest.raises(DataError, match="did you mean 'a'"):
        scan(tmp_path / "t.csv", ["aa"])


def test_every_truncation_of_a_parquet_file_is_refused_and_leaves_nothing(tmp_path):
    pa.parquet.write_table(TABLE.slice(0, 50), path := tmp_path / "t.parquet")
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            scan(path)
    assert not list((tmp_path / "tmp").rglob(".latentia-*"))


COLLECTIONS = {
    "dask-array": lambda: dask.array.from_array(X, chunks=(300, 2)),
    "dask-frame": lambda: dask.dataframe.from_pandas(FRAME, npartitions=4),
    "polars-lazy": lambda: pl.DataFrame(X, schema=["a", "b", "c"]).lazy(),
    "arrow-dataset": lambda: pa.dataset.dataset(TABLE),
    "arrow-reader": lambda: TABLE.to_reader(max_chunksize=77),
}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_collections_are_streamed(name):
    with scan(COLLECTIONS[name]()) as data:
        np.testing.assert_array_equal(data.values, X)
        assert data.columns == (("x0", "x1", "x2") if name == "dask-array" else ("a", "b", "c"))
    if name != "dask-array":
        with scan(COLLECTIONS[name](), ["c", "a"]) as data:
            np.testing.assert_array_equal(data.values, X[:, [2, 0]])


def test_a_bad_cell_of_a_partition_is_named():
    x = X.copy()
    x[650, 2] = np.nan
    with pytest.raises(DataError, match="block 2 has a missing value in data row 51, column 'x2'"):
        scan(dask.array.from_array(x, chunks=(300, 3)))


def test_closed_data_say_so_and_slices_outlive_them(tmp_path):
    write_csv(TABLE, tmp_path / "t.csv")
    data = scan(tmp_path / "t.csv")
    part = data.values[10:20]
    data.close()
    with pytest.raises(DataError, match="closed"):
        _ = data.values
    np.testing.assert_array_equal(part, X[10:20])
    assert not os.path.exists(data.cache)


def test_a_row_longer_than_what_is_read_at_a_time_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,t\n" + "1,x\n" * 2000 + f"1,{'x' * 9000}\n" + "1,x\n" * 2000)
    with pytest.raises(DataError, match=r"has a row longer than .* a quote is left open"):
        scan(path, ["a"])


WATCHED = """
import sys, threading, time
from pathlib import Path
from latentia.data.scan import scan

def anonymous():
    told = Path("/proc/self/status").read_text()
    return int(told.split("RssAnon:")[1].split()[0])

peak = 0
def watch():
    global peak
    while True:
        peak = max(peak, anonymous())
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
print(scan(sys.argv[1], cache=sys.argv[2]).values.shape[0], peak)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account")
@pytest.mark.parametrize("d", [8, 400])
def test_text_takes_176_mib_at_most_however_long_it_is(tmp_path, d):
    n = 1_000_000 // d
    x = np.random.default_rng(0).normal(size=(n, d))
    with open(tmp_path / "t.csv", "wb") as file:  # 80 MB
        for at in range(4):
            table = pa.table({f"x{j}": x[:, j] for j in range(d)})
            pa.csv.write_csv(table, file, pa.csv.WriteOptions(include_header=at == 0))
    command = [sys.executable, "-c", WATCHED, str(tmp_path / "t.csv"), str(tmp_path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows, peak = map(int, told.split())
    assert rows == 4 * n
    assert peak < 176 * 1024  # 123 to 158 were seen
