"""Where ``--dask`` has a fit run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from latentia.cli.errors import Refusal, say
from latentia.cli.inputs import counted


@contextmanager
def backend_at(address: str | None, folder: Path | None, quiet: bool) -> Iterator[Any]:
    """Connect to a Dask cluster for as long as a command takes, and say how many workers it has.

    Parameters
    ----------
    address : str or None
        Of the scheduler; None for the threads of this process.
    folder : Path or None
        Where data are put for the workers to read; None for the temporary folder.
    quiet : bool
        Whether to say nothing.

    Yields
    ------
    str or Backend
        What `latentia.EM` takes as its backend.

    Raises
    ------
    ImportError
        The extra for clusters is not installed.
    OSError
        No scheduler answers there.
    Refusal
        It has no workers, or there is no such folder.
    """
    if address is None:
        if folder is not None:
            raise Refusal("got --dask-folder without --dask, which it belongs to")
        yield "threads"
        return
    if folder is not None and not folder.is_dir():
        raise Refusal(f"got --dask-folder {folder}, which is no folder")
    from latentia.backends.dask import Dask, connected

    with connected(address) as client:
        threads = client.nthreads()
        if not threads:
            raise Refusal(f"the scheduler at {address} has no workers; start some with dask worker")
        if not quiet:
            n, m = counted(len(threads), "worker"), counted(sum(threads.values()), "thread")
            say(f"{address} has {n} with {m}")
        yield Dask(client, folder)
