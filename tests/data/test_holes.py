import datetime
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from latentia.data.errors import DataError
from latentia.data.holes import read_hollow, write_filled

TEXT = (
    "id,when,grade,count,price\n"
    '007,2024-01-05,"b, or c",3,1.50\n'
    "008,,a, ,NA\n"
    "009,2024-01-07,,5,2\n"
    "010,2024-01-08,a,n/a,1e1\n"
)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "sales.csv").write_text(TEXT)
    return read_hollow(tmp_path / "sales.csv", ["count", "price"])


def filled(read):
    return np.where(np.isnan(read.values), 9.0, read.values)


def test_what_is_read(table):
    assert table.columns == ("count", "price")
    assert table.whole == (True, False)
    assert table.skipped == ("id", "when", "grade")
    np.testing.assert_array_equal(table.values[:, 0], [3, np.nan, 5, np.nan])


def test_cells_that_are_there_keep_their_letters(table, tmp_path):
    write_filled(table, filled(table), tmp_path / "out.csv")
    known = TEXT.replace("a, ,NA", "a,9,9.0").replace("a,n/a,", "a,9,")
    assert (tmp_path / "out.csv").read_text() == known


def test_numbers_of_a_text_become_numbers(table, tmp_path):
    write_filled(table, filled(table), tmp_path / "out.parquet")
    made = pq.read_table(tmp_path / "out.parquet")
    kinds = ["string", "string", "string", "int64", "double"]
    assert [str(kind) for kind in made.schema.types] == kinds
    assert made["count"].to_pylist() == [3, 9, 5, 9]
    assert made["id"].to_pylist() == ["007", "008", "009", "010"]
    assert made["when"].to_pylist()[1] == ""


def test_types_of_a_parquet_file_stay(tmp_path):
    money = [decimal.Decimal("1.25"), None, decimal.Decimal("3.50")]
    days = [datetime.date(2024, 1, 5), None, datetime.date(2024, 1, 7)]
    table = pa.table(
        {
            "day": pa.array(days),
            "sort": pa.array(["a", None, "b"]).dictionary_encode(),
            "small": pa.array([None, 200, 7], pa.uint8()),
            "single": pa.array([1.5, float("nan"), None], pa.float32()),
            "money": pa.array(money, pa.decimal128(9, 2)),
            "yes": pa.array([True, None, False]),
        },
        metadata={"from": "a test"},
    )
    pq.write_table(table, tmp_path / "in.parquet")
    read = read_hollow(tmp_path / "in.parquet")
    assert read.columns == ("small", "single", "money")
    assert read.limits[0] == (0.0, 255.0)
    write_filled(read, filled(read), tmp_path / "out.parquet")
    made = pq.read_table(tmp_path / "out.parquet")
    assert made.schema.equals(table.schema, check_metadata=True)
    for name in ("day", "sort", "yes"):
        assert made[name].equals(pq.read_table(tmp_path / "in.parquet")[name])
    assert made["small"].to_pylist() == [9, 200, 7]
    assert made["single"].to_pylist() == [1.5, 9.0, 9.0]
    assert made["money"].to_pylist() == [money[0], decimal.Decimal("9.00"), money[2]]
    write_filled(read, filled(read), tmp_path / "out.csv")
    again = pyarrow.csv.read_csv(tmp_path / "out.csv")
    assert again["small"].to_pylist() == [9, 200, 7]


def test_arrays(tmp_path):
    x = np.array([[1.0, np.nan], [2.0, 3.0]])
    np.save(tmp_path / "in.npy", x)
    read = read_hollow(tmp_path / "in.npy")
    write_filled(read, filled(read), tmp_path / "out.npy")
    assert np.load(tmp_path / "out.npy").tolist() == [[1.0, 9.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("text", "columns", "what"),
    [
        ("a,b\n1,2\n3,x\n5,6\n7,8\n", None, "text in data row 2 .'x'"),
        ("a,b\n1,2\n", ["c"], "no column 'c'"),
        ("a\nred\nblue\n", None, "no column of numbers"),
        ("a\n1\ninf\n", None, "infinite"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, text, columns, what):
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(DataError, match=what):
        read_hollow(tmp_path / "in.csv", columns)


def test_text_where_numbers_were_asked_for(tmp_path):
    pq.write_table(pa.table({"a": ["x", "y"], "b": [1, None]}), tmp_path / "in.parquet")
    with pytest.raises(DataError, match=r"column 'a' .* is of type String, not of numbers"):
        read_hollow(tmp_path / "in.parquet", ["a"])


def test_large_whole_numbers_keep_every_digit(tmp_path):
    cells = [2**53 + 1, 2**53 + 3, -(2**62) - 1, 7]
    path = tmp_path / "large.csv"
    path.write_text("a,b\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)) + ",9\n")
    read = read_hollow(path)
    for suffix in ("parquet", "csv"):
        write_filled(read, filled(read), tmp_path / f"out.{suffix}")
    assert pq.read_table(tmp_path / "out.parquet")["a"].to_pylist() == [*cells, 9]
    assert pyarrow.csv.read_csv(tmp_path / "out.csv")["a"].to_pylist() == [*cells, 9]
    with pytest.raises(DataError, match=r"column 'a' holds whole numbers beyond .* would round"):
        write_filled(read, filled(read), tmp_path / "out.npy")


def test_whole_numbers_beyond_64_bits_stay_texts(tmp_path):
    path = tmp_path / "larger.csv"
    path.write_text(f"a,b\n{10**20 + 1},1\n,2\n5,3\n")
    read = read_hollow(path)
    write_filled(read, filled(read), tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["a"].to_pylist() == [str(10**20 + 1), "9", "5"]
