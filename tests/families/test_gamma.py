"""Gamma times, against SciPy."""

import numpy as np
import pytest
from scipy.stats import gamma

from latentia.engine.space import DegenerateError
from latentia.families.gamma import Gamma, GammaParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    fit_one,
)

SHAPES, SCALES = np.array([[0.3, 12.0], [4.0, 90.0]]), np.array([[2.0, 0.01], [0.5, 4.0]])
PARAMS = GammaParams(SHAPES, SCALES)
ROWS = np.random.default_rng(0).gamma([[2.0, 0.5]] * 20 + [[9.0, 4.0]] * 20, [[1.0, 10.0]])


@every_property
def test_property(holds):
    holds(Case(lambda k: Gamma(k, 2), ROWS, collapses=True))


def test_log_density_is_scipys():
    x = gamma.rvs(SHAPES.T.ravel()[:2], size=(100, 2), random_state=1)
    expected = gamma.logpdf(x[:, None], SHAPES, scale=SCALES).sum(axis=2)
    assert_log_density(Gamma(2, 2), PARAMS, x, expected)


@pytest.mark.parametrize("shape", [1e-8, 1e-3, 1.0, 1e6, 1e10])
def test_nothing_cancels_at_extreme_shapes(shape):
    """Ratios of densities of neighbours, and the height of the mode of a sharp peak."""
    params = GammaParams(np.array([[shape]]), np.array([[3.0 / shape]]))
    x = np.array([[3.0], [3.0 + 2**-12]])
    one, other = Gamma(1).log_density(params, x)[:, 0]
    step = 2**-12 / 3.0
    expected = shape * (np.log1p(step) - step) - np.log1p(step)
    assert other - one == pytest.approx(expected, rel=1e-9, abs=1e-12)
    if shape >= 1e6:  # Stirling's series
        height = np.log(shape / (2 * np.pi)) / 2 - 1 / (12 * shape) - np.log(3.0)
        assert one == pytest.approx(height, rel=1e-12)


def test_log_density_off_the_support():
    x = np.array([[1.0], [0.0], [-1.0], [np.inf]])
    expected = np.array([[-1.0], *[[-np.inf]] * 3])
    assert_log_density(Gamma(1), GammaParams(*np.ones((2, 1, 1))), x, expected)


def test_one_component_is_scipys_fit():
    fits = [gamma.fit(column, floc=0) for column in ROWS.T]
    shapes, _, scales = np.transpose(fits)
    assert_one_component_is(Gamma(1, 2), ROWS, [shapes, scales])


def test_a_sharp_component_keeps_its_shape():
    """To first order the variance of the logarithms is that of a normal, 1 / shape."""
    x = 1e3 * np.exp(1e-4 * np.random.default_rng(0).normal(size=(500, 1)))
    shape = fit_one(Gamma(1), x).shapes[0, 0]
    assert shape == pytest.approx(1 / np.log(x).var(), rel=1e-3)


def test_rows_that_are_alike_are_refused():
    family, x = Gamma(1), np.full((5, 1), 2.0)
    params = GammaParams(*np.ones((2, 1, 1)))
    with pytest.raises(DegenerateError, match="the shape of component 0 grew beyond 1e"):
        family.m_step(family.stats(params, x, np.ones((5, 1))), params)


def test_draws():
    assert_draws_have(Gamma(2, 2), PARAMS, SHAPES * SCALES, SHAPES * SCALES**2)


def test_distribution_function():
    x = np.array([[0.0], [0.3], [7.0], [40.0], [-1.0], [np.nan], [np.inf]])
    params = GammaParams(SHAPES[:, :1], SCALES[:, :1])
    expected = gamma.cdf(x, SHAPES[:, 0], scale=SCALES[:, 0])
    np.testing.assert_allclose(Gamma(2).cdf(params, x), expected, rtol=1e-12)


def test_faults():
    wrong = Gamma(1).fault(np.array([[1.0], [np.nan], [0.0]]))
    assert wrong == (2, 0, "expected a finite number above 0")
