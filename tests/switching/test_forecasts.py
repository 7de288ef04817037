"""Steps to come of switching models: beside sums over paths, statsmodels, and simpler models."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from latentia import HiddenMarkov, MarkovAutoregression, MarkovRegression, datasets
from latentia.data.groups import GroupedRows
from latentia.hmm.chains import Moves
from latentia.switching import ahead
from latentia.switching.ahead import outlook
from latentia.switching.autoregression import Autoregression, AutoregressionParams
from latentia.switching.lagged import LaggedModel, LaggedParams, lagged

GROWTH = datasets.load("gnp").values[:, 2]
SPEED = datasets.load("speed")
FRAME = dict(zip(SPEED.columns, SPEED.values.T, strict=True))
PARITY = Path(__file__).parents[1] / "parity"
RNG = np.random.default_rng(0)
FORMS = {
    "hamilton": {"centred": True},
    "all switch": {"centred": True, "shared_coefficients": False, "shared_variance": False},
    "intercepts": {"centred": False, "shared_coefficients": False, "shared_variance": False},
}


def some(form, order, k=2, seed=0):
    """A model and parameters at random."""
    rng = np.random.default_rng(seed)
    series = Autoregression(k, order, **form)
    rows = 1 if series.shared_coefficients else k
    made = AutoregressionParams(
        rng.normal(size=k),
        0.5 * rng.normal(size=(rows, order)),
        rng.gamma(3.0, size=1 if series.shared_variance else k),
    )
    return LaggedModel(series), LaggedParams((), rng.dirichlet(np.ones(k), size=k), made)


def by_hand(model, params, y, steps):
    """Of each path of states to the end of the forecast: its weight, and means and variances of
    the steps to come, by conditioning one normal distribution of all values on those known."""
    series, p, k = model.series, model.series.order, model.n_states
    levels, phi, variances = params.series
    whole, n = len(y) + steps, len(y)
    begin, move = model.chain.law(Moves(params.start, params.transitions))
    first = 0 if series.centred else p
    weights, means, spreads, ends = [], [], [], []
    for path in product(range(k), repeat=whole - first):
        states = np.array([0] * first + list(path))
        height = np.log(begin[path[0]]) + np.log(move[path[:-1], path[1:]]).sum()
        lower, constant = np.eye(whole), np.zeros(whole)
        noise = np.zeros(whole)
        for t in range(p, whole):
            own = phi[0 if series.shared_coefficients else states[t]]
            constant[t] = levels[states[t]]
            for i in range(p):
                lower[t, t - 1 - i] = -own[i]
                constant[t] -= own[i] * levels[states[t - 1 - i]] * series.centred
            noise[t] = variances[0 if series.shared_variance else states[t]]
        constant[:p] = y[:p]
        turn = np.linalg.inv(lower)
        mean, spread = turn @ constant, turn @ np.diag(noise) @ turn.T
        seen, coming = slice(p, n), slice(n, whole)
        height += stats.multivariate_normal.logpdf(y[seen], mean[seen], spread[seen, seen])
        gain = spread[coming, seen] @ np.linalg.inv(spread[seen, seen])
        weights.append(height)
        means.append(mean[coming] + gain @ (y[seen] - mean[seen]))
        spreads.append(np.diag(spread[coming, coming] - gain @ spread[seen, coming]))
        ends.append(states[n:])
    weights = np.exp(np.array(weights) - logsumexp(weights))
    return weights, np.array(means), np.array(spreads), np.array(ends)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_values_to_come_are_sums_over_all_paths(form, order):
    model, params = some(form, order)
    y = np.random.default_rng(1).normal(size=4 + order)
    rows, sizes = lagged(y, np.array([len(y)]), order)
    made = outlook(model, params, GroupedRows(rows, np.ones(1), sizes), 3, ["y"], RNG)
    weights, means, variances, states = by_hand(model, params, y, 3)
    mean = weights @ means
    assert made.exact
    np.testing.assert_allclose(made.mean()[:, 0], mean, atol=1e-10)
    np.testing.assert_allclose(
        made.variance()[:, 0], weights @ (variances + means**2) - mean**2, atol=1e-10
    )
    share = np.stack([np.bincount(each, weights, minlength=2) for each in states.T])
    np.testing.assert_allclose(made.states, share, atol=1e-10)
    at = np.array([-1.0, 0.3])
    below = stats.norm.cdf(at, means[..., None], np.sqrt(variances)[..., None])
    np.testing.assert_allclose(made.cdf(at), np.einsum("n,nhq->hq", weights, below), atol=1e-10)
    dense = stats.norm.pdf(at, means[..., None], np.sqrt(variances)[..., None])
    np.testing.assert_allclose(made.density(at), np.einsum("n,nhq->hq", weights, dense), atol=1e-10)
    level = made.quantile([0.2, 0.9])
    for h in range(3):
        np.testing.assert_allclose(made.cdf(level[h])[h], [0.2, 0.9], atol=1e-9)


def test_of_more_paths_than_are_kept_as_many_are_drawn(monkeypatch):
    model, params = some(FORMS["all switch"], 2)
    y = np.random.default_rng(1).normal(size=40)
    rows, sizes = lagged(y, np.array([40]), 2)
    told = model, params, GroupedRows(rows, np.ones(1), sizes), 9, ["y"]
    whole = outlook(*told, np.random.default_rng(0))
    assert whole.exact
    monkeypatch.setattr(ahead, "PATHS", 256)
    few = outlook(*told, np.random.default_rng(0))
    assert not few.exact
    np.testing.assert_array_equal(few.mean(), whole.mean())
    np.testing.assert_allclose(few.cdf([-1.0, 0.5, 2.0]), whole.cdf([-1.0, 0.5, 2.0]), atol=0.01)


@pytest.mark.parametrize(
    ("case", "form", "order"),
    [
        ("hamilton", {}, 4),
        ("variance", {"shared_variance": False}, 1),
        ("switching", {"shared_coefficients": False}, 2),
    ],
)
def test_statsmodels_expects_the_same_a_step_ahead(case, form, order):
    told = json.loads((PARITY / "markov_switching.json").read_text())[case]["params"]
    theirs = json.loads((PARITY / "markov_forecasts.json").read_text())[case]["ahead"]
    stay, leave = told["p[0->0]"], told["p[1->0]"]
    pairs = [[told.get(f"ar.L{i + 1}[{s}]") for i in range(order)] for s in range(2)]
    lags = pairs if case == "switching" else [[told[f"ar.L{i + 1}"] for i in range(order)]]
    noise = [told["sigma2[0]"], told["sigma2[1]"]] if case == "variance" else [told["sigma2"]]
    levels = np.array([told["const[0]"], told["const[1]"]])
    series = AutoregressionParams(levels, np.array(lags), np.array(noise))
    params = LaggedParams((), np.array([[stay, 1 - stay], [leave, 1 - leave]]), series)
    model = LaggedModel(Autoregression(2, order, **form))
    for i, expected in enumerate(theirs):
        y = GROWTH[: len(GROWTH) - len(theirs) + i]
        rows, sizes = lagged(y, np.array([len(y)]), order)
        made = outlook(model, params, GroupedRows(rows, np.ones(1), sizes), 1, ["y"], RNG)
        assert made.mean().item() == pytest.approx(expected, abs=1e-8)


def test_hamilton_s_standard_errors_are_those_of_statsmodels():
    theirs = json.loads((PARITY / "markov_forecasts.json").read_text())["hamilton"]["errors"]
    model = MarkovAutoregression(2, order=4, n_init=8, random_state=0, tol=1e-8).fit(GROWTH)
    ours = {e.name: e.se for e in model.parameter_table()}
    names = {
        "p[0->0]": "transition[0, 0]",
        "p[1->0]": "transition[1, 0]",
        "const[0]": "mean[0]",
        "const[1]": "mean[1]",
        "sigma2": "variance",
        **{f"ar.L{i}": f"ar[lag {i}]" for i in range(1, 5)},
    }
    for name, known in theirs.items():
        assert ours[names[name]] == pytest.approx(known, rel=2e-3), name


def test_series_are_forecast_one_by_one():
    model = MarkovAutoregression(2, order=1, n_init=2, random_state=0).fit(GROWTH)
    two = model.forecast(np.concatenate([GROWTH, GROWTH[:50]]), [len(GROWTH), 50], steps=2)
    alone = [model.forecast(part, steps=2) for part in (GROWTH, GROWTH[:50])]
    np.testing.assert_allclose(two.mean(), np.vstack([one.mean() for one in alone]), atol=1e-12)
    with pytest.raises(ValueError, match="got steps=0"):
        model.forecast(GROWTH, steps=0)
    with pytest.raises(IndexError, match="got column 1"):
        two.cdf(0.0, column=1)


def test_without_covariates_it_is_the_forecast_of_a_hidden_markov_model():
    years = datasets.load("earthquakes").values[:, 1]
    model = MarkovRegression("count ~ 1", 2, family="poisson", random_state=0, tol=1e-9)
    other = HiddenMarkov("poisson", 2, random_state=0, tol=1e-9).fit(years)
    ours = model.fit({"count": years}).forecast({"count": years}, steps=3)
    theirs = other.forecast(years, steps=3)
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=1e-4)
    np.testing.assert_allclose(ours.density([10, 20]), theirs.density([10, 20]), atol=1e-6)
    np.testing.assert_array_equal(ours.quantile([0.1, 0.9]), theirs.quantile([0.1, 0.9]))


@pytest.fixture(scope="module")
def paid():
    both = {"formula": ["rt ~ payoff", "correct ~ 1"], "family": ["gaussian", "binomial"]}
    model = MarkovRegression(**both, transitions="~ payoff", n_init=2, random_state=0)
    return model.fit(FRAME, id="series")


def test_moves_and_means_follow_the_covariates_of_the_steps_to_come(paid):
    own = {name: values[FRAME["series"] == 1] for name, values in FRAME.items()}
    payoff = np.array([0.1, 0.8, 0.4])
    made = paid.forecast(own, ahead={"payoff": payoff})
    here, moves = paid.predict_proba(own)[-1], paid.transition_probabilities
    left = np.append(own["payoff"][-1], payoff[:-1])  # the rows that are moved on from
    means = paid.predict_by_state({"payoff": payoff})
    for h, move in enumerate(moves({"payoff": left})):
        here = here @ move
        np.testing.assert_allclose(made.states[h], here, atol=1e-10)
        np.testing.assert_allclose(made.mean()[h], here @ means[h], atol=1e-10)
    spread = np.sqrt(paid.params_.responses[0].variances)
    below = stats.norm.cdf(6.0, means[:, :, 0], spread)
    np.testing.assert_allclose(made.cdf(6.0)[:, 0], (made.states * below).sum(axis=1), atol=1e-10)
    right = made.density([0, 1], column=1)
    np.testing.assert_allclose(right[:, 1], made.mean()[:, 1], atol=1e-12)
    np.testing.assert_allclose(right.sum(axis=1), 1.0, atol=1e-12)


def test_sequences_to_come_are_found_by_name(paid):
    named = {"payoff": [0.9, 0.1, 0.5, 0.2, 0.3, 0.6], "series": [3, 3, 1, 1, 2, 2]}
    made = paid.forecast(FRAME, id="series", ahead=named)
    for s, rows in ((1, (2, 3)), (2, (4, 5)), (3, (0, 1))):
        own = {name: values[FRAME["series"] == s] for name, values in FRAME.items()}
        payoff = {"payoff": [named["payoff"][i] for i in rows]}
        alone = paid.forecast(own, ahead=payoff)
        at = slice(2 * (s - 1), 2 * s)
        np.testing.assert_allclose(made.mean()[at], alone.mean(), atol=1e-12)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"steps": 2}, "got no covariates of the steps to come, expected payoff"),
        ({"ahead": {"payoff": [0.1] * 4, "series": [1, 1, 2, 4]}}, "expected those of 1.0, 2.0"),
        ({"ahead": {"payoff": [0.1] * 4, "series": [1, 1, 2, 3]}}, "expected as many for each"),
        ({"ahead": {"payoff": [0.1] * 3, "series": [1, 2, 3]}, "steps": 2}, "expected 2 for each"),
    ],
)
def test_covariates_that_do_not_fit_are_refused(paid, told, sentence):
    with pytest.raises(ValueError, match=sentence):
        paid.forecast(FRAME, id="series", **told)


@pytest.mark.parametrize("family", ["gamma", "poisson"])
def test_responses_have_the_distributions_of_their_regressions(family):
    rng = np.random.default_rng(3)
    y = rng.gamma(4.0, size=60) if family == "gamma" else rng.poisson(4.0, size=60)
    frame = {"y": y.astype(float), "x": rng.normal(size=60)}
    model = MarkovRegression("y ~ x", 2, family=family, n_init=1, random_state=0).fit(frame)
    made = model.forecast(frame, ahead={"x": [0.5, -0.5]})
    part, params = model._setting.model().responses.parts[0], model.params_.responses[0]
    rows = np.column_stack([np.ones(2), [0.5, -0.5], np.zeros(2), [3.0, 3.0]])
    likely = np.exp(part.log_density(params, rows))
    np.testing.assert_allclose(
        made.density(3.0)[:, 0], (made.states * likely).sum(axis=1), rtol=1e-9
    )
    grid = np.linspace(1e-3, 60, 20000) if family == "gamma" else np.arange(200.0)
    width = grid[1] - grid[0]
    p = made.density(grid) * width
    mean = p @ grid
    np.testing.assert_allclose(made.mean()[:, 0], mean, rtol=1e-4)
    np.testing.assert_allclose(made.variance()[:, 0], p @ grid**2 - mean**2, rtol=1e-3)
