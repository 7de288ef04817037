"""Beta shares, against SciPy."""

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import beta

from latentia.engine.space import DegenerateError
from latentia.families.beta import Beta, BetaParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    fit_one,
)

A, B = np.array([[0.3, 12.0], [4.0, 1.0]]), np.array([[2.0, 5.0], [0.9, 400.0]])
PARAMS = BetaParams(A, B)
ROWS = np.random.default_rng(0).beta([[2.0, 0.7]] * 20 + [[9.0, 4.0]] * 20, [[4.0, 6.0]])


@every_property
def test_property(holds):
    holds(Case(lambda k: Beta(k, 2), ROWS, collapses=True))


def test_log_density_is_scipys():
    x = np.random.default_rng(1).beta(2, 3, size=(100, 2))
    expected = beta.logpdf(x[:, None], A, B).sum(axis=2)
    assert_log_density(Beta(2, 2), PARAMS, x, expected)


def test_nothing_cancels_in_a_sharp_component():
    """At the mean the density is that of a normal with its variance, to order 1 / (a + b)."""
    mean, total = 0.3, 1e9
    params = BetaParams(np.array([[total * mean]]), np.array([[total * (1 - mean)]]))
    variance = mean * (1 - mean) / (total + 1)
    got = Beta(1).log_density(params, np.array([[mean]]))[0, 0]
    assert got == pytest.approx(-np.log(2 * np.pi * variance) / 2, abs=2e-8)


def test_log_density_off_the_support():
    x = np.array([[0.5], [0.0], [1.0], [-1.0], [np.inf]])
    expected = np.array([[0.0], *[[-np.inf]] * 4])
    assert_log_density(Beta(1), BetaParams(*np.ones((2, 1, 1))), x, expected)


def test_one_component_is_scipys_fit():
    fits = [beta.fit(column, floc=0, fscale=1) for column in ROWS.T]
    a, b, _, _ = np.transpose(fits)
    assert_one_component_is(Beta(1, 2), ROWS, [a, b])


def test_shares_near_zero_and_one_have_small_shapes():
    """Logarithms of hundreds: the score equations hold, whatever the size of the shapes."""
    x = np.array([[1e-200], [1e-3], [1 - 1e-12], [1e-90], [0.7]])
    a, b = (leaf[0, 0] for leaf in fit_one(Beta(1), x))
    assert np.log(x).mean() == pytest.approx(digamma(a) - digamma(a + b), rel=1e-9)
    assert np.log1p(-x).mean() == pytest.approx(digamma(b) - digamma(a + b), rel=1e-9)


def test_rows_that_are_alike_are_refused():
    family, x = Beta(1), np.full((5, 1), 0.25)
    params = BetaParams(*np.ones((2, 1, 1)))
    with pytest.raises(DegenerateError, match="the sum of the shapes of component 0 grew beyond"):
        family.m_step(family.stats(params, x, np.ones((5, 1))), params)


def test_draws():
    law = beta(A, B)
    assert_draws_have(Beta(2, 2), PARAMS, law.mean(), law.var())


def test_distribution_function():
    x = np.array([[0.0], [0.3], [1.0], [400.0], [-1.0], [np.nan]])
    params = BetaParams(A[:, :1], B[:, :1])
    np.testing.assert_allclose(Beta(2).cdf(params, x), beta.cdf(x, A[:, 0], B[:, 0]), rtol=1e-12)


def test_faults():
    wrong = Beta(1).fault(np.array([[0.1], [np.nan], [1.0]]))
    assert wrong == (2, 0, "expected a number above 0 and below 1")
