"""Paths of a Markov chain, drawn."""

from __future__ import annotations

from typing import cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(nogil=True, cache=True)
def _walk(uniforms, start_ends, transition_ends, sizes, states):
    """Inverse distribution functions, step by step; `*_ends` are cumulative probabilities."""
    at = 0
    for size in sizes:
        for t in range(at, at + size):
            ends = start_ends if t == at else transition_ends[states[t - 1]]
            point = uniforms[t] * ends[-1]
            state = 0
            while state < ends.size - 1 and point >= ends[state]:
                state += 1
            states[t] = state
        at += size


def states(
    start: Array, transitions: Array, sizes: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """The states of sequences of these sizes, one behind the other."""
    path = np.empty(int(sizes.sum()), dtype=np.intp)
    ends = np.cumsum(start), np.cumsum(transitions, axis=1)
    _walk(rng.uniform(size=len(path)), *ends, np.asarray(sizes, dtype=np.intp), path)
    return cast(NDArray[np.intp], path)
