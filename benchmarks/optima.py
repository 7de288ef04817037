"""How often each accelerator reaches the best optimum from random starts, beside plain EM.

Every accelerator climbs from the same starts. The best optimum is the highest that any of them
reached; an end within 0.01 nats of it counts as a hit. Each hit rate is compared with plain EM's
on the same starts: the difference in binomial standard errors. Higher and lower count the starts
from which the end lies more than 0.01 nats above or below plain EM's. Falling objectives and
exceptions are counted; there must be none.

    python benchmarks/optima.py [--starts 200] [--longest 5000] [--only galaxies]
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any, NamedTuple

import numpy as np
from problems import PROBLEMS, Problem

from classics import METHODS
from latentia.engine import EM, Fit, Status

CLOSE = 1e-2


class Outcome(NamedTuple):
    """Where one climb ended."""

    objective: float
    steps: int
    status: str
    fell: bool


def outcome(fit: Fit[Any]) -> Outcome:
    """What a fit says of itself."""
    taken = fit.trace.objective[fit.trace.accepted]
    fall = float(np.max(-np.diff(taken), initial=0.0))
    certificate = fit.certificate
    return Outcome(
        fit.objective,
        certificate.n_steps,
        fit.status.name,
        fall > max(certificate.rounding, 1e-9) or fit.status is Status.DECREASED,
    )


def climbed(problem: Problem, method: str, starts: int, longest: int) -> list[Outcome | None]:
    """One climb from each start; None where there was an exception."""
    found: list[Outcome | None] = []
    settings = EM(
        tol=1e-5, max_iter=longest, accelerate=method, on_degenerate="status", backend="serial"
    )
    for seed in range(starts):
        try:
            found.append(outcome(settings.fit(problem.model, problem.data, seed)))
        except Exception as error:  # the point is to count them
            print(f"{problem.name}, {method}, start {seed}: {error!r}")
            found.append(None)
    return found


def table(problem: Problem, starts: int, longest: int) -> None:
    """One problem, a line for each accelerator."""
    found = {method: climbed(problem, method, starts, longest) for method in METHODS}
    heights = {name: np.array([_height(o) for o in each]) for name, each in found.items()}
    best = max(float(each.max()) for each in heights.values())
    plain = heights["none"]
    plain_rate = float((best - plain < CLOSE).mean())
    for method, each in found.items():
        height = heights[method]
        hits = best - height < CLOSE
        pooled = (hits.mean() + plain_rate) / 2
        error = np.sqrt(max(2 * pooled * (1 - pooled), 1e-12) / starts)
        known = [o for o in each if o is not None]
        cells = (
            problem.name,
            method,
            f"{hits.sum()}",
            f"{(hits.mean() - plain_rate) / error:+.1f}",
            f"{(height > plain + CLOSE).sum()}",
            f"{(height < plain - CLOSE).sum()}",
            f"{np.median(best - height):.2f}",
            f"{np.median([o.steps for o in known]):.0f}",
            f"{sum(o.status == 'CONVERGED' for o in known)}",
            f"{sum(o.fell for o in known)}",
            f"{starts - len(known)}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)


def _height(outcome: Outcome | None) -> float:
    return -np.inf if outcome is None else outcome.objective


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--longest", type=int, default=5000, help="E-steps of a climb, at most")
    parser.add_argument("--only", default=",".join(PROBLEMS), help="names, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        "| problem | accelerator | hits | against plain EM, s.e. | higher | lower "
        "| median below the best, nats | median E-steps | converged | fell | exceptions |"
    )
    print("|---" * 11 + "|")
    for name in options.only.split(","):
        table(PROBLEMS[name](), options.starts, options.longest)


if __name__ == "__main__":
    main()
