"""Probabilities of intervals and expectations in them, against SciPy, series and integration."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import digamma, log_ndtr
from scipy.stats import gamma

from latentia.families.intervals import Standard, within


@pytest.mark.parametrize("order", [1e-3, 0.05, 1.0, 40.0, 1e6])
def test_expectations_over_all_times_are_those_of_the_gamma(order):
    one = np.ones(1)
    law = within(Standard(0 * one, one, order * one), np.zeros(1), np.full(1, np.inf))
    assert law.log_mass[0, 0] == pytest.approx(0.0, abs=1e-13)
    mean = (law.share * np.exp(law.y)).sum()
    logs = (law.share * law.y).sum()
    assert mean == pytest.approx(1.0, rel=1e-12)
    assert logs == pytest.approx(digamma(order) - np.log(order), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("bounds", [(0.0, 1e-4), (0.3, 0.9), (2.0, np.inf), (50.0, 60.0)])
@pytest.mark.parametrize("order", [0.05, 1.0, 40.0])
def test_expectations_in_an_interval_are_those_of_integration(order, bounds):
    one, law = np.ones(1), gamma(order, scale=1 / order)
    got = within(Standard(0 * one, one, order * one), *(np.full(1, b) for b in bounds))
    top = law.logpdf(np.clip(1.0, *bounds))  # so that far tails do not vanish

    def integral(power):
        end = np.log(min(bounds[1], 900.0))
        lowest = min(end, 0.0) - 10 - 40 / order
        ends = np.maximum(np.log(np.maximum(bounds[0], 1e-300)), lowest), end
        points = [p for p in (-8.0, -1.0, 0.0, 1.0) if ends[0] < p < ends[1]] or None
        return quad(
            lambda y: np.exp(law.logpdf(np.exp(y)) - top + y) * y**power,
            *ends,
            points=points,
            limit=500,
            epsrel=1e-11,
            epsabs=0,
        )[0]

    assert (got.share * got.y).sum() == pytest.approx(integral(1) / integral(0), rel=1e-8)


@pytest.mark.parametrize("order", [1e-3, 0.05, 1.0, 40.0])
def test_probabilities_are_scipys(order):
    one, law = np.ones(1), gamma(order, scale=1 / order)
    at = np.maximum(law.ppf([1e-9, 0.01, 0.5, 0.99]), 1e-290)
    below = within(Standard(0 * one, one, order * one), np.zeros(4), at)
    above = within(Standard(0 * one, one, order * one), at, np.full(4, np.inf))
    np.testing.assert_allclose(below.log_mass[:, 0], law.logcdf(at), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(above.log_mass[:, 0], law.logsf(at), rtol=1e-11, atol=1e-13)


def test_tails_of_the_normal_are_scipys():
    """Down to where the probability itself is no number any more."""
    z, one = np.array([0.0, 3.0, 20.0, 60.0]), np.ones(1)
    above = within(Standard(0 * one, one, None), np.exp(z), np.full(4, np.inf))
    below = within(Standard(0 * one, one, None), np.zeros(4), np.exp(-z))
    np.testing.assert_allclose(above.log_mass[:, 0], log_ndtr(-z), rtol=1e-13)
    np.testing.assert_allclose(below.log_mass[:, 0], log_ndtr(-z), rtol=1e-13)


def test_neighbouring_intervals_add_up():
    edges, one = np.array([0.0, 1e-6, 0.4, 1.0, 1.3, 8.0, np.inf]), np.ones(1)
    law = within(Standard(0 * one, 0.5 * one, 3.0 * one), edges[:-1], edges[1:])
    assert np.exp(law.log_mass).sum() == pytest.approx(1.0, rel=1e-13)
    np.testing.assert_allclose(law.share.sum(axis=-1), 1.0, rtol=1e-13)
    inside = (law.y >= np.log(np.maximum(edges[:-1], 1e-300))[:, None, None] - 1e-12) & (
        law.y <= np.log(np.minimum(edges[1:], 1e300))[:, None, None] + 1e-12
    )
    assert inside.all()
