"""mclust's sweep: all its models with one to nine components, beside mclust.

What mclust 6.0.0 reaches is in tests/parity/mclust.csv, recorded from partitions in hc.csv; those
of Old Faithful tie, so there ours are others. A cell counts as reached where the log-likelihood is
mclust's less 1e-3 or more. Seconds are those of the processor, on one thread; mclust's are measured
by Rscript where R and mclust are installed. Prints Markdown tables.

    python benchmarks/mclust.py [--large] [--data iris] [--starts portfolio:40] [--tol 1e-3]
        [--exchange 2]
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from agglomerate import data as eight_gaussians
from numpy.typing import NDArray

from latentia import EM, GaussianMixture, datasets, select
from latentia.families.covariance import PATTERNS

RECORDED = Path(__file__).parents[1] / "tests" / "parity" / "mclust.csv"
SMALL = ("faithful", "iris", "diabetes", "galaxies", "acidity")
NEAR = 1e-3


def models(d: int) -> list[str]:
    """mclust's names for so many columns."""
    return ["E", "V"] if d == 1 else list(PATTERNS)


def swept(
    x: NDArray[np.float64], start: str, n_init: int, tol: float, exchange: int | None = None
) -> tuple[Any, float]:
    """A sweep over K = 1..9 and all models, and its seconds."""
    base = GaussianMixture(
        init_params=start, n_init=n_init, random_state=0, em=EM(tol=tol, workers=1)
    )
    grid = {"n_components": range(1, 10), "covariance_type": models(x.shape[1])}
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = select(base, x, grid, exchange=exchange, n_jobs=1)
    return chosen, time.process_time() - began


def mclust_seconds(x: NDArray[np.float64]) -> float:
    """Seconds of Mclust(x, G = 1:9); nan without R."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        np.savetxt(path, x, delimiter=",")
        code = (
            "suppressMessages(library(mclust)); "
            f"x <- as.matrix(read.csv('{path}', header = FALSE)); "
            "invisible(Mclust(x[1:50, , drop = FALSE], G = 1:2, verbose = FALSE)); "
            "cat(sum(system.time(Mclust(x, G = 1:9, verbose = FALSE))[1:2]))"
        )
        try:
            done = subprocess.run(
                ["Rscript", "-e", code], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return float("nan")
    return float(done.stdout)


def reached(name: str, chosen: Any) -> tuple[int, int, float]:
    """Cells where mclust's value is reached, cells where it has one, and the largest shortfall."""
    found = {
        (str(c.settings["n_components"]), c.settings["covariance_type"]): c.loglik
        for c in chosen.candidates
    }
    rows = [row for row in csv.DictReader(RECORDED.read_text().splitlines()) if row["data"] == name]
    short = [
        float(row["loglik"]) - found[row["k"], row["model"]]
        for row in rows
        if row["loglik"] != "NA"
    ]
    return sum(s <= NEAR for s in short), len(short), max(0.0, *short)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=",".join(SMALL))
    parser.add_argument("--starts", default="hierarchical,hierarchical:2,portfolio,portfolio:40")
    parser.add_argument("--tol", type=float, default=1e-3)
    parser.add_argument("--exchange", type=int, default=None, help="as select takes it")
    parser.add_argument("--large", action="store_true", help="20,000 rows of five columns instead")
    asked = parser.parse_args()
    if asked.large:
        x = eight_gaussians(20_000, 5)
        theirs = mclust_seconds(x)
        chosen, ours = swept(x, "hierarchical", 1, asked.tol)
        print(f"mclust {theirs:.1f} s, latentia {ours:.1f} s, {chosen.best_settings}")
        return
    print("| data | start | cells reached | most short | winner | s | mclust's s | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name in asked.data.split(","):
        x = datasets.load(name).values
        theirs = mclust_seconds(x)
        swept(
            x[:40], "hierarchical", 1, asked.tol
        )  # so that nothing is compiled or loaded on the clock
        for start in asked.starts.split(","):
            kind, _, n_init = start.partition(":")
            chosen, ours = swept(x, kind, int(n_init or 1), asked.tol, asked.exchange)
            got, of, short = reached(name, chosen)
            best = chosen.best_settings
            print(
                f"| {name} | {start} | {got} of {of} | {short:.2f} | {best['covariance_type']}, "
                f"{best['n_components']} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
