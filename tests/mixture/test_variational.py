"""The variational model: its bound, its steps, and the contract."""

import itertools
import warnings

import numpy as np
import pytest
import sklearn.mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, gammaln, logsumexp
from scipy.stats import multivariate_t
from sklearn.exceptions import ConvergenceWarning

from latentia import EM, check_model, datasets
from latentia.data.arrays import Frame, Rows, RowSource
from latentia.engine import Status
from latentia.engine.backend import Threads
from latentia.engine.evaluator import Evaluator
from latentia.engine.tree import leaves
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian
from latentia.mixture.proportions import Dirichlet, StickBreaking
from latentia.mixture.variational import Prior, VariationalMixture, expected_log_weights

FAITHFUL = datasets.load("faithful").values
KINDS = ["full", "tied", "diag", "spherical"]
PROPORTIONS = {"dirichlet_process": StickBreaking, "dirichlet_distribution": Dirichlet}
GIVEN = {"weight_concentration_prior": 0.3, "mean_precision_prior": 0.5}


def _scale(kind, x):
    covariance = np.atleast_2d(np.cov(x.T))
    variances = np.diagonal(covariance)
    return {"diag": variances, "spherical": variances.mean()}.get(kind, covariance)


def _model(kind="full", proportions=Dirichlet, k=3, x=FAITHFUL, resp=None, compiled=False):
    prior = Prior(
        proportions(k, 0.3), 0.5, x.mean(axis=0), x.shape[1] + 1.5, np.asarray(_scale(kind, x))
    )
    family = Gaussian(k, STRUCTURES[kind], Frame.of(Rows.of(x)), compiled=compiled)
    return VariationalMixture(prior, family, 0.0, float(len(x)), lambda rows, rng: [resp])


def _memberships(k):
    resp = np.random.default_rng(3).uniform(size=(len(FAITHFUL), k)) ** 4
    return resp / resp.sum(axis=1, keepdims=True)


class _Theirs(sklearn.mixture.BayesianGaussianMixture):
    """scikit-learn's, started from the memberships that are set as `resp`."""

    def _initialize_parameters(self, X, random_state, xp=None):
        self._initialize(X, self.resp)


def _theirs(kind, prior_type, resp, **settings):
    made = _Theirs(
        n_components=3,
        covariance_type=kind,
        weight_concentration_prior_type=prior_type,
        degrees_of_freedom_prior=3.5,
        covariance_prior=_scale(kind, FAITHFUL),
        reg_covar=0,
        random_state=0,
        **GIVEN,
        **settings,
    )
    made.resp = resp
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return made.fit(FAITHFUL)


def _assert_same(params, theirs, rtol):
    concentration = np.atleast_2d(theirs.weight_concentration_)
    if isinstance(theirs.weight_concentration_, tuple):
        concentration = concentration.T
    for one, other in zip(
        params,
        (
            concentration,
            theirs.mean_precision_,
            theirs.means_,
            np.atleast_1d(theirs.degrees_of_freedom_),
            theirs.covariances_,
        ),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


def _fit(model, x=FAITHFUL, **settings):
    return EM(**settings).fit(model, Rows.of(x), 0)


@pytest.mark.parametrize("prior_type", PROPORTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_scikit_learns(kind, prior_type):
    model = _model(kind, PROPORTIONS[prior_type], resp=_memberships(3))
    rows = Rows.of(FAITHFUL)
    params = model.start(rows, np.random.default_rng(0))
    _assert_same(params, _theirs(kind, prior_type, _memberships(3), max_iter=0), 1e-10)
    for _ in range(7):
        params = model.m_step(model.e_step(params, rows), params)
    _assert_same(params, _theirs(kind, prior_type, _memberships(3), max_iter=7, tol=0), 1e-9)


@pytest.mark.parametrize("prior_type", PROPORTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_where_the_climb_ends_scikit_learns_steps_stand_still(kind, prior_type):
    model = _model(kind, PROPORTIONS[prior_type], resp=_memberships(3))
    fit = EM(tol=1e-12, max_iter=5000).fit(model, Rows.of(FAITHFUL), 0)
    assert fit.status is Status.CONVERGED
    resp = model.posterior(fit.params, Rows.of(FAITHFUL)).resp
    _assert_same(fit.params, _theirs(kind, prior_type, resp, max_iter=100, tol=0), 1e-6)


@pytest.mark.parametrize("proportions", PROPORTIONS.values())
@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_holds_for_the_bound(kind, proportions):
    model = _model(kind, proportions, resp=_memberships(3))
    # the E-step is exact for the bound: its score is the gradient of q, and steps climb
    model.exact_e_step = True
    check_model(model, Rows.of(FAITHFUL))


def test_compiled_passes_find_the_same():
    found = []
    for compiled in (False, True):
        model = _model("diag", StickBreaking, resp=_memberships(3), compiled=compiled)
        params = model.start(Rows.of(FAITHFUL), np.random.default_rng(0))
        suff = model.e_step(params, Rows.of(FAITHFUL))
        found.append((suff.loglik, *leaves(model.m_step(suff, params))))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)


def _log_evidence(x, prior):
    """log p(x) of one normal component: each row's Student-t given the rows before it.

    Murphy (2007), Conjugate Bayesian analysis of the Gaussian distribution, sec. 8.
    """
    weight, mean, degrees, scale = prior[1:]
    scale, d, total = np.array(scale), x.shape[1], 0.0
    for row in x:
        free = degrees - d + 1
        shape = scale * (weight + 1) / (weight * free)
        total += multivariate_t(mean, shape, df=free).logpdf(row)
        off = row - mean
        scale = scale + weight / (weight + 1) * np.outer(off, off)
        mean, weight, degrees = (weight * mean + row) / (weight + 1), weight + 1, degrees + 1
    return total


def test_one_components_bound_is_its_evidence():
    model = _model("full", Dirichlet, 1, resp=np.ones((len(FAITHFUL), 1)))
    fit = _fit(model)
    assert fit.objective == pytest.approx(_log_evidence(FAITHFUL, model.prior), abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_in_one_column_all_types_have_that_evidence(kind):
    x = FAITHFUL[:, :1]
    model = _model(kind, StickBreaking, 1, x, np.ones((len(x), 1)))
    known = _log_evidence(x, _model("full", Dirichlet, 1, x).prior)
    # all rows are from the first piece of the stick
    known += betaln(1 + len(x), 0.3) - betaln(1, 0.3)
    assert _fit(model, x).objective == pytest.approx(known, abs=1e-8)


def _log_memberships(proportions, labels):
    """log p(z), the weights integrated out: a ratio of constants (Bishop 2006, eq. B.23)."""

    def constant(concentration):
        return (gammaln(concentration).sum(axis=1) - gammaln(concentration.sum(axis=1))).sum()

    counts = np.bincount(labels, minlength=2).astype(float)
    return constant(proportions.prior + proportions.counts(counts)) - constant(proportions.prior)


@pytest.mark.parametrize("proportions", PROPORTIONS.values())
@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=4)
def test_the_bound_is_below_the_evidence_summed_over_all_memberships(kind, proportions, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, 2)) * [1, 3] + 4 * rng.integers(0, 2, size=(6, 1))
    model = _model(kind, proportions, 2, x, rng.dirichlet([1.0, 1.0], size=6))
    written = {"diag": np.diag, "spherical": lambda v: v * np.eye(2)}.get(kind, np.array)
    prior = model.prior._replace(covariance=written(model.prior.covariance))
    terms = []
    for labels in itertools.product((0, 1), repeat=6):
        mine = np.array(labels)
        each = sum(_log_evidence(x[mine == k], prior) for k in (0, 1))
        terms.append(_log_memberships(prior.proportions, mine) + each)
    fit = _fit(model, x, max_iter=2000)
    assert fit.objective <= logsumexp(terms) + 1e-9


@pytest.mark.parametrize("proportions", PROPORTIONS.values())
@pytest.mark.parametrize("kind", KINDS)
def test_the_divergence_is_zero_at_the_prior_and_positive_elsewhere(kind, proportions):
    model = _model(kind, proportions, resp=_memberships(3))
    started = model.start(Rows.of(FAITHFUL), np.random.default_rng(0))
    prior = model.prior
    believed = started._replace(
        concentration=prior.proportions.prior,
        mean_precision=np.full(3, prior.mean_precision),
        means=np.tile(prior.mean, (3, 1)),
        degrees_of_freedom=np.full(started.degrees_of_freedom.shape, prior.degrees_of_freedom),
        covariances=np.array(
            np.broadcast_to(prior.covariance / prior.degrees_of_freedom, started.covariances.shape)
        ),
    )
    assert model.divergence(believed) == pytest.approx(0, abs=1e-9)
    assert model.divergence(started) > 1


@pytest.mark.parametrize("accelerate", ["none", "squarem", "anderson", "lbfgs", "quasi-newton"])
def test_every_method_climbs_the_bound(accelerate):
    for proportions in PROPORTIONS.values():
        model = _model("full", proportions, 5, resp=_memberships(5))
        start = model.start(Rows.of(FAITHFUL), np.random.default_rng(0))
        fit = EM(accelerate=accelerate, tol=1e-6, max_iter=3000).fit(
            model, Rows.of(FAITHFUL), 0, start=start
        )
        assert fit.status is Status.CONVERGED
        assert fit.certificate.monotone
        climbed = fit.trace.objective[fit.trace.accepted]
        assert (np.diff(climbed) >= -fit.certificate.rounding).all()
        assert "the objective is a bound" in " ".join(fit.certificate.sentences())


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_do_not_matter(kind):
    model = _model(kind, StickBreaking, resp=_memberships(3))
    params = model.start(Rows.of(FAITHFUL), np.random.default_rng(0))
    rows, found = Rows.of(FAITHFUL), []
    for block in (300, 40):
        with Threads().open(model, RowSource(rows, block)) as mapper:
            suff, _ = Evaluator(mapper).suff(params)
        found.append((suff.loglik, *leaves(model.m_step(suff, params))))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)


def test_a_part_of_the_rows_stands_for_all():
    model = _model("full", StickBreaking, resp=_memberships(3))
    params = model.start(Rows.of(FAITHFUL), np.random.default_rng(0))
    once = model.m_step(model.e_step(params, Rows.of(FAITHFUL)), params)
    model.total *= 3
    third = model.m_step(model.e_step(params, Rows.of(FAITHFUL)), params)
    tripled = Rows(FAITHFUL, np.full(len(FAITHFUL), 3.0))
    whole = model.m_step(model.e_step(params, tripled), params)
    for one, other in zip(leaves(third), leaves(whole), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
    assert not np.allclose(once.mean_precision, whole.mean_precision)


def test_components_the_prior_all_but_forbids_still_take_far_rows():
    x = np.vstack([np.random.default_rng(0).normal(size=(50, 1)), [[1e6]]])
    resp = np.zeros((51, 2))
    resp[:, 0] = 1
    prior = Prior(Dirichlet(2, 1e-3), 1.0, np.zeros(1), 1.0, np.eye(1))
    family = Gaussian(2, STRUCTURES["full"], Frame.of(Rows.of(x)), compiled=True)
    model = VariationalMixture(prior, family, 0.0, 51.0, lambda rows, rng: [resp])
    start = model.start(Rows.of(x), np.random.default_rng(0))
    near = start._replace(
        means=np.zeros((2, 1)), covariances=np.array([np.eye(1), 1e12 * np.eye(1)])
    )
    assert expected_log_weights(near, prior.proportions)[1] < -900  # as a weight it is zero
    suff = model.e_step(near, Rows.of(x))
    assert suff.stats.count[1] == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_rows_lie_does_not_matter(kind):
    resp = _memberships(3)
    here = _model(kind, StickBreaking, resp=resp)
    away = _model(kind, StickBreaking, x=FAITHFUL + 100, resp=resp)
    heights = []
    for model, x in ((here, FAITHFUL), (away, FAITHFUL + 100)):
        start = model.start(Rows.of(x), np.random.default_rng(0))
        fit = EM(tol=1e-10, accelerate="none", max_iter=4000).fit(model, Rows.of(x), 0, start=start)
        heights.append((fit.objective, fit.params))
    assert heights[0][0] == pytest.approx(heights[1][0], abs=1e-8)
    np.testing.assert_allclose(heights[0][1].means, heights[1][1].means - 100, atol=1e-6)
    np.testing.assert_allclose(
        heights[0][1].covariances, heights[1][1].covariances, rtol=1e-6, atol=1e-8
    )
