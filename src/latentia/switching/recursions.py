"""Forward, backward and Viterbi recursions of a chain whose transitions differ from step to step.

Everything is in logarithms: transitions that follow covariates may be as improbable as they like,
and their logarithms are what a logit gives anyway.

Sequences stand one after the other; ``offsets`` (m + 1,) says where each begins.
``log_transitions[t, i, j]`` is that of moving from state i at step t to state j at the next one;
those of a sequence's last step are not looked at.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


class SmoothedMoves(NamedTuple):
    """What is known of the states of some sequences, given all of their steps.

    Attributes
    ----------
    loglik : array of shape (m,)
        Of each sequence, -inf of one that the chain cannot make.
    resp : array of shape (n, K)
        P(state at t | the sequence), times the sequence's weight.
    moves : array of shape (n, K, K)
        P(state at t, state at t + 1 | the sequence), times its weight; 0 at a last step.
    """

    loglik: Array
    resp: Array
    moves: Array


def smoothed(
    log_density: Array,
    log_start: Array,
    log_transitions: Array,
    sizes: NDArray[np.intp],
    weights: Array,
) -> SmoothedMoves:
    """Forward-backward with transitions of each step's own.

    Parameters
    ----------
    log_density : array of shape (n, K)
        log f(x_t | state), sequence after sequence; 0 for a step that is missing.
    log_start : array of shape (m, K)
    log_transitions : array of shape (n, K, K)
    sizes : array of int, shape (m,)
    weights : array of shape (m,)

    Examples
    --------
    >>> import numpy as np
    >>> half = np.log(np.full((2, 2, 2), 0.5))
    >>> seen = np.log([[0.9, 0.1], [0.2, 0.8]])
    >>> made = smoothed(seen, half[0, :1], half, np.array([2]), np.ones(1))
    >>> made.resp.round(3)
    array([[0.9, 0.1],
           [0.2, 0.8]])
    """
    n, k = log_density.shape
    resp, moves, loglik = np.empty((n, k)), np.empty((n, k, k)), np.empty(len(sizes))
    logs = _contiguous(log_density), _contiguous(log_start), _contiguous(log_transitions)
    _smooth(*logs, _offsets(sizes), _contiguous(np.array(weights)), loglik, resp, moves)
    return SmoothedMoves(loglik, resp, moves)


class BestPaths(NamedTuple):
    """log p(path, sequence) of each sequence's likeliest path (m,), and its states (n,)."""

    log_probability: Array
    states: NDArray[np.int64]


def viterbi(
    log_density: Array, log_start: Array, log_transitions: Array, sizes: NDArray[np.intp]
) -> BestPaths:
    """The path that maximises p(path, sequence), of equals the first (Viterbi 1967)."""
    states = np.empty(len(log_density), dtype=np.int64)
    heights = np.empty(len(sizes))
    logs = _contiguous(log_density), _contiguous(log_start), _contiguous(log_transitions)
    _viterbi(*logs, _offsets(sizes), heights, states)
    return BestPaths(heights, states)


def so_far(
    log_density: Array, log_start: Array, log_transitions: Array, sizes: NDArray[np.intp]
) -> tuple[Array, Array]:
    """log P(state at t | the steps before t), and up to t, (n, K) each; as `smoothed` has them."""
    before, until = np.empty(log_density.shape), np.empty(log_density.shape)
    logs = _contiguous(log_density), _contiguous(log_start), _contiguous(log_transitions)
    _forward(*logs, _offsets(sizes), before, until)
    return before, until


def _contiguous(values: Array) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)


def _offsets(sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


@njit(nogil=True, cache=True)
def _log_sum(values):
    """log sum_j exp(values_j), -inf where all are."""
    top = -np.inf
    for value in values:
        top = value if not value <= top else top  # nan stays
    if not math.isfinite(top):
        return top
    total = 0.0
    for value in values:
        total += math.exp(value - top)
    return top + math.log(total)


@njit(nogil=True, cache=True)
def _smooth(log_density, log_start, log_transitions, offsets, weights, loglik, resp, moves):
    k = log_density.shape[1]
    terms, ahead, back = np.empty(k), np.empty(k), np.empty(k)
    resp[:] = 0.0
    moves[:] = 0.0
    for s in range(offsets.size - 1):
        first, last = offsets[s], offsets[s + 1]
        for j in range(k):  # `resp` holds the forward logarithms until the way back
            resp[first, j] = log_start[s, j] + log_density[first, j]
        for t in range(first + 1, last):
            for j in range(k):
                for i in range(k):
                    terms[i] = resp[t - 1, i] + log_transitions[t - 1, i, j]
                resp[t, j] = _log_sum(terms) + log_density[t, j]
        height = _log_sum(resp[last - 1])
        loglik[s] = height
        if not math.isfinite(height):
            resp[first:last] = 0.0
            continue
        back[:] = 0.0
        for t in range(last - 1, first - 1, -1):
            if t < last - 1:
                for i in range(k):
                    for j in range(k):
                        terms[j] = log_transitions[t, i, j] + ahead[j]
                        moves[t, i, j] = weights[s] * math.exp(resp[t, i] + terms[j] - height)
                    back[i] = _log_sum(terms)
            for j in range(k):
                ahead[j] = log_density[t, j] + back[j]
                resp[t, j] = weights[s] * math.exp(resp[t, j] + back[j] - height)


@njit(nogil=True, cache=True)
def _forward(log_density, log_start, log_transitions, offsets, before, until):
    k = log_density.shape[1]
    terms = np.empty(k)
    for s in range(offsets.size - 1):
        for t in range(offsets[s], offsets[s + 1]):
            for j in range(k):
                if t == offsets[s]:
                    before[t, j] = log_start[s, j]
                else:
                    for i in range(k):
                        terms[i] = until[t - 1, i] + log_transitions[t - 1, i, j]
                    before[t, j] = _log_sum(terms)
                until[t, j] = before[t, j] + log_density[t, j]
            height = _log_sum(until[t])
            if math.isfinite(height):
                for j in range(k):
                    until[t, j] -= height


@njit(nogil=True, cache=True)
def _viterbi(log_density, log_start, log_transitions, offsets, heights, states):
    n, k = log_density.shape
    came = np.empty((n, k), np.int32)
    here, ahead = np.empty(k), np.empty(k)
    for s in range(offsets.size - 1):
        first, last = offsets[s], offsets[s + 1]
        for j in range(k):
            here[j] = log_start[s, j] + log_density[first, j]
        for t in range(first + 1, last):
            for j in range(k):
                best, at = here[0] + log_transitions[t - 1, 0, j], 0
                for i in range(1, k):
                    value = here[i] + log_transitions[t - 1, i, j]
                    if value > best:
                        best, at = value, i
                ahead[j] = best + log_density[t, j]
                came[t, j] = at
            here, ahead = ahead, here
        state = 0
        for j in range(1, k):
            if here[j] > here[state]:
                state = j
        heights[s] = here[state]
        for t in range(last - 1, first - 1, -1):
            states[t] = state
            if t > first:
                state = came[t, state]


def drawn(
    start: Array, transitions: Array, sizes: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """States of sequences, one behind the other.

    Parameters
    ----------
    start : array of shape (m, K)
        Probabilities of first states.
    transitions : array of shape (n, K, K)
        Probabilities of moving on from each step.
    sizes : array of int, shape (m,)
    rng : numpy.random.Generator
    """
    states = np.empty(int(sizes.sum()), dtype=np.intp)
    ends = np.cumsum(start, axis=1), np.cumsum(transitions, axis=2)
    _walk(rng.uniform(size=len(states)), *ends, _offsets(sizes), states)
    return states


@njit(nogil=True, cache=True)
def _walk(uniforms, start_ends, move_ends, offsets, states):
    """Inverse distribution functions, step by step; `*_ends` are cumulative probabilities."""
    for s in range(offsets.size - 1):
        for t in range(offsets[s], offsets[s + 1]):
            ends = start_ends[s] if t == offsets[s] else move_ends[t - 1, states[t - 1]]
            point, state = uniforms[t] * ends[-1], 0
            while state < ends.size - 1 and point >= ends[state]:
                state += 1
            states[t] = state
