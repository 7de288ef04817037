"""Compiled triangles give what LAPACK gives, in place or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentia.families.kernels.triangle import factorised, inverted, squared


@given(d=st.integers(1, 9), seed=st.integers(0, 2**32 - 1), in_place=st.booleans())
def test_the_inverse_and_determinant_of_a_matrix(d, seed, in_place):
    a = np.random.default_rng(seed).normal(size=(d, 2 * d))
    matrix = a @ a.T
    out = matrix.copy() if in_place else np.empty((d, d))
    log_det = factorised(out if in_place else matrix, d, out)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix)[1], atol=1e-9)
    np.testing.assert_allclose(np.tril(out), np.linalg.cholesky(matrix), atol=1e-10 * d)
    inverse = out if in_place else np.empty((d, d))
    inverted(out, d, inverse)
    made = np.empty((d, d))
    squared(inverse, d, made)
    unit = np.linalg.cond(matrix)
    np.testing.assert_allclose(made @ matrix, np.eye(d), atol=1e-14 * unit * d)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan])
def test_what_is_not_definite_has_no_determinant(wrong):
    matrix = np.diag([1.0, wrong, 1.0])
    assert np.isnan(factorised(matrix, 3, np.empty((3, 3))))
    assert factorised(matrix, 1, np.empty((3, 3))) == 0.0
