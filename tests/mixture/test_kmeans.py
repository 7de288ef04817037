"""k-means beside scikit-learn's, and what holds of it where rows coincide."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans, kmeans_plusplus

from latentia.mixture.kmeans import clustered, spread_out

seeds = st.integers(0, 2**32 - 1)


def _rows(seed, n, d, k):
    rng = np.random.default_rng(seed)
    centres = 2.0 * rng.normal(size=(k, d))
    return centres[rng.integers(k, size=n)] + rng.normal(size=(n, d)), rng.gamma(2.0, size=n)


@given(seed=seeds, n=st.integers(8, 300), d=st.integers(1, 6), k=st.integers(1, 8))
def test_clusters_are_those_of_scikit_learn(seed, n, d, k):
    x, weights = _rows(seed, n, d, k)
    peer: Any = KMeans(k, random_state=seed)
    peer.set_params(n_init=1).fit(x, sample_weight=weights)
    np.testing.assert_array_equal(clustered(x, weights, k, seed), peer.labels_)


@given(seed=seeds, n=st.integers(8, 300), d=st.integers(1, 6), k=st.integers(1, 8))
def test_first_centres_are_those_of_scikit_learn(seed, n, d, k):
    x, weights = _rows(seed, n, d, k)
    _, peer = kmeans_plusplus(x, k, sample_weight=weights, random_state=seed)
    np.testing.assert_array_equal(spread_out(x, weights, k, seed), peer)


@given(seed=seeds, shift=st.sampled_from([-1e6, 1e6]), scale=st.sampled_from([1e-100, 1.0, 1e100]))
@settings(max_examples=30)
def test_origin_and_unit_do_not_matter(seed, shift, scale):
    x, weights = _rows(seed, 60, 2, 3)
    one = clustered(x, weights, 3, seed)
    np.testing.assert_array_equal(clustered((x + shift) * scale, weights, 3, seed), one)


@pytest.mark.parametrize("different", [1, 2, 3])
def test_rows_that_coincide_leave_clusters_empty_but_nothing_fails(different):
    x = np.repeat(np.arange(float(different)), 4)[:, None]
    labels = clustered(x, np.ones(len(x)), 4, seed=0)
    assert set(labels) <= set(range(4))
    if different > 1:
        assert labels[0] != labels[-1]
