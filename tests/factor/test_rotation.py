import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.factor import rotated
from latentia.factor.rotation import ROTATIONS


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(ROTATIONS), st.booleans())
def test_the_common_part_stays(seed, method, kaiser):
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(8, 3))
    found = rotated(loadings, method, kaiser)
    common = found.loadings @ found.correlations @ found.loadings.T
    np.testing.assert_allclose(common, loadings @ loadings.T, atol=1e-8)
    np.testing.assert_allclose(np.diagonal(found.correlations), 1.0, atol=1e-10)
    if method in ("varimax", "quartimax"):
        np.testing.assert_allclose(found.correlations, np.eye(3), atol=1e-10)


@pytest.mark.parametrize("unit", [1e-140, 1e-7, 1e140])
@pytest.mark.parametrize("method", ROTATIONS)
def test_units_do_not_matter(method, unit):
    loadings = np.random.default_rng(0).normal(size=(10, 3))
    one, other = rotated(loadings, method), rotated(unit * loadings, method)
    np.testing.assert_allclose(other.loadings / unit, one.loadings, atol=1e-9)


def test_oblimin_finds_simple_loadings_of_correlated_factors():
    simple = np.zeros((9, 3))
    simple[np.arange(9), np.arange(9) // 3] = [0.9, 0.8, 0.7, 0.9, 0.6, 0.8, 0.7, 0.7, 0.9]
    phi = np.array([[1.0, 0.4, 0.2], [0.4, 1.0, 0.3], [0.2, 0.3, 1.0]])
    values, axes = np.linalg.eigh(simple @ phi @ simple.T)
    found = rotated(axes[:, -3:] * np.sqrt(values[-3:]), "oblimin")
    np.testing.assert_allclose(
        np.sort(np.abs(found.loadings).max(axis=1)), np.sort(simple.max(axis=1)), atol=1e-6
    )
    below = np.sort(np.abs(found.correlations[np.tril_indices(3, -1)]))
    np.testing.assert_allclose(below, [0.2, 0.3, 0.4], atol=1e-6)


@pytest.mark.parametrize("method", ROTATIONS)
def test_factors_that_nothing_loads_on_stay_apart(method):
    loadings = np.zeros((7, 4))
    loadings[:, [0, 2]] = np.random.default_rng(0).normal(size=(7, 2))
    found, alone = rotated(loadings, method), rotated(loadings[:, [0, 2]], method)
    np.testing.assert_allclose(found.loadings[:, [0, 2]], alone.loadings)
    assert (found.loadings[:, [1, 3]] == 0).all()
    np.testing.assert_allclose(found.correlations[np.ix_([0, 2], [0, 2])], alone.correlations)


def test_loadings_of_nothing_are_left_alone():
    for method in ROTATIONS:
        assert (rotated(np.zeros((4, 2)), method).loadings == 0).all()
