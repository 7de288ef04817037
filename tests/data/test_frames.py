from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from latentia.data.errors import DataError
from latentia.data.frames import frame_to_matrix, is_frame

COLUMNS = {"x": [1.5, 2.5], "k": [3, 4], "ok": [True, False], "name": ["a", "b"]}
MAKERS = pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])


@MAKERS
def test_numeric_columns_of_every_kind_of_frame(make):
    matrix = frame_to_matrix(make(COLUMNS))
    np.testing.assert_array_equal(matrix.values, [[1.5, 3], [2.5, 4]])
    assert matrix.values.dtype == np.float64
    assert matrix.columns == ("x", "k")
    assert matrix.skipped == ("ok", "name")


@MAKERS
def test_named_columns_come_in_the_order_named(make):
    matrix = frame_to_matrix(make(COLUMNS), ["k", "x"])
    np.testing.assert_array_equal(matrix.values, [[3, 1.5], [4, 2.5]])
    assert matrix.columns == ("k", "x")
    assert matrix.skipped == ()


@MAKERS
def test_float32_is_kept_only_where_every_column_is(make):
    single = np.array([1.5, 2.5], np.float32)
    assert frame_to_matrix(make({"x": single, "y": single})).values.dtype == np.float32
    assert frame_to_matrix(make({"x": single, "k": [1, 2]})).values.dtype == np.float64


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1.0, 2.0], "y": [5.0, None]}),
        pd.DataFrame({"x": [1.0, 2.0], "y": pd.array([5, None], dtype="Int64")}),
        pl.DataFrame({"x": [1.0, 2.0], "y": [5, None]}),
        pa.table({"x": [1.0, 2.0], "y": [5, None]}),
    ],
    ids=["pandas", "pandas-nullable", "polars", "arrow"],
)
def test_missing_values_are_refused_by_place_or_kept_as_nan(frame):
    with pytest.raises(DataError, match=r"1 missing value, in data row 2, column 'y'"):
        frame_to_matrix(frame)
    kept = frame_to_matrix(frame, allow_missing=True).values
    np.testing.assert_array_equal(kept, [[1, 5], [2, np.nan]])


@MAKERS
def test_integers_beyond_the_precision_of_floats_are_rounded(make):
    assert frame_to_matrix(make({"x": [2**60 + 1, 5]})).values.tolist() == [[2.0**60], [5]]


@pytest.mark.parametrize(
    "column",
    [pa.array([2**60 + 1, None]), pa.array([Decimal("1.5"), None]), pa.array([1, None], pa.int8())],
    ids=str,
)
def test_missing_values_of_every_arrow_type(column):
    values = frame_to_matrix(pa.table({"x": column}), allow_missing=True).values
    np.testing.assert_array_equal(values, [[float(column[0].as_py())], [np.nan]])


def test_infinity_is_refused_even_where_missing_values_are_not():
    frame = pl.DataFrame({"x": [1.0, np.inf, -np.inf, np.nan]})
    with pytest.raises(DataError, match=r"2 infinite values, the first in data row 2, column 'x'"):
        frame_to_matrix(frame, allow_missing=True)


@pytest.mark.parametrize(
    ("frame", "columns", "sentence"),
    [
        (pl.DataFrame(COLUMNS).lazy(), None, "of type LazyFrame, not a data frame held in memory"),
        ([[1.0]], None, "of type list, not a data frame"),
        (pd.DataFrame({"x": []}), None, "has no rows"),
        (pd.DataFrame({"s": ["a"]}), None, "has no column of numbers .*'s'"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), None, "several columns of one name"),
        (pl.DataFrame(COLUMNS), ["nam"], "no column 'nam' .* did you mean 'name'"),
        (pl.DataFrame(COLUMNS), ["name"], "column 'name' .* holds text .'a' in data row 1"),
        (pl.DataFrame(COLUMNS), ["ok"], "column 'ok' .* holds values of type Boolean"),
        (pl.DataFrame(COLUMNS), [], "no column of the data frame was named"),
        (pl.DataFrame(COLUMNS), ["x", "x"], "named twice"),
    ],
)
def test_bad_frames_are_met_by_one_sentence(frame, columns, sentence):
    with pytest.raises(DataError, match=sentence) as caught:
        frame_to_matrix(frame, columns)
    assert "\n" not in str(caught.value)


def test_is_frame():
    assert all(is_frame(make(COLUMNS)) for make in (pd.DataFrame, pl.DataFrame, pa.table))
    assert not any(is_frame(other) for other in (np.ones((2, 2)), [[1.0]], "x.csv", None))
