"""What `monitor_` tells of a fit, as hmmlearn's does."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

from latentia.engine import Fit, Status
from latentia.engine.callbacks import Plan, Step


class Monitor:
    """The log-likelihoods that a fit went through.

    Attributes
    ----------
    tol : float
        Nats that were to be left, at most.
    n_iter : int
        E-steps allowed.
    iter : int
        Points of the best climb, the start included.
    history : deque of float
        The log-likelihood (with a prior, its sum with that) at each of them.
    converged : bool
    """

    def __init__(self, tol: float, n_iter: int, fit: Fit[Any]) -> None:
        self.tol, self.n_iter = tol, n_iter
        trace = fit.trace
        self.history = deque(float(height) for height in trace.objective[trace.accepted])
        self.iter = len(self.history)
        self.converged = fit.status is Status.CONVERGED

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in sorted(vars(self).items()))
        return f"Monitor({told})"


class Reporter:
    """Prints each step to standard error: its number, the log-likelihood, what was gained."""

    def __init__(self) -> None:
        self._before = float("nan")

    def on_start(self, plan: Plan) -> None:
        self._before = float("nan")

    def on_step(self, step: Step) -> None:
        before = self._before if step.n_steps else float("nan")
        gained = step.objective - before
        print(f"{step.n_steps + 1:>10d} {step.objective:>16.8f} {gained:>+16.8f}", file=sys.stderr)
        self._before = step.objective

    def on_end(self, fit: Any) -> None:
        pass
