"""The engine on small models: numbers of the literature, ascent, and every way to end."""

import numpy as np
import pytest
from tests_engine_models import (
    CELLS,
    DEATHS,
    LeavesTheInterval,
    Linkage,
    MovesTheFixed,
    NormalMean,
    NumericalMStep,
    OverlongNewton,
    TwoPoissons,
    WithPrior,
    WrongMStep,
)

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, DecreasedWarning, NotConvergedWarning, Status
from latentia.engine.backend import Threads
from latentia.engine.callbacks import Recorder
from latentia.engine.chart import ConstraintError
from latentia.engine.inference import observed_information

HASSELBLAD = -1989.945859883  # turboEM's data; recomputed to convergence


@pytest.mark.parametrize("accelerate", ["none", "squarem", "quasi-newton", "auto"])
def test_hasselblad_reaches_the_published_maximum(accelerate):
    fit = EM(tol=1e-9, max_iter=10_000, accelerate=accelerate).fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.CONVERGED
    assert fit.loglik == pytest.approx(HASSELBLAD, abs=1e-7)
    assert fit.certificate.monotone
    np.testing.assert_allclose(fit.params.rates, [1.2560951, 2.6634043], atol=2e-4)


def test_acceleration_costs_a_fraction_of_plain_em():
    steps = {
        name: EM(accelerate=name, max_iter=10_000).fit(TwoPoissons(), DEATHS, 0).certificate.n_steps
        for name in ("none", "auto")
    }
    assert steps["auto"] <= 40
    assert steps["none"] >= 10 * steps["auto"]


def test_hasselblad_standard_errors():
    top = EM(tol=1e-12).fit(TwoPoissons(), DEATHS, 0)
    fit = EM(tol=1e-12).fit(TwoPoissons(), DEATHS, 0, start=top.params)
    errors = observed_information(TwoPoissons(), DEATHS, fit.params, Threads()).standard_errors()
    # numerical Hessian at the optimum, from turboEM's data
    np.testing.assert_allclose(errors.weights, [0.1946843, 0.1946843], rtol=2e-4)
    np.testing.assert_allclose(errors.rates, [0.3500297, 0.2504783], rtol=2e-4)


def test_linkage_iterates_information_and_rate():
    recorder = Recorder()
    thetas = [0.5]
    for _ in range(3):  # one EM step each, from Dempster, Laird & Rubin (1977)
        model = Linkage()
        start = type(model.start(CELLS, None))(np.array(thetas[-1]))
        thetas.append(float(model.m_step(model.e_step(start, CELLS), start).theta))
    np.testing.assert_allclose(thetas[1:], [0.608247423, 0.624321051, 0.626488879], atol=1e-9)
    near = Linkage.space._replace(theta=np.array(0.62))  # where the rate is that of the maximum
    settings = EM(tol=1e-12, accelerate="none", callbacks=[recorder])
    fit = settings.fit(Linkage(), CELLS, 0, start=near)
    # what the rounding of the objective leaves: sqrt(2 * remaining) standard errors
    within = np.sqrt(2 * fit.certificate.rounding) * 0.0514673
    assert float(fit.params.theta) == pytest.approx(0.626821497871, abs=within)
    assert fit.certificate.em_rate == pytest.approx(0.1327787, abs=0.01)
    errors = observed_information(Linkage(), CELLS, fit.params, Threads()).standard_errors()
    assert float(errors.theta) == pytest.approx(0.0514673, rel=1e-5)
    assert recorder.fit is fit
    assert len(recorder.steps) == len(fit.trace.objective)


def test_numerical_m_step_and_score_reach_the_same_maximum():
    fit = EM(tol=1e-7).fit(NumericalMStep(), DEATHS, 0)
    assert fit.loglik == pytest.approx(HASSELBLAD, abs=1e-6)


def test_a_fall_is_reverted_and_said():
    with pytest.warns(DecreasedWarning, match="check_model"):
        fit = EM(accelerate="none").fit(WrongMStep(), DEATHS, 0)
    assert fit.status is Status.DECREASED
    assert not fit.certificate.monotone
    accepted = fit.trace.objective[fit.trace.accepted]
    assert fit.objective == accepted.max()
    assert not fit.trace.accepted[-1]


def test_the_space_is_held_by_name():
    x = Rows.of(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(ConstraintError, match=r"`held` changed although it is Fixed"):
        EM().fit(MovesTheFixed(), x, 0)
    with pytest.raises(ConstraintError, match=r"`mean` is 2\.0, expected a number from -0\.5"):
        EM().fit(LeavesTheInterval(), x, 0)


def test_prior_gives_the_posterior_mode():
    x = Rows.of(np.array([1.0, 2.0, 3.0, 6.0]))
    fit = EM(tol=1e-12).fit(WithPrior(), x, 0)
    assert float(fit.params.mean) == pytest.approx(12 / 8, abs=1e-6)
    assert any("posterior mode" in claim for claim in fit.certificate.claims)
    assert fit.objective < fit.loglik + 1


def test_inexact_m_steps_are_halved():
    x = Rows.of(np.array([1.0, 2.0, 3.0]))
    fit = EM(tol=1e-10, accelerate="none", max_iter=500).fit(OverlongNewton(), x, 0)
    assert fit.status is Status.CONVERGED
    assert float(fit.params.mean) == pytest.approx(2.0, abs=1e-4)
    assert not fit.trace.accepted.all()


def test_max_iter_warns_and_zero_is_the_start():
    with pytest.warns(NotConvergedWarning, match="max_iter"):
        fit = EM(max_iter=2, accelerate="none").fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.MAX_ITER
    assert fit.certificate.n_steps == 2
    with pytest.warns(NotConvergedWarning):
        fit = EM(max_iter=0).fit(TwoPoissons(), DEATHS, 0)
    np.testing.assert_array_equal(fit.params.rates, [1.0, 3.0])


def test_interrupt_keeps_the_best_so_far():
    class Interrupt(Recorder):
        def on_step(self, step):
            super().on_step(step)
            if step.n_steps == 5:
                raise KeyboardInterrupt

    with pytest.warns(NotConvergedWarning, match="interrupted"):
        fit = EM(callbacks=[Interrupt()], accelerate="none").fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.INTERRUPTED
    assert fit.objective >= fit.trace.objective[4]


def test_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    x = Rows.of(rng.poisson(rng.choice([1.0, 4.0], size=5000)).astype(float))
    fits = [EM(workers=w).fit(TwoPoissons(), RowSource(x, block=700), 0) for w in (1, 2, 4)]
    assert fits[0].objective == fits[1].objective == fits[2].objective
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.params.rates, fits[0].params.rates)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("tol", -1), ("max_iter", 1.5), ("starts", 0), ("accelerate", "fast"), ("backend", "gpu")],
)
def test_settings_are_refused_in_a_sentence(setting, value):
    with pytest.raises((ValueError, TypeError), match=f"got {setting}="):
        EM(**{setting: value}).fit(NormalMean(), Rows.of([1.0, 2.0]), 0)
