"""Racing 32 starts against climbing them all: how often the best optimum is found, at what cost.

Prints a Markdown table. Both sides begin from the same starts in one run; an E-step that failed
or was repeated counts. A fit finds the best optimum if it ends within 0.01 nats of the highest
that any fit on these data ended at. Errors are binomial standard errors. The seeds begin at 1000:
the constants of a race were chosen on seeds below 100.

    python benchmarks/racing.py [--repeats 16] [--only carcinoma]
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from problems import PROBLEMS

from latentia import EM

STARTS, NEAR, FIRST_SEED = 32, 0.01, 1000
SIDES: dict[str, dict[str, Any]] = {
    "all": {},
    "race": {"race": True},
    "short runs": {"short_runs": 10},
}


def table(name: str, repeats: int) -> None:
    """One problem, a line for each side."""
    problem = PROBLEMS[name]()
    ends = {side: np.empty((repeats, 2)) for side in SIDES}
    for i in range(repeats):
        for side, settings in SIDES.items():
            em = EM(starts=STARTS, max_iter=2000, on_degenerate="status", **settings)
            fit = em.fit(problem.model, problem.data, FIRST_SEED + i)
            ends[side][i] = fit.objective, fit.certificate.n_steps_all
    best = max(np.nanmax(found[:, 0]) for found in ends.values())
    for side, found in ends.items():
        share = float(np.mean(found[:, 0] > best - NEAR))
        error = np.sqrt(share * (1 - share) / repeats)
        steps = found[:, 1].mean()
        cost = 100 * steps / ends["all"][:, 1].mean()
        print(
            f"| {problem.name} | {side} | {steps:.0f} | {cost:.0f} % "
            f"| {100 * share:.0f} ± {100 * error:.0f} % |",
            flush=True,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=16, help="fits of 32 starts each")
    parser.add_argument("--only", default=",".join(PROBLEMS), help="names, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| data | starts | E-steps a fit | of all | found the best |")
    print("|---|---|---|---|---|")
    for name in options.only.split(","):
        table(name, options.repeats)


if __name__ == "__main__":
    main()
