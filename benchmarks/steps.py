"""One step of `GaussianMixture.fit`, as a user calls it, beside the peers' from the same start.

A step is an eighth of the time that eight more of `max_iter` cost, with default settings otherwise
and nothing stopping early. Sides take turns; medians are compared. GFLOP/s count 4 n K P with
P = 1 + D + D (D + 1) / 2, and are set beside the measured rate of a matrix product of that type.

    python benchmarks/steps.py [--quick] [--elsewhere PYTHON] [--only full] [--dtype float64]

PYTHON is an interpreter with torch, pomegranate and tgmm, where these are to be measured too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial

from machine import Machine, measured
from peers import BEFORE, Cell, Elsewhere, count, fitted, rows, start, step
from timing import FULL, QUICK, alternating, medians, turn

SIZES = [
    ("full", 1_000_000, 2, 3),
    ("full", 500_000, 4, 8),
    ("full", 200_000, 16, 16),
    ("full", 100_000, 50, 10),
    ("full", 50_000, 100, 5),
    ("diag", 200_000, 64, 64),
    ("diag", 1_000_000, 8, 8),
    ("spherical", 200_000, 64, 64),
    ("spherical", 1_000_000, 8, 8),
    ("tied", 200_000, 16, 16),
    ("tied", 100_000, 50, 10),
]
THREADS = 2
TORCH = ("tgmm", "pomegranate")
HEAD = (
    "| covariance, n × D, K | type | latentia, ms a step | GFLOP/s (of the peak) | "
    "scikit-learn, ms | times faster | than tgmm | than pomegranate |"
)


def compared(cell: Cell, quick: bool, elsewhere: str | None) -> dict[str, float]:
    """Median seconds a step of each library."""
    x = rows(cell)
    first = start(cell, x)
    sides: dict[str, Callable[[], float]] = {
        name: partial(step, name, cell, x, first, THREADS) for name in ("latentia", "scikit-learn")
    }
    other = None
    if elsewhere and cell.kind == "full":
        other = Elsewhere(elsewhere, cell, x, first, THREADS)
        sides |= {name: partial(other.step, name) for name in TORCH}
    try:
        with turn():
            for name in sides:  # what is compiled or loaded once does not count
                if name in TORCH and other is not None:
                    other.seconds(name, BEFORE)
                else:
                    fitted(name, cell, x, first, BEFORE, THREADS)
            return medians(alternating(sides, QUICK if quick else FULL))
    finally:
        if other is not None:
            other.close()


def row(cell: Cell, took: dict[str, float], machine: Machine) -> str:
    """One line of the table."""
    own, peer = took["latentia"], took["scikit-learn"]
    rate = "" if cell.kind != "full" else f"{cell.flops / own / 1e9:.1f}"
    if rate and cell.d >= 16:
        peak = machine.dgemm if cell.dtype == "float64" else machine.sgemm
        rate += f" ({100 * cell.flops / own / 1e9 / peak[THREADS]:.0f} %)"
    more = [f"{took[name] / own:.1f}×" if took.get(name, 0) > 0 else "" for name in TORCH]
    cells = (
        f"{cell.kind} {count(cell.n)} × {cell.d}, {cell.k}",
        cell.dtype,
        f"{1e3 * own:.1f}",
        rate,
        f"{1e3 * peer:.0f}",
        f"**{peer / own:.1f}×**",
        *more,
    )
    return "| " + " | ".join(cells) + " |"


def lines(
    machine: Machine,
    quick: bool = False,
    elsewhere: str | None = None,
    only: str = "",
    dtype: str = "",
) -> list[str]:
    """The table in Markdown, said as it grows."""
    table = [HEAD, "|---|---|---|---|---|---|---|---|"]
    for kind, n, d, k in SIZES:
        for each in ("float64", "float32"):
            if only in ("", kind) and dtype in ("", each):
                cell = Cell(kind, n // 20 if quick else n, d, k, each)
                table.append(row(cell, compared(cell, quick, elsewhere), machine))
                print(table[-1], flush=True)
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--elsewhere", default=os.environ.get("BENCH_ELSEWHERE"))
    parser.add_argument("--only", default="", help="one covariance type")
    parser.add_argument("--dtype", default="")
    options = parser.parse_args()
    lines(measured(options.quick), options.quick, options.elsewhere, options.only, options.dtype)


if __name__ == "__main__":
    main()
