"""The first fit in a fresh process on 10,000 rows: imports in and out, compiled code kept or not.

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
from peers import Cell, rows
from timing import Budget, alternating, turn

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
GaussianMixture(int(k), random_state=0).fit(x)
ended = time.perf_counter()
print(json.dumps([ended - began, ended - imported]))
"""


def first(library: str, path: Path, k: int, cache: str | None) -> list[float]:
    """Seconds with and without imports, in a process of its own; an empty cache for None."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache or empty}
        command = [sys.executable, "-c", PROGRAM, str(path), str(k), library]
        answer = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=environment
        )
    return json.loads(answer.stdout.splitlines()[-1])


def lines(quick: bool = False) -> list[str]:
    """The table in Markdown."""
    table = [
        "| rows × columns, K | imports | latentia, warm, s | cold, s | scikit-learn, s "
        "| warm, of scikit-learn's | cold, seconds more |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for d, k in ((4, 3), (16, 8)):
            path = Path(folder) / f"{d}.npy"
            np.save(path, rows(Cell("full", 10_000, d, k)))
            with turn():
                first("latentia", path, k, folder)  # fills the cache
                sides = {
                    "warm": partial(first, "latentia", path, k, folder),
                    "cold": partial(first, "latentia", path, k, None),
                    "peer": partial(first, "scikit-learn", path, k, folder),
                }
                found = alternating(sides, Budget(1, 1, 0) if quick else Budget(3, 5, 20.0))
            for i, imports in enumerate(("included", "excluded")):
                warm, cold, peer = (np.median([t[i] for t in found[name]]) for name in sides)
                table.append(
                    f"| 10k × {d}, {k} | {imports} | {warm:.2f} | {cold:.2f} | {peer:.2f} "
                    f"| {warm / peer:.2f} | {cold - peer:+.2f} |"
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
