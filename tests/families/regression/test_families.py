"""What every regression keeps as a family, and its maximum for one component by other means."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.stats import binom, gamma, norm, poisson

from latentia import EM, check_model
from latentia.data.arrays import Rows
from latentia.engine import Status
from latentia.engine.chart import arrays
from latentia.engine.relabel import permute
from latentia.engine.space import DegenerateError
from latentia.families.predictor import Basis
from latentia.families.regression import (
    BinomialRegression,
    GammaRegression,
    GaussianRegression,
    PoissonRegression,
)
from latentia.families.regression.gaussian import LinearFrame

from ..checks import (
    Case,
    components_may_be_renumbered,
    empty_components_stay,
    fit_one,
    keeps_the_contract,
    maximum_of,
    mixture_of,
    params_near_start,
    q_sums_log_densities,
    single_floats_are_rows,
    starts_count_weights,
    starts_from_anything,
    two_components_climb,
)

N = 60
RNG = np.random.default_rng(0)
Z = RNG.uniform(2000, 2020, N)
DESIGN = np.column_stack([np.ones(N), Z, RNG.normal(size=N)])
OFFSET = RNG.uniform(0, 1, N)
TRIALS = RNG.integers(1, 12, N).astype(float)
UP = (RNG.uniform(size=N) < 0.5) * 1.0
ETA = OFFSET + 0.1 * (Z - 2010) * (1 - 2 * UP) + 0.3 * DESIGN[:, 2] + UP
ONES, Q = np.ones(N), 3


class Kind(NamedTuple):
    """A regression: how it is built, its rows, and SciPy's log-density of (mean, dispersion)."""

    build: Callable[[int], Any]
    x: Any
    scipys: Callable[..., Any]
    free: int  # parameters beside the coefficients


def rows_of(*columns):
    return np.column_stack([DESIGN, OFFSET, *columns])


def framed(x):
    return LinearFrame.of(x, ONES, Q)


NORMAL = rows_of(50 * ETA + RNG.normal(0, 20, N))


def gaussian(shared=False):
    return Kind(
        lambda k: GaussianRegression(k, Q, shared=shared, frame=framed(NORMAL)),
        NORMAL,
        lambda x, eta, v: norm.logpdf(x[:, -1, None], eta, np.sqrt(v)),
        1,
    )


def gamma_kind(shared=False):
    return Kind(
        lambda k: GammaRegression(k, Q, shared=shared, basis=Basis.of(DESIGN, ONES)),
        rows_of(RNG.gamma(4.0, np.exp(ETA) / 4)),
        lambda x, eta, a: gamma.logpdf(x[:, -1, None], a, scale=np.exp(eta) / a),
        1,
    )


KINDS = {
    "gaussian": gaussian(),
    "gaussian, one variance": gaussian(shared=True),
    "poisson": Kind(
        lambda k: PoissonRegression(k, Q, basis=Basis.of(DESIGN, ONES)),
        rows_of(RNG.poisson(np.exp(ETA)).astype(float)),
        lambda x, eta: poisson.logpmf(x[:, -1, None], np.exp(eta)),
        0,
    ),
    "binomial": Kind(
        lambda k: BinomialRegression(k, Q, basis=Basis.of(DESIGN, ONES)),
        rows_of(TRIALS, RNG.binomial(TRIALS.astype(int), 1 / (1 + np.exp(-ETA))).astype(float)),
        lambda x, eta: binom.logpmf(x[:, -1, None], x[:, -2, None], 1 / (1 + np.exp(-eta))),
        0,
    ),
    "gamma": gamma_kind(),
    "gamma, one shape": gamma_kind(shared=True),
}
GAUSSIAN = KINDS["gaussian"]
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

PROPERTIES = (
    keeps_the_contract,
    q_sums_log_densities,
    empty_components_stay,
    starts_from_anything,
    starts_count_weights,
    components_may_be_renumbered,
    single_floats_are_rows,
    two_components_climb,
)


@every_kind
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda each: each.__name__)
def test_property(kind, holds):
    holds(Case(kind.build, kind.x, collapses=kind.free > 0))


@every_kind
def test_log_density_is_scipys(kind):
    family = kind.build(3)
    params = params_near_start(family, kind.x)
    eta = DESIGN @ params.coefficients.T + OFFSET[:, None]
    expected = kind.scipys(kind.x, eta, *params[1:])
    off = np.abs(family.log_density(params, kind.x) - expected)
    assert (off / np.maximum(1.0, np.abs(expected))).max() < 2e-12


@pytest.mark.parametrize("kind", [k for k in KINDS.values() if k.x is not GAUSSIAN.x])
def test_one_component_is_the_maximum_likelihood_fit(kind):
    """SciPy's maximum of its own densities, with the years counted from 2010."""
    found = fit_one(kind.build(1), kind.x)
    centred = DESIGN - [0.0, 2010.0, 0.0]

    def loglik(t):
        eta = (centred @ t[:Q] + OFFSET)[:, None]
        return kind.scipys(kind.x, eta, *np.exp(t[Q:])).sum()

    top = maximum_of(loglik, np.zeros(Q + kind.free))
    beta = found.coefficients[0] + [2010 * found.coefficients[0, 1], 0.0, 0.0]
    np.testing.assert_allclose(beta, top[:Q], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.concatenate([*found[1:], []]), np.exp(top[Q:]), rtol=1e-6)


def test_one_normal_component_is_least_squares():
    x, target = GAUSSIAN.x, GAUSSIAN.x[:, -1] - OFFSET
    for shared in (False, True):
        found = fit_one(GaussianRegression(1, Q, shared=shared, frame=framed(x)), x)
        beta = np.linalg.lstsq(DESIGN, target, rcond=None)[0]
        np.testing.assert_allclose(found.coefficients[0], beta, rtol=1e-7)
        expected = np.mean((target - DESIGN @ beta) ** 2)
        np.testing.assert_allclose(found.variances, expected, rtol=1e-7)


@pytest.mark.parametrize("size", [3, 150])
def test_counts_of_any_size_have_scipys_log_density(size):
    """Up to a hundred by the plain formula, beyond by deviances."""
    y = np.arange(size)[:, None] * 1.0
    eta = np.linspace(-60, 9, 5)
    rows = np.column_stack([np.ones(size), np.zeros(size), y])
    params = PoissonRegression(5, 1).start(rows, np.full((size, 5), 0.2))
    params = params._replace(coefficients=eta[:, None])
    got = PoissonRegression(5, 1).log_density(params, rows)
    np.testing.assert_allclose(got, poisson.logpmf(y, np.exp(eta)), rtol=1e-12, atol=1e-12)
    rows = np.column_stack([np.ones(size), np.zeros(size), np.full(size, size - 1), y])
    got = BinomialRegression(5, 1).log_density(params, rows)
    expected = binom.logpmf(y, size - 1, 1 / (1 + np.exp(-eta)))
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@every_kind
def test_means_and_draws(kind):
    """Drawn responses average to the mean, to five standard errors, and none is a fault."""
    family = kind.build(2)
    params = params_near_start(family, kind.x)
    x = np.repeat(kind.x[:4], 5000, axis=0)
    for k in range(2):
        made = family.redraw(params, x, np.full(len(x), k), np.random.default_rng(k))
        np.testing.assert_array_equal(made[:, :-1], x[:, :-1])
        assert family.fault(made) is None
        for i, draws in enumerate(made[:, -1].reshape(4, -1)):
            mean = family.mean(params, kind.x[:4, :-1])[i, k]
            assert abs(draws.mean() - mean) < 5 * draws.std() / np.sqrt(5000) + 1e-9
    np.testing.assert_allclose(
        family.mean(params, kind.x), family.mean(params, kind.x[:, :-1]), rtol=1e-15
    )


@pytest.mark.parametrize("build", [GammaRegression, PoissonRegression, BinomialRegression])
def test_units_of_the_design_do_not_matter(build):
    """Ten thousand times a column far from zero, and its coefficient is a ten-thousandth."""
    kind = KINDS[build.__name__.removesuffix("Regression").lower()]
    other = kind.x * np.r_[1.0, 1e4, np.ones(kind.x.shape[1] - 2)]
    other[:, 1] += 1e6
    one = fit_one(kind.build(1), kind.x)
    two = fit_one(build(1, Q, basis=Basis.of(other[:, :Q], ONES)), other)
    assert two.coefficients[0, 1] * 1e4 == pytest.approx(one.coefficients[0, 1], rel=1e-6)


def test_cross_products_are_weighted_least_squares():
    x, resp = GAUSSIAN.x, RNG.dirichlet(np.ones(2), size=N)
    family = GaussianRegression(2, Q, frame=framed(x))
    params = params_near_start(family, x)
    made = family.m_step(family.stats(params, x, resp), params)
    for k, root in enumerate(np.sqrt(resp.T)):
        target = root * (x[:, -1] - OFFSET)
        beta = np.linalg.lstsq(root[:, None] * DESIGN, target, rcond=None)[0]
        np.testing.assert_allclose(made.coefficients[k], beta, rtol=1e-7)
        left = target - root * (DESIGN @ beta)
        assert made.variances[k] == pytest.approx(left @ left / resp[:, k].sum(), rel=1e-9)


def test_a_line_through_all_its_rows_has_no_maximum():
    x = np.column_stack([np.ones(5), np.arange(5.0), np.zeros(5), 2 + 3 * np.arange(5.0)])
    x[3:, -1] += [1.0, -2.0]
    family, resp = GaussianRegression(2, 2), np.repeat(np.eye(2), [3, 2], axis=0)
    params = family.start(x, resp)
    with pytest.raises(DegenerateError, match="residuals of component 0 vanish"):
        family.m_step(family.stats(params, x, resp), params)


@pytest.mark.parametrize(
    ("build", "response"),
    [(PoissonRegression, np.zeros(12)), (BinomialRegression, np.repeat([0.0, 1.0], 6))],
)
def test_responses_that_can_be_predicted_without_error(build, response):
    """All zeros, or a covariate that separates: the supremum of the log-likelihood is 0."""
    x = np.column_stack([np.ones(12), np.arange(12.0), np.zeros(12), np.ones(12), response])
    if build is PoissonRegression:
        x = np.delete(x, 3, axis=1)
    fit = EM(tol=1e-9).fit(mixture_of(build(1, 2)), Rows.of(x), rng=0)
    assert fit.status is Status.CONVERGED
    assert np.isfinite(fit.params.components.coefficients).all()
    assert -1e-8 < fit.loglik <= 0


@every_kind
def test_a_row_far_off_every_line_has_no_weight_and_no_nan(kind):
    family = kind.build(2)
    params = params_near_start(family, kind.x)
    far = params._replace(coefficients=1e3 * params.coefficients)
    resp = np.full((N, 2), 0.5)
    assert not np.isnan(family.log_density(far, kind.x)).any()
    for leaf in arrays(family.stats(far, kind.x, resp * 0)):
        assert not np.isnan(leaf).any()


def test_faults_name_the_response():
    assert PoissonRegression(1, 1).fault(np.array([[1.0, 0.0, 1.5]])) == (
        0,
        2,
        "expected a whole number of at least 0",
    )
    assert GaussianRegression(1, 1).fault(np.array([[1.0, 0.0, np.inf]]))[1] == 2
    told = GammaRegression(1, 1).fault(np.array([[1.0, 0.0, -1.0]]))
    assert told == (0, 2, "expected a positive number")


def test_renumbered_components_are_the_same_mixture():
    kind = KINDS["gamma, one shape"]
    model = mixture_of(kind.build(3))
    params = model.start(Rows.of(kind.x), np.random.default_rng(0))
    turned = permute(model.space, params, np.array([2, 0, 1]))
    before, after = (model.e_step(p, Rows.of(kind.x)).loglik for p in (params, turned))
    assert after == pytest.approx(before, rel=1e-12)
    check_model(model, Rows.of(kind.x), params=turned, points=1)
