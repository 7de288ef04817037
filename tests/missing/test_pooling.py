import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentia.missing import pool

ESTIMATES, VARIANCES = [10.2, 11.9, 9.4, 10.8, 12.5], [4.1, 3.8, 4.4, 5.0, 3.6]


# mice 3.15.0 (R 4.2): pool.scalar(q, u, n = 50, k = 3), and pool.scalar(q, u)
@pytest.mark.parametrize(
    ("df", "known"),
    [(47, (17.74102046, 0.377524225828)), (np.inf, (41.330812156, 0.342175185079))],
)
def test_one_estimate_is_that_of_mice(df, known):
    pooled = pool(ESTIMATES, VARIANCES, df)
    found = (pooled.df, pooled.fraction_missing)
    np.testing.assert_allclose(found, known, rtol=1e-9)
    assert pooled.estimate == pytest.approx(10.96)
    assert pooled.se**2 == pytest.approx(6.0676)
    assert pooled.between == pytest.approx(1.573)
    assert pooled.relative_increase == pytest.approx(0.451578947368)


def test_arrays_are_pooled_entry_by_entry():
    q, u = np.random.default_rng(0).uniform(1, 2, size=(2, 4, 3, 2))
    pooled = pool(q, u, 20)
    for index in np.ndindex(3, 2):
        each = pool(q[(slice(None), *index)], u[(slice(None), *index)], 20)
        assert pooled.df[index] == pytest.approx(each.df, rel=1e-12)
        assert pooled.se[index] == pytest.approx(each.se, rel=1e-12)


def test_imputations_that_agree_leave_the_complete_data_answer():
    pooled = pool([3.0, 3.0, 3.0], [2.0, 2.0, 2.0])
    assert pooled.se == pytest.approx(np.sqrt(2))
    assert pooled.df == np.inf
    assert pooled.fraction_missing == 0
    low, high = pooled.interval()
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * np.sqrt(2))
    # with so many degrees of freedom of complete data, (v + 1) / (v + 3) v of them are left
    assert pool([3.0, 3.0], [2.0, 2.0], 10).df == pytest.approx(11 / 13 * 10)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.floats(0.01, 4), st.floats(2, 500))
def test_degrees_of_freedom_are_fewer_than_of_complete_data(q, u, df):
    pooled = pool(q, np.full(len(q), u), df)
    assert 0 < pooled.df <= df
    assert 0 <= pooled.fraction_missing <= 1.0000001
    assert pooled.se >= np.sqrt(u) * (1 - 1e-12)


@pytest.mark.parametrize(
    ("q", "u", "what"),
    [
        ([1.0], [1.0], "got 1 imputation, expected at least 2"),
        ([1.0, 2.0], [1.0], "one variance for each estimate"),
        ([1.0, np.nan], [1.0, 1.0], "not finite"),
        ([1.0, 2.0], [1.0, -1.0], "below 0"),
    ],
)
def test_what_cannot_be_pooled_is_one_sentence(q, u, what):
    with pytest.raises(ValueError, match=what):
        pool(q, u)
