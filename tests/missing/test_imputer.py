import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import latentia
from latentia import EMImputer, IncompleteNormal, datasets
from latentia.engine.callbacks import Bar
from latentia.missing import pool
from latentia.mixture import DataWarning

from .samples import correlated

AIR = datasets.load("airquality")
FRAME = pd.DataFrame(AIR.values, columns=list(AIR.columns))
DRAWS = (None, "conditional", "bootstrap", "posterior")


def exempt(estimator):
    """One check gives 27 rows of 30 columns with weights."""
    if estimator.draw != "posterior":
        return {}
    return {"check_sample_weight_equivalence_on_dense_data": "too few rows for a posterior: said"}


@parametrize_with_checks(
    [
        EMImputer(),
        EMImputer(add_indicator=True, keep_empty_features=True),
        EMImputer(draw="bootstrap", random_state=0),
        EMImputer(draw="posterior", steps=2, random_state=0),
    ],
    expected_failed_checks=exempt,
)
def test_conventions(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        check(estimator)


# -- what is filled in -------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(4, 40),
    d=st.integers(1, 5),
    hidden=st.floats(0, 0.9),
    draw=st.sampled_from(DRAWS[:3]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@pytest.mark.filterwarnings("ignore::latentia.mixture.errors.DataWarning")
def test_a_value_that_was_seen_is_never_changed(seed, n, d, hidden, draw, dtype):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-8, 9, d)).astype(dtype)
    x[rng.random((n, d)) < hidden] = np.nan
    imputer = EMImputer(draw=draw, n_imputations=2, random_state=0, keep_empty_features=True)
    for made in imputer.fit(x).imputations(x):
        assert made.dtype == dtype
        assert np.isfinite(made).all()
        seen = ~np.isnan(x)
        assert made[seen].tobytes() == x[seen].tobytes()


def test_means_are_those_of_the_maximum_likelihood_estimate():
    made = EMImputer(ridge=0, tol=1e-10).fit_transform(AIR.values)
    known = IncompleteNormal(tol=1e-10).fit(AIR.values).complete(AIR.values)
    np.testing.assert_allclose(made, known, rtol=1e-9)


def test_logarithms_bounds_whole_numbers_and_levels():
    rng = np.random.default_rng(0)
    x = FRAME.copy()
    x.loc[rng.random(len(x)) < 0.3, "Month"] = np.nan
    x.loc[rng.random(len(x)) < 0.3, "Temp"] = np.nan
    imputer = EMImputer(
        draw="bootstrap",
        n_imputations=3,
        transforms={"Ozone": "log", "Solar.R": "sqrt"},
        bounds={"Solar.R": (0, 340), "Temp": (55, 98.5)},
        integers=["Temp"],
        ordered=["Month"],
        random_state=0,
    ).fit(x)
    for made in imputer.imputations(x):
        filled: Any = pd.DataFrame(made, columns=x.columns)
        assert (filled["Ozone"] > 0).all()
        assert filled["Solar.R"].between(0, 340).all()
        temp = filled["Temp"][x["Temp"].isna()]
        assert (temp == temp.round()).all()
        assert temp.between(55, 98).all()
        assert set(filled["Month"]) == {5, 6, 7, 8, 9}


@pytest.mark.filterwarnings("ignore:.*no value.*:latentia.mixture.errors.DataWarning")
def test_draws_outside_bounds_are_drawn_again_not_piled_up():
    x = np.random.default_rng(1).normal(size=(2000, 1))
    x[:1000] = np.nan
    made = EMImputer(draw="conditional", bounds={0: (0, None)}, random_state=0).fit_transform(x)
    # half a normal distribution: its mean is sqrt(2 / pi), and nothing is at the bound itself
    half = made[:1000, 0]
    assert (half > 0).all()
    assert half.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.08)


def test_imputations_differ_and_the_first_is_transform():
    imputer = EMImputer(draw="bootstrap", n_imputations=3, random_state=5).fit(AIR.values)
    first, second, third = imputer.imputations(AIR.values)
    np.testing.assert_array_equal(first, imputer.transform(AIR.values))
    holes = np.isnan(AIR.values)
    assert (first[holes] != second[holes]).all()
    assert (second[holes] != third[holes]).all()
    again = EMImputer(draw="bootstrap", n_imputations=3, random_state=5).fit(AIR.values)
    np.testing.assert_array_equal(first, next(again.imputations(AIR.values)))


@pytest.mark.parametrize("draw", ["bootstrap", "posterior"])
def test_pooled_means_are_those_of_the_observed_likelihood(draw):
    # the mean of imputed tables estimates the mean, its pooled error what the likelihood has
    x = AIR.values[:, :4]
    normal = IncompleteNormal(tol=1e-10).fit(x)
    errors = normal.standard_errors().mean
    imputer = EMImputer(draw=draw, n_imputations=60, random_state=0, ridge=0, tol=1e-5).fit(x)
    tables = list(imputer.imputations(x))
    pooled = pool([t.mean(axis=0) for t in tables], [t.var(axis=0) / len(t) for t in tables])
    assert (np.abs(pooled.estimate - normal.mean_) < 0.15 * errors).all()
    np.testing.assert_allclose(pooled.se[:2], errors[:2], rtol=0.1)
    assert pooled.fraction_missing[0] > 0.05
    np.testing.assert_allclose(pooled.fraction_missing[2:], 0, atol=1e-12)


# -- as a transformer --------------------------------------------------------------------------


def test_frames_in_frames_out():
    imputer = EMImputer().set_output(transform="pandas")
    made = imputer.fit_transform(FRAME)
    assert list(made.columns) == list(FRAME.columns)
    assert not made.isna().any().any()
    table = EMImputer().set_output(transform="polars").fit_transform(pl.DataFrame(FRAME))
    assert isinstance(table, pl.DataFrame)
    np.testing.assert_array_equal(table.to_numpy(), made.to_numpy())
    drawn = EMImputer(draw="bootstrap", n_imputations=2, random_state=0)
    parts = list(drawn.set_output(transform="pandas").fit(FRAME).imputations(FRAME))
    assert [list(part.columns) for part in parts] == [list(FRAME.columns)] * 2


def test_nullable_columns():
    frame = FRAME.convert_dtypes()
    assert isinstance(frame["Ozone"].dtype, pd.Int64Dtype)
    made = EMImputer(missing_values=pd.NA).fit_transform(frame)
    np.testing.assert_array_equal(made, EMImputer().fit_transform(FRAME))


def test_another_number_for_what_is_missing():
    x = np.nan_to_num(AIR.values, nan=-1.0)
    made = EMImputer(missing_values=-1).fit_transform(x)
    np.testing.assert_array_equal(made, EMImputer().fit_transform(AIR.values))
    with pytest.raises(ValueError, match="contains NaN at row 4, column x0: missing_values=-1"):
        EMImputer(missing_values=-1).fit(AIR.values)


@pytest.mark.parametrize("mark", [None, pd.NA, float("nan"), "?"])
def test_marks_of_what_is_missing_among_objects(mark):
    cells = AIR.values.astype(object)
    cells[np.isnan(AIR.values)] = np.nan if isinstance(mark, str) else mark
    known = EMImputer().fit_transform(AIR.values)
    for x in (cells, pd.DataFrame(cells)):
        np.testing.assert_array_equal(EMImputer(missing_values=mark).fit_transform(x), known)


@pytest.mark.parametrize("mark", [np.inf, True, [1.0]])
def test_what_can_stand_for_nothing_is_refused(mark):
    with pytest.raises(ValueError, match=r"got missing_values=.*expected nan, None, pandas\.NA"):
        EMImputer(missing_values=mark).fit(AIR.values)


def test_bounds_of_all_columns_at_once(tmp_path):
    x = np.where(np.isnan(AIR.values), np.nan, AIR.values - 40.0)
    hidden = np.isnan(x)
    imputer = EMImputer(draw="conditional", min_value=0, random_state=0, bounds={1: (-5, 0)})
    made = imputer.fit_transform(x)
    assert (made[:, 0][hidden[:, 0]] >= 0).all()
    assert ((made[:, 1] >= -5) & (made[:, 1] <= 0))[hidden[:, 1]].all()
    np.testing.assert_array_equal(made[~hidden], x[~hidden])
    each = EMImputer(min_value=[-30.0, *[-np.inf] * 5], max_value=np.full(6, 10.0)).fit(x)
    made = each.transform(x)
    assert ((made[:, 0] >= -30) & (made[:, 0] <= 10))[hidden[:, 0]].all()
    each.save(tmp_path / "imputer.safetensors")
    back = latentia.load(tmp_path / "imputer.safetensors")
    np.testing.assert_array_equal(back.transform(x), made)
    np.testing.assert_array_equal(back.fit(x).transform(x), made)
    with pytest.raises(ValueError, match=r"got min_value of shape \(2,\), expected a number or 6"):
        EMImputer(min_value=[0, 1]).fit(x)
    with pytest.raises(ValueError, match="got min_value 3 and max_value 3 for column 0"):
        EMImputer(min_value=3, max_value=3).fit(x)


def test_a_climb_shows_how_far_it_is(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(Bar, "on_start", lambda _, plan: shown.append(plan.model))
    for name in ("on_step", "on_end"):
        monkeypatch.setattr(Bar, name, lambda *_: None)
    EMImputer().fit(AIR.values)
    assert not shown
    EMImputer(verbose=1).fit(AIR.values)
    assert shown == ["NormalModel"]


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x[:, None],
        lambda x: pd.DataFrame({"x0": x}),
        lambda x: pd.DataFrame({"x0": pd.array([*x, None], "Int64")}),
        lambda x: pl.DataFrame({"x0": x}),
    ],
)
def test_whole_numbers_that_floats_would_round_are_refused(made):
    fits = np.array([1, 2, 2**53])
    assert EMImputer().fit_transform(made(fits))[2, 0] == 2**53
    with pytest.raises(ValueError, match=f"got {2**53 + 1} in column 'x0', a whole number beyond"):
        EMImputer().fit(made(fits + np.array([0, 0, 1])))


def test_the_indicator_and_the_way_back():
    imputer = EMImputer(add_indicator=True).fit(FRAME)
    made = imputer.transform(FRAME)
    names = list(imputer.get_feature_names_out())
    assert names[-2:] == ["missingindicator_Ozone", "missingindicator_Solar.R"]
    np.testing.assert_array_equal(made[:, -2], np.isnan(AIR.values[:, 0]))
    np.testing.assert_array_equal(imputer.inverse_transform(made), AIR.values)
    with pytest.raises(ValueError, match="expected add_indicator=True"):
        EMImputer().fit(FRAME).inverse_transform(made)


def test_columns_with_nothing_and_with_one_value():
    x = AIR.values[:, :4].copy()
    x[:, 1] = np.nan
    x[5:, 2] = np.nan
    x[:5, 2] = 3.5
    with pytest.warns(DataWarning, match="column 'x1' has no value at all and is dropped"):
        imputer = EMImputer().fit(x)
    assert list(imputer.get_feature_names_out()) == ["x0", "x2", "x3"]
    assert (imputer.transform(x)[:, 1] == 3.5).all()
    kept = EMImputer(keep_empty_features=True).fit_transform(x)
    assert (kept[:, 1] == 0).all()
    nothing = EMImputer(keep_empty_features=True).fit(np.full((3, 2), np.nan))
    assert (nothing.transform([[np.nan, 1.0]]) == [[0.0, 1.0]]).all()
    with pytest.raises(ValueError, match="no column has more than one value"):
        nothing.summary()


def test_a_column_of_one_value_is_named():
    x = AIR.values[:, :4].copy()
    x[1:, 2] = np.nan
    with pytest.warns(
        DataWarning, match=r"column 'x2' has one value, which is filled in .* others"
    ):
        made = EMImputer().fit_transform(x)
    assert (made[:, 2] == x[0, 2]).all()


@pytest.mark.parametrize("ridge", [1.0, 0.1])
def test_columns_that_follow_from_one_another_are_named(ridge):
    x = AIR.values[:, :4].copy()
    total = np.column_stack([x, 2 * x[:, 2] - 3 * x[:, 3] + 1])
    total[::7, 2] = np.nan
    told = r"columns 'x2', 'x3', 'x4' follow from one another in all 131 of 153 rows .* ridge="
    with pytest.warns(DataWarning, match=told):
        EMImputer(ridge=ridge).fit(total)
    total[:, 4] += np.random.default_rng(0).normal(scale=1e-3, size=153)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        EMImputer(ridge=ridge).fit(total)


@pytest.mark.parametrize("seed", [0, 1, 7, 26])  # of the last three the climb falls near the edge
def test_collinear_columns_are_named_and_nothing_else_is_said(seed):
    rng = np.random.default_rng(seed)
    x = rng.lognormal(0, 1, (62, 10)).round(1)
    x[:, 2] = x[:, 0] + x[:, 1]
    x[rng.random(x.shape) < 0.1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="columns 'x0', 'x1', 'x2' follow from one another"):
            IncompleteNormal().fit(x)


def test_in_a_pipeline():
    y = AIR.values[:, 3]
    model = make_pipeline(EMImputer(), LinearRegression())
    folds = KFold(5, shuffle=True, random_state=0)
    assert cross_val_score(model, np.delete(AIR.values, 3, axis=1), y, cv=folds).mean() > 0.4


def test_rows_that_were_not_seen_before():
    imputer: Any = EMImputer().fit(AIR.values)
    made = imputer.transform([[np.nan, 200.0, 10.0, 80.0, 7.0, 1.0], [np.nan] * 6])
    np.testing.assert_array_equal(made[0, 1:], [200.0, 10.0, 80.0, 7.0, 1.0])
    np.testing.assert_allclose(made[1], imputer.normal_.mean_, rtol=1e-12)


def test_what_has_no_logarithm_is_named():
    with pytest.raises(ValueError, match=r"got 0 at row 0 of column 'x0', expected numbers above"):
        EMImputer(transforms={0: "log"}).fit([[0.0, 1.0], [2.0, np.nan], [3.0, 4.0]])


def test_a_file_brings_it_back(tmp_path):
    imputer = EMImputer(
        draw="bootstrap",
        n_imputations=2,
        transforms={"Ozone": "log"},
        bounds={3: (None, 100)},
        ordered=["Month"],
        add_indicator=True,
        random_state=0,
    ).fit(FRAME)
    imputer.save(tmp_path / "imputer.safetensors")
    known = list(imputer.imputations(FRAME))
    for again in (
        latentia.load(tmp_path / "imputer.safetensors"),
        pickle.loads(pickle.dumps(imputer)),
    ):
        assert again.get_params()["transforms"] == {"Ozone": "log"}
        assert again.get_params()["bounds"] == {3: (None, 100)}
        for a, b in zip(again.imputations(FRAME), known, strict=True):
            np.testing.assert_array_equal(a, b)
        assert list(again.get_feature_names_out()) == list(imputer.get_feature_names_out())
        assert str(again.summary()) == str(imputer.summary())
        np.testing.assert_array_equal(
            again.inverse_transform(known[0])[:, 0], imputer.inverse_transform(known[0])[:, 0]
        )


def test_more_columns_than_rows():
    _, x = correlated(8, 12, np.random.default_rng(2), 0.2)
    made = EMImputer().fit_transform(x)
    assert np.isfinite(made).all()
    with pytest.raises(ValueError, match=r"follow from one another|does not vary"):
        EMImputer(ridge=0).fit(x)
