"""Highest-density regions: against the normal's own, and what they must be."""

import numpy as np
import pytest
from scipy.stats import chi2

from latentia import GaussianMixture
from latentia.mixture.regions import highest_density_regions


@pytest.fixture(scope="module")
def one_normal():
    rng = np.random.default_rng(0)
    return GaussianMixture(1, random_state=0).fit(rng.normal(size=(500, 3)) @ np.triu(np.ones(3)))


def test_of_one_normal_the_bound_is_a_quantile_of_chi_squared(one_normal):
    masses = np.array([0.2, 0.5, 0.9, 0.99])
    regions = highest_density_regions(one_normal, masses, n_samples=200_000)
    _, log_det = np.linalg.slogdet(one_normal.covariances_[0])
    for mass, region in zip(masses, regions, strict=True):
        squared = -2 * region.log_density - 3 * np.log(2 * np.pi) - log_det
        assert chi2(3).cdf(squared) == pytest.approx(mass, abs=5 * region.error)


def test_two_far_normals_leave_a_gap():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=400), rng.normal(20, 1, size=400)])[:, None]
    mixture = GaussianMixture(2, random_state=0).fit(x)
    (region,) = highest_density_regions(mixture, 0.95)
    inside = region.contains(mixture, np.array([[0.0], [10.0], [20.0]]))
    assert inside.tolist() == [True, False, True]


def test_regions_are_nested_and_the_same_for_the_same_seed(one_normal):
    first = highest_density_regions(one_normal, (0.3, 0.6, 0.9))
    assert np.all(np.diff([region.log_density for region in first]) < 0)
    assert first == highest_density_regions(one_normal, (0.3, 0.6, 0.9))


def test_refusals(one_normal):
    with pytest.raises(ValueError, match="got a mass of 1, expected numbers between 0 and 1"):
        highest_density_regions(one_normal, (0.5, 1.0))
    with pytest.raises(ValueError, match="n_samples=5, expected at least 100"):
        highest_density_regions(one_normal, 0.5, n_samples=5)
