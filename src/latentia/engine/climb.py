"""The only loop: from one start to one top."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import tree
from .accelerate import Accelerator, Here
from .backend import Mapper
from .callbacks import Step
from .certificate import Status
from .chart import Chart, check
from .curvature import ways_on
from .edges import GROWTH, RELEASES, WAIT, Edges, away, growing, inward, lift, trials
from .model import Chunk, Model, Suff
from .numerical import chart_score
from .space import DegenerateError, OutOfChartError
from .space.constraint import Mask
from .stopping import CONFIRMATIONS, Progress
from .trace import Climb, ClimbState, Record
from .tree import Array, Tree

HALVINGS = 12
"""How often an inexact M-step is halved before its fall is believed."""

LONG = 40
"""Moves after which an accelerated climb looks around before it says it has converged."""

REACHES = (1e-1, 1e-2, 1e-3, 1e-4)
"""How far, in the chart's coordinates, q is followed along its gradient at a presumed maximum."""

LOOKS = 5
"""How often a climb looks around, at most."""

_FAILURES = (DegenerateError, OutOfChartError, np.linalg.LinAlgError, FloatingPointError)


class Evaluator:
    """The objective and statistics of some data at any parameters.

    Parameters
    ----------
    model : Model
    chunks : sequence of Chunk
        Prepared.
    mapper : Mapper
    """

    def __init__(self, model: Model[Any, Any], chunks: Sequence[Chunk], mapper: Mapper) -> None:
        self.model, self.chunks, self.mapper = model, chunks, mapper

    def suff(self, params: Tree) -> tuple[Suff, float]:
        """The statistics of all chunks, and the rounding of their log-likelihood in nats."""

        def e_step(chunk: Chunk) -> Suff:
            with np.errstate(all="ignore"):  # what is not finite is refused, not warned of
                return self.model.e_step(params, chunk)

        parts = self.mapper.map(e_step, self.chunks)
        total: Suff = tree.reduce_in_order(parts)
        rounding = 8 * float(np.finfo(np.float64).eps) * sum(abs(p.loglik) for p in parts)
        return total, rounding

    def objective(self, params: Tree, suff: Suff) -> float:
        """Log-likelihood plus log-prior."""
        return float(suff.loglik) + float(self.model.log_prior(params))


class Point(NamedTuple):
    """A visited point: its parameters, statistics, and where the M-step goes from it."""

    params: Tree
    suff: Suff
    em_params: Tree
    objective: float
    rounding: float
    here: Here | None  # None where the chart cannot express the EM step


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
    climber = _Climber(evaluator, start, accelerator, tol, max_iter, tell, index)
    return climber.run(state, keep)


class _Climber:
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
        self.start, self.accelerator = start, accelerator
        self.tol, self.max_iter, self.tell, self.index = tol, max_iter, tell, index
        self.record = Record()
        self.progress, self.edges = Progress(), Edges()
        self.remaining = float("inf")
        self.largest_fall = 0.0
        self.point: Point | None = None
        self.refused = self.looks = 0

    def run(self, state: ClimbState | None, keep: Callable[[ClimbState], None] | None) -> Climb:
        try:
            with np.errstate(all="ignore"):
                status, detail = self._run(state, keep)
        except KeyboardInterrupt:
            if self.point is None:
                raise
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
            self.edges,
        )

    def _go_on(self, state: ClimbState) -> Tree:
        """Take up what `_state` laid down; where the climb stands."""
        self.start, self.state = state.start, state.method
        self.progress, self.edges = state.progress, state.edges
        self.record = Record(state.rows)
        self.remaining, self.largest_fall = state.remaining, state.largest_fall
        self.refused, self.looks = state.refused, state.looks
        self.chart = Chart(self.model.space, state.base)
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
        check(self.model.space, first, self.start)
        try:
            if state is None:
                self._chart_around(first)
            self.point = self._visit(first)
        except _FAILURES as failure:
            return Status.DEGENERATE, str(failure)
        if not self.record.rows:
            self._note(self.point.objective, accepted=True, em=True)
        while True:
            if keep is not None:
                keep(self._state(self.point))
            ended = self._move(self.point)
            if ended is not None:
                return ended

    def _move(self, point: Point) -> tuple[Status, str] | None:
        """One move of the climb; how it ends, if it does."""
        here = point.here
        if here is not None and self._settle(point, here):
            return None
        proposal = None if here is None else self.accelerator.propose(self.state, here)
        if here is not None and proposal is not None and self._judge(here, proposal.left):
            stuck = self._contradiction(point, here, 100 * max(self.tol, point.rounding))
            if stuck > 0:
                return Status.DECREASED, f"q can still rise by {stuck:.3g} nats"
            if self._release(point) or self._grow(point, here) or self._look_around(point, here):
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

    def _chart_around(self, params: Tree) -> None:
        self.chart = Chart(self.model.space, params)
        self.state = self.accelerator.begin(self.chart.size)
        self.progress = Progress()

    def _visit(self, params: Tree, least: float = -np.inf) -> Point:
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
        check(self.model.space, em_params, self.start)
        x = self.chart.pack(params)
        try:
            em_step = self.chart.pack(em_params) - x
        except OutOfChartError:
            return Point(params, suff, em_params, objective, rounding, None)
        score = chart_score(self.model, self.chart, params, suff)
        here = Here(x, objective, em_step, score)
        return Point(params, suff, em_params, objective, rounding, here)

    def _note(self, objective: float, *, accepted: bool, em: bool) -> None:
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
            except _FAILURES:
                continue
            most = max(most, raised) if np.isfinite(raised) else most
        return most if most > enough else 0.0

    def _accelerate(self, point: Point, here: Here, step: Array | None) -> bool:
        """Try the accelerator's step and its retries; False where the EM step is to be taken."""
        if self.progress.confirming:
            return False
        tries = 0
        while step is not None and self.record.moves < self.max_iter:
            there = self._try(here.x + step, point.objective - point.rounding)
            if there is not None and there.here is not None:
                self._take(there, em=False)
                return True
            self._note(np.nan if there is None else there.objective, accepted=False, em=False)
            self.refused += 1
            tries += 1
            step = self.accelerator.retry(self.state, step, tries)
        if tries:
            self.state = self.accelerator.refuse(self.state)
        return False

    def _settle(self, point: Point, here: Here) -> bool:
        """Try what runs to a boundary exactly there; whether the climb moved."""
        if self.edges.wait or self.record.moves >= self.max_iter:
            return False
        before, tried = self.chart, False
        for trial in trials(self.chart, point.params, point.em_params, here.score):
            if self.record.moves >= self.max_iter:
                break
            tried = True
            try:
                params = before.settled(point.params, *trial)
                self.chart, rebinding = before.holding(*trial)
                there = self._visit(params, point.objective - point.rounding)
            except _FAILURES:
                there = None
            if there is not None and there.here is not None:
                self.state = self.accelerator.rebind(self.state, rebinding)
                self.progress = self.progress.interrupted()
                self.point, self.edges = there, self.edges.settled()
                self._note(there.objective, accepted=True, em=False)
                return True
            self.chart = before
            self._note(np.nan if there is None else there.objective, accepted=False, em=False)
        if tried:
            self.edges = self.edges.refused()
        return False

    def _release(self, point: Point) -> bool:
        """Let go what should not be on its boundary; whether the climb moved."""
        raised = lift(self.model.space, point.params, self.start)
        if raised is None or self.edges.releases >= RELEASES:
            return False
        before, enough = self.chart, max(self.tol, point.rounding)
        there = self._visit_elsewhere(raised.params, -np.inf)
        if there is None or there.here is None:
            self.chart = before
            return False
        runs = self.chart.running(raised.params, there.em_params, there.here.score)
        go = inward(raised, runs, enough)
        for params in () if go is None else self._away(point, go):
            if self.record.moves >= self.max_iter:
                break
            there = self._visit_elsewhere(params, point.objective + point.rounding)
            if there is not None and there.here is not None:
                self.point = there
                self.state = self.accelerator.begin(self.chart.size)
                self.progress = Progress()
                self.edges = Edges(WAIT, 0, self.edges.releases + 1)
                return True
        self.chart = before
        return False

    def _grow(self, point: Point, here: Here) -> bool:
        """Let small entries grow, the others following; whether the climb moved."""
        enough = max(self.tol, point.rounding)
        trial = growing(self.chart, point.params, point.em_params, here.score, enough)
        if trial is None or self.edges.releases >= RELEASES:
            return False
        for factor in GROWTH:
            if self.record.moves + 2 > self.max_iter:
                return False
            try:
                grown = self.chart.pack(self.chart.settled(point.params, *trial, factor))
            except _FAILURES:
                continue
            there = self._probe(grown, -np.inf)
            if there is None or there.here is None:
                continue
            rest = np.abs(grown - here.x) < 1e-9
            step = rest * self.accelerator.inverse(
                self.state, rest * there.here.score, rest * there.here.em_step
            )
            if there.objective < point.objective + enough:
                there = self._probe(grown + step, point.objective + enough)
            if there is not None and there.here is not None:
                if there.objective < point.objective + enough:
                    continue
                self._take(there, em=False)
                self.edges = self.edges._replace(releases=self.edges.releases + 1)
                return True
        return False

    def _probe(self, x: Array, least: float) -> Point | None:
        """A look at the point at `x`, which counts as an E-step that was not taken."""
        there = self._try(x, least)
        self._note(np.nan if there is None else there.objective, accepted=False, em=False)
        return there

    def _away(self, point: Point, go: list[Mask]) -> Iterator[Tree]:
        space = self.model.space
        return away(space, point.params, self.start, go, lambda params: Chart(space, params))

    def _visit_elsewhere(self, params: Tree, least: float) -> Point | None:
        """A point outside the chart at hand, in a chart of its own, which is then in force."""
        try:
            self.chart = Chart(self.model.space, params)
            there = self._visit(params, least)
        except _FAILURES:
            there = None
        gained = there is not None and there.here is not None and there.objective >= least > -np.inf
        self._note(np.nan if there is None else there.objective, accepted=gained, em=False)
        return there

    def _look_around(self, point: Point, here: Here) -> bool:
        """Leave a saddle or a flat place that looked like a maximum; False where it is one.

        Only after a long accelerated climb: a secant method sees no curvature in directions it
        never went, and may stop where plain EM would creep on for thousands of steps.
        """
        long = self.record.moves >= LONG and self.record.accelerated
        if not long or self.looks >= LOOKS or self.record.moves >= self.max_iter:
            return False
        self.looks += 1

        def probe(step: Array) -> Here | None:
            if self.record.moves >= self.max_iter:
                return None
            there = self._try(here.x + step, -np.inf)
            self._note(np.nan if there is None else there.objective, accepted=False, em=False)
            return None if there is None else there.here

        def inverse(score: Array, em_step: Array) -> Array:
            return self.accelerator.inverse(self.state, score, em_step)

        enough = max(self.tol, point.rounding)
        for step in ways_on(here, probe, inverse):
            if self.record.moves >= self.max_iter:
                return False
            there = self._try(here.x + step, point.objective + enough)
            if there is not None and there.here is not None:
                self.point = there
                self.state = self.accelerator.begin(self.chart.size)
                self.progress = Progress()
                self._note(there.objective, accepted=True, em=False)
                return True
            self._note(np.nan if there is None else there.objective, accepted=False, em=False)
        return False

    def _try(self, x: Array, least: float) -> Point | None:
        """The point at coordinates `x`, or None where it is degenerate."""
        try:
            return self._visit(self.chart.unpack(x), least)
        except _FAILURES:
            return None

    def _em_step(self, point: Point) -> tuple[Status, str] | None:
        """Take the plain EM step; say how the climb ends if it cannot be taken."""
        if point.here is None:
            try:
                self._chart_around(point.em_params)
            except _FAILURES as failure:
                return Status.DEGENERATE, str(failure)
        try:
            there = self._visit(point.em_params, point.objective - 1e3 * point.rounding)
        except _FAILURES as failure:
            self._note(np.nan, accepted=False, em=True)
            return Status.DEGENERATE, str(failure)
        fall = point.objective - there.objective
        if fall <= max(point.rounding, there.rounding):
            self._take(there, em=True)
            return None
        self._note(there.objective, accepted=False, em=True)
        if not self.model.m_step_exact:
            halved = self._halve(point)
            if halved is not None:
                self._take(halved, em=True, noted=True)
                return None
        if self._is_rounding(point, fall):
            return Status.CONVERGED, "down to the rounding of the statistics"
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
        return np.isfinite(self.remaining) and not self._contradiction(point, here, enough)

    def _halve(self, point: Point) -> Point | None:
        """An inexact M-step, shortened until the objective does not fall."""
        if point.here is None:
            return None
        share = 1.0
        for _ in range(HALVINGS):
            if self.record.moves >= self.max_iter:
                return None
            share /= 2
            least = point.objective - point.rounding
            there = self._try(point.here.x + share * point.here.em_step, least)
            gained = there is not None and there.objective >= least
            self._note(np.nan if there is None else there.objective, accepted=gained, em=True)
            if gained:
                return there
        return None

    def _take(self, there: Point, *, em: bool, noted: bool = False) -> None:
        """Move to `there` and let the accelerator and the stopping rule learn from it."""
        before = self.point
        assert before is not None
        self.point = there
        if before.here is not None and there.here is not None:
            self.state = self.accelerator.accept(self.state, before.here, there.here, em=em)
            self.edges = self.edges.stepped()
            enough = max(self.tol, there.rounding)
            self.progress = self.progress.after(before.here, there.here, enough, em=em)
        if not noted:
            self._note(there.objective, accepted=True, em=em)
