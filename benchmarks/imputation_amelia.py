"""Multiple imputation: EMImputer beside Amelia, seconds of processors.

    python benchmarks/imputation_amelia.py [--quick]

The same tables, the same number of imputations, drawn by the bootstrap in both, each as it stops by
default; one thread. Amelia runs in R, where Rscript finds it, and only the imputations are timed;
without R its column is empty. Best of three rounds. Prints Markdown.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from imputation import rows

from latentia import EMImputer, datasets
from latentia.missing import Panel

SCRIPT = """
suppressMessages(library(Amelia))
given <- commandArgs(TRUE)
x <- as.matrix(read.csv(given[1], header = FALSE))
asked <- list(x = x, m = as.integer(given[2]), p2s = 0)
if (given[3] != "") asked <- c(asked, eval(parse(text = given[3])))
best <- Inf
for (round in 1:3) {
  began <- proc.time()
  made <- do.call(amelia, asked)
  best <- min(best, sum((proc.time() - began)[1:2]))
}
cat(best)
"""


def trade():
    """Freetrade with logarithms, years about their middle, and countries as numbers."""
    data = datasets.load("freetrade")
    x = data.values.copy()
    x[:, [3, 4]] = np.log(x[:, [3, 4]])
    x[:, 0] -= 1990
    country = np.unique(data.labels, return_inverse=True)[1]
    return np.column_stack([np.delete(x, 6, axis=1), country])


def problems(quick):
    """Name, table, imputations, what EMImputer is told, and what Amelia is."""
    panel = Panel(0, 8, polynomial=1, per_unit=True)
    line = "list(ts = 1, cs = 9, polytime = 1, intercs = TRUE)"
    yield "freetrade, a line for each country", trade(), 20, {"panel": panel}, line
    for n, d in ((200, 4),) if quick else ((1_000, 10), (5_000, 20), (20_000, 30)):
        yield f"{n:,} × {d}, 20 % missing", rows(n, d)[1], 5, {}, ""


def ours(x, m, told):
    """Seconds of EMImputer, after a run that is not timed."""
    best = np.inf
    for _ in range(4):
        began = time.process_time()
        imputer = EMImputer(draw="bootstrap", n_imputations=m, ridge=0, random_state=0, **told)
        list(imputer.fit(x).imputations(x))
        best = min(best, time.process_time() - began)
    return best


def theirs(x, m, told):
    """Seconds of Amelia, or nan where there is no R or no Amelia."""
    if shutil.which("Rscript") is None:
        return np.nan
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.csv")
        np.savetxt(path, x, delimiter=",", fmt="%.17g")
        text = path.read_text().replace("nan", "NA")
        path.write_text(text)
        asked = ["Rscript", "-e", SCRIPT, str(path), str(m), told]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 and done.stdout else np.nan


def main():
    parser = argparse.ArgumentParser(description="EMImputer beside Amelia")
    parser.add_argument("--quick", action="store_true", help="sizes that say nothing of speed")
    asked = parser.parse_args()
    print("| table | imputations | EMImputer | Amelia | ratio |")
    print("|---|---|---|---|---|")
    for name, x, m, told, other in problems(asked.quick):
        mine, other = ours(x, m, told), theirs(x, m, other)
        print(f"| {name} | {m} | {mine:.2f} | {other:.2f} | {other / mine:.1f} |", flush=True)


if __name__ == "__main__":
    main()
