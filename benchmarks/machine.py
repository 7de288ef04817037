"""What this machine can do: matrix products, memory bandwidth, and the versions of everything.

The rates of products are those of the BLAS kernels that fit the processor, measured in a process of
its own, even where the environment holds OpenBLAS to older ones, and the best of BLAS's own
threads and of one product a thread side by side.

    python benchmarks/machine.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from timing import seconds, turn

THREADS = (1, 2)
PACKAGES = ("latentia", "numpy", "scipy", "numba", "scikit-learn", "threadpoolctl", "pyarrow")


class Machine(NamedTuple):
    """Rates by number of threads: GFLOP/s of square products, GB/s of a triad."""

    dgemm: dict[int, float]
    sgemm: dict[int, float]
    triad: dict[int, float]


HELD = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What may hold OpenBLAS to the kernels of another processor."""


def product(dtype: Any, threads: int, size: int, repeats: int) -> float:
    """GFLOP/s of the fastest of several square matrix products."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(size, size)).astype(dtype) for _ in range(2))
    outs = [np.empty_like(a) for _ in range(threads)]

    def alone() -> None:
        np.dot(a, b, out=outs[0])

    def side_by_side() -> None:
        list(pool.map(lambda out: np.dot(a, b, out=out), outs))

    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []

    def place() -> None:
        if cores:  # each on a processor of its own, as the system may not see to it
            os.sched_setaffinity(0, {cores.pop()})

    rates: list[float] = []
    with ThreadPoolExecutor(threads, initializer=place) as pool:
        for limit, products, run in ((threads, 1, alone), (1, threads, side_by_side)):
            with threadpool_limits(limit, user_api="blas"):
                run()
                fastest = min(seconds(run) for _ in range(repeats))
            rates.append(2 * products * size**3 / fastest / 1e9)
    return max(rates)


def products(quick: bool) -> list[list[float]]:
    """GFLOP/s in double and in single precision, by THREADS."""
    size, repeats = (800, 3) if quick else (3000, 5)
    kinds = (np.float64, np.float32)
    return [[product(kind, t, size, repeats) for t in THREADS] for kind in kinds]


def _products_at_best(quick: bool) -> list[list[float]]:
    """The same with the kernels of this processor, in another process."""
    free = {name: value for name, value in os.environ.items() if name not in HELD}
    command = [sys.executable, __file__, "--rates", *(["--quick"] if quick else [])]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=free)
    return json.loads(answer.stdout)


def triad(threads: int, size: int, repeats: int) -> float:
    """GB/s of a = b + s c in float64, 24 bytes an element counted (McCalpin 1995)."""
    pass_over = _triad()
    a, b, c = (np.zeros(size) for _ in range(3))
    cuts = np.linspace(0, size, threads + 1).astype(int)
    parts = [slice(i, j) for i, j in pairwise(cuts)]
    pass_over(a[:8], b[:8], c[:8], 3.0)
    with ThreadPoolExecutor(threads) as pool:

        def once() -> None:
            list(pool.map(lambda part: pass_over(a[part], b[part], c[part], 3.0), parts))

        once()
        fastest = min(seconds(once) for _ in range(repeats))
    return 24 * size / fastest / 1e9


def _triad() -> Callable[..., None]:
    from numba import njit

    @njit(nogil=True)
    def pass_over(a: Any, b: Any, c: Any, s: float) -> None:
        for i in range(a.size):
            a[i] = b[i] + s * c[i]

    return pass_over


def measured(quick: bool = False) -> Machine:
    """The rates of this machine."""
    repeats = 3 if quick else 5
    length = 5_000_000 if quick else 80_000_000  # beyond any cache
    with turn():
        double, single = (dict(zip(THREADS, r, strict=True)) for r in _products_at_best(quick))
        return Machine(double, single, {t: triad(t, length, repeats) for t in THREADS})


def processor() -> str:
    """The processor, as the kernel names it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    wide = "AVX-512" if any("avx512f" in line for line in lines) else "no AVX-512"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{names[0] if names else platform.processor()}, {cores} cores, {wide}"


def versions() -> str:
    """Everything that was measured, and what it stands on."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    blas = {f"{i['internal_api']} {i['version']}" for i in threadpool_info() if i["version"]}
    held = [f"{name}={os.environ[name]}" for name in HELD if name in os.environ]
    return ", ".join([*found, *sorted(blas), *held])


def lines(machine: Machine) -> list[str]:
    """The machine in Markdown."""
    head = "| threads | DGEMM, GFLOP/s | SGEMM, GFLOP/s | triad, GB/s |"
    body = [
        f"| {t} | {machine.dgemm[t]:.0f} | {machine.sgemm[t]:.0f} | {machine.triad[t]:.0f} |"
        for t in THREADS
    ]
    return [f"{processor()}. {versions()}.", "", head, "|---|---|---|---|", *body]


def main() -> None:
    """Print what this machine can do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rates", action="store_true", help="of products alone, in JSON")
    options = parser.parse_args()
    if options.rates:
        print(json.dumps(products(options.quick)))
    else:
        print("\n".join(lines(measured(options.quick))))


if __name__ == "__main__":
    main()
