"""The Gaussian family: densities, moments, maxima and gradients, against SciPy and definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from latentia import check_model
from latentia.data.arrays import Frame, Rows
from latentia.engine.chart import Chart, check
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses

from .patterns import DISTINCT, random_matrices

every_kind = pytest.mark.parametrize("kind", DISTINCT)
each_of_its_own = pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
seeds = st.integers(0, 2**32 - 1)


class Case:
    """A family, its frame, rows in both units, weighted memberships, and random parameters."""

    def __init__(self, kind, seed, k=3, d=2, n=40, floor=0.0, unit=1.0, shift=0.0):
        rng = np.random.default_rng(seed)
        self.rng, self.k, self.d, self.kind = rng, k, d, kind
        self.unit = np.broadcast_to(np.asarray(unit, float), (d,))
        self.raw = shift + self.unit * rng.normal(size=(n, d))
        rows = Rows.of(self.raw, rng.gamma(2.0, size=n))
        self.frame = Frame.of(rows)
        self.resp = rng.dirichlet(np.ones(k), size=n) * rows.weights[:, None]
        self.structure = STRUCTURES[kind]
        self.family = Gaussian(k, self.structure, self.frame, floor)
        self.params = self.random()

    def random(self):
        matrices = random_matrices(self.kind, self.k, self.d, self.rng, 0.5)
        shared = float(np.prod(self.unit) ** (2 / self.d))
        value = np.array(self.structure.of_matrices(shared * matrices))
        return GaussianParams(self.raw[: self.k].copy(), value)

    def matrices(self, params):
        return self.structure.matrices(params.covariances, self.k, self.d)

    def stats(self):
        return self.family.stats(self.params, self.raw, self.resp)


@every_kind
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_log_density_is_scipys(kind, d, unit):
    case = Case(kind, seed=d, d=d, unit=unit, n=60)
    got = case.family.log_density(case.params, case.raw)
    for k, matrix in enumerate(case.matrices(case.params)):
        expected = multivariate_normal(case.params.means[k], matrix).logpdf(case.raw)
        np.testing.assert_allclose(got[:, k], expected, rtol=1e-12, atol=1e-12)


def test_log_density_with_columns_of_very_different_units():
    case = Case("full", seed=0, d=3, unit=[1.0, 100.0, 0.01])
    got = case.family.log_density(case.params, case.raw)
    for k, matrix in enumerate(case.params.covariances):
        expected = multivariate_normal(case.params.means[k], matrix).logpdf(case.raw)
        np.testing.assert_allclose(got[:, k], expected, rtol=1e-12, atol=1e-12)


@every_kind
@given(seed=seeds)
@settings(max_examples=10)
def test_q_is_the_weighted_sum_of_log_densities(kind, seed):
    case = Case(kind, seed)
    stats = case.stats()
    for params in (case.params, case.random()):
        direct = float((case.resp * case.family.log_density(params, case.raw)).sum())
        assert case.family.q(params, stats) == pytest.approx(direct, rel=1e-10, abs=1e-8)


@every_kind
@given(seed=seeds)
@settings(max_examples=10)
def test_the_score_is_the_gradient_of_q(kind, seed):
    case = Case(kind, seed, unit=[1.0, 30.0])
    stats = case.stats()
    chart = Chart(case.family.space, case.params)
    got = chart.pull(case.params, case.family.score(case.params, stats))
    for i in range(chart.size):
        step = np.zeros(chart.size)
        step[i] = 1e-4
        ahead, behind = (case.family.q(chart.unpack(s * step), stats) for s in (1, -1))
        size = np.abs(got).max()
        assert got[i] == pytest.approx((ahead - behind) / 2e-4, rel=1e-5, abs=1e-5 * size)


@each_of_its_own
@given(seed=seeds)
@settings(max_examples=10)
def test_the_m_step_is_the_closed_form(kind, seed):
    case = Case(kind, seed, unit=[1.0, 30.0], shift=5.0)
    means, covariances = case.family.m_step(case.stats(), case.params)
    count = case.resp.sum(axis=0)
    expected = case.resp.T @ case.raw / count[:, None]
    np.testing.assert_allclose(means, expected, rtol=1e-9)
    scatter = np.stack(
        [
            np.cov(case.raw.T, aweights=r, ddof=0) * r.sum()  # about the weighted mean
            for r in case.resp.T
        ]
    )
    each = scatter / count[:, None, None]
    pooled = {
        "full": each,
        "tied": scatter.sum(axis=0) / count.sum(),
        "diag": np.diagonal(each, axis1=1, axis2=2),
        "spherical": np.trace(each, axis1=1, axis2=2) / 2,
    }[kind]
    np.testing.assert_allclose(covariances, pooled, rtol=1e-8, atol=1e-8)


@every_kind
@given(seed=seeds, share=st.floats(0.2, 5.0))
@settings(max_examples=20)
def test_the_m_step_under_a_floor_is_the_best_allowed(kind, seed, share):
    floor = share * 0.5
    case = Case(kind, seed, d=3, floor=floor)
    stats = case.stats()
    top = case.family.m_step(stats, case.params)
    check(case.family.space, top, top)
    assert np.linalg.eigvalsh(case.matrices(top)).min() >= floor * (1 - 1e-9)
    height = case.family.q(top, stats)
    constraint = case.family.space.covariances
    chart = constraint.chart(top.covariances)
    for _ in range(5):  # no other allowed covariance near or far is better
        for width in (0.01, 1.0):
            x = width * case.rng.normal(size=chart.size)
            moved = constraint.project(chart.unpack(x))
            assert case.family.q(top._replace(covariances=moved), stats) <= height + 1e-8


@every_kind
def test_moments_do_not_depend_on_the_frame(kind):
    case = Case(kind, seed=1)
    other = Frame(case.frame.origin + 0.5, 3.0 * case.frame.scale, case.frame.spread)
    moved = Gaussian(case.k, case.structure, other)
    stats, there = case.stats(), moved.stats(case.params, case.raw, case.resp)
    assert moved.q(case.params, there) == pytest.approx(case.family.q(case.params, stats))
    for a, b in zip(
        moved.m_step(there, case.params), case.family.m_step(stats, case.params), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@each_of_its_own
def test_a_component_without_rows_stays_as_it_was(kind):
    case = Case(kind, seed=2)
    resp = case.resp.copy()
    resp[:, 1] = 0
    means, covariances = case.family.m_step(
        case.family.stats(case.params, case.raw, resp), case.params
    )
    np.testing.assert_allclose(means[1], case.params.means[1], rtol=1e-12)
    if kind != "tied":
        np.testing.assert_allclose(covariances[1], case.params.covariances[1], rtol=1e-12)
    assert np.isfinite(means).all()
    assert np.isfinite(covariances).all()


@every_kind
def test_a_start_from_few_rows_is_not_singular(kind):
    case = Case(kind, seed=3, k=4, d=3, n=9)
    resp = np.eye(4)[np.array([0] * 6 + [1, 1, 2])]  # six rows, two, one, none
    params = case.family.start(case.raw, resp)
    assert (np.linalg.eigvalsh(case.matrices(params)) > 1e-6).all()
    check(case.family.space, params, params)
    np.testing.assert_allclose(params.means[2], case.raw[8])


@every_kind
def test_precisions_invert_covariances(kind):
    case = Case(kind, seed=4, d=3)
    factor = case.structure.precision(case.params.covariances)
    inverse = case.structure.inverse(factor)
    shape = case.structure.shape(3, 3)
    assert factor.shape == inverse.shape == case.params.covariances.shape == shape
    written = case.structure.matrices(inverse, 3, 3)
    np.testing.assert_allclose(written @ case.matrices(case.params), [np.eye(3)] * 3, atol=1e-9)
    _, log_det = np.linalg.slogdet(case.matrices(case.params))
    np.testing.assert_allclose(case.structure.log_det_precision(factor, 3, 3), -log_det)


@each_of_its_own
def test_free_parameters_are_counted(kind):
    case = Case(kind, seed=0, k=3, d=4)
    # Fraley & Raftery (2002), table 1, for VVV, EEE, VVI, VII
    expected = {"full": 3 * 10, "tied": 10, "diag": 12, "spherical": 3}[kind]
    assert case.family.space.covariances.n_free(case.params.covariances.shape) == expected


@every_kind
@pytest.mark.parametrize("seed", range(3))
def test_the_mixture_of_it_keeps_the_contract(kind, seed):
    rows = Rows.of(np.random.default_rng(seed).normal(size=(60, 3)) * [1, 10, 0.1])
    frame = Frame.of(rows)
    model = MixtureModel(
        Gaussian(3, STRUCTURES[kind], frame),
        3,
        lambda rows, rng: guesses(rows, 3, "random", rng),
    )
    check_model(model, rows, seed)


@every_kind
def test_the_mixture_of_it_keeps_the_contract_under_a_floor(kind):
    rows = Rows.of(np.random.default_rng(0).normal(size=(60, 2)))
    frame = Frame.of(rows)
    model = MixtureModel(
        Gaussian(2, STRUCTURES[kind], frame, floor=0.9),
        2,
        lambda rows, rng: guesses(rows, 2, "random", rng),
    )
    check_model(model, rows)


@every_kind
def test_a_start_that_does_not_lend_is_an_m_step(kind):
    case = Case(kind, seed=5, k=3, d=3, n=60)
    resp = np.eye(3)[np.arange(60) % 3]
    lean = Gaussian(3, case.structure, case.frame, 0.0, lends=False)
    made = lean.start(case.raw, resp)
    expected = lean.m_step(lean.stats(case.params, case.raw, resp), made)
    np.testing.assert_allclose(made.covariances, expected.covariances, rtol=1e-5)
    few = np.eye(3)[np.array([0] * 30 + [1] * 28 + [2, 2])]  # what would be thin is lent rows
    thin = lean.start(case.raw, few)
    assert np.linalg.eigvalsh(case.matrices(thin)).min() > 1e-3
