"""The starts of a fit: run one after another or side by side, raced, each the same bits alone."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, final

import numpy as np

from . import tree
from .accelerate import Accelerator
from .backend import Backend, Threads
from .callbacks import Callback, Step
from .certificate import Status
from .chart import ConstraintError
from .climb import climb
from .cores import available_cores
from .evaluator import FAILURES, Evaluator
from .model import Chunk, Model, Suff
from .online.warm_up import WarmUp
from .relabel import distance
from .trace import Climb, ClimbState
from .tree import Tree

ANNEAL_STEPS = 5
"""EM steps at each inverse temperature."""

RUNGS = (4, 10, 30)
"""E-steps each start of a race has taken when it is judged."""

KEPT = 1 / 3
"""The share of starts that go on from each rung of ``race=True``."""

SHARE = 0.42
"""What a race may cost, as a share of climbing all starts, reckoned by the climbs that have ended.

These are shorter than the others would be: it is about a third in truth."""

LEAST = 2
"""Starts that a race lets climb to the end, at least."""

SAME = 0.02
"""Climbs nearer than this, in `relabel.distance`, are on the same hill."""

WORTH_A_THREAD = 2e-3
"""Seconds of an E-step from which starts are climbed side by side."""


class Race(NamedTuple):
    """Successive halving: at each rung the best go on, the others are left where they are.

    Attributes
    ----------
    rungs : tuple of int
        E-steps that each start has taken when it is judged.
    keep : float
        The share that goes on.
    least : int
        How many go on at least.
    share : float
        What the race may cost, as a share of climbing all starts: as long as it has cost less,
        by the length of the climbs that have ended, the highest of the others go on after all.
    """

    rungs: tuple[int, ...] = RUNGS
    keep: float = KEPT
    least: int = LEAST
    share: float = SHARE


@dataclass(frozen=True)
class Settings:
    """A validated snapshot of `EM`."""

    tol: float
    max_iter: int
    accelerator: Accelerator[Any]
    starts: int
    race: Race | None
    anneal: tuple[float, ...]
    warm_up: WarmUp | None
    backend: Backend
    callbacks: tuple[Callback, ...]
    on_degenerate: str
    checkpoint: str | None
    every: float
    rearrange: int = 0


class Standing(NamedTuple):
    """How far one start has come.

    Attributes
    ----------
    climb : Climb or None
        As it was at the last rung, or at its end.
    state : ClimbState or None
        Where it stands beyond that.
    rungs : int
        Rungs it has reached.
    extra : int
        E-steps that its trace does not show: before the climb, and one for each rung it left.
    """

    climb: Climb | None = None
    state: ClimbState | None = None
    rungs: int = 0
    extra: int = 0


class Progress(NamedTuple):
    """How far all starts have come: what a checkpoint keeps."""

    rung: int
    running: tuple[int, ...]
    standings: tuple[Standing, ...]
    finished: bool


class Paused(KeyboardInterrupt):
    """Ends a climb where it stands, as Ctrl-C does."""


@final
class Runner:
    """Runs starts to their ends.

    Parameters
    ----------
    settings : Settings
    evaluator : Evaluator
    make : callable
        The parameters that start i begins from, the same at each call.
    indices : sequence of int
        The numbers of the starts.
    children : sequence of numpy.random.Generator
        What warming up draws from.
    state : ClimbState, optional
        Where a fit that is resumed goes on.
    keep : callable, optional
        Given the progress after every move, and whether it is worth keeping at once.
    """

    def __init__(
        self,
        settings: Settings,
        evaluator: Evaluator,
        make: Callable[[int], tuple[Tree, np.random.Generator]],
        indices: Sequence[int],
        state: ClimbState | None = None,
        keep: Callable[[Callable[[], Progress], bool], None] | None = None,
    ) -> None:
        self.settings, self.evaluator, self.make = settings, evaluator, make
        self.indices, self.resumed, self.keep = tuple(indices), state, keep
        self.standings = [Standing() for _ in self.indices]
        self.running: tuple[int, ...] = tuple(range(len(self.indices)))
        self.rung = 0
        self.finished = False
        self.lock, self.stop = threading.Lock(), threading.Event()

    def progress(self) -> Progress:
        return Progress(self.rung, self.running, tuple(self.standings), self.finished)

    def take_up(self, progress: Progress) -> None:
        """Go on from what was kept."""
        self.rung, self.running, standings, self.finished = progress
        self.standings = list(standings)

    @property
    def climbs(self) -> list[Climb]:
        """What there is of each start, in their order; less those that never began."""
        return [each.climb for each in self.standings if each.climb is not None]

    @property
    def n_steps(self) -> int:
        """E-steps of all starts together."""
        traces = sum(max(len(c.trace.objective) - 1, 0) for c in self.climbs)
        return traces + sum(each.extra for each in self.standings)

    def run(self) -> bool:
        """Climb; whether it was interrupted.

        Raises
        ------
        KeyboardInterrupt
            If it came before anything is known.
        """
        race = self.settings.race
        while not self.finished:
            rungs = () if race is None else race.rungs
            budget = rungs[self.rung] if self.rung < len(rungs) else None
            try:
                self._stage(budget)
            except KeyboardInterrupt:
                self.stop.set()
                if not self.climbs:
                    raise
            if self.stop.is_set():
                self._told_keep(at_once=True)
                return True
            if race is None or budget is None:
                self.running = () if race is None else self._second_chance(race)
                self.finished = not self.running
            else:
                self.running = survivors(self.evaluator.model.space, self._standing(), race)
                self.rung += 1
            self._told_keep(at_once=True)
        return False

    def _standing(self) -> dict[int, Climb]:
        found = ((i, self.standings[i].climb) for i in self.running)
        return {i: c for i, c in found if c is not None}

    def _second_chance(self, race: Race) -> tuple[int, ...]:
        """The highest of those outrun, as many as can be afforded; one where all else collapsed."""
        climbs = {i: c.climb for i, c in enumerate(self.standings) if c.climb is not None}
        outrun = {i: c for i, c in climbs.items() if c.status is Status.OUTRUN}
        ended = [
            len(c.trace.objective) - 1
            for i, c in climbs.items()
            if i not in outrun and c.status is not Status.DEGENERATE
        ]
        if not ended:
            return survivors(self.evaluator.model.space, outrun, Race((), 0.0, 1))
        length = max(float(np.mean(ended)), 1.0)
        affordable = int(race.share * len(self.standings) - self.n_steps / length)
        if affordable < 1:
            return ()
        return survivors(self.evaluator.model.space, outrun, Race((), 0.0, affordable))

    def _waits(self, i: int) -> bool:
        standing = self.standings[i]
        if standing.climb is not None and standing.climb.status is not Status.OUTRUN:
            return False  # it has ended
        return standing.rungs <= self.rung

    def _stage(self, budget: int | None) -> None:
        waiting = [i for i in self.running if self._waits(i)]
        workers = self._workers(waiting)
        if workers <= 1:
            for i in waiting:
                self._climb(i, budget, self.evaluator)
                if self.stop.is_set():
                    return
            return
        shared = self.evaluator
        with (
            Threads(1).over(shared.model, shared.chunks) as serial,
            ThreadPoolExecutor(workers) as pool,
        ):
            alone = Evaluator(serial)
            futures = [pool.submit(self._climb, i, budget, alone) for i in waiting]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self.stop.set()
                for future in futures:
                    future.cancel()
                raise

    def _workers(self, waiting: Sequence[int]) -> int:
        """Threads over starts: where E-steps take long and the chunks leave cores idle."""
        backend = self.settings.backend
        if not isinstance(backend, Threads) or len(waiting) < 2 or self.evaluator.model.stochastic:
            return 1
        workers = min(backend.workers or available_cores(), len(waiting))
        if workers <= max(1, len(self.evaluator.chunks)):
            return 1
        standing = self.standings[waiting[0]]
        state = standing.state if standing.climb is None else standing.climb.state
        try:
            params = self.make(waiting[0])[0] if state is None else state.params
            began = time.perf_counter()
            self.evaluator.suff(params)
        except FAILURES:
            return 1
        return workers if time.perf_counter() - began > WORTH_A_THREAD else 1

    def _tell(self, step: Step) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        with self.lock:
            for callback in self.settings.callbacks:
                callback.on_step(step)

    def _told_keep(self, *, at_once: bool) -> None:
        if self.keep is not None:
            with self.lock:
                self.keep(self.progress, at_once)

    def _climb(self, i: int, budget: int | None, evaluator: Evaluator) -> None:
        """Start i to the next rung, or to its end."""
        if self.stop.is_set():
            return
        settings, standing = self.settings, self.standings[i]
        state, extra = standing.state, standing.extra
        if state is None and standing.climb is not None:
            state, extra = standing.climb.state, extra + 1
        if state is None:
            first, generator = self.make(i)
            state = self.resumed
            if state is None:
                first, before = prepared(settings, evaluator, first, generator)
                extra += before
        else:
            first = state.start
        paused = False

        def keep(now: ClimbState) -> None:
            nonlocal paused
            self.standings[i] = standing._replace(state=now, extra=extra)
            self._told_keep(at_once=False)
            if budget is not None and len(now.rows) > budget:
                paused = True
                raise Paused

        watched = budget is not None or self.keep is not None
        ended = climb(
            evaluator,
            first,
            settings.accelerator,
            settings.tol,
            settings.max_iter,
            self._tell,
            self.indices[i],
            state,
            keep if watched else None,
        )
        if paused:
            ended = replace(ended, status=Status.OUTRUN)
        if ended.status is Status.INTERRUPTED:
            self.stop.set()
            self.standings[i] = self.standings[i]._replace(climb=ended, extra=extra)
            return
        self.standings[i] = Standing(ended, None, self.rung + 1, extra)
        self._told_keep(at_once=False)


def prepared(
    settings: Settings, evaluator: Evaluator, params: Tree, rng: np.random.Generator
) -> tuple[Tree, int]:
    """Where the climb begins after annealing and warming up, and their E-steps."""
    spent = 0
    for beta in settings.anneal:
        for _ in range(ANNEAL_STEPS):
            try:
                params = _tempered_step(evaluator, params, beta)
            except (*FAILURES, ConstraintError):
                break
            finally:
                spent += 1
    if settings.warm_up is not None:
        params = settings.warm_up.over(evaluator.mapper, params, rng)
        spent += settings.warm_up.passes
    return params, spent


def _tempered_step(evaluator: Evaluator, params: Tree, beta: float) -> Tree:
    total: Suff = evaluator.mapper.total(_tempered, (params, beta))
    with np.errstate(all="ignore"):
        moved = evaluator.model.m_step(total, params)
    finite = all(np.isfinite(np.asarray(leaf, float)).all() for leaf in tree.leaves(moved))
    return moved if finite else params


def _tempered(model: Any, args: tuple[Tree, float], chunk: Chunk) -> Suff:
    params, beta = args
    with np.errstate(all="ignore"):
        return model.tempered_e_step(params, chunk, beta)


def check_anneal(model: Model[Any, Any], settings: Settings) -> None:
    """Refuse to anneal a model that does not know how."""
    if settings.anneal and not hasattr(model, "tempered_e_step"):
        raise TypeError(
            f"got anneal={settings.anneal!r} for {type(model).__name__}, which has no "
            "tempered_e_step; define it, or leave anneal=()"
        )


def survivors(space: Tree, climbs: dict[int, Climb], race: Race) -> tuple[int, ...]:
    """Which starts go on: the highest, of those on the same hill only the first."""
    alive = {i: c for i, c in climbs.items() if c.status is not Status.DEGENERATE}
    wanted = max(math.ceil(race.keep * len(climbs)), race.least)
    chosen: list[int] = []
    for i in sorted(alive, key=lambda i: -alive[i].objective):
        if len(chosen) == wanted:
            break
        if all(distance(space, alive[i].params, alive[j].params) > SAME for j in chosen):
            chosen.append(i)
    return tuple(sorted(chosen))
