"""The k likeliest paths through the states of a hidden Markov chain."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


class BestPaths(NamedTuple):
    """The likeliest paths of each sequence, best first.

    Attributes
    ----------
    log_probability : array of shape (m, n_paths)
        log p(path, sequence); -inf where a sequence has no more paths that are possible.
    states : array of int, shape (n_paths, n)
        The paths, sequence after sequence; -1 where there is none.
    """

    log_probability: Array
    states: NDArray[np.int64]


@njit(nogil=True, cache=True)
def _best(log_density, log_start, log_transitions, sizes, heights, states):
    """Each state keeps its best so many ways in, each of them a way of a state before."""
    k, n_paths = log_start.size, states.shape[0]
    longest = 0
    for size in sizes:
        longest = max(longest, size)
    came, rank = (
        np.empty((longest, k, n_paths), np.int32),
        np.empty((longest, k, n_paths), np.int32),
    )
    here, ahead = np.empty((k, n_paths)), np.empty((k, n_paths))
    taken = np.empty(k, np.int64)
    first = 0
    for s in range(sizes.size):
        here[:] = -np.inf
        for j in range(k):
            here[j, 0] = log_start[j] + log_density[first, j]
        for t in range(1, sizes[s]):
            for j in range(k):
                taken[:] = 0
                for r in range(n_paths):
                    best, at = -np.inf, -1
                    for i in range(k):
                        if taken[i] < n_paths:
                            value = here[i, taken[i]] + log_transitions[i, j]
                            if value > best:
                                best, at = value, i
                    ahead[j, r] = best + log_density[first + t, j]
                    came[t, j, r] = at
                    if at >= 0:
                        rank[t, j, r] = taken[at]
                        taken[at] += 1
            here, ahead = ahead, here
        taken[:] = 0
        for r in range(n_paths):
            best, at = -np.inf, -1
            for j in range(k):
                if taken[j] < n_paths and here[j, taken[j]] > best:
                    best, at = here[j, taken[j]], j
            heights[s, r] = best
            if at < 0:
                states[r, first : first + sizes[s]] = -1
                continue
            state, which = at, taken[at]
            taken[at] += 1
            for t in range(sizes[s] - 1, -1, -1):
                states[r, first + t] = state
                if t:
                    state, which = came[t, state, which], rank[t, state, which]
        first += sizes[s]


def best_paths(
    log_density: Array,
    start: Array,
    transitions: Array,
    sizes: NDArray[np.intp],
    n_paths: int,
) -> BestPaths:
    """The paths with the largest p(path, sequence), all of them different.

    The parallel list Viterbi algorithm (Seshadri & Sundberg 1994, sec. II.A).

    Parameters
    ----------
    log_density : array of shape (n, K)
        log f(x_t | state), sequence after sequence.
    start, transitions : arrays of shape (K,) and (K, K)
    sizes : array of int, shape (m,)
        Steps of each sequence.
    n_paths : int
    """
    with np.errstate(divide="ignore"):
        logs = np.log(start), np.log(transitions)
    states = np.empty((n_paths, len(log_density)), dtype=np.int64)
    heights = np.empty((len(sizes), n_paths))
    rows = np.ascontiguousarray(log_density)
    _best(rows, *logs, np.asarray(sizes, dtype=np.intp), heights, states)
    return BestPaths(heights, cast(NDArray[np.int64], states))
