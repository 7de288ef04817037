"""Shapes are found back from what they imply, however small or large."""

import numpy as np
import pytest
from scipy.special import digamma, gammaln

from latentia.engine.space import DegenerateError
from latentia.families.shapes import (
    digamma_share,
    dirichlet_shapes,
    gamma_shape,
    log_dirichlet,
    log_gamma_rest,
    log_minus_digamma,
    moments,
    refuse_collapse,
)

SHAPES = np.logspace(-8, 9.9, 100)


def test_the_gap_of_a_digamma_is_scipys_where_that_has_digits():
    a = SHAPES[SHAPES < 1e3]
    np.testing.assert_allclose(log_minus_digamma(a), np.log(a) - digamma(a), rtol=1e-12)
    large = SHAPES[SHAPES > 1e5]  # where two terms of its series are all
    np.testing.assert_allclose(
        log_minus_digamma(large), 0.5 / large + 1 / (12 * large**2), rtol=1e-12
    )


def test_the_rest_of_a_log_gamma_is_scipys_where_that_has_digits():
    a = SHAPES[SHAPES < 1e3]
    np.testing.assert_allclose(
        log_gamma_rest(a), a * np.log(a) - a - gammaln(a), rtol=1e-10, atol=1e-11
    )


def test_the_shape_of_a_gamma_is_found():
    np.testing.assert_allclose(gamma_shape(log_minus_digamma(SHAPES)), SHAPES, rtol=1e-12)
    assert np.isinf(gamma_shape(np.array([0.0, -1e-17]))).all()


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3, 1e6])
def test_the_shapes_of_a_dirichlet_are_found(size):
    alpha = size * np.array([[0.2, 0.3, 0.5], [1e-3, 3.0, 1.0], [1.0, 1.0, 1e-2]])
    found = dirichlet_shapes(digamma_share(alpha))
    np.testing.assert_allclose(found, alpha, rtol=1e-12 + 1e-14 * size)


def test_rows_that_are_alike_have_no_shapes():
    alike = np.log([[0.2, 0.8], [0.5, 0.5]])
    assert np.isinf(dirichlet_shapes(alike)).all()


def test_the_density_of_a_dirichlet_is_its_own_at_small_shapes():
    alpha, x = np.array([0.3, 2.0, 5.0]), np.array([0.1, 0.2, 0.7])
    expected = gammaln(alpha.sum()) - gammaln(alpha).sum() + ((alpha - 1) * np.log(x)).sum()
    assert float(log_dirichlet(alpha, x)) == pytest.approx(expected, rel=1e-13)


def test_moments_are_those_of_the_rows_where_these_are_many():
    rng = np.random.default_rng(0)
    x = rng.normal([1e6, -3.0], [1.0, 20.0], size=(4000, 2))
    x[rng.uniform(size=x.shape) < 0.3] = np.nan
    mean, variance = moments(x, np.ones((4000, 1)))
    np.testing.assert_allclose(mean[0], np.nanmean(x, axis=0), rtol=1e-9)
    np.testing.assert_allclose(variance[0], np.nanvar(x, axis=0), rtol=1e-3)


def test_a_component_without_rows_has_the_pooled_moments():
    x = np.array([[1.0], [2.0], [6.0]])
    mean, variance = moments(x, np.stack([np.ones(3), np.zeros(3)], axis=1))
    assert mean[1, 0] == pytest.approx(3.0)
    assert variance[1, 0] == pytest.approx(x.var())


def test_a_collapse_is_named():
    alive = np.array([[True, True], [True, True]])
    refuse_collapse(np.array([[1.0, 2.0], [1e9, 3.0]]), alive, "shape")
    for sharp in (1e11, np.inf, np.nan):
        with pytest.raises(DegenerateError, match="the shape of component 1 grew beyond 1e"):
            refuse_collapse(np.array([[1.0, 2.0], [sharp, 3.0]]), alive, "shape")
