"""Dirichlet compositions, against SciPy."""

import numpy as np
import pytest
from scipy.stats import dirichlet

from latentia.engine.space import DegenerateError
from latentia.families.dirichlet import Dirichlet, DirichletParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    maximum_of,
)

SHAPES = np.array([[0.3, 12.0, 2.0], [4.0, 1.0, 100.0]])
RNG = np.random.default_rng(0)
ROWS = np.concatenate([RNG.dirichlet([2.0, 3.0, 0.7], 20), RNG.dirichlet([9.0, 3.0, 20.0], 20)])


@every_property
def test_property(holds):
    holds(Case(lambda k: Dirichlet(k, 3), ROWS, collapses=True))


def test_log_density_is_scipys():
    expected = np.stack([[dirichlet.logpdf(x, a) for x in ROWS] for a in SHAPES], axis=1)
    assert_log_density(Dirichlet(2, 3), DirichletParams(SHAPES), ROWS, expected)


def test_log_density_off_the_support():
    x = np.array([[0.5, 0.5], [0.0, 1.0], [0.7, 0.7], [-0.5, 1.5]])
    expected = np.array([[0.0], *[[-np.inf]] * 3])
    assert_log_density(Dirichlet(1, 2), DirichletParams(np.ones((1, 2))), x, expected)


def test_one_component_is_the_maximum_likelihood_fit():
    fit = maximum_of(
        lambda t: dirichlet.logpdf(ROWS.T, np.exp(t)).sum(),
        np.log([1.0, 1.0, 1.0]),
    )
    assert_one_component_is(Dirichlet(1, 3), ROWS, [np.exp(fit)])


def test_rows_that_are_alike_are_refused():
    family, x = Dirichlet(1, 2), np.full((5, 2), 0.5)
    params = DirichletParams(np.ones((1, 2)))
    with pytest.raises(DegenerateError, match="the sum of the shapes of component 0 grew beyond"):
        family.m_step(family.stats(params, x, np.ones((5, 1))), params)


def test_draws():
    mean = [dirichlet.mean(a) for a in SHAPES]
    variance = [dirichlet.var(a) for a in SHAPES]
    assert_draws_have(Dirichlet(2, 3), DirichletParams(SHAPES), mean, variance)


def test_draws_of_tiny_shapes_are_corners():
    params = DirichletParams(np.full((1, 3), 1e-6))
    rows = Dirichlet(1, 3).draw(params, np.zeros(3000, dtype=int), np.random.default_rng(0))
    corners = (rows > 0.999).mean(axis=0)
    assert corners.sum() > 0.999
    np.testing.assert_allclose(corners, 1 / 3, atol=0.045)


@pytest.mark.parametrize(
    ("row", "column"), [([0.5, 0.6, 0.1], 2), ([0.5, 0.0, 0.5], 1), ([0.5, np.nan, 0.5], 1)]
)
def test_faults(row, column):
    wrong = Dirichlet(1, 3).fault(np.array([[0.2, 0.3, 0.5], row]))
    expected = "expected numbers above 0 and below 1 that add up to 1 in each row"
    assert wrong == (1, column, expected)
