"""Weights by a multinomial logit: the contract, independent maxima, covariates that separate."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm, poisson

from latentia import EM, check_model
from latentia.data.arrays import Rows
from latentia.engine import Status
from latentia.engine.chart import arrays
from latentia.engine.inference import observed_information
from latentia.engine.relabel import distance, permute
from latentia.families import Poisson
from latentia.families.predictor import Basis
from latentia.mixture import MixtureModel
from latentia.mixture.concomitant import Concomitant, ConcomitantParams
from latentia.mixture.start import guesses
from latentia.mixture.weighting import Constant


def rows_of(n=200, seed=0, k=2):
    rng = np.random.default_rng(seed)
    z = np.column_stack([np.ones(n), rng.normal(2.0, 1.5, n)])
    logits = np.column_stack([np.zeros(n), *(z @ [-2.0 * j, 1.0 * j] for j in range(1, k))])
    shares = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    label = (rng.uniform(size=(n, 1)) > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    return np.column_stack([z, rng.poisson(np.array([1.0, 9.0, 30.0])[label])])


def model_of(k, x, weights=None, q=2):
    def random(sample, rng):
        return guesses(Rows(sample.x[:, q:], sample.weights), k, "kmeans", rng)

    basis = Basis.of(x[:, :q], np.ones(len(x)) if weights is None else weights)
    return MixtureModel(Poisson(k), k, random, Concomitant(k, q, basis))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_contract_holds(k):
    x = rows_of(60, k=max(k, 2))
    weights = np.random.default_rng(1).gamma(2.0, size=60)
    check_model(model_of(k, x, weights), Rows.of(x, weights), k, points=2)


def test_the_maximum_is_scipys():
    """Against BFGS on the log-likelihood written out, from where the data were drawn."""
    x = rows_of()
    fit = EM(tol=1e-10).fit(model_of(2, x), Rows.of(x), rng=0)

    def minus(t):
        logit = x[:, :2] @ t[:2]
        sides = [-np.logaddexp(0, logit), -np.logaddexp(0, -logit)]
        joint = [s + poisson.logpmf(x[:, 2], np.exp(r)) for s, r in zip(sides, t[2:], strict=True)]
        return -logsumexp(joint, axis=0).sum()

    found = minimize(minus, [-2.0, 1.0, 0.0, 2.2], options={"gtol": 1e-7})
    assert fit.status is Status.CONVERGED
    assert fit.loglik == pytest.approx(-found.fun, abs=1e-7)
    order = np.argsort(fit.params.components.rates[:, 0])
    gamma = fit.params.weights.coefficients
    np.testing.assert_allclose((gamma[order[1]] - gamma[order[0]]), found.x[:2], atol=1e-4)
    np.testing.assert_allclose(fit.params.components.rates[order, 0], np.exp(found.x[2:]), 1e-5)


def test_with_an_intercept_alone_weights_are_constant():
    x = rows_of()[:, [0, 2]]
    fit = EM(tol=1e-10).fit(model_of(2, x, q=1), Rows.of(x), rng=0)
    plain = MixtureModel(Poisson(2), 2, lambda s, r: guesses(s, 2, "kmeans", r))
    expected = EM(tol=1e-10).fit(plain, Rows.of(x[:, 1:]), rng=0)
    assert fit.loglik == pytest.approx(expected.loglik, abs=1e-8)
    shares = np.exp(Concomitant(2, 1).log_weights(fit.params.weights, x[:1, :1]))[0]
    np.testing.assert_allclose(np.sort(shares), np.sort(expected.params.weights), atol=1e-6)


def test_units_of_the_covariates_do_not_matter():
    x = rows_of()
    other = x.copy()
    other[:, 1] = 1e4 * x[:, 1] + 3e7
    one, two = (EM(tol=1e-9).fit(model_of(2, each), Rows.of(each), rng=0) for each in (x, other))
    assert two.loglik == pytest.approx(one.loglik, abs=1e-6)
    assert two.certificate.n_steps <= one.certificate.n_steps + 3
    slopes = [fit.params.weights.coefficients[1, 1] for fit in (one, two)]
    assert slopes[1] * 1e4 == pytest.approx(slopes[0], rel=1e-4)


def test_components_renumbered_are_taken_against_the_new_first_one():
    x = rows_of(k=3)
    model = model_of(3, x)
    params = model.start(Rows.of(x), np.random.default_rng(0))
    turned = permute(model.space, params, np.array([2, 0, 1]))
    assert not turned.weights.coefficients[0].any()
    before, after = (model.e_step(each, Rows.of(x)).loglik for each in (params, turned))
    assert after == pytest.approx(before, rel=1e-12)
    assert distance(model.space, turned, params) < 1e-12


def test_standard_errors_do_not_depend_on_units():
    x = rows_of()
    errors = []
    for unit in (1.0, 1e-3):
        each = x * [1.0, unit, 1.0]
        model = model_of(2, each)
        fit = EM(tol=1e-10).fit(model, Rows.of(each), rng=0)
        found = observed_information(model, Rows.of(each), fit.params).standard_errors()
        errors.append(found.weights.coefficients[1] * [1.0, unit])
        assert not found.weights.coefficients[0].any()
    np.testing.assert_allclose(*errors, rtol=1e-4)
    assert (errors[0] > 0).all()


@pytest.mark.parametrize("k", [2, 3])
def test_a_covariate_that_separates_ends_in_a_named_status(k):
    """Logits grow without end there; the sum of log-weights goes to its bound, which is 0."""
    n = 60
    label = np.arange(n) * k // n
    x = np.column_stack([np.ones(n), label, [0.0, 200.0, 9000.0][k - 2 :][0] + 400.0 * label])
    fit = EM(tol=1e-6, max_iter=200).fit(model_of(k, x), Rows.of(x), rng=0)
    assert fit.status is Status.CONVERGED
    assert all(np.isfinite(leaf).all() for leaf in arrays(fit.params))
    rates = 400.0 * np.arange(k) + x[0, 2]
    assert fit.loglik == pytest.approx(poisson.logpmf(x[:, 2], rates[label]).sum(), abs=1e-4)


def test_a_component_without_rows_keeps_what_is_finite():
    z = np.column_stack([np.ones(30), norm.rvs(size=30, random_state=0)])
    weighting = Concomitant(3, 2, Basis.of(z, np.ones(30)))
    resp = np.repeat([[0.5, 0.0, 0.5]], 30, axis=0)
    params = weighting.start(z, resp)
    for _ in range(50):
        params = weighting.m_step(weighting.stats(params, z, resp), params)
    logs = weighting.log_weights(params, z)
    assert np.isfinite(params.coefficients).all()
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(np.exp(logs[:, 0]), 0.5, atol=1e-6)


def test_log_weights_never_overflow():
    params = ConcomitantParams(np.array([[0.0], [1e6], [-1e6]]))
    logs = Concomitant(3, 1).log_weights(params, np.array([[1.0], [-1.0]]))
    np.testing.assert_array_equal(logs, [[-1e6, 0.0, -2e6], [-1e6, -2e6, 0.0]])


def test_constant_weights_are_shares_of_rows():
    resp = np.random.default_rng(0).dirichlet([1.0, 2.0], size=20)
    weighting, z = Constant(2), np.empty((20, 0))
    params = weighting.start(z, resp)
    np.testing.assert_allclose(params, resp.mean(axis=0))
    stats = weighting.stats(params, z, resp)
    assert weighting.q(params, stats) == pytest.approx(float((resp @ np.log(params)).sum()))


def test_simulated_labels_follow_the_weights():
    x = rows_of(2000)
    model = model_of(2, x)
    params = model.start(Rows.of(x), np.random.default_rng(0))
    made = model.simulate(params, Rows.of(x), np.random.default_rng(1))
    np.testing.assert_array_equal(made.x[:, :2], x[:, :2])
    logs = model.weighting.log_weights(params.weights, x[:, :2])
    expected = np.exp(logs) @ params.components.rates[:, 0]
    spread = made.x[:, 2].std() / np.sqrt(len(x))
    assert abs(made.x[:, 2].mean() - expected.mean()) < 5 * spread
