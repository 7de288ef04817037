"""Weibull times, against SciPy."""

import numpy as np
import pytest
from scipy.stats import weibull_min

from latentia.engine.space import DegenerateError
from latentia.families.weibull import Weibull, WeibullParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    fit_one,
    maximum_of,
)

SHAPES, SCALES = np.array([[0.6, 12.0], [4.0, 1.0]]), np.array([[2.0, 0.01], [0.5, 4.0]])
PARAMS = WeibullParams(SHAPES, SCALES)
ROWS = np.array([[1.0, 10.0]]) * np.random.default_rng(0).weibull(
    [[2.0, 0.7]] * 20 + [[5.0, 4.0]] * 20
)


@every_property
def test_property(holds):
    holds(Case(lambda k: Weibull(k, 2), ROWS, collapses=True))


def test_log_density_is_scipys():
    x = np.random.default_rng(1).weibull(2, size=(100, 2)) * [[2.0, 0.01]]
    expected = weibull_min.logpdf(x[:, None], SHAPES, scale=SCALES).sum(axis=2)
    assert_log_density(Weibull(2, 2), PARAMS, x, expected)


def test_log_density_off_the_support():
    x = np.array([[1.0], [0.0], [-1.0], [np.inf], [1e300]])
    expected = np.array([[-1.0], *[[-np.inf]] * 3, [-1e300]])
    assert_log_density(Weibull(1), WeibullParams(*np.ones((2, 1, 1))), x, expected)


def test_one_component_is_the_maximum_likelihood_fit():
    fits = [
        np.exp(
            maximum_of(
                lambda t, c=c: weibull_min.logpdf(c, np.exp(t[0]), scale=np.exp(t[1])).sum(),
                np.zeros(2),
            )
        )
        for c in ROWS.T
    ]
    assert_one_component_is(Weibull(1, 2), ROWS, np.transpose(fits))


def test_the_curvature_is_that_of_the_likelihood_at_its_maximum():
    """Newton's steps would climb without it, but from far away and slowly."""
    times = ROWS[:, 0]

    def loglik(t):
        return weibull_min.logpdf(times, np.exp(t[0]), scale=np.exp(t[1])).sum()

    top, h = maximum_of(loglik, np.zeros(2)), 1e-3 * np.eye(2)
    hessian = [
        [
            (loglik(top + a + b) - loglik(top + a - b) - loglik(top - a + b) + loglik(top - a - b))
            for b in h
        ]
        for a in h
    ]
    theta = WeibullParams(*np.exp(top)[:, None, None])
    given = Weibull(1)._slopes.curvature(theta, np.log(times)[:, None, None], np.ones((40, 1, 1)))
    np.testing.assert_allclose(given[0], -np.array(hessian) / (4 * 1e-6), rtol=1e-4)


def test_units_do_not_matter():
    plain = fit_one(Weibull(1), ROWS[:, :1])
    for unit in (1e-200, 1e9):
        scaled = fit_one(Weibull(1), ROWS[:, :1] * unit)
        np.testing.assert_allclose(scaled.shapes, plain.shapes, rtol=1e-6)
        np.testing.assert_allclose(scaled.scales, plain.scales * unit, rtol=1e-6)


def test_rows_that_are_alike_are_refused():
    family, x = Weibull(1), np.full((5, 1), 2.0)
    params = WeibullParams(np.array([[8e9]]), np.array([[2.0]]))
    stats = family.stats(params, x, np.ones((5, 1)))
    with pytest.raises(DegenerateError, match="the shape of component 0 grew beyond"):
        family.m_step(stats, params)


def test_draws():
    law = weibull_min(SHAPES, scale=SCALES)
    assert_draws_have(Weibull(2, 2), PARAMS, law.mean(), law.var())


def test_distribution_function():
    x = np.array([[0.0], [0.3], [7.0], [40.0], [-1.0], [np.nan], [np.inf]])
    params = WeibullParams(SHAPES[:, :1], SCALES[:, :1])
    expected = weibull_min.cdf(x, SHAPES[:, 0], scale=SCALES[:, 0])
    np.testing.assert_allclose(Weibull(2).cdf(params, x), expected, rtol=1e-12)


def test_faults():
    wrong = Weibull(1).fault(np.array([[1.0], [np.nan], [np.inf]]))
    assert wrong == (2, 0, "expected a finite number above 0")
