"""Short runs of many first guesses at once: the same steps as one by one, and what they leave."""

import numpy as np
import pytest

from latentia import CategoricalHMM, GaussianHMM, HiddenMarkov, PoissonHMM, datasets
from latentia.data.arrays import Rows
from latentia.data.groups import GroupedRows
from latentia.families import making, registry
from latentia.hmm import brief, brief_kernels
from latentia.hmm.chain import smoothed
from latentia.hmm.model import HiddenMarkovModel
from latentia.hmm.start import StateGuesses

QUAKES = datasets.load("earthquakes").values[:, 1:2]


def test_chains_side_by_side_are_each_what_it_is_alone():
    rng = np.random.default_rng(0)
    sizes, k, n_chains = np.array([7, 1, 12]), 3, 5
    weights = np.array([1.0, 2.0, 0.5])
    log_density = rng.normal(size=(20, k, n_chains)) * 3
    start = rng.dirichlet(np.ones(k), size=n_chains).T.copy()
    moves = np.moveaxis(rng.dirichlet(np.ones(k), size=(n_chains, k)), 0, 2).copy()
    resp, loglik = log_density.copy(), np.empty(n_chains)
    begun, pairs = np.empty((k, n_chains)), np.empty((k, k, n_chains))
    offsets = np.array([0, 7, 8, 20])
    brief_kernels.smooth(resp, start, moves, offsets, weights, loglik, begun, pairs)
    for s in range(n_chains):
        alone = smoothed(
            np.ascontiguousarray(log_density[:, :, s]), start[:, s], moves[:, :, s], sizes, weights
        )
        assert loglik[s] == pytest.approx(weights @ alone.loglik, rel=1e-12)
        np.testing.assert_allclose(resp[:, :, s], alone.resp, atol=1e-12)
        np.testing.assert_allclose(begun[:, s], alone.start, atol=1e-12)
        np.testing.assert_allclose(pairs[:, :, s], alone.transitions, atol=1e-12)


def test_a_chain_that_cannot_make_the_steps_has_no_likelihood():
    log_density = np.zeros((3, 1, 2))
    log_density[1, 0, 1] = -np.inf
    loglik, begun, pairs = np.empty(2), np.empty((1, 2)), np.empty((1, 1, 2))
    one = np.ones((1, 2)), np.ones((1, 1, 2))
    brief_kernels.smooth(log_density, *one, np.array([0, 3]), np.ones(1), loglik, begun, pairs)
    np.testing.assert_array_equal(loglik, [0.0, -np.inf])


def model_of(specification, k, x, tries):
    rows = GroupedRows(x, np.ones(1), np.array([len(x)]))
    parts = registry.parts_of(specification, ["count"])
    seen = Rows(x, np.ones(len(x)))
    parts = making.learned(parts, seen, seen)
    asked = brief.Brief(tries, lambda n: making.built(parts, n), 0.0)
    model = HiddenMarkovModel(making.built(parts, k), StateGuesses(k, "random"), brief=asked)
    return model, model.prepare(rows)


@pytest.mark.parametrize("specification", ["poisson", "gaussian"])
def test_a_start_is_far_up_and_its_steps_are_those_of_em(specification, monkeypatch):
    model, chunk = model_of(specification, 3, QUAKES.astype(float), 12)
    before = model.start(chunk, np.random.default_rng(1))
    monkeypatch.setattr(brief, "STEPS", (15, 61))
    after = model.start(chunk, np.random.default_rng(1))
    stepped = model.m_step(model.e_step(before, chunk), before)
    for ours, one_more in zip(
        (after.start, after.transitions, *after.emissions),
        (stepped.start, stepped.transitions, *stepped.emissions),
        strict=True,
    ):
        np.testing.assert_allclose(ours, one_more, rtol=1e-6, atol=1e-6)
    assert (
        model.e_step(before, chunk).loglik
        > model.e_step(
            HiddenMarkovModel(model.family, model.guesses).start(chunk, np.random.default_rng(1)),
            chunk,
        ).loglik
    )


def test_states_that_collapse_do_not_win():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 1))
    x[:6] = 0.25  # a state on these alone has a likelihood without bound
    model = GaussianHMM(3, "full", random_state=0).fit(x)
    assert model.covars_.min() > 0
    assert np.isfinite(model.loglik_)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PoissonHMM(3, startprob_prior=2.0, random_state=0),
        lambda: GaussianHMM(3, "tied", random_state=0),
        lambda: HiddenMarkov("poisson", 3, transitions="cyclic", random_state=0),
        lambda: HiddenMarkov("poisson", 3, start="stationary", random_state=0),
        lambda: HiddenMarkov("negative-binomial", 2, random_state=0),
    ],
)
def test_what_has_something_in_common_starts_guess_by_guess(make):
    model = make().fit(QUAKES)
    assert model.certificate_.n_starts - model.certificate_.n_rearranged > brief.STARTS


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: PoissonHMM(3, random_state=0), QUAKES),
        (lambda: CategoricalHMM(2, random_state=0), (QUAKES > 20).astype(int)),
        (lambda: HiddenMarkov("gaussian", 3, random_state=0), np.log(QUAKES)),
    ],
)
def test_what_has_nothing_in_common_shares_its_guesses_out(make, x):
    model = make().fit(x)
    assert model.certificate_.n_starts - model.certificate_.n_rearranged == brief.STARTS


def test_missing_steps_and_cells_are_left_out():
    rng = np.random.default_rng(5)
    x = rng.normal(np.repeat([0.0, 4.0, 0.0, 4.0], 30)[:, None], 1.0, size=(120, 2))
    x[10:20] = np.nan
    x[50, 0] = np.nan
    model = GaussianHMM(2, random_state=0).fit(x)
    np.testing.assert_allclose(np.sort(model.means_[:, 0]), [0, 4], atol=0.6)
