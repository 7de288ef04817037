"""Everything beside the peers: what `make bench` runs. Each part writes its own block of the page.

    python benchmarks/bench.py [--quick] [--only steps,memory] [--elsewhere PYTHON]

With --quick sizes are small, nothing is written and all of it takes under two minutes. Where
several jobs share a machine, BENCH_LOCK names a file whose lock is held during each timing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import first_fit
import machine
import memory
import optimum
import parquet
import scaling
import steps

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "scaling.svg"


def written(page: str, part: str, lines: list[str]) -> str:
    """The page with the block of one part replaced."""
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"got a page without one {begin} and one {end}, expected one of each")
    before, rest = page.split(begin)
    return "\n".join([before + begin, "", *lines, "", end + rest.split(end)[1]])


def parts(quick: bool, elsewhere: str | None) -> dict[str, Callable[[], list[str]]]:
    """What each block of the page is made by."""
    rates = machine.measured(quick)
    return {
        "machine": lambda: machine.lines(rates),
        "steps": lambda: steps.lines(rates, quick, elsewhere),
        "optimum": lambda: optimum.lines(quick),
        "memory": lambda: memory.lines(quick),
        "parquet": lambda: parquet.lines(quick),
        "scaling": lambda: scaling.lines(quick, "" if quick else str(PICTURE)),
        "first fit": lambda: first_fit.lines(quick),
    }


def main() -> None:
    """Run the parts, print their tables, and write them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--elsewhere", default=os.environ.get("BENCH_ELSEWHERE"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    quick = options.quick
    made_by = parts(quick, options.elsewhere)
    for part in options.only.split(",") if options.only else made_by:
        print(f"\n{part}\n", flush=True)
        made = made_by[part]()
        if not quick:
            page = PAGE.read_text(encoding="utf-8")
            PAGE.write_text(written(page, part, made), encoding="utf-8")


if __name__ == "__main__":
    main()
