"""Families of a log-density alone, against SciPy, and against those with formulas."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from latentia import EM
from latentia.data.arrays import Rows
from latentia.engine.space import Positive, PositiveDefinite, Real, Simplex
from latentia.families.categorical import Categorical
from latentia.families.numerical import FromLogDensity
from latentia.families.poisson import Poisson
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    maximum_of,
)


class Gumbel(NamedTuple):
    location: object
    scale: object


class Normal(NamedTuple):
    mean: object
    covariance: object


class Rate(NamedTuple):
    rate: object


class Levels(NamedTuple):
    probabilities: object


class Place(NamedTuple):
    location: object


_rng = np.random.default_rng(0)
WAITS = np.append(_rng.gumbel(0, 1, 15), _rng.gumbel(12, 2, 9))[:, None]
PLANE = _rng.multivariate_normal([1.0, 2.0], [[2.0, 0.5], [0.5, 1.0]], size=24)
COUNTS = np.append(_rng.poisson(2.0, 15), _rng.poisson(9.0, 9))[:, None] * 1.0
CODES = _rng.integers(0, 3, size=(24, 1)) * 1.0


def gumbel(k):
    def log_density(theta, x):
        z = (x[:, 0] - theta.location) / theta.scale
        with np.errstate(over="ignore"):
            return -z - np.exp(-z) - np.log(theta.scale)

    def draw(theta, n, rng):
        return rng.gumbel(theta.location, theta.scale, (n, 1))

    space = Gumbel(Real(), Positive())
    return FromLogDensity(k, log_density, space, Gumbel(0.0, 1.0), draw=draw)


def normal(k):
    def log_density(theta, x):
        off, inverse = x - theta.mean, np.linalg.inv(theta.covariance)
        distance = ((off @ inverse) * off).sum(axis=1)
        return -0.5 * (distance + np.log(np.linalg.det(2 * np.pi * theta.covariance)))

    def draw(theta, n, rng):
        return rng.multivariate_normal(theta.mean, theta.covariance, n)

    def start(x, w):
        return Normal(w @ x / w.sum(), np.cov(x.T, aweights=w, ddof=0))

    space = Normal(Real(), PositiveDefinite())
    return FromLogDensity(k, log_density, space, start, draw=draw)


def poisson(k):
    return FromLogDensity(
        k,
        lambda theta, x: stats.poisson.logpmf(x[:, 0], theta.rate),
        Rate(Positive()),
        Rate(1.0),
        draw=lambda theta, n, rng: rng.poisson(theta.rate, (n, 1)) * 1.0,
    )


def categorical(k):
    def log_density(theta, x):
        missing = np.isnan(x[:, 0])
        each = np.log(theta.probabilities)[np.where(missing, 0, x[:, 0]).astype(int)]
        return np.where(missing, 0.0, each)

    def draw(theta, n, rng):
        return rng.choice(3, (n, 1), p=theta.probabilities) * 1.0

    flat = Levels(np.full(3, 1 / 3))
    return FromLogDensity(k, log_density, Levels(Simplex()), flat, draw=draw, takes_missing=True)


@every_property
@pytest.mark.parametrize(
    "case",
    [
        Case(gumbel, WAITS, True),
        Case(normal, PLANE, True),
        Case(poisson, COUNTS),
        Case(categorical, CODES),
    ],
    ids=["gumbel", "normal", "poisson", "categorical"],
)
def test_property(holds, case):
    holds(case)


def test_log_density_is_what_was_given():
    params = Gumbel(np.array([0.0, 3.0]), np.array([1.0, 0.5]))
    expected = stats.gumbel_r.logpdf(WAITS, params.location, params.scale)
    assert_log_density(gumbel(2), params, WAITS, expected)


def test_one_component_is_the_maximum_likelihood_fit():
    assert_one_component_is(gumbel(1), WAITS, stats.gumbel_r.fit(WAITS))
    covariance = np.cov(PLANE.T, ddof=0)
    assert_one_component_is(normal(1), PLANE, [PLANE.mean(axis=0), covariance])
    shares = np.bincount(CODES[:, 0].astype(int)) / len(CODES)
    assert_one_component_is(categorical(1), CODES, [shares])


def climbed(family, x):
    k = family.n_components
    model = MixtureModel(family, k, lambda rows, rng: guesses(rows, k, "kmeans", rng))
    return EM(tol=1e-8).fit(model, Rows.of(x), rng=0)


def test_mixtures_are_those_of_the_families_with_formulas():
    for plain, own, x in (
        (poisson, Poisson, COUNTS),
        (categorical, lambda k: Categorical(k, 3), CODES),
    ):
        fit, expected = climbed(plain(2), x), climbed(own(2), x)
        assert fit.loglik == pytest.approx(expected.loglik, abs=1e-6)


def test_a_mixture_is_the_maximum_likelihood_fit():
    def loglik(t):
        logs = stats.gumbel_r.logpdf(WAITS, t[:2], np.exp(t[2:4]))
        weights = np.array([t[4], 0.0])
        return logsumexp(logs + weights - logsumexp(weights), axis=1).sum()

    best = maximum_of(loglik, np.array([0.0, 12.0, 0.0, 0.7, 0.5]))
    fit = climbed(gumbel(2), WAITS)
    assert fit.loglik == pytest.approx(loglik(best), abs=1e-7)
    order = np.argsort(fit.params.components.location)
    np.testing.assert_allclose(fit.params.components.location[order], best[:2], atol=1e-4)
    np.testing.assert_allclose(fit.params.components.scale[order], np.exp(best[2:4]), rtol=1e-4)


def test_draws():
    params = Gumbel(np.array([0.0, 3.0]), np.array([1.0, 0.5]))
    mean, variance = stats.gumbel_r.stats(*params)
    assert_draws_have(gumbel(2), params, mean[:, None], variance[:, None])
    silent = FromLogDensity(2, lambda theta, x: x[:, 0], Place(Real()), Place(0.0))
    with pytest.raises(TypeError, match="was given no draw"):
        silent.draw(params, np.array([0]), np.random.default_rng(0))


def test_functions_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="expected a value for each of its parameters"):
        FromLogDensity(2, lambda theta, x: x[:, 0], Place(Real()), Gumbel(0.0, 1.0))
    with pytest.raises(ValueError, match="`location` is nan, expected a finite number"):
        FromLogDensity(2, lambda theta, x: x[:, 0], Place(Real()), Place(np.nan))
    wide = FromLogDensity(2, lambda theta, x: x, Place(Real()), Place(0.0))
    with pytest.raises(ValueError, match=r"got \(24, 1\) from log_density for 24 rows"):
        wide.start(WAITS, np.ones((24, 2)))
