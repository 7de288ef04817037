"""Mixtures of normal densities as components, against SciPy and `Gaussian`."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from latentia import EM, GaussianMixture
from latentia.data.arrays import Frame, Rows
from latentia.families.gaussian_mixtures import KINDS, GaussianMixtures, GaussianMixturesParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    every_property,
    fit_one,
    params_near_start,
)

_rng = np.random.default_rng(0)
X = _rng.normal(size=(60, 2)) @ [[1.0, 0.4], [0.0, 0.8]] + 3 * _rng.integers(0, 2, size=(60, 1))


def family_of(kind, k=2, m=2, floor=0.05):
    return GaussianMixtures(k, Frame.of(Rows.of(X)), m, kind, floor)


@every_property
@pytest.mark.parametrize("kind", KINDS)
def test_property(holds, kind):
    holds(Case(lambda k: family_of(kind, k), X, regresses=True))


def matrices(kind, covariances, m):
    """Every covariance written out, (K, M, d, d)."""
    if kind == "tied":
        return np.repeat(covariances[:, None], m, axis=1)
    if kind == "full":
        return covariances
    wide = covariances[..., None] if kind == "spherical" else covariances
    return wide[..., None] * np.eye(2)


@pytest.mark.parametrize("kind", KINDS)
def test_log_density_is_a_sum_of_scipys(kind):
    family = family_of(kind, 3, 2)
    params = params_near_start(family, X)
    full = matrices(kind, params.covariances, 2)
    expected = np.stack(
        [
            logsumexp(
                [
                    multivariate_normal(params.means[k, m], full[k, m]).logpdf(X)
                    + np.log(params.weights[k, m])
                    for m in range(2)
                ],
                axis=0,
            )
            for k in range(3)
        ],
        axis=1,
    )
    assert_log_density(family, params, X, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_one_component_is_a_gaussian_mixture(kind):
    """Of M densities: the same maximum by another estimator, which knows no layers."""
    family = family_of(kind, 1, 2, floor=1e-6)
    made = fit_one(family, X)
    one = GaussianMixture(2, covariance_type=kind, random_state=0, em=EM(tol=1e-12)).fit(X)
    height = family.log_density(made, X).sum()
    assert height == pytest.approx(one.loglik_, abs=1e-6)
    np.testing.assert_allclose(np.sort(made.weights[0]), np.sort(one.weights_), atol=1e-5)


def test_drawn_rows_have_the_moments_of_the_mixture():
    weights = np.array([[0.3, 0.7], [0.5, 0.5]])
    means = np.array([[[0.0, 1.0], [4.0, -1.0]], [[2.0, 2.0], [3.0, 5.0]]])
    family = GaussianMixtures(2, Frame.of(Rows.of(X)), 2, "spherical")
    params = GaussianMixturesParams(weights, means, np.array([[1.0, 2.0], [0.5, 0.25]]))
    mean = np.einsum("km,kmd->kd", weights, means)
    square = np.einsum("km,kmd->kd", weights, means**2 + params.covariances[..., None])
    assert_draws_have(family, params, mean, square - mean**2)


def test_a_missing_cell_is_expected_by_the_densities_that_its_row_is_likely_in():
    """(1, ?) is near the first density of component 0 and far from its second."""
    means = np.array([[[1.0, 5.0], [50.0, -5.0]], [[1.0, 0.0], [1.0, 2.0]]])
    family = GaussianMixtures(2, Frame.of(Rows.of(X)), 2, "spherical")
    params = GaussianMixturesParams(np.full((2, 2), 0.5), means, np.ones((2, 2)))
    rows = np.array([[1.0, np.nan]])
    np.testing.assert_allclose(family.expected(params, rows)[0], [[1.0, 5.0], [1.0, 1.0]])
    rng = np.random.default_rng(0)
    drawn = family.completed(params, np.repeat(rows, 200, axis=0), np.zeros(200, int), rng)
    assert (drawn[:, 0] == 1).all()
    assert abs(drawn[:, 1].mean() - 5) < 0.3


@pytest.mark.parametrize(
    ("given", "told"),
    [({"covariance_type": "EEE"}, "expected one of full, tied"), ({"n_mix": 0}, "n_mix=0")],
)
def test_what_makes_no_sense_is_refused(given, told):
    with pytest.raises(ValueError, match=told):
        GaussianMixtures(2, Frame.of(Rows.of(X)), **given)
