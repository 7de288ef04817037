"""Bases of designs and bounded Newton steps: what makes them independent of units."""

import numpy as np
import pytest

from latentia.families.parabola import LONGEST, Parabola
from latentia.families.predictor import Basis, reach, steps

RNG = np.random.default_rng(0)
YEARS = np.column_stack([np.ones(50), 1990 + RNG.uniform(0, 30, 50), 1e-5 * RNG.normal(size=50)])
WEIGHTS = RNG.uniform(0, 2, 50)


def test_columns_are_uncorrelated_and_of_unit_size():
    rows = YEARS @ Basis.of(YEARS, WEIGHTS).columns
    moments = rows.T @ (WEIGHTS[:, None] * rows) / WEIGHTS.sum()
    np.testing.assert_allclose(moments, np.eye(3), 0, 1e-9)


def test_coefficients_go_into_coordinates_and_back():
    basis, beta = Basis.of(YEARS, WEIGHTS), RNG.normal(size=(4, 3))
    np.testing.assert_allclose(basis.out(basis.into(beta)), beta, rtol=1e-12)
    slope, eps = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 3))
    along = np.sum(slope * basis.into(eps))  # a change in value is the same in both
    assert np.sum(basis.chain(slope) * eps) == pytest.approx(along, rel=1e-9)


def test_columns_that_depend_on_those_before_are_named():
    x = np.column_stack([YEARS, 2 * YEARS[:, 1] - 7, np.zeros(50), RNG.normal(size=50)])
    basis = Basis.of(x, WEIGHTS)
    assert basis.dependent == (3, 4)
    assert np.isfinite(basis.columns).all()
    assert Basis.of(np.ones((1, 3)), np.ones(1)).dependent == (1, 2)


def test_rows_of_weight_zero_do_not_count():
    x = np.column_stack([np.ones(20), np.arange(20.0)])
    x[-1, 1] = 1e200
    weights = np.r_[np.ones(19), 0.0]
    np.testing.assert_allclose(
        Basis.of(x, weights).columns, Basis.of(x[:-1], weights[:-1]).columns, rtol=1e-12
    )


def test_a_step_ends_where_the_parabola_is_highest():
    bend = np.array([[2.0, 0.5], [0.5, 1.0]])
    stats = Parabola.around(np.zeros(2), np.array(0.0), np.array([1.0, -1.0]), bend)
    step = steps(stats, np.zeros(2), np.eye(2))
    np.testing.assert_allclose(step, np.linalg.solve(bend, [1.0, -1.0]), rtol=1e-9)


def test_a_straight_direction_is_followed_no_further_than_predictions_may_move():
    stats = Parabola.around(np.zeros(2), np.array(0.0), np.array([1.0, 0.0]), np.zeros((2, 2)))
    gram, count = np.diag([400.0, 1.0]), np.array(100.0)
    step = steps(stats, np.zeros(2), gram)
    moved = reach(step, gram, count) * step
    assert np.sqrt(moved @ gram @ moved / count) == pytest.approx(LONGEST)
    assert moved[0] > 0
    assert reach(np.zeros(2), gram, count) == 1
    assert reach(step, gram, np.array(0.0)) == 0
