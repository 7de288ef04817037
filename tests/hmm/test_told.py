"""Steps of whose states something is known, beside a sum over the paths that are left."""

import numpy as np
import pandas as pd
import pytest

from latentia import EM, HiddenMarkov, PoissonHMM, check_model, datasets
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.data.sequences import Ragged
from latentia.hmm.model import HiddenMarkovParams
from latentia.hmm.start import StateGuesses
from latentia.hmm.told import Told, told

from .kinds import ROWS, model_of, with_missing
from .paths import enumerated

QUAKES = datasets.load("earthquakes").values[:, 1:]
SIZES = np.array([6, 1, 4, 7, 2])
N = int(SIZES.sum())


def some(kind, seed=0):
    """A model, rows with holes and what is known of their states, at random parameters."""
    rng = np.random.default_rng(seed)
    whole = ROWS[kind]()[:N]
    model = model_of(kind, whole, 3)
    model.guesses = StateGuesses(3, "random")
    x = with_missing(whole, model.family.takes_missing)
    allowed = rng.uniform(size=(N, 3)) < 0.6
    allowed[~allowed.any(axis=1)] = True
    source = GroupedSource(GroupedRows(x, rng.gamma(2.0, size=5), SIZES))
    return *told(model, source, Ragged(x, SIZES), None, allowed), allowed, rng


@pytest.mark.parametrize("kind", ["poisson", "multinomial", "gaussian", "categorical"])
def test_paths_through_other_states_are_left_out(kind):
    model, source, allowed, rng = some(kind)
    (chunk,) = source.chunks()
    start, moves = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), size=3)
    made = model.start(model.prepare(chunk), rng).emissions
    params = HiddenMarkovParams(start, moves, made)
    known = model.posterior(params, chunk)
    inner, x = model.family.family, chunk.x[:, :-1]
    logs, hollow = np.zeros((N, 3)), np.isnan(x).all(axis=1)
    logs[~hollow] = inner.log_density(made, x[~hollow])
    logs[~allowed] = -np.inf
    for first, size, each in zip(chunk.starts, SIZES, known.log_density, strict=True):
        own = slice(first, first + size)
        by_hand = enumerated(start, moves, logs[own])
        assert each == pytest.approx(by_hand.loglik, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(known.resp[own], by_hand.resp, atol=1e-10)


@pytest.mark.parametrize("kind", ["poisson", "gaussian(covariance_type='diag')"])
def test_what_is_known_keeps_the_contract(kind):
    model, source, _, _ = some(kind)
    check_model(model, source, 1, points=1)


def test_with_all_states_known_the_fit_is_a_count():
    """Rates are means of each state's counts, transitions shares: no hidden state is left."""
    z = np.clip((QUAKES[:, 0] > 15).astype(int) + (QUAKES[:, 0] > 22), 0, 2)
    model = HiddenMarkov("poisson", 3, random_state=0, em=EM(tol=1e-10)).fit(QUAKES, states=z)
    means = [QUAKES[z == k].mean() for k in range(3)]
    np.testing.assert_allclose(model.params_.rates[:, 0], means, rtol=1e-8)
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (z[:-1], z[1:]), 1)
    np.testing.assert_allclose(model.transmat_, pairs / pairs.sum(axis=1)[:, None], atol=1e-8)


def test_some_known_states_number_the_others_and_errors_count_them():
    known = np.full(107, np.nan)
    known[:3], known[40:45] = 1, 0
    free = HiddenMarkov("poisson", 2, random_state=0, em=EM(tol=1e-8)).fit(QUAKES)
    model = HiddenMarkov("poisson", 2, random_state=0, em=EM(tol=1e-8)).fit(QUAKES, states=known)
    assert model.params_.rates[0, 0] > model.params_.rates[1, 0]
    assert model.loglik_ < free.loglik_ + 1e-6
    assert model.n_parameters_ == free.n_parameters_
    assert np.isfinite(model.standard_errors().emissions.rates).all()
    assert str(model.summary())
    same = PoissonHMM(2, random_state=0, em=EM(tol=1e-8)).fit(QUAKES, states=known)
    assert same.loglik_ == pytest.approx(model.loglik_, abs=1e-6)


def test_states_follow_rows_that_a_frame_orders():
    frame = pd.DataFrame({"who": [1, 2, 1, 2, 1], "t": [3, 1, 1, 2, 2], "y": [9.0, 1, 2, 8, 7]})
    made = HiddenMarkov("poisson", 2, random_state=0)
    by_frame = made.fit(frame, id="who", time="t", states=[1, 0, 0, 1, -1]).loglik_
    x = [np.array([2.0, 7, 9]), np.array([1.0, 8])]
    by_list = made.fit(x, states=[np.array([0, -1, 1]), np.array([0, 1])]).loglik_
    assert by_frame == pytest.approx(by_list, abs=1e-9)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"states": [0, 1]}, r"states of shape \(2,\), expected \(107,\): one state a step"),
        ({"states": np.full(107, 2)}, "expected a state from 0 to 1"),
        ({"allowed": np.zeros((107, 2), bool)}, "some state for every"),
        ({"states": np.zeros(107), "allowed": np.ones((107, 2))}, "got states and allowed"),
    ],
)
def test_what_makes_no_sense_is_refused(told, sentence):
    with pytest.raises(ValueError, match=sentence):
        HiddenMarkov("poisson", 2).fit(QUAKES, **told)


def test_new_rows_of_a_bootstrap_know_as_much():
    sorts = np.array([[True, False, False], [False, True, False], [True, True, False]])
    family = Told(model_of("poisson", QUAKES, 3).family, sorts)
    params = family.start(np.column_stack([QUAKES, np.full(107, np.nan)]), np.full((107, 3), 1 / 3))
    x = np.column_stack([QUAKES[:4], [0.0, np.nan, 2.0, 0.0]])
    new = family.redraw(params, x, np.array([1, 2, 0, 2]), np.random.default_rng(0))
    np.testing.assert_array_equal(new[:, -1], [1.0, np.nan, 2.0, np.nan])
