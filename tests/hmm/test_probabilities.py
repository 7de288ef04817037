"""Probabilities that a user has set."""

import numpy as np
import pytest

from latentia.hmm.probabilities import checked


def test_rows_that_nearly_sum_to_one_are_divided_by_their_sum():
    given = np.array([[0.3, 0.700004], [0.25, 0.75]])
    rows = checked("transmat_", given, (2, 2))
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, rtol=0, atol=2e-16)
    np.testing.assert_allclose(rows[0], given[0] / 1.000004, rtol=1e-15)


def test_rows_that_sum_to_one_but_for_rounding_stay_to_the_bit():
    rows = np.full((1, 10), 0.1)  # their sum is 1 - 1.1e-16
    assert rows.sum() != 1.0 or np.cumsum(rows)[-1] != 1.0
    np.testing.assert_array_equal(checked("transmat_", rows, (1, 10)), rows)


@pytest.mark.parametrize("given", [[0.3, 0.71], [1.2, -0.2], [np.nan, 1.0], [[0.3, 0.7]]])
def test_what_is_no_row_of_probabilities_is_refused_by_name(given):
    with pytest.raises(ValueError, match="startprob_"):
        checked("startprob_", given, (2,))
