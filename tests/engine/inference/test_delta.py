"""Wald intervals that stay inside, and named functions."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from tests.engine.models import DEATHS, RightScore, TwoPoissons

from latentia.engine import EM
from latentia.engine.inference import METHODS, standard_errors, wald
from latentia.engine.space import (
    Fixed,
    Interval,
    Masked,
    Positive,
    PositiveDefinite,
    Real,
    Simplex,
    Tied,
)

Z = norm.ppf(0.975)


class One(NamedTuple):
    value: Any


def _ends(constraint, value, error, level=0.95):
    low, high = wald(One(constraint), One(np.asarray(value)), One(np.asarray(error)), level)
    return np.array([low.value, high.value])


def test_each_scale_by_hand():
    np.testing.assert_allclose(_ends(Real(), 2.0, 0.5), [2 - Z / 2, 2 + Z / 2])
    np.testing.assert_allclose(_ends(Positive(), 2.0, 0.5), 2 * np.exp([-Z / 4, Z / 4]))
    half = Z * 0.05 / (0.3 * 0.7)
    expected = expit(logit(0.3) + np.array([-half, half]))
    np.testing.assert_allclose(_ends(Interval(0, 1), 0.3, 0.05), expected)
    two = np.array([0.3, 0.7])
    np.testing.assert_allclose(_ends(Simplex(), two, [0.05, 0.05])[:, 0], expected)
    np.testing.assert_allclose(_ends(Interval(-1, 3), 0.2, 0.2), 4 * expected - 1)
    np.testing.assert_allclose(_ends(Interval(5), 7.0, 0.5), 5 + 2 * np.exp([-Z / 4, Z / 4]))
    mirrored = _ends(Interval(-np.inf, -5), -7.0, 0.5)
    np.testing.assert_allclose(mirrored, -5 - 2 * np.exp([Z / 4, -Z / 4]))
    z = norm.ppf(0.9)
    np.testing.assert_allclose(_ends(Real(), 0.0, 1.0, 0.8), [-z, z])


def test_matrices_have_positive_diagonals():
    matrix, error = np.array([[2.0, -0.5], [-0.5, 3.0]]), np.full((2, 2), 1.5)
    low, high = _ends(PositiveDefinite(), matrix, error)
    assert low[0, 0] > 0
    assert low[1, 1] > 0
    assert low[0, 1] == pytest.approx(-0.5 - 1.5 * Z)
    assert high[0, 0] == pytest.approx(2 * np.exp(Z * 1.5 / 2))


def test_wrappers_use_what_is_inside():
    plain = _ends(Positive(), [2.0, 3.0], [0.5, 0.4])
    tied = Tied(Positive(), [0, 1])
    np.testing.assert_array_equal(_ends(tied, [2.0, 3.0], [0.5, 0.4]), plain)
    masked = Masked(Positive(), np.array([True, False]))
    held = _ends(masked, [2.0, 3.0], [0.5, 0.0])
    np.testing.assert_array_equal(held[:, 0], plain[:, 0])
    np.testing.assert_array_equal(held[:, 1], [3.0, 3.0])
    np.testing.assert_array_equal(_ends(Fixed(), 7.0, 0.0), [7.0, 7.0])


def test_no_interval_is_made_up():
    assert np.isnan(_ends(Positive(), 2.0, np.nan)).all()
    assert np.isnan(_ends(Interval(0, 1), 0.0, 0.1)).all()
    with pytest.raises(ValueError, match="got level=1"):
        _ends(Real(), 1.0, 1.0, 1)


def _top():
    settings = EM(tol=1e-12, max_iter=5000)
    start = settings.fit(TwoPoissons(), DEATHS, 0).params
    return settings.fit(TwoPoissons(), DEATHS, 0, start=start).params


def test_named_functions_and_intervals_of_a_result():
    top = _top()
    found = standard_errors(RightScore(), DEATHS, top)
    ratio, first = found.derived(
        {"ratio": lambda p: p.rates[1] / p.rates[0], "first": lambda p: p.rates[0]}, level=0.9
    )
    assert first.name == "first"
    assert first.se == pytest.approx(0.3500297, rel=1e-4)  # numerical Hessian, Hasselblad's data
    assert first.upper - first.value == pytest.approx(norm.ppf(0.95) * first.se)
    assert first.value - first.lower == pytest.approx(norm.ppf(0.95) * first.se)
    assert ratio.value == pytest.approx(2.6634043 / 1.2560951, rel=1e-6)
    # the ratio's error from the covariance of the logarithms
    logs = found.delta(lambda p: np.log(p.rates[1] / p.rates[0]))
    assert ratio.se == pytest.approx(float(logs[0]) * ratio.value, rel=1e-6)
    low, high = found.intervals()
    np.testing.assert_allclose(high.rates, top.rates * np.exp(Z * found.errors.rates / top.rates))
    np.testing.assert_allclose(low.rates * high.rates, top.rates**2)
    assert np.all(low.weights > 0)
    with pytest.raises(ValueError, match="got 2 values from the function 'both'"):
        found.derived({"both": lambda p: p.rates})


def test_every_method_answers_at_one_door():
    top = _top()

    class Simulating(RightScore):
        def simulate(self, params, chunk, rng):
            labels = rng.choice(2, size=round(chunk.weights.sum()), p=params.weights)
            counts = np.unique(rng.poisson(params.rates[labels]), return_counts=True)
            return type(chunk).of(*counts)

    x, w = DEATHS.x[:, 0], DEATHS.weights
    centre = np.average(x, weights=w)
    mean = np.sqrt(np.average((x - centre) ** 2, weights=w) / w.sum())
    for method in METHODS:
        found = standard_errors(Simulating(), DEATHS, top, method, replicates=60, rng=0)
        assert found.method == method
        # the model is right for these data, so all estimate the error of its mean
        ours = found.delta(lambda p: p.weights @ p.rates)
        assert ours[0] == pytest.approx(mean, rel=0.3)
        assert found.covariance.shape == (3, 3)
        assert ("refits" in found.note) == ("bootstrap" in method and found.note != "")
    with pytest.raises(
        ValueError, match="got method='jackknife', expected one of 'observed', 'oakes'"
    ):
        standard_errors(RightScore(), DEATHS, top, "jackknife")


def test_the_observed_information_has_two_names():
    first, second = (
        standard_errors(RightScore(), DEATHS, _top(), method) for method in ("observed", "oakes")
    )
    assert first.method == second.method == "oakes"
    np.testing.assert_array_equal(first.covariance, second.covariance)


def test_a_function_that_is_not_finite_is_refused_in_words():
    found = standard_errors(RightScore(), DEATHS, _top())
    with pytest.raises(ValueError, match="got nan from the function 'no' at the estimate"):
        found.derived({"no": lambda p: np.nan})
    at = found.params.rates[0]

    def only_here(p):
        return 1.0 if p.rates[0] == at else np.nan

    with pytest.raises(ValueError, match="from the function 'edge' next to the estimate"):
        found.derived({"edge": only_here})


class Random(RightScore):
    stochastic = True


@pytest.mark.parametrize("method", ["oakes", "sem", "sandwich"])
def test_random_e_steps_are_not_differenced(method):
    with pytest.raises(ValueError, match="draws random numbers and so cannot be differenced"):
        standard_errors(Random(), DEATHS, _top(), method)


class Approximate(RightScore):
    exact_e_step = False


def test_an_approximate_e_step_is_said_aloud():
    assert "of the bound" in standard_errors(Approximate(), DEATHS, _top()).note
