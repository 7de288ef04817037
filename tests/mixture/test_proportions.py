"""Beliefs about weights, against SciPy's distributions."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from latentia.mixture.proportions import Dirichlet, StickBreaking

COUNT = np.array([7.5, 0.0, 2.25])


def _posterior(prior):
    return prior.prior + prior.counts(COUNT)


def test_the_moments_of_a_dirichlet_are_scipys():
    prior = Dirichlet(3, 0.4)
    theirs = stats.dirichlet(0.4 + COUNT)
    mean, deviation = prior.moments(_posterior(prior))
    np.testing.assert_allclose(mean, theirs.mean(), rtol=1e-13)
    np.testing.assert_allclose(deviation, np.sqrt(theirs.var()), rtol=1e-13)


def test_the_moments_of_a_stick_are_products_of_scipys_betas():
    prior = StickBreaking(3, 0.7)
    breaks = [stats.beta(1 + COUNT[k], 0.7 + COUNT[k + 1 :].sum()) for k in range(3)]
    mean, square = np.empty(3), np.empty(3)
    left = left_squared = 1.0
    for k, each in enumerate(breaks):
        mean[k], square[k] = left * each.mean(), left_squared * each.moment(2)
        left *= 1 - each.mean()
        left_squared *= each.var() + (1 - each.mean()) ** 2
    found = prior.moments(_posterior(prior))
    np.testing.assert_allclose(found.mean, mean / mean.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, np.sqrt(square - mean**2) / mean.sum(), rtol=1e-9)


def test_expected_logarithms_are_integrals():
    prior = Dirichlet(3, 0.4)
    total = 1.2 + COUNT.sum()
    for k, found in enumerate(prior.expected(_posterior(prior))):
        margin = stats.beta(0.4 + COUNT[k], total - 0.4 - COUNT[k])
        # on the scale of the logarithm, where nothing is infinite
        mean, _ = quad(lambda u, m=margin: u * m.pdf(np.exp(u)) * np.exp(u), -60, -1e-12, limit=200)
        assert found == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("kind", [Dirichlet, StickBreaking])
def test_the_divergence_is_zero_at_the_prior_and_positive_elsewhere(kind):
    prior = kind(3, 0.6)
    assert prior.divergence(prior.prior) == pytest.approx(0, abs=1e-13)
    assert prior.divergence(_posterior(prior)) > 0.1
    one = kind(1, 0.6)
    assert one.divergence(one.prior) == pytest.approx(0, abs=1e-13)


def test_the_divergence_of_one_break_is_an_integral():
    prior = StickBreaking(1, 0.6)
    before, after = stats.beta(1, 0.6), stats.beta(5, 0.6)
    found = prior.divergence(np.array([[5.0, 0.6]]))
    known, _ = quad(lambda v: after.pdf(v) * (after.logpdf(v) - before.logpdf(v)), 0, 1)
    assert found == pytest.approx(known, rel=1e-6)


@pytest.mark.parametrize("kind", [Dirichlet, StickBreaking])
def test_the_slope_is_that_of_differences(kind):
    prior = kind(3, 0.6)
    here, surplus = (
        _posterior(prior),
        np.array(
            [[0.3, -1.2, 2.0]] if kind is Dirichlet else [[0.3, 1.0], [-1.2, 0.1], [2.0, -0.4]]
        ),
    )
    eps = 1e-5
    for at in np.ndindex(*here.shape):
        step = np.zeros(here.shape)
        step[at] = eps

        def height(value):
            total = value.sum(axis=1, keepdims=True)
            from scipy.special import digamma

            return float(np.sum(surplus * (digamma(value) - digamma(total))))

        slope = (height(here + step) - height(here - step)) / (2 * eps)
        assert prior.slope(here, surplus)[at] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_later_components_take_what_earlier_ones_left():
    prior = StickBreaking(3, 0.7)
    np.testing.assert_allclose(prior.counts(COUNT)[:, 1], [2.25, 2.25, 0.0])
    shares = np.log([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]])
    np.testing.assert_allclose(np.exp(prior.log_weights(shares)), [0.5, 0.125, 0.0375])
