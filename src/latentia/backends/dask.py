"""E-steps on the workers of a Dask cluster, each of which reads its part of the data itself."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any, final

from latentia.engine.backend import Backend, Mapper
from latentia.engine.model import Model, Source
from latentia.extras import require

from .errors import ClusterError

CONNECTING = 5.0
"""Seconds in which a scheduler has to answer."""


@final
class Dask(Backend):
    """The workers of a Dask cluster.

    In each step parameters go out, one task a worker sums the statistics of its chunks, and the
    sums come back. Data are not sent: each worker reads the chunks it is given from the files
    they are in, and keeps them until the fit ends. The result has the same bits as that of
    threads with the same chunks, whatever the number of workers. When a worker is lost, others
    read its chunks, and the fit goes on.

    Parameters
    ----------
    client : distributed.Client or str
        Connected to the cluster, or the address of its scheduler.
    folder : path-like, optional
        Data in memory are written to a file in this folder, removed when the fit ends. Every
        worker must be able to read it; by default it is the temporary folder of this machine,
        which serves workers on the same machine. Data that are mapped from a file (``numpy.load``
        with ``mmap_mode="r"``) are read where they are.

    Raises
    ------
    ImportError
        If distributed is not installed.
    TypeError, ValueError
        If `client` is neither, or `folder` is none.

    Examples
    --------
    >>> from distributed import Client  # doctest: +SKIP
    >>> from latentia import EM, Dask, GaussianMixture  # doctest: +SKIP
    >>> backend = Dask(Client("tcp://10.0.0.1:8786"), folder="/shared")  # doctest: +SKIP
    >>> GaussianMixture(8, em=EM(backend=backend)).fit(X)  # doctest: +SKIP
    """

    def __init__(self, client: Any, folder: str | os.PathLike[str] | None = None) -> None:
        distributed = require("distributed", extra="dask")
        if not isinstance(client, (str, distributed.Client)):
            raise TypeError(
                f"got {client!r} as client, expected a distributed.Client or the address of a "
                "scheduler"
            )
        if not isinstance(client, str) and client.asynchronous:
            raise TypeError("got an asynchronous client, expected one that waits for its results")
        if folder is not None and not os.path.isdir(folder):
            raise ValueError(f"got folder={os.fspath(folder)!r}, expected a folder that exists")
        self.client, self.folder = client, folder

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return self.client if isinstance(self.client, str) else self.client.scheduler.address

    def __repr__(self) -> str:
        return f"Dask({self.address!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.address, self.folder)

    def __deepcopy__(self, memo: dict[int, Any]) -> Dask:
        return self  # a connection is shared, not copied

    @contextmanager
    def open(self, model: Model[Any, Any], source: Source) -> Generator[Mapper, None, None]:
        from .mapped import Depot, packed
        from .workers import WorkerMapper

        with self._connected() as client, closing(Depot(self.folder)) as depot:
            mapper = WorkerMapper(client, model, source.chunks(), packed((model, source), depot))
            try:
                yield mapper
            finally:
                mapper.release()

    @contextmanager
    def _connected(self) -> Generator[Any, None, None]:
        if isinstance(self.client, str):
            with connected(self.client) as client:
                yield client
        else:
            yield self.client


def connected(address: str) -> Any:
    """A client of the scheduler at an address.

    Raises
    ------
    ImportError
        If distributed is not installed.
    ClusterError
        If no scheduler answers.
    """
    distributed = require("distributed", extra="dask")
    try:
        return distributed.Client(address, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"got no scheduler at {address} ({error}), expected the address that dask scheduler "
            "prints when it starts, such as tcp://10.0.0.1:8786"
        ) from error
