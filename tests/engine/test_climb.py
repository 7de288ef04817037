"""The climb: ascent, its certificate, and every way to end."""

import numpy as np
import pytest

from latentia.data.arrays import Rows
from latentia.engine import EM, DecreasedWarning, DegenerateFitError, NotConvergedWarning, Status
from latentia.engine.chart import ConstraintError
from latentia.engine.climb import HALVINGS
from latentia.engine.explore import LONG

from .models import (
    CELLS,
    DEATHS,
    WAITS,
    ChangesShape,
    DropsAParameter,
    ForgetsThePrior,
    LeavesTheInterval,
    Linkage,
    MovesTheFixed,
    NormalMean,
    NumericalMStep,
    OverlongNewton,
    PrecisionForVariance,
    ScatteredStarts,
    ShiftedMeans,
    StartsOutside,
    SwappedWeights,
    TwoNormals,
    TwoPoissons,
    WithPrior,
    WithPriorNumerically,
    WrongMStep,
)

METHODS = ["none", "squarem", "quasi-newton", "auto"]
HASSELBLAD = -1989.945859883  # turboEM's data; recomputed to convergence


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("model", "data"), [(TwoPoissons(), DEATHS), (TwoNormals(), WAITS)])
def test_what_is_accepted_never_falls(method, model, data):
    fit = EM(tol=1e-8, max_iter=5000, accelerate=method).fit(model, data, 0)
    accepted = fit.trace.objective[fit.trace.accepted]
    assert (np.diff(accepted) >= -fit.certificate.rounding).all()
    assert fit.objective == accepted[-1]
    assert fit.certificate.monotone
    assert fit.certificate.n_steps == len(fit.trace.objective) - 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tol", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_left_is_less_than_the_tolerance(method, tol, seed):
    fit = EM(tol=tol, max_iter=10_000, accelerate=method).fit(ScatteredStarts(), DEATHS, seed)
    assert fit.status is Status.CONVERGED
    assert fit.certificate.remaining_gain <= tol
    assert HASSELBLAD - fit.objective <= 10 * tol


def test_what_is_left_at_max_iter_is_estimated_well():
    with pytest.warns(NotConvergedWarning):
        fit = EM(tol=1e-9, max_iter=400, accelerate="none").fit(TwoPoissons(), DEATHS, 0)
    assert fit.certificate.remaining_gain == pytest.approx(HASSELBLAD - fit.objective, rel=0.2)


def test_linkage_iterates_and_rate():
    # Dempster, Laird & Rubin (1977), sec. 1; the rate from Rao's information
    model, thetas = Linkage(), [0.5]
    for _ in range(3):
        at = model.start(CELLS, None)._replace(theta=np.array(thetas[-1]))
        thetas.append(float(model.m_step(model.e_step(at, CELLS), at).theta))
    np.testing.assert_allclose(thetas[1:], [0.608247423, 0.624321051, 0.626488879], atol=1e-9)
    near = model.start(CELLS, None)._replace(theta=np.array(0.62))
    fit = EM(tol=1e-12, accelerate="none").fit(model, CELLS, 0, start=near)
    # what the rounding of the objective leaves: sqrt(2 * remaining) standard errors
    within = np.sqrt(2 * fit.certificate.rounding) * 0.0514673
    assert float(fit.params.theta) == pytest.approx(0.626821497871, abs=within)
    assert fit.certificate.em_rate == pytest.approx(0.1327787, abs=0.01)


def test_plain_em_is_the_m_step_repeated():
    model = TwoPoissons()
    params = model.start(DEATHS, None)
    for _ in range(30):
        params = model.m_step(model.e_step(params, DEATHS), params)
    with pytest.warns(NotConvergedWarning):
        fit = EM(tol=0, max_iter=30, accelerate="none").fit(model, DEATHS, 0)
    np.testing.assert_array_equal(fit.params.rates, params.rates)
    np.testing.assert_array_equal(fit.params.weights, params.weights)
    assert fit.trace.em.all()
    assert fit.certificate.n_steps == 30


def test_numerical_m_step_and_score_reach_the_same_maximum():
    fit = EM(tol=1e-7).fit(NumericalMStep(), DEATHS, 0)
    assert fit.loglik == pytest.approx(HASSELBLAD, abs=1e-6)


# -- priors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [WithPrior(), WithPriorNumerically()])
@pytest.mark.parametrize("method", METHODS)
def test_a_prior_gives_the_posterior_mode(model, method):
    x = Rows.of(np.array([1.0, 2.0, 3.0, 6.0]), [1.0, 1.0, 1.0, 2.0])
    fit = EM(tol=1e-12, accelerate=method).fit(model, x, 0)
    assert float(fit.params.mean) == pytest.approx(18 / 9, abs=1e-5)  # n mean / (n + 4)
    assert fit.objective == pytest.approx(fit.loglik + model.log_prior(fit.params), abs=1e-12)
    assert any("posterior mode" in claim for claim in fit.certificate.claims)


def test_an_m_step_that_forgets_the_prior_decreases():
    x = Rows.of(np.array([1.0, 2.0, 3.0, 6.0]))
    start = ForgetsThePrior().start(x, None)._replace(mean=np.array(1.5))  # the mode
    with pytest.warns(DecreasedWarning):
        fit = EM(accelerate="none").fit(ForgetsThePrior(), x, 0, start=start)
    assert fit.status is Status.DECREASED
    assert float(fit.params.mean) == 1.5


def test_models_without_a_prior_do_not_claim_one():
    assert EM().fit(TwoPoissons(), DEATHS, 0).certificate.claims == ()


# -- wrong models ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("model", "data"),
    [
        (WrongMStep(), DEATHS),
        (SwappedWeights(), DEATHS),
        (ShiftedMeans(), WAITS),
        (PrecisionForVariance(), WAITS),
    ],
)
def test_a_fall_is_reverted_and_said(model, data, method):
    with pytest.warns(DecreasedWarning, match="check_model"):
        fit = EM(accelerate=method).fit(model, data, 0)
    assert fit.status is Status.DECREASED
    assert not fit.certificate.monotone
    assert fit.certificate.largest_fall > 1e-6 > fit.certificate.rounding
    accepted = fit.trace.objective[fit.trace.accepted]
    assert fit.objective == accepted.max()
    assert model.e_step(fit.params, data).loglik == fit.objective
    assert not fit.trace.accepted[-1]
    assert any("fell" in sentence for sentence in fit.certificate.sentences())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("model", "data", "wrong"),
    [
        (MovesTheFixed(), Rows.of([1.0, 2.0, 3.0]), "`held` changed although it is Fixed"),
        (
            LeavesTheInterval(),
            Rows.of([1.0, 2.0, 3.0]),
            r"`mean` is 2\.0, expected a number from -0\.5 to 0\.5",
        ),
        (ChangesShape(), DEATHS, r"`weights` has shape \(3,\), expected the \(2,\)"),
        (DropsAParameter(), DEATHS, "have 1 leaves, expected the 2"),
        (StartsOutside(), DEATHS, r"`weights` sums to 1\.1"),
    ],
)
def test_the_space_is_held_by_name(model, data, wrong, method):
    with pytest.raises(ConstraintError, match=wrong):
        EM(accelerate=method).fit(model, data, 0)


def test_inexact_m_steps_are_halved():
    x = Rows.of(np.array([1.0, 2.0, 3.0]))
    fit = EM(tol=1e-10, accelerate="none", max_iter=500).fit(OverlongNewton(), x, 0)
    assert fit.status is Status.CONVERGED
    assert float(fit.params.mean) == pytest.approx(2.0, abs=1e-4)
    assert not fit.trace.accepted.all()
    assert (np.diff(fit.trace.objective[fit.trace.accepted]) >= 0).all()
    assert any("inexact" in claim for claim in fit.certificate.claims)


@pytest.mark.parametrize("method", ["squarem", "quasi-newton", "auto"])
def test_inexact_m_steps_can_be_accelerated(method):
    x = Rows.of(np.array([1.0, 2.0, 3.0]))
    fit = EM(tol=1e-10, accelerate=method, max_iter=500).fit(OverlongNewton(), x, 0)
    assert fit.status is Status.CONVERGED
    assert float(fit.params.mean) == pytest.approx(2.0, abs=1e-4)


def test_an_inexact_m_step_that_goes_downhill_is_not_halved_for_ever():
    class Backwards(NormalMean):
        m_step_exact = False

        def m_step(self, suff, params):
            target = suff.stats.sum / suff.stats.n
            return params._replace(mean=np.asarray(params.mean - (target - params.mean)))

    with pytest.warns(DecreasedWarning):
        fit = EM(accelerate="none").fit(Backwards(), Rows.of([1.0, 2.0, 3.0]), 0)
    assert fit.status is Status.DECREASED
    assert float(fit.params.mean) == 0
    assert fit.certificate.n_steps <= HALVINGS + 2


@pytest.mark.parametrize("budget", range(1, 12))
def test_a_budget_that_ends_among_halves_is_no_fault_of_the_model(budget):
    x = Rows.of(np.array([1.0, 2.0, 3.0]))
    em = EM(tol=1e-10, accelerate="none", max_iter=budget)
    with pytest.warns(NotConvergedWarning):
        fit = em.fit(OverlongNewton(), x, 0)
    assert not fit.trace.accepted.all() or budget == 1
    assert fit.status is Status.MAX_ITER
    assert fit.certificate.largest_fall == 0


# -- ends --------------------------------------------------------------------------------------


def test_max_iter_warns_and_zero_is_the_start():
    with pytest.warns(NotConvergedWarning, match="max_iter"):
        fit = EM(max_iter=2, accelerate="none").fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.MAX_ITER
    assert fit.certificate.n_steps == 2
    with pytest.warns(NotConvergedWarning):
        fit = EM(max_iter=0).fit(TwoPoissons(), DEATHS, 0)
    np.testing.assert_array_equal(fit.params.rates, [1.0, 3.0])
    assert np.isfinite(fit.loglik)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("most", [1, 2, 3, 7, 12])
def test_max_iter_is_never_exceeded(method, most):
    with pytest.warns(NotConvergedWarning):
        fit = EM(tol=0, max_iter=most, accelerate=method).fit(TwoPoissons(), DEATHS, 0)
    assert fit.certificate.n_steps == most
    assert len(fit.trace.objective) == most + 1


@pytest.mark.parametrize("method", METHODS)
def test_tol_zero_ends_at_max_iter_or_at_the_floor_of_rounding(method):
    settings = EM(tol=0, max_iter=20_000, accelerate=method)
    fit = settings.fit(TwoNormals(), WAITS, 0)
    assert fit.status is Status.CONVERGED
    assert fit.certificate.remaining_gain <= fit.certificate.rounding
    assert any("rounding of this objective" in s for s in fit.certificate.sentences())


def test_a_start_at_the_maximum_takes_only_its_confirmation():
    top = EM(tol=1e-11, max_iter=20_000).fit(TwoNormals(), WAITS, 0)
    fit = EM().fit(TwoNormals(), WAITS, 0, start=top.params)
    assert fit.status is Status.CONVERGED
    assert fit.certificate.n_steps <= 6
    assert fit.objective >= top.objective - fit.certificate.rounding


def test_a_model_without_freedom_has_converged():
    class Known(NormalMean):
        space = NormalMean.space._replace(mean=NormalMean.space.held)

        def m_step(self, suff, params):
            return params

    fit = EM().fit(Known(), Rows.of([1.0, 2.0]), 0)
    assert fit.status is Status.CONVERGED
    assert fit.n_free == 0
    assert fit.certificate.remaining_gain == 0


class Collapses(TwoNormals):
    """Starts in which one component holds a single repeated value."""

    def start(self, sample, rng, given=None):
        return (
            super()
            .start(sample, rng)
            ._replace(means=np.array([0.0, 5.0]), variances=np.array([1e-3, 1.0]))
        )


SPIKE = Rows.of(np.r_[np.zeros(10), np.linspace(4, 6, 20)])


@pytest.mark.parametrize("method", METHODS)
def test_a_collapse_is_degenerate(method):
    with pytest.raises(DegenerateFitError, match="no finite maximum"):
        EM(accelerate=method).fit(Collapses(), SPIKE, 0)
    fit = EM(accelerate=method, on_degenerate="status").fit(Collapses(), SPIKE, 0)
    assert fit.status is Status.DEGENERATE
    assert fit.certificate.n_degenerate == 1
    assert fit.certificate.sentences()[0].startswith(str(Status.DEGENERATE))


def test_a_start_that_is_degenerate_is_said():
    class Nowhere(NormalMean):
        def e_step(self, params, chunk):
            return super().e_step(params, chunk)._replace(loglik=float("nan"))

    with pytest.raises(DegenerateFitError, match="The objective is nan at the start already"):
        EM().fit(Nowhere(), Rows.of([1.0]), 0)


def test_an_exact_zero_stays_and_is_on_the_boundary():
    start = TwoPoissons().start(DEATHS, None)._replace(weights=np.array([1.0, 0.0]))

    class KeepsEmpty(TwoPoissons):
        def m_step(self, suff, params):
            count, total, _ = suff.stats
            rates = np.where(count > 0, total / np.where(count > 0, count, 1), params.rates)
            return type(params)(count / count.sum(), rates)

    with np.errstate(divide="ignore"):
        fit = EM().fit(KeepsEmpty(), DEATHS, 0, start=start)
    np.testing.assert_array_equal(fit.params.weights, [1.0, 0.0])
    mean = np.average(DEATHS.x[:, 0], weights=DEATHS.weights)
    assert fit.params.rates[0] == pytest.approx(mean, abs=1e-6)  # one Poisson's maximum
    assert "weights[1]" in fit.certificate.on_boundary
    assert fit.n_free == 3  # by declaration


@pytest.mark.parametrize("method", METHODS)
def test_a_ridge_on_which_em_speeds_up_is_no_top(method):
    # two components that are nearly one: they part slowly at first, then ever faster
    even = TwoNormals().start(WAITS, None)
    mean, variance = WAITS.x.mean(), WAITS.x.var()
    near = even._replace(
        means=np.array([mean - 0.01, mean + 0.01]), variances=np.array([variance, variance])
    )
    one = TwoNormals().e_step(near, WAITS).loglik
    fit = EM(max_iter=5000, accelerate=method).fit(TwoNormals(), WAITS, 0, start=near)
    assert fit.status is Status.CONVERGED
    assert fit.objective > one + 1


def test_long_climbs_look_around():
    fit = EM(accelerate="squarem").fit(TwoPoissons(), DEATHS, 0)
    assert fit.certificate.n_steps > LONG
    assert fit.certificate.looked_around
    plain = EM(accelerate="none", max_iter=5000).fit(TwoPoissons(), DEATHS, 0)
    assert not plain.certificate.looked_around
