"""Where times known up to intervals can have their mass: the innermost intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CLOSED, END, OPEN = 0, 1, 2
"""Where ends at one time stand: a left end that belongs, a right end, a left end that does not."""


class Innermost(NamedTuple):
    """The innermost intervals, in order: a left end followed by a right end, none between.

    Only they can have mass, and the likelihood does not see how it is spread within one (Turnbull
    1976, sec. 2).

    Attributes
    ----------
    left, right : array of shape (m,)
        (left, right], or the time itself where both are equal.
    """

    left: Array
    right: Array

    @property
    def exact(self) -> Mask:
        """Which are single times."""
        return self.left == self.right


class Ranges(NamedTuple):
    """Rows as what they have of the innermost intervals: those from `first` up to `last`.

    Attributes
    ----------
    first, last : array of int, shape (n,)
        `last` is the one after.
    """

    first: NDArray[np.intp]
    last: NDArray[np.intp]


def innermost(x: Array) -> tuple[Innermost, Ranges]:
    """The innermost intervals of rows (left, right], and which of them each row has.

    Parameters
    ----------
    x : array of shape (n, 2)
        Bounds with ``left <= right``; equal ones are an exact time.

    Returns
    -------
    Innermost
    Ranges
    """
    left, right = x[:, 0], x[:, 1]
    exact = left == right
    n = len(x)
    time = np.concatenate([left, right])
    kind = np.concatenate([np.where(exact, CLOSED, OPEN), np.full(n, END)])
    order = np.lexsort((kind, time))
    ends = kind[order] == END
    begins = np.flatnonzero(~ends[:-1] & ends[1:])
    found = Innermost(time[order[begins]], time[order[begins + 1]])
    return found, ranges(found, x)


def ranges(found: Innermost, x: Array) -> Ranges:
    """Which of the innermost intervals lie in each row's own; none where `first` is `last`."""
    left, right = x[:, 0], x[:, 1]
    start = _keys(found.left, np.where(found.exact, CLOSED, OPEN))
    own = _keys(left, np.where(left == right, CLOSED, OPEN))
    first = np.searchsorted(start, own, side="left")
    last = np.searchsorted(found.right, right, side="right")
    return Ranges(first.astype(np.intp), np.maximum(first, last).astype(np.intp))


def _keys(time: Array, kind: NDArray[Any]) -> NDArray[np.complex128]:
    """Ends as numbers that sort by time, and at one time by kind."""
    made = np.empty(len(time), dtype=np.complex128)  # complex numbers sort by both parts in turn
    made.real, made.imag = time, kind
    return made
