"""Distribution functions of mixtures and their inverse."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import gamma, norm, poisson

from latentia.mixture.distribution import quantile

LEVELS = np.array([1e-12, 1e-3, 0.1, 0.5, 0.77, 0.999, 1 - 1e-12])


@pytest.mark.parametrize("mean", [1e-3, 0.7, 30.0, 1e6])
def test_quantiles_of_counts_are_scipys(mean):
    found = quantile(lambda x: poisson.cdf(x, mean), LEVELS)
    np.testing.assert_array_equal(found, poisson.ppf(LEVELS, mean))


@pytest.mark.parametrize(("centre", "spread"), [(0, 1), (1e6, 1e-3), (-50, 1e8)])
def test_quantiles_of_a_continuous_mixture_solve_its_distribution(centre, spread):
    def below(x):
        return 0.3 * norm.cdf(x, centre, spread) + 0.7 * norm.cdf(x, centre + spread, 2 * spread)

    found = quantile(below, LEVELS[1:-1])
    for p, x in zip(LEVELS[1:-1], found, strict=True):
        solved = brentq(lambda t, p=p: below(t) - p, centre - 9 * spread, centre + 20 * spread)
        assert x == pytest.approx(solved, rel=1e-9, abs=1e-9 * spread)


def test_quantiles_of_tiny_times():
    found = quantile(lambda x: gamma.cdf(x, 2, scale=1e-200), LEVELS[1:-1])
    np.testing.assert_allclose(found, gamma.ppf(LEVELS[1:-1], 2, scale=1e-200), rtol=1e-9)


def test_shapes_are_kept_and_levels_checked():
    assert quantile(norm.cdf, [[0.5, 0.2]]).shape == (1, 2)
    assert quantile(norm.cdf, 0.975) == pytest.approx(1.959963984540054, abs=1e-12)
    for wrong in (0, 1, -0.1, np.nan):
        with pytest.raises(ValueError, match=r"got the probability .*, expected one between 0 and"):
            quantile(norm.cdf, [0.5, wrong])
