"""Binomial and Bernoulli components, against SciPy and exact ratios."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import bernoulli, binom

from latentia import EM, Mixture
from latentia.data.arrays import Rows
from latentia.families.binomial import Bernoulli, Binomial, BinomialParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    maximum_of,
    mixture_of,
)

TRIALS = np.array([5, 80])
PARAMS = BinomialParams(np.array([[0.3, 0.02], [0.9, 0.5]]))
ROWS = np.random.default_rng(0).binomial(TRIALS, [[0.2, 0.6]] * 20 + [[0.7, 0.3]] * 20) * 1.0


def two_columns(k):
    return Binomial(k, 2, trials=TRIALS)


@every_property
@pytest.mark.parametrize(
    "case",
    [Case(two_columns, ROWS), Case(lambda k: Bernoulli(k, 3), (ROWS[:, [0, 1, 1]] > 3) * 1.0)],
)
def test_property(holds, case):
    holds(case)


def test_log_density_is_scipys():
    x = np.stack([np.arange(81) % 6, np.arange(81)], axis=1) * 1.0
    p = PARAMS.probabilities
    expected = sum(binom.logpmf(x[:, j, None], TRIALS[j], p[:, j]) for j in range(2))
    assert_log_density(two_columns(2), PARAMS, x, expected)


def test_bernoulli_log_density_is_scipys():
    x = np.array([[0.0], [1.0]])
    p = np.array([[1e-20], [0.25], [1 - 1e-9]])
    assert_log_density(Bernoulli(3), BinomialParams(p), x, bernoulli.logpmf(x, p[:, 0]))


def test_log_density_at_the_edges_and_off_the_support():
    x = np.array([[0.0], [2.0], [1.0], [3.0], [-1.0], [0.5]])
    sure = np.full((6, 2), -np.inf)
    sure[0, 0] = sure[1, 1] = 0.0
    params = BinomialParams(np.array([[0.0], [1.0]]))
    assert_log_density(Binomial(2, trials=2), params, x, sure)


@pytest.mark.parametrize("trials", [10, 10**9, 10**15])
@pytest.mark.parametrize("p", [1e-12, 0.3, 1 - 1e-3])
def test_neighbouring_counts_keep_their_ratio(trials, p):
    x = np.floor(trials * p)
    family, rows = Binomial(1, trials=trials), np.array([[x], [x + 1]])
    low, high = family.log_density(BinomialParams(np.array([[p]])), rows)[:, 0]
    odds = Fraction(p) / (1 - Fraction(p)) * (trials - Fraction(x)) / (Fraction(x) + 1)
    assert high - low == pytest.approx(np.log(float(odds)), rel=1e-9, abs=1e-7)


def test_one_component_is_the_maximum_likelihood_fit():
    best = maximum_of(lambda t: binom.logpmf(ROWS, TRIALS, expit(t)).sum(), np.zeros(2))
    assert_one_component_is(two_columns(1), ROWS, [expit(best)])


def test_columns_that_never_vary_have_probabilities_zero_and_one():
    assert_one_component_is(Bernoulli(1, 2), np.array([[0.0, 1.0]] * 4), [[0.0, 1.0]])


def test_draws():
    p = PARAMS.probabilities
    assert_draws_have(two_columns(2), PARAMS, TRIALS * p, TRIALS * p * (1 - p))


def test_distribution_function():
    x = np.array([[0.0], [3.0], [3.5], [5.0], [9.0], [-1.0], [np.nan]])
    p = np.array([0.0, 0.2, 1.0])
    expected = np.where(np.isnan(x), np.nan, binom.cdf(x, 5, p))
    got = Binomial(3, trials=5).cdf(BinomialParams(p[:, None]), x)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_faults():
    wrong = two_columns(2).fault(np.array([[5, 80], [np.nan, 81]]))
    assert wrong == (1, 1, "expected a whole number from 0 to 80")


@pytest.mark.parametrize("trials", [0, 1.5, [1, 2, 3], np.nan])
def test_trials_that_make_no_sense_are_refused(trials):
    with pytest.raises(ValueError, match="expected a whole number of at least 1, or one for each"):
        Binomial(2, 2, trials=trials)


@pytest.mark.parametrize(("k", "published"), [(2, -317.25684), (3, -293.70498)])
def test_latent_classes_of_the_carcinoma_slides(k, published):
    """Landis & Koch (1977), 118 slides; maxima of R's poLCA, recomputed to convergence."""
    path = Path(__file__).parents[2] / "examples" / "classics" / "data" / "carcinoma.csv"
    slides = np.loadtxt(path, delimiter=",", skiprows=1) - 1
    fit = EM(tol=1e-7, starts=10).fit(mixture_of(Bernoulli(k, 7)), Rows.of(slides), rng=0)
    assert fit.loglik == pytest.approx(published, abs=1e-5)


def test_one_trial_is_called_bernoulli():
    assert (Bernoulli(2).name, Binomial(2, trials=3).name) == ("Bernoulli", "Binomial")
    with pytest.raises(ValueError, match="got 2 at row 0, column 0 for Bernoulli"):
        Mixture("bernoulli", 2).fit([[2.0], [0.0]])
