"""Where a mixture starts: whitening, memberships, order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.data.arrays import Rows
from latentia.mixture.agglomerate import agglomerate
from latentia.mixture.start import METHODS, PORTFOLIO, guesses, method_of, nearest, turn, whiten

seeds = st.integers(0, 2**32 - 1)
every_method = pytest.mark.parametrize("method", METHODS)


def _sample(seed, n=40, d=2):
    rng = np.random.default_rng(seed)
    clumps = rng.integers(3, size=n)[:, None]
    return Rows.of(5.0 * clumps + rng.normal(size=(n, d)), rng.gamma(2.0, size=n))


@given(seed=seeds)
def test_whitened_rows_have_the_identity_for_a_covariance(seed):
    rng = np.random.default_rng(seed)
    rows = Rows.of(rng.normal(size=(30, 3)) @ rng.normal(size=(3, 3)) + 7, rng.gamma(2.0, size=30))
    white = whiten(rows)
    assert white.shape == (30, 3)
    np.testing.assert_allclose(np.average(white, axis=0, weights=rows.weights), 0, atol=1e-8)
    covariance = np.cov(white.T, aweights=rows.weights, ddof=0)
    np.testing.assert_allclose(covariance, np.eye(3), atol=1e-6)


@given(seed=seeds, scale=st.sampled_from([1e-9, 1e9]))
def test_whitening_takes_out_units(seed, scale):
    rows = _sample(seed)
    scaled = Rows(rows.x * [1.0, scale], rows.weights)
    a, b = whiten(rows), whiten(scaled)
    np.testing.assert_allclose(a @ a.T, b @ b.T, atol=1e-6)  # the same up to a rotation


def test_directions_without_spread_drop():
    x = np.c_[np.arange(10.0), np.full(10, 3.0), 2 * np.arange(10.0)]
    assert whiten(Rows.of(x)).shape == (10, 1)
    np.testing.assert_array_equal(whiten(Rows.of(np.ones((4, 2)))), np.zeros((4, 1)))


@every_method
@given(seed=seeds, k=st.integers(1, 5))
@settings(max_examples=15)
def test_memberships_are_probabilities(method, seed, k):
    sample = _sample(seed)
    for resp in guesses(sample, k, method, np.random.default_rng(seed)):
        assert resp.shape == (40, k)
        assert (resp >= 0).all()
        np.testing.assert_allclose(resp.sum(axis=1), 1)
        assert (resp.sum(axis=0) > 0).all()


@every_method
def test_the_same_generator_makes_the_same_start(method):
    sample = _sample(0)
    one, other = (guesses(sample, 3, method, np.random.default_rng(5)) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    third = guesses(sample, 3, method, np.random.default_rng(6))
    if method.startswith("random"):
        assert not np.array_equal(one[0], third[0])


@pytest.mark.parametrize("method", ["kmeans", "k-means++", "random_from_data", "portfolio"])
@given(seed=seeds)
@settings(max_examples=10)
def test_larger_components_come_first(method, seed):
    sample = _sample(seed)
    for resp in guesses(sample, 3, method, np.random.default_rng(seed)):
        count = sample.weights @ resp
        assert (np.diff(count) <= 1e-9).all()


@every_method
def test_few_rows_do_not_stop_a_start(method):
    for n in (1, 2, 3):
        (resp,) = guesses(Rows.of(np.arange(float(n))), 3, method, np.random.default_rng(0))
        assert resp.shape == (n, 3)
        np.testing.assert_allclose(resp.sum(axis=1), 1)


def test_kmeans_finds_clumps_that_are_apart():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 20)
    x = np.array([[0, 0], [10, 0], [0, 10]])[truth] + 0.1 * rng.normal(size=(60, 2))
    for resp in guesses(Rows.of(x), 3, "kmeans", rng):
        labels = resp.argmax(axis=1)
        assert len({tuple(pair) for pair in zip(labels, truth, strict=True)}) == 3


def test_weights_pull_random_rows():
    x = np.arange(4.0)
    sample = Rows.of(x, [1e9, 1e9, 1e-9, 1e-9])
    for seed in range(5):
        rng = np.random.default_rng(seed)
        (resp,) = guesses(sample, 2, "random_from_data", rng)
        labels = resp.argmax(axis=1)
        assert labels[0] != labels[1]  # these two were the centres
        assert labels[1] == labels[2] == labels[3]


@given(seed=seeds, k=st.integers(1, 6))
def test_nearest_is_nearest(seed, k):
    rng = np.random.default_rng(seed)
    x, centres = rng.normal(size=(20, 3)), rng.normal(size=(k, 3))
    resp = nearest(x, centres)
    distance = np.linalg.norm(x[:, None] - centres, axis=2)
    np.testing.assert_array_equal(resp.argmax(axis=1), distance.argmin(axis=1))
    np.testing.assert_array_equal(resp.sum(axis=1), 1)


def test_every_second_kmeans_start_draws_its_centres():
    children = np.random.default_rng(0).spawn(4)
    drawn = "random_from_data"
    assert [turn("kmeans", child) for child in children] == ["kmeans", drawn, "kmeans", drawn]
    assert [turn("random", child) for child in children] == ["random"] * 4
    assert turn("kmeans", np.random.default_rng(0)) == "kmeans"


def test_a_portfolio_tries_all_and_then_draws_centres():
    assert [method_of("portfolio", i) for i in range(6)] == list(PORTFOLIO)
    assert {method_of("portfolio", i) for i in range(6, 20)} == {"k-means++", "random_from_data"}
    assert [method_of("hierarchical", i) for i in range(2)] == list(PORTFOLIO[:2])
    assert method_of("hierarchical", 2) == "random_from_data"
    sample = _sample(0)
    alone = [guesses(sample, 3, name, np.random.default_rng(1))[0] for name in PORTFOLIO[:4]]
    together = guesses(sample, 3, "portfolio", np.random.default_rng(1))
    for resp in alone:
        assert any(np.array_equal(resp, other) for other in together)


def test_hierarchical_starts_are_the_trees():
    sample = _sample(0)
    for i, criterion in enumerate(("VVV", "EII")):
        method = method_of("hierarchical", i)
        (resp,) = guesses(sample, 3, method, np.random.default_rng(0))
        labels = agglomerate(sample.x, sample.weights, 3, criterion).labels(3)
        np.testing.assert_array_equal(resp.argmax(axis=1), labels)


def test_where_both_kmeans_agree_there_is_one_guess():
    rng = np.random.default_rng(0)
    x = np.repeat([[0.0, 0.0], [90.0, 90.0]], 30, axis=0) + rng.normal(size=(60, 2))
    assert len(guesses(Rows.of(x), 2, "kmeans", rng)) == 1
