"""The model beside a sum over all paths, and beside the engine's contract."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from latentia import check_model
from latentia.data.groups import GroupedRows
from latentia.engine import tree
from latentia.families.regression import (
    BinomialRegression,
    GammaRegression,
    GaussianRegression,
    PoissonRegression,
)
from latentia.hmm.chain import smoothed as constant
from latentia.hmm.decoding import viterbi
from latentia.mixture.concomitant import Concomitant
from latentia.mixture.weighting import Constant
from latentia.switching import recursions
from latentia.switching.model import SwitchingModel
from latentia.switching.moves import ConstantMoves, LogitMoves
from latentia.switching.responses import Responses

from .by_hand import enumerated

SIZES = np.array([5, 1, 3, 6, 2])
N = int(SIZES.sum())
RESPONSES = {
    "gaussian": (lambda k: GaussianRegression(k, 2), 4),
    "gaussian, shared": (lambda k: GaussianRegression(k, 2, shared=True), 4),
    "poisson": (lambda k: PoissonRegression(k, 2), 4),
    "binomial": (lambda k: BinomialRegression(k, 2), 5),
    "gamma": (lambda k: GammaRegression(k, 2), 4),
}


def columns_of(kind, rng):
    """A design of two columns, an offset, trials where there are any, and a response."""
    x = np.column_stack([np.ones(N), rng.normal(size=N), 0.1 * rng.normal(size=N)])
    if kind.startswith("gaussian"):
        return np.column_stack([x, rng.normal(size=N)])
    if kind == "poisson":
        return np.column_stack([x, rng.poisson(3.0, size=N)])
    if kind == "gamma":
        return np.column_stack([x, rng.gamma(2.0, size=N)])
    trials = rng.integers(1, 5, size=N)
    return np.column_stack([x, trials, rng.binomial(trials, 0.4)])


def some(kinds, start, moves, k=3, seed=0):
    """A model, sequences with missing responses, and parameters at random."""
    rng = np.random.default_rng(seed)
    parts = [RESPONSES[kind][0](k) for kind in kinds]
    responses = Responses(parts, [RESPONSES[kind][1] for kind in kinds])
    law = Concomitant(k, 2) if start else Constant(k)
    move = LogitMoves(k, 2) if moves else ConstantMoves(k)
    model = SwitchingModel(responses, law, move, "random")
    covariates = [np.column_stack([np.ones(N), rng.normal(size=N)]) for _ in range(start + moves)]
    own = [columns_of(kind, rng) for kind in kinds]
    own[0][3, -1] = own[-1][3, -1] = own[0][7, -1] = np.nan
    chunk = GroupedRows(np.hstack([*covariates, *own]), rng.gamma(2.0, size=len(SIZES)), SIZES)
    return model, chunk, model.start(chunk, rng)


CASES = [
    (["gaussian"], False, True),
    (["gaussian, shared"], True, False),
    (["poisson"], True, True),
    (["binomial"], False, True),
    (["gamma"], False, False),
    (["gaussian", "poisson"], True, True),
]


@pytest.mark.parametrize(("kinds", "start", "moves"), CASES)
def test_likelihood_states_and_moves_are_sums_over_all_paths(kinds, start, moves):
    model, chunk, params = some(kinds, start, moves)
    density, begin, move = model.logs(params, chunk)
    known, suff = model.posterior(params, chunk), model.e_step(params, chunk)
    best, loglik = model.decoded(params, chunk), 0.0
    for s, (first, size) in enumerate(zip(chunk.starts, SIZES, strict=True)):
        own = slice(first, first + size)
        by_hand, resp, moved, path, height = enumerated(begin[s], move[own], density[own])
        assert known.loglik[s] == pytest.approx(by_hand, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(known.resp[own], resp, atol=1e-10)
        np.testing.assert_allclose(known.moves[own], moved, atol=1e-10)
        np.testing.assert_array_equal(best.states[own], path)
        assert best.log_probability[s] == pytest.approx(height, abs=1e-10)
        loglik += chunk.weights[s] * by_hand
    assert suff.loglik == pytest.approx(loglik, rel=1e-12)
    assert suff.n_obs == pytest.approx(chunk.weights @ SIZES)


@pytest.mark.parametrize(("kinds", "start", "moves"), CASES)
def test_the_contract_is_kept(kinds, start, moves):
    model, chunk, _ = some(kinds, start, moves)
    check_model(model, chunk, 1, points=1)


def test_laws_are_what_their_definition_says():
    rng = np.random.default_rng(0)
    law, z = LogitMoves(3, 2), rng.normal(size=(4, 2))
    coefficients = rng.normal(size=(3, 3, 2))
    coefficients[:, 0] = 0
    made = law.log_transitions(tree.rebuild(law.space, [coefficients]), z)
    for t in range(4):
        for i in range(3):
            np.testing.assert_allclose(made[t, i], log_softmax(coefficients[i] @ z[t]), atol=1e-14)


def test_equal_transitions_are_those_of_a_plain_chain():
    rng = np.random.default_rng(1)
    logs, start = rng.normal(size=(N, 3)), rng.dirichlet(np.ones(3))
    transitions, w = rng.dirichlet(np.ones(3), size=3), rng.gamma(2.0, size=len(SIZES))
    begin = np.broadcast_to(np.log(start), (len(SIZES), 3))
    move = np.broadcast_to(np.log(transitions), (N, 3, 3))
    here = recursions.smoothed(logs, begin, move, SIZES, w)
    there = constant(logs, start, transitions, SIZES, w)
    np.testing.assert_allclose(here.loglik, there.loglik, rtol=1e-13)
    np.testing.assert_allclose(here.resp, there.resp, atol=1e-12)
    np.testing.assert_allclose(here.moves.sum(axis=0), there.transitions, atol=1e-12)
    best, other = (
        recursions.viterbi(logs, begin, move, SIZES),
        viterbi(logs, start, transitions, SIZES),
    )
    np.testing.assert_array_equal(best.states, other.states)


def test_moves_that_are_all_but_impossible_are_followed():
    logs = np.array([[0.0, -2000.0], [-2000.0, 0.0], [0.0, -2000.0]])
    move = np.log(np.array([[[1.0, 1e-300], [1e-300, 1.0]]] * 3))
    made = recursions.smoothed(logs, np.log([[0.5, 0.5]]), move, np.array([3]), np.ones(1))
    np.testing.assert_allclose(made.resp, [[1, 0], [0, 1], [1, 0]], atol=1e-12)
    assert made.loglik[0] == pytest.approx(np.log(0.5) + 2 * np.log(1e-300), rel=1e-12)


def test_an_impossible_sequence_has_no_likelihood():
    logs = np.array([[-np.inf, -np.inf], [0.0, 0.0]])
    half = np.log(np.full((2, 2, 2), 0.5))
    made = recursions.smoothed(logs, half[0], half, np.array([1, 1]), np.ones(2))
    assert made.loglik[0] == -np.inf
    assert not made.resp[0].any()
    assert made.loglik[1] == pytest.approx(0.0, abs=1e-12)


def test_paths_are_drawn_by_their_probabilities():
    rng = np.random.default_rng(0)
    m = 20_000
    move = np.array([[[0.9, 0.1], [0.3, 0.7]], [[0.2, 0.8], [0.5, 0.5]]])
    path = recursions.drawn(
        np.full((m, 2), 0.5), np.tile(move, (m, 1, 1)), np.full(m, 2), rng
    ).reshape(m, 2)
    for i in range(2):  # within four standard errors
        share, here = (path[path[:, 0] == i, 1] == 1).mean(), (path[:, 0] == i).sum()
        assert abs(share - move[0, i, 1]) < 4 * np.sqrt(0.25 / here)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 6),
    k=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.5, 5.0, 500.0]),
)
def test_any_moves_and_any_densities_are_summed_over_all_paths(n, k, seed, spread):
    rng = np.random.default_rng(seed)
    logs, start = spread * rng.normal(size=(n, k)), log_softmax(spread * rng.normal(size=k))
    move = log_softmax(spread * rng.normal(size=(n, k, k)), axis=2)
    made = recursions.smoothed(logs, start[None], move, np.array([n]), np.ones(1))
    loglik, resp, moves, _, height = enumerated(start, move, logs)
    assert made.loglik[0] == pytest.approx(loglik, rel=1e-12, abs=1e-10)
    np.testing.assert_allclose(made.resp, resp, atol=1e-9)
    np.testing.assert_allclose(made.moves, moves, atol=1e-9)
    best = recursions.viterbi(logs, start[None], move, np.array([n]))
    assert best.log_probability[0] == pytest.approx(height, rel=1e-12, abs=1e-9)
