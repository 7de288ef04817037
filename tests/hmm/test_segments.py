"""Normal states in lanes: sequences side by side, and one long sequence by its segments."""

import numpy as np
import pytest

from latentia.data.groups import GroupedRows
from latentia.engine import tree
from latentia.engine.backend import Threads
from latentia.engine.evaluator import Evaluator
from latentia.hmm import expected, lanes, segments, side_by_side
from latentia.hmm.model import HiddenMarkovParams

from .kinds import model_of
from .test_chain import in_logs


@pytest.fixture(autouse=True)
def few_steps_are_enough(monkeypatch):
    monkeypatch.setattr(segments, "LEAST_STEPS", 0)


KINDS = ("gaussian(covariance_type='diag')", "gaussian(covariance_type='spherical')")


def some(kind, k, sizes, d=2, spread=3.0, seed=0, dtype=np.float64):
    """A model, sequences of lasting states, and parameters near them."""
    rng = np.random.default_rng(seed)
    n, means = int(np.sum(sizes)), spread * rng.normal(size=(k, d))
    states = np.repeat(rng.integers(0, k, size=n // 5 + 1), 5)[:n]
    x = (means[states] + rng.normal(size=(n, d))).astype(dtype)
    model = model_of(kind, x, k)
    chunk = model.prepare(GroupedRows(x, rng.uniform(0.5, 2.0, len(sizes)), np.array(sizes)))
    a = rng.dirichlet(np.ones(k), size=k)
    shape = (k, d) if "diag" in kind else (k,)
    made = model.family.space._replace(
        means=means + 0.1, covariances=rng.uniform(0.5, 2.0, size=shape)
    )
    return model, chunk, HiddenMarkovParams(rng.dirichlet(np.ones(k)), a, made)


def agree(model, chunk, params):
    """The E-step beside one pass in logarithms over each sequence."""
    suff = model.e_step(params, chunk)
    log_density = model.family.log_density(params.emissions, chunk.x)
    k = len(params.start)
    loglik, begun, pairs, at = 0.0, np.zeros(k), np.zeros((k, k)), 0
    resp = np.empty((len(chunk.x), k))
    for size, w in zip(chunk.sizes, chunk.weights, strict=True):
        own = slice(at, at + size)
        one, known, moved = in_logs(params.start, params.transitions, log_density[own])
        loglik, begun, pairs = loglik + w * one, begun + w * known[0], pairs + w * moved
        resp[own], at = w * known, at + size
    assert suff.loglik == pytest.approx(loglik, rel=1e-11)
    np.testing.assert_allclose(suff.stats.start, begun, atol=1e-10)
    np.testing.assert_allclose(suff.stats.transitions, pairs, rtol=1e-9, atol=1e-9)
    direct = model.family.stats(params.emissions, chunk.x, resp)
    for one, other in zip(tree.leaves(suff.stats.emissions), tree.leaves(direct), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def watched(monkeypatch, name):
    """How often a pass in lanes gave a result."""
    inner, found = getattr(segments, name), []

    def run(*given):
        made = inner(*given)
        found.append(made is not None)
        return made

    monkeypatch.setattr(segments, name, run)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3, 7])
def test_segments_of_a_sequence_are_the_sequence(monkeypatch, kind, k):
    monkeypatch.setattr(segments, "SEGMENT", 7)
    monkeypatch.setattr(expected, "LONG", 50)
    found = watched(monkeypatch, "of_one")
    for n in (50, 7 * 32, 7 * 32 * 9 + 3):
        agree(*some(kind, k, [n]))
    assert found == [True] * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 3, 7])
def test_sequences_of_every_length_in_lanes(monkeypatch, kind, k):
    found = watched(monkeypatch, "of_sequences")
    sizes = np.random.default_rng(0).permutation(np.arange(70) % 13 + 1)
    assert lanes.worth_lanes(sizes, k)
    agree(*some(kind, k, sizes))
    agree(*some(kind, k, sizes, d=1, dtype=np.float32))
    assert found == [True, True]


@pytest.mark.parametrize("spread", [30.0, 1e4])
def test_densities_that_underflow_keep_their_logarithms(monkeypatch, spread):
    """States up to ten thousand deviations apart: what is not the likeliest state is e^-1e8."""
    monkeypatch.setattr(segments, "SEGMENT", 5)
    monkeypatch.setattr(expected, "LONG", 50)
    agree(*some(KINDS[0], 3, [400], spread=spread))
    agree(*some(KINDS[0], 3, [20] * 40, spread=spread))


def test_what_lanes_may_not_do_is_left_to_others(monkeypatch):
    """Transitions next to zero, holes, and sequences that no state could make."""
    monkeypatch.setattr(expected, "LONG", 50)
    found = watched(monkeypatch, "of_one")
    model, chunk, params = some(KINDS[0], 3, [200])
    for least in (0.0, 1e-40):
        a = params.transitions.copy()
        a[0, 1] = least
        agree(model, chunk, params._replace(transitions=a / a.sum(axis=1, keepdims=True)))
    assert not found
    chunk.x[100] = 1e200
    with np.errstate(over="ignore"):
        assert model.e_step(params, chunk).loglik == -np.inf
    assert found == [False]


def drawn(kind, k, sizes, holes, seed=0):
    """A model of any family, sequences that it can make, and parameters near them."""
    rng = np.random.default_rng(seed)
    n = int(np.sum(sizes))
    states = np.repeat(rng.integers(0, k, size=n // 5 + 1), 5)[:n]
    x = rng.poisson(1.0 + 3 * states).astype(float)[:, None]
    if kind == "categorical":
        x %= 5
    if kind.startswith("gaussian"):
        x = np.column_stack([x + rng.normal(size=(n, 1)), rng.normal(size=n)])
    if holes:
        x[rng.uniform(size=n) < 0.1] = np.nan
    model = model_of(kind, x, k)
    chunk = model.prepare(GroupedRows(x, rng.uniform(0.5, 2.0, len(sizes)), np.array(sizes)))
    params = model.start(chunk, rng)
    a = rng.dirichlet(np.ones(k), size=k)
    return model, chunk, params._replace(transitions=a)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("kind", ["poisson", "categorical", "gaussian", KINDS[0]])
@pytest.mark.parametrize("k", [2, 7])
def test_any_family_in_lanes_as_step_by_step(monkeypatch, kind, k, holes):
    monkeypatch.setattr(segments, "SEGMENT", 9)
    monkeypatch.setattr(expected, "LONG", 50)
    found = [watched(monkeypatch, name) for name in ("of_one", "of_sequences")]
    for sizes in ([9 * 32 * 3 + 5], np.arange(60) % 13 + 1, [70, *range(1, 30)]):
        model, chunk, params = drawn(kind, k, sizes, holes)
        monkeypatch.setattr(segments, "LEAST_STEPS", 0)
        for beta in (1.0, 0.5):
            made = model.tempered_e_step(params, chunk, beta)
            monkeypatch.setattr(segments, "LEAST_STEPS", 10**9)
            other = model.tempered_e_step(params, chunk, beta)
            assert made.loglik == pytest.approx(other.loglik, rel=1e-12)
            for one, two in zip(tree.leaves(made.stats), tree.leaves(other.stats), strict=True):
                np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)
            monkeypatch.setattr(segments, "LEAST_STEPS", 0)
    assert [set(each) for each in found] == [{True}, {True}]


@pytest.mark.parametrize("kind", [KINDS[0], "poisson"])
def test_threads_change_no_bit(monkeypatch, kind):
    monkeypatch.setattr(expected, "LONG", 50)
    monkeypatch.setattr(segments, "SEGMENT", 20)
    model, chunk, params = drawn(kind, 3, [20 * 32 * 8], False)
    made = []
    for workers in (1, 2):
        with Threads(workers).over(model, [chunk]) as mapper:
            made.append(Evaluator(mapper).suff(params)[0])
    for one, other in zip(*map(tree.leaves, made), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", side_by_side.Compiled._fields)
def test_code_is_found_again_by_later_processes(name):
    """Numba keeps code under what it encloses, and does not know functions of another process."""
    enclosed = getattr(side_by_side.compiled(3), name).py_func.__closure__
    assert enclosed
    assert {type(cell.cell_contents) for cell in enclosed} <= {int, bool}
