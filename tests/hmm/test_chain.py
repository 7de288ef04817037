"""The recursions: any number of states, and probabilities that a float cannot hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.hmm import kernels, lanes
from latentia.hmm.chain import log_likelihoods, smoothed

from .paths import enumerated


def in_logs(start, transitions, log_density):
    """The same by plain recursions in logarithms, of NumPy alone."""
    with np.errstate(divide="ignore"):
        a, pi = np.log(transitions), np.log(start)
    forward = [pi + log_density[0]]
    for row in log_density[1:]:
        forward.append(np.logaddexp.reduce(forward[-1][:, None] + a, axis=0) + row)
    backward = [np.zeros(len(pi))]
    for row in log_density[:0:-1]:
        backward.append(np.logaddexp.reduce(a + row + backward[-1], axis=1))
    backward = np.array(backward[::-1])
    forward = np.array(forward)
    loglik = np.logaddexp.reduce(forward[-1])
    pairs = forward[:-1, :, None] + a + (log_density[1:] + backward[1:])[:, None, :] - loglik
    return loglik, np.exp(forward + backward - loglik), np.exp(pairs).sum(axis=0)


def agree(start, transitions, log_density, tolerance=1e-10):
    """One sequence through the kernels and through `in_logs`."""
    n = np.array([len(log_density)])
    made = smoothed(log_density, start, transitions, n, np.ones(1))
    loglik, resp, pairs = in_logs(start, transitions, log_density)
    assert made.loglik[0] == pytest.approx(loglik, rel=1e-12, abs=tolerance)
    np.testing.assert_array_equal(log_likelihoods(log_density, start, transitions, n), made.loglik)
    np.testing.assert_allclose(made.resp, resp, atol=tolerance)
    np.testing.assert_allclose(made.start, resp[0], atol=tolerance)
    np.testing.assert_allclose(made.transitions, pairs, rtol=1e-9, atol=tolerance)
    return made


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 8, 13, 32, 33])
def test_every_width_of_the_compiled_code(k):
    rng = np.random.default_rng(k)
    log_density = 4 * rng.normal(size=(37, k))
    agree(rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k), log_density)


@pytest.mark.parametrize("m", [11, 70])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_sequences_of_every_length_side_by_side(k, m):
    """Few go one after the other, many in lanes, the last group of which is not full."""
    rng = np.random.default_rng(0)
    sizes = rng.permutation(np.arange(1, m + 1)) % 13 + 1
    assert lanes.worth_lanes(sizes, k) == (m == 70)
    start, transitions = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k)
    log_density, w = rng.normal(size=(sizes.sum(), k)), rng.uniform(0.5, 2, size=len(sizes))
    w[3] = 0
    made = smoothed(log_density, start, transitions, sizes, w)
    alone = log_likelihoods(log_density, start, transitions, sizes)
    np.testing.assert_array_equal(alone, made.loglik)
    pairs, begun, at = np.zeros((k, k)), np.zeros(k), 0
    for size, weight, loglik in zip(sizes, w, made.loglik, strict=True):
        own = slice(at, at + size)
        one, resp, moved = in_logs(start, transitions, log_density[own])
        assert loglik == pytest.approx(one, abs=1e-11)
        np.testing.assert_allclose(made.resp[own], weight * resp, atol=1e-12)
        pairs, begun, at = pairs + weight * moved, begun + weight * resp[0], at + size
    np.testing.assert_allclose(made.transitions, pairs, atol=1e-11)
    np.testing.assert_allclose(made.start, begun, atol=1e-12)


EXTREME = st.sampled_from([-np.inf, -5000.0, -800.0, -460.0, -30.0, -1.0, 0.0])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.tuples(EXTREME, EXTREME, EXTREME), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_extremes_and_zeros_agree_with_all_paths(k, rows, seed):
    """Whatever vanishes and comes back; impossible sequences have likelihood zero."""
    rng = np.random.default_rng(seed)
    log_density = np.array(rows)[:, :k]
    start, transitions = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k)
    start[rng.uniform(size=k) < 0.3] = 0
    transitions[rng.uniform(size=(k, k)) < 0.4] = 0
    transitions[rng.uniform(size=(k, k)) < 0.1] = 1e-150
    made = smoothed(log_density, start, transitions, np.array([len(rows)]), np.ones(1))
    by_hand = enumerated(start, transitions, log_density)
    if by_hand.loglik == -np.inf:
        assert made.loglik[0] == -np.inf
        assert not made.resp.any()
        assert not made.transitions.any()
        return
    assert made.loglik[0] == pytest.approx(by_hand.loglik, rel=1e-12, abs=1e-10)
    np.testing.assert_allclose(made.resp, by_hand.resp, atol=1e-10)
    np.testing.assert_allclose(made.transitions, by_hand.transitions, atol=1e-10)


def test_a_state_impossible_for_ten_thousand_steps_and_then_the_only_one():
    """Its path is e^-20000 of the likeliest for so long, and is all that is left at the end."""
    n = 10_001
    log_density = np.zeros((n, 2))
    log_density[:-1, 1] = -2.0
    log_density[-1] = [-np.inf, 0.0]
    start = np.array([0.5, 0.5])
    for entered in (0.0, 1e-3):  # whether the other state can be entered at all
        transitions = np.array([[1 - entered, entered], [0.0, 1.0]])
        made = smoothed(log_density, start, transitions, np.array([n]), np.ones(1))
        if not entered:
            assert made.loglik[0] == pytest.approx(np.log(0.5) - 2.0 * (n - 1), rel=1e-9)
            np.testing.assert_allclose(made.resp, np.tile([0.0, 1.0], (n, 1)), atol=1e-12)
            assert made.transitions[1, 1] == pytest.approx(n - 1)
            continue
        a, b = start[0], start[1]  # by the two-state recursion in exact terms
        paths = [np.log(b) - 2.0 * (n - 1)]
        at = np.arange(1, n)  # entered at this step
        paths = np.concatenate(
            [
                paths,
                np.log(a) + (at - 1) * np.log1p(-entered) + np.log(entered) - 2.0 * (n - 1 - at),
            ]
        )
        assert made.loglik[0] == pytest.approx(np.logaddexp.reduce(paths), rel=1e-9)


def test_densities_of_five_hundred_dimensions():
    """Logarithms some thousands apart at every step, in chains with and without zeros."""
    rng = np.random.default_rng(1)
    log_density = -0.5 * 500 * rng.chisquare(3, size=(60, 4))
    dense = rng.dirichlet(np.ones(4), size=4)
    agree(np.full(4, 0.25), dense, log_density, 1e-9)
    banded = np.triu(np.tril(np.ones((4, 4)), 1))
    agree(np.full(4, 0.25), banded / banded.sum(axis=1, keepdims=True), log_density, 1e-9)


def test_a_state_that_no_path_reaches_harms_nothing():
    """Backward it would grow without bound: it alone explains the data."""
    n = 3000
    log_density = np.zeros((n, 2))
    log_density[:, 0] = -5.0
    start, transitions = np.array([1.0, 0.0]), np.array([[1.0, 0.0], [0.5, 0.5]])
    made = smoothed(log_density, start, transitions, np.array([n]), np.ones(1))
    assert made.loglik[0] == pytest.approx(-5.0 * n, rel=1e-12)
    np.testing.assert_array_equal(made.resp, np.tile([1.0, 0.0], (n, 1)))
    np.testing.assert_allclose(made.transitions, [[n - 1, 0], [0, 0]], rtol=1e-12)


def test_scaling_is_used_where_it_is_safe(monkeypatch):
    """Where all transitions are probable, no sequence goes through logarithms."""
    from latentia.hmm import chain

    def refuse(*_):
        raise AssertionError("went through logarithms")

    monkeypatch.setattr(chain.logs, "smooth", refuse)
    rng = np.random.default_rng(2)
    dense = np.full((3, 3), 1e-9) + np.eye(3)
    dense /= dense.sum(axis=1, keepdims=True)
    smoothed(900 * rng.normal(size=(500, 3)), np.full(3, 1 / 3), dense, np.array([500]), np.ones(1))
    with pytest.raises(AssertionError):
        smoothed(
            np.array([[-np.inf, 0.0]]), np.array([1.0, 0.0]), np.eye(2), np.ones(1, int), np.ones(1)
        )


def test_a_lane_that_is_lost_harms_no_other():
    """One sequence in forty starts where no state of positive probability could make it."""
    rng = np.random.default_rng(4)
    sizes, start, a = np.full(40, 6), np.array([1.0, 0.0]), np.array([[0.6, 0.4], [0.3, 0.7]])
    log_density = rng.normal(size=(240, 2))
    log_density[60] = [-900.0, 0.0]
    log_density[120] = [-np.inf, 0.0]
    made = smoothed(log_density, start, a, sizes, np.ones(40))
    assert made.loglik[20] == -np.inf
    pairs = np.zeros((2, 2))
    for s in (s for s in range(40) if s != 20):
        own = slice(6 * s, 6 * s + 6)
        loglik, resp, moved = in_logs(start, a, log_density[own])
        assert made.loglik[s] == pytest.approx(loglik, abs=1e-10)
        np.testing.assert_allclose(made.resp[own], resp, atol=1e-12)
        pairs += moved
    np.testing.assert_allclose(made.transitions, pairs, atol=1e-11)


def test_nan_is_never_a_probability():
    log_density = np.array([[0.0, 0.0], [np.nan, 0.0]])
    made = smoothed(log_density, np.full(2, 0.5), np.full((2, 2), 0.5), np.array([2]), np.ones(1))
    assert np.isnan(made.loglik[0])
    assert kernels.width_of(4) == 4
    assert kernels.width_of(5) == 8
