"""Deviations of a posterior, against SciPy's distributions."""

import numpy as np
import pytest
from scipy import stats

from latentia.mixture.posterior import deviations
from latentia.mixture.proportions import Dirichlet, StickBreaking
from latentia.mixture.variational import VariationalParams

DEGREES = np.array([9.0, 14.5])
PRECISION = np.array([4.0, 7.5])
MATRICES = np.array([[[2.0, 0.7], [0.7, 1.0]], [[1.0, -0.2], [-0.2, 3.0]]])


def _params(covariances, degrees=DEGREES):
    concentration = np.array([[4.3, 8.1]])
    return VariationalParams(concentration, PRECISION, np.zeros((2, 2)), degrees, covariances)


def _known(covariance, degrees, precision):
    """Deviations of a mean, a t-distribution, and of an inverse-Wishart covariance."""
    free = degrees - 1
    mean = stats.multivariate_t(np.zeros(2), covariance * degrees / (precision * free), df=free)
    variances = np.diagonal(mean.shape) * free / (free - 2)
    return np.sqrt(variances), np.sqrt(stats.invwishart(degrees, covariance * degrees).var())


def test_those_of_full_covariances():
    found = deviations(_params(MATRICES), Dirichlet(2, 0.1), "full")
    for k in range(2):
        means, covariances = _known(MATRICES[k], DEGREES[k], PRECISION[k])
        np.testing.assert_allclose(found.means[k], means, rtol=1e-12)
        np.testing.assert_allclose(found.covariances[k], covariances, rtol=1e-12)
    np.testing.assert_allclose(found.weights, np.sqrt(stats.dirichlet([4.3, 8.1]).var()))


def test_those_of_tied_covariances():
    found = deviations(_params(MATRICES[0], DEGREES[:1]), Dirichlet(2, 0.1), "tied")
    _, covariances = _known(MATRICES[0], DEGREES[0], 1.0)
    np.testing.assert_allclose(found.covariances, covariances, rtol=1e-12)
    assert found.means.shape == (2, 2)


@pytest.mark.parametrize("kind", ["diag", "spherical"])
def test_those_of_variances(kind):
    variances = np.array([[2.0, 1.0], [1.0, 3.0]])
    given = variances if kind == "diag" else variances[:, 0]
    found = deviations(_params(given), Dirichlet(2, 0.1), kind)
    assert found.covariances.shape == given.shape
    for k in range(2):
        matrix = np.diag(variances[k]) if kind == "diag" else given[k] * np.eye(2)
        means, covariances = _known(matrix, DEGREES[k], PRECISION[k])
        np.testing.assert_allclose(found.means[k], means, rtol=1e-12)
        known = np.diagonal(covariances)
        np.testing.assert_allclose(found.covariances[k], known if kind == "diag" else known[0])


def test_what_has_no_moment_is_nan():
    found = deviations(_params(MATRICES, np.array([2.5, 4.0])), Dirichlet(2, 0.1), "full")
    assert np.isnan(found.means[0]).all()
    assert np.isfinite(found.means[1]).all()
    assert np.isnan(found.covariances).all()
    assert "next to no rows have none" in found.note


def test_a_single_weight_is_certain():
    one = VariationalParams(
        np.array([[5.0, 0.3]]), PRECISION[:1], np.zeros((1, 2)), DEGREES[:1], MATRICES[:1]
    )
    assert deviations(one, StickBreaking(1, 0.3), "full").weights == [0]
