"""Processors: how many this process may use, and threads that keep off their caller's.

A thread that is woken for work of a few milliseconds may be put on the very processor that is
busy with its caller's share, and stay there until both are done, while another is idle: where
processors share no cache, as in many virtual machines, the system does not look for one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any


def available_cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_off(threads: Iterable[int]) -> None:
    """Let threads, by their native ids, run on every processor but the one the caller is on.

    They may be asleep, and wake elsewhere then. Where a system knows no such thing, nothing is
    done: it is about speed alone.
    """
    current = _current_core()
    if current is None:
        return
    others = os.sched_getaffinity(0) - {current}
    if others:
        for thread in threads:
            with suppress(OSError):  # it has ended, or the system forbids it
                os.sched_setaffinity(thread, others)


def _current_core() -> int | None:
    """The number of the processor that the caller is on; None where nobody says."""
    ask = _asked()
    number = -1 if ask is None else int(ask())
    return None if number < 0 else number


@cache
def _asked() -> Any:
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.CDLL(None), "sched_getcpu", None)
