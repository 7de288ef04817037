"""Arrays that one E-step leaves for the next, so that no fresh memory is asked of the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@final
class Workspace:
    """Memory that is lent and given back, and kept in between.

    What a borrower does not find it makes, so that borrowers on several threads do not meet.
    """

    def __init__(self) -> None:
        self._free: list[Array] = []

    @contextmanager
    def lent(self, size: int) -> Iterator[Array]:
        """`size` numbers in a line, of any value."""
        try:
            line = self._free.pop()
        except IndexError:
            line = np.empty(0)
        if len(line) < size:
            line = np.empty(size)
        try:
            yield line[:size]
        finally:
            self._free.append(line)

    def __reduce__(self) -> tuple[type[Workspace], tuple[()]]:
        return Workspace, ()  # what is in it is of no use elsewhere
