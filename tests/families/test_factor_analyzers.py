"""Factor analyzers, against SciPy's normal, R's factanal and principal components."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from latentia import EM, check_model
from latentia.data.arrays import Frame, Rows
from latentia.engine.backend import Threads
from latentia.engine.chart import n_free
from latentia.engine.inference import observed_information
from latentia.engine.numerical import gradient_of
from latentia.families import factors
from latentia.families.factor_analyzers import MODELS, FactorAnalyzers, most_factors

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    every_property,
    fit_one,
    mixture_of,
    params_near_start,
    with_holes,
)

_rng = np.random.default_rng(0)


def simulated(n, loadings, rng):
    """Rows of factors times loadings (d, q) and noise of unequal variances."""
    d, q = loadings.shape
    noise = rng.normal(size=(n, d)) * np.linspace(0.6, 1.2, d)
    return rng.normal(size=(n, q)) @ loadings.T + noise


X = np.vstack(
    [
        simulated(40, _rng.normal(size=(5, 2)), _rng),
        simulated(40, _rng.normal(size=(5, 2)), _rng) + 4,
    ]
)


def family_of(model="UUU", k=2, q=1, x=X, floor=0.05):
    return FactorAnalyzers(k, Frame.of(Rows.of(x)), q, model, floor)


@every_property
@pytest.mark.parametrize("model", ["UUU", "UUC"])
def test_property(holds, model):
    holds(Case(lambda k: family_of(model, k), X, regresses=True))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("q", [1, 2])
def test_every_model_keeps_the_contract_with_holes(model, q):
    weights = np.random.default_rng(1).gamma(2.0, size=len(X))
    check_model(mixture_of(family_of(model, q=q)), Rows.of(with_holes(X), weights), points=1)


def test_log_density_is_that_of_the_normal():
    family = family_of(q=2)
    params = params_near_start(family, X)
    each = []
    for mean, loadings, noise in zip(*params, strict=True):
        covariance = loadings @ loadings.T + np.diag(noise)
        each.append(multivariate_normal(mean, covariance).logpdf(X))
    assert_log_density(family, params, X, np.stack(each, axis=1))


@pytest.mark.parametrize("model", MODELS)
def test_covariances_are_written_out(model):
    """From the definition, whatever is shared."""
    family = family_of(model, 3, 2)
    params = params_near_start(family, X)
    for k, matrix in enumerate(family.covariances(params)):
        loadings = params.loadings if model[0] == "C" else params.loadings[k]
        noise = params.uniquenesses if model[1] == "C" else params.uniquenesses[k]
        assert np.shape(noise) == (() if model[2] == "C" else (5,))
        np.testing.assert_allclose(matrix, loadings @ loadings.T + noise * np.eye(5), rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("q", [1, 2])
def test_free_parameters_are_those_of_the_paper(model, q):
    """McNicholas & Murphy (2008, table 1), with means and weights."""
    k, d = 3, 5
    each = d * q - q * (q - 1) // 2
    loadings = each * (1 if model[0] == "C" else k)
    noise = (1 if model[1] == "C" else k) * (1 if model[2] == "C" else d)
    built = mixture_of(family_of(model, k, q))
    free = n_free(built.space, built.start(Rows.of(X), np.random.default_rng(0)))
    assert free - built.n_gauge == loadings + noise + k * d + k - 1


def test_draws_have_the_covariance():
    family = family_of(q=2)
    params = params_near_start(family, X)
    variances = np.einsum("kii->ki", family.covariances(params))
    assert_draws_have(family, params, params.means, variances)


# -- one component ------------------------------------------------------------------------------

ABILITY = np.array([
    [24.641, 5.991, 33.520, 6.023, 20.755, 29.701],
    [5.991, 6.700, 18.137, 1.782, 4.936, 7.204],
    [33.520, 18.137, 149.831, 19.424, 31.430, 50.753],
    [6.023, 1.782, 19.424, 12.711, 4.757, 9.075],
    [20.755, 4.936, 31.430, 4.757, 52.604, 66.762],
    [29.701, 7.204, 50.753, 9.075, 66.762, 135.292],
])  # fmt: skip
"""Covariances of six tests of 112 people (Smith & Stanley 1983; `ability.cov` in R)."""

FACTANAL = {
    1: (
        0.699345035354,
        [0.534598919974, 0.852578997909, 0.748185646828, 0.910127807655, 0.231716109717,
         0.279741115617],
    ),
    2: (
        0.057160216837,
        [0.4552241719180, 0.5893321658412, 0.2181795611433, 0.7694214473188, 0.0524517576748,
         0.3335883330698],
    ),
}  # fmt: skip
"""Objective and uniquenesses of R 4.2.2's factanal(factors=q, covmat=ability.cov, control=list(
opt=list(factr=1e-2, pgtol=1e-12, maxit=10000)))."""


def rows_with(covariance, n=112):
    """Rows whose covariance (with n, not n - 1) is this to rounding."""
    z = np.random.default_rng(0).normal(size=(n, len(covariance)))
    z -= z.mean(axis=0)
    white = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / n)).T
    return white @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("model", ["UUU", "CCU", "UCU", "CUU"])
def test_one_component_is_factanals_maximum(q, model):
    """Where components share only the loadings the M-step is another; the maximum is the same."""
    x = rows_with(ABILITY)
    family = family_of(model, 1, q, x, 1e-3)
    fit = EM(tol=1e-10, max_iter=5000).fit(mixture_of(family), Rows.of(x), rng=0)
    objective, uniquenesses = FACTANAL[q]
    _, log_det = np.linalg.slogdet(ABILITY)
    height = 6 * np.log(2 * np.pi) + log_det + 6 + objective
    assert fit.loglik == pytest.approx(-112 / 2 * height, abs=1e-6)
    found = np.reshape(fit.params.components.uniquenesses, 6) / np.diag(ABILITY)
    np.testing.assert_allclose(found, uniquenesses, rtol=1e-7)


@pytest.mark.parametrize("q", [1, 2, 4])
@pytest.mark.parametrize("model", ["UUC", "CCC", "UCC", "CUC"])
def test_one_isotropic_component_is_principal_components(q, model):
    """Tipping & Bishop (1999, eqs. 7 and 8)."""
    x = rows_with(ABILITY)
    params = fit_one(family_of(model, 1, q, x, 1e-3), x)
    values, vectors = np.linalg.eigh(ABILITY)
    noise = values[: 6 - q].mean()
    common = (vectors[:, 6 - q :] * (values[6 - q :] - noise)) @ vectors[:, 6 - q :].T
    loadings = params.loadings.reshape(6, q)
    assert np.ravel(params.uniquenesses)[0] == pytest.approx(noise, rel=1e-6)
    np.testing.assert_allclose(loadings @ loadings.T, common, rtol=1e-6, atol=1e-5)


# -- several ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_two_components_end_where_scipys_likelihood_is_flat(model):
    """The differenced gradient of the mixture's likelihood, in what the model leaves free."""
    rows, family = Rows.of(X), family_of(model, floor=1e-3)
    model_of = mixture_of(family)
    start = model_of.made_of(rows, np.eye(2)[np.arange(80) // 40])
    fit = EM(tol=1e-11, max_iter=5000).fit(model_of, rows, start=start)
    weights, (means, loadings, noise) = fit.params
    shapes = [np.shape(part) for part in (means, loadings, noise)]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def loglik(v):
        parts = np.split(v[1:], ends[:-1])
        m, load, psi = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
        psi = np.exp(psi)
        share = 1 / (1 + np.exp(-v[0]))
        each = []
        for k, w in enumerate((share, 1 - share)):
            own = load if model[0] == "C" else load[k]
            left = psi if model[1] == "C" else psi[k]
            law = multivariate_normal(m[k], own @ own.T + left * np.eye(5))
            each.append(np.log(w) + law.logpdf(X))
        return float(np.logaddexp(*each).sum())

    at = np.concatenate(
        [
            [np.log(weights[0] / weights[1])],
            np.ravel(means),
            np.ravel(loadings),
            np.log(np.ravel(noise)),
        ]
    )
    assert loglik(at) == pytest.approx(fit.loglik, abs=1e-8)
    free = np.ones(len(at), dtype=bool)
    free[-np.size(noise) :] = np.ravel(noise) > 1.001e-3
    assert np.abs(gradient_of(loglik, at)[free]).max() < 2e-3


def test_two_clusters_of_factors_are_found():
    rng = np.random.default_rng(2)
    loadings = [np.array([[2.0, 0], [1, 1], [0, 2], [1, -1], [0.5, 0], [0, 0.5]]),
                np.array([[0.0, 1], [0, -1], [1, 0], [2, 0], [-1, 1], [0, 2]])]  # fmt: skip
    x = np.vstack([simulated(1500, loadings[0], rng), simulated(1500, loadings[1], rng) + 1.5])
    family = family_of("UUU", 2, 2, x)
    model = mixture_of(family)
    start = model.made_of(Rows.of(x), np.eye(2)[np.arange(3000) // 1500] * 0.8 + 0.1)
    fit = EM(tol=1e-5).fit(model, Rows.of(x), start=start)
    for k, true in enumerate(loadings):
        expected = true @ true.T + np.diag(np.linspace(0.6, 1.2, 6) ** 2)
        got = family.covariances(fit.params.components)[k]
        assert np.abs(got - expected).max() < 6 * 5.0 / np.sqrt(1500)


# -- the M-step's parts ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_best_uniquenesses_stand_still_or_at_their_bound(seed):
    rng = np.random.default_rng(seed)
    d, q = int(rng.integers(3, 9)), 1 + seed % 3
    q = min(q, most_factors(d))
    root = rng.normal(size=(d, int(rng.integers(2, 2 * d))))
    scatter = root @ root.T / root.shape[1] + 1e-3 * np.eye(d)
    floor = 10.0 ** rng.uniform(-5, -0.5)
    first = np.maximum(np.diag(scatter) * rng.uniform(0.1, 1, d), floor)
    psi = factors.best_uniquenesses(first, np.ones(1), scatter[None], q, False, floor)
    loadings = factors.best_loadings(np.log(psi), scatter, q)

    def height(log_psi):
        matrix = loadings @ loadings.T + np.diag(np.exp(log_psi))
        return float(np.linalg.slogdet(matrix)[1] + np.trace(np.linalg.solve(matrix, scatter)))

    slope = gradient_of(height, np.log(psi))
    held = psi <= floor * (1 + 1e-9)
    assert (psi >= floor * (1 - 1e-9)).all()
    assert np.abs(slope[~held]).max(initial=0.0) < 1e-5
    assert (slope[held] > -1e-5).all()


def test_the_hessian_is_that_of_the_slope():
    scatter = np.cov(X.T)
    x = np.log(np.diag(scatter) / 2)
    here = factors.level(x, scatter, 2)
    slope = gradient_of(lambda u: factors.level(u, scatter, 2).value, x)
    np.testing.assert_allclose(here.slope, slope, rtol=1e-7, atol=1e-8)
    for j in range(5):
        row = gradient_of(lambda u, j=j: float(factors.level(u, scatter, 2).slope[j]), x)
        np.testing.assert_allclose(here.curvature[j], row, rtol=1e-6, atol=1e-7)


def test_rotations_are_undone():
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(2, 6, 3))
    turn = np.linalg.qr(rng.normal(size=(2, 3, 3)))[0]
    np.testing.assert_allclose(factors.turned_to(loadings @ turn, loadings), loadings, atol=1e-12)


def test_standard_errors_of_means_are_the_known_ones():
    """Rotations are no obstacle; means are estimated as without factors, sqrt(variance / n)."""
    x = rows_with(ABILITY)
    family = family_of("UUU", 1, 2, x, 1e-3)
    fit = EM(tol=1e-10).fit(mixture_of(family), Rows.of(x), rng=0)
    assert fit.n_free == 6 + 6 * 2 - 1 + 6
    information = observed_information(mixture_of(family), Rows.of(x), fit.params, Threads())
    errors = information.standard_errors().components
    expected = np.sqrt(np.diag(ABILITY) / 112)
    np.testing.assert_allclose(errors.means[0], expected, rtol=1e-5)
    assert (errors.uniquenesses > 0).all()


@pytest.mark.parametrize(
    ("model", "q", "told"),
    [
        ("UUX", 1, "got model='UUX', expected one of CCC"),
        ("UUU", 3, "got n_factors=3 for 5 columns, expected a number from 1 to 2; UUU cannot"),
        ("UUC", 5, "expected a number from 1 to 4"),
        ("UUU", 0, "got n_factors=0"),
    ],
)
def test_what_cannot_be_is_refused(model, q, told):
    with pytest.raises(ValueError, match=told):
        family_of(model, q=q)
    with pytest.raises(ValueError, match="for 2 columns, expected more columns"):
        family_of(x=X[:, :2])
