"""Multinomial components, against SciPy and exact ratios."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import multinomial

from latentia.families.multinomial import Multinomial, MultinomialParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    maximum_of,
)

PARAMS = MultinomialParams(np.array([[0.2, 0.5, 0.3], [0.0, 0.4, 0.6]]))
_rng = np.random.default_rng(0)
ROWS = np.array(
    [_rng.multinomial(n, p) for n in range(20) for p in ([0.2, 0.5, 0.3], [0.6, 0.3, 0.1])]
)
ROWS = ROWS.astype(float)


@every_property
def test_property(holds):
    holds(Case(lambda k: Multinomial(k, 3, total=7), ROWS))


@pytest.mark.parametrize("big", [1.0, 20_000.0])
def test_log_density_is_scipys(big):
    """The second time with a row so large that another formula is used for all."""
    x = np.vstack([ROWS, [[0, big, 0]], [[0, 1, big]]])
    n = x.sum(axis=1)
    with np.errstate(invalid="ignore"):
        each = [multinomial(n, p / p.sum()).logpmf(x) for p in PARAMS.probabilities]
    assert_log_density(Multinomial(2, 3), PARAMS, x, np.transpose(each))


def test_rows_off_the_support_have_no_density():
    x = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    expected = [[-np.inf] * 2] * 2 + [[0.0, 0.0]]
    assert_log_density(Multinomial(2, 3), PARAMS, x, expected)


@pytest.mark.parametrize("n", [10.0, 1e9, 1e14])
def test_neighbouring_counts_keep_their_ratio(n):
    p = PARAMS.probabilities[:1]
    low = np.array([n // 5, n // 2, n - n // 5 - n // 2])
    high = low + np.array([1, -1, 0])
    made = Multinomial(1, 3).log_density(MultinomialParams(p), np.stack([low, high]))[:, 0]
    odds = Fraction(p[0, 0]) / Fraction(p[0, 1]) * Fraction(low[1]) / Fraction(high[0])
    assert made[1] - made[0] == pytest.approx(np.log(float(odds)), rel=1e-9, abs=1e-7)


def test_one_component_is_the_maximum_likelihood_fit():
    def loglik(t):
        p = softmax([0.0, *t])
        return multinomial.logpmf(ROWS, ROWS.sum(axis=1), p / p.sum()).sum()

    best = softmax([0.0, *maximum_of(loglik, np.zeros(2))])
    assert_one_component_is(Multinomial(1, 3), ROWS, [best])


def test_draws():
    p = PARAMS.probabilities
    assert_draws_have(Multinomial(2, 3, total=9), PARAMS, 9 * p, 9 * p * (1 - p))


def test_faults():
    wrong = Multinomial(1, 2).fault(np.array([[1, 2], [1, 2.5]]))
    assert wrong == (1, 1, "expected a whole number of at least 0")


def test_a_total_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="expected a whole number of at least 0"):
        Multinomial(1, 2, total=-1)
