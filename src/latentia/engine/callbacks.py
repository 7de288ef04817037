"""Watching a fit: one protocol of three calls, a recorder, a progress bar, plain lines."""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple, Protocol, TextIO, final, runtime_checkable


class Plan(NamedTuple):
    """What is about to happen."""

    model: str
    n_starts: int
    max_iter: int
    tol: float


class Step(NamedTuple):
    """One E-step of one climb.

    Attributes
    ----------
    start : int
        Which start, from 0.
    n_steps : int
        E-steps of this climb so far.
    objective : float
        The best so far of this climb, in nats.
    remaining : float
        Estimated nats to the top; nan or inf while unknown.
    accepted : bool
        False where a proposal was taken back.
    """

    start: int
    n_steps: int
    objective: float
    remaining: float
    accepted: bool


@runtime_checkable
class Callback(Protocol):
    """Called by the engine during a fit. Exceptions end the fit."""

    def on_start(self, plan: Plan) -> None:
        """Before the first E-step."""
        ...

    def on_step(self, step: Step) -> None:
        """After every E-step."""
        ...

    def on_end(self, fit: Any) -> None:
        """With the result; not called where the fit ends in an exception."""
        ...


@final
class Recorder:
    """Keeps everything it is told, in ``plan``, ``steps`` and ``fit``."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.steps: list[Step] = []
        self.fit: Any = None

    def on_start(self, plan: Plan) -> None:
        self.plan = plan

    def on_step(self, step: Step) -> None:
        self.steps.append(step)

    def on_end(self, fit: Any) -> None:
        self.fit = fit


@final
class Lines:
    """A plain line every few seconds, for logs and pipes.

    Parameters
    ----------
    every : float, default=2.0
        Seconds between lines.
    stream : file, optional
        Standard error by default.
    """

    def __init__(self, every: float = 2.0, stream: TextIO | None = None) -> None:
        self.every, self.stream = every, stream
        self._last = 0.0
        self._n_starts = 1

    def _write(self, text: str) -> None:
        print(text, file=self.stream or sys.stderr, flush=True)

    def on_start(self, plan: Plan) -> None:
        self._last, self._n_starts = time.monotonic(), plan.n_starts

    def on_step(self, step: Step) -> None:
        if time.monotonic() - self._last >= self.every:
            self._last = time.monotonic()
            self._write(told(step, self._n_starts))

    def on_end(self, fit: Any) -> None:
        self._write(f"done: objective {fit.objective:.6f}, {fit.status.name}")


@final
class Bar:
    """A progress bar on a terminal (needs rich, from ``latentia[cli]``)."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None
        self._plan: Plan | None = None

    def on_start(self, plan: Plan) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        except ImportError:
            raise ImportError(
                "progress=True draws its bar with rich, which is not installed; run "
                "pip install 'latentia[cli]' or leave progress=False"
            ) from None
        self._plan = plan
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()
        self._task = self._progress.add_task(plan.model, total=plan.n_starts * plan.max_iter)

    def on_step(self, step: Step) -> None:
        assert self._plan is not None
        self._progress.update(
            self._task,
            completed=step.start * self._plan.max_iter + step.n_steps,
            description=told(step, self._plan.n_starts),
        )

    def on_end(self, fit: Any) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back; also called where a fit ends in an exception."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def told(step: Step, n_starts: int) -> str:
    """One step in words."""
    start = f"start {step.start + 1}/{n_starts}, " if n_starts > 1 else ""
    left = f", about {step.remaining:.2g} nats left" if step.remaining < float("inf") else ""
    return f"{start}E-step {step.n_steps}: objective {step.objective:.4f}{left}"
