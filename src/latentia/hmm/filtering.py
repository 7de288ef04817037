"""What the steps so far, the steps to come, and all the others say of a state."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .logs import log_sum

Array = NDArray[np.float64]


class Passes(NamedTuple):
    """Both passes over some sequences in logarithms, which lose nothing.

    Attributes
    ----------
    loglik : array of shape (m,)
        Of each sequence.
    predicted : array of shape (n, K)
        log P(state at t | steps before t); a sequence's first step has the start's.
    filtered : array of shape (n, K)
        log P(state at t | steps up to t).
    ahead : array of shape (n, K)
        log p(steps after t | state at t), up to a constant of each step.
    """

    loglik: Array
    predicted: Array
    filtered: Array
    ahead: Array


@njit(nogil=True, cache=True)
def _passes(log_density, log_start, log_transitions, sizes, loglik, predicted, filtered, ahead):
    k = log_start.size
    terms = np.empty(k)
    first = 0
    for s in range(sizes.size):
        last, height = first + sizes[s], 0.0
        for t in range(first, last):
            for j in range(k):
                if t == first:
                    predicted[t, j] = log_start[j]
                else:
                    for i in range(k):
                        terms[i] = filtered[t - 1, i] + log_transitions[i, j]
                    predicted[t, j] = log_sum(terms)
                filtered[t, j] = predicted[t, j] + log_density[t, j]
            step = log_sum(filtered[t])
            height += step
            if np.isfinite(step):
                for j in range(k):
                    filtered[t, j] -= step
        loglik[s] = height
        ahead[last - 1] = 0.0
        for t in range(last - 2, first - 1, -1):
            for i in range(k):
                for j in range(k):
                    terms[j] = log_transitions[i, j] + log_density[t + 1, j] + ahead[t + 1, j]
                ahead[t, i] = log_sum(terms)
            step = log_sum(ahead[t])
            if np.isfinite(step):
                for i in range(k):
                    ahead[t, i] -= step
        first = last


def passes(log_density: Array, start: Array, transitions: Array, sizes: NDArray[np.intp]) -> Passes:
    """Forward and backward over sequences, each step by itself kept.

    Parameters
    ----------
    log_density : array of shape (n, K)
        log f(x_t | state), sequence after sequence; 0 for a step that is missing.
    start, transitions : arrays of shape (K,) and (K, K)
    sizes : array of int, shape (m,)
        Steps of each sequence, at least one.
    """
    rows, lengths = np.ascontiguousarray(log_density), np.asarray(sizes, dtype=np.intp)
    with np.errstate(divide="ignore"):
        logs = np.log(start), np.log(transitions)
    made = Passes(np.empty(len(lengths)), *(np.empty(rows.shape) for _ in range(3)))
    _passes(rows, *logs, lengths, *made)
    return made


def normalised(log_weights: Array) -> Array:
    """Probabilities in proportion to exp(log_weights), along the last axis; zeros where all are."""
    top = log_weights.max(axis=-1, keepdims=True)
    likely = np.exp(log_weights - np.where(np.isfinite(top), top, 0.0))
    total = likely.sum(axis=-1, keepdims=True)
    return likely / np.where(total > 0, total, 1.0)


def given_others(made: Passes) -> Array:
    """P(state at t | all steps of its sequence but t), shape (n, K)."""
    return normalised(made.predicted + made.ahead)


def onward(
    made: Passes, transitions: Array, sizes: NDArray[np.intp], steps: int
) -> NDArray[np.float64]:
    """P(state h steps after the last of each sequence), h = 1, ..., `steps`.

    Returns
    -------
    array of shape (m steps, K)
        Sequence after sequence.

    Raises
    ------
    ValueError
        If a sequence could not be made by any path, after which nothing follows.
    """
    require_likely(made.loglik)
    here = normalised(made.filtered[np.cumsum(sizes) - 1])
    ahead = np.empty((len(here), steps, here.shape[1]))
    for h in range(steps):
        here = here @ transitions
        ahead[:, h] = here
    return ahead.reshape(-1, here.shape[1])


def require_likely(loglik: Array) -> None:
    """Refuse sequences of probability zero, after which nothing follows."""
    if np.isneginf(loglik).any():
        i = int(np.argmax(np.isneginf(loglik)))
        raise ValueError(
            f"got a sequence {i} that no path of states could make, expected one that the "
            "model holds possible; fit the model to such sequences, or leave it out"
        )


@njit(nogil=True, cache=True)
def _drawn(filtered, transitions, sizes, uniforms, paths):
    k = transitions.shape[0]
    weight = np.empty(k)
    for r in range(paths.shape[0]):
        end = 0
        for s in range(sizes.size):
            first, end = end, end + sizes[s]
            for t in range(end - 1, first - 1, -1):
                total = 0.0
                for i in range(k):
                    onward = 1.0 if t == end - 1 else transitions[i, paths[r, t + 1]]
                    weight[i] = filtered[t, i] * onward
                    total += weight[i]
                point, state = uniforms[r, t] * total, 0
                while state < k - 1 and point >= weight[state]:
                    point -= weight[state]
                    state += 1
                while weight[state] <= 0 and state > 0:  # rounding at the last one's end
                    state -= 1
                paths[r, t] = state


def drawn(
    made: Passes,
    transitions: Array,
    sizes: NDArray[np.intp],
    n_paths: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Paths of states from their distribution given the steps, shape (n_paths, n).

    Forward filtering, backward sampling (Chib 1996, eq. 6).
    """
    n = len(made.filtered)
    paths = np.empty((n_paths, n), dtype=np.int64)
    lengths = np.asarray(sizes, dtype=np.intp)
    _drawn(np.exp(made.filtered), transitions, lengths, rng.uniform(size=(n_paths, n)), paths)
    return cast(NDArray[np.int64], paths)
