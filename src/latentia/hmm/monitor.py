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
        Whether to print what it is told to standard error.

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
    def of(
        cls, tol: float, n_iter: int, verbose: bool, fit: Fit[Any], *, quiet: bool = True
    ) -> Monitor:
        """The monitor of a fit; `quiet` where nothing is to be printed (any more)."""
        made = cls(tol, n_iter, verbose and not quiet)
        tell(made, fit)
        made.verbose = verbose
        made._done = fit.status is Status.CONVERGED
        return made

    @property
    def converged(self) -> bool:
        """Whether the fit has converged."""
        return self._done

    def report(self, log_prob: float) -> None:
        """Take the log-likelihood of the next point."""
        if self.verbose:
            _print(self.iter + 1, log_prob, self.history[-1] if self.history else float("nan"))
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


def _print(number: int, height: float, before: float) -> None:
    """A line of hmmlearn's: the number of the point, the log-likelihood, what was gained."""
    print(f"{number:>10d} {height:>16.8f} {height - before:>+16.8f}", file=sys.stderr)


class Reporter:
    """Prints each step to standard error as it is taken."""

    def __init__(self) -> None:
        self._before = float("nan")

    def on_start(self, plan: Plan) -> None:
        self._before = float("nan")

    def on_step(self, step: Step) -> None:
        before = self._before if step.n_steps else float("nan")
        _print(step.n_steps + 1, step.objective, before)
        self._before = step.objective

    def on_end(self, fit: Any) -> None:
        pass
