"""A fit to a folder of Parquet files beside one to the same rows in memory, each in its process.

Twenty million rows of eight columns are drawn from eight normals and written file by file, once as
Parquet and once as one array. A step is an eighth of the time between step 4 and step 12 of one
fit, so that neither decoding nor the start counts. Anonymous memory is what the system cannot take
back: pages of the mapped numbers are not in it, the interpreter, its libraries and what is compiled
are. Both fits see the same chunks, so their parameters must be the same to the last bit.

    python benchmarks/parquet.py [--quick]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from memory import Watch
from timing import turn

from latentia import EM, GaussianMixture
from latentia.engine.callbacks import Callback, Step

ROWS, QUICK_ROWS = 20_000_000, 40_000
COLUMNS, COMPONENTS, FILES, THREADS = 8, 8, 20, 2
BEFORE, COUNTED = 4, 8
SIDES = ("folder", "array")


class Outcome(NamedTuple):
    """What one process says of its fit, and its largest anonymous memory in bytes."""

    began: float
    step: float
    seconds: float
    digest: str
    peak: int = 0


class Stamps(Callback):
    """When each step ended, by how many there were."""

    def __init__(self) -> None:
        self.ended: dict[int, float] = {}

    def on_step(self, step: Step) -> None:
        self.ended[step.n_steps] = time.perf_counter()


def write(folder: Path, n: int) -> None:
    """Rows in `folder`/rows, in FILES files, and all of them in `folder`/array.npy."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    centres = 2 * np.random.default_rng(0).normal(size=(COMPONENTS, COLUMNS))
    whole = np.lib.format.open_memmap(folder / "array.npy", "w+", np.float64, (n, COLUMNS))
    (folder / "rows").mkdir()
    for i, part in enumerate(np.array_split(whole, FILES)):
        rng = np.random.default_rng([1, i])
        part[...] = centres[rng.integers(COMPONENTS, size=len(part))]
        part += rng.normal(size=part.shape)
        table = pa.table({f"x{j}": np.ascontiguousarray(part[:, j]) for j in range(COLUMNS)})
        pq.write_table(table, folder / "rows" / f"{i:02}.parquet")
    whole.flush()


def child(side: str, folder: Path) -> Outcome:
    """The fit to one of the two; `began` is when its first step ended."""
    asked = time.perf_counter()
    x: Any = folder / "rows" if side == "folder" else np.load(folder / "array.npy")
    stamps = Stamps()
    settings = EM(tol=0.0, max_iter=BEFORE + COUNTED, workers=THREADS, callbacks=[stamps])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = GaussianMixture(COMPONENTS, random_state=0, em=settings).fit(x)
    ended = time.perf_counter()
    if made.n_iter_ != BEFORE + COUNTED:
        raise RuntimeError(f"the fit took {made.n_iter_} steps, not {BEFORE + COUNTED}")
    parameters = (made.weights_, made.means_, made.covariances_)
    return Outcome(
        stamps.ended[1] - asked,
        (stamps.ended[BEFORE + COUNTED] - stamps.ended[BEFORE]) / COUNTED,
        ended - asked,
        hashlib.sha256(b"".join(a.tobytes() for a in parameters)).hexdigest(),
    )


def measured(side: str, folder: Path) -> Outcome:
    """The child's answer, watched from here."""
    command = [sys.executable, __file__, "--child", side, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        told, _ = process.communicate()
        peak = watch.stop()
    if process.returncode:
        raise RuntimeError(f"the fit to the {side} ended with status {process.returncode}")
    return Outcome(*json.loads(told.splitlines()[-1]))._replace(peak=peak)


def lines(quick: bool = False) -> list[str]:
    """The table in Markdown."""
    n = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory() as made:
        write(Path(made), n)
        size = sum(file.stat().st_size for file in Path(made, "rows").iterdir())
        with turn():
            folder, array = (measured(side, Path(made)) for side in SIDES)
    same = "the same to the last bit" if folder.digest == array.digest else "**not the same**"
    table = [
        f"{n:,} × {COLUMNS} float64, {n * COLUMNS * 8 / 1e6:,.0f} MB as an array and "
        f"{size / 1e6:,.0f} MB in {FILES} files; K={COMPONENTS}, full covariances.",
        "",
        "| data | anonymous memory at most, MiB | ms a step | until the first step, s | whole, s |",
        "|---|---|---|---|---|",
    ]
    for name, found in (("folder of Parquet", folder), ("array in memory", array)):
        table.append(
            f"| {name} | {found.peak / 2**20:,.0f} | {1e3 * found.step:.1f} "
            f"| {found.began:.1f} | {found.seconds:.1f} |"
        )
    table += [
        "",
        f"A step on the folder takes **{folder.step / array.step:.2f}** of one in memory; weights, "
        f"means and covariances are {same}.",
    ]
    print("\n".join(table), flush=True)
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        side, folder = options.child
        print(json.dumps(child(side, Path(folder))))
    else:
        lines(options.quick)


if __name__ == "__main__":
    main()
