"""Columns of different kinds: sums of what the parts say, and the fits of each by itself."""

import numpy as np
import pytest
from scipy.stats import binom, multivariate_normal, poisson

from latentia.data.arrays import Frame, Rows
from latentia.engine.chart import arrays, n_free
from latentia.families.binomial import Bernoulli
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian
from latentia.families.multinomial import Multinomial
from latentia.families.negative_binomial import NegativeBinomial
from latentia.families.poisson import Poisson
from latentia.families.product import Product

from .checks import Case, assert_log_density, every_property, fit_one, params_near_start

_rng = np.random.default_rng(0)
COUNTS = _rng.poisson([[2.0, 9.0]] * 20 + [[7.0, 1.0]] * 20) * 1.0
YES = _rng.binomial(1, [[0.2]] * 20 + [[0.8]] * 20) * 1.0
PLANE = _rng.multivariate_normal([1.0, 2.0], [[2.0, 0.5], [0.5, 1.0]], size=40)
MIXED = np.column_stack([PLANE[:, 1], COUNTS[:, 0], YES, PLANE[:, 0]])
FRAME = Frame.of(Rows.of(PLANE))


def counts(k):
    return Product({(0, 2): Poisson(k, 2), 1: Bernoulli(k)})


def inexact(k):
    return Product({0: NegativeBinomial(k), 1: Bernoulli(k)})


def mixed(k):
    parts = {(3, 0): Gaussian(k, STRUCTURES["full"], FRAME), 1: Poisson(k), 2: Bernoulli(k)}
    return Product(parts)


@every_property
@pytest.mark.parametrize(
    "case",
    [
        Case(counts, np.column_stack([COUNTS[:, 0], YES, COUNTS[:, 1]])),
        Case(inexact, np.column_stack([COUNTS[:, 0], YES])),
        Case(mixed, MIXED, collapses=True, regresses=True),
    ],
    ids=["counts", "inexact", "mixed"],
)
def test_property(holds, case):
    holds(case)


def test_log_density_is_the_sum_of_scipys():
    family = mixed(2)
    params = params_near_start(family, MIXED)
    normal, visits, yes = params
    expected = poisson.logpmf(MIXED[:, 1:2], visits.rates[:, 0])
    expected += binom.logpmf(MIXED[:, 2:3], 1, yes.probabilities[:, 0])
    for k in range(2):
        law = multivariate_normal(normal.means[k], normal.covariances[k])
        expected[:, k] += law.logpdf(MIXED[:, [3, 0]])
    assert_log_density(family, params, MIXED, expected)


def test_one_component_is_each_part_by_itself():
    together = arrays(fit_one(mixed(1), MIXED))
    means, covariances = MIXED[:, [3, 0]].mean(axis=0), np.cov(MIXED[:, [3, 0]].T, ddof=0)
    for got, alone in zip(
        together, [means, covariances, MIXED[:, 1].mean(), MIXED[:, 2].mean()], strict=True
    ):
        np.testing.assert_allclose(got[0], np.reshape(alone, got[0].shape), rtol=1e-6)


def test_flags_are_those_of_the_weakest_part():
    assert (counts(2).m_step_exact, counts(2).takes_missing) == (True, True)
    assert (inexact(2).m_step_exact, inexact(2).takes_missing) == (False, True)
    assert (mixed(2).m_step_exact, mixed(2).takes_missing) == (True, True)
    shares = Product({(0, 1): Multinomial(2, 2), 2: Poisson(2)})
    assert (shares.m_step_exact, shares.takes_missing) == (True, False)


def test_free_parameters_are_added():
    family = mixed(3)
    assert n_free(family.space, params_near_start(family, MIXED)) == 3 * (2 + 3 + 1 + 1)


def test_draws_are_those_of_the_parts():
    family = counts(2)
    params = params_near_start(family, np.column_stack([COUNTS[:, 0], YES, COUNTS[:, 1]]))
    rows = family.draw(params, np.repeat([0, 1], 20_000), np.random.default_rng(0))
    rates, (p,) = params[0].rates, params[1]
    means = rows.reshape(2, -1, 3).mean(axis=1)
    np.testing.assert_allclose(means[:, [0, 2]], rates, atol=5 * np.sqrt(rates.max() / 20_000))
    np.testing.assert_allclose(means[:, 1:2], p, atol=5 * 0.5 / np.sqrt(20_000))


def test_a_fault_is_named_by_its_column_in_the_whole():
    assert mixed(2).fault(MIXED) is None
    wrong = MIXED.copy()
    wrong[7, 1], wrong[5, 2] = 1.5, 2.0
    assert mixed(2).fault(wrong) == (5, 2, "expected a whole number from 0 to 1")


@pytest.mark.parametrize(
    ("parts", "error", "sentence"),
    [
        ({}, TypeError, "expected a dict of columns to families, one at least"),
        ({0: "poisson"}, TypeError, "expected a dict of columns to families"),
        ({0: Poisson(2), (0, 1): Poisson(2, 2)}, ValueError, r"got columns \[0, 0, 1\]"),
        ({0: Poisson(2), 2: Poisson(2)}, ValueError, "expected each from 0 to 2 in one part"),
        ({0: Poisson(2), 1: Poisson(3)}, ValueError, r"got parts of \[2, 3\] components"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, error, sentence):
    with pytest.raises(error, match=sentence):
        Product(parts)
