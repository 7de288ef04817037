"""`HiddenSemiMarkov` beside a hidden Markov model, states drawn, and what it refuses."""

import numpy as np
import pytest
from sklearn.base import clone

import latentia
from latentia import HiddenMarkov, HiddenSemiMarkov, datasets
from latentia.hmm.durations.laws import LAWS

EARTHQUAKES = datasets.load("earthquakes").values[:, 1]


def spells(n, seed, shape=8.0, means=(6.0, 15.0)):
    """Counts of rates 1 and 6 in spells of gamma-distributed lengths, rounded up, and states."""
    rng, states = np.random.default_rng(seed), []
    state = 0
    while len(states) < n:
        states += [state] * int(np.ceil(rng.gamma(shape, means[state] / shape)))
        state = 1 - state
    path = np.array(states[:n])
    return rng.poisson(np.where(path, 6.0, 1.0)).astype(float), path


def test_geometric_durations_are_a_hidden_markov_model():
    ours = HiddenSemiMarkov("poisson", 2, durations="geometric", n_init=4, random_state=0)
    ours.fit(EARTHQUAKES)
    # hmmlearn's data at the maximum, recomputed to convergence: -341.878701
    assert ours.loglik_ == pytest.approx(-341.878701, abs=5e-6)
    other = HiddenMarkov("poisson", 2, tol=1e-8, random_state=0).fit(EARTHQUAKES)
    assert ours.n_parameters_ == other.n_parameters_ == 5
    stay = np.exp(-ours.duration_params_.rates[:, 0])
    order = np.argsort(ours.emission_params_.rates[:, 0])
    theirs = np.argsort(other.params_.rates[:, 0])
    np.testing.assert_allclose(stay[order], other.transmat_.diagonal()[theirs], rtol=1e-4)
    np.testing.assert_array_equal(
        np.argsort(order)[ours.predict(EARTHQUAKES)],
        np.argsort(theirs)[other.predict(EARTHQUAKES)],
    )


def test_durations_states_and_rates_are_found_again():
    x, path = spells(3000, 1)
    model = HiddenSemiMarkov("poisson", 2, durations="gamma", max_duration=60, n_init=2)
    model.set_params(random_state=0).fit(x)
    assert model.converged_
    order = np.argsort(model.emission_params_.rates[:, 0])
    np.testing.assert_allclose(model.emission_params_.rates[order, 0], [1, 6], rtol=0.08)
    # a gamma time rounded up lasts about half a step more
    np.testing.assert_allclose(model.mean_durations_[order], [6.5, 15.5], rtol=0.06)
    assert (np.argsort(order)[model.predict(x)] == path).mean() > 0.97
    table = {e.name: e for e in model.parameter_table()}
    for k in range(2):
        shape = table[f"shape[{k}, duration]"]
        assert abs(shape.value - 8.0) < 4 * shape.se
    chain = HiddenMarkov("poisson", 2, random_state=0, n_init=2).fit(x)
    assert model.criteria()["bic"] < chain.criteria()["bic"] - 100


@pytest.mark.parametrize("law", LAWS)
def test_every_law_climbs_and_is_drawn_from(law, tmp_path):
    x, _ = spells(250, 2)
    model = HiddenSemiMarkov("poisson", 2, durations=law, max_duration=40, n_init=1)
    model.set_params(random_state=0).fit([x[:150], x[150:]])
    assert model.certificate_.monotone
    share = model.duration_probabilities()
    assert share.shape == (150, 2)
    np.testing.assert_allclose(share.sum(axis=0), 1.0, atol=1e-3)
    np.testing.assert_allclose(np.arange(1, 151) @ share, model.mean_durations_, rtol=0.02)
    drawn, path = model.sample(4000, random_state=0)
    assert drawn.shape == (4000, 1)
    runs = np.flatnonzero(np.diff(path)) + 1
    lengths, own = np.diff(runs), path[runs[:-1]]
    for k in range(2):
        spread = lengths[own == k].std() / np.sqrt((own == k).sum())
        assert abs(lengths[own == k].mean() - model.mean_durations_[k]) < 4 * spread + 0.02
    model.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.score([x[:150], x[150:]]) == pytest.approx(model.loglik_, abs=1e-9)
    assert again.described() == model.described()


def test_parameters_are_counted():
    x, _ = spells(120, 0)
    x3 = np.where(np.arange(120) % 30 < 4, 20.0, x)
    counts = {"poisson": 3, "negative_binomial": 6, "gamma": 6, "geometric": 3, "free": 3 * 24}
    for law, n in counts.items():
        model = HiddenSemiMarkov("poisson", 3, durations=law, max_duration=25, n_init=1)
        model.set_params(random_state=0, max_iter=3)
        with pytest.warns(UserWarning, match="max_iter"):
            model.fit(x3)
        assert model.n_parameters_ == 2 + 3 + 3 + n  # start, moves of two freedoms a pair, rates


def test_missing_steps_are_bridged_and_weights_are_repetition():
    x, path = spells(400, 3)
    holes = x.copy()
    holes[np.random.default_rng(0).uniform(size=400) < 0.2] = np.nan
    model = HiddenSemiMarkov("poisson", 2, durations="poisson", max_duration=50, n_init=2)
    model.set_params(random_state=0).fit(holes)
    order = np.argsort(np.argsort(model.emission_params_.rates[:, 0]))
    assert (order[model.predict(holes)] == path).mean() > 0.93
    parts = [x[:100], x[100:250]]
    weighted = clone(model).set_params(tol=1e-8).fit(parts, sample_weight=[1, 2])
    repeated = clone(model).set_params(tol=1e-8).fit([*parts, parts[1]])
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-6)


def test_longer_sequences_than_those_of_the_fit_are_decoded():
    x, path = spells(600, 5)
    model = HiddenSemiMarkov("poisson", 2, durations="poisson", n_init=2, random_state=0)
    model.fit(x[:80])
    order = np.argsort(np.argsort(model.emission_params_.rates[:, 0]))
    assert (order[model.predict(x)] == path).mean() > 0.95


@pytest.mark.parametrize(
    ("settings", "x", "sentence"),
    [
        ({"durations": "sometimes"}, EARTHQUAKES, "durations"),
        ({"n_states": 1}, EARTHQUAKES, "n_states"),
        ({}, [1.0, -2.0, 3.0, 4.0], "-2"),
        ({}, [np.nan, np.nan], "without a single known cell"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(settings, x, sentence):
    with pytest.raises(ValueError, match=sentence):
        HiddenSemiMarkov("poisson", **settings).fit(x)


@pytest.fixture(scope="module")
def rounds():
    """A cycle of three states of known rates, drawn."""
    rng = np.random.default_rng(5)
    state, path = 0, []
    while len(path) < 240:
        path += [state] * int(1 + rng.poisson((3, 5, 2)[state]))
        state = (state + 1) % 3
    return rng.poisson(np.array([1.0, 6.0, 20.0])[path]), np.array(path)


def test_forbidden_moves_and_known_rates_are_kept_and_not_counted(rounds, tmp_path):
    x, path = rounds
    rates = np.array([[1.0], [6.0], [20.0]])
    told = {"transitions": "cyclic", "held": {"rates": rates}, "durations": "poisson"}
    model = HiddenSemiMarkov("poisson", 3, **told, n_init=2, random_state=0).fit(x)
    np.testing.assert_array_equal(model.transmat_, np.roll(np.eye(3), 1, axis=1))
    np.testing.assert_array_equal(model.emission_params_.rates, rates)
    assert model.n_parameters_ + len(model.certificate_.on_boundary) >= 2 + 3
    assert model._n_free() == 2 + 3  # the start and the durations
    free = HiddenSemiMarkov("poisson", 3, durations="poisson", n_init=2, random_state=0).fit(x)
    assert free._n_free() == 2 + 3 + 3 + 3
    assert model.loglik_ <= free.loglik_ + 1e-6
    assert (model.predict(x) == path).mean() > 0.9
    names = [e.name for e in model.parameter_table()]
    assert "transition[0, 1]" in names
    assert "transition[0, 2]" not in names
    model.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    assert again.score(x) == pytest.approx(model.loglik_, abs=1e-9)
    np.testing.assert_array_equal(again.held["rates"], rates)
    np.testing.assert_allclose(again.forecast(x, steps=2).mean(), model.forecast(x, steps=2).mean())
    assert np.isfinite(model.pseudo_residuals(x).middle).all()
    np.testing.assert_array_equal(model.state_means(), rates)


def test_an_array_of_moves_is_carried_by_a_file(rounds, tmp_path):
    x, _ = rounds
    known = np.array([[0.0, 1.0, 0.0], [0.1, 0.0, 0.9], [np.nan, np.nan, 0.0]])
    model = HiddenSemiMarkov("poisson", 3, durations="poisson", transitions=known, n_init=1)
    model.set_params(random_state=0).fit(x)
    np.testing.assert_array_equal(model.transmat_[:2], known[:2])
    model.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.transitions, known)
    assert again.n_parameters_ == model.n_parameters_


@pytest.mark.parametrize(
    ("transitions", "sentence"),
    [
        (np.eye(3, dtype=bool), "from state 0 to itself"),
        ("left-right", "some state follows every one"),
        (np.zeros((3, 3), dtype=bool), "a True in every row"),
        (np.ones((2, 2)), "shape"),
    ],
)
def test_moves_that_make_no_sense_are_refused(rounds, transitions, sentence):
    with pytest.raises(ValueError, match=sentence):
        HiddenSemiMarkov("poisson", 3, transitions=transitions).fit(rounds[0])


def test_states_are_decoded_together_or_each_by_itself(rounds):
    x, _ = rounds
    model = HiddenSemiMarkov("poisson", 3, durations="poisson", n_init=1, random_state=0).fit(x)
    shares = model.predict_proba(x)
    height, states = model.decode(x, algorithm="map")
    np.testing.assert_array_equal(states, shares.argmax(axis=1))
    assert height == pytest.approx(shares.max(axis=1).sum())
    np.testing.assert_array_equal(model.decode(x, algorithm="viterbi")[1], model.predict(x))
    with pytest.raises(ValueError, match="expected 'viterbi' or 'map'"):
        model.decode(x, algorithm="best")
