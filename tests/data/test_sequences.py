"""Sequences from everything that users have them in."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from latentia.data.errors import DataError
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import sequences

LONG = np.arange(12.0).reshape(6, 2)
PARTS = [LONG[:3], LONG[3:4], LONG[4:]]
SIZES = [3, 1, 2]


@pytest.mark.parametrize(
    "given",
    [
        (LONG, SIZES),
        (LONG.tolist(), SIZES),
        (PARTS,),
        (tuple(PARTS),),
        (pa.array([part.tolist() for part in PARTS]),),
        (pa.chunked_array([[PARTS[0].tolist()], [part.tolist() for part in PARTS[1:]]]),),
        (pa.array([part.tolist() for part in PARTS], pa.list_(pa.list_(pa.float64(), 2))),),
        (pl.Series([part.tolist() for part in PARTS]),),
        (pd.Series([part.tolist() for part in PARTS]),),
        (pd.DataFrame(LONG, columns=["a", "b"]), SIZES),
    ],
    ids=[
        "array",
        "nested list",
        "list",
        "tuple",
        "Arrow",
        "chunks",
        "fixed",
        "polars",
        "pandas",
        "frame",
    ],
)
def test_one_meaning_whatever_the_form(given):
    made = sequences(*given)
    np.testing.assert_array_equal(made.x, LONG)
    assert made.sizes.tolist() == SIZES


def test_a_vector_is_one_sequence_of_one_column():
    made = sequences([4, 5, 6])
    assert made.x.tolist() == [[4], [5], [6]]
    assert made.sizes.tolist() == [3]


def test_ragged_vectors_and_missing_items():
    expected = [[1.0], [2.0], [np.nan]]
    for given in (
        [np.array([1.0, 2.0]), np.array([np.nan])],
        pa.array([[1.0, 2.0], [None]]),
        pl.Series([[1.0, 2.0], [None]]),
    ):
        made = sequences(given)
        np.testing.assert_array_equal(made.x, expected)
        assert made.sizes.tolist() == [2, 1]


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_rows_find_their_sequence_and_their_place(library):
    rng = np.random.default_rng(0)
    rows = {"who": [*"bbbaac"], "t": [1, 2, 4, 1, 3, 9], "a": LONG[:, 0], "b": LONG[:, 1]}
    shuffled = rng.permutation(6)
    frame = library({name: np.asarray(column)[shuffled] for name, column in rows.items()})
    made = sequences(frame, id="who", time="t")
    assert sorted(made.names) == ["a", "b", "c"]
    whose = np.repeat(np.array(made.names), made.sizes)
    for name, size in zip(made.names, made.sizes, strict=True):
        assert size == rows["who"].count(name)
        np.testing.assert_array_equal(made.x[whose == name], LONG[[w == name for w in rows["who"]]])
    order = np.arange(6) if made.order is None else made.order
    np.testing.assert_array_equal(made.x, LONG[shuffled][order])


@pytest.mark.parametrize(
    ("given", "named", "told"),
    [
        ((LONG, [3, 2]), {}, "lengths that add up to 5 for 6 rows"),
        ((LONG, [7, -1]), {}, "add up|-1 steps in sequence 1"),
        ((LONG, [6, 0]), {}, "0 steps in sequence 1, expected at least one"),
        ((LONG, [2.5, 3.5]), {}, "expected a whole number of steps"),
        ((LONG, []), {}, "expected a whole number|no sequences"),
        (([LONG, LONG[:, :1]],), {}, r"sequence 1 of shape \(6, 1\) beside one of shape \(6, 2\)"),
        (([LONG, LONG[:0]],), {}, "0 steps in sequence 1"),
        ((PARTS, SIZES), {}, "lengths beside a list"),
        ((np.zeros((2, 3, 4)),), {}, r"shape \(2, 3, 4\)"),
        (([[1.0, 2.0], [3.0]],), {}, "no numbers"),
        ((LONG + 1j,), {}, "no numbers .they are complex"),
        ((LONG.astype("datetime64[s]"),), {}, "no numbers .they are dates or times"),
        ((pa.array([[1.0], None]),), {}, "nothing in sequence 1"),
        ((LONG,), {"id": "who"}, "expected a data frame"),
        ((pd.DataFrame({"y": [1.0]}),), {"id": "who"}, "there is no column 'who'"),
        (
            (pd.DataFrame({"t": [1, 1], "y": [1.0, 2.0]}),),
            {"time": "t"},
            "two rows at time 1, expected one",
        ),
    ],
)
def test_what_cannot_be_read_is_named(given, named, told):
    with pytest.raises(DataError, match=told):
        sequences(*given, **named)


def test_columns_of_frames_may_have_numbers_for_names():
    frame = pd.DataFrame({0: np.arange(6), 3: np.repeat([7, 8], 3), 1: [0, 1, 2] * 2})
    ragged = sequences(frame[[0]])
    np.testing.assert_array_equal(ragged.x[:, 0], np.arange(6))
    ragged = sequences(frame, id=3, time=1)
    assert ragged.sizes.tolist() == [3, 3]
    assert ragged.columns == ("0",)
    with pytest.raises(DataError, match="no column 'who'; there are 0, 3, 1"):
        sequences(frame, id="who")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT])
def test_rows_of_nobody_and_of_no_time_are_refused(missing):
    frame = pd.DataFrame({"i": ["a", missing, "b"], "t": [0.0, np.nan, 1.0], "y": [1, 2, 3]})
    for told in ("id", "time"):
        with pytest.raises(DataError, match=f"got no {told} in row 1, expected one in every row"):
            sequences(
                frame.drop(columns="t" if told == "id" else "i"), **{told: "it"[told != "id"]}
            )


def test_chunks_hold_whole_sequences():
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 400, size=900)
    rows = GroupedRows(rng.normal(size=(sizes.sum(), 1)), np.ones(900), sizes)
    chunks = GroupedSource(rows).chunks()
    assert len(chunks) > 1
    np.testing.assert_array_equal(np.concatenate([c.sizes for c in chunks]), sizes)
    np.testing.assert_array_equal(np.concatenate([c.x for c in chunks]), rows.x)
    assert all(len(c.x) == c.sizes.sum() for c in chunks)
