"""Tables of numbers and texts with holes."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from latentia.data.answers import read_answers
from latentia.data.errors import DataError

TEXT = "id,smokes,visits\n1,yes,2\n2, NA ,3\n3,none,\n"
EXPECTED = [[1.0, "yes", 2.0], [2.0, None, 3.0], [3.0, "none", None]]


def test_texts_and_numbers_of_csv(tmp_path):
    path = tmp_path / "survey.csv"
    path.write_text(TEXT, encoding="utf-8")
    table = read_answers(path)
    assert table.values.tolist() == EXPECTED
    assert table.columns == ("id", "smokes", "visits")
    chosen = read_answers(path, ["visits", "smokes"])
    assert chosen.values.tolist() == [[row[2], row[1]] for row in EXPECTED]


def test_parquet_keeps_booleans_and_categories(tmp_path):
    path = tmp_path / "survey.parquet"
    texts = pa.array(["low", None, "high"]).dictionary_encode()
    columns = {"level": texts, "yes": pa.array([True, False, None])}
    parquet.write_table(pa.table(columns), path)
    assert read_answers(path).values.tolist() == [["low", True], [None, False], ["high", None]]


def test_numbers_alone_are_floats(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("a,b\n1,2\n,3\n", encoding="utf-8")
    values = read_answers(path).values
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [[1, 2], [np.nan, 3]])
    np.save(tmp_path / "codes.npy", values)
    np.testing.assert_array_equal(read_answers(tmp_path / "codes.npy").values, values)


def test_what_cannot_be_read_is_one_sentence(tmp_path):
    path = tmp_path / "survey.csv"
    with pytest.raises(DataError, match="survey"):
        read_answers(path)
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(DataError, match="no column 'age'"):
        read_answers(path, "age")
    path.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="no rows"):
        read_answers(path)
