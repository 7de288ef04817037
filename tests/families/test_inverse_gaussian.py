"""Inverse Gaussian times, against SciPy."""

import numpy as np
import pytest
from scipy.stats import invgauss

from latentia.engine.space import DegenerateError
from latentia.families.inverse_gaussian import InverseGaussian, InverseGaussianParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
)

MEANS, SHAPES = np.array([[0.3, 12.0], [4.0, 1.0]]), np.array([[2.0, 5.0], [0.9, 4.0]])
PARAMS = InverseGaussianParams(MEANS, SHAPES)
ROWS = np.random.default_rng(0).wald([[2.0, 0.7]] * 20 + [[9.0, 4.0]] * 20, [[4.0, 6.0]])


def scipys():
    return invgauss(MEANS / SHAPES, scale=SHAPES)


@every_property
def test_property(holds):
    holds(Case(lambda k: InverseGaussian(k, 2), ROWS, collapses=True))


def test_log_density_is_scipys():
    x = np.random.default_rng(1).wald(2, 3, size=(100, 2))
    expected = scipys().logpdf(x[:, None]).sum(axis=2)
    assert_log_density(InverseGaussian(2, 2), PARAMS, x, expected)


def test_log_density_off_the_support():
    x = np.array([[1.0], [0.0], [-1.0], [np.inf]])
    expected = np.array([[-np.log(2 * np.pi) / 2], *[[-np.inf]] * 3])
    params = InverseGaussianParams(*np.ones((2, 1, 1)))
    assert_log_density(InverseGaussian(1), params, x, expected)


def test_one_component_is_scipys_fit():
    fits = [invgauss.fit(column, floc=0) for column in ROWS.T]
    ratios, _, scales = np.transpose(fits)
    assert_one_component_is(InverseGaussian(1, 2), ROWS, [ratios * scales, scales])


def test_rows_that_are_alike_are_refused():
    family, x = InverseGaussian(1), np.full((5, 1), 2.0)
    params = InverseGaussianParams(*np.ones((2, 1, 1)))
    with pytest.raises(DegenerateError, match="the shape relative to the mean of component 0"):
        family.m_step(family.stats(params, x, np.ones((5, 1))), params)


def test_draws():
    assert_draws_have(InverseGaussian(2, 2), PARAMS, MEANS, MEANS**3 / SHAPES)


def test_distribution_function():
    x = np.array([[0.0], [0.3], [7.0], [400.0], [-1.0], [np.nan], [np.inf]])
    params = InverseGaussianParams(MEANS[:, :1], SHAPES[:, :1])
    expected = invgauss.cdf(x, MEANS[:, 0] / SHAPES[:, 0], scale=SHAPES[:, 0])
    got = InverseGaussian(2).cdf(params, x)
    np.testing.assert_allclose(got, expected, rtol=1e-11)


def test_the_distribution_function_of_a_sharp_component():
    """It tends to the normal one, off by the skewness 3 sqrt(μ/λ) (Edgeworth's first term)."""
    params = InverseGaussianParams(np.ones((1, 1)), np.full((1, 1), 1e8))
    assert InverseGaussian(1).cdf(params, np.ones((1, 1))) == pytest.approx(
        0.5 + 3e-4 / 6 / np.sqrt(2 * np.pi), abs=1e-9
    )


def test_faults():
    wrong = InverseGaussian(1).fault(np.array([[1.0], [np.nan], [0.0]]))
    assert wrong == (2, 0, "expected a number above 0")
