"""A latent class model of 20,000 rows, 12 items and 4 classes, beside StepMix.

Without covariates, and with two on which membership depends, fitted in the same step. Each side
fits the same rows from one start of its own, with its own default tolerance, in turn; the table
has the medians, and how many nats StepMix ends above or below. StepMix runs in the interpreter
that --stepmix or BENCH_STEPMIX names, one process a fit, and only the fit is timed.
Without one, our side is printed alone. Prints a Markdown table.

    python benchmarks/latent_class.py [--rows 20000] [--stepmix PYTHON] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from timing import FULL, QUICK, Budget, alternating, medians, seconds, turn

ITEMS, CLASSES = 12, 4
MEASUREMENTS = {2: "binary", 3: "categorical", 5: "categorical"}
"""What StepMix calls items of so many categories."""

CASES = [(levels, covariates) for covariates in (0, 2) for levels in MEASUREMENTS]
"""Categories of each item, and covariates."""

SLOPES = np.array([[0, 0, 0], [0.2, 1, -0.5], [-0.3, -0.6, 0.8], [-0.8, 0.5, 0.5]])
"""Logits of the classes on the covariates, an intercept first."""


HEAD = (
    "| categories | covariates | latentia | E-steps | StepMix | iterations | "
    "StepMix higher by | ratio |"
)


class Fitted(NamedTuple):
    """Seconds of a fit, its log-likelihood, and its EM iterations or E-steps."""

    seconds: float
    loglik: float
    steps: int


def data(n: int, levels: int, covariates: int = 0) -> NDArray[np.float64]:
    """Covariates, and answers drawn from a model whose probabilities are uniform on the simplex."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(levels), size=(CLASSES, ITEMS))
    z = rng.normal(size=(n, covariates))
    if covariates:
        shares = np.exp(np.column_stack([np.ones(n), z]) @ SLOPES.T)
        ends = (shares / shares.sum(axis=1, keepdims=True)).cumsum(axis=1)
        label = (rng.random((n, 1)) > ends[:, :-1]).sum(axis=1)
    else:
        label = rng.choice(CLASSES, size=n, p=[0.4, 0.3, 0.2, 0.1])
    below = p.cumsum(axis=-1)[label][:, :, :-1]
    answers = (rng.random((n, ITEMS, 1)) > below).sum(axis=-1).astype(np.float64)
    return np.column_stack([z, answers])


def ours(x: NDArray[np.float64]) -> Fitted:
    """One fit of latentia's."""
    from latentia import LatentClass

    covariates = list(range(x.shape[1] - ITEMS)) or None
    model = LatentClass(CLASSES, covariates=covariates, n_init=1, random_state=0)
    took = seconds(lambda: model.fit(x))
    return Fitted(took, model.loglik_, model.n_iter_)


def stepmix(x: NDArray[np.float64], levels: int) -> Fitted:
    """One fit of StepMix's, in an interpreter that has it."""
    from stepmix import StepMix  # pyright: ignore[reportMissingImports]

    z, answers = x[:, :-ITEMS], x[:, -ITEMS:]
    given = (answers, z) if z.shape[1] else (answers,)
    model: Any = StepMix(
        CLASSES,
        measurement=MEASUREMENTS[levels],
        structural="covariate",
        n_steps=1,
        random_state=0,
        progress_bar=0,
    )
    took = seconds(lambda: model.fit(*given))
    return Fitted(took, float(model.score(*given) * len(x)), int(model.n_iter_))


def elsewhere(python: str, path: Path, levels: int) -> Fitted:
    """The same, from here."""
    asked = [python, str(Path(__file__)), "--child", str(path), "--levels", str(levels)]
    answer = subprocess.run(asked, check=True, capture_output=True, text=True)
    return Fitted(*json.loads(answer.stdout.splitlines()[-1]))


def row(n: int, levels: int, covariates: int, python: str | None, budget: Budget) -> str:
    """Both sides in turn."""
    x = data(n, levels, covariates)
    last: dict[str, Fitted] = {}

    def measure(name: str, fit: Any) -> float:
        last[name] = fit()
        return last[name].seconds

    sides = {"latentia": lambda: measure("latentia", lambda: ours(x))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answers.npy")
        np.save(path, x)
        if python:
            sides["stepmix"] = lambda: measure("stepmix", lambda: elsewhere(python, path, levels))
        ours(x)  # what is loaded once
        found = medians(alternating(sides, budget))
    mine = f"{covariates} | {1e3 * found['latentia']:.0f} ms | {last['latentia'].steps}"
    if not python:
        return f"| {levels} | {mine} | | | | |"
    other, height = found["stepmix"], last["stepmix"].loglik - last["latentia"].loglik
    return (
        f"| {levels} | {mine} | {other:.2f} s | {last['stepmix'].steps} | {height:+.1e} | "
        f"{other / found['latentia']:.0f}× |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--stepmix", default=os.environ.get("BENCH_STEPMIX"))
    parser.add_argument("--quick", action="store_true", help="few rows, once")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--levels", type=int, default=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(stepmix(np.load(options.child), options.levels)))
        return
    n = 500 if options.quick else options.rows
    print(HEAD)
    print("|---|---|---|---|---|---|---|---|")
    for levels, covariates in CASES:
        with turn():
            print(
                row(n, levels, covariates, options.stepmix, QUICK if options.quick else FULL),
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
