"""The same Gaussian mixture fitted by latentia and by its peers from one given start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture as Peer
from threadpoolctl import threadpool_limits
from timing import seconds

from latentia import EM, GaussianMixture

Array = NDArray[Any]
BEFORE, COUNTED = 2, 8
"""Steps before the count begins, and steps counted."""

LONG_ENOUGH, MOST_PAIRS = 0.3, 7
"""Seconds of fits that one measurement of a step goes over, and pairs of them, at most."""


class Cell(NamedTuple):
    """One size of problem."""

    kind: str
    n: int
    d: int
    k: int
    dtype: str = "float64"

    @property
    def name(self) -> str:
        return f"{self.kind} {count(self.n)} × {self.d}, K={self.k}"

    @property
    def flops(self) -> float:
        """Of a pass with full covariances: features times components, there and back."""
        return 4.0 * self.n * self.k * (1 + self.d + self.d * (self.d + 1) // 2)


class Start(NamedTuple):
    """Weights (K,), means (K, d) and precisions in the shape of the kind."""

    weights: Array
    means: Array
    precisions: Array


def count(n: int) -> str:
    """A number of rows, as a person says it."""
    return f"{n / 1e6:g}M" if n >= 1e6 else f"{n / 1e3:g}k"


def rows(cell: Cell, seed: int = 0) -> Array:
    """Overlapping clusters of unit spread whose centres are about 2.8 apart, whatever D is."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(cell.k, cell.d)) * (2 / np.sqrt(cell.d))
    x = np.empty((cell.n, cell.d), dtype=cell.dtype)
    for at in range(0, cell.n, 100_000):
        part = x[at : at + 100_000]
        labels = rng.integers(cell.k, size=len(part))
        part[...] = centres[labels] + rng.normal(size=part.shape)
    return x


def start(cell: Cell, x: Array, seed: int = 0) -> Start:
    """Means at rows drawn at random, the pooled covariance, equal weights."""
    rng = np.random.default_rng([seed, 1])
    means = x[rng.choice(len(x), cell.k, replace=False)]
    pooled = np.cov(x[:100_000].T.astype(float)).reshape(cell.d, cell.d)
    precision = np.linalg.inv(pooled)
    inverse = {
        "full": np.stack([precision] * cell.k),
        "tied": precision,
        "diag": np.stack([1 / np.diag(pooled)] * cell.k),
        "spherical": np.full(cell.k, 1 / np.trace(pooled) * cell.d),
    }[cell.kind]
    as_given = (np.full(cell.k, 1 / cell.k), means, inverse)
    return Start(*(np.asarray(a, dtype=cell.dtype) for a in as_given))


def fitted(
    library: str,
    cell: Cell,
    x: Array,
    first: Start,
    steps: int,
    threads: int,
    em: dict[str, Any] | None = None,
    **settings: Any,
) -> Any:
    """A fit of so many steps and no fewer; `em` are other settings of latentia's climb."""
    given = {
        "n_components": cell.k,
        "covariance_type": cell.kind,
        "weights_init": first.weights,
        "means_init": first.means,
        "precisions_init": first.precisions,
        **settings,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if library == "latentia":
            climb = {"tol": 0.0, "max_iter": steps, "workers": threads, **(em or {})}
            made = GaussianMixture(**given, em=EM(**climb)).fit(x)
        else:
            with threadpool_limits(threads):
                made = Peer(**given, tol=0.0, max_iter=steps).fit(x)
    if made.n_iter_ != steps:
        print(
            f"warning: {library} stopped at step {made.n_iter_} of {steps} on {cell.name}",
            file=sys.stderr,
        )
    return made


def step(library: str, cell: Cell, x: Array, first: Start, threads: int, **settings: Any) -> float:
    """Seconds a step: what COUNTED more of them cost, so that the start does not count.

    A fit goes first that is not timed: the other side's turn has left the caches to its own data,
    and the first fit after it is slower than the next. Of short fits several pairs are timed.
    """

    def fit(steps: int) -> float:
        return seconds(lambda: fitted(library, cell, x, first, steps, threads, **settings))

    spent = fit(BEFORE)
    pairs = int(np.clip(LONG_ENOUGH / spent, 1, MOST_PAIRS))
    timed = [(fit(BEFORE), fit(BEFORE + COUNTED)) for _ in range(pairs)]
    return float(np.median([(long - short) / COUNTED for short, long in timed]))


class Elsewhere:
    """Peers in a process of another interpreter, which answers one line of JSON to each.

    Parameters
    ----------
    python : str
        An interpreter with torch and the peers.
    x : array
        The data, handed over in a file.
    """

    def __init__(self, python: str, cell: Cell, x: Array, first: Start, threads: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        np.savez(Path(self.folder.name) / "given.npz", x=x, **first._asdict())
        program = Path(__file__).with_name("torch_peers.py")
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [python, str(program), self.folder.name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def step(self, library: str) -> float:
        """Seconds a step of one of its libraries."""
        short = self.seconds(library, BEFORE)
        return (self.seconds(library, BEFORE + COUNTED) - short) / COUNTED

    def seconds(self, library: str, steps: int) -> float:
        """Seconds of one fit; nan where it failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps([library, steps]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        return float(json.loads(answer)) if answer else float("nan")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()
