"""What `monitor_` tells of a fit, as hmmlearn's does."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

from latentia.engine import Fit, Status
from latentia.engine.callbacks import Plan, Step


class Monitor:
    """The log-likelihoods that a fit went through.

    One that is set as `monitor_` before a fit is told them after it; `converged` may say then what
    it likes, but where the fit stops is up to `tol` and `n_iter`.

    Parameters
    ----------
    tol : float
        Nats that are to be left, at most.
    n_iter : int
        E-steps allowed.
    verbose : bool, default=False

    Attributes
    ----------
    iter : int
        Points of the best climb, the start included.
    history : deque of float
        The log-likelihood (with a prior, its sum with that) at each of them.
    converged : bool
    """

    def __init__(self, tol: float, n_iter: int, verbose: bool = False) -> None:
        self.tol, self.n_iter, self.verbose = tol, n_iter, verbose
        self.history: deque[float] = deque()
        self.iter, self._done = 0, False

    @classmethod
    def of(cls, tol: float, n_iter: int, verbose: bool, fit: Fit[Any]) -> Monitor:
        """The monitor of a fit."""
        made = cls(tol, n_iter, verbose)
        tell(made, fit)
        made._done = fit.status is Status.CONVERGED
        return made

    @property
    def converged(self) -> bool:
        """Whether the fit has converged."""
        return self._done

    def report(self, log_prob: float) -> None:
        """Take the log-likelihood of the next point."""
        self.history.append(log_prob)
        self.iter += 1

    def __repr__(self) -> str:
        told = {name: value for name, value in vars(self).items() if name != "_done"}
        told["converged"] = self.converged
        return f"Monitor({', '.join(f'{name}={value}' for name, value in sorted(told.items()))})"


def tell(monitor: Any, fit: Fit[Any]) -> None:
    """Report the points of the best climb to a monitor, which forgets what it was told before."""
    monitor.history.clear()
    monitor.iter = 0
    trace = fit.trace
    for height in trace.objective[trace.accepted]:
        monitor.report(float(height))


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
