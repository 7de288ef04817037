"""Exponential times, against SciPy and the formulas of the window."""

import numpy as np
import pytest
from scipy.stats import expon, truncexpon

from latentia.engine.space import DegenerateError
from latentia.families.exponential import (
    Exponential,
    ExponentialParams,
    rate_in_window,
    share_before,
)

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    fit_one,
)

RATES = np.array([[0.2, 40.0], [3.0, 1e-3]])
ROWS = np.random.default_rng(0).exponential([[1.0, 30.0]] * 20 + [[8.0, 2.0]] * 20)


@every_property
def test_property(holds):
    holds(Case(lambda k: Exponential(k, 2), ROWS))


@every_property
def test_property_within_a_window(holds):
    holds(Case(lambda k: Exponential(k, 2, truncated=(0.0, 100.0)), np.minimum(ROWS, 100.0)))


def test_log_density_is_scipys():
    x = np.random.default_rng(1).exponential([[1.0, 5.0]], size=(100, 2))
    expected = expon.logpdf(x[:, None], scale=1 / RATES).sum(axis=2)
    assert_log_density(Exponential(2, 2), ExponentialParams(RATES), x, expected)


@pytest.mark.parametrize("rate", [1e-12, 0.3, 50.0])
def test_log_density_within_a_window_is_scipys(rate):
    lower, upper = 1.5, 4.0
    x = np.array([[1.5], [2.0], [3.99], [4.01], [1.0]])
    law = truncexpon(b=rate * (upper - lower), loc=lower, scale=1 / rate)
    expected = law.logpdf(x)
    if rate < 1e-9:  # SciPy's has no digits there: the first order in the rate
        flat = (lower + upper) / 2 * rate - rate * x - np.log(upper - lower)
        expected = np.where(np.isfinite(expected), flat, -np.inf)
    family = Exponential(1, truncated=(lower, upper))
    assert_log_density(family, ExponentialParams(np.array([[rate]])), x, expected)


def test_rate_zero_is_uniform_within_a_window():
    family, x = Exponential(1, truncated=(1.0, 5.0)), np.array([[1.0], [3.0], [5.0], [6.0]])
    expected = np.log([[0.25], [0.25], [0.25], [1.0]])
    expected[3] = -np.inf
    assert_log_density(family, ExponentialParams(np.zeros((1, 1))), x, expected)


def test_log_density_off_the_support():
    x = np.array([[0.0], [-1.0], [np.inf]])
    expected = np.array([[np.log(2.0)], [-np.inf], [-np.inf]])
    assert_log_density(Exponential(1), ExponentialParams(np.array([[2.0]])), x, expected)


def test_one_component_is_scipys_fit():
    assert_one_component_is(Exponential(1, 2), ROWS, [1 / ROWS.mean(axis=0)])


@pytest.mark.parametrize("share", [1e-9, 1e-3, 0.1, 0.2, 0.3, 0.49, 0.499999])
def test_the_rate_of_a_window_is_found(share):
    u = rate_in_window(np.array(share))
    assert float(share_before(u)) == pytest.approx(share, rel=1e-14)


@pytest.mark.parametrize("u", [0.19999, 0.20001, 1.0, 40.0])
def test_the_share_is_that_of_scipys_truncated_exponential(u):
    assert float(share_before(np.array(u))) * u == pytest.approx(truncexpon.mean(b=u), rel=1e-10)


def test_one_component_within_a_window_has_its_mean():
    x = ROWS[ROWS[:, 1] < 20][:, 1:]
    rate = float(fit_one(Exponential(1, truncated=(0.0, 20.0)), x).rates[0, 0])
    assert truncexpon.mean(b=20 * rate, scale=1 / rate) == pytest.approx(x.mean(), rel=1e-8)


def test_times_late_in_the_window_have_rate_zero():
    x = np.array([[3.0], [9.0], [8.0]])
    assert fit_one(Exponential(1, truncated=(0.0, 10.0)), x).rates == 0


def test_draws():
    rates = np.array([[0.2], [3.0]])
    assert_draws_have(Exponential(2), ExponentialParams(rates), 1 / rates, 1 / rates**2)
    law = truncexpon(b=2.0, loc=1.0, scale=1.5)
    within = Exponential(1, truncated=(1.0, 4.0))
    params = ExponentialParams(np.array([[1 / 1.5]]))
    assert_draws_have(within, params, [[law.mean()]], [[law.var()]])
    even = ExponentialParams(np.zeros((1, 1)))
    assert_draws_have(within, even, [[2.5]], [[9 / 12]])


def test_distribution_function():
    x = np.array([[0.0], [0.3], [40.0], [-1.0], [np.nan], [np.inf]])
    rates = np.array([[0.5], [1e-9]])
    got = Exponential(2).cdf(ExponentialParams(rates), x)
    np.testing.assert_allclose(got, expon.cdf(x, scale=1 / rates.T), rtol=1e-12)


def test_a_component_of_zeros_is_refused():
    family, params = Exponential(1), ExponentialParams(np.ones((1, 1)))
    stats = family.stats(params, np.zeros((3, 1)), np.ones((3, 1)))
    with pytest.raises(DegenerateError, match="all times of component 0 are 0"):
        family.m_step(stats, params)


def test_faults():
    assert Exponential(1).fault(np.array([[0.0], [np.nan], [-3.0]])) == (
        2,
        0,
        "expected a finite number of at least 0",
    )
