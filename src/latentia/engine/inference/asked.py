"""What callers ask of resampling and intervals, checked; and models that processes can load."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pickle import PicklingError
from typing import Any, cast

import numpy as np


def whole(name: str, value: Any, least: int) -> int:
    """A whole number of at least `least`.

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is too small.
    """
    sentence = f"got {name}={value!r}, expected a whole number of at least {least}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(sentence)
    if value < least:
        raise ValueError(sentence)
    return int(cast(Any, value))


def processes(value: Any) -> int:
    """A number of processes as joblib understands it."""
    known = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not known or value == 0:
        raise (ValueError if known else TypeError)(
            f"got workers={value!r}, expected a whole number of at least 1, or -1 for all cores"
        )
    return int(cast(Any, value))


def probability(name: str, value: Any) -> float:
    """A number between 0 and 1, both excluded."""
    sentence = f"got {name}={value!r}, expected a number between 0 and 1"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(sentence)
    if not 0 < value < 1:
        raise ValueError(sentence)
    return float(cast(Any, value))


def listener(name: str, value: Any, of: str) -> None:
    """Refuse what cannot be called with the news."""
    if value is not None and not callable(value):
        raise TypeError(f"got {name}={value!r}, expected a function of {of} or None")


@contextmanager
def loadable(model: Any, workers: int) -> Generator[None, None, None]:
    """Say what it means that processes break off before they begin."""
    try:
        yield
    except (BrokenProcessPool, PicklingError) as error:
        if type(error).__name__ == "TerminatedWorkerError":
            raise  # it was killed at work, for want of memory for instance
        raise ValueError(
            f"got workers={workers!r} and a {type(model).__name__} that other processes cannot "
            "load; the model has to be importable, or defined in the main script; use workers=1"
        ) from error
