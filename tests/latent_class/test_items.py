"""Answers as codes: categories learnt and named, missing answers, unknown ones."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentia import LatentClass
from latentia.latent_class import columns, items

TEXTS = [["yes", "low"], ["no", None], ["yes", "high"], [None, "low"]]


def read(X):
    found = columns.read(LatentClass(), X, reset=True)
    categories = items.learned(found, np.ones(len(found[0].values), dtype=bool))
    return items.coded(found, categories), categories


def test_texts_are_sorted_and_none_is_missing():
    codes, categories = read(TEXTS)
    assert categories == (("no", "yes"), ("high", "low"))
    np.testing.assert_array_equal(codes, [[1, 1], [0, np.nan], [1, 0], [np.nan, 1]])


@pytest.mark.parametrize(
    "table",
    [
        np.array(TEXTS, dtype=object),
        pd.DataFrame(TEXTS, columns=["a", "b"]),
        pd.DataFrame(TEXTS, columns=["a", "b"], dtype="string"),
        pl.DataFrame(TEXTS, schema=["a", "b"], orient="row"),
        pl.DataFrame(TEXTS, schema=["a", "b"], orient="row").to_arrow(),
    ],
    ids=["objects", "pandas", "pandas strings", "polars", "arrow"],
)
def test_every_kind_of_table_gives_the_same_codes(table):
    codes, categories = read(table)
    expected, known = read(TEXTS)
    assert categories == known
    np.testing.assert_array_equal(codes, expected)


def test_a_data_frames_own_order_of_categories_is_kept():
    levels = ["low", "middle", "high"]
    texts = ["high", "low", None, "low"]
    pandas = pd.DataFrame({"a": pd.Categorical(texts, levels, ordered=True)})
    polars = pl.DataFrame({"a": pl.Series(texts, dtype=pl.Enum(levels))})
    for table in (pandas, polars):
        codes, categories = read(table)
        assert categories == (("low", "high"),)  # those that occur
        np.testing.assert_array_equal(codes[:, 0], [1, 0, np.nan, 0])


def test_numbers_booleans_and_mixtures_of_kinds():
    codes, categories = read(np.array([[3.0, 1], [np.nan, 0], [1.0, 1]]))
    assert categories == ((1.0, 3.0), (0.0, 1.0))
    np.testing.assert_array_equal(codes, [[1, 1], [np.nan, 0], [0, 1]])
    assert read([[True], [False]])[1] == ((False, True),)
    assert read([["b"], [2], ["a"], [1.5]])[1] == ((1.5, 2, "a", "b"),)
    frame = pd.DataFrame({"a": pd.array([2, None, 1], dtype="Int64")})
    np.testing.assert_array_equal(read(frame)[0][:, 0], [1, np.nan, 0])


@given(st.lists(st.lists(st.sampled_from([1, 2.5, "x", "y", None]), min_size=2, max_size=2)))
def test_decoding_undoes_coding(rows):
    table = [[1, "x"], [2.5, "y"], *rows]
    codes, categories = read(table)
    back = items.decoded(codes, categories)
    for given_row, row in zip(table, back.tolist(), strict=True):
        assert [c if c is not None else "-" for c in given_row] == [
            "-" if c != c else c for c in row
        ]


def test_an_unknown_answer_is_named():
    model = LatentClass(1).fit(pd.DataFrame(TEXTS, columns=["smokes", "level"]))
    other = pd.DataFrame([["maybe", "low"], ["no", "low"]], columns=["smokes", "level"])
    with pytest.raises(ValueError, match=r"'maybe' at row 0, column 'smokes', .* 'no', 'yes'"):
        model.predict(other)
    frame = pd.DataFrame({"smokes": pd.Categorical(["no"]), "level": ["low"]})
    assert model.predict(frame).tolist() == [0]


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([["a", None], ["b", None]], ValueError, "no answer at all in column 'x1'"),
        ([[{}], ["a"]], TypeError, "got a dict at row 0"),
        ([[np.inf], [1.0]], ValueError, "infinity at row 0"),
        (np.array([[np.inf], [1.0]]), ValueError, "infinity at row 0"),
        (np.arange(1001)[:, None], ValueError, "1001 different answers in column 'x0'"),
        (pd.DataFrame({"a": ["x"]}), ValueError, "got 1 rows"),
        (pd.DataFrame([["x", "y"]] * 3, columns=["a", "a"]), ValueError, "columns of one name"),
        ([["a"]], ValueError, "minimum of 2"),
    ],
)
def test_what_cannot_be_answers_is_one_sentence(table, error, message):
    with pytest.raises(error, match=message):
        LatentClass(1).fit(table)
