"""Entropy, the classification table and its errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentia.latent_class.classification import classification


@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 10**6))
def test_the_table_sums_to_rows_and_classes(k, n, seed):
    rng = np.random.default_rng(seed)
    resp, weights = rng.dirichlet(np.ones(k), size=n), rng.gamma(2.0, size=n)
    found = classification(resp, weights)
    np.testing.assert_allclose(found.table.sum(axis=1), weights @ resp)
    assigned = np.bincount(resp.argmax(axis=1), weights, minlength=k)
    np.testing.assert_allclose(found.table.sum(axis=0), assigned)
    wrong = 1 - resp.max(axis=1)
    assert found.error == pytest.approx(weights @ wrong / weights.sum(), abs=1e-12)
    assert -1e-12 <= found.relative_entropy <= 1 + 1e-12
    used = assigned > 0
    np.testing.assert_allclose(found.average_posterior[used].sum(axis=1), 1.0)
    assert np.isnan(found.average_posterior[~used]).all()


def test_nothing_known_and_everything_known():
    even = classification(np.full((6, 3), 1 / 3), np.ones(6))
    assert even.relative_entropy == pytest.approx(0.0, abs=1e-12)
    assert even.entropy == pytest.approx(6 * np.log(3))
    sure = classification(np.eye(3)[[0, 1, 2, 2]], np.ones(4))
    assert (sure.relative_entropy, sure.error, sure.error_reduction) == (1.0, 0.0, 1.0)
    np.testing.assert_array_equal(sure.table, np.diag([1.0, 1.0, 2.0]))
