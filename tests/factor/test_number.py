import numpy as np
import pytest

from latentia import datasets
from latentia.factor import parallel_analysis
from latentia.factor.goodness import degrees_of_freedom, fit_test


def test_parallel_analysis_of_the_questionnaire():
    # the questionnaire was made to measure five traits
    bfi = datasets.load("bfi").values
    whole = bfi[~np.isnan(bfi).any(axis=1)]
    found = parallel_analysis(whole, n_draws=50)
    assert found.n_factors == 5
    np.testing.assert_allclose(found.eigenvalues.sum(), 25.0)
    correlations = np.corrcoef(whole.T)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(correlations)[::-1], atol=1e-9)


def test_chance_is_that_of_simulated_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    reference = parallel_analysis(x, n_draws=2000, quantile=0.5).reference
    drawn = [np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(60, 4)).T))[::-1] for _ in range(2000)]
    np.testing.assert_allclose(reference, np.median(drawn, axis=0), atol=0.015)


def test_holes_and_weights_are_taken():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 1)) @ np.ones((1, 5)) + rng.normal(size=(150, 5))
    hollow = np.where(rng.random(x.shape) < 0.1, np.nan, x)
    assert parallel_analysis(hollow, n_draws=10).n_factors == 1
    weights = np.repeat(2.0, 150)
    doubled = parallel_analysis(np.vstack([x, x]), n_draws=10)
    weighted = parallel_analysis(x, sample_weight=weights, n_draws=10)
    np.testing.assert_allclose(weighted.eigenvalues, doubled.eigenvalues, atol=1e-10)
    np.testing.assert_allclose(weighted.reference, doubled.reference, atol=1e-10)


def test_settings_that_make_no_sense():
    x = datasets.load("iris").values
    with pytest.raises(ValueError, match="n_draws=1"):
        parallel_analysis(x, n_draws=1)
    with pytest.raises(ValueError, match="quantile"):
        parallel_analysis(x, quantile=1.5)


def test_a_perfect_fit():
    test = fit_test(-100.0, -100.0, -150.0, 50, 6, 2)
    assert (test.statistic, test.rmsea, test.rmsea_lower) == (0.0, 0.0, 0.0)
    assert test.p_value == 1.0
    assert test.tli > 1
    assert degrees_of_freedom(5, 3) == 0
