import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.exceptions import NotFittedError

import latentia
from latentia import EMImputer, datasets
from latentia.missing import Panel, disperse, overimpute, pool, shift_imputed
from latentia.missing.diagnostics import filled_columns, hidden_of

from .samples import correlated

AIR = datasets.load("airquality").values[:, :4]


def imputer(**options):
    return EMImputer(draw="bootstrap", n_imputations=5, random_state=0, **options)


def mean(table):
    return table[:, 0].mean(), table[:, 0].var() / len(table)


# -- overimputation ----------------------------------------------------------------------------


def test_intervals_are_those_of_the_textbooks_regression():
    # one estimate: each seen cell given the others of its row, one by one
    _, x = correlated(30, 4, np.random.default_rng(0), 0.3)
    made = EMImputer(ridge=0, tol=1e-10).fit(x)
    normal = made.normal_
    assert normal is not None
    found = overimpute(made, x, level=0.8)
    assert len(found.row) == (~np.isnan(x)).sum()
    for i, j, low, middle, high in zip(
        found.row, found.column, found.low, found.expected, found.high, strict=True
    ):
        rest = ~np.isnan(x[i]) & (np.arange(4) != j)
        slope = np.linalg.solve(normal.covariance_[np.ix_(rest, rest)], normal.covariance_[rest, j])
        mean = normal.mean_[j] + slope @ (x[i, rest] - normal.mean_[rest])
        sd = np.sqrt(normal.covariance_[j, j] - slope @ normal.covariance_[rest, j])
        known = norm.ppf([0.1, 0.5, 0.9], mean, sd)
        np.testing.assert_allclose([low, middle, high], known, rtol=1e-8, atol=1e-9)


@pytest.mark.filterwarnings("ignore:.*no value.*:latentia.mixture.errors.DataWarning")
def test_intervals_of_normal_rows_hold_as_many_as_they_say():
    _, x = correlated(3000, 3, np.random.default_rng(1))
    found = overimpute(imputer().fit(x), x, level=0.9, most=3000)
    for share in found.coverage().values():
        assert share == pytest.approx(0.9, abs=0.03)
    assert "90 % intervals" in str(found)


def test_logarithms_and_bounds_are_kept():
    made = imputer(transforms={0: "log"}, bounds={1: (0, 350)}).fit(AIR)
    found = overimpute(made, AIR, most=50)
    ozone, sunshine = found.column == 0, found.column == 1
    assert ozone.sum() == 50
    assert (found.low[ozone] > 0).all()
    assert (found.low[sunshine] >= 0).all()
    assert (found.high[sunshine] <= 350).all()
    assert (found.low < found.expected).all()
    assert (found.expected < found.high).all()


# -- dispersion --------------------------------------------------------------------------------


def test_one_top_is_found_from_everywhere():
    found = disperse(EMImputer().fit(AIR))
    assert found.one_top
    assert found.apart.max() < 1e-3
    assert "all ended within" in str(found)


def test_two_columns_never_together_have_a_ridge_of_tops():
    # without a ridge their covariance is what the start makes of it: equal heights, other places
    x = AIR[~np.isnan(AIR).any(axis=1), :2].copy()
    x[: len(x) // 2, 0] = np.nan
    x[len(x) // 2 :, 1] = np.nan
    with pytest.warns(UserWarning, match="never seen together"):
        made = EMImputer(ridge=0).fit(x)
    found = disperse(made)
    assert found.one_top
    assert found.apart.max() > 0.01


def test_climbs_need_the_data(tmp_path):
    EMImputer().fit(AIR).save(tmp_path / "m.safetensors")
    with pytest.raises(NotFittedError, match="the data of the fit are not kept"):
        disperse(latentia.load(tmp_path / "m.safetensors"))


# -- sensitivity -------------------------------------------------------------------------------


def test_a_mean_moves_by_the_share_that_is_missing():
    made = imputer().fit(AIR)
    share = np.isnan(AIR[:, 0]).mean()
    shifted = shift_imputed(made, AIR, 0, [-10.0, 0.0, 10.0], mean)
    none = pool(*zip(*map(mean, made.imputations(AIR)), strict=True))
    assert shifted.pooled[1].estimate == pytest.approx(none.estimate, rel=1e-12)
    for shift, pooled in zip(shifted.shifts, shifted.pooled, strict=True):
        assert pooled.estimate == pytest.approx(none.estimate + shift * share, rel=1e-12)
    again = shift_imputed(made, AIR, 0, [0.5], mean, unit="sd").pooled[0]
    by = 0.5 * np.nanstd(AIR[:, 0]) * share
    assert again.estimate == pytest.approx(none.estimate + by, rel=1e-12)
    assert "shifted by so much" in str(shifted)


def test_the_shift_at_which_a_result_is_lost():
    made = imputer().fit(AIR)
    level = 40.0

    def against(table):
        value, variance = mean(table)
        return value - level, variance

    shifts = np.arange(-60.0, 61.0, 10.0)
    shifted = shift_imputed(made, AIR, 0, shifts, against, names=["above 40"])
    _, low, high = shifted.values()
    at = shifted.tipping()["above 40"]
    i = list(shifts).index(at)
    assert not (low[i] <= 0 <= high[i])
    inside = np.abs(shifts) < abs(at)
    assert ((low <= 0) & (high >= 0))[inside].all()


def test_shifts_keep_bounds_and_whole_numbers():
    made = imputer(bounds={0: (0, 100)}, integers=[0]).fit(AIR)
    seen = []

    def look(table):
        seen.append(table[np.isnan(AIR[:, 0]), 0])
        return mean(table)

    shift_imputed(made, AIR, 0, [-55.5, 90], look)
    every = np.concatenate(seen)
    assert (every == np.round(every)).all()
    assert every.min() == 0
    assert every.max() == 100


@pytest.mark.parametrize(
    ("options", "asked", "words"),
    [
        ({}, {"column": 7}, "in sensitivity"),
        ({}, {"shifts": [np.nan]}, "expected a list of finite numbers"),
        ({}, {"unit": "percent"}, "expected 'value' or 'sd'"),
        ({}, {"names": ["a", "b"]}, "got 2 names, expected 1"),
        ({}, {"estimate": lambda table: (1.0,)}, "expected estimates, their variances"),
        ({"n_imputations": 1}, {}, "expected draw='bootstrap' or 'posterior'"),
        ({"nominal": [0]}, {}, "categories cannot be shifted"),
    ],
)
def test_what_makes_no_sense(options, asked, words):
    settings = {"draw": "bootstrap", "n_imputations": 2, "random_state": 0} | options
    made = EMImputer(**settings).fit(np.round(AIR[:40], -1) if "nominal" in options else AIR)
    given = {"column": 0, "shifts": [0.0], "estimate": mean} | asked
    with pytest.raises(ValueError, match=words):
        shift_imputed(made, AIR, **given)


# -- what is shown -----------------------------------------------------------------------------


def test_plots_of_a_table_with_texts():
    trade = datasets.load("freetrade")
    frame = pd.DataFrame(trade.values, columns=list(trade.columns))
    frame["signed"] = frame["signed"].map({0: "no", 1: "yes"})
    frame.insert(0, "country", trade.labels)
    made = imputer(nominal=["signed"], panel=Panel("year", "country", polynomial=1)).fit(frame)
    filled = {column.name: column for column in filled_columns(made, frame)}
    assert list(filled) == ["tariff", "polity", "intresmi", "signed", "fiveop"]
    assert filled["signed"].labels == ("no", "yes")
    assert filled["tariff"].imputed.shape == (5, 58)
    hidden, names = hidden_of(made, frame)
    assert "year" not in names
    assert hidden.sum() == 94
    assert len(made.plot.densities(frame).axes_) == 5
    assert made.plot.holes(frame).ax_.get_ylim() == (171, 0)
    assert made.plot.overimputation(frame).axes_[0].get_title(loc="left").startswith("tariff: ")
    assert len(made.plot.dispersion(2).gaps) == 2
    assert made.plot.patterns().patterns.missing.sum() == 94
    assert made.plot.climb().ax_.get_xlabel() == "E-steps"
