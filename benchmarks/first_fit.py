"""The first fit in a fresh process on 10,000 rows: imports in and out, compiled code kept or not.

NumPy and the data are loaded before the clock starts. Byte code is kept for both libraries,
whatever the environment says, since it is kept once a package is installed. `cold` is with an empty
cache of machine code. Clusters that are apart need few E-steps; where they overlap latentia climbs
on to where scikit-learn's rule has long stopped, so steps and log-likelihoods are in the table.

python benchmarks/first_fit.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peers import Cell, rows
from timing import Budget, alternating, turn

SIZES = (("apart", 4, 3), ("overlapping", 4, 3), ("overlapping", 16, 8))

PROGRAM = """
import json, sys, time, warnings
import numpy as np
path, k, library = sys.argv[1:]
x = np.load(path)
began = time.perf_counter()
if library == "latentia":
    from latentia import GaussianMixture
else:
    from sklearn.mixture import GaussianMixture
imported = time.perf_counter()
warnings.simplefilter("ignore")
made = GaussianMixture(int(k), random_state=0).fit(x)
ended = time.perf_counter()
print(json.dumps([ended - began, ended - imported, made.n_iter_, made.score(x) * len(x)]))
"""


def first(library: str, path: Path, k: int, kept: Path, warm: bool) -> list[float]:
    """Seconds with and without imports, E-steps and log-likelihood, in a process of its own.

    `kept` is a folder for byte code and compiled code; where not `warm` no compiled code is found.
    """
    with tempfile.TemporaryDirectory() as empty:
        environment = {
            **os.environ,
            "NUMBA_CACHE_DIR": str(kept) if warm else empty,
            "PYTHONPYCACHEPREFIX": str(kept),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", PROGRAM, str(path), str(k), library]
        answer = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=environment
        )
    return json.loads(answer.stdout.splitlines()[-1])


def data(kind: str, d: int, k: int) -> NDArray[np.float64]:
    """10,000 rows of clusters that overlap, or that are about eight standard deviations apart."""
    cell = Cell("full", 10_000, d, k)
    if kind == "overlapping":
        return rows(cell)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(k, d)) * (6 / np.sqrt(d))
    return centres[rng.integers(k, size=cell.n)] + rng.normal(size=(cell.n, d))


def lines(quick: bool = False) -> list[str]:
    """The table in Markdown."""
    table = [
        "| rows × columns, K | clusters | E-steps (scikit-learn's) | nats above | imports "
        "| latentia, warm, s | cold, s | scikit-learn, s | warm, of scikit-learn's "
        "| cold, seconds more |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder)
        for kind, d, k in SIZES:
            path = kept / f"{kind}-{d}.npy"
            np.save(path, data(kind, d, k))
            with turn():
                for library in ("latentia", "scikit-learn"):
                    first(library, path, k, kept, True)  # fills the caches
                sides = {
                    "warm": partial(first, "latentia", path, k, kept, True),
                    "cold": partial(first, "latentia", path, k, kept, False),
                    "peer": partial(first, "scikit-learn", path, k, kept, True),
                }
                found = alternating(sides, Budget(1, 1, 0) if quick else Budget(5, 9, 20.0))
            own, peer = found["warm"][0], found["peer"][0]
            climbed = f"{own[2]:.0f} ({peer[2]:.0f}) | {own[3] - peer[3]:+.2f}"
            for i, imports in enumerate(("included", "excluded")):
                warm, cold, other = (np.median([t[i] for t in found[name]]) for name in sides)
                table.append(
                    f"| 10k × {d}, {k} | {kind} | {climbed} | {imports} | {warm:.3f} "
                    f"| {cold:.2f} | {other:.3f} | {warm / other:.2f} | {cold - other:+.2f} |"
                )
                print(table[-1], flush=True)
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    lines(parser.parse_args().quick)


if __name__ == "__main__":
    main()
