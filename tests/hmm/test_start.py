"""Where chains start: paths that last, stretches of time, and how often the best top is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia import EM, HiddenMarkov, datasets
from latentia.data.groups import GroupedRows
from latentia.engine import tree
from latentia.engine.space import Simplex
from latentia.families import making
from latentia.hmm.chains import FreeStart
from latentia.hmm.model import HiddenMarkovModel
from latentia.hmm.start import StateGuesses, stretches, walk

from .kinds import parts_of

QUAKES = datasets.load("earthquakes").values[:, 1:]
sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6).map(np.array)


@given(sizes, st.integers(1, 5))
def test_a_stretch_is_of_one_sequence_and_no_longer_than_asked(each, length):
    place = stretches(each, length)
    whose = np.repeat(np.arange(len(each)), each)
    assert (np.diff(place) >= 0).all()
    for one in np.unique(place):
        assert len(np.unique(whose[place == one])) == 1
        assert (place == one).sum() <= length
    assert len(np.unique(place)) == sum(-(-size // length) for size in each)


@settings(deadline=None)
@given(sizes, st.integers(0, 2**32 - 1))
def test_a_walk_has_states_that_last(each, seed):
    rng = np.random.default_rng(seed)
    assert set(walk(each, 3, 5.0, rng)) <= {0, 1, 2}
    many = walk(np.array([5000]), 4, 10.0, rng)
    changes = (np.diff(many) != 0).mean()
    expected = 0.75 / 10
    assert abs(changes - expected) < 5 * np.sqrt(expected / 5000)


def test_guesses_at_paths_start_inside_the_constraints():
    parts = parts_of("poisson", QUAKES)
    shape = Simplex(np.triu(np.ones((3, 3), bool)))
    chain = FreeStart(3, transitions=shape)
    model = HiddenMarkovModel(making.built(parts, 3), StateGuesses(3, "kmeans"), chain)
    x = np.array(QUAKES)
    x[3:6] = np.nan
    chunk = model.prepare(GroupedRows(x, np.array([1.0, 2.0]), np.array([60, 47])))
    for child in np.random.SeedSequence(1).spawn(5):
        made = model.start(chunk, np.random.default_rng(child))
        assert (made.transitions[~shape.support] == 0).all()
        np.testing.assert_allclose(made.transitions.sum(axis=1), 1)
        assert all(np.isfinite(leaf).all() for leaf in tree.leaves(made))
        assert np.isfinite(model.e_step(made, chunk).loglik)


def test_states_that_differ_in_spread_alone_are_found():
    """k-means sees one cluster: stretches of time show two, and the truth is not higher."""
    rng = np.random.default_rng(3)
    z = np.repeat([0, 1, 0, 1], 60)
    x = rng.normal(size=(240, 1)) * np.where(z, 4.0, 1.0)[:, None]
    model = HiddenMarkov("gaussian", 2, random_state=0).fit(x)
    assert max((model.predict(x) == z).mean(), (model.predict(x) != z).mean()) > 0.95


@pytest.mark.parametrize(("states", "best"), [(2, -342.3183), (3, -329.4603), (4, -327.8316)])
def test_the_published_tops_of_the_earthquakes_are_found(states, best):
    """Stationary starts; Zucchini & MacDonald (2009) print them to three digits."""
    model = HiddenMarkov("poisson", states, start="stationary", random_state=states).fit(QUAKES)
    assert model.loglik_ == pytest.approx(best, abs=2e-3)


def test_a_bad_top_is_left_by_merging_and_splitting():
    """Two states in one place and one in two: plain EM stays, rearranged it does not."""
    rng = np.random.default_rng(0)
    z = np.repeat([0, 1, 2], 50)
    x = np.array([-20.0, 0.0, 20.0])[z][:, None] + rng.normal(size=(150, 1))
    parts = parts_of("gaussian(covariance_type='diag')", x)
    model = HiddenMarkovModel(making.built(parts, 3), StateGuesses(3, "kmeans"), FreeStart(3))
    chunk = model.prepare(GroupedRows(x, np.ones(1), np.array([150])))
    wrong = np.eye(3)[np.where(z == 0, rng.integers(0, 2, size=150), 2)]
    start = model.made_of(chunk, wrong)
    stuck = EM(tol=1e-4).fit(model, chunk, 0, start=start)
    moved = [
        EM(tol=1e-4).fit(model, chunk, 0, start=one).loglik
        for one in model.rearrangements(stuck.params, chunk, rng)
    ]
    assert stuck.loglik < max(moved) - 100
