"""One Baum-Welch step of a hidden Markov model as `fit` does it, beside hmmlearn's.

Normal states of two columns with diagonal covariances: one long sequence, and many short ones. Both
sides start from the same parameters and take turns.
Needs hmmlearn 0.3.3, which is no dependency. Prints a Markdown table.

    python benchmarks/hmm.py [--states 3,8,32] [--quick]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import FULL, QUICK, alternating, medians, seconds, turn

from latentia import EM, GaussianHMM

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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", default="3,8,32")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    try:
        import hmmlearn  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        parser.exit(1, "hmmlearn is not there to compare with; install hmmlearn 0.3.3\n")
    warnings.simplefilter("ignore")
    print("| sequences | steps | states | ms a step | against scaling | against log |")
    print("|---|---|---|---|---|---|")
    for n_sequences, n_steps in SHAPES:
        for k in map(int, asked.states.split(",")):
            with turn():
                timed = medians(
                    alternating(sides(n_sequences, n_steps, k), QUICK if asked.quick else FULL)
                )
            ratios = (f"{timed[how] / timed['ours']:.1f}×" for how in ("scaling", "log"))
            cells = f"{n_sequences:,}", f"{n_steps:,}", str(k), f"{1e3 * timed['ours']:.1f}"
            print(f"| {' | '.join((*cells, *ratios))} |", flush=True)


if __name__ == "__main__":
    main()
