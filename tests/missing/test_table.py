import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

import latentia
from latentia import EMImputer, IncompleteNormal
from latentia.missing import Panel


def orders(n=60, seed=0):
    """A table with a date, a category, integers, an ordered category, yes and no, and a name."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["a", "b", "c"], n)
    pieces = rng.poisson(5, n) + np.where(kind == "a", 10, 0)
    frame = pd.DataFrame(
        {
            "name": [f"n{i}" for i in range(n)],
            "when": pd.to_datetime("2020-01-01") + pd.to_timedelta(np.arange(n), "D"),
            "kind": kind,
            "pieces": pd.array(pieces, "Int64"),
            "price": 2.0 * pieces + np.arange(n) + rng.normal(size=n),
            "grade": pd.Categorical(
                np.where(pieces > 11, "high", np.where(pieces > 5, "mid", "low")),
                ["low", "mid", "high"],
                ordered=True,
            ),
            "paid": pd.array(pieces % 2 == 0, "boolean"),
        }
    )
    whole = frame.copy()
    for column in ("kind", "pieces", "price", "grade", "paid"):
        frame.loc[rng.random(n) < 0.2, column] = None
    return whole, frame


def imputer(**options):
    return EMImputer(
        nominal=["kind"],
        ordered=["grade"],
        ids=["name"],
        panel=Panel("when", polynomial=1),
        random_state=0,
        **options,
    )


def test_types_order_and_all_that_was_seen_stay():
    _, frame = orders()
    frame.index = frame.index[::-1]
    made = imputer(draw="bootstrap").fit_transform(frame)
    pd.testing.assert_series_equal(made.dtypes, frame.dtypes)
    pd.testing.assert_frame_equal(made.where(frame.notna()), frame.where(frame.notna()))
    assert not made.isna().any().any()
    assert set(made["kind"]) == {"a", "b", "c"}
    assert (made["grade"] >= "low").all()


def polars_of(frame):
    def cells(name):
        return [None if pd.isna(cell) else cell for cell in frame[name].tolist()]

    made = pl.DataFrame({name: cells(name) for name in frame.columns if name != "grade"})
    return made.with_columns(
        pl.Series("grade", cells("grade"), dtype=pl.Enum(["low", "mid", "high"])),
        pl.Series("pieces", cells("pieces"), dtype=pl.Int16),
        pl.Series("price", cells("price"), dtype=pl.Float32),
    ).select(frame.columns)


def test_the_same_of_polars_and_arrow():
    _, frame = orders()
    table = polars_of(frame)
    made = imputer(draw="bootstrap").fit_transform(table)
    assert made.schema == table.schema
    assert made.null_count().sum_horizontal()[0] == 0
    for name in table.columns:
        seen = table[name].is_not_null()
        assert made[name].filter(seen).equals(table[name].filter(seen))
    plain = table.drop("grade").to_arrow()
    imputed = EMImputer(nominal=["kind"], ids=["name", "when"]).fit_transform(plain)
    assert imputed.schema.types == plain.schema.types
    assert all(column.null_count == 0 for column in imputed.columns)


def test_what_is_asked_of_the_output_is_given():
    _, frame = orders()
    made = imputer(add_indicator=True).set_output(transform="polars").fit_transform(frame)
    assert isinstance(made, pl.DataFrame)
    assert made.columns[-1] == "missingindicator_paid"
    assert made["missingindicator_kind"].to_list() == frame["kind"].isna().astype(float).tolist()


def test_the_most_probable_category_is_mostly_right():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 3, 300)
    frame = pd.DataFrame(
        {
            "kind": np.array(["x", "y", "z"])[group],
            "one": 1.0 * (group == 1) + 0.2 * rng.normal(size=300),
            "two": 1.0 * (group == 2) + 0.2 * rng.normal(size=300),
        }
    )
    hidden = rng.random(300) < 0.2
    holed = frame.assign(kind=frame["kind"].where(~hidden))
    made = EMImputer(nominal=["kind"]).fit_transform(holed)
    assert (made["kind"] == frame["kind"])[hidden].mean() > 0.95
    drawn = EMImputer(nominal=["kind"], draw="bootstrap", random_state=0).fit_transform(holed)
    assert (drawn["kind"] == frame["kind"])[hidden].mean() > 0.6


def test_numbers_may_be_nominal():
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.integers(0, 3, 200), rng.normal(size=200)]).astype(float)
    x[:150, 0] = np.nan
    share = (x[150:, 0][:, None] == [0, 1, 2]).mean(axis=0)
    made = EMImputer(nominal=[0], draw="conditional", random_state=0).fit_transform(x)[:150, 0]
    assert set(made) == {0.0, 1.0, 2.0}
    # drawn indicators are cut off at 0 and 1, which moves shares a little
    np.testing.assert_allclose((made[:, None] == [0, 1, 2]).mean(axis=0), share, atol=0.15)


def test_a_file_brings_texts_back(tmp_path):
    _, frame = orders()
    fitted = imputer(draw="bootstrap", n_imputations=2).fit(frame)
    fitted.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    for a, b in zip(fitted.imputations(frame), again.imputations(frame), strict=True):
        pd.testing.assert_frame_equal(a, b)


def test_texts_are_used_or_refused_by_name():
    _, frame = orders()
    with pytest.raises(ValueError, match="column 'name' holds text, expected numbers; name it in"):
        EMImputer().fit(frame)
    with pytest.raises(ValueError, match="column 'when' holds dates"):
        EMImputer(ids=["name"]).fit(frame)
    with pytest.raises(ValueError, match="'kind' in ordered holds texts without an order"):
        EMImputer(ids=["name", "when"], ordered=["kind"]).fit(frame)
    with pytest.raises(ValueError, match="'kind' in nominal and in another list"):
        EMImputer(ids=["name", "when", "kind"], nominal=["kind"]).fit(frame)
    fitted = imputer().fit(frame)
    new = frame.assign(kind="d")
    with pytest.raises(
        ValueError, match="got 'd' at row 0 of column 'kind', expected one of the 3"
    ):
        fitted.transform(new)
    with pytest.raises(ValueError, match="expected a data frame with the texts of the fit"):
        fitted.transform(np.zeros((3, 7)))
    with pytest.raises(ValueError, match="whose missing cells no number stands for"):
        imputer(add_indicator=True).fit(frame).inverse_transform(frame)


def test_a_text_may_stand_for_what_is_missing():
    _, frame = orders()
    marked = frame.assign(kind=frame["kind"].astype(object).fillna("?"))
    made = imputer(missing_values="?").fit_transform(marked)
    assert list(made["kind"]) == list(imputer().fit_transform(frame)["kind"])


def test_dates_are_refused_of_arrays():
    for kind in (EMImputer(), IncompleteNormal()):
        with pytest.raises(TypeError, match=r"an array of datetime64\[D\], dates or times"):
            kind.fit(np.array([["2024-01-01"], ["NaT"]], dtype="datetime64[D]"))


def test_columns_may_have_numbers_for_names():
    frame = pd.DataFrame({0: [1.0, 2.0, np.nan, 4.0], 1: ["a", "b", "a", None]})
    made = EMImputer(nominal=[1]).fit_transform(frame)
    assert list(made.columns) == [0, 1]
    assert not made.isna().any().any()


def test_dates_are_days():
    day = [datetime.date(2020, 1, 1) + datetime.timedelta(days=2 * i) for i in range(8)]
    table = pl.DataFrame({"day": day, "y": [0.0, 2, 4, None, 8, 10.1, 12, 14]})
    made = EMImputer(panel=Panel("day", polynomial=1), ridge=0).fit_transform(table)
    assert made["day"].to_list() == day
    assert made["y"][3] == pytest.approx(6, abs=0.1)
