"""The likeliest path through the states of a hidden Markov chain."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


ALGORITHMS = ("viterbi", "map")
"""How states are decoded: likeliest together, or each by itself."""


def require_algorithm(asked: str) -> str:
    """The algorithm that was asked for.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if asked not in ALGORITHMS:
        raise ValueError(f"got algorithm={asked!r}, expected {' or '.join(map(repr, ALGORITHMS))}")
    return asked


class Decoded(NamedTuple):
    """Paths of sequences.

    Attributes
    ----------
    log_probability : array of shape (m,)
        log p(path, sequence) of each.
    states : array of int, shape (n,)
    """

    log_probability: Array
    states: NDArray[np.int64]


@njit(nogil=True, cache=True)
def _viterbi(log_density, log_start, log_transitions, sizes, states, heights):
    k = log_start.size
    longest = 0
    for size in sizes:
        longest = max(longest, size)
    came = np.empty((longest, k), np.int32)
    here, ahead = np.empty(k), np.empty(k)
    first = 0
    for s in range(sizes.size):
        for j in range(k):
            here[j] = log_start[j] + log_density[first, j]
        for t in range(1, sizes[s]):
            for j in range(k):
                best, at = here[0] + log_transitions[0, j], 0
                for i in range(1, k):
                    value = here[i] + log_transitions[i, j]
                    if value > best:
                        best, at = value, i
                ahead[j] = best + log_density[first + t, j]
                came[t, j] = at
            here, ahead = ahead, here
        last = 0
        for j in range(1, k):
            if here[j] > here[last]:
                last = j
        heights[s] = here[last]
        for t in range(sizes[s] - 1, -1, -1):
            states[first + t] = last
            if t:
                last = came[t, last]
        first += sizes[s]


def viterbi(
    log_density: Array, start: Array, transitions: Array, sizes: NDArray[np.intp]
) -> Decoded:
    """The path that maximises p(path, sequence), of equals the first (Viterbi 1967).

    Parameters
    ----------
    log_density : array of shape (n, K)
        log f(x_t | state), sequence after sequence.
    start, transitions : arrays of shape (K,) and (K, K)
    sizes : array of int, shape (m,)
        Steps of each sequence.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(start), np.log(transitions)
    states, heights = np.empty(len(log_density), dtype=np.int64), np.empty(len(sizes))
    rows = np.ascontiguousarray(log_density)
    _viterbi(rows, *logs, np.asarray(sizes, dtype=np.intp), states, heights)
    return Decoded(heights, cast(NDArray[np.int64], states))
