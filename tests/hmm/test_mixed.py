"""States that are mixtures, compiled, beside the family and SciPy."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from latentia.data.arrays import Frame, Rows
from latentia.families import moments
from latentia.families.gaussian_mixtures import KINDS, GaussianMixtures
from latentia.hmm.mixed import BLOCK, WIDEST, mixed

K, M = 3, 2


def drawn(kind, d, n=200, dtype=np.float64, thin=1.0):
    """A family, parameters and rows far from the origin; one density has no weight."""
    rng = np.random.default_rng(d)
    x = (rng.normal(size=(n, d)) * 3 + 50).astype(dtype)
    family = GaussianMixtures(K, Frame.of(Rows.of(x.astype(np.float64))), M, kind)
    params = family.start(x.astype(np.float64), rng.dirichlet(np.ones(K), n))
    moved = params.means + rng.normal(size=params.means.shape)
    weights = rng.dirichlet(np.ones(M), K)
    weights[0] = 1.0, 0.0
    params = params._replace(weights=weights, means=moved, covariances=params.covariances * thin**2)
    return family, params, x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_densities_are_those_of_scipy(kind, d, dtype):
    family, params, x = drawn(kind, d, dtype=dtype)
    matrices = family.covariance.matrices(family.flat(params).covariances, K * M, d)
    each = [
        multivariate_normal(mean, matrix).logpdf(x.astype(np.float64))
        for mean, matrix in zip(params.means.reshape(-1, d), matrices, strict=True)
    ]
    with np.errstate(divide="ignore"):
        joint = np.stack(each, axis=1).reshape(len(x), K, M) + np.log(params.weights)
    got = mixed(family, params, True).log_density(x)
    np.testing.assert_allclose(got, logsumexp(joint, axis=2), rtol=1e-11)


@pytest.mark.parametrize("thin", [1.0, 1e-5])
@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_the_familys(kind, thin):
    """Over two blocks, with steps that are in no state, for thin densities as well."""
    family, params, x = drawn(kind, 2, BLOCK + 9, thin=thin)
    resp = np.random.default_rng(0).dirichlet(np.ones(K), len(x))
    resp[5] = 0.0
    made = mixed(family, params, True).statistics(x, resp)
    known = family.stats(params, x, resp)
    np.testing.assert_allclose(made.count, known.count, rtol=1e-12)
    assert made.hidden == pytest.approx(known.hidden, rel=1e-10)
    means = family.normal.inside(family.flat(params)).means
    for one in (
        lambda stats: moments.weight(stats.normal.moments),
        lambda stats: moments.deviation(stats.normal.moments, means),
        lambda stats: moments.scatter(family.covariance, stats.normal.moments, means),
    ):
        np.testing.assert_allclose(one(made), one(known), rtol=1e-10, atol=1e-9)
    after, other = family.m_step(made, params), family.m_step(known, params)
    for got, expected in zip(after, other, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_a_step_that_no_density_reaches_is_shared_by_weight():
    family, params, x = drawn("diag", 1, 4)
    params = params._replace(means=np.full_like(params.means, np.inf))
    resp = np.full((4, K), 1 / K)
    made = mixed(family, params, True)
    assert (made.log_density(x) == -np.inf).all()
    count = made.statistics(x, resp).count
    np.testing.assert_allclose(count, 4 / K * params.weights)


def test_what_is_not_compiled_is_left_to_the_family():
    family, params, _ = drawn("full", WIDEST + 1)
    assert mixed(family, params, True) is None
    assert mixed(*drawn("diag", WIDEST + 1)[:2], True) is not None
    assert mixed(*drawn("diag", 1)[:2], False) is None
    assert mixed(family.normal, family.flat(params), True) is None
