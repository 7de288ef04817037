"""GaussianMixture: recorded maxima, equivalences, evidence, sampling, warm starts."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from latentia import EM, GaussianMixture, datasets
from latentia.data.arrays import Rows, RowSource
from latentia.engine import NotConvergedWarning, Status
from latentia.engine.backend import Threads
from latentia.engine.chart import Chart
from latentia.engine.climb import Evaluator
from latentia.engine.numerical import chart_score

FAITHFUL = datasets.load("faithful").values
IRIS = datasets.load("iris").values
KINDS = ["full", "tied", "diag", "spherical"]
every_kind = pytest.mark.parametrize("kind", KINDS)
seeds = st.integers(0, 2**32 - 1)


def _overlapping(seed, n=400, k=3, d=2, sep=1.5):
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(k, d)) * sep
    return means[rng.integers(k, size=n)] + rng.normal(size=(n, d))


# -- one component -----------------------------------------------------------------------------


@every_kind
@given(seed=seeds, d=st.integers(1, 4))
@settings(max_examples=10)
def test_one_component_is_the_maximum_likelihood_normal(kind, seed, d):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(30, d)) @ rng.normal(size=(d, d)), rng.integers(1, 4, size=30)
    gm = GaussianMixture(1, covariance_type=kind, reg_covar=0).fit(x, sample_weight=w)
    mean = np.average(x, axis=0, weights=w)
    covariance = np.atleast_2d(np.cov(x.T, fweights=w, ddof=0))
    variances = np.diagonal(covariance)
    expected = {
        "full": covariance[None],
        "tied": covariance,
        "diag": variances[None],
        "spherical": variances.mean(keepdims=True),
    }[kind]
    np.testing.assert_allclose(gm.weights_, [1.0])
    np.testing.assert_allclose(gm.means_, mean[None], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gm.covariances_, expected, rtol=1e-9, atol=1e-12)
    written = gm.covariance_matrices()[0]
    loglik = w @ np.atleast_1d(multivariate_normal(mean, written).logpdf(x))
    assert gm.loglik_ == pytest.approx(loglik, rel=1e-11)
    assert gm.converged_


# -- what must not matter ----------------------------------------------------------------------


def _alike(one, other, x, tol=1e-6):
    assert one.loglik_ == pytest.approx(other.loglik_, rel=1e-9, abs=tol)
    a, b = one.predict_proba(x), other.predict_proba(x)
    order = [int(np.argmax((a.T @ b)[i])) for i in range(a.shape[1])]
    np.testing.assert_allclose(a, b[:, order], atol=2e-3)


@every_kind
@given(seed=seeds)
@settings(max_examples=5)
def test_weights_are_replication(kind, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, size=len(FAITHFUL))
    repeated = np.repeat(FAITHFUL, counts, axis=0)
    for method in ("kmeans", "k-means++", "random", "random_from_data"):
        given = {
            "n_components": 3,
            "covariance_type": kind,
            "init_params": method,
            "random_state": int(seed % 1000),
            "reg_covar": 0,
        }
        starts = []
        for x, w in ((FAITHFUL, counts), (repeated, None)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotConvergedWarning)
                starts.append(GaussianMixture(**given, max_iter=0).fit(x, sample_weight=w))
        np.testing.assert_array_equal(starts[0].means_, starts[1].means_)
        np.testing.assert_array_equal(starts[0].covariances_, starts[1].covariances_)
    em = EM(tol=1e-8, max_iter=5000)
    weighted = GaussianMixture(2, covariance_type=kind, random_state=0, em=em)
    replicated = GaussianMixture(2, covariance_type=kind, random_state=0, em=em)
    weighted.fit(FAITHFUL, sample_weight=counts)
    replicated.fit(repeated)
    assert weighted.loglik_ == pytest.approx(replicated.loglik_, rel=1e-9)
    np.testing.assert_allclose(weighted.means_, replicated.means_, rtol=1e-5)
    assert weighted.criteria() == pytest.approx(replicated.criteria(), rel=1e-7)


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(len(FAITHFUL))
    for method in ("kmeans", "k-means++", "random", "random_from_data"):
        em = EM(tol=1e-9, max_iter=5000)
        given = {"n_components": 2, "init_params": method, "random_state": 1, "em": em}
        one = GaussianMixture(**given).fit(FAITHFUL)
        other = GaussianMixture(**given).fit(FAITHFUL[order])
        assert one.loglik_ == pytest.approx(other.loglik_, rel=1e-9)
        np.testing.assert_allclose(one.means_, other.means_, rtol=1e-5)


@every_kind
def test_rows_of_no_weight_are_as_if_they_were_not_there(kind):
    far = np.r_[FAITHFUL, [[1e6, -1e6]]]
    weights = np.r_[np.ones(len(FAITHFUL)), 0]
    given = {"n_components": 2, "covariance_type": kind, "random_state": 0, "em": EM(tol=1e-8)}
    with_it = GaussianMixture(**given).fit(far, sample_weight=weights)
    without = GaussianMixture(**given).fit(FAITHFUL)
    assert with_it.loglik_ == pytest.approx(without.loglik_, rel=1e-9)
    np.testing.assert_allclose(with_it.means_, without.means_, rtol=1e-5)
    assert with_it.criteria() == pytest.approx(without.criteria())


@every_kind
@pytest.mark.parametrize("factor", [0.001, 2.5, 1e6])
def test_weights_scale_the_likelihood_and_nothing_else(kind, factor):
    given = {"n_components": 2, "covariance_type": kind, "random_state": 0, "em": EM(tol=1e-9)}
    one = GaussianMixture(**given).fit(FAITHFUL)
    many = GaussianMixture(**given).fit(FAITHFUL, sample_weight=np.full(len(FAITHFUL), factor))
    assert many.loglik_ == pytest.approx(factor * one.loglik_, rel=1e-6)
    np.testing.assert_allclose(many.means_, one.means_, rtol=5e-3)


@every_kind
@pytest.mark.parametrize("shift", [0.0, 1e8])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_origin_and_unit_do_not_matter(kind, shift, scale):
    # 2^-k grid: the shifted data are exactly the same numbers
    x = np.round(FAITHFUL * 64) / 64
    em = EM(tol=1e-7, max_iter=2000)
    given = {"n_components": 2, "covariance_type": kind, "reg_covar": 0, "random_state": 0}
    plain = GaussianMixture(**given, em=em).fit(x)
    moved = GaussianMixture(**given, em=em).fit((x + shift) * scale)
    lost = x.size * np.log(scale)
    assert moved.loglik_ + lost == pytest.approx(plain.loglik_, abs=1e-4)
    np.testing.assert_allclose(moved.means_ / scale - shift, plain.means_, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(moved.covariances_ / scale**2, plain.covariances_, rtol=1e-2)
    np.testing.assert_array_equal(moved.predict((x + shift) * scale), plain.predict(x))


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_units_far_from_one(scale):
    gm = GaussianMixture(2, reg_covar=0, random_state=0, em=EM(tol=1e-8)).fit(FAITHFUL * scale)
    expected = -1130.26396 - FAITHFUL.size * np.log(scale)  # mclust 6.0.0, converged
    assert gm.loglik_ == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", ["full", "tied", "diag"])
@pytest.mark.parametrize("spread", [1e-5, 1e5])
def test_columns_of_very_different_units(kind, spread):
    # these structures are closed under a scale per column; k-means starts are on whitened rows
    units = np.array([1.0, spread])
    given = {"n_components": 2, "covariance_type": kind, "reg_covar": 0, "random_state": 0}
    em = EM(tol=1e-7, max_iter=2000)
    plain = GaussianMixture(**given, em=em).fit(FAITHFUL)
    scaled = GaussianMixture(**given, em=em).fit(FAITHFUL * units)
    assert scaled.loglik_ + len(FAITHFUL) * np.log(spread) == pytest.approx(plain.loglik_, abs=1e-4)
    assert scaled.certificate_.n_steps <= 2 * plain.certificate_.n_steps + 10


@every_kind
def test_the_same_bits_for_any_number_of_threads(kind):
    x = _overlapping(0, n=50_000)  # four chunks
    fits = []
    for workers in (1, 2, 4):
        gm = GaussianMixture(3, covariance_type=kind, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)
            gm.set_params(em=EM(workers=workers, max_iter=12)).fit(x)
        fits.append(gm)
    for gm in fits[1:]:
        assert gm.loglik_ == fits[0].loglik_
        np.testing.assert_array_equal(gm.means_, fits[0].means_)
        np.testing.assert_array_equal(gm.covariances_, fits[0].covariances_)
    model = fits[0]._model(fits[0]._frame)
    rows = Rows.of(x)
    totals = []
    for block in (700, 16_384, 50_000):
        with Threads(2).open(model, RowSource(rows, block)) as mapper:
            suff, _ = Evaluator(mapper).suff(fits[0]._params())
        totals.append(suff.loglik)
    assert totals == pytest.approx([totals[0]] * 3, rel=1e-12)


@every_kind
def test_the_same_seed_gives_the_same_bits(kind):
    for method in ("kmeans", "k-means++", "random", "random_from_data"):
        given = {"covariance_type": kind, "init_params": method, "n_init": 2, "random_state": 3}
        one, other = (GaussianMixture(3, **given, max_iter=500).fit(FAITHFUL) for _ in range(2))
        np.testing.assert_array_equal(one.means_, other.means_)
        assert one.loglik_ == other.loglik_


@given(seed=seeds, kind=st.sampled_from(KINDS))
@settings(max_examples=4)
def test_given_starts_may_be_renumbered(seed, kind):
    rng = np.random.default_rng(seed)
    x = _overlapping(seed)
    order = rng.permutation(3)
    means, weights = x[:3], rng.dirichlet([5.0] * 3)
    em = EM(tol=1e-8, max_iter=3000, accelerate="squarem")
    one, other = (
        GaussianMixture(3, covariance_type=kind, em=em, means_init=m, weights_init=w).fit(x)
        for m, w in ((means, weights), (means[order], weights[order]))
    )
    assert one.loglik_ == pytest.approx(other.loglik_, abs=1e-5)
    np.testing.assert_allclose(one.weights_[order], other.weights_, atol=1e-2)


# -- ascent and its certificate ----------------------------------------------------------------


@given(seed=seeds, kind=st.sampled_from(KINDS), method=st.sampled_from(["auto", "squarem", "none"]))
@settings(max_examples=15)
def test_bounds_never_fall(seed, kind, method):
    x = _overlapping(seed, n=150)
    gm = GaussianMixture(
        3, covariance_type=kind, random_state=0, em=EM(max_iter=300, accelerate=method)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        gm.fit(x)
    assert gm.fit_.status in (Status.CONVERGED, Status.MAX_ITER)
    assert (np.diff(gm.lower_bounds_) >= -1e-12).all()
    assert gm.score(x) == pytest.approx(gm.lower_bound_, abs=1e-10)


def _polished(gm, x):
    """The top of the hill that a fit stands on, by BFGS in the chart: no EM in it."""
    model, rows = gm._model(gm._frame), Rows.of(x)
    chunk = model.prepare(rows)
    chart = Chart(model.space, gm._params())

    def cost(at):
        params = chart.unpack(at)
        suff = model.e_step(params, chunk)
        return -suff.loglik, -chart_score(model, chart, params, suff)

    found = minimize(
        cost, np.zeros(chart.size), jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 500}
    )
    return -found.fun


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tol", [1e-3, 1e-5])
def test_what_is_left_is_what_is_said(seed, tol):
    x = _overlapping(seed, n=1500, sep=1.2)
    gm = GaussianMixture(3, random_state=0, tol=tol, em=EM(max_iter=3000), reg_covar=0).fit(x)
    assert gm.converged_
    assert _polished(gm, x) - gm.loglik_ <= gm.certificate_.remaining_gain + 10 * tol


# -- using a fitted mixture --------------------------------------------------------------------


@every_kind
def test_densities_and_memberships_by_their_definitions(kind):
    gm = GaussianMixture(3, covariance_type=kind, random_state=0).fit(IRIS)
    joint = np.stack(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(IRIS)
            for w, m, c in zip(gm.weights_, gm.means_, gm.covariance_matrices(), strict=True)
        ],
        axis=1,
    )
    log_density = np.logaddexp.reduce(joint, axis=1)
    resp = np.exp(joint - log_density[:, None])
    np.testing.assert_allclose(gm.score_samples(IRIS), log_density, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(gm.predict_proba(IRIS), resp, atol=1e-10)
    np.testing.assert_array_equal(gm.predict(IRIS), resp.argmax(axis=1))
    assert gm.score(IRIS) == pytest.approx(log_density.mean())
    n, p = len(IRIS), gm.n_parameters_
    assert gm.aic(IRIS) == pytest.approx(-2 * log_density.sum() + 2 * p)
    assert gm.bic(IRIS) == pytest.approx(-2 * log_density.sum() + p * np.log(n))
    mixed = -(resp * np.log(np.maximum(resp, 1e-300))).sum()
    assert gm.icl(IRIS) == pytest.approx(gm.bic(IRIS) + 2 * mixed)
    correction = 2 * p * (p + 1) / (n - p - 1)
    assert gm.aicc(IRIS) == pytest.approx(gm.aic(IRIS) + correction)
    assert gm.sabic(IRIS) == pytest.approx(-2 * log_density.sum() + p * np.log((n + 2) / 24))
    names = ("aic", "aicc", "bic", "sabic", "icl")
    of_data = {name: getattr(gm, name)(IRIS) for name in names}
    assert gm.criteria() == pytest.approx(of_data, rel=1e-9)


def test_rows_far_away_still_have_a_density_and_a_component():
    gm = GaussianMixture(2, random_state=0).fit(FAITHFUL)
    far = np.array([[1e6, 1e6], [-1e6, 0.0]])
    assert np.isfinite(gm.score_samples(far)).all()
    np.testing.assert_allclose(gm.predict_proba(far).sum(axis=1), 1)


@every_kind
def test_samples_follow_the_mixture(kind):
    gm = GaussianMixture(2, covariance_type=kind, random_state=0).fit(FAITHFUL)
    x, y = gm.sample(20_000)
    assert x.shape == (20_000, 2)
    assert (np.diff(y) >= 0).all()
    np.testing.assert_allclose(np.bincount(y) / len(y), gm.weights_, atol=0.02)
    for k in range(2):
        np.testing.assert_allclose(x[y == k].mean(axis=0), gm.means_[k], rtol=0.02)
        got, expected = np.cov(x[y == k].T), gm.covariance_matrices()[k]
        np.testing.assert_allclose(got, expected, atol=0.05 * np.abs(expected).max())
    np.testing.assert_array_equal(gm.sample(5)[0], gm.sample(5)[0])  # the seed is the estimator's
    assert gm.sample()[0].shape == (1, 2)
    with pytest.raises(ValueError, match="at least one sample"):
        gm.sample(0)


@every_kind
def test_parameters_set_by_hand_are_used(kind):
    gm = GaussianMixture(2, covariance_type=kind, random_state=0).fit(FAITHFUL)
    labels = gm.predict(FAITHFUL)
    gm.means_ = gm.means_[::-1]
    gm.weights_ = gm.weights_[::-1]
    if kind != "tied":
        gm.precisions_cholesky_ = gm.precisions_cholesky_[::-1]
        gm.covariances_ = gm.covariances_[::-1]
    np.testing.assert_array_equal(gm.predict(FAITHFUL), 1 - labels)


@every_kind
def test_the_smallest_variance_is_relative_to_the_pooled(kind):
    gm = GaussianMixture(3, covariance_type=kind, random_state=0).fit(FAITHFUL)
    matrices = gm.covariance_matrices()
    pooled = np.einsum("k,kij->ij", gm.weights_, matrices)
    directions = np.random.default_rng(0).normal(size=(20_000, 2))
    ratios = np.einsum("ni,kij,nj->kn", directions, matrices, directions) / np.einsum(
        "ni,ij,nj->n", directions, pooled, directions
    )
    assert gm.smallest_variance() == pytest.approx(ratios.min(), rel=1e-3)
    if kind == "tied":
        assert gm.smallest_variance() == pytest.approx(1)


# -- going on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["none", "auto"])
def test_many_warm_steps_are_one_long_fit(method):
    em = EM(tol=1e-7, accelerate=method, max_iter=3000)
    one = GaussianMixture(3, random_state=0, em=em).fit(FAITHFUL)
    bit = GaussianMixture(3, random_state=0, max_iter=1, warm_start=True, em=em)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        n = 1
        while not bit.fit(FAITHFUL).converged_ and n < 3000:
            n += 1
    assert bit.converged_
    assert bit.loglik_ == pytest.approx(one.loglik_, abs=1e-6)
    assert n <= 1.5 * one.n_iter_ + 2


def test_a_warm_start_on_other_data_starts_from_the_parameters():
    gm = GaussianMixture(2, random_state=0, warm_start=True).fit(FAITHFUL)
    means = gm.means_.copy()
    gm.set_params(max_iter=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConvergedWarning)
        gm.fit(FAITHFUL + 0.01)
    np.testing.assert_array_equal(gm.means_, means)
    wide = GaussianMixture(2, random_state=0, warm_start=True).fit(FAITHFUL)
    wide.fit(IRIS)  # of another width: starts anew
    assert wide.means_.shape == (2, 4)


def test_a_warm_start_respects_what_the_user_changed():
    gm = GaussianMixture(2, random_state=0, warm_start=True, tol=1e-8).fit(FAITHFUL)
    top = gm.loglik_
    gm.means_ = gm.means_ + 0.2
    gm.fit(FAITHFUL)
    assert gm.n_iter_ > 1
    assert gm.loglik_ == pytest.approx(top, abs=1e-6)


def test_without_warm_start_a_refit_is_the_same_fit():
    gm = GaussianMixture(3, random_state=0).fit(FAITHFUL)
    first = gm.means_.copy()
    np.testing.assert_array_equal(gm.fit(FAITHFUL).means_, first)


def test_an_interrupt_keeps_the_best_so_far():
    class Interrupt:
        def on_start(self, plan):
            pass

        def on_step(self, step):
            if step.n_steps == 5:
                raise KeyboardInterrupt

        def on_end(self, fit):
            pass

    em = EM(callbacks=[Interrupt()], tol=1e-9)
    with pytest.warns(NotConvergedWarning, match="interrupted"):
        gm = GaussianMixture(3, random_state=0, em=em).fit(FAITHFUL)
    assert gm.fit_.status is Status.INTERRUPTED
    assert not gm.converged_
    assert gm.n_iter_ == 5
    assert gm.score(FAITHFUL) == pytest.approx(max(gm.lower_bounds_))


def test_several_starts_are_all_told_and_the_best_is_kept():
    gm = GaussianMixture(4, n_init=6, random_state=0, em=EM()).fit(FAITHFUL)
    assert len(gm.fit_.climbs) == 6
    assert gm.loglik_ >= max(c.objective for c in gm.fit_.climbs) - 1e-9
    assert gm.certificate_.n_starts == 6
    assert sum(o.hits for o in gm.certificate_.optima) <= 6
