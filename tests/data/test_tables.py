import re
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.data.errors import DataError
from latentia.data.tables import read_table

SUFFIXES = [".csv", ".tsv", ".parquet", ".arrow", ".feather", ".ipc", ".npy"]


def write_stream(table, path):
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


WRITERS = {
    ".parquet": pyarrow.parquet.write_table,
    ".feather": pyarrow.feather.write_feather,
    ".arrow": write_stream,
}


def read_text(folder, text, columns=None, *, name="t.csv", **options):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, columns, **options)


def sentence_of(folder, text, columns=None, *, name="t.csv"):
    with pytest.raises(DataError) as caught:
        read_text(folder, text, columns, name=name)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- what is read -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", WRITERS)
def test_arrow_formats_keep_numbers_types_and_order(tmp_path, suffix):
    table = pa.table({"x": [0.1, 1e300], "who": ["a", "b"], "k": [2**40, -1]})
    WRITERS[suffix](table, path := str(tmp_path / f"t{suffix}"))
    read = read_table(path)
    np.testing.assert_array_equal(read.values, [[0.1, 2**40], [1e300, -1]])
    assert read.columns == ("x", "k")
    assert read.skipped == ("who",)
    assert str(read.path) == path
    assert read_table(path, ["k"]).columns == ("k",)


@pytest.mark.parametrize("suffix", WRITERS)
def test_single_precision_survives(tmp_path, suffix):
    table = pa.table({"x": pa.array([0.1, 0.2], pa.float32())})
    WRITERS[suffix](table, path := str(tmp_path / f"t{suffix}"))
    assert read_table(path).values.dtype == np.float32


def test_parquet_decimals_and_dictionaries_are_numbers_and_dates_are_not(tmp_path):
    columns = {
        "price": [Decimal("1.25")],
        "coded": pa.array([7]).dictionary_encode(),
        "when": pa.array([1], pa.timestamp("s")),
        "list": [[1]],
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert read.columns == ("price", "coded")
    assert read.values.tolist() == [[1.25, 7.0]]
    assert read.skipped == ("when", "list")


@given(
    rows=st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1)
)
@settings(max_examples=50)
def test_csv_gives_back_every_number_to_the_last_bit(tmp_path, rows):
    text = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows)
    np.testing.assert_array_equal(read_text(tmp_path, text).values, rows)


@pytest.mark.parametrize(
    ("text", "values", "columns", "skipped"),
    [
        ('"a b",c\r\n 1 , +2\r\n1e5,-.5\r\n', [[1, 2], [1e5, -0.5]], ("a b", "c"), ()),
        (b"\xef\xbb\xbfa\n1\n", [[1]], ("a",), ()),
        ('note,x\n"two\nlines",1\n"b,c",2\n', [[1], [2]], ("x",), ("note",)),
        ('"","x"\n"1",2.5\n"2",3\n', [[2.5], [3]], ("x",), ("",)),
        ("x,\n1,\n2,\n", [[1], [2]], ("x",), ("",)),
        ("x,when,ok\n1,2020-01-01,true\n2,2020-01-02,false\n", [[1], [2]], ("x",), ("when", "ok")),
        ("x,s\n1,1\n2,a\n3,b\n", [[1], [2], [3]], ("x",), ("s",)),
        ("x,s\n1,1\n2,a\n", [[1], [2]], ("x",), ("s",)),
        ("x\n\n1\n\n2\n\n", [[1], [2]], ("x",), ()),
    ],
    ids=[
        "quotes-and-spaces",
        "bom",
        "line-ends",
        "row-names",
        "last-comma",
        "dates",
        "text",
        "half",
        "blank-lines",
    ],
)
def test_csv_as_programs_write_it(tmp_path, text, values, columns, skipped):
    read = read_text(tmp_path, text)
    np.testing.assert_array_equal(read.values, values)
    assert read.columns == columns
    assert read.skipped == skipped


def test_tsv(tmp_path):
    assert read_text(tmp_path, "a\tb\n1\t2\n", name="t.tsv").values.tolist() == [[1, 2]]


def test_a_column_that_turns_to_fractions_far_down_is_read(tmp_path):
    text = "x,pad\n" + f"1,{'p' * 100}\n" * 20_000 + "1.5,p\n"
    assert read_text(tmp_path, text).values.sum() == 20_001.5


def test_missing_values_are_kept_on_request(tmp_path):
    text = "a,b\n1,NA\nNaN,3\n ,n/a\n"
    values = read_text(tmp_path, text, allow_missing=True).values
    np.testing.assert_array_equal(values, [[1, np.nan], [np.nan, 3], [np.nan, np.nan]])


def test_columns_that_are_not_asked_for_may_be_anything(tmp_path):
    assert read_text(tmp_path, "a,b\n1,2\n3,abc\n5,\n", ["a"]).values.tolist() == [[1], [3], [5]]


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.arange(6.0).reshape(3, 2), np.float64),
        (np.asfortranarray(np.ones((2, 3), np.float32)), np.float32),
        (np.arange(3, dtype=">i2"), np.float64),
    ],
)
def test_npy(tmp_path, array, dtype):
    np.save(tmp_path / "t.npy", array)
    read = read_table(tmp_path / "t.npy")
    np.testing.assert_array_equal(read.values, array.reshape(len(array), -1))
    assert read.values.dtype == dtype
    assert read.columns == tuple(f"x{j}" for j in range(read.values.shape[1]))
    last = read_table(tmp_path / "t.npy", [read.columns[-1]])
    np.testing.assert_array_equal(last.values[:, 0], read.values[:, -1])


# --- what is refused, and in what words -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ("", None, "is empty"),
        ("\n\n", None, "nothing but empty lines"),
        ("a,b\n", None, "a header and no rows"),
        ("a,b", None, "a header and no rows"),
        (b"\x00\x01\x02\n" * 3, None, "is not text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", None, "is not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), None, "is not text in UTF-8"),
        (b"a,b\n" + b"1,2\n" * 9_000 + b"1,\xff\n", None, "invalid UTF8 data"),
        ("a;b\n1;2\n", None, "separated by semicolons"),
        ("a\tb\n1\t2\n", None, "separated by tabs"),
        ("1,2\n3,4\n", None, "first line of .* holds numbers where the names"),
        ("a,a\n1,2\n", None, "2 columns named 'a'"),
        ("a,b\n1,2\n1,2,3\n", None, r"more or fewer cells .*3, not 2: '1,2,3'"),
        ("a,b\nx,y\n", None, "no column of numbers"),
        ("a,b\n1,2\n3,abc\n5,6\n", None, r"column 'b' .* text in data row 2 \('abc'\)"),
        ("a,b\n1,2\n3,abc\n5,6\n", ["b"], r"column 'b' .* text in data row 2 \('abc'\)"),
        ("a,b\n1,3\n3,abc\n5,x\n", ["b"], r"column 'b' .* holds text \('abc' in data row 2\)"),
        ("a,waiting\n1,2\n", ["wating"], "its columns: 'a', 'waiting'.*did you mean 'waiting'"),
        ("a,b\n1,2\n", [], "no column of .* was named"),
        ("a,b\n1,NA\n3,\n5,6\n", None, "2 missing values, the first in data row 1, column 'b'"),
        ("a,b\n1,\n3,\n", ["b"], "2 missing values, the first in data row 1, column 'b'"),
        ("a,b\n1,1\n3,inf\n", None, "1 infinite value, in data row 2, column 'b'"),
        ("a\n1\n1e999\n", None, "1 infinite value, in data row 2, column 'a'"),
    ],
)
def test_bad_csv_is_met_by_one_sentence_that_names_file_and_place(tmp_path, text, columns, words):
    message = sentence_of(tmp_path, text, columns)
    assert re.search(words, message), message
    assert "t.csv" in message


def test_missing_file_folder_and_unknown_ending(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder").mkdir()
    for name, words in {
        "none.csv": "there is no file .*none.csv",
        "folder.csv": "is a folder",
        "data.xlsx": r"unknown ending \.xlsx; .* \.csv",
        "data.csv.gz": "is compressed; unpack it first",
        "data": "no ending",
        "folder": "is a folder",
    }.items():
        with pytest.raises(DataError, match=words):
            read_table(tmp_path / name)


@pytest.mark.parametrize("suffix", [*WRITERS, ".npy"])
def test_every_truncation_is_refused(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    if suffix == ".npy":
        np.save(path, np.arange(4.0))
    else:
        WRITERS[suffix](pa.table({"x": [1.0, 2.0, 3.0, 4.0]}), str(path))
    whole = path.read_bytes()
    # A stream may end without its end mark, which is its last eight bytes.
    end = len(whole) - 8 if suffix == ".arrow" else len(whole)
    for length in range(0, end, 7):
        sentence_of(tmp_path, whole[:length], name=f"cut{suffix}")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([1, "a", None], object), "dtype object"),
        (np.zeros((2, 2, 2)), r"3 dimensions, shape \(2, 2, 2\)"),
        (np.float64(1), "0 dimensions"),
        (np.zeros((0, 2)), r"shape \(0, 2\): not one number"),
        (np.array([True]), "dtype bool"),
        (np.array([1j]), "dtype complex128"),
        (np.array(["a"]), "dtype <U1"),
        (np.array([[1, np.nan]]), "1 missing value, in data row 1, column 'x1'"),
    ],
)
def test_npy_of_something_else_is_refused(tmp_path, array, words):
    np.save(tmp_path / "t.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=words):
        read_table(tmp_path / "t.npy")


def test_npy_that_claims_more_than_it_holds_takes_no_memory(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999, 2), }"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64
    assert "greater than file size" in sentence_of(tmp_path, content, name="t.npy")


def test_missing_extra_is_one_sentence(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'latentia\[io\]'"):
        read_text(tmp_path, "a\n1\n")


@given(content=st.binary(min_size=1, max_size=300), suffix=st.sampled_from(SUFFIXES))
@settings(max_examples=300)
def test_random_bytes_give_numbers_or_one_sentence(tmp_path, content, suffix):
    try:
        table = read_text(tmp_path, content, name=f"t{suffix}")
    except DataError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert np.isfinite(table.values).all()
        assert table.values.shape[1] == len(table.columns)


@given(data=st.data(), suffix=st.sampled_from([*WRITERS, ".npy"]))
@settings(max_examples=300)
def test_damaged_files_give_numbers_or_one_sentence(tmp_path, data, suffix):
    path = tmp_path / f"whole{suffix}"
    if not path.exists():
        if suffix == ".npy":
            np.save(path, np.arange(8.0).reshape(4, 2))
        else:
            WRITERS[suffix](pa.table({"x": [1.0, 2.0], "s": ["a", "b"]}), str(path))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        read_text(tmp_path, bytes(content), name=f"t{suffix}")
    except DataError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


@given(text=st.text(st.sampled_from(list("ab01.-+eE,;\"'\n\r\t _#NAnaif∞")), max_size=60))
@settings(max_examples=300)
def test_texts_like_csv_give_numbers_or_one_sentence(tmp_path, text):
    try:
        table = read_text(tmp_path, text)
    except DataError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert np.isfinite(table.values).all()
