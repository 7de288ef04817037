"""The side of a fit on a cluster that gives out work, and again where a worker is lost."""

from __future__ import annotations

import logging
import pickle
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, final

import cloudpickle
import distributed
from distributed.comm.core import CommClosedError

from latentia.engine import tree
from latentia.engine.backend import Mapper, Piece, Work
from latentia.engine.model import Chunk, Model
from latentia.engine.tree import Tree

from .errors import ClusterError
from .held import Job, Reply, forget, perform
from .mapped import UnreadableError
from .shares import Share, shared_out, succeeded

TRIES = 3
"""How often a part of one step is given out, at most, where workers are lost."""

PATIENCE = 10.0
"""Seconds without any worker after which a fit gives up."""

REFRESH = 5.0
"""Seconds after which a fit looks whether workers have come."""

_LOST = (distributed.CancelledError, distributed.KilledWorker, CommClosedError)

_log = logging.getLogger(__name__)


@final
class Prepared(Sequence[Any]):
    """Chunks in this process, each prepared when it is looked at and not kept."""

    def __init__(self, model: Model[Any, Any], given: Sequence[Chunk]) -> None:
        self.model, self.given = model, given

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, i: Any) -> Any:
        return self.model.prepare(self.given[i])


@final
class WorkerMapper(Mapper):
    """A fit whose chunks are on the workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
    model : Model
    given : sequence of Chunk
        As the source has them here; looked at only where the engine asks for `chunks`.
    description : bytes
        The pickled model and source.

    Attributes
    ----------
    shares : list of Share
        Who keeps which chunks.
    sent, received : int
        Bytes of orders and answers so far.
    """

    def __init__(
        self, client: Any, model: Model[Any, Any], given: Sequence[Chunk], description: bytes
    ) -> None:
        self.client, self.model, self.chunks = client, model, Prepared(model, given)
        self.description, self.token = description, uuid.uuid4().hex
        self.shares: list[Share] = []
        self.threads: dict[str, int] = {}
        self.informed: set[str] = set()
        self.looked, self.n_tasks, self.sent, self.received = 0.0, 0, 0, 0

    def total(self, work: Work, args: Any) -> Tree:
        n = len(self.chunks)
        asked = cloudpickle.dumps((work, args))
        jobs = [self._job(share, asked, total=n) for share in self._shares()]
        nodes = tree.joined((node for held in self._values(jobs) for node in held), n)
        return tree.reduce_in_order([node.total for node in nodes])  # of one, unless of none

    def each(self, work: Work, args: Any, pieces: Sequence[Piece] | None = None) -> list[Any]:
        asked = cloudpickle.dumps((work, args))
        shares = self._shares()
        if pieces is None:
            jobs = [self._job(share, asked) for share in shares]
            return [value for part in self._values(jobs) for value in part]
        places = [
            [k for k, piece in enumerate(pieces) if share.first <= piece.chunk < share.stop]
            for share in shares
        ]
        dealt = [(share, at) for share, at in zip(shares, places, strict=True) if at]
        jobs = [self._job(share, asked, [pieces[k] for k in at]) for share, at in dealt]
        results: list[Any] = [None] * len(pieces)
        for (_, at), values in zip(dealt, self._values(jobs), strict=True):
            for k, value in zip(at, values, strict=True):
                results[k] = value
        return results

    def release(self) -> None:
        """Let the workers forget the fit."""
        if self.client.status == "running":
            with suppress(Exception):  # it is over; a worker that is gone keeps nothing
                self.client.run(forget, self.token, on_error="ignore")

    def _job(
        self,
        share: Share,
        asked: bytes,
        pieces: Sequence[Piece] | None = None,
        total: int | None = None,
    ) -> Job:
        return Job(self.token, share.worker, share.first, share.stop, pieces, total, asked)

    def _shares(self, *, now: bool = False) -> list[Share]:
        """Who keeps what; chunks are dealt out anew where workers have come or gone."""
        if not now and self.shares and time.monotonic() - self.looked < REFRESH:
            return self.shares
        present, before = self._present(), list(self.threads)
        self.looked = time.monotonic()
        if present == self.threads:
            return self.shares
        for lost in [name for name in before if name not in present]:
            _log.warning(
                "the Dask worker %s was lost, so its part of the data is read again elsewhere "
                "(workers now: %d)",
                lost,
                len(present),
            )
            self.informed.discard(lost)
        self.threads = {name: present[name] for name in succeeded(before, present)}
        self.shares = shared_out(self.threads, len(self.chunks))
        return self.shares

    def _present(self) -> dict[str, int]:
        """The threads of the workers that are there; waits a little where there are none."""
        until = time.monotonic() + PATIENCE
        while not (present := self._threads()):
            if time.monotonic() > until:
                raise ClusterError(
                    f"got no worker at {self._scheduler} for {PATIENCE:g} s, expected at least "
                    "one; start workers and fit again (with checkpoint= a fit goes on where it was)"
                )
            time.sleep(0.1)
        return present

    def _threads(self) -> dict[str, int]:
        if self.client.scheduler is None:  # it has been closed, or its connection has
            raise self._cut_off()
        try:
            return dict(self.client.nthreads())
        except (OSError, *_LOST) as error:
            raise self._cut_off() from error

    @property
    def _scheduler(self) -> str:
        return self.client.scheduler.address if self.client.scheduler else "the Dask scheduler"

    def _cut_off(self) -> ClusterError:
        return ClusterError(
            f"the connection to {self._scheduler} was lost; see to it that the scheduler runs and "
            "fit again (with checkpoint= a fit goes on where it was)"
        )

    def _values(self, jobs: Sequence[Job]) -> list[Any]:
        """The answers in order; what a lost worker had to do is given to others."""
        done: dict[int, Any] = {}
        to = {i: job.worker for i, job in enumerate(jobs)}
        for _ in range(TRIES):
            left = [i for i in to if i not in done]
            if not left:
                return [done[i] for i in to]
            elsewhere = False
            for i, reply in zip(left, self._asked([(jobs[i], to[i]) for i in left]), strict=True):
                if reply is None:
                    elsewhere = True
                    self.informed.discard(to[i])
                elif reply.missing:
                    self.informed.discard(reply.worker)
                elif reply.error is not None:
                    raise self._explained(reply)
                else:
                    self.informed.add(reply.worker)
                    done[i] = reply.value
                elsewhere = elsewhere or (reply is not None and reply.worker != to[i])
            if elsewhere:
                self._shares(now=True)
                others = list(self.threads)
                for k, i in enumerate(left):
                    if to[i] not in self.threads:
                        to[i] = others[k % len(others)]
        raise ClusterError(
            f"one step of the fit was given out {TRIES} times and each time lost with a worker; "
            f"the workers of {self._scheduler} may be short of memory, so give them more of it or "
            "use more of them"
        )

    def _asked(self, errands: Sequence[tuple[Job, str]]) -> list[Reply | None]:
        """What the workers answer; None where an answer was lost."""
        futures: list[Any] = []
        try:
            for job, to in errands:
                self.n_tasks += 1
                order = pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
                described = None if to in self.informed else self.description
                self.sent += len(order) + len(described or b"")
                futures.append(
                    self.client.submit(
                        perform,
                        order,
                        described,
                        key=f"latentia-{self.token}-{self.n_tasks}",
                        workers=[to],
                        allow_other_workers=True,
                    )
                )
            self._wait(futures)
            return self._fetched(futures)
        except BaseException:
            with suppress(Exception):
                self.client.cancel(futures, force=True)
            raise

    def _wait(self, futures: Sequence[Any]) -> None:
        finished = threading.Semaphore(0)
        for future in futures:
            future.add_done_callback(lambda _: finished.release())
        for _ in futures:
            while not finished.acquire(timeout=PATIENCE):
                self._present()
        if self.client.status != "running":
            raise self._cut_off()

    def _fetched(self, futures: Sequence[Any]) -> list[Reply | None]:
        for future in futures:
            if future.status == "error":
                error = future.exception()
                if not isinstance(error, _LOST):
                    raise ClusterError(
                        f"the workers of {self._scheduler} cannot run latentia "
                        f"({type(error).__name__}: {error}); install the versions there that are "
                        "installed here"
                    ) from error
        there = [i for i, future in enumerate(futures) if future.status == "finished"]
        try:
            answers = self.client.gather([futures[i] for i in there])
        except _LOST:
            return [None] * len(futures)
        self.received += sum(map(len, answers))
        found = dict(zip(there, map(pickle.loads, answers), strict=True))
        return [found.get(i) for i in range(len(futures))]

    def _explained(self, reply: Reply) -> BaseException:
        error = reply.error
        assert error is not None
        if not isinstance(error, UnreadableError):
            return error
        return OSError(
            f"got data in {error} on worker {reply.worker}; keep them in files that all workers "
            "see, and for data in memory give Dask a folder= on such a disk"
        )
