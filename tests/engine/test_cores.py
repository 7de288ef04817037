"""Threads that keep off the processor of their caller."""

import os
import threading

import pytest

from latentia.engine.backend import Threads
from latentia.engine.cores import available_cores, keep_off

from .models import TwoPoissons

needs_several = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or available_cores() < 2,
    reason="one processor, or a system that does not place threads",
)


def _where(thread):
    return os.sched_getaffinity(thread)


@needs_several
def test_a_thread_may_run_on_all_processors_but_the_callers():
    allowed, asleep, done = _where(0), threading.Event(), threading.Event()
    ids = []

    def wait():
        ids.append(threading.get_native_id())
        asleep.set()
        done.wait(10)

    other = threading.Thread(target=wait)
    other.start()
    try:
        assert asleep.wait(10)
        keep_off(ids)
        left = _where(ids[0])
        assert left < allowed
        assert len(left) == len(allowed) - 1
        assert _where(0) == allowed  # the caller itself is not held
    finally:
        done.set()
        other.join()
    keep_off(ids)  # a thread that has ended is no error


@needs_several
def test_a_fits_threads_are_placed_and_its_caller_is_not():
    allowed, seen = _where(0), []

    def place(model, args, chunk):
        both.wait()
        if threading.get_native_id() != main:
            seen.append(_where(0))
        return chunk

    main, both = threading.get_native_id(), threading.Barrier(2, timeout=10)
    with Threads(2).over(TwoPoissons(), [None, None]) as mapper:  # type: ignore[list-item]
        for _ in range(3):
            mapper.each(place, None)
    assert all(len(cores) == len(allowed) - 1 for cores in seen[1:])  # known once it has begun
    assert _where(0) == allowed
