"""Poisson components, against SciPy and exact ratios."""

import numpy as np
import pytest
from scipy.stats import poisson

from latentia.families.poisson import Poisson, PoissonParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    maximum_of,
)

RATES = np.array([[0.3, 12.0], [4.0, 90.0]])
ROWS = np.random.default_rng(0).poisson([[2.0, 30.0]] * 20 + [[9.0, 5.0]] * 20).astype(float)


@every_property
def test_property(holds):
    holds(Case(lambda k: Poisson(k, 2), ROWS))


def test_log_density_is_scipys():
    x = np.stack([np.arange(200.0), np.arange(200.0)[::-1]], axis=1)
    expected = sum(poisson.logpmf(x[:, j, None], RATES[:, j]) for j in range(2))
    assert_log_density(Poisson(2, 2), PoissonParams(RATES), x, expected)


def test_log_density_off_the_support():
    x = np.array([[0.0], [1.0], [-1.0], [0.5], [np.inf]])
    impossible = [-np.inf] * 3
    expected = np.transpose([[0.0, -np.inf, *impossible], [-2.0, np.log(2) - 2, *impossible]])
    assert_log_density(Poisson(2), PoissonParams(np.array([[0.0], [2.0]])), x, expected)


@pytest.mark.parametrize("rate", [1e-12, 1.0, 1e6, 1e12, 1e15])
def test_neighbouring_counts_keep_their_ratio(rate):
    x = np.floor(rate)
    low, high = Poisson(1).log_density(PoissonParams(np.array([[rate]])), np.array([[x], [x + 1]]))
    assert high - low == pytest.approx(np.log(rate) - np.log(x + 1), rel=1e-12, abs=1e-8)


@pytest.mark.parametrize("rate", [1e6, 1e12])
def test_the_mode_of_a_large_count_is_that_of_the_normal(rate):
    top = Poisson(1).log_density(PoissonParams(np.array([[rate]])), np.array([[rate]]))
    assert top == pytest.approx(-np.log(2 * np.pi * rate) / 2 - 1 / (12 * rate), rel=1e-13)


def test_one_component_is_the_maximum_likelihood_fit():
    best = maximum_of(lambda t: poisson.logpmf(ROWS, np.exp(t)).sum(), np.zeros(2))
    assert_one_component_is(Poisson(1, 2), ROWS, [np.exp(best)])


def test_draws():
    assert_draws_have(Poisson(2, 2), PoissonParams(RATES), RATES, RATES)


def test_distribution_function():
    x = np.array([[0.0], [3.0], [3.5], [-1.0], [np.nan]])
    params = PoissonParams(np.array([[0.5], [4.0]]))
    expected = np.where(np.isnan(x), np.nan, poisson.cdf(x, [0.5, 4.0]))
    np.testing.assert_allclose(Poisson(2).cdf(params, x), expected, rtol=1e-12)


def test_faults():
    assert Poisson(2, 2).fault(np.array([[0, 1], [np.nan, 2.5], [-1, 1]])) == (
        1,
        1,
        "expected a whole number of at least 0",
    )


def test_a_column_of_zeros_has_rate_zero():
    assert_one_component_is(Poisson(1), np.zeros((5, 1)), [0.0])
