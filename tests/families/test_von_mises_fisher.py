"""Directions, against SciPy and what is known of Bessel functions."""

import numpy as np
import pytest
from scipy.special import gammaln, ive
from scipy.stats import vonmises_fisher

from latentia.engine.space import DegenerateError
from latentia.families.von_mises_fisher import (
    VonMisesFisher,
    VonMisesFisherParams,
    concentration,
    log_bessel_rest,
    log_mean_length,
)

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    fit_one,
)

DIRECTIONS = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, -0.8]])
KAPPAS = np.array([2.0, 40.0])
PARAMS = VonMisesFisherParams(KAPPAS[:, None] * DIRECTIONS)
ROWS = np.concatenate(
    [vonmises_fisher(mu, 5.0).rvs(20, random_state=np.random.default_rng(0)) for mu in DIRECTIONS]
)


def rounding(half, kappa):
    """Of a mean length that is the difference of logarithms of this size."""
    sizes = np.abs(log_bessel_rest(half, kappa)) + gammaln(half) + half * np.abs(np.log(kappa))
    return 1e-15 * (10 + sizes)


@every_property
def test_property(holds):
    holds(Case(lambda k: VonMisesFisher(k, 3), ROWS, collapses=True))


def test_log_density_is_scipys():
    laws = [vonmises_fisher(mu, kappa) for mu, kappa in zip(DIRECTIONS, KAPPAS, strict=True)]
    expected = np.stack([law.logpdf(ROWS) for law in laws], axis=1)
    assert_log_density(VonMisesFisher(2, 3), PARAMS, ROWS, expected)


@pytest.mark.parametrize("d", [2, 3, 7, 50, 100])
@pytest.mark.parametrize("kappa", [0.1, 19.0, 21.0, 400.0, 1e6])
def test_log_density_is_scipys_in_any_dimension(d, kappa):
    mu = np.eye(d)[0]
    law = vonmises_fisher(mu, kappa)
    x = law.rvs(3, random_state=np.random.default_rng(1))
    params = VonMisesFisherParams(kappa * mu[None])
    got = VonMisesFisher(1, d).log_density(params, x)[:, 0]
    np.testing.assert_allclose(got, law.logpdf(x), rtol=1e-12, atol=1e-15 * kappa)


def test_no_concentration_is_the_uniform_distribution():
    """One over the area of the sphere, 4π in three dimensions."""
    params = VonMisesFisherParams(np.zeros((1, 3)))
    expected = np.full((len(ROWS), 1), -np.log(4 * np.pi))
    assert_log_density(VonMisesFisher(1, 3), params, ROWS, expected)


@pytest.mark.parametrize("half", [1.0, 1.5, 4.0, 30.5, 31.5, 60.0])
def test_the_bessel_function_is_scipys(half):
    kappa = np.array([3.0, 19.9, 20.1, 60.0, 900.0, 1e9])
    expected = gammaln(half) - (half - 1) * np.log(kappa / 2) + np.log(ive(half - 1, kappa))
    np.testing.assert_allclose(log_bessel_rest(half, kappa), expected, rtol=1e-12)


@pytest.mark.parametrize("half", [1.0, 3.0, 31.0, 32.0, 500.0, 1e5])
def test_mean_lengths_keep_their_recurrence(half):
    """1 / A_ν(κ) - A_{ν+1}(κ) = 2 (ν + 1) / κ with A_ν = I_{ν+1} / I_ν, also where I underflows."""
    kappa = np.array([0.01, 5.0, 19.0, 21.0, 300.0, 1e4])
    one, other = (
        np.exp(np.log(kappa / (2 * h)) + log_mean_length(h, kappa)) for h in (half, half + 1)
    )
    off = (1 / one - other) * kappa / (2 * half) - 1
    assert (np.abs(off) < rounding(half, kappa) * (1 + kappa / half)).all()


@pytest.mark.parametrize("d", [2, 3, 40, 3000])
def test_the_concentration_is_found(d):
    kappa = np.array([1e-9, 0.1, 3.0, 19.0, 30.0, 1e3, 1e5])
    length = np.exp(np.log(kappa / d) + log_mean_length(d / 2, kappa))
    found = concentration(d / 2, length)
    assert (np.abs(found / kappa - 1) < rounding(d / 2, kappa) / (1 - length)).all()


def test_one_component_is_scipys_fit():
    mu, kappa = vonmises_fisher.fit(ROWS)
    assert_one_component_is(VonMisesFisher(1, 3), ROWS, [kappa * mu])


def test_opposite_rows_have_no_direction():
    rows = np.concatenate([np.eye(4), -np.eye(4)])
    np.testing.assert_array_equal(fit_one(VonMisesFisher(1, 4), rows).vectors, 0.0)


def test_rows_that_are_alike_are_refused():
    family, x = VonMisesFisher(1, 2), np.array([[0.6, 0.8]] * 5)
    params = VonMisesFisherParams(np.ones((1, 2)))
    with pytest.raises(DegenerateError, match="the concentration of component 0 grew beyond"):
        family.m_step(family.stats(params, x, np.ones((5, 1))), params)


def test_draws():
    """Along the direction the mean is A and the variance 1 - A² - 2A/κ, across it A/κ."""
    half, axis = 1.5, np.eye(3)[:1]
    for kappa in (2.0, 40.0):
        mean = float(np.exp(np.log(kappa / 3) + log_mean_length(half, np.array(kappa))))
        variance = [[1 - mean**2 - 2 * mean / kappa, mean / kappa, mean / kappa]]
        params = VonMisesFisherParams(kappa * axis)
        assert_draws_have(VonMisesFisher(1, 3), params, mean * axis, variance)
    uniform = VonMisesFisherParams(np.zeros((1, 3)))
    assert_draws_have(VonMisesFisher(1, 3), uniform, np.zeros((1, 3)), np.full((1, 3), 1 / 3))


def test_directions_and_concentrations():
    family = VonMisesFisher(2, 3)
    np.testing.assert_allclose(family.concentrations(PARAMS), KAPPAS, rtol=1e-15)
    np.testing.assert_allclose(family.directions(PARAMS), DIRECTIONS, rtol=1e-15)


def test_faults():
    wrong = VonMisesFisher(1, 2).fault(np.array([[0.6, 0.8], [0.6, 0.7]]))
    assert wrong == (1, 0, "expected a row of length 1")
    with pytest.raises(ValueError, match="at least 2 coordinates"):
        VonMisesFisher(1, 1)
