"""The semi-Markov model beside a sum over all segmentations, beside a plain chain, the contract."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma, geom, lognorm, nbinom, poisson, weibull_min

from latentia import check_model
from latentia.data.groups import GroupedRows
from latentia.engine import tree
from latentia.families import NegativeBinomial, Poisson
from latentia.hmm.chain import smoothed as plain
from latentia.hmm.durations import laws, recursions
from latentia.hmm.durations.model import SemiMarkovModel
from latentia.hmm.structures import between
from latentia.mixture.start_general import GeneralGuesses

from .segments import enumerated

SIZES = np.array([7, 1, 4, 6])
N = int(SIZES.sum())


def some(law, k=3, most=None, seed=0, family=Poisson):
    """A model, sequences with a missing step, and parameters at random."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(3.0, size=(N, 1)).astype(float)
    x[3] = x[9] = np.nan
    model = SemiMarkovModel(family(k), laws.made(law, k, 7, most), GeneralGuesses(k, "random"))
    chunk = GroupedRows(x, rng.gamma(2.0, size=len(SIZES)), SIZES)
    params = model.start(chunk, rng)
    moves = rng.dirichlet(np.ones(k), size=k) * ~np.eye(k, dtype=bool)
    moves /= moves.sum(axis=1, keepdims=True)
    lasted = model.law.start(rng.gamma(1.0, size=(model.law.longest, k)) + 0.1)
    params = params._replace(start=rng.dirichlet(np.ones(k)), transitions=moves, durations=lasted)
    return model, chunk, params


@pytest.mark.parametrize("most", [None, 3])
@pytest.mark.parametrize("law", laws.LAWS)
def test_likelihood_states_and_segments_are_sums_over_all_segmentations(law, most):
    model, chunk, params = some(law, most=most)
    x = chunk.x
    logs = np.zeros((N, 3))
    logs[~np.isnan(x[:, 0])] = model.family.log_density(params.emissions, x[~np.isnan(x[:, 0])])
    pmf, survival = model.law.logs(params.durations)
    made = recursions.smoothed(
        logs, params.start, params.transitions, pmf, survival, SIZES, chunk.weights
    )
    known, best = model.posterior(params, chunk), model.decoded(params, chunk)
    totals = [np.zeros_like(each) for each in made[2:]]
    for s, (first, size) in enumerate(zip(chunk.starts, SIZES, strict=True)):
        own = slice(first, first + size)
        by_hand = enumerated(params.start, params.transitions, pmf, survival, logs[own])
        assert made.loglik[s] == pytest.approx(by_hand.loglik, rel=1e-12, abs=1e-10)
        assert known.log_density[s] == made.loglik[s]
        np.testing.assert_allclose(known.resp[own], by_hand.resp, atol=1e-10)
        np.testing.assert_array_equal(best.states[own], by_hand.path)
        assert best.log_probability[s] == pytest.approx(by_hand.height, abs=1e-10)
        for total, each in zip(totals, by_hand[2:6], strict=True):
            total += chunk.weights[s] * each
    for got, expected in zip(made[2:], totals, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-10)
    suff = model.e_step(params, chunk)
    assert suff.loglik == pytest.approx(chunk.weights @ made.loglik, rel=1e-12)
    assert suff.n_obs == pytest.approx(chunk.weights @ SIZES)


@pytest.mark.parametrize("law", laws.LAWS)
def test_the_contract_is_kept(law):
    model, chunk, _ = some(law, most=6 if law == "free" else None)
    check_model(model, chunk, 1, points=1)


KNOWN = np.array([[0.0, 0.3, np.nan], [0.0, 0.0, 1.0], [np.nan, np.nan, 0.0]])
STRUCTURES = {
    "cyclic": "cyclic",
    "forbidden": np.array([[False, True, True], [False, False, True], [True, False, False]]),
    "known": KNOWN,
}


@pytest.mark.parametrize("transitions", STRUCTURES.values(), ids=STRUCTURES)
def test_forbidden_and_known_moves_are_kept_and_summed_over(transitions):
    _, chunk, _ = some("poisson")
    moves = between(transitions, 3)
    law = laws.made("poisson", 3, 7, None)
    model = SemiMarkovModel(Poisson(3), law, GeneralGuesses(3, "random"), moves)
    params = model.start(chunk, np.random.default_rng(3))
    check_model(model, chunk, 1, params=params, points=1)
    stepped = model.m_step(model.e_step(params, chunk), params)
    support = model.chain.transitions
    support = getattr(support, "inner", support).support
    for one in (params, stepped):
        assert (one.transitions[~support] == 0).all()
        np.testing.assert_allclose(one.transitions.sum(axis=1), 1.0)
    logs = np.zeros((N, 3))
    seen = ~np.isnan(chunk.x[:, 0])
    logs[seen] = model.family.log_density(stepped.emissions, chunk.x[seen])
    pmf, survival = law.logs(stepped.durations)
    known = model.posterior(stepped, chunk)
    for s, (first, size) in enumerate(zip(chunk.starts, SIZES, strict=True)):
        own = slice(first, first + size)
        with np.errstate(divide="ignore"):
            told = stepped.start, stepped.transitions, pmf, survival, logs[own]
            by_hand = enumerated(*told)
        assert known.log_density[s] == pytest.approx(by_hand.loglik, rel=1e-12, abs=1e-10)
        np.testing.assert_allclose(known.resp[own], by_hand.resp, atol=1e-10)
    if isinstance(transitions, np.ndarray) and transitions.dtype == float:
        given = ~np.isnan(transitions)
        np.testing.assert_array_equal(stepped.transitions[given], transitions[given])


def test_a_family_without_an_exact_step_keeps_the_contract_too():
    model, chunk, _ = some("gamma", k=2, family=NegativeBinomial)
    check_model(model, chunk, 1, points=1)


def test_geometric_durations_are_a_plain_chain():
    rng = np.random.default_rng(0)
    k, logs = 3, 2 * rng.normal(size=(N, 3))
    stay, start = rng.uniform(0.2, 0.9, size=k), rng.dirichlet(np.ones(k))
    moves = rng.dirichlet(np.ones(k), size=k) * ~np.eye(k, dtype=bool)
    moves /= moves.sum(axis=1, keepdims=True)
    law = laws.made("geometric", k, 7, None)
    params = tree.rebuild(law.space, [-np.log(stay)[:, None]])
    weights = rng.gamma(2.0, size=len(SIZES))
    ours = recursions.smoothed(logs, start, moves, *law.logs(params), SIZES, weights)
    whole = np.diag(stay) + (1 - stay)[:, None] * moves
    other = plain(logs, start, whole, SIZES, weights)
    np.testing.assert_allclose(ours.loglik, other.loglik, rtol=1e-12)
    np.testing.assert_allclose(ours.resp, other.resp, atol=1e-10)
    off = ~np.eye(k, dtype=bool)
    np.testing.assert_allclose(ours.transitions[off], other.transitions[off], atol=1e-10)


SCIPY = {
    "geometric": (np.array([[0.4]]), geom(1 - np.exp(-0.4))),
    "poisson": (np.array([[2.5]]), poisson(2.5, loc=1)),
    "negative_binomial": (np.array([[3.0]]), np.array([[0.5]]), nbinom(2.0, 0.4, loc=1)),
    "gamma": (np.array([[2.3]]), np.array([[4.0]]), gamma(2.3, scale=4.0)),
    "weibull": (np.array([[1.7]]), np.array([[4.0]]), weibull_min(1.7, scale=4.0)),
    "log_normal": (np.array([[1.2]]), np.array([[0.36]]), lognorm(0.6, scale=np.exp(1.2))),
}


@pytest.mark.parametrize("name", SCIPY)
def test_laws_are_scipy_s(name):
    *leaves, expected = SCIPY[name]
    law = laws.made(name, 1, 30, None)
    params = tree.rebuild(law.space, leaves)
    u = np.arange(1, 31)
    pmf, survival = law.logs(params)
    # differences of survival functions: those of distribution functions cancel in the tail
    mass = (
        expected.pmf(u) if hasattr(expected.dist, "pmf") else -np.diff(expected.sf(np.arange(31)))
    )
    np.testing.assert_allclose(np.exp(pmf[:, 0]), mass, rtol=1e-9)
    np.testing.assert_allclose(np.exp(survival[:, 0]), expected.sf(u - 1), rtol=1e-9)
    np.testing.assert_allclose(law.cumulative(params, 20)[:, 0], expected.cdf(u[:20]), rtol=1e-9)


def test_long_segments_of_unlikely_states_do_not_vanish():
    logs = np.array([[0.0, -800.0]] * 4 + [[-900.0, 0.0]] * 4)
    pmf = np.full((8, 2), -1000.0)
    pmf[3] = 0.0
    made = recursions.smoothed(
        logs, np.array([1e-300, 1.0]), np.eye(2)[::-1], pmf, pmf, np.array([8]), np.ones(1)
    )
    assert made.loglik[0] == pytest.approx(np.log(1e-300), rel=1e-12)
    np.testing.assert_allclose(made.resp.argmax(axis=1), [0] * 4 + [1] * 4)


def test_what_cannot_be_has_no_likelihood():
    pmf = np.array([[0.0, 0.0], [-np.inf, -np.inf]])  # one step each
    logs = np.array([[0.0, -np.inf], [0.0, -np.inf]])  # twice the same state
    made = recursions.smoothed(
        logs, np.ones(2) / 2, np.eye(2)[::-1], pmf, pmf, np.array([2]), np.ones(1)
    )
    assert made.loglik[0] == -np.inf
    assert not made.resp.any()
    assert not made.transitions.any()


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 6),
    k=st.integers(2, 3),
    longest=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.5, 5.0, 300.0]),
)
def test_any_law_and_any_densities_are_summed_over_all_segmentations(n, k, longest, seed, spread):
    rng = np.random.default_rng(seed)
    logs = spread * rng.normal(size=(n, k))
    law = rng.dirichlet(np.ones(longest + 1), size=k).T  # the last share is of longer ones
    pmf, survival = np.log(law[:-1]), np.log(np.cumsum(law[::-1], axis=0)[::-1][:-1])
    moves = rng.dirichlet(np.ones(k), size=k) * ~np.eye(k, dtype=bool)
    moves /= moves.sum(axis=1, keepdims=True)
    start = rng.dirichlet(np.ones(k))
    each = (start, moves, pmf, survival)
    made = recursions.smoothed(logs, *each, np.array([n]), np.ones(1))
    by_hand = enumerated(*each, logs)
    assert made.loglik[0] == pytest.approx(by_hand.loglik, rel=1e-12, abs=1e-10)
    for got, expected in zip(made[1:], by_hand[1:6], strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-10)
    best = recursions.viterbi(logs, *each, np.array([n]))
    assert best.log_probability[0] == pytest.approx(by_hand.height, rel=1e-12, abs=1e-9)
