"""Hierarchical clustering: seconds and peak memory, beside SciPy's Ward linkage.

Each line is a process of its own, whose code is compiled or loaded before the count begins. The
peak is the kernel's own (VmHWM, set back before), less what was resident then. SciPy's linkage
holds all distances, so it is left out above 20,000 rows. Prints a Markdown table.

    python benchmarks/agglomerate.py [--rows 2000,10000,50000] [--features 5] [--quick]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from memory import forget_peak, status
from numpy.typing import NDArray

COMPONENTS, CLUSTERS, SCIPY_ROWS = 8, 20, 20_000
SIDES = ("VVV", "EII", "SciPy")


def data(n: int, d: int) -> NDArray[np.float64]:
    """Rows of eight overlapping Gaussians with covariances of their own."""
    rng = np.random.default_rng(0)
    means = 3 * rng.normal(size=(COMPONENTS, d))
    roots = rng.normal(size=(COMPONENTS, d, d)) / 2
    z = rng.integers(COMPONENTS, size=n)
    return means[z] + np.einsum("nij,nj->ni", roots[z], rng.normal(size=(n, d)))


def run(side: str, x: NDArray[np.float64]) -> None:
    """One clustering."""
    if side == "SciPy":
        from scipy.cluster.hierarchy import linkage

        linkage(x, "ward")
    else:
        from latentia.mixture.agglomerate import agglomerate

        agglomerate(x, None, CLUSTERS, side).labels(CLUSTERS)  # pyright: ignore[reportArgumentType]


def child(side: str, n: int, d: int) -> dict[str, float]:
    """Seconds and bytes of one side."""
    x = data(n, d)
    run(side, x[:100])
    before = status("VmRSS")
    forget_peak()
    began = time.perf_counter()
    run(side, x)
    return {"seconds": time.perf_counter() - began, "bytes": status("VmHWM") - before}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", default="2000,10000,20000,50000", help="separated by commas")
    parser.add_argument("--features", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few rows")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options.child, int(options.rows), options.features)))
        return
    print("| rows | columns | criterion | s | MiB |")
    print("|---|---|---|---|---|")
    for n in (500,) if options.quick else map(int, options.rows.split(",")):
        for side in SIDES:
            if side == "SciPy" and n > SCIPY_ROWS:
                continue
            asked = ["--child", side, "--rows", str(n), "--features", str(options.features)]
            answer = subprocess.run(
                [sys.executable, Path(__file__), *asked], check=True, capture_output=True, text=True
            )
            got = json.loads(answer.stdout)
            mebibytes = got["bytes"] / 2**20
            print(f"| {n} | {options.features} | {side} | {got['seconds']:.2f} | {mebibytes:.0f} |")


if __name__ == "__main__":
    main()
