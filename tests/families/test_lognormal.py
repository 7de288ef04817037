"""Log-normal times, against SciPy."""

import numpy as np
import pytest
from scipy.stats import lognorm, norm

from latentia.engine.space import DegenerateError
from latentia.families.lognormal import LogNormal, LogNormalParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
)

MEANS, VARIANCES = np.array([[0.3, -12.0], [4.0, 1.0]]), np.array([[0.2, 0.01], [0.5, 0.1]])
PARAMS = LogNormalParams(MEANS, VARIANCES)
ROWS = np.exp(np.random.default_rng(0).normal([[2.0, -0.7]] * 20 + [[5.0, 0.4]] * 20, 0.6))


@every_property
def test_property(holds):
    holds(Case(lambda k: LogNormal(k, 2), ROWS, collapses=True))


def test_log_density_is_scipys():
    x = np.exp(np.random.default_rng(1).normal([0, -11], 2, size=(100, 2)))
    each = lognorm.logpdf(x[:, None], np.sqrt(VARIANCES), scale=np.exp(MEANS))
    assert_log_density(LogNormal(2, 2), PARAMS, x, each.sum(axis=2))


def test_log_density_off_the_support():
    x = np.array([[1.0], [0.0], [-1.0], [np.inf]])
    expected = np.array([[-np.log(2 * np.pi) / 2], *[[-np.inf]] * 3])
    params = LogNormalParams(np.zeros((1, 1)), np.ones((1, 1)))
    assert_log_density(LogNormal(1), params, x, expected)


def test_one_component_is_scipys_fit():
    fits = [lognorm.fit(column, floc=0) for column in ROWS.T]
    sigmas, _, medians = np.transpose(fits)
    assert_one_component_is(LogNormal(1, 2), ROWS, [np.log(medians), sigmas**2])


def test_rows_that_are_alike_are_refused():
    family, x = LogNormal(1), np.full((5, 1), 2.0)
    params = LogNormalParams(*np.ones((2, 1, 1)))
    with pytest.raises(DegenerateError, match="the precision of component 0 grew beyond"):
        family.m_step(family.stats(params, x, np.ones((5, 1))), params)


def test_draws():
    law = lognorm(np.sqrt(VARIANCES), scale=np.exp(MEANS))
    assert_draws_have(LogNormal(2, 2), PARAMS, law.mean(), law.var())


def test_distribution_function():
    x = np.array([[0.0], [0.3], [7.0], [400.0], [-1.0], [np.nan], [np.inf]])
    params = LogNormalParams(MEANS[:, :1], VARIANCES[:, :1])
    expected = lognorm.cdf(x, np.sqrt(VARIANCES[:, 0]), scale=np.exp(MEANS[:, 0]))
    np.testing.assert_allclose(LogNormal(2).cdf(params, x), expected, rtol=1e-12)


def test_faults():
    wrong = LogNormal(1).fault(np.array([[1.0], [np.nan], [-1.0]]))
    assert wrong == (2, 0, "expected a finite number above 0")


def test_draws_far_above_the_mean_stay_in_their_window():
    """Ten deviations above it, the distribution function itself is one in a float."""
    family = LogNormal(1, truncated=(np.exp(10.0), np.inf))
    params = LogNormalParams(np.zeros((1, 1)), np.ones((1, 1)))
    drawn = family.draw(params, np.zeros(4000, dtype=np.intp), np.random.default_rng(0))
    beyond = np.log(drawn[:, 0]) - 10.0
    assert (beyond >= 0).all()
    mean = norm.pdf(10.0) / norm.sf(10.0) - 10.0  # of a normal distribution's tail
    assert beyond.mean() == pytest.approx(mean, abs=5 * beyond.std() / 4000**0.5)
