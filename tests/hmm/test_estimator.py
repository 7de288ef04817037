"""`HiddenMarkov` in scikit-learn's conventions, on the earthquakes and on data that it drew."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from latentia import EM, datasets, load, select
from latentia.engine.space import Fixed
from latentia.hmm import HiddenMarkov

from .paths import log_probabilities

QUAKES = datasets.load("earthquakes").values[:, -1:]
TIGHT = EM(tol=1e-8)

# Log-likelihoods of Poisson HMMs for these data, recorded with other software; Zucchini & MacDonald
# (2009), Hidden Markov Models for Time Series, ch. 4 (free starts) and 6 (stationary ones), print
# the first four decimals.
FREE = {1: -391.918928, 2: -341.878701, 3: -328.527483}
STATIONARY = {2: -342.3183, 3: -329.4603}


@pytest.fixture(scope="module")
def quakes():
    return HiddenMarkov("poisson", 3, random_state=0, em=TIGHT).fit(QUAKES)


@pytest.mark.parametrize("k", FREE)
def test_earthquakes_from_every_seed(k):
    for seed in range(20) if k > 1 else (0,):
        fitted = HiddenMarkov("poisson", k, random_state=seed, em=TIGHT).fit(QUAKES)
        assert fitted.loglik_ == pytest.approx(FREE[k], abs=1e-6)


def test_earthquakes_by_default_to_six_digits(quakes):
    assert quakes.loglik_ == pytest.approx(FREE[3], abs=1e-6)
    order = np.argsort(quakes.params_.rates[:, 0])
    rates = quakes.params_.rates[order, 0]
    np.testing.assert_allclose(rates, [13.13376, 19.71316, 29.70972], atol=1e-4)
    two = HiddenMarkov("poisson", 2, random_state=3, em=TIGHT).fit(QUAKES)
    order = np.argsort(two.params_.rates[:, 0])
    moves = two.transmat_[np.ix_(order, order)]
    np.testing.assert_allclose([moves[0, 1], moves[1, 0]], [0.071626, 0.119034], atol=1e-5)
    assert two.n_parameters_ == 1 + 2 + 2


@pytest.mark.parametrize("k", STATIONARY)
def test_earthquakes_with_a_stationary_start(k):
    fitted = HiddenMarkov("poisson", k, start="stationary", random_state=0, n_init=4).fit(QUAKES)
    assert fitted.loglik_ == pytest.approx(STATIONARY[k], abs=1e-3)
    np.testing.assert_allclose(fitted.startprob_ @ fitted.transmat_, fitted.startprob_, atol=1e-12)
    assert fitted.n_parameters_ == k * (k - 1) + k
    assert fitted._n_free() == fitted.n_parameters_


def test_decoding_is_the_likeliest_of_all_paths():
    short = QUAKES[:7]
    fitted = HiddenMarkov("poisson", 3, random_state=0, n_init=2).fit(QUAKES)
    model, params = fitted._fitted()
    logs = model.family.log_density(params.emissions, short)
    paths, heights = log_probabilities(*model.law(params), logs)
    height, states = fitted.decode(short)
    assert height == pytest.approx(heights.max(), abs=1e-10)
    np.testing.assert_array_equal(states, paths[heights.argmax()])
    np.testing.assert_array_equal(fitted.predict(short), states)
    posterior = fitted.predict_proba(short)
    by_map = fitted.decode(short, algorithm="map")
    np.testing.assert_array_equal(by_map[1], posterior.argmax(axis=1))
    with pytest.raises(ValueError, match="algorithm='best', expected 'viterbi' or 'map'"):
        fitted.decode(short, algorithm="best")


def test_scores_add_up_over_sequences(quakes):
    both = np.concatenate([QUAKES[:40], QUAKES[40:]])
    total, resp = quakes.score_samples(both, [40, 67])
    parts = [quakes.score_samples(QUAKES[:40]), quakes.score_samples(QUAKES[40:])]
    assert total == pytest.approx(sum(p[0] for p in parts), abs=1e-10)
    np.testing.assert_allclose(resp, np.concatenate([p[1] for p in parts]), atol=1e-13)
    assert quakes.score(QUAKES) == pytest.approx(quakes.loglik_, abs=1e-8)
    assert quakes.bic(QUAKES) == pytest.approx(-2 * quakes.loglik_ + 11 * np.log(107), abs=1e-6)
    assert quakes.aic(QUAKES) == pytest.approx(-2 * quakes.loglik_ + 22, abs=1e-6)


def test_weights_are_repeated_sequences():
    parts = [QUAKES[:30], QUAKES[30:50], QUAKES[50:]]
    repeated = [parts[0], parts[0], parts[1], parts[2], parts[2], parts[2]]
    one = HiddenMarkov("poisson", 2, random_state=0, n_init=1, em=TIGHT)
    weighted = clone(one).fit(parts, sample_weight=[2, 1, 3])
    plain = clone(one).fit(repeated)
    assert weighted.loglik_ == pytest.approx(plain.loglik_, rel=1e-11)
    np.testing.assert_allclose(weighted.transmat_, plain.transmat_, atol=1e-5)
    assert weighted.criteria() == pytest.approx(plain.criteria(), rel=1e-9)


def test_rows_of_a_frame_come_back_in_their_order():
    frame = pd.DataFrame({"year": np.arange(107), "zone": "a", "count": QUAKES[:, 0]})
    shuffled = frame.sample(frac=1, random_state=1)
    model = HiddenMarkov("poisson", 2, random_state=0, n_init=1)
    straight, mixed = (clone(model).fit(f, id="zone", time="year") for f in (frame, shuffled))
    assert straight.loglik_ == pytest.approx(mixed.loglik_, abs=1e-6)
    assert list(mixed.feature_names_in_) == ["count"]
    states = straight.predict(frame, id="zone", time="year")
    again = straight.predict(shuffled, id="zone", time="year")
    np.testing.assert_array_equal(again, states[shuffled.index])


def test_missing_steps_are_integrated_out(quakes):
    """A step of which nothing is known: the chain moves twice."""
    gap = QUAKES.copy()
    gap[1] = np.nan
    model, params = quakes._fitted()
    f = np.exp(model.family.log_density(params.emissions, QUAKES))
    start, a = model.law(params)
    by_hand = np.log((start * f[0]) @ a @ a @ np.diag(f[2]) @ a @ f[3])
    assert quakes.score(gap[:4]) == pytest.approx(by_hand, abs=1e-10)
    refitted = HiddenMarkov("poisson", 2, random_state=0, n_init=2).fit(gap)
    assert refitted.converged_
    assert np.isfinite(refitted.loglik_)


@pytest.mark.parametrize("transitions", ["left-right", "cyclic", np.eye(3, dtype=bool) | True])
def test_constraints_by_name_are_kept_and_counted(transitions):
    fitted = HiddenMarkov("poisson", 3, transitions=transitions, random_state=0, n_init=4)
    fitted.fit(QUAKES)
    zeros = {"left-right": 3, "cyclic": 3}.get(str(transitions), 0)
    assert (fitted.transmat_ == 0).sum() >= zeros
    assert fitted.n_parameters_ == 2 + (6 - zeros) + 3
    names = fitted.parameter_names()
    assert len([n for n in names if n.startswith("transition")]) == 9 - zeros


def test_standard_errors_agree_with_a_difference_of_the_likelihood(quakes):
    """A rate's profile is near its curvature: by the information of the likelihood differenced."""
    table = {e.name: e for e in quakes.parameter_table()}
    assert {"start[0]", "transition[0, 1]", "rate[2, x0]"} <= set(table)
    from latentia.engine.backend import Threads
    from latentia.engine.inference import observed_information

    model, params = quakes._fitted()
    known = observed_information(model, quakes._data, params, Threads()).standard_errors()
    for k in range(3):
        assert table[f"rate[{k}, x0]"].se == pytest.approx(known.emissions.rates[k, 0], rel=1e-9)
    chosen = np.array([table[f"rate[{k}, x0]"].se for k in range(3)])
    assert (chosen > 0).all()


def test_a_file_keeps_everything_but_the_data(quakes, tmp_path):
    quakes.standard_errors()
    for model in (
        quakes,
        HiddenMarkov({0: "poisson"}, 2, start="stationary", n_init=1).fit(QUAKES),
        HiddenMarkov("poisson", 2, transitions=np.tri(2, dtype=bool), n_init=1).fit(QUAKES),
    ):
        model.save(tmp_path / "model.safetensors")
        again = load(tmp_path / "model.safetensors")
        assert again.score(QUAKES) == model.score(QUAKES)
        np.testing.assert_array_equal(again.predict(QUAKES), model.predict(QUAKES))
        np.testing.assert_array_equal(again.startprob_, model.startprob_)
        assert again.criteria() == pytest.approx(model.criteria())
        assert again.n_parameters_ == again._n_free() == model.n_parameters_
    assert load(tmp_path / "model.safetensors").standard_errors(QUAKES).transitions.shape == (2, 2)
    copy = pickle.loads(pickle.dumps(quakes))
    assert copy.score(QUAKES) == quakes.score(QUAKES)


def test_a_summary_tells_of_states_and_steps(quakes):
    told = str(quakes.summary())
    assert "Hidden Markov model of 3 states (Poisson)" in told
    assert "107 steps in 1 sequence" in told
    assert "mean steps in a row" in told


def test_the_number_of_states_by_bic():
    """Zucchini & MacDonald (2009), sec. 6.1: three states of one to four, by AIC and by BIC."""
    chosen = select(
        HiddenMarkov("poisson", start="stationary", n_init=3, random_state=0),
        QUAKES,
        {"n_states": [1, 2, 3, 4]},
    )
    assert chosen.best_settings == {"n_states": 3}


def test_drawn_sequences_are_those_of_the_model(quakes):
    X, states = quakes.sample(4000, random_state=1)
    assert X.shape == (4000, 1)
    share = np.bincount(states, minlength=3) / 4000
    np.testing.assert_allclose(share, quakes.get_stationary_distribution(), atol=0.12)
    assert quakes.sample(3, random_state=1, currstate=2)[1][0] == 2
    for k in range(3):
        own = X[states == k]
        rate = quakes.params_.rates[k, 0]
        assert abs(own.mean() - rate) < 5 * np.sqrt(rate / len(own))


@pytest.mark.parametrize(
    ("settings", "X", "told"),
    [
        ({}, [[1.0], [-2.0], [3.0]], "got -2 at row 1, column 0 for Poisson"),
        ({}, [[1.0], [np.inf]], "inf"),
        ({}, [[np.nan], [np.nan]], "without a single known cell"),
        ({"n_states": 0}, QUAKES, "n_states"),
        ({"transitions": "ring"}, QUAKES, "expected one of left-right, bakis, cyclic"),
        ({"transitions": np.eye(3) > 0}, QUAKES, r"shape \(3, 3\).*expected \(2, 2\)"),
        ({"start": "last"}, QUAKES, "start"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(settings, X, told):
    with pytest.raises(ValueError, match=told):
        HiddenMarkov("poisson", **{"n_states": 2, **settings}).fit(X)


@pytest.mark.parametrize("family", ["gaussian", "categorical", "poisson", "student_t"])
def test_columns_without_a_value_are_refused_whatever_the_family(family):
    model = HiddenMarkov(family, 2, random_state=0)
    with pytest.raises(ValueError, match="without a single known cell"):
        model.fit(np.full((6, 2), np.nan))
    with pytest.raises(ValueError, match="NaN in every row of column 'b'"):
        model.fit(pd.DataFrame({"a": np.ones(6), "b": np.nan}))


def test_frames_have_the_columns_of_the_fit_in_their_order():
    frame = pd.DataFrame({"low": [1, 2, 1, 2], "high": [8, 9, 7, 9]})
    fitted = HiddenMarkov("poisson", 1).fit(frame)
    with pytest.raises(ValueError, match="got the columns high, low, expected low, high as in"):
        fitted.predict(frame[["high", "low"]])
    assert fitted.predict(frame.to_numpy()).tolist() == fitted.predict(frame).tolist()


def test_unseen_symbols_and_other_widths_are_named_at_predict():
    codes = np.array([[0.0], [1.0], [1.0], [0.0]])
    fitted = HiddenMarkov("categorical", 1).fit(codes)
    with pytest.raises(
        ValueError, match="got 2 at row 1, column 0 for Categorical, expected a code"
    ):
        fitted.predict([[0.0], [2.0]])
    with pytest.raises(ValueError, match="sequences of 2 columns, expected 1"):
        fitted.predict(np.zeros((3, 2)))
    with pytest.raises(NotFittedError):
        HiddenMarkov("poisson").predict(codes)


def test_short_sequences_of_every_kind_are_fitted():
    """One step, single steps only, and a whole sequence missing."""
    one = HiddenMarkov("poisson", 1).fit([[4.0]])
    assert one.loglik_ == pytest.approx(4 * np.log(4) - 4 - np.log(24), abs=1e-9)
    singles = [np.array([[c]]) for c in (1.0, 9.0, 2.0, 8.0, 1.0)]
    two = HiddenMarkov("poisson", 2, random_state=0, n_init=2).fit(singles)
    assert np.isfinite(two.loglik_)
    assert np.allclose(two.transmat_.sum(axis=1), 1)
    hollow = [QUAKES[:50], np.full((9, 1), np.nan), QUAKES[50:]]
    with_gap = HiddenMarkov("poisson", 2, random_state=0, n_init=1).fit(hollow)
    without = HiddenMarkov("poisson", 2, random_state=0, n_init=1).fit(hollow[::2])
    assert with_gap.loglik_ == pytest.approx(without.loglik_, abs=1e-2)


def test_fixed_transitions_and_a_limit_that_is_met():
    fitted = HiddenMarkov("poisson", 2, transitions=Fixed(), n_init=1, random_state=0).fit(QUAKES)
    assert fitted.n_parameters_ == 1 + 2
    with pytest.raises(ValueError, match="a model file holds no other constraint"):
        fitted.save("nowhere.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning, match="max_iter"):
            HiddenMarkov("poisson", 3, max_iter=2, n_init=1, random_state=0).fit(QUAKES)


def test_response_times_from_every_seed():
    """The speed data of depmixS4 as one series, recorded from it: one state, and two."""
    times = datasets.load("speed").values[:, 1]
    one = HiddenMarkov("gaussian", 1, em=TIGHT).fit(times)
    assert one.loglik_ == pytest.approx(-305.330940, abs=1e-6)
    for seed in range(20):
        two = HiddenMarkov("gaussian", 2, random_state=seed, em=TIGHT).fit(times)
        assert two.loglik_ == pytest.approx(-88.730584, abs=1e-6)


def test_three_series_of_two_responses():
    """Columns of different kinds; sequences as lengths and by a column that names them."""
    speed = datasets.load("speed")
    frame = pd.DataFrame(speed.values, columns=speed.columns)[["series", "rt", "correct"]]
    kinds = {"rt": "gaussian", "correct": "bernoulli"}
    model = HiddenMarkov(kinds, 2, random_state=0, n_init=2, em=TIGHT)
    by_name = clone(model).fit(frame, id="series")
    by_length = clone(model).fit(frame[["rt", "correct"]], [168, 134, 137])
    assert by_name.fit_.n_units == 3
    assert by_name.loglik_ == pytest.approx(by_length.loglik_, abs=1e-9)
    assert by_name.n_parameters_ == 1 + 2 + 4 + 2
    fast, slow = np.argsort(by_name.params_[0].means[:, 0])
    accuracy = np.ravel(by_name.params_[1][0])
    assert accuracy[slow] > accuracy[fast]  # who answers fast guesses
