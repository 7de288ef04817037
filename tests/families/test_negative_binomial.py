"""Negative binomial components, against SciPy, exact ratios and the Poisson at their edge."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from latentia import check_model
from latentia.data.arrays import Rows
from latentia.families.negative_binomial import (
    NegativeBinomial,
    NegativeBinomialParams,
    score_in_dispersion,
)

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    fit_one,
    maximum_of,
    mixture_of,
)

MEANS, DISPERSIONS = np.array([[0.3, 12.0], [4.0, 90.0]]), np.array([[2.0, 0.01], [0.5, 4.0]])
PARAMS = NegativeBinomialParams(MEANS, DISPERSIONS)
ROWS = np.random.default_rng(0).negative_binomial(2, [[0.5, 0.1]] * 20 + [[0.2, 0.4]] * 20) * 1.0


def scipys(x, mean, dispersion):
    return nbinom.logpmf(x, 1 / dispersion, 1 / (1 + dispersion * mean))


def params_of(mean, dispersion):
    return NegativeBinomialParams(np.array([[mean]]), np.array([[dispersion]]))


@every_property
def test_property(holds):
    holds(Case(lambda k: NegativeBinomial(k, 2), ROWS))


def test_log_density_is_scipys():
    x = np.stack([np.arange(200.0), np.arange(200.0)[::-1]], axis=1)
    expected = sum(scipys(x[:, j, None], MEANS[:, j], DISPERSIONS[:, j]) for j in range(2))
    assert_log_density(NegativeBinomial(2, 2), PARAMS, x, expected)


def test_log_density_is_that_of_the_poisson_at_dispersion_zero():
    x = np.arange(60.0)[:, None]
    for tiny in (0.0, 5e-324, 1e-30):
        expected = poisson.logpmf(x, 4.5)
        assert_log_density(NegativeBinomial(1), params_of(4.5, tiny), x, expected)


@pytest.mark.parametrize(
    ("mean", "dispersion", "x", "expected"),
    [
        (1e-12, 1e3, 1e15, -20723265837946453.0),
        (1e-12, 1e3, 1e3, -20737.073864855082),
        (0.3, 1e-3, 1e12, -8112028016619.2013),
    ],
)
def test_log_density_of_counts_far_above_the_mean(mean, dispersion, x, expected):
    """mpmath 1.4.1 with 60 digits: loggamma(x + r) - loggamma(r) - loggamma(x + 1) + ..."""
    params = NegativeBinomialParams(np.array([[mean]]), np.array([[dispersion]]))
    made = NegativeBinomial(1).log_density(params, np.array([[x]]))
    np.testing.assert_allclose(made, [[expected]], rtol=1e-12)


def test_log_density_off_the_support():
    x = np.array([[0.0], [1.0], [-1.0], [0.5], [np.inf]])
    expected = np.array([[0.0], *[[-np.inf]] * 4])
    assert_log_density(NegativeBinomial(1), params_of(0.0, 1.0), x, expected)


@pytest.mark.parametrize("mean", [1e-9, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("dispersion", [1e-14, 1e-6, 1e-3, 1.0, 1e9])
def test_neighbouring_counts_keep_their_ratio(mean, dispersion):
    x = np.floor(mean)
    family, rows = NegativeBinomial(1), np.array([[x], [x + 1]])
    low, high = family.log_density(params_of(mean, dispersion), rows)[:, 0]
    ratio = (1 + Fraction(dispersion) * Fraction(x)) / (Fraction(x) + 1)
    ratio *= Fraction(mean) / (1 + Fraction(dispersion) * Fraction(mean))
    assert high - low == pytest.approx(np.log(float(ratio)), rel=1e-9, abs=2e-9)


@pytest.mark.parametrize("mean", [0.01, 3.0, 60.0])
@pytest.mark.parametrize("dispersion", [0.0, 1e-12, 1e-4, 0.06, 0.065, 1.0, 50.0])
def test_the_score_is_exact(mean, dispersion):
    """Against the sum over i < x of i / (1 + αi) and what is left, in fractions and a series."""
    m, a = Fraction(mean), Fraction(dispersion)
    for x in (0, 1, 2, 7, 80):
        rising = sum(Fraction(i) / (1 + a * i) for i in range(x))
        t = float(a * m)
        if t < 0.3:  # (log(1 + t) - t / (1 + t)) / t² by its series
            rest = m**2 * sum(
                Fraction((-1) ** k * (k - 1), k) * (a * m) ** (k - 2) for k in range(2, 45)
            )
        else:
            rest = Fraction((np.log1p(t) - t / (1 + t)) / dispersion**2)
        expected = float(rising + rest - x * m / (1 + a * m))
        got = score_in_dispersion(np.array(float(x)), np.array(mean), np.array(dispersion))
        assert float(got) == pytest.approx(expected, rel=1e-10, abs=1e-12 * max(x, 1))


def test_one_component_is_the_maximum_likelihood_fit():
    fits = [
        np.exp(maximum_of(lambda t, c=c: scipys(c, *np.exp(t)).sum(), np.zeros(2))) for c in ROWS.T
    ]
    assert_one_component_is(NegativeBinomial(1, 2), ROWS, np.transpose(fits))


def test_counts_less_variable_than_poisson_have_dispersion_exactly_zero():
    x = np.array([[2.0], [3.0], [3.0], [4.0], [3.0]])
    means, dispersions = fit_one(NegativeBinomial(1), x)
    assert means == pytest.approx(3.0, rel=1e-9)
    assert dispersions == 0


def test_the_contract_holds_at_the_poisson():
    model = mixture_of(NegativeBinomial(2))
    start = model.start(Rows.of(ROWS[:, :1]), np.random.default_rng(0))
    edge = start.components._replace(dispersions=np.array([[0.0], [0.7]]))
    check_model(model, Rows.of(ROWS[:, :1]), params=start._replace(components=edge))


def test_draws():
    for dispersions in (DISPERSIONS, np.zeros((2, 2))):
        params = NegativeBinomialParams(MEANS, dispersions)
        variance = MEANS + dispersions * MEANS**2
        assert_draws_have(NegativeBinomial(2, 2), params, MEANS, variance)


def test_distribution_function():
    x = np.array([[0.0], [3.0], [3.5], [40.0], [-1.0], [np.nan]])
    for dispersion in (0.0, 1e-9, 0.3, 30.0):
        n, p = 1 / max(dispersion, 1e-300), 1 / (1 + dispersion * 4)
        law = poisson(4.0) if dispersion < 1e-8 else nbinom(n, p)
        expected = np.where(np.isnan(x), np.nan, law.cdf(x))
        got = NegativeBinomial(1).cdf(params_of(4.0, dispersion), x)
        np.testing.assert_allclose(got, expected, rtol=1e-12 if dispersion != 1e-9 else 1e-7)


def test_faults():
    wrong = NegativeBinomial(1).fault(np.array([[0.0], [np.nan], [-3.0]]))
    assert wrong == (2, 0, "expected a whole number of at least 0")
