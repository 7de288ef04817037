"""Rows in extreme units, of one value, at the ends of what a family allows: a fit, or a sentence.

Never nan, and never a warning of NumPy's on the way.
"""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from latentia import Mixture
from latentia.engine import Status
from latentia.engine.tree import leaves
from latentia.families import Gamma
from latentia.families.gamma import GammaParams

RNG = np.random.default_rng(0)
N = 60
HALF = np.repeat([0, 1], N // 2)[:, None]
POSITIVE = RNG.gamma(2.0 + 4.0 * HALF, 1.0, size=(N, 2))
NORMAL = RNG.normal(3.0 * HALF, 1.0, size=(N, 2))
SHARES = RNG.dirichlet([2.0, 3.0, 4.0], size=N)
TIMES = ("exponential", "gamma", "inverse_gaussian", "log_normal", "weibull", "uniform")
NORMALS = ("gaussian", "student_t", "gaussian_mixtures(n_mix=2)")
COUNTS = ("poisson", "negative_binomial", "multinomial", "binomial(trials=20)")


def fitted(family, x, k=1):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Mixture(family, k, random_state=0).fit(x)


@pytest.mark.parametrize("exponent", [-300, -150, 150, 300])
@pytest.mark.parametrize("family", TIMES)
def test_times_in_any_unit_have_the_same_fit(family, exponent):
    """A unit moves the log-likelihood by the logarithm of the Jacobian and nothing else."""
    one = fitted(family, POSITIVE)
    other = fitted(family, POSITIVE * 10.0**exponent)
    moved = POSITIVE.size * exponent * np.log(10)
    assert other.converged_
    assert_allclose(other.loglik_ + moved, one.loglik_, rtol=0, atol=1e-13 * abs(moved) + 1e-3)


@pytest.mark.parametrize("exponent", [-150, 150])
@pytest.mark.parametrize("family", NORMALS[:2])
def test_normal_rows_in_units_whose_squares_are_floats_have_the_same_fit(family, exponent):
    one, other = fitted(family, NORMAL), fitted(family, NORMAL * 10.0**exponent)
    moved = NORMAL.size * exponent * np.log(10)
    # the default floor of variances is no multiple of the unit
    assert other.converged_ or exponent < 0
    if exponent > 0:
        assert_allclose(other.loglik_ + moved, one.loglik_, rtol=0, atol=1e-2)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
@pytest.mark.parametrize("family", NORMALS)
def test_squares_beyond_a_float_are_refused(family, scale):
    with pytest.raises(ValueError, match="give them in another unit"):
        fitted(family, NORMAL * scale)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("family", [*TIMES, *NORMALS, "beta"])
def test_one_value_and_a_far_origin_end_in_a_fit_or_a_sentence(family, k):
    beta = family == "beta"
    rows = (
        np.full((N, 2), 0.4),
        0.5 + 1e-9 * NORMAL if beta else 1e9 + POSITIVE,
        np.where(HALF, 0.2, 0.7) * np.ones((N, 2)),
    )
    for x in rows:
        try:
            found, refused = fitted(family, x, k), ""
        except ValueError as error:
            found, refused = None, str(error)
        if found is None:
            assert "expected numbers that vary" in refused or "collapsed" in refused
            continue
        assert found.fit_.status in (Status.CONVERGED, Status.MAX_ITER)
        assert np.isfinite(found.loglik_)
        assert all(np.isfinite(leaf).all() for leaf in map(np.asarray, leaves(found.params_)))
        assert np.isfinite(found.predict_proba(x)).all()


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("family", COUNTS)
def test_counts_that_are_all_zero_or_all_there_are_fitted_without_a_doubt(family, k):
    for value in (0.0, 20.0):
        x = np.full((N, 2), value)
        found = fitted(family, x, k)
        assert found.converged_
        assert np.isfinite(found.predict_proba(x)).all()
        assert found.loglik_ <= 1e-12
        certain = value == 0.0 or family.startswith("binomial")
        assert (abs(found.loglik_) < 1e-9) == certain


@pytest.mark.parametrize("family", COUNTS[:2])
def test_counts_beyond_whole_floats_are_refused_by_name(family):
    with pytest.raises(ValueError, match=r"1e\+300 at row 0.*up to 2\^53; count in thousands"):
        fitted(family, np.full((N, 2), 1e300))


def test_a_ratio_that_underflows_has_a_density():
    """mpmath 1.4.1, 60 digits: 999999999 log x - x / s - loggamma(1e9) - 1e9 log s."""
    params = GammaParams(np.array([[1e9]]), np.array([[1e120]]))
    (found,) = Gamma(1).log_density(params, np.array([[1e-300]]))[0]
    assert found == pytest.approx(-986809004194.2274, rel=1e-15)
