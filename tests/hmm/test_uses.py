"""States, paths, forecasts and residuals against sums over all paths, and under the true model."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

from latentia import GaussianHMM, HiddenMarkov, PoissonHMM, datasets
from latentia.hmm import filtering
from latentia.hmm.best_paths import best_paths
from latentia.hmm.dwelling import DwellTimes, runs

from .paths import log_probabilities

START = np.array([0.5, 0.0, 0.5])
MOVES = np.array([[0.7, 0.2, 0.1], [0.0, 0.6, 0.4], [0.3, 0.0, 0.7]])
RATES = np.array([[1.0], [4.0], [9.0]])
COUNTS = np.array([[0.0], [2.0], [9.0], [np.nan], [5.0], [1.0]])


@pytest.fixture(scope="module")
def model():
    """Three states with transitions that cannot be, set by hand."""
    made = PoissonHMM(3, params="", init_params="")
    made.startprob_, made.transmat_, made.lambdas_ = START, MOVES, RATES
    return made


@pytest.fixture(scope="module")
def drawn():
    """A model of two columns, and a sequence that it drew."""
    made = GaussianHMM(2, "full", random_state=0)
    made.startprob_ = np.array([0.6, 0.4])
    made.transmat_ = np.array([[0.9, 0.1], [0.2, 0.8]])
    made.means_ = np.array([[0.0, 1.0], [3.0, -1.0]])
    made.covars_ = np.array([[[1.0, 0.6], [0.6, 2.0]], [[0.5, -0.2], [-0.2, 1.0]]])
    return made, made.sample(3000, random_state=4)[0]


def log_density(x):
    made = stats.poisson.logpmf(x, RATES.T)
    return np.where(np.isnan(x), 0.0, made)


def by_hand(x):
    """All paths of a sequence and their log-probabilities with it."""
    return log_probabilities(START, MOVES, log_density(x))


def shares(x, t, upto=None, without=False):
    """P(state at t | steps) by summing over all paths."""
    x = x[: None if upto is None else upto].copy()
    if without:
        x[t] = np.nan
    paths, logs = by_hand(x)
    weight = np.exp(logs - logsumexp(logs))
    return np.array([weight[paths[:, t] == k].sum() for k in range(3)])


@pytest.mark.parametrize(
    ("given", "upto", "without"),
    [
        ("all", None, False),
        ("so-far", 1, False),
        ("before", 1, True),
        ("others", None, True),
    ],
)
def test_states_given_some_of_the_steps(model, given, upto, without):
    found = model.predict_proba(COUNTS, given=given)
    for t in range(len(COUNTS)):
        end = None if upto is None else t + 1
        np.testing.assert_allclose(found[t], shares(COUNTS, t, end, without), atol=1e-12)


def test_forecasts_are_those_of_all_paths(model):
    """Steps to come are steps of which nothing is known."""
    ahead = model.forecast(COUNTS, steps=3)
    longer = np.concatenate([COUNTS, np.full((3, 1), np.nan)])
    x = np.arange(40.0)
    for h in range(3):
        states = shares(longer, len(COUNTS) + h)
        np.testing.assert_allclose(ahead.states[h], states, atol=1e-12)
        pmf = states @ stats.poisson.pmf(x, RATES)
        np.testing.assert_allclose(ahead.density(x)[h], pmf, atol=1e-12)
        np.testing.assert_allclose(ahead.cdf(x)[h], np.cumsum(pmf), atol=1e-12)
        assert ahead.mean()[h, 0] == pytest.approx(states @ RATES[:, 0], abs=1e-12)
        for p in (0.05, 0.5, 0.95):
            assert ahead.quantile(p)[h, 0] == np.argmax(np.cumsum(pmf) >= p)
    far = model.forecast(COUNTS, steps=200).states[-1]
    np.testing.assert_allclose(far, model.get_stationary_distribution(), atol=1e-12)


def test_a_forecast_is_what_a_longer_sequence_scores(model):
    """log p(next | so far) is a difference of log-likelihoods; several sequences come in turn."""
    for step in (0.0, 7.0):
        longer = np.concatenate([COUNTS, [[step]]])
        gained = model.score(longer) - model.score(COUNTS)
        assert model.forecast(COUNTS).log_density([[step]])[0] == pytest.approx(gained, abs=1e-10)
    both = model.forecast([COUNTS, COUNTS[:2]], steps=2)
    np.testing.assert_allclose(both.states[:2], model.forecast(COUNTS, steps=2).states)
    np.testing.assert_allclose(both.states[2:], model.forecast(COUNTS[:2], steps=2).states)


def test_a_step_given_the_others_is_a_ratio_of_likelihoods(model):
    """Zucchini, MacDonald & Langrock (2016), eq. 5.1: p(x_t | others) = p(all) / p(others)."""
    law = model.step_distributions(COUNTS)
    for t in (0, 2, 3, 5):
        hidden = COUNTS.copy()
        hidden[t] = np.nan
        for x in (0.0, 3.0, 12.0):
            whole = COUNTS.copy()
            whole[t] = x
            ratio = np.exp(model.score(whole) - model.score(hidden))
            assert law.density([x])[t, 0] == pytest.approx(ratio, rel=1e-10)


@pytest.mark.parametrize("n_paths", [1, 4, 60])
def test_the_best_paths_are_those_of_all(model, n_paths):
    x = COUNTS[:4]
    paths, logs = by_hand(x)
    possible = np.isfinite(logs)
    order = np.argsort(-logs[possible])
    found = model.best_paths([x, x[:1]], n_paths=n_paths)
    n = min(n_paths, len(order))
    np.testing.assert_allclose(found.log_probability[0, :n], logs[possible][order][:n], atol=1e-12)
    assert len({tuple(p) for p in found.states[:n, :4]}) == n
    for path, height in zip(found.states[:n, :4], found.log_probability[0], strict=False):
        own = logs[(paths == path).all(axis=1)]
        assert own == pytest.approx(height, abs=1e-12)
    assert np.isneginf(found.log_probability[0, n:]).all()
    assert (found.states[n:, :4] == -1).all()
    assert (found.states[2:, 4] == -1).all()  # one step has two states that it may start in
    np.testing.assert_array_equal(found.states[0], model.predict([x, x[:1]]))


def test_equal_paths_are_all_told():
    """No observation tells: every path of a fair coin is as likely, and each comes once."""
    fair = np.full((2, 2), 0.5)
    found = best_paths(np.zeros((3, 2)), fair[0], fair, np.array([3]), 9)
    np.testing.assert_allclose(found.log_probability[0, :8], np.log(1 / 8))
    assert len({tuple(path) for path in found.states[:8]}) == 8
    assert np.isneginf(found.log_probability[0, 8])


def test_drawn_paths_have_the_posterior_distribution(model):
    x = COUNTS[:4]
    paths, logs = by_hand(x)
    likely = np.exp(logs - logsumexp(logs))
    n = 20_000
    found = model.sample_paths(x, n_paths=n, random_state=0)
    code = found @ 3 ** np.arange(4)
    expected = np.zeros(81)
    expected[paths @ 3 ** np.arange(4)] = likely * n
    seen = np.bincount(code, minlength=81)
    assert (seen[expected == 0] == 0).all()
    some = expected >= 5
    square = ((seen - expected)[some] ** 2 / expected[some]).sum()
    assert stats.chi2.sf(square, some.sum() - 1) > 1e-3
    again = model.sample_paths(x, n_paths=3, random_state=0)
    np.testing.assert_array_equal(again, model.sample_paths(x, n_paths=3, random_state=0))


def test_rows_come_back_in_the_order_in_which_they_were_given(model):
    frame = pd.DataFrame({"t": np.arange(6), "who": "a", "count": COUNTS[:, 0]})
    mixed = frame.iloc[[3, 0, 5, 1, 4, 2]]
    asked = {"id": "who", "time": "t"}
    for call in (
        lambda **given: model.predict_proba(given="before", **given),
        lambda **given: model.best_paths(n_paths=2, **given).states.T,
        lambda **given: model.pseudo_residuals(**given).upper,
    ):
        np.testing.assert_allclose(call(X=mixed, **asked), call(X=COUNTS)[mixed["t"]])


@pytest.mark.parametrize("kind", ["ordinary", "forecast"])
def test_residuals_are_standard_normal_under_the_true_model(model, drawn, kind):
    counts, _ = model.sample(2500, random_state=1)
    found = model.pseudo_residuals(counts, kind=kind)
    z = found.randomised(random_state=0)[:, 0]
    assert stats.kstest(z, "norm").pvalue > 1e-3
    lower, upper = found.segments
    assert ((lower <= found.middle) & (found.middle <= upper)).all()
    normal, X = drawn
    made = normal.pseudo_residuals(X, kind=kind)
    np.testing.assert_array_equal(made.lower, made.upper)
    for column in made.middle.T:
        assert stats.kstest(column, "norm").pvalue > 1e-3
        if kind == "forecast":  # independent, too
            near = np.corrcoef(column[:-1], column[1:])[0, 1]
            assert abs(near) < 4 / np.sqrt(len(X))


def test_residuals_of_a_wrong_model_are_not_normal():
    """One Poisson for the earthquakes: too wide, and one after the other alike."""
    counts = datasets.load("earthquakes").values[:, 1]
    one = HiddenMarkov("poisson", 1).fit(counts).pseudo_residuals(counts).middle[:, 0]
    assert stats.kstest(one, "norm").pvalue < 5e-3
    assert one.var() > 2
    assert np.corrcoef(one[:-1], one[1:])[0, 1] > 0.4


def test_a_segment_is_the_probability_of_its_count(model):
    found = model.pseudo_residuals(COUNTS)
    law = model.step_distributions(COUNTS)
    assert np.isnan(found.upper[3, 0])
    for t in (0, 1, 2, 4, 5):
        chance = law.density(COUNTS[t])[t, 0]
        assert found.upper[t, 0] - found.lower[t, 0] == pytest.approx(chance, rel=1e-9)


def test_what_is_far_away_costs_nothing():
    """A thousand steps of a state that the rest of the chain holds next to impossible."""
    logs = np.zeros((1002, 2))
    logs[1:-1, 0] = -5000.0
    made = filtering.passes(logs, np.array([1.0, 0.0]), np.array([[0.5, 0.5], [0.0, 1.0]]), [1002])
    # the first state is left at once, from 1000 ways out
    np.testing.assert_allclose(filtering.normalised(made.filtered + made.ahead)[1], [0.0, 1.0])
    assert made.loglik[0] == pytest.approx(np.log(0.5), abs=1e-9)


def test_dwell_times_are_geometric(model):
    dwell = model.dwell_times()
    np.testing.assert_allclose(dwell.mean, [1 / 0.3, 1 / 0.4, 1 / 0.3])
    steps = np.arange(1, 400)
    np.testing.assert_allclose(dwell.pmf(steps).sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(dwell.pmf(steps) @ steps, dwell.mean, rtol=1e-9)
    ends = np.cumsum(dwell.pmf(steps), axis=1)
    np.testing.assert_array_equal(dwell.quantile(0.9)[:, 0], 1 + (ends < 0.9).sum(axis=1))
    assert dwell.pmf([0, 1.5]).max() == 0
    assert np.isinf(DwellTimes(np.array([1.0])).quantile(0.5)).all()


def test_runs_end_with_sequences():
    found = runs(np.array([0, 0, 1, 1, 1, 0, 0]), np.array([3, 4]))
    np.testing.assert_array_equal(found.states, [0, 1, 1, 0])
    np.testing.assert_array_equal(found.lengths, [2, 1, 2, 2])
    np.testing.assert_array_equal(found.whole, [False] * 4)
    middle = runs(np.array([0, 1, 1, 0]), np.array([4]))
    np.testing.assert_array_equal(middle.whole, [False, True, False])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda m: m.predict_proba(COUNTS, given="none"), "expected one of all, so-far"),
        (lambda m: m.forecast(COUNTS, steps=0), "got steps=0, expected a whole number"),
        (lambda m: m.best_paths(COUNTS, n_paths=0), "got n_paths=0"),
        (lambda m: m.sample_paths(COUNTS, n_paths=2.5), "got n_paths=2.5"),
        (lambda m: m.pseudo_residuals(COUNTS, kind="last"), "expected one of ordinary, forecast"),
        (lambda m: m.step_distributions(COUNTS, given="all"), "'others' or 'before'"),
        (lambda m: m.forecast(COUNTS).quantile(1.0), "got the probability 1"),
        (lambda m: m.forecast(COUNTS).log_density([[1.0, 2.0]]), r"expected \(1, 1\)"),
        (lambda m: m.forecast([[-1.0]]), "got -1 at row 0"),
        (lambda m: m.dwell_times().quantile(2.0), "expected such between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(model, call, told):
    with pytest.raises(ValueError, match=told):
        call(model)


def test_an_impossible_sequence_has_no_future():
    made = PoissonHMM(2, params="", init_params="")
    made.startprob_, made.transmat_ = np.array([1.0, 0.0]), np.eye(2)
    made.lambdas_ = np.array([[0.0], [3.0]])
    with pytest.raises(ValueError, match="sequence 0 that no path of states could make"):
        made.forecast([[2.0]])


def test_codes_have_probabilities_but_no_quantiles():
    codes = np.array([0.0, 1, 2, 1, 0, 0, 2, 2, 2, 1, 0])
    ahead = HiddenMarkov("categorical", 2, random_state=0, n_init=1).fit(codes).forecast(codes)
    assert ahead.density([0, 1, 2]).sum() == pytest.approx(1, abs=1e-12)
    assert np.isnan(ahead.mean()).all()
    with pytest.raises(TypeError, match="codes of categories have no quantiles"):
        ahead.quantile(0.5)
    with pytest.raises(IndexError, match="got column 1, expected one from 0 to 0"):
        ahead.cdf(0.5, column=1)
