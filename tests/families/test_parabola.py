"""The quadratic that stands for q, and its Newton step."""

import numpy as np

from latentia.families.parabola import LONGEST, Parabola, gradient, height, newton

Z = np.array([[[0.3, -2.0]], [[40.0, 5.0]]])
VALUE, SCORE = np.array([[7.0], [-1.0]]), np.array([[[0.1, 0.2]], [[-0.3, 0.05]]])
CURVATURE = np.array([[[[2.0, 0.5], [0.5, 1.0]]], [[[1e6, -3.0], [-3.0, 1e-3]]]])
MADE = Parabola.around(Z, VALUE, SCORE, CURVATURE)
FAR = np.full(Z.shape, 1e9)


def test_it_has_the_value_and_gradient_it_was_given():
    np.testing.assert_allclose(height(MADE, Z), VALUE, rtol=1e-6)
    np.testing.assert_allclose(gradient(MADE, Z), SCORE, rtol=1e-6)


def test_the_newton_step_is_its_top():
    np.testing.assert_allclose(gradient(MADE, newton(MADE, Z, FAR)), 0.0, atol=1e-7)


def test_a_long_step_is_cut_in_its_direction():
    reach = np.full(Z.shape, LONGEST)
    whole, cut = newton(MADE, Z, FAR) - Z, newton(MADE, Z, reach) - Z
    assert np.abs(cut).max() <= LONGEST
    assert np.abs(whole[1]).max() > LONGEST
    np.testing.assert_allclose(cut[1] / np.abs(cut[1]).max(), whole[1] / np.abs(whole[1]).max())


def test_without_rows_nothing_moves():
    nothing = Parabola.around(Z, 0 * VALUE, 0 * SCORE, 0 * CURVATURE)
    np.testing.assert_array_equal(newton(nothing, Z, FAR), Z)
    assert not nothing.counted.any()
