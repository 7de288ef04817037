"""Switching models beside Stata 14 and EViews, as statsmodels has them (stata_switching.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from latentia import MarkovAutoregression, MarkovRegression, datasets
from latentia.data.groups import GroupedRows
from latentia.families.regression.gaussian import GaussianRegressionParams
from latentia.hmm.chain import smoothed
from latentia.hmm.chains import stationary
from latentia.hmm.dwelling import DwellTimes
from latentia.switching.ahead import outlook
from latentia.switching.autoregression import Autoregression, AutoregressionParams
from latentia.switching.lagged import LaggedModel, LaggedParams, lagged
from latentia.switching.model import SwitchingParams

HERE = Path(__file__).parent
THEIRS = json.loads((HERE / "stata_switching.json").read_text())
RATE, GAP, INFLATION = np.genfromtxt(HERE / "fedfunds.csv", delimiter=",", skip_header=1).T
GROWTH = datasets.load("gnp").values[:, 2]
FRAME = {"y": RATE[4:], "before": RATE[3:-1], "gap": GAP[4:], "inflation": INFLATION[4:]}
CASES = {
    "constant": (RATE, 0, {}),
    "lagged": (RATE, 1, {"centred": False, "shared_coefficients": False}),
    "growth_one_lag": (GROWTH, 1, {"shared_coefficients": False}),
    "growth_two_lags": (GROWTH, 2, {"shared_coefficients": False}),
    "growth_four_lags": (GROWTH, 4, {}),
}


def series_of(case):
    """The model of a case, its series' rows, and the parameters that they print."""
    y, order, form = CASES[case]
    stay, leave, *levels = THEIRS[case]["params"][:4]
    rest = THEIRS[case]["params"][4:]
    if case == "lagged":  # lags come before the variance there
        lags, variance = rest[:2], rest[2]
    else:
        lags, variance = rest[1:], rest[0]
    of_states = np.reshape(lags, (order, -1)).T if order else np.zeros((1, 0))
    series = AutoregressionParams(np.array(levels), of_states, np.array([variance]))
    move = np.array([[stay, 1 - stay], [leave, 1 - leave]])
    rows, sizes = lagged(y, np.array([len(y)]), order)
    model = LaggedModel(Autoregression(2, order, **form))
    return model, GroupedRows(rows, np.ones(1), sizes), LaggedParams((), move, series)


@pytest.mark.parametrize("case", CASES)
def test_likelihoods_at_their_parameters(case):
    model, rows, params = series_of(case)
    known = model.posterior(params, rows)
    assert known.log_density.sum() == pytest.approx(THEIRS[case]["loglik"], abs=2e-5)


@pytest.mark.parametrize("case", ["constant", "growth_one_lag", "growth_two_lags"])
def test_smoothed_states_at_their_parameters(case):
    model, rows, params = series_of(case)
    theirs = THEIRS[case]["smoothed"]
    ours = model.posterior(params, rows).resp[-len(theirs) :, 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("case", ["constant", "growth_one_lag"])
def test_states_given_the_steps_so_far(case):
    model, rows, params = series_of(case)
    for given, name in (("so-far", "filtered"), ("before", "predicted")):
        theirs = THEIRS[case].get(name)
        if theirs is not None:
            ours = model.filtered(params, rows, given)[-len(theirs) :, 0]
            np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_smoothed_expansions_of_eviews():
    model, rows, params = series_of("growth_four_lags")
    theirs = THEIRS["growth_four_lags"]["smoothed_other"]
    ours = model.posterior(params, rows).resp[-len(theirs) :, 1]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_what_is_expected_a_step_ahead():
    model, rows, params = series_of("constant")
    theirs, rng = THEIRS["constant"]["expected"], np.random.default_rng(0)
    for t in range(1, len(theirs), 5):
        seen = GroupedRows(rows.x[:t], np.ones(1), np.array([t]))
        made = outlook(model, params, seen, 1, ["y"], rng)
        assert made.mean().item() == pytest.approx(theirs[t], abs=1e-5)


def test_what_is_expected_of_steps_given_all_of_them():
    model, rows, params = series_of("growth_two_lags")
    theirs = THEIRS["growth_two_lags"]["fitted"]
    tuples = smoothed(
        model.series.log_density(params.series, rows.x), *model.law(params), rows.sizes, np.ones(1)
    ).resp
    ours = rows.x[:, 0] - (tuples * model.series.residuals(params.series, rows.x)).sum(axis=1)
    np.testing.assert_allclose(ours[-len(theirs) :], theirs, atol=1e-5)


def test_how_long_states_are_expected_to_last():
    _, _, params = series_of("growth_one_lag")
    theirs = THEIRS["growth_one_lag"]["durations"]
    ours = DwellTimes(params.transitions.diagonal()).mean
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


FITS = {
    "constant": {"order": 0},
    "lagged": {"order": 1, "form": "intercept", "switching_coefficients": True},
    "growth_four_lags": {"order": 4},
}


@pytest.mark.parametrize("case", FITS)
def test_their_maximum_and_standard_errors_are_reached(case):
    fitted = MarkovAutoregression(2, tol=1e-8, random_state=0, **FITS[case]).fit(CASES[case][0])
    told = THEIRS[case]
    assert fitted.loglik_ == pytest.approx(told["loglik"], abs=1e-5)
    table = {e.name: e for e in fitted.parameter_table()}
    order = np.argsort(told["params"][2:4])  # states are numbered by their levels here
    what = "intercept" if case == "lagged" else "mean"
    checked = [(f"{what}[{ours}]", 2 + theirs) for ours, theirs in enumerate(order)]
    first = int(np.argmin(order))  # their first state, by our number
    checked += [(f"transition[{first}, {first}]", 0), (f"transition[{1 - first}, {first}]", 1)]
    if case == "growth_four_lags":
        checked += [(f"ar[lag {i + 1}]", 5 + i) for i in range(4)]
    if case == "lagged":
        checked += [(f"ar[{ours}, lag 1]", 4 + theirs) for ours, theirs in enumerate(order)]
    for name, at in checked:
        assert table[name].value == pytest.approx(told["params"][at], abs=2e-5), name
        assert table[name].se == pytest.approx(told["errors"][at], rel=2e-4), name


def regression(case, k):
    """A fit to the federal funds rate, and the parameters that they print, in equilibrium."""
    fitted = MarkovRegression(
        "y ~ before + gap + inflation", k, shared_dispersion=True, n_init=30, random_state=0
    ).fit(FRAME)
    told = THEIRS[case]["params"]
    first = np.reshape(told[: k * (k - 1)], (k - 1, k)).T  # they print by the state moved to
    move = np.column_stack([first, 1 - first.sum(axis=1)])
    lines = np.reshape(told[k * (k - 1) : -1], (4, k)).T
    params = SwitchingParams(
        stationary(move), move, (GaussianRegressionParams(lines, np.array(told[-1:])),)
    )
    return fitted, params


@pytest.mark.parametrize(("case", "k"), [("covariates", 2), ("three", 3)])
def test_regressions_with_covariates(case, k):
    fitted, params = regression(case, k)
    _, rows = fitted._rows(FRAME, None, None, None, fitted.beside_)
    known = fitted._setting.model().posterior(params, rows)
    assert known.loglik.sum() == pytest.approx(THEIRS[case]["loglik"], abs=2e-5)
    # a free first state can only gain; of three states statsmodels found -182.27188
    assert fitted.loglik_ > (THEIRS[case]["loglik"] if k == 2 else -182.27188)
    if k == 2:
        by_state = np.array(THEIRS[case]["by_state"]).T
        x = np.column_stack([np.ones(len(FRAME["y"])), *list(FRAME.values())[1:]])
        np.testing.assert_allclose(x @ params.responses[0].coefficients.T, by_state, atol=1e-5)
        mean = (known.resp * by_state).sum(axis=1)
        np.testing.assert_allclose(mean, THEIRS[case]["smoothed_mean"], atol=1e-5)
