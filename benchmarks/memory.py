"""Peak memory of a fit above its data, beside scikit-learn's, each in a process of its own.

The child has its data in memory and has imported its library, and has fitted 200 rows, before the
count begins. What is counted, less what there was then: resident memory at its peak (VmHWM, set
back before the fit), and anonymous memory (RssAnon every few milliseconds), which is without the
files of libraries that the first fit maps: Numba's and LLVM's, which the system can take back and
other processes share. `again` is a second fit in the same process, where they are loaded.

    python benchmarks/memory.py [--quick]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from peers import Cell, count, fitted, rows, start
from timing import turn

THREADS, STEPS = 2, 5
LIBRARIES = ("latentia", "scikit-learn")


def status(field: str, process: int | str = "self") -> int:
    """A line of /proc/PROCESS/status, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise KeyError(field)


def forget_peak() -> None:
    """Let the kernel count the peak of this process anew."""
    Path("/proc/self/clear_refs").write_text("5")


class Watch:
    """The largest anonymous memory of a process while it runs, looked at every few milliseconds."""

    def __init__(self, process: int) -> None:
        self.process, self.peak, self.over = process, 0, False
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        while not self.over:
            try:
                self.peak = max(self.peak, status("RssAnon", self.process))
            except (OSError, KeyError):  # it has ended
                return
            time.sleep(0.003)

    def stop(self) -> int:
        """The peak in bytes."""
        self.over = True
        self.thread.join()
        return self.peak


def child(library: str, cell: Cell) -> dict[str, int]:
    """Bytes above what there was before the first and before a second fit."""
    x = rows(cell)
    first = start(cell, x)
    small = Cell(cell.kind, 200, cell.d, 2, cell.dtype)
    given = rows(small)
    fitted(library, small, given, start(small, given), 2, THREADS)  # imports what fits import
    peaks: dict[str, int] = {}
    for name in ("first", "again"):
        gc.collect()
        resident, anonymous = status("VmRSS"), status("RssAnon")
        forget_peak()
        watch = Watch(os.getpid())
        made = fitted(library, cell, x, first, STEPS, THREADS)
        peaks[f"{name} anonymous"] = watch.stop() - anonymous
        peaks[name] = status("VmHWM") - resident
        del made
    return peaks


def measured(library: str, cell: Cell) -> dict[str, int]:
    """The child's answer."""
    asked = json.dumps([library, list(cell)])
    command = [sys.executable, __file__, "--child", asked]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def lines(quick: bool = False) -> list[str]:
    """The table in Markdown: resident memory, and in brackets what is anonymous of it."""
    sizes = [("full", 1_000_000, 16, 16), ("diag", 1_000_000, 8, 8), ("full", 1_000_000, 2, 3)]
    table = [
        "| covariance, n × D, K | data, MB | latentia's first fit, MB | again, MB "
        "| scikit-learn, MB | share, first | share, again |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, n, d, k in sizes[: 1 if quick else None]:
        cell = Cell(kind, n // 20 if quick else n, d, k)
        with turn():
            found: dict[str, Any] = {name: measured(name, cell) for name in LIBRARIES}
        own, peer = found["latentia"], found["scikit-learn"]
        first, again = (_share(own, name, peer) for name in ("first", "again"))
        cells = (
            f"{kind} {count(cell.n)} × {d}, {k}",
            f"{cell.n * d * 8 / 1e6:.0f}",
            _both(own, "first"),
            _both(own, "again"),
            _both(peer, "first"),
            f"**{first}**",
            again,
        )
        table.append("| " + " | ".join(cells) + " |")
        print(table[-1], flush=True)
    return table


def _both(found: dict[str, int], name: str) -> str:
    return f"{found[name] / 1e6:.0f} ({found[f'{name} anonymous'] / 1e6:.0f})"


def _share(own: dict[str, int], name: str, peer: dict[str, int]) -> str:
    """Of the peer's first fit."""
    resident, anonymous = (
        peer[f"first{kind}"] / max(own[f"{name}{kind}"], 1) for kind in ("", " anonymous")
    )
    return f"1/{resident:.1f} (1/{anonymous:.1f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        library, cell = json.loads(options.child)
        print(json.dumps(child(library, Cell(*cell))))
    else:
        lines(options.quick)


if __name__ == "__main__":
    main()
