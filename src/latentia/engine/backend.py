"""Where the E-steps of the chunks are computed: the contract, and threads of this process."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import count
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # pyright: ignore[reportMissingTypeStubs]

from . import tree
from .cores import available_cores, keep_off
from .model import Chunk, Model, Source
from .tree import Tree

Work = Callable[[Model[Any, Any], Any, Chunk], Any]
"""What is computed of one chunk, given the model and arguments common to all chunks.

A function that can be imported by its name, so that other processes can run it too.
"""


class Piece(NamedTuple):
    """Some units of one chunk: the number of the chunk and the units' positions in it."""

    chunk: int
    units: NDArray[np.intp]


class Backend(ABC):
    """Puts a model and its data where the work is done."""

    @abstractmethod
    def open(self, model: Model[Any, Any], source: Source) -> AbstractContextManager[Mapper]:
        """The data prepared, and what is needed during a fit, released when it ends."""


class Mapper(ABC):
    """An open backend: a model and prepared chunks, wherever they are.

    Attributes
    ----------
    model : Model
    chunks : sequence of Chunk
        Prepared, in the order of the source. A backend of other processes prepares one here
        only when it is looked at.
    """

    model: Model[Any, Any]
    chunks: Sequence[Chunk]

    @abstractmethod
    def each(self, work: Work, args: Any, pieces: Sequence[Piece] | None = None) -> list[Any]:
        """``work(model, args, chunk)`` of every chunk in order, or of the pieces in theirs."""

    @abstractmethod
    def total(self, work: Work, args: Any) -> Tree:
        """The sum of `each` over all chunks, in the order of ``tree.reduce_in_order``."""


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
    def open(self, model: Model[Any, Any], source: Source) -> Generator[Mapper, None, None]:
        chunks = [model.prepare(chunk) for chunk in source.chunks()]
        with self.over(model, chunks) as mapper:
            yield mapper

    @contextmanager
    def over(
        self, model: Model[Any, Any], chunks: Sequence[Chunk]
    ) -> Generator[Mapper, None, None]:
        """The same for chunks that are prepared already."""
        others = (self.workers or available_cores()) - 1
        with blas().limit(limits=1):
            if others < 1:
                yield ThreadMapper(model, chunks, None, 0, [])
                return
            threads: list[int] = []
            with ThreadPoolExecutor(
                others,
                thread_name_prefix="latentia",
                initializer=lambda: threads.append(threading.get_native_id()),
            ) as pool:
                yield ThreadMapper(model, chunks, pool, others, threads)


@final
class ThreadMapper(Mapper):
    """Chunks in this process; the calling thread works along with those of the pool.

    `threads` are the native ids of those that the pool has begun.
    """

    def __init__(
        self,
        model: Model[Any, Any],
        chunks: Sequence[Chunk],
        pool: ThreadPoolExecutor | None,
        others: int,
        threads: Sequence[int],
    ) -> None:
        self.model, self.chunks = model, chunks
        self.pool, self.others, self.threads = pool, others, threads

    def total(self, work: Work, args: Any) -> Tree:
        return tree.reduce_in_order(self.each(work, args))

    def each(self, work: Work, args: Any, pieces: Sequence[Piece] | None = None) -> list[Any]:
        model, chunks = self.model, self.chunks
        if pieces is None:
            return self._shared(lambda i: work(model, args, chunks[i]), len(chunks))
        chosen = pieces
        return self._shared(lambda i: work(model, args, taken(chunks, chosen[i])), len(pieces))

    def _shared(self, compute: Callable[[int], Any], n: int) -> list[Any]:
        """The results of 0..n-1; every thread takes the next number that is left."""
        if self.pool is None or n < 1:
            return [compute(i) for i in range(n)]
        if n == 1:  # what is in the chunk may be shared out instead
            token = _idle.set(self._shared)
            try:
                return [compute(0)]
            finally:
                _idle.reset(token)
        done: list[Any] = [None] * n
        numbers, stop = count(), threading.Event()

        def take_turns() -> None:
            while not stop.is_set() and (i := next(numbers)) < n:
                try:
                    done[i] = compute(i)
                except BaseException:
                    stop.set()
                    raise

        keep_off(self.threads)
        futures = [self.pool.submit(take_turns) for _ in range(min(self.others, n - 1))]
        try:
            take_turns()
        finally:
            failed = [future.exception() for future in futures]  # waits for the others
        for error in failed:
            if error is not None:
                raise error
        return done


_idle: ContextVar[Callable[[Callable[[int], Any], int], list[Any]] | None] = ContextVar(
    "_idle", default=None
)


def shared_out(compute: Callable[[int], Any], n: int) -> list[Any]:
    """The results of 0..n-1, on threads of the fit that have nothing else to do.

    For the E-step of a chunk that has parts: where it is the only chunk, threads are idle.
    Elsewhere the parts come one after the other, so they may not wait for one another.

    Examples
    --------
    >>> from latentia.engine.backend import shared_out
    >>> shared_out(lambda i: i * i, 4)
    [0, 1, 4, 9]
    """
    share = _idle.get()
    if share is None or n < 2:
        return [compute(i) for i in range(n)]
    return share(compute, n)


def taken(chunks: Sequence[Chunk], piece: Piece) -> Chunk:
    """The units of a piece: the chunk itself where they are all of it."""
    chunk = chunks[piece.chunk]
    return chunk if len(piece.units) == len(chunk) else chunk.take(piece.units)


@cache  # a search through all libraries that are loaded costs as much as a small fit
def blas() -> Any:
    """The BLAS libraries that this process has loaded when it first asks: NumPy's and SciPy's."""
    controller: Any = ThreadpoolController()
    return controller.select(user_api="blas")


def backend_of(value: Backend | str, workers: int | None) -> Backend:
    """The backend that a setting names."""
    if isinstance(value, Backend):
        return value
    if value == "threads":
        return Threads(workers)
    if value == "serial":
        return Threads(1)
    raise ValueError(f"got backend={value!r}, expected 'threads', 'serial' or a Backend")
