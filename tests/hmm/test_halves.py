"""One long sequence in parts: from both ends, with and without what was computed kept."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import norm

from latentia import GaussianHMM, HiddenMarkov, load
from latentia.data.arrays import SAMPLE
from latentia.data.groups import GroupedRows
from latentia.engine import tree
from latentia.engine.backend import Threads
from latentia.engine.evaluator import Evaluator
from latentia.hmm import expected, halves
from latentia.hmm.chains import FreeStart
from latentia.hmm.model import HiddenMarkovModel, HiddenMarkovParams
from latentia.hmm.seen import STRETCHES

from .kinds import ROWS, model_of, with_missing
from .test_chain import in_logs


@pytest.fixture
def small(monkeypatch):
    """Blocks of a few steps, and sequences that go in parts however short they are."""
    monkeypatch.setattr(halves, "BLOCK", 16)
    monkeypatch.setattr(halves, "SHORTEST", 4)
    monkeypatch.setattr(expected, "LONG", 8)


def chain_of(kind, k, rng):
    """Transitions without zeros, with structural ones, and with one that is next to nothing."""
    a = rng.dirichlet(np.ones(k), size=k)
    if kind == "left-right":
        a = np.triu(a)
    if kind == "faint":
        a[0, -1] = 1e-150
    return rng.dirichlet(np.ones(k)), a / a.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", ["dense", "left-right", "faint"])
@pytest.mark.parametrize("k", [1, 2, 5, 33])
def test_both_ends_meet_as_one_pass_in_logarithms(small, k, kind, checkpointing):
    rng = np.random.default_rng(k)
    for n in (2, 3, 37, 150):
        log_density, x = 4 * rng.normal(size=(n, k)), rng.normal(size=(n, 2))
        start, a = chain_of(kind, k, rng)
        steps = halves.Steps(
            n,
            lambda first, last, rows=log_density: rows[first:last],
            lambda first, last, resp, x=x: resp.T @ x[first:last],
        )
        made = halves.counted(steps, start, a, 1.7, checkpointing=checkpointing)
        loglik, resp, pairs = in_logs(start, a, log_density)
        assert made.loglik == pytest.approx(loglik, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(made.start, 1.7 * resp[0], atol=1e-10)
        np.testing.assert_allclose(made.transitions, 1.7 * pairs, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(made.emissions, 1.7 * resp.T @ x, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", ROWS)
def test_every_family_in_parts_is_as_it_is_whole(small, kind, checkpointing):
    """With holes, with zeros among the transitions, and a short sequence beside the long ones."""
    rng = np.random.default_rng(0)
    whole = ROWS[kind]()
    model = model_of(kind, whole, 3)
    x = with_missing(whole, model.family.takes_missing)
    x[8:20] = np.nan  # whole blocks of which nothing is known
    chunk = GroupedRows(x, np.array([1.5, 0.5, 1.0]), np.array([25, 3, 12]))
    params = model.start(model.prepare(chunk), rng)
    _, a = chain_of("left-right", 3, rng)
    params = params._replace(transitions=a)
    parted = HiddenMarkovModel(model.family, model.guesses, FreeStart(3), None, checkpointing)
    got = parted.e_step(params, chunk)
    log_density = model.log_density(params, chunk)
    resp, loglik, pairs = np.empty((40, 3)), 0.0, np.zeros((3, 3))
    for begin, end, w in ((0, 25, 1.5), (25, 28, 0.5), (28, 40, 1.0)):
        one, known, moved = in_logs(params.start, a, log_density[begin:end])
        loglik, pairs = loglik + w * one, pairs + w * moved
        resp[begin:end] = w * known
    assert got.loglik == pytest.approx(loglik, rel=1e-12, abs=1e-10)
    np.testing.assert_allclose(got.stats.transitions, pairs, atol=1e-10)
    seen = ~np.isnan(x).all(axis=1)
    direct = model.family.stats(params.emissions, x[seen], resp[seen])
    for one, other in zip(tree.leaves(got.stats.emissions), tree.leaves(direct), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_an_impossible_step_leaves_no_likelihood(small):
    model = model_of("poisson", np.zeros((4, 1)), 2)
    chunk = GroupedRows(np.zeros((40, 1)), np.ones(1), np.array([40]))
    params = model.start(model.prepare(chunk), np.random.default_rng(0))
    never = params._replace(start=np.array([1.0, 0.0]), transitions=np.eye(2))
    rates = np.array([[800.0], [0.0]])
    assert model.e_step(never._replace(emissions=never.emissions._replace(rates=rates)), chunk)[
        0
    ] == pytest.approx(-800.0 * 40)
    chunk.x[30] = 1.0
    only = never._replace(start=np.array([0.0, 1.0]))
    only = only._replace(emissions=only.emissions._replace(rates=rates))
    assert model.e_step(only, chunk).loglik == -np.inf


def test_threads_change_no_bit(small):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(3000, 2)) + 4 * np.repeat(rng.integers(0, 2, 300), 10)[:, None]
    model = model_of("gaussian(covariance_type='diag')", x, 5)
    chunk = model.prepare(GroupedRows(x, np.ones(1), np.array([3000])))
    params = model.start(chunk, rng)
    made = []
    for workers in (1, 2):
        with Threads(workers).over(model, [chunk]) as mapper:
            made.append(Evaluator(mapper).suff(params)[0])
    for one, other in zip(*map(tree.leaves, made), strict=True):
        assert np.array_equal(one, other)


def test_checkpoints_save_memory_and_change_nothing():
    rng = np.random.default_rng(4)
    n, k = 150_000, 8
    x = rng.poisson(rng.choice([2.0, 9.0], size=n)).astype(float)[:, None]
    model = model_of("poisson", x[:100], k)
    params = model.start(GroupedRows(x[:500], np.ones(1), np.array([500])), rng)
    chunk = GroupedRows(x, np.ones(1), np.array([n]))
    sums, peaks = [], []
    for checkpointing in (False, True):
        one = HiddenMarkovModel(model.family, model.guesses, None, None, checkpointing)
        prepared = one.prepare(chunk)
        tracemalloc.start()
        sums.append(one.e_step(params, prepared))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    for one, other in zip(*map(tree.leaves, sums), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)
    assert peaks[0] > n * k * 8
    assert peaks[1] < n * 8  # less than one number a step


def test_estimators_take_checkpoints(small, tmp_path):
    """The same fit to rounding, and the setting is in the file."""
    rng = np.random.default_rng(5)
    x = rng.normal(np.repeat(rng.integers(0, 3, 60) * 4.0, 10))[:, None]
    normal = "gaussian(covariance_type='diag')"
    plain, sparing = (
        HiddenMarkov(normal, 3, tol=1e-8, random_state=0, checkpointing=how).fit(x)
        for how in (False, True)
    )
    assert sparing.loglik_ == pytest.approx(plain.loglik_, rel=1e-12)
    np.testing.assert_allclose(sparing.transmat_, plain.transmat_, atol=1e-6)
    sparing.save(tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").checkpointing is True
    dropped = GaussianHMM(3, implementation="checkpointing", random_state=0)
    assert dropped.fit(x)._fitted().model.checkpointing
    assert not GaussianHMM(3, random_state=0).fit(x)._fitted().model.checkpointing


def test_starts_look_at_stretches_of_a_very_long_sequence():
    x = np.arange(200_000.0)[:, None]
    model = model_of("gaussian", x[:10], 2)
    cut = model.prepare(GroupedRows(x, np.full(1, 2.0), np.array([200_000]))).excerpt()
    assert len(cut) == STRETCHES
    assert len(cut.x) <= SAMPLE
    assert cut.weights @ cut.sizes == pytest.approx(400_000)
    inside = np.diff(cut.x[:, 0]).reshape(-1)
    assert (inside == 1).sum() == len(cut.x) - STRETCHES
    assert cut.x[0, 0] == 0
    assert cut.x[-1, 0] == 199_999


@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_a_float_cannot_hold_is_exact_in_parts(monkeypatch, checkpointing):
    """A state that is impossible for ten thousand steps and then the only one; 500 columns."""
    monkeypatch.setattr(expected, "LONG", 50)
    n = 10_001
    log_density = np.zeros((n, 2))
    log_density[:-1, 1], log_density[-1] = -900.0, [-np.inf, 0.0]
    steps = halves.Steps(n, lambda i, j: log_density[i:j], lambda i, j, resp: resp.sum(axis=0))
    for a in (np.eye(2), np.array([[0.999, 0.001], [0.0, 1.0]])):
        made = halves.counted(steps, np.full(2, 0.5), a, 1.0, checkpointing=checkpointing)
        loglik, resp, _ = in_logs(np.full(2, 0.5), a, log_density)
        assert made.loglik == pytest.approx(loglik, rel=1e-9)
        np.testing.assert_allclose(made.emissions, resp.sum(axis=0), rtol=1e-9)
    rng = np.random.default_rng(0)
    means = 20 * rng.normal(size=(3, 500))
    x = means[np.repeat([0, 2, 1, 0], 20)] + rng.normal(size=(80, 500))
    model = model_of("gaussian(covariance_type='diag')", x, 3)
    model = HiddenMarkovModel(model.family, model.guesses, None, None, checkpointing)
    chunk = GroupedRows(x, np.ones(1), np.array([80]))
    a = np.full((3, 3), 0.05) + 0.85 * np.eye(3)
    made = model.family.space._replace(means=means, covariances=np.ones((3, 500)))
    params = HiddenMarkovParams(np.full(3, 1 / 3), a, made)
    logs = norm.logpdf(x[:, None, :], means).sum(axis=2)
    assert model.e_step(params, chunk).loglik == pytest.approx(
        in_logs(params.start, a, logs)[0], rel=1e-9
    )
