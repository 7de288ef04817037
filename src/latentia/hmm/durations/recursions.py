"""Forward, backward and Viterbi recursions of a chain whose states last by laws of their own.

A segment of state k begins where another ended, lasts u steps with probability d_k(u), and the
last one of a sequence is right-censored: of its r steps it is only known that it lasts at least
so long (Guédon 2003). Every step looks back over as many steps as a segment can last, so that a
sequence of T steps costs O(T K D + T K²); no array of steps times durations is made.

Sequences are gone through in probabilities that are scaled at each step (`scaled.py`), and in
logarithms where long segments of an unlikely state would vanish. There terms that are 45 nats below
the largest met so far are passed over: there are far too few of them to be seen.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import scaled

Array = NDArray[np.float64]

DEEP = 45.0
"""Nats below the largest term at which another is nothing; exp(-45) is 3e-20."""


class SmoothedSegments(NamedTuple):
    """What is known of the segments of some sequences, given all of their steps.

    Attributes
    ----------
    loglik : array of shape (m,)
        Of each sequence, -inf of one that the chain cannot make.
    resp : array of shape (n, K)
        P(state at t | the sequence), times the sequence's weight.
    start : array of shape (K,)
        Expected states of first segments, weighted.
    transitions : array of shape (K, K)
        Expected numbers of moves from segment to segment.
    ended : array of shape (D, K)
        Expected numbers of segments that lasted u = 1, ..., D steps and ended.
    cut : array of shape (D, K)
        Expected numbers of last segments of r = 1, ..., D steps, which may have gone on.
    """

    loglik: Array
    resp: Array
    start: Array
    transitions: Array
    ended: Array
    cut: Array


def smoothed(
    log_density: Array,
    start: Array,
    transitions: Array,
    log_pmf: Array,
    log_survival: Array,
    sizes: NDArray[np.intp],
    weights: Array,
) -> SmoothedSegments:
    """Forward-backward over segments.

    Parameters
    ----------
    log_density : array of shape (n, K)
        log f(x_t | state), sequence after sequence; 0 for a step that is missing.
    start, transitions : arrays of shape (K,) and (K, K)
        The latter with a diagonal of zeros.
    log_pmf, log_survival : arrays of shape (D, K)
        log P(duration = u) and log P(duration >= u), u = 1, ..., D.
    sizes : array of int, shape (m,)
    weights : array of shape (m,)
    """
    k, d = len(start), len(log_pmf)
    pairs, begun = np.zeros((k, k)), np.zeros(k)
    ended, cut = np.zeros((k, d)), np.zeros((k, d))
    resp, loglik = np.zeros((k, len(log_density))), np.empty(len(sizes))
    logs = _prepared(log_density, start, transitions, log_pmf, log_survival)
    w = np.ascontiguousarray(weights, dtype=np.float64)
    made = loglik, resp, begun, pairs, ended, cut
    chain = (np.exp(each) for each in logs[1:])
    lost = cast(Any, scaled.smooth)(logs[0], *chain, _offsets(sizes), w, *made)
    if lost.any():
        _smooth(*logs, _offsets(sizes), w, lost, *made)
    return SmoothedSegments(loglik, resp.T, begun, pairs, ended.T, cut.T)


class BestSegments(NamedTuple):
    """log p(segments, sequence) of each sequence's likeliest segments (m,), and states (n,)."""

    log_probability: Array
    states: NDArray[np.int64]


def viterbi(
    log_density: Array,
    start: Array,
    transitions: Array,
    log_pmf: Array,
    log_survival: Array,
    sizes: NDArray[np.intp],
) -> BestSegments:
    """The segments that maximise p(segments, sequence); arguments are those of `smoothed`."""
    logs = _prepared(log_density, start, transitions, log_pmf, log_survival)
    heights = np.empty(len(sizes))
    states = np.empty(len(log_density), dtype=np.int64)
    _viterbi(*logs, _offsets(sizes), heights, states)
    return BestSegments(heights, states)


def _prepared(
    log_density: Array, start: Array, transitions: Array, log_pmf: Array, log_survival: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Logarithms, states first, so that loops along steps and durations are contiguous."""
    with np.errstate(divide="ignore"):
        chain = np.log(start), np.log(transitions)
    each = (log_density.T, *chain, log_pmf.T, log_survival.T)
    a, b, c, d, e = (np.ascontiguousarray(one, dtype=np.float64) for one in each)
    return a, b, c, d, e


def _offsets(sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


@njit(nogil=True, cache=True)
def _forward(density, log_start, log_transitions, pmf, survival, first, last, begins, ends):
    """log p(x up to t, a segment of k begins at t + 1, or ends at t); the log-likelihood."""
    k, longest = pmf.shape
    for t in range(first, last):
        for j in range(k):
            top, total = -np.inf, 0.0
            if t == first:
                begins[j, t] = log_start[j]
                continue
            for i in range(k):
                term = ends[i, t - 1] + log_transitions[i, j]
                if term > top:
                    total = total * math.exp(top - term) + 1.0 if total > 0.0 else 1.0
                    top = term
                elif term > top - DEEP:
                    total += math.exp(term - top)
            begins[j, t] = top + math.log(total) if total > 0.0 else -np.inf
        for j in range(k):
            top, total, seen = -np.inf, 0.0, 0.0
            for u in range(min(longest, t - first + 1)):
                seen += density[j, t - u]
                if seen == -np.inf:
                    break
                term = begins[j, t - u] + pmf[j, u] + seen
                if term > top:
                    total = total * math.exp(top - term) + 1.0 if total > 0.0 else 1.0
                    top = term
                elif term > top - DEEP:
                    total += math.exp(term - top)
            ends[j, t] = top + math.log(total) if total > 0.0 else -np.inf
    top, total = -np.inf, 0.0
    for j in range(k):
        seen = 0.0
        for u in range(min(longest, last - first)):
            t = last - 1 - u
            seen += density[j, t]
            term = begins[j, t] + survival[j, u] + seen
            if term > top:
                total = total * math.exp(top - term) + 1.0 if total > 0.0 else 1.0
                top = term
            elif term > top - DEEP:
                total += math.exp(term - top)
    return top + math.log(total) if total > 0.0 else -np.inf


@njit(nogil=True, cache=True)
def _smooth(
    density,
    log_start,
    log_transitions,
    pmf,
    survival,
    offsets,
    weights,
    asked,
    loglik,
    resp,
    begun,
    pairs,
    ended,
    cut,
):
    k, longest = pmf.shape
    n = density.shape[1]
    begins, ends = np.empty((k, n)), np.empty((k, n))
    ahead, onward = np.empty(k), np.empty((k, n))
    for s in range(offsets.size - 1):
        if not asked[s]:
            continue
        first, last, weight = offsets[s], offsets[s + 1], weights[s]
        height = _forward(
            density, log_start, log_transitions, pmf, survival, first, last, begins, ends
        )
        loglik[s] = height
        if not math.isfinite(height):
            continue
        for t in range(last - 1, first - 1, -1):
            # `onward[j, t]`: log p(x after t | a segment of j ends at t); `ahead` begins at t
            for j in range(k):
                top, total, seen = -np.inf, 0.0, 0.0
                for u in range(min(longest, last - t)):
                    seen += density[j, t + u]
                    if seen == -np.inf:
                        break
                    if t + u == last - 1:
                        term = survival[j, u] + seen
                    else:
                        term = pmf[j, u] + seen + onward[j, t + u]
                    if term > top:
                        total = total * math.exp(top - term) + 1.0 if total > 0.0 else 1.0
                        top = term
                    elif term > top - DEEP:
                        total += math.exp(term - top)
                    share = begins[j, t] + term - height
                    if share > -700.0:
                        counted = weight * math.exp(share)
                        if t + u == last - 1:
                            cut[j, u] += counted
                        else:
                            ended[j, u] += counted
                            resp[j, t + u + 1] -= counted
                        resp[j, t] += counted
                ahead[j] = top + math.log(total) if total > 0.0 else -np.inf
            if t == first:
                for j in range(k):
                    begun[j] += weight * math.exp(begins[j, t] + ahead[j] - height)
                break
            for i in range(k):
                top, total = -np.inf, 0.0
                for j in range(k):
                    term = log_transitions[i, j] + ahead[j]
                    if ends[i, t - 1] + term > -np.inf:
                        pairs[i, j] += weight * math.exp(ends[i, t - 1] + term - height)
                    if term > top:
                        total = total * math.exp(top - term) + 1.0 if total > 0.0 else 1.0
                        top = term
                    elif term > top - DEEP:
                        total += math.exp(term - top)
                onward[i, t - 1] = top + math.log(total) if total > 0.0 else -np.inf
        for j in range(k):  # what began and has not ended
            held = 0.0
            for t in range(first, last):
                held += resp[j, t]
                resp[j, t] = max(held, 0.0)


@njit(nogil=True, cache=True)
def _viterbi(density, log_start, log_transitions, pmf, survival, offsets, heights, states):
    k, longest = pmf.shape
    n = density.shape[1]
    begins, ends = np.empty((k, n)), np.empty((k, n))
    lasted, came = np.zeros((k, n), np.int64), np.zeros((k, n), np.int64)
    for s in range(offsets.size - 1):
        first, last = offsets[s], offsets[s + 1]
        for t in range(first, last):
            for j in range(k):
                if t == first:
                    begins[j, t] = log_start[j]
                    continue
                best, at = -np.inf, 0
                for i in range(k):
                    term = ends[i, t - 1] + log_transitions[i, j]
                    if term > best:
                        best, at = term, i
                begins[j, t], came[j, t] = best, at
            for j in range(k):
                best, at, seen = -np.inf, 0, 0.0
                for u in range(min(longest, t - first + 1)):
                    seen += density[j, t - u]
                    term = begins[j, t - u] + pmf[j, u] + seen
                    if term > best:
                        best, at = term, u
                ends[j, t], lasted[j, t] = best, at
        best, state, length = -np.inf, 0, 0
        for j in range(k):
            seen = 0.0
            for u in range(min(longest, last - first)):
                seen += density[j, last - 1 - u]
                term = begins[j, last - 1 - u] + survival[j, u] + seen
                if term > best:
                    best, state, length = term, j, u
        heights[s] = best
        t = last - 1
        while t >= first:
            begin = t - length
            for at in range(begin, t + 1):
                states[at] = state
            if begin == first:
                break
            state = came[state, begin]
            t = begin - 1
            length = lasted[state, t]


@njit(nogil=True, cache=True)
def walk(uniforms, start_ends, move_ends, law_ends, offsets, states):
    """Draw segments by inverse distribution functions; `*_ends` are cumulative probabilities.

    `law_ends` is (K, U); what it leaves goes on beyond U.
    """
    at = 0
    for s in range(offsets.size - 1):
        t, last = offsets[s], offsets[s + 1]
        state = -1
        while t < last:
            ends = start_ends if state < 0 else move_ends[state]
            point, state = uniforms[at] * ends[-1], 0
            while state < ends.size - 1 and point >= ends[state]:
                state += 1
            u, law = 0, law_ends[state]
            while u < law.size and uniforms[at + 1] >= law[u]:
                u += 1
            at += 2
            for _ in range(u + 1):
                if t < last:
                    states[t] = state
                    t += 1
