"""What `verbose` prints."""

from __future__ import annotations

from typing import Any

from latentia.engine import Status
from latentia.engine.callbacks import Plan, Step


class Printer:
    """Prints steps as scikit-learn's `verbose` does."""

    def __init__(self, verbose: int, every: int) -> None:
        self.verbose, self.every = verbose, every
        self._start, self._objective = -1, float("nan")

    def on_start(self, plan: Plan) -> None:
        self._start = -1

    def on_step(self, step: Step) -> None:
        if step.start != self._start:
            print(f"Initialization {step.start}")
            self._start = step.start
        if step.n_steps and step.n_steps % self.every == 0:
            gained = f"\t ll change {step.objective - self._objective:.5f}"
            print(f"  Iteration {step.n_steps}" + (gained if self.verbose > 1 else ""))
        self._objective = step.objective

    def on_end(self, fit: Any) -> None:
        print(f"Initialization converged: {fit.status is Status.CONVERGED}")
