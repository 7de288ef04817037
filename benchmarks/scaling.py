"""What a step costs against rows, columns, components and threads; with a picture.

python benchmarks/scaling.py [--quick] [--picture docs/images/scaling.svg]
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
from peers import BEFORE, Cell, count, fitted, rows, start, step
from timing import Budget, alternating, medians, turn

FULL, QUICK = Budget(3, 7, 6.0), Budget(1, 1, 0.0)
PEER_UNTIL = 3e7
"""Rows times components beyond which scikit-learn is left out."""


def compared(cell: Cell, threads: tuple[int, ...], quick: bool, peer: bool) -> dict[str, float]:
    """Median seconds a step, by library and number of threads."""
    x = rows(cell)
    first = start(cell, x)
    libraries = ["latentia"]
    if peer and cell.n * cell.k <= PEER_UNTIL:
        libraries.append("scikit-learn")
    with turn():
        fitted("latentia", cell, x, first, BEFORE, 2)  # compiles
        sides = {
            f"{name}, {t}": partial(step, name, cell, x, first, t)
            for name in libraries
            for t in threads
        }
        return medians(alternating(sides, QUICK if quick else FULL))


def axes(quick: bool) -> dict[str, list[Cell]]:
    """The cells along each axis."""
    rows_of = [10_000, 30_000, 100_000] + ([] if quick else [300_000, 1_000_000, 10_000_000])
    columns = [2, 8, 16] if quick else [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 100]
    components = [2, 8] if quick else [2, 4, 8, 16, 32, 64]  # of one, EM has nothing left to do
    less = 10 if quick else 1
    return {
        "n": [Cell("full", n, 16, 16) for n in rows_of],
        "D": [Cell("full", 100_000 // less, d, 8) for d in columns],
        "K": [Cell("full", 200_000 // less, 8, k) for k in components],
    }


def lines(quick: bool = False, picture: str = "") -> list[str]:
    """Tables in Markdown."""
    table: list[str] = []
    found: dict[str, tuple[list[int], list[dict[str, float]]]] = {}
    for axis, cells in axes(quick).items():
        took = [compared(cell, (2,), quick, peer=axis != "n") for cell in cells]
        found[axis] = [getattr(cell, axis.lower()) for cell in cells], took
        table += [f"| {axis} | " + " | ".join(str(v) for v in found[axis][0]) + " |"]
        table += ["|---" * (len(cells) + 1) + "|"] if axis == "n" else []
        table += [
            f"| {name}, ms | "
            + " | ".join(f"{1e3 * t[f'{name}, 2']:.2f}" if f"{name}, 2" in t else "" for t in took)
            + " |"
            for name in ("latentia", "scikit-learn")
            if any(f"{name}, 2" in t for t in took)
        ]
    xs, took = found["n"]
    seconds = [max(t["latentia, 2"], 1e-9) for t in took]  # a difference, which noise may turn over
    slope = np.polyfit(np.log(xs), np.log(seconds), 1)[0]
    table += ["", f"Fitted exponent of n (full, D=16, K=16): **{slope:.2f}**.", ""]
    threads = [("full", 1_000_000, 2, 3), ("full", 200_000, 16, 16), ("full", 50_000, 100, 5)]
    for kind, n, d, k in threads[: 1 if quick else None]:
        cell = Cell(kind, n // 20 if quick else n, d, k)
        each = compared(cell, (1, 2), quick, peer=False)
        ratio = each["latentia, 1"] / each["latentia, 2"]
        table.append(f"Two threads against one, {kind} {count(cell.n)} × {d}, K={k}: {ratio:.2f}×.")
    if picture:
        draw(found, picture)
    print("\n".join(table), flush=True)
    return table


def draw(found: dict[str, tuple[list[int], list[dict[str, float]]]], picture: str) -> None:
    """Seconds a step against each axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for place, (axis, (xs, took)) in zip(
        figure.subplots(1, len(found)), found.items(), strict=True
    ):
        for name in ("latentia", "scikit-learn"):
            at = [i for i, t in enumerate(took) if f"{name}, 2" in t]
            if at:
                values = [took[i][f"{name}, 2"] for i in at]
                place.loglog([xs[i] for i in at], values, "o-", label=name)
        place.set(xlabel=axis, ylabel="seconds a step")
        place.legend()
    figure.savefig(picture, metadata={"Date": None} if picture.endswith("svg") else None)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--picture", default="", help="a file to draw into")
    options = parser.parse_args()
    lines(options.quick, options.picture)


if __name__ == "__main__":
    main()
