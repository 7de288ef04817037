"""`BayesianGaussianMixture` beside scikit-learn's: time of a step, and E-steps to the end.

A step is a share of what so many more of `max_iter` cost, nothing stopping early, by the quickest
of several fits; the two sides take turns. E-steps are those of plain steps and of "auto" from the
same start until within 1e-3 nats of the bound that each ends at. Prints two Markdown tables.

    python benchmarks/bayesian.py [--quick] [--only climbs]
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from typing import Any

import numpy as np
import sklearn.mixture
from peers import BEFORE, Cell, count, rows
from threadpoolctl import threadpool_limits
from timing import FULL, QUICK, alternating, seconds, turn

from latentia import EM, BayesianGaussianMixture

SIZES = [
    ("full", 200_000, 4, 8),
    ("full", 100_000, 16, 8),
    ("tied", 200_000, 16, 8),
    ("diag", 200_000, 16, 16),
    ("spherical", 200_000, 16, 16),
]
THREADS = 2
MORE = {"latentia": 40, "scikit-learn": 6}
"""Steps that are counted; the beginning of a fit, which is not, takes as long as some of ours."""
PRIORS = ("dirichlet_process", "dirichlet_distribution")
CLIMBS = [(2, 4, 2.0), (4, 6, 1.5), (10, 6, 0.8)]
"""Columns, components, and the spread of their centres."""
NEAR = 1e-3


def fitted(library: str, cell: Cell, x: Any, steps: int) -> Any:
    """A fit of so many steps, from the nearest of rows drawn at random."""
    given: dict[str, Any] = {
        "n_components": cell.k,
        "covariance_type": cell.kind,
        "init_params": "random_from_data",
        "random_state": 0,
        "reg_covar": 0.0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if library == "latentia":
            climb = EM(tol=0.0, max_iter=steps, accelerate="none", workers=THREADS)
            return BayesianGaussianMixture(**given, em=climb).fit(x)
        with threadpool_limits(THREADS):
            peer = sklearn.mixture.BayesianGaussianMixture(**given, tol=0.0, max_iter=steps)
            return peer.fit(x)


def steps_lines(quick: bool) -> None:
    """The table of times."""
    print("| covariance, n × D, K | latentia, ms a step | scikit-learn, ms | times faster |")
    print("|---|---|---|---|")
    for kind, n, d, k in SIZES:
        cell = Cell(kind, n // 20 if quick else n, d, k)
        x = rows(cell)
        sides = {
            (name, steps): partial(seconds, partial(fitted, name, cell, x, steps))
            for name, more in MORE.items()
            for steps in (BEFORE, BEFORE + more)
        }
        with turn():
            fitted("latentia", cell, x, BEFORE)  # what is compiled once does not count
            found = alternating(sides, QUICK if quick else FULL._replace(least=3, seconds=10.0))
        least = {side: min(values) for side, values in found.items()}
        own, peer = (
            (least[name, BEFORE + more] - least[name, BEFORE]) / more for name, more in MORE.items()
        )
        name = f"{cell.kind} {count(cell.n)} × {cell.d}, {cell.k}"
        print(
            f"| {name} | {1e3 * own:.1f} | {1e3 * peer:.0f} | **{peer / own:.1f}×** |", flush=True
        )


def counted(x: Any, k: int, prior: str, accelerate: str, longest: int) -> tuple[str, float]:
    """E-steps until near the end, and the bound there."""
    climb = EM(tol=1e-7, max_iter=longest, accelerate=accelerate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = BayesianGaussianMixture(
            n_components=k, weight_concentration_prior_type=prior, random_state=0, em=climb
        ).fit(x)
    trace = made.fit_.trace
    reached = np.flatnonzero(trace.accepted & (trace.objective >= made.loglik_ - NEAR))[0]
    return f"{reached}{'' if made.converged_ else ' (not converged)'}", made.loglik_


def climb_lines(n: int, longest: int) -> None:
    """The table of E-steps."""
    print("\n| n × D, K of the rows, allowed | prior | plain | auto | auto's bound is higher by |")
    print("|---|---|---|---|---|")
    for d, k, spread in CLIMBS:
        rng = np.random.default_rng(0)
        centres = spread * rng.normal(size=(k, d))
        x = centres[rng.integers(k, size=n)] + rng.normal(size=(n, d))
        for prior in PRIORS:
            (plain, low), (auto, high) = (
                counted(x, 2 * k, prior, each, longest) for each in ("none", "auto")
            )
            where = f"{n} × {d}, {k}, {2 * k}"
            print(f"| {where} | {prior} | {plain} | {auto} | {high - low:+.2f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few rows")
    parser.add_argument("--only", choices=("steps", "climbs"), help="one of the tables")
    options = parser.parse_args()
    if options.only != "climbs":
        steps_lines(options.quick)
    if options.only != "steps":
        climb_lines(500 if options.quick else 5_000, 300 if options.quick else 10_000)


if __name__ == "__main__":
    main()
