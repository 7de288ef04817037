"""`MarkovAutoregression` beside a sum over all paths, statsmodels, and simpler models."""

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import latentia
from latentia import HiddenMarkov, MarkovAutoregression, check_model, datasets
from latentia.data.groups import GroupedRows
from latentia.hmm.chains import Moves
from latentia.switching.autoregression import Autoregression
from latentia.switching.lagged import LaggedModel, LaggedParams, lagged

GROWTH = datasets.load("gnp").values[:, 2]
THEIRS = json.loads((Path(__file__).parents[1] / "parity" / "markov_switching.json").read_text())
FORMS = [
    {"centred": True},
    {"centred": False},
    {"centred": True, "shared_coefficients": False, "shared_variance": False},
    {"centred": False, "shared_coefficients": False, "shared_variance": False},
    {"centred": False, "shared_variance": False},
]


def some(form, k=2, order=2, sizes=(7, 4, 6), stationary=True, seed=0):
    """A model of series drawn at random, and parameters at random."""
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=sum(sizes))) + 50.0
    rows, left = lagged(x, np.array(sizes), order)
    series = Autoregression(k, order, origin=50.0, unit=2.0, **form)
    model = LaggedModel(series, stationary)
    chunk = GroupedRows(rows, rng.gamma(2.0, size=len(sizes)), left)
    params = model.start(chunk, rng)
    coefficients = 0.4 * rng.normal(size=params.series.coefficients.shape)
    levels = 50.0 + rng.normal(size=k)
    if not series.centred:
        levels = levels * (1 - coefficients.sum(axis=1)) + rng.normal(size=k)
    variances = rng.gamma(3.0, size=params.series.variances.shape)
    law = rng.dirichlet(np.ones(k), size=k)
    start = () if stationary else rng.dirichlet(np.ones(k))
    made = LaggedParams(
        start,
        law,
        params.series._replace(levels=levels, coefficients=coefficients, variances=variances),
    )
    return model, chunk, made, np.split(x, np.cumsum(sizes)[:-1])


def by_hand(model, params, y):
    """Log-likelihood, states of all steps, and the likeliest path, from every path."""
    series, order, k = model.series, model.series.order, model.n_states
    levels, coefficients, variances = params.series
    n = len(y) if series.centred else len(y) - order
    begin, move = model.chain.law(Moves(params.start, params.transitions))
    paths, heights = np.array(list(product(range(k), repeat=n))), []
    for path in paths:
        height = np.log(begin[path[0]]) + np.log(move[path[:-1], path[1:]]).sum()
        states = path if series.centred else np.concatenate([np.zeros(order, int), path])
        for t in range(order, len(y)):
            s = states[t]
            phi = coefficients[0 if series.shared_coefficients else s]
            past = y[t - 1 :: -1][:order]
            if series.centred:
                mean = levels[s] + phi @ (past - levels[states[t - 1 :: -1][:order]])
            else:
                mean = levels[s] + phi @ past
            variance = variances[0 if series.shared_variance else s]
            height += norm.logpdf(y[t], mean, np.sqrt(variance))
        heights.append(height)
    heights = np.array(heights)
    loglik = logsumexp(heights)
    weight = np.exp(heights - loglik)
    resp = np.stack([np.bincount(paths[:, t], weight, minlength=k) for t in range(n)])
    return float(loglik), resp, paths[int(np.argmax(heights))]


@pytest.mark.parametrize("stationary", [True, False], ids=["stationary", "free"])
@pytest.mark.parametrize("form", FORMS)
def test_likelihood_and_states_are_sums_over_all_paths(form, stationary):
    model, chunk, params, series = some(form, stationary=stationary)
    known, best = model.posterior(params, chunk), model.decoded(params, chunk)
    at = 0
    for s, y in enumerate(series):
        loglik, resp, path = by_hand(model, params, y)
        assert known.log_density[s] == pytest.approx(loglik, rel=1e-12, abs=1e-10)
        own = slice(at + len(y) - len(resp), at + len(y))
        np.testing.assert_allclose(known.resp[own], resp, atol=1e-10)
        np.testing.assert_array_equal(best.states[own], path)
        at += len(y)
    assert len(known.resp) == at


@pytest.mark.parametrize("stationary", [True, False], ids=["stationary", "free"])
@pytest.mark.parametrize("form", FORMS)
def test_the_contract_is_kept(form, stationary):
    model, chunk, _, _ = some(form, k=3, sizes=(20, 12, 9), stationary=stationary)
    check_model(model, chunk, 1, points=1)


def test_expected_moves_are_the_score():
    """Fisher's identity at random parameters, of three states and three lags."""
    model, chunk, params, _ = some({"centred": True}, k=3, order=3, sizes=(30, 15))
    check_model(model, chunk, 0, params=params, points=1)


CASES = {
    "hamilton": {"order": 4},
    "variance": {"order": 1, "switching_variance": True},
    "switching": {"order": 2, "switching_coefficients": True},
    "intercepts": {"order": 2, "form": "intercept", "switching_coefficients": True},
}


@cache
def fitted_to_growth(case):
    return MarkovAutoregression(2, random_state=0, **CASES[case]).fit(GROWTH)


@pytest.mark.parametrize("case", CASES)
def test_statsmodels_is_reached(case):
    known, fitted = THEIRS[case], fitted_to_growth(case)
    assert fitted.converged_
    assert fitted.loglik_ > known["loglik"] - 1e-6
    if fitted.loglik_ > known["loglik"] + 1e-4:
        return  # a higher maximum than any of theirs, where parameters differ
    told = known["params"]
    stay = [told["p[0->0]"], 1 - told["p[1->0]"]]
    levels = np.array([told["const[0]"], told["const[1]"]])
    order = np.argsort(levels)
    np.testing.assert_allclose(fitted.transmat_.diagonal(), np.array(stay)[order], atol=2e-4)
    np.testing.assert_allclose(fitted.levels_, levels[order], atol=1e-3)
    shown = fitted.predict_proba(GROWTH)[-len(GROWTH) + CASES[case]["order"] :: 20, order[0]]
    np.testing.assert_allclose(shown, known["smoothed"], atol=2e-3)


def test_hamilton_s_published_numbers():
    fitted = fitted_to_growth("hamilton")
    # log-likelihood, estimates and errors as documented by statsmodels 0.15 and by Stata 14
    assert fitted.loglik_ == pytest.approx(-181.26339, abs=5e-6)
    table = {e.name: e for e in fitted.parameter_table()}
    published = {
        "mean[0]": -0.3588,
        "mean[1]": 1.1635,
        "ar[lag 1]": 0.0135,
        "ar[lag 2]": -0.0575,
        "ar[lag 3]": -0.2470,
        "ar[lag 4]": -0.2129,
        "variance": 0.5914,
        "transition[0, 0]": 0.7547,
        "transition[1, 0]": 0.0959,
    }
    for name, value in published.items():
        assert table[name].value == pytest.approx(value, abs=6e-5), name
    assert fitted.n_parameters_ == 2 + 2 + 4 + 1


def test_hamilton_s_recessions_begin_when_he_says():
    """Hamilton (1989), table II: the first quarters in which a recession is likelier than not."""
    rows, model = datasets.load("gnp").values, fitted_to_growth("hamilton")
    falling = model.predict_proba(GROWTH)[:, 0] > 0.5
    begins = [f"{y:.0f}:{q:.0f}" for y, q in rows[falling & ~np.roll(falling, 1), :2]]
    assert begins == ["1953:3", "1957:1", "1960:2", "1969:3", "1974:1", "1979:2", "1981:2"]


def test_no_lags_are_a_hidden_markov_model():
    ours = MarkovAutoregression(
        2, order=0, switching_variance=True, start="free", random_state=0, n_init=8
    ).fit(GROWTH)
    other = HiddenMarkov("gaussian", 2, tol=1e-6, random_state=0).fit(GROWTH)
    assert ours.loglik_ == pytest.approx(other.loglik_, abs=1e-5)
    assert ours.n_parameters_ == other.n_parameters_


def test_one_state_is_least_squares():
    fitted = MarkovAutoregression(1, order=2, form="intercept", random_state=0).fit(GROWTH)
    rows, _ = lagged(GROWTH, np.array([len(GROWTH)]), 2)
    design = np.column_stack([np.ones(len(rows)), rows[:, 1:]])
    line, left, *_ = np.linalg.lstsq(design, rows[:, 0], rcond=None)
    np.testing.assert_allclose([*fitted.levels_, *fitted.ar_coefficients_[0]], line, rtol=1e-6)
    assert fitted.variances_[0] == pytest.approx(left[0] / len(rows), rel=1e-6)
    mean = MarkovAutoregression(1, order=2, random_state=0).fit(GROWTH)
    assert mean.loglik_ == pytest.approx(fitted.loglik_, abs=1e-8)
    assert mean.levels_[0] == pytest.approx(line[0] / (1 - line[1:].sum()), rel=1e-5)


@pytest.mark.parametrize("form", ["mean", "intercept"])
def test_where_the_series_stands_and_its_unit_are_no_matter(form):
    fit = MarkovAutoregression(2, order=1, form=form, n_init=4, random_state=0).fit
    plain = fit(GROWTH)
    near = (plain.loglik_, plain.transmat_, plain.ar_coefficients_)
    moved = fit(1e-3 * GROWTH + 1e4)
    assert moved.loglik_ - 134 * np.log(1e3) == pytest.approx(near[0], abs=1e-4)
    np.testing.assert_allclose(moved.transmat_, near[1], atol=1e-3)
    np.testing.assert_allclose(moved.ar_coefficients_, near[2], atol=1e-3)


def test_parameters_and_states_are_found_again():
    rng = np.random.default_rng(4)
    n, state = 3000, 0
    y, states = np.zeros(n), np.zeros(n, dtype=int)
    for t in range(1, n):
        state = state if rng.uniform() < 0.97 else 1 - state
        states[t] = state
        y[t] = (1.0, -1.0)[state] + (0.8, -0.5)[state] * y[t - 1] + 0.5 * rng.normal()
    model = MarkovAutoregression(
        2, order=1, form="intercept", switching_coefficients=True, n_init=6, random_state=0
    ).fit(y)
    np.testing.assert_allclose(model.levels_, [-1, 1], atol=0.1)
    np.testing.assert_allclose(model.ar_coefficients_[:, 0], [-0.5, 0.8], atol=0.05)
    assert (model.predict(y) == 1 - states).mean() > 0.95
    drawn, path = model.sample(2000, random_state=1)
    again = model.score(drawn[1:]) / 1998
    assert again == pytest.approx(model.loglik_ / 2999, abs=0.1)
    assert (path == 0).mean() == pytest.approx(model.get_stationary_distribution()[0], abs=0.2)


def test_files_several_series_and_weights(tmp_path):
    model = MarkovAutoregression(2, order=1, n_init=3, random_state=0, tol=1e-8)
    halves = [GROWTH[:70], GROWTH[70:]]
    model.fit(halves, sample_weight=[1, 2])
    twice = MarkovAutoregression(2, order=1, n_init=3, random_state=0, tol=1e-8)
    twice.fit([*halves, halves[1]])
    assert model.loglik_ == pytest.approx(twice.loglik_, abs=1e-6)
    model.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(halves), model.predict(halves))
    assert again.score(halves) == model.score(halves)
    assert again.described() == "autoregression of order 1, switching means"


@pytest.mark.parametrize(
    ("settings", "x", "sentence"),
    [
        ({"order": 3}, [1.0, 2.0, 4.0], "expected more than order=3"),
        ({}, [1.0, np.inf, 2.0, 5.0], "got inf at step 1, expected finite"),
        ({}, np.ones((8, 2)), "expected a single one"),
        ({}, np.ones(8), "never changes"),
        ({"n_states": 4, "order": 6}, GROWTH, "tuples of states"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(settings, x, sentence):
    with pytest.raises(ValueError, match=sentence):
        MarkovAutoregression(**settings).fit(x)


def test_states_given_the_steps_so_far_are_those_of_shorter_series():
    model = fitted_to_growth("variance")
    until, before = (model.predict_proba(GROWTH, given=g) for g in ("so-far", "before"))
    for t in (40, 90):
        np.testing.assert_allclose(until[t - 1], model.predict_proba(GROWTH[:t])[-1], atol=1e-10)
        np.testing.assert_allclose(before[t], until[t - 1] @ model.transmat_, atol=1e-10)
    holed = GROWTH.copy()
    holed[5] = np.nan
    with pytest.raises(ValueError, match="given='before', expected all values to be known"):
        model.predict_proba(holed, given="before")
    with pytest.raises(ValueError, match="given='later', expected 'all' or 'so-far' or 'before'"):
        model.predict_proba(GROWTH, given="later")
    np.testing.assert_allclose(model.expected_durations(), 1 / (1 - model.transmat_.diagonal()))
