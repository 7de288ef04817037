"""Rows laid out as lines give the densities and moments that rows give one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.families import lines, moments
from latentia.families.covariance import MODELS
from latentia.families.passes import Components, PreparedRows, by_numpy


def _case(name, n, d, k, seed):
    rng = np.random.default_rng(seed)
    structure = MODELS[name]
    a = rng.normal(size=(k, d, d + 2))
    made = structure.maximum(np.full(k, 9.0), structure.summed(a @ a.swapaxes(1, 2)), 1e-3, d)
    precision = structure.precision(made)
    z, means = rng.normal(size=(n, d)), rng.normal(size=(k, d))
    return structure, z, Components(rng.normal(size=k), means, precision)


@pytest.mark.parametrize("name", MODELS)
@given(
    n=st.integers(1, 30),
    d=st.integers(1, 6),
    k=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=10, deadline=None)
def test_densities_and_moments_are_those_of_the_rows(name, n, d, k, seed):
    structure, z, given_ = _case(name, n, d, k, seed)
    laid_out = lines.laid_out(structure, z)
    assert laid_out is not None
    direct = given_.offset - structure.squared_distance(given_.precision, z, given_.means) / 2
    found = lines.log_density(structure, *given_, laid_out)
    np.testing.assert_allclose(found, direct.T, rtol=1e-9, atol=1e-9)
    resp = np.random.default_rng(seed).uniform(size=(k, n))
    count, first, second = lines.moments(structure, resp, laid_out, d)
    expected = moments.of_rows(structure, z, resp, None)
    for one, other in zip((count, first, second), expected[:3], strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_a_pass_is_the_same_with_lines_and_without(name):
    structure, z, given_ = _case(name, 40, 3, 4, 0)
    weights = np.random.default_rng(1).uniform(size=40)
    made = [
        by_numpy(structure, None, given_, PreparedRows(z, weights, z, laid_out), careful=False)
        for laid_out in (None, lines.laid_out(structure, z))
    ]
    np.testing.assert_allclose(made[0].loglik, made[1].loglik, rtol=1e-12)
    for one, other in zip(made[0].moments[:3], made[1].moments[:3], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_where_there_is_no_room_nothing_is_laid_out():
    many = lines.ROOM // 6 + 1  # of two columns and their three products
    assert lines.laid_out(MODELS["VVV"], np.zeros((many, 2))) is None
    assert lines.laid_out(MODELS["VVV"], np.zeros((many - 1, 2))) is not None
