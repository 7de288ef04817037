"""Callbacks: what they are told, in what order, and what happens where they fail."""

import io

import pytest

from latentia.engine import EM, NotConvergedWarning, Status
from latentia.engine.callbacks import Bar, Callback, Lines, Plan, Recorder, Step, told

from .models import DEATHS, ScatteredStarts, SometimesInterrupted, TwoPoissons, WrongMStep


def test_a_recorder_is_told_everything_in_order():
    recorder = Recorder()
    assert isinstance(recorder, Callback)
    settings = EM(tol=1e-6, max_iter=500, starts=3, callbacks=[recorder])
    fit = settings.fit(ScatteredStarts(), DEATHS, 0)
    assert recorder.plan == Plan("ScatteredStarts", 3, 500, 1e-6)
    assert recorder.fit is fit
    assert [step.start for step in recorder.steps] == sorted(s.start for s in recorder.steps)
    for i, climb in enumerate(fit.climbs):
        steps = [step for step in recorder.steps if step.start == i]
        assert [step.n_steps for step in steps] == list(range(len(climb.trace.objective)))
        assert [step.accepted for step in steps] == list(climb.trace.accepted)
        objectives = [step.objective for step in steps]
        assert objectives == sorted(objectives)  # the best so far never falls
        assert objectives[-1] == climb.objective


def test_several_callbacks_are_all_told():
    first, second = Recorder(), Recorder()
    EM(callbacks=(first, second)).fit(TwoPoissons(), DEATHS, 0)
    assert first.steps == second.steps
    assert first.steps


def test_an_exception_in_a_callback_ends_the_fit():
    class Full(Recorder.__mro__[0].__base__):  # a plain object
        def on_start(self, plan):
            pass

        def on_step(self, step):
            raise OSError("no space left on device")

        def on_end(self, fit):
            raise AssertionError("not told of a fit that failed")

    with pytest.raises(OSError, match="no space left"):
        EM(callbacks=[Full()]).fit(TwoPoissons(), DEATHS, 0)


class InterruptAt:
    """A user who presses Ctrl-C at some step."""

    def __init__(self, start, n_steps):
        self.at = (start, n_steps)
        self.best = None
        self.ended = None

    def on_start(self, plan):
        pass

    def on_step(self, step):
        self.best = step.objective
        if (step.start, step.n_steps) == self.at:
            raise KeyboardInterrupt

    def on_end(self, fit):
        self.ended = fit


@pytest.mark.parametrize("method", ["none", "squarem", "quasi-newton", "auto"])
def test_an_interrupt_keeps_the_best_so_far(method):
    callback = InterruptAt(0, 5)
    with pytest.warns(NotConvergedWarning, match="interrupted"):
        fit = EM(callbacks=[callback], accelerate=method).fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.INTERRUPTED
    assert callback.ended is fit
    assert fit.objective == callback.best == fit.trace.objective[fit.trace.accepted].max()
    assert TwoPoissons().e_step(fit.params, DEATHS).loglik == pytest.approx(fit.objective)
    assert fit.certificate.n_steps == 5


def test_an_interrupt_in_a_later_start_keeps_the_earlier_ones():
    with pytest.warns(NotConvergedWarning, match="interrupted"):
        fit = EM(starts=4, callbacks=[InterruptAt(1, 0)]).fit(ScatteredStarts(), DEATHS, 0)
    assert fit.status is Status.INTERRUPTED
    assert len(fit.climbs) == 2
    assert fit.loglik == pytest.approx(-1989.945859883, abs=1e-4)  # that of the first, finished
    with pytest.warns(NotConvergedWarning, match="interrupted"):
        fit = EM(starts=4).fit(SometimesInterrupted(), DEATHS, 0)
    assert fit.status is Status.INTERRUPTED
    assert len(fit.climbs) == 2


def test_an_interrupt_inside_compiled_code_is_one_and_other_system_errors_are_not():
    class InCompiledCode(InterruptAt):
        cause: BaseException = KeyboardInterrupt()

        def on_step(self, step):
            try:
                if (step.start, step.n_steps) == self.at:
                    raise self.cause
            except BaseException as error:
                raise SystemError("returned a result with an exception set") from error

    with pytest.warns(NotConvergedWarning, match="interrupted"):
        fit = EM(callbacks=[InCompiledCode(0, 3)]).fit(TwoPoissons(), DEATHS, 0)
    assert fit.status is Status.INTERRUPTED
    other = InCompiledCode(0, 3)
    other.cause = ZeroDivisionError()
    with pytest.raises(SystemError, match="with an exception set"):
        EM(callbacks=[other]).fit(TwoPoissons(), DEATHS, 0)


def test_an_interrupt_before_anything_is_known_is_passed_on():
    class Impatient(InterruptAt):
        def on_start(self, plan):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EM(callbacks=[Impatient(0, 0)]).fit(TwoPoissons(), DEATHS, 0)


def test_lines_are_plain_and_seldom():
    stream = io.StringIO()
    EM(callbacks=[Lines(every=0.0, stream=stream)]).fit(TwoPoissons(), DEATHS, 0)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("E-step 0: objective -")
    assert lines[-1].startswith("done: objective -1989.9458")
    assert lines[-1].endswith("CONVERGED")
    assert not any("\x1b" in line or "\r" in line for line in lines)
    seldom = io.StringIO()
    EM(callbacks=[Lines(every=3600.0, stream=seldom)]).fit(TwoPoissons(), DEATHS, 0)
    assert len(seldom.getvalue().splitlines()) == 1


def test_a_step_in_words():
    step = Step(1, 12, -10.5, 0.25, True)
    assert told(step, 3) == "start 2/3, E-step 12: objective -10.5000, about 0.25 nats left"
    assert told(step._replace(remaining=float("inf")), 1) == "E-step 12: objective -10.5000"
    assert "left" not in told(step._replace(remaining=float("nan")), 1)


def test_the_bar_gives_the_terminal_back(capsys):
    fit = EM(progress=True, starts=2).fit(ScatteredStarts(), DEATHS, 0)
    assert fit.status is Status.CONVERGED
    assert capsys.readouterr().out == ""

    class Broken(TwoPoissons):
        def m_step(self, suff, params):
            raise ZeroDivisionError

    bar = Bar()
    with pytest.raises(ZeroDivisionError):
        EM(callbacks=[bar]).fit(Broken(), DEATHS, 0)
    with pytest.warns(UserWarning, match="fell"):  # a second one can be drawn
        EM(callbacks=[Bar()]).fit(WrongMStep(), DEATHS, 0)
