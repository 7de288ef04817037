"""Starts: the same bits in any company, races, annealing, warming up."""

import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM, NotConvergedWarning, Status, check_model, starts
from latentia.engine.fit import assemble
from latentia.engine.online import WarmUp
from latentia.engine.space import DegenerateError
from latentia.engine.starts import Race, survivors

from .models import (
    DEATHS,
    WAITS,
    NormalsParams,
    PoissonParams,
    ScatteredStarts,
    TwoNormals,
    TwoPoissons,
)


def same(one, other):
    assert one.objective == other.objective
    assert one.status is other.status
    for a, b in zip(one.params, other.params, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one.trace, other.trace, strict=True):
        np.testing.assert_array_equal(a, b)


class Slow(ScatteredStarts):
    """E-steps that take long enough for threads to pay."""

    def __init__(self):
        self.threads = set()

    def e_step(self, params, chunk):
        self.threads.add(threading.get_ident())
        time.sleep(2 * starts.WORTH_A_THREAD)
        return super().e_step(params, chunk)


# -- side by side ------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"race": True}, {"short_runs": 4}])
def test_the_number_of_workers_changes_no_bit(settings):
    fits = []
    for workers in (1, 2, 5):
        model = Slow()
        em = EM(starts=6, workers=workers, max_iter=60, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConvergedWarning)
            fits.append(em.fit(model, DEATHS, 1))
        assert (len(model.threads) > 1) == (workers > 1)
    for fit in fits[1:]:
        assert fit.best == fits[0].best
        assert fit.certificate == fits[0].certificate
        for one, other in zip(fit.climbs, fits[0].climbs, strict=True):
            same(one, other)


def test_quick_starts_are_not_worth_threads():
    class Watched(ScatteredStarts):
        def __init__(self):
            self.seen = set()

        def e_step(self, params, chunk):
            self.seen.add(threading.get_ident())
            return super().e_step(params, chunk)

    model = Watched()
    EM(starts=4, workers=4).fit(model, DEATHS, 0)
    assert model.seen == {threading.get_ident()}


def test_callbacks_are_called_one_at_a_time_with_the_number_of_the_start():
    class Alone:
        def __init__(self):
            self.lock, self.steps = threading.Lock(), []

        def on_start(self, plan):
            pass

        def on_step(self, step):
            assert self.lock.acquire(blocking=False)
            time.sleep(1e-4)
            self.steps.append(step)
            self.lock.release()

        def on_end(self, fit):
            pass

    alone = Alone()
    fit = EM(starts=4, workers=4, callbacks=[alone]).fit(Slow(), DEATHS, 0)
    for i, climb in enumerate(fit.climbs):
        told = [step.n_steps for step in alone.steps if step.start == i]
        assert told == list(range(len(climb.trace.objective)))


def test_an_error_in_one_start_ends_the_others():
    class Breaks(Slow):
        def m_step(self, suff, params):
            if len(self.threads) > 1:
                raise ZeroDivisionError
            return super().m_step(suff, params)

    with pytest.raises(ZeroDivisionError):
        EM(starts=8, workers=3).fit(Breaks(), DEATHS, 0)


def test_an_interrupt_ends_all_starts_and_keeps_the_best():
    class Impatient:
        n = 0

        def on_start(self, plan):
            pass

        def on_step(self, step):
            self.n += 1
            if self.n == 30:
                raise KeyboardInterrupt

        def on_end(self, fit):
            pass

    impatient = Impatient()
    with pytest.warns(NotConvergedWarning, match="interrupted"):
        fit = EM(starts=8, workers=4, callbacks=[impatient]).fit(Slow(), DEATHS, 0)
    assert fit.status is Status.INTERRUPTED
    assert fit.objective == max(climb.objective for climb in fit.climbs)
    assert impatient.n < 40


@pytest.mark.parametrize("settings", [{}, {"warm_up": WarmUp(passes=1)}])
def test_each_start_can_be_run_alone(settings):
    em = EM(starts=5, **settings)
    together = em.fit(ScatteredStarts(), DEATHS, 3)
    for i, climb in enumerate(together.climbs):
        same(em.fit_start(ScatteredStarts(), DEATHS, 3, index=i).climbs[0], climb)


def test_the_steps_of_all_starts_are_counted():
    class Counts(ScatteredStarts):
        n = 0

        def e_step(self, params, chunk):
            self.n += 1
            return super().e_step(params, chunk)

    for settings in ({}, {"race": True}, {"short_runs": 3}):
        model = Counts()
        fit = EM(starts=8, backend="serial", **settings).fit(model, DEATHS, 0)
        # the E-steps that evaluate the starts themselves are not counted
        assert fit.certificate.n_steps_all == model.n - 8


# -- races -------------------------------------------------------------------------------------


def test_who_wins_a_race_climbs_as_though_alone():
    raced = EM(starts=8, race=True).fit(ScatteredStarts(), DEATHS, 5)
    plain = EM(starts=8).fit(ScatteredStarts(), DEATHS, 5)
    ran = [c for c in raced.climbs if c.status is not Status.OUTRUN]
    assert 2 <= len(ran) < 8
    for one, other in zip(raced.climbs, plain.climbs, strict=True):
        if one.status is Status.OUTRUN:
            n = len(one.trace.objective)
            np.testing.assert_array_equal(one.trace.objective, other.trace.objective[:n])
        else:
            same(one, other)
    assert raced.certificate.n_steps_all < plain.certificate.n_steps_all
    assert raced.certificate.n_outrun == 8 - len(ran)
    told = " ".join(raced.certificate.sentences())
    assert f"{8 - len(ran)} starts lost the race" in told


@pytest.mark.parametrize("ahead", [0.0, 1e-6, 1.0])
def test_who_was_left_on_the_way_to_the_same_top_does_not_win(ahead):
    """Unless it stands higher by more than the tolerance, as a top of its own would."""
    fit = EM(starts=2).fit(ScatteredStarts(), DEATHS, 5)
    first, second = fit.climbs
    left = replace(first, status=Status.OUTRUN, objective=second.objective + ahead)
    made = assemble(ScatteredStarts(), [left, second], 2, 1e-5, interrupted=False, n_steps=9)
    assert made.best == (0 if ahead == 1.0 else 1)


def test_short_runs_are_a_race_with_one_rung():
    fit = EM(starts=6, short_runs=4).fit(ScatteredStarts(), DEATHS, 0)
    heights = [c.trace.objective[c.trace.accepted][:5].max() for c in fit.climbs]
    assert fit.best == int(np.argmax(heights))
    assert [c.status is Status.OUTRUN for c in fit.climbs].count(False) == 1


def test_of_starts_on_the_same_hill_one_goes_on():
    fit = EM(starts=6, tol=1e-8).fit(ScatteredStarts(), DEATHS, 0)  # one maximum, up to order
    assert len(survivors(TwoPoissons.space, dict(enumerate(fit.climbs)), Race(keep=1.0))) == 1


class Collapses(ScatteredStarts):
    """The E-step with this number finds no finite likelihood."""

    def __init__(self, number):
        self.left = number

    def e_step(self, params, chunk):
        self.left -= 1
        if self.left == 0:
            raise DegenerateError("collapsed")
        return super().e_step(params, chunk)


def test_where_the_winner_of_a_race_collapses_the_next_goes_on():
    em = EM(starts=3, short_runs=3, accelerate="none", tol=1e-3, backend="serial")
    # three starts take four E-steps each, the first of which evaluates it; then the winner goes on
    fit = em.fit(Collapses(13), DEATHS, 0)
    assert fit.status is Status.CONVERGED
    told = sorted(climb.status.name for climb in fit.climbs)
    assert told == ["CONVERGED", "DEGENERATE", "OUTRUN"]


# -- optima ------------------------------------------------------------------------------------


class Exchangeable(TwoNormals):
    """The engine is told that variances go with their components."""

    space = NormalsParams(*(type(c)(exchangeable=(0,)) for c in TwoNormals.space))


def test_equal_heights_at_other_parameters_are_two_optima():
    # symmetric data with a clump in the middle: it joins the one side or the other
    side = np.linspace(-0.5, 0.5, 21)
    x = Rows.of(np.r_[side - 8, side, side + 8])
    start = TwoNormals().start(x, None)
    left = start._replace(means=np.array([-4.0, 8.0]), variances=np.array([17.0, 0.1]))
    right = start._replace(means=np.array([4.0, -8.0]), variances=np.array([17.0, 0.1]))
    fit = EM(tol=1e-9).fit(Exchangeable(), x, start=[left, right, left])
    assert [optimum.hits for optimum in fit.certificate.optima] == [2, 1]
    assert fit.certificate.optima[0].objective == pytest.approx(
        fit.certificate.optima[1].objective, abs=1e-7
    )
    assert "equal at other parameters" in " ".join(fit.certificate.sentences())
    turned = type(left)(*(leaf[::-1] for leaf in left))
    (one,) = EM(tol=1e-9).fit(Exchangeable(), x, start=[left, turned]).certificate.optima
    assert one.hits == 2


# -- before the climb --------------------------------------------------------------------------


class Tempered(ScatteredStarts):
    """Responsibilities in proportion to a power of the joint density."""

    def tempered_e_step(self, params, chunk, beta):
        tempered = PoissonParams(params.weights**beta, params.rates)
        plain = self.e_step(params, chunk)
        if beta == 1:
            return plain
        joint = np.log(tempered.weights) + beta * (chunk.x * np.log(params.rates) - params.rates)
        resp = np.exp(joint - np.logaddexp(*joint.T)[:, None]) * chunk.weights[:, None]
        stats = plain.stats._replace(count=resp.sum(axis=0), total=resp.T @ chunk.x[:, 0])
        return plain._replace(stats=stats)


def test_annealing_comes_before_the_climb():
    assert "a tempered E-step at 1 is plain" in check_model(Tempered(), DEATHS).passed
    fit = EM(anneal=(0.5, 0.8, 1.0), starts=3).fit(Tempered(), DEATHS, 0)
    assert fit.loglik == pytest.approx(-1989.945859883, abs=1e-4)  # Hasselblad (1969)
    traces = sum(len(c.trace.objective) - 1 for c in fit.climbs)
    assert fit.certificate.n_steps_all == traces + 3 * 3 * starts.ANNEAL_STEPS


def test_annealing_at_one_is_plain_em():
    settings = {"accelerate": "none", "tol": 1e-2}
    plain = EM(**settings).fit(Tempered(), DEATHS, 0)
    annealed = EM(**settings, anneal=(1.0,)).fit(Tempered(), DEATHS, 0)
    n = starts.ANNEAL_STEPS
    np.testing.assert_array_equal(annealed.trace.objective, plain.trace.objective[n:])


def test_a_model_that_cannot_be_annealed_is_refused_by_name():
    with pytest.raises(TypeError, match="TwoPoissons, which has no tempered_e_step"):
        EM(anneal=(0.5, 1.0)).fit(TwoPoissons(), DEATHS, 0)


def test_warming_up_comes_before_the_climb():
    data = RowSource(Rows.of(np.tile(WAITS.x, (20, 1))))
    fit = EM(warm_up=WarmUp(passes=2)).fit(TwoNormals(), data, 0)
    plain = EM().fit(TwoNormals(), data, 0)
    assert fit.objective == pytest.approx(plain.objective, abs=1e-4)
    assert fit.trace.objective[0] > plain.trace.objective[0]
    assert fit.certificate.n_steps_all == fit.certificate.n_steps + 2


@pytest.mark.parametrize(
    ("setting", "value", "kind"),
    [
        ("race", 0.0, ValueError),
        ("race", 1.5, ValueError),
        ("race", "fast", TypeError),
        ("short_runs", -1, ValueError),
        ("short_runs", 2.5, TypeError),
        ("anneal", (0.0, 1.0), ValueError),
        ("anneal", (2.0,), ValueError),
        ("anneal", ("hot",), TypeError),
        ("anneal", 0.5, TypeError),
        ("warm_up", 2, TypeError),
        ("checkpoint", 3, TypeError),
        ("checkpoint", "", TypeError),
        ("every", -1.0, ValueError),
    ],
)
def test_settings_are_refused_in_a_sentence(setting, value, kind):
    with pytest.raises(kind, match=f"got {setting}="):
        EM(**{setting: value}).fit(ScatteredStarts(), DEATHS, 0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"anneal": (-1,)}, "expected inverse temperatures above 0 and at most 1"),
        ({"anneal": (np.nan,)}, "expected inverse temperatures above 0 and at most 1"),
        ({"race": -0.5}, "got race=-0.5, expected True, False or a share between 0 and 1"),
        ({"race": "yes"}, "got race='yes', expected True, False or a share between 0 and 1"),
    ],
)
def test_a_refusal_says_what_is_expected(setting, said):
    with pytest.raises((TypeError, ValueError), match=said):
        EM(**setting).fit(ScatteredStarts(), DEATHS, 0)


def test_a_race_and_short_runs_exclude_each_other():
    with pytest.raises(ValueError, match="expected one of them"):
        EM(race=True, short_runs=5).fit(ScatteredStarts(), DEATHS, 0)
