"""Sides measured in turn, several times over, and summed up by their medians."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np


class Budget(NamedTuple):
    """How often each side is measured: at least, at most, and until so many seconds are over."""

    least: int
    most: int
    seconds: float


FULL, QUICK = Budget(5, 15, 20.0), Budget(2, 2, 0.0)


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def alternating(sides: Mapping[str, Callable[[], float]], budget: Budget) -> dict[str, list[float]]:
    """What the sides measure, each in turn, so that a slow minute of the machine hits them all."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    began = time.perf_counter()
    for i in range(budget.most):
        if i >= budget.least and time.perf_counter() - began > budget.seconds:
            break
        for name, measure in sides.items():
            found[name].append(measure())
    return found


def medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each side."""
    return {name: float(np.median(values)) for name, values in found.items()}


@contextmanager
def turn() -> Iterator[None]:
    """Wait for the lock on the file that BENCH_LOCK names, where several jobs share a machine."""
    path = os.environ.get("BENCH_LOCK")
    if not path:
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
