"""Student-t components, against SciPy, exact products, quadrature and the normal at their edge."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln
from scipy.stats import multivariate_normal, multivariate_t
from scipy.stats import t as univariate_t

from latentia import EM, check_model
from latentia.data.arrays import Frame, Rows
from latentia.engine import Status
from latentia.engine.chart import n_free
from latentia.engine.numerical import gradient_of
from latentia.families.covariance import PATTERNS, STRUCTURES
from latentia.families.factor_analyzers import FactorAnalyzers
from latentia.families.poisson import Poisson
from latentia.families.product import Product
from latentia.families.student_t import StudentT, StudentTParams, log_norm

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    every_property,
    maximum_of,
    mixture_of,
    params_near_start,
    with_holes,
)
from .patterns import DISTINCT, random_matrices

_rng = np.random.default_rng(0)
X = np.vstack([_rng.standard_t(4, size=(25, 2)), _rng.standard_t(9, size=(25, 2)) * [1, 2] + 5])
X[:, 1] += 0.5 * X[:, 0]


def family_of(kind, k=2, df="own", x=X, floor=1e-4):
    return StudentT(k, STRUCTURES[kind], Frame.of(Rows.of(x)), df, floor)


@every_property
@pytest.mark.parametrize("df", ["own", 4.0])
def test_property(holds, df):
    holds(Case(lambda k: family_of("full", k, df), X, collapses=True, regresses=True))


@pytest.mark.parametrize("kind", DISTINCT)
@pytest.mark.parametrize("df", ["own", "shared"])
def test_every_structure_keeps_the_contract_with_holes(kind, df):
    weights = np.random.default_rng(1).gamma(2.0, size=len(X))
    check_model(mixture_of(family_of(kind, 2, df)), Rows.of(with_holes(X), weights), points=1)


# -- the density --------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("df", [0.3, 1.0, 2.5, 7.0, 32.0, 34.0, 150.0])
def test_log_density_is_scipys(d, df):
    rng = np.random.default_rng(d)
    x = 3 * rng.normal(size=(60, d)) + 2
    matrices = random_matrices("VVV", 2, d, rng, 0.5)
    family = family_of("full", x=x)
    params = StudentTParams(x[:2], matrices, np.full(2, 1 / df))
    each = [multivariate_t(x[k], matrices[k], df).logpdf(x) for k in range(2)]
    assert_log_density(family, params, x, np.stack(each, axis=1))


def test_log_density_is_that_of_the_normal_at_the_edge():
    matrices = random_matrices("VVV", 2, 2, np.random.default_rng(0), 0.5)
    each = [multivariate_normal(X[k], matrices[k]).logpdf(X) for k in range(2)]
    for tiny in (0.0, 5e-324, 1e-20):
        params = StudentTParams(X[:2], matrices, np.full(2, tiny))
        assert_log_density(family_of("full"), params, X, np.stack(each, axis=1))


@pytest.mark.parametrize("p", range(8))
def test_the_norm_is_a_ratio_of_gamma_functions(p):
    df = np.array([0.1, 1.0, 3.0, 20.0, 33.0, 34.0, 60.0])
    a = df / 2
    value, slope = log_norm(1 / df, np.array([float(p)]))
    expected = gammaln(a + p / 2) - gammaln(a) - p / 2 * np.log(a)
    np.testing.assert_allclose(value[0], expected, rtol=1e-11, atol=1e-13)
    for i, eta in enumerate(1 / df):
        step = 1e-4 * eta
        ends = [log_norm(np.array([eta + s]), np.array([float(p)]))[0][0, 0] for s in (step, -step)]
        assert slope[0, i] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("kind", ["full", "tied", "EEV", "VEI"])
def test_holes_are_integrated_out(kind):
    """SciPy's density of what was seen; and of one row by quadrature over the missing cell."""
    matrices = random_matrices(kind, 2, 2, np.random.default_rng(0), 0.5)
    value = np.array(STRUCTURES[kind].of_matrices(matrices))
    params = StudentTParams(X[:2], value, np.array([0.3, 0.05]))
    holes = with_holes(X)
    got = family_of(kind).log_density(params, holes)
    for k, df in enumerate(1 / params.inverse_df):
        for i, row in enumerate(holes):
            seen = ~np.isnan(row)
            if seen.any():
                block = matrices[k][np.ix_(seen, seen)]
                direct = multivariate_t(X[k][seen], block, df).logpdf(row[seen])
                assert got[i, k] == pytest.approx(direct, rel=1e-10, abs=1e-12)
        law = multivariate_t(X[k], matrices[k], df)
        area, _ = quad(lambda y, law=law: law.pdf([1.5, y]), -np.inf, np.inf, epsabs=1e-12)
        one = family_of(kind).log_density(params, np.array([[1.5, np.nan]]))[0, k]
        assert one == pytest.approx(np.log(area), abs=1e-7)


def test_distribution_function_is_scipys():
    x = np.linspace(-9, 9, 31)[:, None]
    family = StudentT(2, STRUCTURES["full"], Frame.of(Rows.of(x)))
    params = StudentTParams(np.array([[1.0], [0.0]]), np.array([[[4.0]], [[1.0]]]), np.zeros(2))
    params = params._replace(inverse_df=np.array([1 / 3, 0.0]))
    expected = np.hstack([univariate_t(3, 1, 2).cdf(x), univariate_t(np.inf).cdf(x)])
    np.testing.assert_allclose(family.cdf(params, x), expected, rtol=1e-12, atol=1e-15)


def test_draws_have_the_variance_of_t():
    params = StudentTParams(X[:2], random_matrices("VVV", 2, 2, _rng, 0.3), np.array([0.1, 0.0]))
    variances = np.einsum("kii->ki", params.scales) * np.array([[10 / 8], [1.0]])
    assert_draws_have(family_of("full"), params, params.locations, variances)


def test_drawn_cells_are_those_of_t_given_the_others():
    """Given a far cell the other varies by (ν + δ) / (ν + 1) as much, with ν + 1 degrees."""
    family, n, df = family_of("full"), 40_000, 7.0
    matrices = np.array([[[1.0, 0.6], [0.6, 2.0]]] * 2)
    params = StudentTParams(np.zeros((2, 2)), matrices, np.full(2, 1 / df))
    x = np.tile([[3.0, np.nan]], (n, 1))
    got = family.completed(params, x, np.zeros(n, dtype=np.intp), np.random.default_rng(0))
    variance = (2 - 0.36) * (df + 9) / (df + 1) * (df + 1) / (df - 1)
    assert got[:, 1].mean() == pytest.approx(1.8, abs=5 * np.sqrt(variance / n))
    assert got[:, 1].var() == pytest.approx(variance, rel=0.06)
    np.testing.assert_allclose(family.expected(params, x)[0, 0], [3.0, 1.8])


# -- the fit ------------------------------------------------------------------------------------


def climbed(x, kind="full", df="own", k=1):
    family = family_of(kind, k, df, x)
    return EM(tol=1e-12, max_iter=3000).fit(mixture_of(family), Rows.of(x), rng=0)


def of_vector(v):
    """Location, scale matrix by its Cholesky factor, and degrees of freedom of two columns."""
    root = np.array([[np.exp(v[2]), 0.0], [v[3], np.exp(v[4])]])
    return v[:2], root @ root.T, np.exp(v[5])


def test_one_component_is_the_maximum_of_scipys_likelihood():
    x = np.random.default_rng(3).standard_t(3, size=(80, 2)) @ [[1.0, 0.5], [0.0, 2.0]]
    fit = climbed(x)
    start = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    top = maximum_of(lambda v: float(multivariate_t(*of_vector(v)).logpdf(x).sum()), start)
    location, scale, df = of_vector(top)
    got = fit.params.components
    np.testing.assert_allclose(got.locations[0], location, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(got.scales[0], scale, rtol=1e-6, atol=1e-7)
    assert got.inverse_df[0] == pytest.approx(1 / df, rel=1e-6)


@pytest.mark.parametrize("df", ["own", "shared"])
@pytest.mark.parametrize("holes", [False, True])
def test_two_components_end_where_scipys_likelihood_is_flat(df, holes):
    """The differenced gradient of the mixture's likelihood, of what was seen of each row."""
    rng = np.random.default_rng(7)
    x = np.vstack([rng.standard_t(3, size=(60, 2)), rng.standard_t(5, size=(60, 2)) + 7])
    x = with_holes(x) if holes else x
    family = family_of("full", 2, df, x, 0.0)
    model = mixture_of(family)
    start = model.made_of(Rows.of(x), np.eye(2)[np.arange(120) // 60])
    fit = EM(tol=1e-11, max_iter=3000).fit(model, Rows.of(x), start=start)
    weights, (locations, scales, eta) = fit.params
    roots = np.linalg.cholesky(scales)[:, [0, 1, 1], [0, 0, 1]]
    patterns = [
        (p, (np.isnan(x) == [not s for s in p]).all(axis=1))
        for p in [(True, True), (True, False), (False, True)]
    ]

    def loglik(v):
        share, at, root = 1 / (1 + np.exp(-v[0])), v[1:5].reshape(2, 2), v[5:11].reshape(2, 3)
        freedom = 1 / np.broadcast_to(v[11:], 2)
        total = 0.0
        for pattern, mine in patterns:
            each = []
            for k, w in enumerate((share, 1 - share)):
                lower = np.array([[root[k, 0], 0.0], root[k, 1:]])
                block = (lower @ lower.T)[np.ix_(pattern, pattern)]
                law = multivariate_t(at[k][list(pattern)], block, freedom[k])
                each.append(np.log(w) + np.atleast_1d(law.logpdf(x[mine][:, pattern])))
            total += np.logaddexp(*each).sum()
        return float(total)

    at = np.concatenate(
        [[np.log(weights[0] / weights[1])], np.ravel(locations), np.ravel(roots), np.ravel(eta)]
    )
    assert loglik(at) == pytest.approx(fit.loglik, abs=1e-8)
    assert np.abs(gradient_of(loglik, at)).max() < 1e-3


@pytest.mark.parametrize("df", ["own", "shared"])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("k", [1, 2])
def test_rows_with_no_heavy_tail_end_at_the_normal(df, d, k):
    """Uniform rows have lighter tails than the normal: 1/ν is 0 exactly, and said to be.

    The score in 1/ν there is (δ² - 2dδ + d(d - 2)) / 4 of squared distances δ: in the mean a
    quarter of Mardia's kurtosis less d(d + 2), that of the normal.
    """
    rng = np.random.default_rng(d)
    x = rng.uniform(-1, 1, size=(300 * k, d)) + 9 * np.arange(k).repeat(300)[:, None]
    family = family_of("full", k, df, x)
    model = mixture_of(family)
    start = model.made_of(Rows.of(x), np.eye(k)[np.arange(k).repeat(300)])
    fit = EM(tol=1e-8).fit(model, Rows.of(x), start=start)
    assert fit.status is Status.CONVERGED
    assert np.all(fit.params.components.inverse_df == 0)
    said = [f"components.inverse_df[{j}]" for j in range(k)]
    said = said if df == "own" else ["components.inverse_df"]
    assert set(said) <= set(fit.certificate.on_boundary)
    for j in range(k):
        part = x[300 * j : 300 * (j + 1)]
        np.testing.assert_allclose(fit.params.components.locations[j], part.mean(axis=0), rtol=1e-5)
        away = part - part.mean(axis=0)
        precision = np.linalg.inv(away.T @ away / len(away))
        distance = np.einsum("ni,ij,nj->n", away, precision, away)
        assert (distance**2).mean() < d * (d + 2)
    assert np.isinf(family.degrees_of_freedom(fit.params.components)).all()


def test_a_heavy_and_a_light_component_side_by_side():
    rng = np.random.default_rng(5)
    x = np.vstack([rng.standard_t(3, size=(400, 2)), 30 + rng.uniform(-1, 1, size=(400, 2))])
    model = mixture_of(family_of("full", 2, "own", x))
    start = model.made_of(Rows.of(x), np.eye(2)[np.arange(800) // 400])
    fit = EM(tol=1e-8).fit(model, Rows.of(x), start=start)
    heavy, light = fit.params.components.inverse_df
    assert 1 / 5 < heavy < 1 / 2
    assert light == 0


def test_rows_that_coincide_end_at_bounds_and_are_named():
    """With ever heavier tails the likelihood of coinciding rows would rise without end."""
    x = np.repeat([[0.0, 0.0, 0.0], [1.0, 1.0, 2.0]], 10, axis=0)
    fit = EM(max_iter=400).fit(mixture_of(family_of("full", 3, x=x)), Rows.of(x), rng=0)
    assert np.isfinite(fit.loglik)
    assert fit.certificate.active_floors
    assert (fit.params.components.inverse_df <= 10).all()


def test_a_part_of_a_product_keeps_the_contract():
    """t and factor analyzers beside counts, with weights and holes in all columns."""
    rng = np.random.default_rng(0)
    rest = np.column_stack([rng.normal(size=(50, 4)) + X[:, :1], rng.poisson(3.0, size=50)])
    x = with_holes(np.hstack([X, rest]))
    factors = FactorAnalyzers(2, Frame.of(Rows.of(rest[:, :4])), 1, "UCU", 0.1)
    family = Product({(0, 1): family_of("VEV"), (2, 3, 4, 5): factors, 6: Poisson(2)})
    assert (family.takes_missing, family.m_step_exact) == (True, False)
    check_model(mixture_of(family), Rows.of(x, rng.gamma(2.0, size=50)), points=2)
    params = params_near_start(family, x)
    completed = family.completed(params, x, np.zeros(50, dtype=np.intp), rng)
    np.testing.assert_array_equal(completed[~np.isnan(x)], x[~np.isnan(x)])
    assert np.isfinite(completed).all()


def test_fixed_degrees_of_freedom_stay_and_are_not_counted():
    fit = climbed(X, df=4.0)
    assert fit.params.components.inverse_df == 0.25
    assert [climbed(X, df=df).n_free - fit.n_free for df in ("own", "shared")] == [1, 1]
    normal = climbed(X, df=np.inf)
    np.testing.assert_allclose(normal.params.components.scales[0], np.cov(X.T, ddof=0), rtol=1e-6)


@pytest.mark.parametrize("kind", list(PATTERNS))
def test_free_parameters_are_those_of_the_pattern(kind):
    family = family_of(kind, 3)
    params = params_near_start(family, X)
    assert n_free(family.space, params) == 6 + PATTERNS[kind].n_free(3, 2) + 3
    shared = family_of(kind, 3, "shared")
    assert n_free(shared.space, params_near_start(shared, X)) == 6 + PATTERNS[kind].n_free(3, 2) + 1


@pytest.mark.parametrize("df", ["few", 0, -3.0, None])
def test_what_are_no_degrees_of_freedom_is_refused(df):
    with pytest.raises(ValueError, match="expected 'own', 'shared', or a positive number"):
        family_of("full", df=df)
