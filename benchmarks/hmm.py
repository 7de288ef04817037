"""One Baum-Welch step of a hidden Markov model as `fit` does it, beside hmmlearn's.

Normal states of two columns with diagonal covariances: one long sequence, and many short ones. Both
sides start from the same parameters and take turns.
Needs hmmlearn 0.3.3, which is no dependency. Prints a Markdown table. Where dynamax and
JAX are there, or in another interpreter that is named, its DiagonalGaussianHMM is measured as well.

    python benchmarks/hmm.py [--states 3,8,32] [--sequences 1|2000] [--quick] [--dynamax PYTHON]
    python benchmarks/hmm.py --only uses [--quick]
    python benchmarks/hmm.py --only families [--quick]
    python benchmarks/hmm.py --only memory [--steps 10000000]

`uses` is what fitted models are asked, beside hmmlearn's; `families` is one long sequence of states
that are not normal, each beside GaussianHMM's step; `memory` fits one very long sequence with and
without checkpointing, each in a fresh process, and tells the most memory taken beyond the data.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import FULL, QUICK, Budget, alternating, medians, seconds, turn

from latentia import EM, GaussianHMM, HiddenMarkov

SHAPES = ((1, 200_000), (2_000, 100))
STEPS, THEIR_STEPS = 10, 2
Array = NDArray[np.float64]


def problem(n_sequences: int, n_steps: int, k: int) -> tuple[Array, dict[str, Array]]:
    """Steps drawn from states that last ten steps each, and parameters near them."""
    rng = np.random.default_rng(0)
    means = 3 * rng.normal(size=(k, 2))
    n = n_sequences * n_steps
    states = np.repeat(rng.integers(0, k, size=-(-n // 10)), 10)[:n]
    moves = np.full((k, k), 0.1 / max(k - 1, 1))
    np.fill_diagonal(moves, 0.9 if k > 1 else 1.0)
    set_before = {
        "startprob_": np.full(k, 1 / k),
        "transmat_": moves,
        "means_": means + 0.1,
        "covars_": np.ones((k, 2)),
    }
    return means[states] + rng.normal(size=(n, 2)), set_before


class Clock:
    """Tells how long the steps of a fit took."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def on_start(self, plan: Any) -> None:
        self.at = []

    def on_step(self, step: Any) -> None:
        self.at.append(time.perf_counter())

    def on_end(self, fit: Any) -> None:
        pass

    def step(self) -> float:
        """The median of the seconds between two steps."""
        return float(np.median(np.diff(self.at)))


def ours(k: int, set_before: dict[str, Array], X: Array, lengths: Any) -> float:
    """Seconds a step of a fit from the parameters given."""
    clock = Clock()
    em = EM(accelerate="none", max_iter=STEPS, tol=0.0, callbacks=(clock,))
    model = GaussianHMM(k, init_params="", em=em)
    for name, value in set_before.items():
        setattr(model, name, value)
    model.fit(X, lengths)
    return clock.step()


def theirs(how: str, k: int, set_before: dict[str, Array], X: Array, lengths: Any) -> float:
    """The same of hmmlearn's `implementation`."""
    from hmmlearn.hmm import GaussianHMM as Theirs  # pyright: ignore[reportMissingImports]

    model = Theirs(k, n_iter=THEIR_STEPS, tol=-np.inf, init_params="", implementation=how)
    for name, value in set_before.items():
        setattr(model, name, value)
    return seconds(lambda: model.fit(X, lengths)) / THEIR_STEPS


def sides(n_sequences: int, n_steps: int, k: int) -> dict[str, Callable[[], float]]:
    """Seconds a step of ours, and of both of theirs."""
    X, set_before = problem(n_sequences, n_steps, k)
    given = k, set_before, X, [n_steps] * n_sequences
    return {
        "ours": lambda: ours(*given),
        "scaling": lambda: theirs("scaling", *given),
        "log": lambda: theirs("log", *given),
    }


def dynamax(python: str, n_sequences: int, n_steps: int, k: int, repeats: int) -> float | None:
    """Seconds a step of dynamax's, compiled by JAX beforehand; None where it is not installed."""
    tried = [python, "-c", "import dynamax"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        return None
    X, before = problem(n_sequences, n_steps, k)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.npz"
        np.savez(
            file,
            sequences=X.reshape(n_sequences, n_steps, -1),
            start=before["startprob_"],
            transitions=before["transmat_"],
            means=before["means_"],
            variances=before["covars_"],
        )
        script = Path(__file__).with_name("dynamax_step.py")
        run = subprocess.run(
            [python, str(script), str(file), str(repeats)],
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode:
        sys.exit(run.stderr)
    step, loglik = map(float, run.stdout.split())
    model = GaussianHMM(k, init_params="")
    for name, value in before.items():
        setattr(model, name, value)
    ours = model.score(X, [n_steps] * n_sequences)
    if abs(loglik / ours - 1) > 1e-9:
        sys.exit(f"dynamax has a log-likelihood of {loglik!r} where there is one of {ours!r}")
    return step


def use_of(use: str, model: Any, before: dict[str, Array], X: Array, lengths: Any) -> float:
    """Seconds that a method of a model with these parameters takes."""
    for name, value in before.items():
        setattr(model, name, value)
    model.n_features = X.shape[1]
    return seconds(lambda: getattr(model, use)(X, lengths))


def uses(budget: Budget) -> None:
    """The table of what fitted models are asked beside hmmlearn's."""
    from hmmlearn.hmm import GaussianHMM as Theirs  # pyright: ignore[reportMissingImports]

    print("| use | sequences | steps | states | ms | against scaling | against log |")
    print("|---|---|---|---|---|---|---|")
    for use, (n_sequences, n_steps), k in product(
        ("score", "decode", "predict_proba"), SHAPES, (3, 8)
    ):
        X, before = problem(n_sequences, n_steps, k)
        given = before, X, [n_steps] * n_sequences
        models: dict[str, Any] = {"ours": GaussianHMM(k, init_params="")}
        models |= {how: Theirs(k, implementation=how) for how in ("scaling", "log")}
        measured = {how: partial(use_of, use, model, *given) for how, model in models.items()}
        measured["ours"]()  # loads or compiles its code
        timed = medians(alternating(measured, budget))
        ratios = (f"{timed[how] / timed['ours']:.1f}×" for how in ("scaling", "log"))
        cells = use, f"{n_sequences:,}", f"{n_steps:,}", str(k), f"{1e3 * timed['ours']:.1f}"
        print(f"| {' | '.join((*cells, *ratios))} |", flush=True)


FAMILIES = ("gaussian(covariance_type='diag')", "gaussian", "poisson", "categorical", "student_t")


def drawn(family: str, n: int, k: int) -> Array:
    """Steps that a family can make, from states that last ten steps each."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(0, k, size=-(-n // 10)), 10)[:n]
    if family == "poisson":
        return rng.poisson(3.0 + 4.0 * states[:, None], size=(n, 2)).astype(np.float64)
    if family == "categorical":
        return ((states[:, None] + rng.integers(0, 3, size=(n, 2))) % (k + 2)).astype(np.float64)
    return 3 * rng.normal(size=(k, 2))[states] + rng.normal(size=(n, 2))


def families(n: int, k: int, repeats: int) -> None:
    """Milliseconds of a step of several families, and how many times those of normal states."""
    print("| family | steps | states | ms a step | against diagonal normal states |")
    print("|---|---|---|---|---|")
    first = None
    for family in FAMILIES:
        X, timed = drawn(family, n, k), []
        for _ in range(repeats):
            clock = Clock()
            em = EM(accelerate="none", max_iter=STEPS, tol=0.0, callbacks=(clock,))
            HiddenMarkov(family, k, em=em, random_state=0).fit(X)
            timed.append(clock.step())
        step = float(np.median(timed))
        first = step if first is None else first
        cells = family, f"{n:,}", str(k), f"{1e3 * step:.1f}", f"{step / first:.1f}×"
        print(f"| {' | '.join(cells)} |", flush=True)


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fitted(n: int, k: int, checkpointing: bool) -> None:
    """Fit one sequence; print MiB beyond the data, seconds a step, and the log-likelihood."""
    rng = np.random.default_rng(0)
    X, means = np.empty((n, 1)), 3.0 * np.arange(k)
    for at in range(0, n, 100_000):
        states = np.repeat(rng.integers(0, k, size=10_000), 10)[: n - at]
        X[at : at + 100_000, 0] = means[states] + rng.normal(size=len(states))
    HiddenMarkov("gaussian(covariance_type='diag')", k, max_iter=1, tol=1e9).fit(X[:20_000])
    before, clock = peak(), Clock()
    em = EM(accelerate="none", max_iter=3, tol=0.0, callbacks=(clock,))
    model = HiddenMarkov(
        "gaussian(covariance_type='diag')", k, em=em, checkpointing=checkpointing, random_state=0
    ).fit(X)
    print(f"{peak() - before:.0f} {clock.step():.2f} {model.loglik_!r}")


def memory(n: int, k: int) -> None:
    """The table of fits with and without checkpointing."""
    print("| checkpointing | steps | states | MiB beyond the data | s a step | log-likelihood |")
    print("|---|---|---|---|---|---|")
    for how in ("yes", "no"):
        given = [sys.executable, __file__, "--only", "fitted", "--checkpointing", how]
        given += ["--steps", str(n), "--states", str(k)]
        with turn():
            run = subprocess.run(given, capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(run.stderr)
        cells = how, f"{n:,}", str(k), *run.stdout.split()
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", default=None)
    parser.add_argument("--sequences", type=int, choices=(1, 2000), default=None)
    parser.add_argument("--only", choices=("families", "memory", "fitted", "uses"), default=None)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--checkpointing", choices=("yes", "no"), default="yes")
    parser.add_argument("--dynamax", default=sys.executable)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.only == "families":
        families(asked.steps or 200_000, int(asked.states or 4), 1 if asked.quick else 3)
    elif asked.only == "memory":
        memory(asked.steps or 10_000_000, int(asked.states or 8))
    elif asked.only == "uses":
        uses(QUICK if asked.quick else FULL)
    elif asked.only == "fitted":
        fitted(asked.steps, int(asked.states), asked.checkpointing == "yes")
    else:
        beside_hmmlearn(asked, parser)


def beside_hmmlearn(asked: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """The table of one step beside hmmlearn's."""
    try:
        import hmmlearn  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        parser.exit(1, "hmmlearn is not there to compare with; install hmmlearn 0.3.3\n")
    print("| sequences | steps | states | ms a step | against scaling | against log | dynamax |")
    print("|---|---|---|---|---|---|---|")
    for n_sequences, n_steps in SHAPES:
        if asked.sequences not in (None, n_sequences):
            continue
        for k in map(int, (asked.states or "3,8,32").split(",")):
            with turn():
                timed = medians(
                    alternating(sides(n_sequences, n_steps, k), QUICK if asked.quick else FULL)
                )
                other = dynamax(asked.dynamax, n_sequences, n_steps, k, 3 if asked.quick else 7)
            peers = *(timed[how] for how in ("scaling", "log")), other
            ratios = ("–" if one is None else f"{one / timed['ours']:.1f}×" for one in peers)
            cells = f"{n_sequences:,}", f"{n_steps:,}", str(k), f"{1e3 * timed['ours']:.1f}"
            print(f"| {' | '.join((*cells, *ratios))} |", flush=True)


if __name__ == "__main__":
    main()
