"""Times without a row become rows of which nothing is known."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from latentia import HiddenMarkov, datasets
from latentia.data.errors import DataError
from latentia.data.gaps import with_gaps

ROWS = {
    "who": ["b", "a", "b", "a"],
    "t": [5, 0, 2, 1],
    "y": [9.0, 1.0, 7.0, 2.0],
    "k": [1, 2, 3, 4],
}


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_every_kind_of_frame(kind):
    made = with_gaps(kind(ROWS), "t", id="who")
    assert type(made) is type(kind(ROWS))
    columns = {name: np.asarray(made[name]) for name in ROWS}
    assert list(columns["who"]) == ["b"] * 4 + ["a"] * 2
    assert list(columns["t"]) == [2, 3, 4, 5, 0, 1]
    np.testing.assert_array_equal(columns["y"], [7, np.nan, np.nan, 9, 1, 2])
    np.testing.assert_array_equal(columns["k"], [3, np.nan, np.nan, 1, 2, 4])


def test_dates_and_steps_of_a_week():
    days = pd.to_datetime(["2024-01-01", "2024-01-22", "2024-01-08"])
    frame = pd.DataFrame({"day": days, "y": [1.0, 4.0, 2.0]})
    made = with_gaps(frame, "day", step=np.timedelta64(7, "D"))
    np.testing.assert_array_equal(made["y"], [1, 2, np.nan, 4])
    assert made["day"].iloc[2] == pd.Timestamp("2024-01-15")


def test_a_gap_is_as_many_steps_of_the_chain():
    """The same likelihood as with the years put in by hand, and another than without."""
    years, counts = datasets.load("earthquakes").values.T
    kept = np.ones(107, bool)
    kept[40:45] = False
    frame = pd.DataFrame({"year": years[kept], "count": counts[kept]})
    model = HiddenMarkov("poisson", 2, random_state=0).fit(counts)
    by_hand = np.where(kept, counts, np.nan)
    filled = with_gaps(frame, "year")
    assert model.score(filled[["count"]]) == pytest.approx(model.score(by_hand), abs=1e-9)
    assert abs(model.score(counts[kept]) - model.score(by_hand)) > 0.1


@pytest.mark.parametrize(
    ("change", "asked", "told"),
    [
        ({}, {"time": "when"}, "no column 'when'"),
        ({"t": [5, 0, 2.5, 1]}, {"time": "t", "id": "who"}, "2.5 steps after"),
        ({"t": [5, 0, 5, 1]}, {"time": "t", "id": "who"}, "two rows at time 5"),
        ({"t": [5, np.nan, 2, 1]}, {"time": "t", "id": "who"}, "no time in row"),
        ({}, {"time": "t", "id": "who", "step": 0}, "step=0"),
        ({}, {"time": "t", "id": "who", "step": np.timedelta64(1, "D")}, "timedelta for dates"),
    ],
)
def test_what_makes_no_sense_is_refused(change, asked, told):
    with pytest.raises(DataError, match=told):
        with_gaps(pd.DataFrame({**ROWS, **change}), **asked)


def test_an_array_is_no_frame():
    with pytest.raises(DataError, match="expected a data frame"):
        with_gaps(np.zeros((3, 2)), "t")
