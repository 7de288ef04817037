"""Compiled code made ready before it is needed, and a word to who waits for the compiler."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rule import Form

PATIENCE = 2.0
"""Seconds before a line says what is going on: code that is kept loads in less, even on a busy
machine."""

_LINE = "latentia: compiling the {} pass for this machine; it is kept for later runs ..."

_made: set[tuple[Any, ...]] = set()  # what this process has compiled or loaded: a cache
_lock = threading.Lock()


def ready(form: Form, x: NDArray[Any], covariance: str) -> Any:
    """The module of a form, its code for rows like `x` compiled or loaded.

    What is compiled is kept on disk by Numba, so this takes seconds once on a machine, and
    hundredths of a second once a process. A line on standard error says so where it takes long.
    """
    module = form.load()
    n_features = x.shape[1]
    key = (form, x.dtype.str, n_features)
    if key in _made:
        return module
    with _lock:
        if key not in _made:
            with waiting(covariance):
                _run_once(form, x.dtype, n_features, covariance)
            _made.add(key)
    return module


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on standard error what is being compiled, where that takes long."""
    told = threading.Timer(PATIENCE, _tell, (what,))
    told.daemon = True
    told.start()
    try:
        yield
    finally:
        told.cancel()


def _tell(what: str) -> None:
    print(_LINE.format(what), file=sys.stderr, flush=True)


def _run_once(form: Form, dtype: Any, n_features: int, covariance: str) -> None:
    """A pass over one row and one component."""
    d = n_features
    factor = {
        "full": np.eye(d)[None],
        "tied": np.eye(d),
        "diag": np.ones((1, d)),
        "spherical": np.ones(1),
    }[covariance]
    row, one, means = np.zeros((1, d), dtype), np.ones(1), np.zeros((1, d))
    run = form.load().run
    run(row, one, np.zeros(d), 1.0, np.zeros(1), means, factor, **form.options)
