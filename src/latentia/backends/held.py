"""What a worker process keeps of the fits it takes part in, and what it computes on request."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any, NamedTuple, final

import cloudpickle

from latentia.engine.backend import Piece, Threads, Work
from latentia.engine.model import Chunk, Model, Source
from latentia.engine.tree import Partial, joined

MOST = 8
"""Fits whose data a worker keeps at a time; those used longest ago go first."""


class Job(NamedTuple):
    """What one worker is to compute.

    Attributes
    ----------
    token : str
        Of the fit.
    worker : str
        Whom it is meant for; another that does it in its place keeps no chunks.
    first, stop : int
        The run of chunks that the worker keeps.
    pieces : sequence of Piece or None
        Parts of these; None for all of them.
    total : int or None
        Chunks of the whole fit where sums along the tree are wanted, otherwise None.
    asked : bytes
        The pickled work and its arguments.
    """

    token: str
    worker: str
    first: int
    stop: int
    pieces: Sequence[Piece] | None
    total: int | None
    asked: bytes


class Reply(NamedTuple):
    """What a worker answers: a value, an error of the work, or that it does not know the fit."""

    worker: str
    value: Any = None
    error: BaseException | None = None
    missing: bool = False


@final
class Held:
    """A fit as a worker knows it: what chunks are made of, and those it keeps, by number."""

    def __init__(self, model: Model[Any, Any], source: Source) -> None:
        self.model, self.given = model, source.chunks()
        self.kept: dict[int, Chunk] = {}
        self.ended = False


@final
class Run(Sequence[Any]):
    """Neighbouring chunks of a fit, prepared when they are first looked at."""

    def __init__(self, held: Held, first: int, stop: int, *, keep: bool) -> None:
        self.held, self.numbers, self.keep = held, range(first, stop), keep

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: Any) -> Any:
        held, i = self.held, self.numbers[place]
        if held.ended:
            raise InterruptedError("the fit has ended")
        chunk = held.kept.get(i)
        if chunk is None:
            chunk = held.model.prepare(held.given[i])
            if self.keep:
                held.kept[i] = chunk
        return chunk


_fits: OrderedDict[tuple[str, str], Held] = OrderedDict()
_ended: deque[str] = deque(maxlen=1000)
_books = threading.Lock()
_turn = threading.Lock()
"""One job at a time, since each uses all threads of its worker and sets those of BLAS."""


def perform(order: bytes, description: bytes | None = None) -> bytes:
    """Do a job, a pickled `Job`; the answer is a pickled `Reply`.

    The description of the fit, a pickled model and source, is needed once.
    """
    from distributed import get_worker

    here = get_worker()
    name, job = here.address, pickle.loads(order)
    try:
        with _turn:
            held = _found(job.token, name, description)
            if held is None:
                reply = Reply(name, missing=True)
            else:
                reply = Reply(name, _done(job, held, name, here.state.nthreads))
        return cloudpickle.dumps(reply)  # its classes may be the user's own
    except Exception as error:
        error.add_note(f"This happened on worker {name}.\n{traceback.format_exc()}")
        try:
            return cloudpickle.dumps(Reply(name, error=error))
        except Exception:  # an error that holds what cannot be sent
            told = RuntimeError(f"{type(error).__name__}: {error}")
            return cloudpickle.dumps(Reply(name, error=told))


def forget(token: str) -> None:
    """Let go of a fit; a job of it that is running stops at its next chunk."""
    with _books:
        _ended.append(token)
        for key in [key for key in _fits if key[0] == token]:
            _fits.pop(key).ended = True


def kept() -> dict[tuple[str, str], list[int]]:
    """The chunks that this process keeps, by fit and worker."""
    with _books:
        return {key: sorted(held.kept) for key, held in _fits.items()}


def _found(token: str, name: str, description: bytes | None) -> Held | None:
    """What worker `name`, one of perhaps several in this process, knows of a fit."""
    with _books:
        if (token, name) in _fits:
            _fits.move_to_end((token, name))
            return _fits[token, name]
    if description is None:
        return None
    held = Held(*pickle.loads(description))
    with _books:
        held.ended = token in _ended
        if not held.ended:
            _fits[token, name] = held
        while len(_fits) > MOST:
            _fits.popitem(last=False)
    return held


def _done(job: Job, held: Held, here: str, threads: int) -> Any:
    work: Work
    work, args = pickle.loads(job.asked)
    own = here == job.worker
    run = Run(held, job.first, job.stop, keep=own)
    if own:  # what was another's for a while is let go
        held.kept = {i: chunk for i, chunk in held.kept.items() if i in run.numbers}
    with Threads(threads).over(held.model, run) as mapper:
        if job.pieces is not None:
            pieces = [Piece(piece.chunk - job.first, piece.units) for piece in job.pieces]
            return mapper.each(work, args, pieces)
        parts = mapper.each(work, args)
    if job.total is None:
        return parts
    return joined(
        (Partial(0, i, part) for i, part in zip(run.numbers, parts, strict=True)), job.total
    )
