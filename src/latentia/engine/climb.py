"""The only loop: from one start to one top."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np

from .accelerate import Accelerator, Here
from .callbacks import Step
from .certificate import Status
from .chart import Chart, ConstraintError, check
from .edges import Edges
from .evaluator import FAILURES, Evaluator, Point
from .explore import explore, settle
from .numerical import with_score
from .space import DegenerateError, OutOfChartError
from .stopping import CONFIRMATIONS, Progress
from .trace import Climb, ClimbState, Record
from .tree import Array, Tree, transform

SLOWEST = 0.9999
"""A share of its error that EM keeps a step, above which hardly any climb is."""

HALVINGS = 12
"""How often an inexact M-step is halved before its fall is believed."""

REACHES = (1e-1, 1e-2, 1e-3, 1e-4)
"""How far, in the chart's coordinates, q is followed along its gradient at a presumed maximum."""


def _interrupts(error: BaseException | None) -> bool:
    """Whether it is Ctrl-C, which compiled code may pass on inside a `SystemError`."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def climb(
    evaluator: Evaluator,
    start: Tree,
    accelerator: Accelerator[Any],
    tol: float,
    max_iter: int,
    tell: Callable[[Step], None],
    index: int = 0,
    state: ClimbState | None = None,
    keep: Callable[[ClimbState], None] | None = None,
) -> Climb:
    """Climb from `start` until the estimated remaining gain is below `tol` nats.

    Every step taken keeps the objective from falling by more than rounding: a proposal of the
    accelerator that falls is shortened, then replaced by the plain EM step; a plain EM step
    that falls ends the climb at the best point, as `Status.DECREASED`.

    Parameters
    ----------
    state : ClimbState, optional
        Go on from here instead of from `start`, to the bit as if there had been no break; the
        E-steps of its trace count towards `max_iter`.
    keep : callable, optional
        Called before every move with the state to go on from.

    Raises
    ------
    ConstraintError
        If the M-step leaves the model's own space.
    """
    climber = Climber(evaluator, start, accelerator, tol, max_iter, tell, index)
    return climber.run(state, keep)


@final
class Climber:
    """The state of one climb, kept together while `climb` runs."""

    def __init__(
        self,
        evaluator: Evaluator,
        start: Tree,
        accelerator: Accelerator[Any],
        tol: float,
        max_iter: int,
        tell: Callable[[Step], None],
        index: int,
    ) -> None:
        self.evaluator, self.model = evaluator, evaluator.model
        self.space = self.model.space  # made anew each time it is asked for
        self.start, self.accelerator = start, accelerator
        self.tol, self.max_iter, self.tell, self.index = tol, max_iter, tell, index
        self.record = Record()
        self.progress, self.edges = Progress(), Edges()
        self.remaining = float("inf")
        self.largest_fall = 0.0
        self.point: Point | None = None
        self.refused = self.looks = 0
        self.looked = -np.inf

    def run(self, state: ClimbState | None, keep: Callable[[ClimbState], None] | None) -> Climb:
        try:
            with np.errstate(all="ignore"):
                status, detail = self._run(state, keep)
        except (KeyboardInterrupt, SystemError) as error:
            if not _interrupts(error):
                raise
            if self.point is None:
                raise KeyboardInterrupt from error
            status, detail = Status.INTERRUPTED, ""
        return self._result(status, detail)

    def _state(self, point: Point) -> ClimbState:
        return ClimbState(
            self.start,
            point.params,
            self.chart.base,
            self.state,
            self.progress,
            self.record.array(),
            self.remaining,
            self.largest_fall,
            self.refused,
            self.looks,
            self.looked,
            self.edges,
        )

    def _go_on(self, state: ClimbState) -> Tree:
        """Take up what `_state` laid down; where the climb stands."""
        self.start, self.state = state.start, state.method
        self.progress, self.edges = state.progress, state.edges
        self.record = Record(state.rows)
        self.remaining, self.largest_fall = state.remaining, state.largest_fall
        self.refused, self.looks, self.looked = state.refused, state.looks, state.looked
        self.chart = Chart(self.space, state.base)
        return state.params

    def _result(self, status: Status, detail: str) -> Climb:
        point = self.point
        here = None if point is None else point.here
        return Climb(
            params=self.start if point is None else point.params,
            suff=None if point is None else point.suff,
            objective=-np.inf if point is None else point.objective,
            status=status,
            detail=detail,
            trace=self.record.trace(),
            n_refused=self.refused,
            looked_around=self.looks > 0,
            state=None if point is None else self._state(point),
            remaining_gain=self.remaining,
            em_rate=self.progress.em_rate,
            largest_fall=self.largest_fall,
            score_norm=float("nan")
            if here is None
            else float(np.max(np.abs(here.score), initial=0.0)),
            rounding=0.0 if point is None else point.rounding,
        )

    def _run(
        self, state: ClimbState | None, keep: Callable[[ClimbState], None] | None
    ) -> tuple[Status, str]:
        first = self.start if state is None else self._go_on(state)
        check(self.space, first, self.start)
        try:
            if state is None:
                self.chart_around(first)
            self.point = self.visit(first)
        except FAILURES as failure:
            return Status.DEGENERATE, str(failure)
        if not self.record.rows:
            self.note(self.point.objective, accepted=True, em=True)
        while True:
            if keep is not None:
                keep(self._state(self.point))
            ended = self._move(self.point)
            if ended is not None:
                return ended

    def _move(self, point: Point) -> tuple[Status, str] | None:
        """One move of the climb; how it ends, if it does."""
        here = point.here
        explores = here is not None and self.accelerator.explores
        if here is not None and explores and settle(self, point, here):
            return None
        proposal = None if here is None else self.accelerator.propose(self.state, here)
        if here is not None and proposal is not None and self._judge(here, proposal.left):
            stuck = self._contradiction(point, here, 100 * max(self.tol, point.rounding))
            if stuck > 0:
                return Status.DECREASED, f"q can still rise by {stuck:.3g} nats"
            if explores and explore(self, point, here):
                return None
            return Status.CONVERGED, ""
        if self.record.moves >= self.max_iter:
            return Status.MAX_ITER, ""
        step = None if proposal is None else proposal.step
        if here is not None and self._accelerate(point, here, step):
            return None
        if self.record.moves >= self.max_iter:
            return Status.MAX_ITER, ""
        return self._em_step(point)

    def chart_around(self, params: Tree) -> None:
        self.chart = Chart(self.space, params)
        self.state = self.accelerator.begin(self.chart.size)
        self.progress = Progress()

    def visit(self, params: Tree, least: float = -np.inf, chart: Chart | None = None) -> Point:
        """An E-step, an M-step, and the score at `params`.

        Where the objective is below `least` the point is not worth an M-step. The point is
        degenerate if its own EM step is: an accelerator must not lead into a hole.
        """
        suff, rounding = self.evaluator.suff(params)
        objective = self.evaluator.objective(params, suff)
        if not np.isfinite(objective):
            raise DegenerateError(f"the objective became {objective}")
        if objective < least:
            return Point(params, suff, params, objective, rounding, None)
        em_params = self.model.m_step(suff, params)
        check(self.space, em_params, self.start)
        chart = self.chart if chart is None else chart
        try:
            ahead = chart.pack(em_params)
        except OutOfChartError:
            chart.pack(params)  # that these have coordinates is asked all the same
            return Point(params, suff, em_params, objective, rounding, None)
        x, score = with_score(self.model, chart, params, suff)
        here = Here(x, objective, ahead - x, score)
        return Point(params, suff, em_params, objective, rounding, here)

    def note(self, objective: float, *, accepted: bool, em: bool) -> None:
        self.record.rows.append((objective, accepted, em))
        best = objective if self.point is None else self.point.objective
        self.tell(Step(self.index, self.record.moves, best, self.remaining, accepted))

    def _judge(self, here: Here, predicted: float) -> bool:
        """Whether the climb has converged; starts a confirmation where it may have."""
        assert self.point is not None
        enough = max(self.tol, self.point.rounding)
        self.remaining = self.progress.remaining(here, predicted, enough)
        if self.progress.plain >= CONFIRMATIONS and self.remaining <= enough:
            return True
        if predicted <= enough and here.em_gain <= enough:
            self.progress = self.progress.confirm()
        return False

    def _contradiction(self, point: Point, here: Here, enough: float) -> float:
        """What q gains along its own gradient where an exact M-step stands still; 0 if not enough.

        The M-step maximises q, so a vanishing step with a score that does not vanish says that
        it does not. No data are touched.
        """
        slope = float(here.score @ here.score)
        if not self.model.m_step_exact or not slope > 0:
            return 0.0

        def height(params: Tree) -> float:
            return self.model.q(params, point.suff) + self.model.log_prior(params)

        base, most = height(point.params), 0.0
        length = float(np.max(np.abs(here.score)))
        for reach in REACHES:
            try:
                raised = height(self.chart.unpack(here.x + (reach / length) * here.score)) - base
            except FAILURES:
                continue
            most = max(most, raised) if np.isfinite(raised) else most
        return most if most > enough else 0.0

    def _accelerate(self, point: Point, here: Here, step: Array | None) -> bool:
        """Try the accelerator's step and its retries; False where the EM step is to be taken."""
        if self.progress.confirming:
            return False
        tries = 0
        while step is not None and self.record.moves < self.max_iter:
            there = self.attempt(here.x + step, point.objective - point.rounding)
            if there is not None and there.here is not None:
                self.take(there, em=False)
                return True
            self.note(np.nan if there is None else there.objective, accepted=False, em=False)
            self.refused += 1
            tries += 1
            step = self.accelerator.retry(self.state, step, tries)
        if tries:
            self.state = self.accelerator.refuse(self.state)
        return False

    def attempt(self, x: Array, least: float) -> Point | None:
        """The point at coordinates `x`, or None where it is degenerate."""
        try:
            return self.visit(self.chart.unpack(x), least)
        except (*FAILURES, ConstraintError):  # a plain EM step is where a wrong model is named
            return None

    def _em_step(self, point: Point) -> tuple[Status, str] | None:
        """Take the plain EM step; say how the climb ends if it cannot be taken."""
        if point.here is None:
            try:
                self.chart_around(point.em_params)
            except FAILURES as failure:
                return Status.DEGENERATE, str(failure)
        try:
            there = self.visit(point.em_params, point.objective - 1e3 * point.rounding)
        except FAILURES as failure:
            self.note(np.nan, accepted=False, em=True)
            return Status.DEGENERATE, str(failure)
        fall = point.objective - there.objective
        if fall <= max(point.rounding, there.rounding):
            self.take(there, em=True)
            return None
        self.note(there.objective, accepted=False, em=True)
        if not self.model.m_step_exact:
            try:
                halved = self._halve(point)
            except FAILURES as failure:
                return Status.DEGENERATE, str(failure)
            if halved is not None:
                self.take(halved, em=True)
                return None
        if self._is_rounding(point, fall):
            return Status.CONVERGED, "down to the rounding of the statistics"
        if not self.model.m_step_exact and self.record.moves >= self.max_iter:
            return Status.MAX_ITER, ""  # shorter steps are still to be tried
        self.largest_fall = max(self.largest_fall, fall)
        return Status.DECREASED, f"it fell by {fall:.3g} nats"

    def _is_rounding(self, point: Point, fall: float) -> bool:
        """Whether a fall is what ill-conditioned statistics leave at a maximum.

        It is where the step promised no more than may be left to gain, lost no more than that,
        and q itself could not rise by another.
        """
        here = point.here
        enough = max(self.tol, 1000 * point.rounding)
        if here is None or fall > enough or abs(here.em_gain) > enough:
            return False
        # beyond that an estimate is asked for too: rates of rounding are noise. Where
        # a step is so small that no rate below SLOWEST leaves more than `tol`, none is needed
        known = fall <= 1000 * point.rounding or np.isfinite(self.remaining)
        known |= max(fall, abs(here.em_gain)) <= (1 - SLOWEST) * self.tol
        return known and not self._contradiction(point, here, enough)

    def _halve(self, point: Point) -> Point | None:
        """An inexact M-step, shortened until the objective does not fall.

        Raises what the shortest leads to where that is a hole: there is no other way up. A step
        out of the chart, as to a weight of exactly zero, is shortened in the parameters.
        """
        if point.here is None:
            self.chart_around(point.params)
        share, hole = 1.0, None
        for _ in range(HALVINGS):
            if self.record.moves >= self.max_iter:
                return None
            share /= 2
            least = point.objective - point.rounding
            try:
                there, hole = self.visit(self._part_way(point, share), least), None
            except FAILURES as failure:
                there, hole = None, failure
            except ConstraintError:  # the M-step there, not the one of this point
                there, hole = None, None
            if there is not None and there.objective >= least:
                return there  # noted once it is taken
            self.note(np.nan if there is None else there.objective, accepted=False, em=True)
        if hole is not None:
            raise hole
        return None

    def _part_way(self, point: Point, share: float) -> Tree:
        """A share of the way to where the M-step goes."""
        if point.here is not None:
            return self.chart.unpack(point.here.x + share * point.here.em_step)

        def between(a: Array, b: Array) -> Array:
            return a + share * (b - a)

        params = transform(between, point.params, point.em_params)
        check(self.space, params, self.start)
        return params

    def take(self, there: Point, *, em: bool) -> None:
        """Move to `there` and let the accelerator and the stopping rule learn from it."""
        before = self.point
        assert before is not None
        self.point = there
        if before.here is not None and there.here is not None:
            self.state = self.accelerator.accept(self.state, before.here, there.here, em=em)
            self.edges = self.edges.stepped()
            enough = max(self.tol, there.rounding)
            self.progress = self.progress.after(before.here, there.here, enough, em=em)
        self.note(there.objective, accepted=True, em=em)
