"""Scaled recursions over segments beside those in logarithms and sums over all segmentations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.hmm.durations import recursions, scaled

from .segments import enumerated


def lost_of(log_density, start, moves, log_pmf, log_survival, sizes):
    """Which sequences the scaled recursions give up."""
    logs = recursions._prepared(log_density, start, moves, log_pmf, log_survival)
    (d, k), n = log_pmf.shape, len(log_density)
    made = np.empty(len(sizes)), np.zeros((k, n)), np.zeros(k), np.zeros((k, k))
    tables = np.zeros((k, d)), np.zeros((k, d))
    offsets, weights = recursions._offsets(sizes), np.ones(len(sizes))
    told = logs[0], *map(np.exp, logs[1:])
    return scaled.smooth(*told, offsets, weights, *made, *tables)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1.0, 30.0, 400.0, 3000.0]), st.integers(2, 5))
def test_densities_however_far_apart_are_summed_over_all_segmentations(seed, spread, longest):
    rng = np.random.default_rng(seed)
    k, n = 3, 7
    logs = spread * rng.normal(size=(n, k))
    logs[rng.uniform(size=(n, k)) < 0.1] = -np.inf
    law = rng.dirichlet(np.ones(longest), size=k).T * (rng.uniform(size=(longest, k)) < 0.8)
    law[-1] += 0.01
    law /= law.sum(axis=0)
    with np.errstate(divide="ignore"):
        pmf, survival = np.log(law), np.log(np.cumsum(law[::-1], axis=0)[::-1])
    moves = rng.dirichlet(np.ones(k), size=k) * ~np.eye(k, dtype=bool)
    moves /= moves.sum(axis=1, keepdims=True)
    start, sizes = rng.dirichlet(np.ones(k)), np.array([n])
    made = recursions.smoothed(logs, start, moves, pmf, survival, sizes, np.ones(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        known = enumerated(start, moves, pmf, survival, logs)
    if not np.isfinite(known.loglik):
        assert made.loglik[0] == -np.inf
        assert not made.resp.any()
        return
    assert made.loglik[0] == pytest.approx(known.loglik, rel=1e-12, abs=1e-10)
    for ours, theirs in zip(made[1:], known[1:6], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_a_state_that_was_all_but_impossible_and_is_then_the_only_one():
    n, half = 1200, 600
    logs = np.zeros((n, 3))
    logs[:half, 1] = -3.0  # 1,800 nats behind, far below the smallest number
    logs[half:, [0, 2]] = -np.inf
    start = np.array([0.4, 0.1, 0.5])
    moves = np.array([[0.0, 0.0, 1.0], [0.5, 0.0, 0.5], [1.0, 0.0, 0.0]])  # none leads to 1
    law = np.full((n, 3), 1 / n)
    pmf, survival = np.log(law), np.log(np.cumsum(law[::-1], axis=0)[::-1])
    told = logs, start, moves, pmf, survival, np.array([n])
    assert lost_of(*told).all()
    made = recursions.smoothed(*told, np.ones(1))
    assert made.loglik[0] == pytest.approx(np.log(0.1) - 3.0 * half + survival[-1, 1], rel=1e-12)
    np.testing.assert_allclose(made.resp[:, 1], 1.0, atol=1e-9)
    easy = np.where(np.isfinite(logs), logs, 0.0)  # the others go on being as likely
    assert not lost_of(easy, *told[1:]).any()


def test_usual_sequences_are_scaled_and_agree_with_logarithms():
    rng = np.random.default_rng(0)
    sizes, k, d = np.array([300, 1, 150]), 4, 25
    logs = -0.5 * (3 * rng.normal(size=(sizes.sum(), 1)) - 2 * np.arange(k)) ** 2
    law = rng.dirichlet(np.ones(d), size=k).T
    pmf, survival = np.log(law), np.log(np.cumsum(law[::-1], axis=0)[::-1])
    moves = rng.dirichlet(np.ones(k), size=k) * ~np.eye(k, dtype=bool)
    moves /= moves.sum(axis=1, keepdims=True)
    start, weights = rng.dirichlet(np.ones(k)), rng.gamma(2.0, size=3)
    assert not lost_of(logs, start, moves, pmf, survival, sizes).any()
    ours = recursions.smoothed(logs, start, moves, pmf, survival, sizes, weights)
    by_logs = np.empty(3), np.zeros((k, len(logs))), np.zeros(k), np.zeros((k, k))
    by_logs += (np.zeros((k, d)), np.zeros((k, d)))
    told = recursions._prepared(logs, start, moves, pmf, survival)
    asked = np.ones(3, dtype=bool)
    recursions._smooth(*told, recursions._offsets(sizes), weights, asked, *by_logs)
    theirs = recursions.SmoothedSegments(
        by_logs[0], by_logs[1].T, *by_logs[2:4], by_logs[4].T, by_logs[5].T
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)
