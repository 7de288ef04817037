"""Mixtures of hidden Markov models beside sums over clusters and paths, and clusters drawn."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

import latentia
from latentia import EM, HiddenMarkov, HiddenMarkovMixture, Mixture, check_model
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.engine import tree
from latentia.families import NegativeBinomial, Poisson
from latentia.hmm.clusters import start
from latentia.hmm.clusters.model import ClusteredChains
from latentia.hmm.model import HiddenMarkovParams
from latentia.mixture.start_general import GeneralGuesses

SIZES = np.array([6, 1, 4, 5, 3])
N = int(SIZES.sum())


def some(g=2, k=2, family=Poisson, seed=0):
    """A model, sequences with a missing step, and parameters at random."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(3.0, size=(N, 1)).astype(float)
    x[2] = np.nan
    model = ClusteredChains(family(g * k), g, GeneralGuesses(k, "random"), family(k))
    chunk = GroupedRows(x, rng.gamma(2.0, size=len(SIZES)), SIZES)
    made = model.start(chunk, rng)
    block = np.kron(np.eye(g), np.ones((k, k))) > 0
    moves = np.where(block, rng.gamma(1.0, size=block.shape), 0.0)
    moves /= moves.sum(axis=1, keepdims=True)
    params = HiddenMarkovParams(rng.dirichlet(np.ones(g * k)), moves, made.emissions)
    return model, chunk, params


def by_hand(start, moves, logs):
    """Log-probabilities of all paths of one chain, and the paths."""
    n, k = logs.shape
    paths = np.array(list(product(range(k), repeat=n)))
    heights = np.log(start)[paths[:, 0]] + logs[np.arange(n), paths].sum(axis=1)
    return heights + np.log(moves)[paths[:, :-1], paths[:, 1:]].sum(axis=1), paths


@pytest.mark.parametrize(("g", "k"), [(2, 2), (3, 2), (2, 3), (1, 2), (3, 1)])
def test_likelihood_clusters_and_states_are_sums_over_all_of_them(g, k):
    model, chunk, params = some(g, k)
    known, best = model.posterior(params, chunk), model.decoded(params, chunk)
    logs, suff = np.zeros((N, g * k)), model.e_step(params, chunk)
    seen = ~np.isnan(chunk.x[:, 0])
    logs[seen] = model.family.log_density(params.emissions, chunk.x[seen])
    loglik, moves, begun = 0.0, np.zeros((g * k, g * k)), np.zeros(g * k)
    for s, (first, size) in enumerate(zip(chunk.starts, SIZES, strict=True)):
        own = slice(first, first + size)
        heights, paths = [], []
        for c in range(g):
            b = slice(c * k, (c + 1) * k)
            found, states = by_hand(params.start[b], params.transitions[b, b], logs[own, b])
            heights.append(found)
            paths.append(states + c * k)
        total = logsumexp(np.concatenate(heights))
        assert known.log_density[s] == pytest.approx(total, rel=1e-12, abs=1e-10)
        shares = [np.exp(logsumexp(each) - total) for each in heights]
        np.testing.assert_allclose(known.clusters[s], shares, atol=1e-10)
        flat, every = np.exp(np.concatenate(heights) - total), np.concatenate(paths)
        resp = np.stack([np.bincount(every[:, t], flat, minlength=g * k) for t in range(size)])
        np.testing.assert_allclose(known.resp[own], resp, atol=1e-10)
        top = int(np.argmax(flat))
        np.testing.assert_array_equal(best.states[own], every[top])
        loglik += chunk.weights[s] * total
        begun += chunk.weights[s] * resp[0]
        for t in range(size - 1):
            np.add.at(moves, (every[:, t], every[:, t + 1]), chunk.weights[s] * flat)
    assert suff.loglik == pytest.approx(loglik, rel=1e-12)
    np.testing.assert_allclose(suff.stats.start, begun, atol=1e-10)
    np.testing.assert_allclose(suff.stats.transitions, moves, atol=1e-10)


@pytest.mark.parametrize(
    ("g", "k", "family"), [(2, 2, Poisson), (3, 1, Poisson), (2, 2, NegativeBinomial)]
)
def test_the_contract_is_kept(g, k, family):
    model, chunk, _ = some(g, k, family)
    check_model(model, chunk, 1, points=1)


def test_clusters_that_a_long_sequence_is_not_of_do_not_fade():
    model, _, params = some()
    rates = np.array([[1.0], [2.0], [60.0], [90.0]])
    params = params._replace(emissions=tree.rebuild(params.emissions, [rates]))
    x = np.random.default_rng(0).poisson(70.0, size=(2000, 1)).astype(float)
    known = model.posterior(params, GroupedRows(x, np.ones(1), np.array([2000])))
    assert np.isfinite(known.log_density).all()
    np.testing.assert_allclose(known.clusters, [[0.0, 1.0]])


def drawn(m, length, seed=0):
    """Normal sequences of two kinds: the same states, which last or alternate."""
    rng = np.random.default_rng(seed)
    label, rows = rng.integers(2, size=m), []
    for kind in label:
        stay, state, steps = (0.9, 0.2)[kind], int(rng.integers(2)), []
        for _ in range(length):
            steps.append(state)
            state = state if rng.uniform() < stay else 1 - state
        rows.append(np.array(steps) * 2.0 + 0.7 * rng.normal(size=length))
    return rows, label


@pytest.fixture(scope="module")
def found():
    rows, label = drawn(60, 40)
    model = HiddenMarkovMixture("gaussian(covariance_type='tied')", 2, 2, n_init=6, random_state=0)
    return model.fit(rows), rows, label


def test_clusters_and_chains_are_found_again(found):
    model, rows, label = found
    assert model.converged_
    assert model.certificate_.monotone
    assert adjusted_rand_score(label, model.predict_clusters(rows)) > 0.95
    assert model.weights_.sum() == pytest.approx(1.0)
    stays = np.sort(model.transmat_.diagonal())
    np.testing.assert_allclose(stays, [0.2, 0.2, 0.9, 0.9], atol=0.06)
    shares = model.predict_clusters_proba(rows)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(shares.argmax(axis=1), model.predict_clusters(rows))
    states = np.concatenate(np.split(model.predict(rows), 60))
    assert set(states[:40] // 2) <= {0, 1}
    assert model.n_parameters_ == 3 + 4 + 4 + 1  # start, transitions, means, one variance
    one = HiddenMarkov("gaussian(covariance_type='tied')", 2, random_state=0, n_init=2).fit(rows)
    assert model.criteria()["bic"] < one.criteria()["bic"] - 50


def test_standard_errors_hold_the_truth(found):
    model, _, _ = found
    for e in model.parameter_table():
        if e.name.startswith("transition"):
            i, j = map(int, e.name[11:-1].split(", "))
            if i == j:
                truth = 0.9 if e.value > 0.5 else 0.2
                assert abs(e.value - truth) < 4 * e.se < 0.3


def test_files_carry_all_of_it(found, tmp_path):
    model, rows, _ = found
    model.save(tmp_path / "m.safetensors")
    again = latentia.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_clusters(rows), model.predict_clusters(rows))
    assert again.score(rows) == pytest.approx(model.loglik_, abs=1e-9)
    np.testing.assert_allclose(again.score_sequences(rows).sum(), model.loglik_)
    assert "2 clusters of sequences" in str(again.summary())
    x, states = again.sample(500, random_state=1)
    assert x.shape == (500, 1)
    assert len(set(states // 2)) == 1  # one sequence is of one cluster


def test_chains_made_of_single_sequences_tell_clusters_apart(found):
    fitted, rows, label = found
    model = fitted._model()
    x = np.concatenate(rows)[:, None]
    chunk = model.prepare(GroupedRows(x, np.ones(60), np.full(60, 40)))
    rng = np.random.default_rng(0)
    params = start.pooled(model.single, chunk, rng)
    told = start.likelihoods(model.single, params, chunk, 8, rng)
    assert told.shape == (60, 8)
    np.testing.assert_allclose(told.sum(axis=1), 0.0, atol=1e-10)
    assert adjusted_rand_score(label, start.nearest(told, chunk.weights, 2, rng)) > 0.9


@pytest.mark.parametrize("kind", start.KINDS)
@pytest.mark.parametrize("apart", [False, True])
def test_every_kind_of_start_is_inside_the_space(kind, apart, monkeypatch):
    model, chunk, _ = some(2, 2)
    monkeypatch.setattr(start, "kind_of", lambda _: kind)
    monkeypatch.setattr(start, "apart", lambda _: apart)
    made = model.start(chunk, np.random.default_rng(1))
    for value, constraint in zip(tree.leaves(made), tree.leaves(model.space), strict=True):
        assert constraint.violation(value, value) is None
    assert np.isfinite(model.e_step(made, chunk).loglik)


@pytest.mark.parametrize(("g", "k"), [(3, 2), (2, 3), (1, 3), (3, 1)])
def test_rearranged_clusters_are_inside_the_space(g, k):
    model, chunk, params = some(g, k)
    made = list(model.rearrangements(params, model.prepare(chunk), np.random.default_rng(0)))
    assert made or (g < 3 and k == 1)
    for one in made:
        for value, constraint in zip(tree.leaves(one), tree.leaves(model.space), strict=True):
            assert constraint.violation(value, value) is None
        assert np.isfinite(model.e_step(one, chunk).loglik)


def test_two_clusters_that_one_covers_are_found_by_rearranging():
    """Three kinds of counts; a climb begins with two clusters for one kind, and one for two."""
    rng = np.random.default_rng(2)
    rates, kinds = np.array([[1.0, 4.0], [10.0, 16.0], [30.0, 45.0]]), np.repeat([0, 1, 2], 8)
    paths = rng.integers(2, size=(24, 15))
    x = rng.poisson(rates[kinds[:, None], paths]).reshape(-1, 1).astype(float)
    model = ClusteredChains(Poisson(6), 3, GeneralGuesses(2, "kmeans"), Poisson(2))
    chunk = model.prepare(GroupedRows(x, np.ones(24), np.full(24, 15)))
    wrong = np.where(kinds == 0, np.arange(24) % 2, 2)
    states = np.tile(np.eye(2)[paths.ravel()], 3)
    begin = model.of_guess(states, np.eye(3)[wrong], chunk)
    source = GroupedSource(GroupedRows(x, np.ones(24), np.full(24, 15)))
    stuck = EM().fit(model, source, 0, start=begin)
    moved = model.rearrangements(stuck.params, chunk, np.random.default_rng(0))
    best = max((EM().fit(model, source, 0, start=one) for one in moved), key=lambda f: f.loglik)
    assert adjusted_rand_score(kinds, model.posterior(stuck.params, chunk).clusters.argmax(1)) < 0.9
    assert adjusted_rand_score(kinds, model.posterior(best.params, chunk).clusters.argmax(1)) == 1.0
    assert best.loglik > stuck.loglik + 10


def test_steps_to_come_and_residuals_mix_the_clusters(found):
    model, rows, _ = found
    few = [rows[0], rows[1][:7], rows[2]]
    made, shares = model.forecast(few, steps=3), model.predict_clusters_proba(few)
    others = model.pseudo_residuals(few)
    (means,), sd = model.params_.emissions.means.T, np.sqrt(model.params_.emissions.covariances)
    at = np.cumsum([0] + [len(row) for row in few])
    for s, y in enumerate(few):
        expected, below, p = np.zeros((3, 4)), np.zeros(len(y)), shares[s]
        for g in range(2):
            b = slice(2 * g, 2 * g + 2)
            start = model.startprob_[b] / model.startprob_[b].sum()
            move = model.transmat_[b, b]
            like = np.exp(-(((y[:, None] - means[b]) / sd.item()) ** 2) / 2)
            forward = start * like[0]
            for t in range(1, len(y)):
                forward = (forward / forward.sum()) @ move * like[t]
            here = forward / forward.sum()
            for h in range(3):
                here = here @ move
                expected[h, b] = p[g] * here
        np.testing.assert_allclose(made.states[3 * s : 3 * s + 3], expected, atol=1e-10)
        np.testing.assert_allclose(made.mean()[3 * s : 3 * s + 3, 0], expected @ means, atol=1e-10)
        for t in (0, 4):  # the step taken out, by what the model says of it then
            hidden = y.copy()
            hidden[t] = np.nan
            known = model.predict_proba([hidden])[t]
            below = known @ norm.cdf(y[t], means, sd.item())
            assert others.upper[at[s] + t, 0] == pytest.approx(below, abs=1e-10)
    with pytest.raises(ValueError, match="got steps=0"):
        model.forecast(few, steps=0)


def test_one_cluster_is_a_hidden_markov_model():
    rows, _ = drawn(8, 30, seed=1)
    ours = HiddenMarkovMixture("gaussian", 1, 2, n_init=3, random_state=0, tol=1e-8).fit(rows)
    other = HiddenMarkov("gaussian", 2, n_init=3, random_state=0, tol=1e-8).fit(rows)
    assert ours.loglik_ == pytest.approx(other.loglik_, abs=1e-6)
    assert ours.n_parameters_ == other.n_parameters_


def test_sequences_of_one_step_are_a_mixture():
    x = np.concatenate([np.random.default_rng(0).poisson(r, size=150) for r in (2, 12)])
    ours = HiddenMarkovMixture("poisson", 2, 1, n_init=3, random_state=0, tol=1e-8)
    ours.fit(x, np.ones(300, dtype=int))
    mixed = Mixture("poisson", 2, random_state=0, tol=1e-8, n_init=3).fit(x[:, None])
    assert ours.loglik_ == pytest.approx(mixed.loglik_, abs=1e-6)
    np.testing.assert_allclose(np.sort(ours.weights_), np.sort(mixed.weights_), atol=1e-3)


def test_weights_are_repetition():
    rows, _ = drawn(10, 15, seed=2)
    model = HiddenMarkovMixture("gaussian", 2, 1, n_init=2, random_state=0, tol=1e-8)
    weighted = clone(model).fit(rows, sample_weight=[2] + [1] * 9)
    repeated = clone(model).fit([*rows, rows[0]])
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, abs=1e-6)


def test_too_few_sequences_are_refused():
    with pytest.raises(ValueError, match="got 1 sequences for n_clusters=2"):
        HiddenMarkovMixture("poisson", 2).fit([1.0, 2.0, 4.0])
