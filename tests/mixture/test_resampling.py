"""A Gaussian mixture's other standard errors, against SciPy's densities and plain loops."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, multivariate_normal, norm

from latentia import EM, GaussianMixture, datasets
from latentia.data.arrays import Rows
from latentia.engine.inference import TooFewUnitsError, profile_interval

X = datasets.load("faithful").values
TIGHT = EM(tol=1e-11, max_iter=5000)


@pytest.fixture(scope="module")
def waiting():
    """Two normals on the waiting times."""
    gm = GaussianMixture(2, reg_covar=0, random_state=0, em=TIGHT).fit(X[:, 1:])
    return gm.set_params(warm_start=True).fit(X[:, 1:])


def _flat(gm):
    return np.r_[gm.weights_[0], gm.means_.ravel(), gm.covariances_.ravel()]


def _log_density(at, x):
    w, a, b, s, t = at
    first, second = norm.logpdf(x, a, np.sqrt(s)), norm.logpdf(x, b, np.sqrt(t))
    return np.logaddexp(np.log(w) + first, np.log(1 - w) + second)


def _by_hand(at, x):
    """Scores of the rows and the Hessian of their sum, by differences of SciPy's density."""
    steps = 1e-4 * np.abs(at)
    p = len(at)

    def scores(at):
        out = np.empty((len(x), p))
        for i in range(p):
            move = np.zeros(p)
            move[i] = steps[i]
            near = _log_density(at + move, x) - _log_density(at - move, x)
            far = _log_density(at + 2 * move, x) - _log_density(at - 2 * move, x)
            out[:, i] = (8 * near - far) / (12 * steps[i])
        return out

    hessian = np.empty((p, p))
    for i in range(p):
        move = np.zeros(p)
        move[i] = 10 * steps[i]
        hessian[i] = (scores(at + move) - scores(at - move)).sum(axis=0) / (20 * steps[i])
    return scores(at), (hessian + hessian.T) / 2


def test_outer_products_and_sandwich_against_scipys_densities(waiting):
    at, x = _flat(waiting), X[:, 1]
    s, hessian = _by_hand(at, x)
    between, bread = s.T @ s, np.linalg.inv(-hessian)
    for method, covariance in (
        ("opg", np.linalg.inv(between)),
        ("sandwich", bread @ between @ bread),
        ("sem", bread),
        ("observed", bread),
    ):
        se = waiting.standard_errors(method=method)
        ours = np.r_[se.weights[0], se.means.ravel(), se.covariances.ravel()]
        np.testing.assert_allclose(ours, np.sqrt(np.diag(covariance)), rtol=1e-4)
        assert se.note == ""


def test_the_bootstrap_is_near_the_asymptotics_and_repeats_itself(waiting):
    se = waiting.standard_errors()
    boot = waiting.standard_errors(method="bootstrap", replicates=150)
    np.testing.assert_allclose(boot.means, se.means, rtol=0.3)
    np.testing.assert_allclose(boot.weights, se.weights, rtol=0.3)
    again = waiting.standard_errors(method="bootstrap", replicates=150, workers=2)
    np.testing.assert_array_equal(boot.means, again.means)
    np.testing.assert_array_equal(boot.covariances, again.covariances)


def test_simulated_refits_are_near_the_asymptotics(waiting):
    se = waiting.standard_errors()
    boot = waiting.standard_errors(method="parametric-bootstrap", replicates=150)
    np.testing.assert_allclose(boot.means, se.means, rtol=0.3)
    np.testing.assert_allclose(boot.covariances, se.covariances, rtol=0.4)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_simulated_rows_have_the_mixtures_moments(kind):
    gm = GaussianMixture(2, covariance_type=kind, random_state=0).fit(X)
    model = gm._model(gm._frame)
    chunk = Rows.of(X, np.full(272, 300.0))
    drawn = model.simulate(gm._params(), chunk, np.random.default_rng(0))
    n = 272 * 300
    assert drawn.weights.sum() == pytest.approx(n)
    assert len(drawn) == n  # a weight counts as so many rows
    mean = gm.weights_ @ gm.means_
    off = gm.means_ - mean
    covariance = np.einsum("k,kij->ij", gm.weights_, gm.covariance_matrices())
    covariance += np.einsum("k,ki,kj->ij", gm.weights_, off, off)
    spread = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(drawn.x.mean(axis=0) - mean) < 4 * spread / np.sqrt(n))
    np.testing.assert_allclose(np.cov(drawn.x.T), covariance, rtol=0.02)
    # and its density: the mean log-density is the entropy's, within its own error
    joint = [
        np.log(w) + multivariate_normal(m, c).logpdf(drawn.x)
        for w, m, c in zip(gm.weights_, gm.means_, gm.covariance_matrices(), strict=True)
    ]
    fresh = gm.sample(20_000)[0]
    height = np.logaddexp(*joint)
    assert height.mean() == pytest.approx(gm.score(fresh), abs=5 * height.std() / np.sqrt(20_000))


def test_few_rows_are_refused():
    gm = GaussianMixture(2, random_state=0).fit(X[:9])
    for method in ("opg", "sandwich", "bootstrap"):
        with pytest.raises(TooFewUnitsError, match="got 9 independent units for"):
            gm.standard_errors(method=method)


@pytest.fixture(scope="module")
def normal():
    gm = GaussianMixture(1, reg_covar=0, em=TIGHT).fit(X)
    return gm._model(gm._frame), Rows.of(X), gm._params()


def _roots(drop, centre, low, high):
    return [brentq(lambda c: drop(c) - chi2.ppf(0.95, 1) / 2, centre, far) for far in (low, high)]


def test_profiles_of_a_normal_have_closed_forms(normal):
    # with all else free only the margin counts for a mean or a variance
    n, cov = len(X), np.cov(X.T, bias=True)
    mean, variance = X[:, 1].mean(), cov[1, 1]
    got = profile_interval(*normal, ("components.means", (0, 1)))
    expected = _roots(lambda c: n / 2 * np.log1p((c - mean) ** 2 / variance), mean, 60, 80)
    np.testing.assert_allclose([got.lower, got.upper], expected, rtol=1e-6)
    got = profile_interval(*normal, ("components.covariances", (0, 1, 1)))

    def drop(c):
        return n / 2 * (np.log(c / variance) + variance / c - 1)

    expected = _roots(drop, variance, variance / 3, variance * 3)
    np.testing.assert_allclose([got.lower, got.upper], expected, rtol=1e-5)
    assert got.found == (True, True)


def test_the_profile_of_a_correlation_has_a_closed_form(normal):
    # (1 - rho^2)^(n/2) / (1 - rho r)^n up to a constant (Kalbfleisch & Sprott 1970)
    n, r = len(X), np.corrcoef(X.T)[0, 1]

    def drop(rho):
        return n * np.log(1 - rho * r) - n / 2 * (np.log(1 - rho**2) + np.log(1 - r**2))

    def correlation(params):
        c = params.components.covariances[0]
        return c[0, 1] / np.sqrt(c[0, 0] * c[1, 1])

    got = profile_interval(*normal, correlation)
    expected = _roots(drop, r, 0.5, 0.999)
    np.testing.assert_allclose([got.lower, got.upper], expected, rtol=1e-6)
    assert got.name == "correlation"
