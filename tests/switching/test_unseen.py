"""Missing values of autoregressions beside normal laws given every path of states."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from latentia import HiddenMarkov, MarkovAutoregression, check_model, datasets
from latentia.data.groups import GroupedRows
from latentia.hmm.chains import Moves
from latentia.switching.lagged import lagged

from .test_autoregression import FORMS, some

GROWTH = datasets.load("gnp").values[:, 2]
HOLES = {
    "one": [3],
    "run": [3, 4],
    "apart": [2, 5],
    "first": [2],
    "last": [6],
    "end": [5, 6],
    "all": [2, 3, 4, 5, 6],
}


def by_hand(model, params, y):
    """Log-likelihood of the values that are known, and states of all steps, from every path."""
    series, order, k = model.series, model.series.order, model.n_states
    levels, coefficients, variances = params.series
    n = len(y) if series.centred else len(y) - order
    begin, move = model.chain.law(Moves(params.start, params.transitions))
    paths, heights = np.array(list(product(range(k), repeat=n))), []
    seen = ~np.isnan(y[order:])
    for path in paths:
        height = np.log(begin[path[0]]) + np.log(move[path[:-1], path[1:]]).sum()
        states = path if series.centred else np.concatenate([np.zeros(order, int), path])
        later = len(y) - order
        turn, constant, noise = np.eye(later), np.zeros(later), np.zeros(later)
        for i, t in enumerate(range(order, len(y))):
            s = states[t]
            phi = coefficients[0 if series.shared_coefficients else s]
            constant[i] = levels[s]
            noise[i] = variances[0 if series.shared_variance else s]
            for lag in range(1, order + 1):
                if series.centred:
                    constant[i] -= phi[lag - 1] * levels[states[t - lag]]
                if i - lag >= 0:
                    turn[i, i - lag] = -phi[lag - 1]
                else:
                    constant[i] += phi[lag - 1] * y[t - lag]
        back = np.linalg.inv(turn)
        mean, cov = back @ constant, back @ np.diag(noise) @ back.T
        if seen.any():
            height += multivariate_normal.logpdf(
                y[order:][seen], mean[seen], cov[np.ix_(seen, seen)]
            )
        heights.append(height)
    heights = np.array(heights)
    loglik = logsumexp(heights)
    weight = np.exp(heights - loglik)
    resp = np.stack([np.bincount(paths[:, t], weight, minlength=k) for t in range(n)])
    return float(loglik), resp, paths[int(np.argmax(heights))], float(heights.max())


def holed(form, holes, order=2, **told):
    """A model, and series of which the first has holes at these steps."""
    model, chunk, params, series = some(form, order=order, **told)
    series[0][holes] = np.nan
    rows, sizes = lagged(np.concatenate(series), np.array([len(y) for y in series]), order)
    return model, GroupedRows(rows, chunk.weights, sizes), params, series


@pytest.mark.parametrize("holes", HOLES.values(), ids=HOLES)
@pytest.mark.parametrize("form", FORMS)
def test_likelihood_and_states_are_sums_over_all_paths(form, holes):
    model, chunk, params, series = holed(form, holes)
    known, best = model.posterior(params, chunk), model.decoded(params, chunk)
    at = 0
    for s, y in enumerate(series):
        loglik, resp, path, height = by_hand(model, params, y)
        assert known.log_density[s] == pytest.approx(loglik, rel=1e-12, abs=1e-10)
        own = slice(at + len(y) - len(resp), at + len(y))
        np.testing.assert_allclose(known.resp[own], resp, atol=1e-10)
        np.testing.assert_array_equal(best.states[own], path)
        assert best.log_probability[s] == pytest.approx(height, abs=1e-10)
        at += len(y)


@pytest.mark.parametrize("stationary", [True, False], ids=["stationary", "free"])
@pytest.mark.parametrize("form", FORMS[:4])
def test_the_contract_is_kept(form, stationary):
    """Additivity, weights, Fisher's identity, and M-steps that maximise q, with values missing."""
    model, chunk, _, series = holed(form, [5, 9], k=2, sizes=(20, 12, 9), stationary=stationary)
    series[2][8] = np.nan
    rows, sizes = lagged(np.concatenate(series), np.array([20, 12, 9]), 2)
    check_model(model, GroupedRows(rows, chunk.weights, sizes), 1, points=1)


def test_without_lags_a_missing_value_says_nothing_of_its_step():
    y = GROWTH.copy()
    y[[3, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 130]] = np.nan
    ours = MarkovAutoregression(
        2, order=0, switching_variance=True, start="free", random_state=0, n_init=8
    ).fit(y)
    other = HiddenMarkov("gaussian", 2, tol=1e-6, random_state=0).fit(y)
    assert ours.loglik_ == pytest.approx(other.loglik_, abs=1e-5)


def test_values_missing_at_random_change_little():
    y = GROWTH.copy()
    y[[20, 60, 61, 100]] = np.nan
    whole = MarkovAutoregression(2, order=1, random_state=0, n_init=8).fit(GROWTH)
    fitted = MarkovAutoregression(2, order=1, random_state=0, n_init=8).fit(y)
    assert fitted.converged_
    errors = whole.standard_errors().series
    assert (np.abs(fitted.levels_ - whole.levels_) < errors.levels).all()
    assert fitted.predict_proba(y).shape == (len(y), 2)
    assert np.isfinite(fitted.standard_errors().series.levels).all()
    drawn = fitted.sample(5, random_state=0)[0]
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize(
    ("told", "holes", "sentence"),
    [
        ({"order": 2}, [1], "missing value among the first 2 of series 0"),
        ({"order": 4}, range(30, 40), "paths of states lead, expected 16384 at most; cut"),
    ],
)
def test_what_cannot_be_summed_is_refused(told, holes, sentence):
    y = GROWTH.copy()
    y[list(holes)] = np.nan
    with pytest.raises(ValueError, match=sentence):
        MarkovAutoregression(2, **told).fit(y)


def test_what_comes_after_a_missing_value_is_refused():
    y = GROWTH.copy()
    fitted = MarkovAutoregression(2, order=1, random_state=0, n_init=2).fit(y)
    y[-1] = np.nan
    with pytest.raises(ValueError, match="last 1 values are not all known"):
        fitted.forecast(y)
