"""Mixtures of regressions of 20,000 rows, 5 covariates and 3 components, beside flexmix.

Both sides fit the same rows, by turns, one start each with its own default tolerance: flexmix
from random memberships, as it does, latentia from lines through a few rows. The table has
medians, E-steps or iterations of the last fit, and how many nats flexmix ends above or below.
flexmix runs in R, where Rscript finds it, one process a fit, and only the fit is timed. Without
it our side is printed alone. Prints a Markdown table.

    python benchmarks/regressions.py [--rows 20000] [--quick]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from timing import FULL, QUICK, Budget, alternating, medians, seconds, turn

COVARIATES, COMPONENTS = 5, 3
FAMILIES = ("gaussian", "poisson", "binomial")

SCRIPT = """
suppressMessages(library(flexmix))
args <- commandArgs(TRUE)
data <- read.csv(args[1])
set.seed(as.integer(args[4]))
formula <- if (args[2] == "binomial") cbind(y, 12 - y) ~ . else y ~ .
model <- FLXMRglm(family = args[2])
took <- system.time(made <- flexmix(formula, data = data, k = as.integer(args[3]), model = model))
cat(took["elapsed"], as.numeric(logLik(made)), made@iter, length(made@prior), "\\n")
"""


class Fitted(NamedTuple):
    """Seconds of a fit, its log-likelihood, its E-steps or iterations, components in the end."""

    seconds: float
    loglik: float
    steps: int
    components: int = COMPONENTS


def data(n: int, family: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Covariates, and responses drawn from three lines that cross."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, COVARIATES))
    lines = rng.normal(0, 0.6, size=(COMPONENTS, COVARIATES + 1))
    label = rng.choice(COMPONENTS, size=n, p=[0.5, 0.3, 0.2])
    eta = (np.column_stack([np.ones(n), x]) * lines[label]).sum(axis=1)
    if family == "gaussian":
        return x, rng.normal(eta, 0.5)
    if family == "poisson":
        return x, rng.poisson(np.exp(1 + eta)).astype(np.float64)
    return x, rng.binomial(12, 1 / (1 + np.exp(-eta))).astype(np.float64)


def ours(x: NDArray[np.float64], y: NDArray[np.float64], family: str) -> Fitted:
    """One fit of latentia's."""
    from latentia import MixtureRegression

    model = MixtureRegression(
        n_components=COMPONENTS, family=family, n_init=1, init_params="lines", random_state=0
    )
    trials = 12 if family == "binomial" else None
    took = seconds(lambda: model.fit(x, y, trials=trials))
    return Fitted(took, model.loglik_, model.n_iter_)


def flexmix(path: Path, family: str) -> Fitted:
    """One fit of flexmix's."""
    asked = ["Rscript", "-e", SCRIPT, str(path), family, str(COMPONENTS), "1"]
    answer = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    return Fitted(float(answer[0]), float(answer[1]), int(answer[2]), int(answer[3]))


def has_flexmix() -> bool:
    """Whether R is there and has the package."""
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "quit(status = !requireNamespace('flexmix', quietly = TRUE))"]
    return subprocess.run(asked, capture_output=True).returncode == 0


def row(n: int, family: str, beside: bool, budget: Budget) -> str:
    """Both sides in turn."""
    x, y = data(n, family)
    last: dict[str, Fitted] = {}

    def measure(name: str, fit: Any) -> float:
        last[name] = fit()
        return last[name].seconds

    sides = {"latentia": lambda: measure("latentia", lambda: ours(x, y, family))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        names = ",".join([*(f"x{j}" for j in range(COVARIATES)), "y"])
        np.savetxt(path, np.column_stack([x, y]), delimiter=",", header=names, comments="")
        if beside:
            sides["flexmix"] = lambda: measure("flexmix", lambda: flexmix(path, family))
        ours(x, y, family)  # what is loaded once
        found = medians(alternating(sides, budget))
    mine = f"| {family} | {1e3 * found['latentia']:.0f} ms | {last['latentia'].steps} |"
    if not beside:
        return f"{mine} | | | | |"
    other, theirs = found["flexmix"], last["flexmix"]
    return (
        f"{mine} {other:.2f} s | {theirs.steps} | {theirs.components} | "
        f"{theirs.loglik - last['latentia'].loglik:+.2g} | {other / found['latentia']:.0f}× |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="few rows, once, latentia alone")
    options = parser.parse_args()
    beside = not options.quick and has_flexmix()
    n = 500 if options.quick else options.rows
    print("| family | latentia | E-steps | flexmix | iterations | left | higher by | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for family in FAMILIES:
        with turn():
            print(row(n, family, beside, QUICK if options.quick else FULL), flush=True)


if __name__ == "__main__":
    sys.exit(main())
