"""Who of some workers has which chunks: runs of neighbours, as long as the threads are many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple


class Share(NamedTuple):
    """The chunks `first` up to `stop`, and the worker that keeps them."""

    worker: str
    first: int
    stop: int


def shared_out(threads: Mapping[str, int], n: int) -> list[Share]:
    """Chunks 0 to n - 1 in runs, in the order of the workers.

    Neighbours stay together, so that a worker can add up most of what it has along the tree.

    Parameters
    ----------
    threads : mapping of str to int
        The threads of each worker.
    n : int
    """
    names = list(threads)[:n]
    if not names:
        return []
    up_to = [0, *accumulate(threads[name] for name in names)]
    borders = [round(n * share / up_to[-1]) for share in up_to]
    shares = [
        Share(name, first, stop)
        for name, (first, stop) in zip(names, pairwise(borders), strict=True)
    ]
    return [share for share in shares if share.first < share.stop]


def succeeded(before: Sequence[str], present: Iterable[str]) -> list[str]:
    """The workers that are there now: those that stay in their places, new ones in lost ones'."""
    there = list(present)
    new = [name for name in there if name not in before]
    kept = [name if name in there else new.pop(0) if new else None for name in before]
    return [name for name in kept if name is not None] + new
