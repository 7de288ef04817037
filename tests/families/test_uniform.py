"""Uniform boxes."""

import numpy as np
import pytest

from latentia import EM
from latentia.data.arrays import Rows
from latentia.families import Uniform

from .checks import Case, assert_draws_have, assert_log_density, every_property, fit_one, mixture_of

ROWS = np.random.default_rng(0).uniform([1.0, -5.0], [4.0, 9.0], size=(40, 2))


def boxes(k):
    """All hold all rows; each further one is higher."""
    return Uniform(k, 2, lower=[1.0, -5.0], upper=[[4.0, 9.0 + 2 * i] for i in range(k)])


@every_property
def test_property(holds):
    holds(Case(boxes, ROWS))


def test_log_density_is_one_over_the_volume():
    family = Uniform(2, 2, lower=[0.0, 1.0], upper=[[2.0, 4.0], [1.0, 2.0]])
    x = np.array([[0.5, 1.5], [0.5, 3.0], [2.0, 4.0], [3.0, 2.0], [np.nan, 3.0]])
    expected = -np.log([[6.0, 1.0], [6.0, np.inf], [6.0, np.inf], [np.inf] * 2, [3.0, np.inf]])
    assert_log_density(family, family.box, x, expected)


def test_bounds_stay_and_are_not_counted():
    family = Uniform.around(1, ROWS)
    fit = EM().fit(mixture_of(family), Rows.of(ROWS), rng=0)
    assert fit.n_free == 0
    np.testing.assert_array_equal(fit.params.components.lower[0], ROWS.min(axis=0))
    np.testing.assert_array_equal(fit_one(family, ROWS).upper[0], ROWS.max(axis=0))


def test_draws():
    family = Uniform(2, 2, lower=[0.0, 1.0], upper=[[2.0, 4.0], [1.0, 2.0]])
    width = family.box.upper - family.box.lower
    assert_draws_have(family, family.box, family.box.lower + width / 2, width**2 / 12)


def test_distribution_function():
    family, x = Uniform(1, lower=1.0, upper=3.0), np.array([[0.0], [1.5], [3.0], [9.0], [np.nan]])
    np.testing.assert_allclose(
        family.cdf(family.box, x), [[0.0], [0.25], [1.0], [1.0], [np.nan]], rtol=1e-15
    )


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_a_box_without_volume_is_refused(bounds):
    with pytest.raises(ValueError, match="each lower bound below its upper one"):
        Uniform(1, lower=bounds[0], upper=bounds[1])


def test_bounds_of_other_columns_are_refused():
    with pytest.raises(ValueError, match="a number for each of 2 columns"):
        Uniform(1, 2, lower=[0.0, 1.0, 2.0], upper=9.0)


def test_faults():
    wrong = Uniform(1, 2, lower=0.0, upper=[1.0, 2.0]).fault(np.array([[1.0, 2.0], [np.nan, 2.5]]))
    assert wrong == (1, 1, "expected a number from 0 to 2")
