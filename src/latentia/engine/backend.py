"""Where the E-steps of the chunks are computed: on threads, or one after another."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar, final

import numpy as np
from threadpoolctl import threadpool_limits  # pyright: ignore[reportMissingTypeStubs]

A = TypeVar("A")
B = TypeVar("B")


class Backend(ABC):
    """Maps a function over chunks; results come back in the order of the chunks."""

    @abstractmethod
    @contextmanager
    def open(self, n_chunks: int) -> Generator[Mapper, None, None]:
        """What is needed during a fit, released when it ends."""
        ...


class Mapper(ABC):
    """An open backend."""

    @abstractmethod
    def map(self, function: Callable[[A], B], chunks: Sequence[A]) -> list[B]:
        """The function of each chunk, in order."""


@final
class _SerialMapper(Mapper):
    def map(self, function: Callable[[A], B], chunks: Sequence[A]) -> list[B]:
        return [function(chunk) for chunk in chunks]


@final
class Threads(Backend):
    """Chunks on threads, BLAS held to one thread in each, so there is one level of parallelism.

    Parameters
    ----------
    workers : int, optional
        Threads; as many as there are cores by default. The result has the same bits
        whatever their number.
    """

    def __init__(self, workers: int | None = None) -> None:
        given: Any = workers
        if given is not None and not isinstance(given, (int, np.integer)):
            raise TypeError(f"got workers={workers!r}, expected a whole number or None")
        if workers is not None and workers < 1:
            raise ValueError(f"got workers={workers!r}, expected at least 1 or None for all cores")
        self.workers = workers

    @contextmanager
    def open(self, n_chunks: int) -> Generator[Mapper, None, None]:
        workers = min(self.workers or available_cores(), n_chunks)
        with threadpool_limits(1, user_api="blas"):
            if workers <= 1:
                yield _SerialMapper()
                return
            with ThreadPoolExecutor(workers, thread_name_prefix="latentia") as pool:
                yield _ThreadMapper(pool)


@final
class _ThreadMapper(Mapper):
    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool

    def map(self, function: Callable[[A], B], chunks: Sequence[A]) -> list[B]:
        return list(self.pool.map(function, chunks))


def available_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def backend_of(value: Backend | str, workers: int | None) -> Backend:
    """The backend that a setting names."""
    if isinstance(value, Backend):
        return value
    if value == "threads":
        return Threads(workers)
    if value == "serial":
        return Threads(1)
    raise ValueError(f"got backend={value!r}, expected 'threads', 'serial' or a Backend")
