"""What the observations say of the states of a hidden Markov chain, by compiled recursions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import kernels, lanes, logs

Array = NDArray[np.float64]


class Smoothed(NamedTuple):
    """What is known of the states of some sequences, given all of their steps.

    Attributes
    ----------
    loglik : array of shape (m,)
        The log-likelihood of each sequence, -inf of one that the chain cannot make.
    resp : array of shape (n, K)
        P(state at t | the sequence), times the sequence's weight.
    start : array of shape (K,)
        Expected states of first steps, weighted.
    transitions : array of shape (K, K)
        Expected numbers of transitions, weighted.
    """

    loglik: Array
    resp: Array
    start: Array
    transitions: Array


def smoothed(
    log_density: Array,
    start: Array,
    transitions: Array,
    sizes: NDArray[np.intp],
    weights: Array,
) -> Smoothed:
    """Forward-backward over sequences (Baum, Petrie, Soules & Weiss 1970).

    Parameters
    ----------
    log_density : array of shape (n, K)
        log f(x_t | state), sequence after sequence; 0 for a step that is missing.
    start : array of shape (K,)
        Rows of `start` and `transitions` need not sum to one.
    transitions : array of shape (K, K)
    sizes : array of int, shape (m,)
        Steps of each sequence, at least one.
    weights : array of shape (m,)

    Notes
    -----
    Probabilities are scaled step by step. That is exact to rounding where every transition has a
    probability of `kernels.MIXING` or more, since then no state can owe its probability to one
    that vanished. Elsewhere the pass watches what it loses, and sequences in which that may
    matter go through logarithms instead.
    """
    return _passed(log_density, start, transitions, sizes, weights, back=True)


def log_likelihoods(
    log_density: Array, start: Array, transitions: Array, sizes: NDArray[np.intp]
) -> Array:
    """The log-likelihood of each sequence, (m,), by the forward pass alone.

    The same bits as those of `smoothed`, whose arguments these are.
    """
    ones = np.ones(len(sizes))
    return _passed(log_density, start, transitions, sizes, ones, back=False).loglik


def _passed(
    log_density: Array,
    start: Array,
    transitions: Array,
    sizes: NDArray[np.intp],
    weights: Array,
    *,
    back: bool,
) -> Smoothed:
    """Both passes, or the forward one: of what that leaves only `loglik` means anything."""
    n, k = log_density.shape
    width = kernels.width_of(k)
    log_density = np.ascontiguousarray(log_density)
    ends = np.cumsum(sizes)
    firsts = ends - sizes
    offsets = np.concatenate([[0], ends]).astype(np.intp)
    density, top = np.empty((n, width)), np.empty(n)
    kernels.shifted(log_density, density, top)
    careful = not bool((transitions >= kernels.MIXING).all())
    faint = np.zeros(n if careful else 1, dtype=np.bool_)
    if careful:
        kernels.faint_steps(log_density, top, faint)
    lost = np.zeros(len(sizes), dtype=np.bool_)
    if ((transitions > 0) & (transitions < kernels.MIXING)).any():
        lost[:] = True  # products of such with what is left may vanish unseen
    chain_start, chain = kernels.padded(start, width), kernels.padded(transitions, width)
    pairs, begun = np.zeros((width, width)), np.zeros(width)
    w = np.array(weights, dtype=np.float64)
    scale = np.ones(n)
    if not careful and lanes.worth_lanes(sizes, width):
        order = np.argsort(-sizes, kind="stable")
        lanes.smooth(
            density, chain_start, chain, offsets, order, w, scale, lost, back, pairs, begun
        )
    else:
        unrolled, alpha = width if width <= kernels.WIDE else 0, np.empty((n if back else 2, width))
        gone, edge = np.zeros(len(sizes)), np.repeat(w[:, None], width, axis=1)
        if not lost.any():
            kernels.forward(unrolled)(
                density, chain_start, chain, offsets, careful, faint, alpha, scale, gone, lost
            )
        if back:
            turned = np.ascontiguousarray(chain.T)
            kernels.backward(unrolled)(
                density, alpha, scale, turned, offsets, edge, lost, pairs, begun
            )
    pairs, begun = pairs[:k, :k] * transitions, begun[:k]
    scale[np.repeat(lost, sizes)] = 1.0
    kernels.heights(scale, top)
    loglik = np.add.reduceat(scale, firsts)
    if lost.any():
        with np.errstate(divide="ignore"):
            log_start, log_transitions = np.log(start), np.log(transitions)
        for s in np.flatnonzero(lost):
            own = slice(firsts[s], ends[s])
            given = log_density[own], log_start, log_transitions
            if back:
                loglik[s] = logs.smooth(*given, w[s], density[own], pairs, begun)
            else:
                loglik[s] = logs.forward(*given, np.empty((sizes[s], k)), np.empty(sizes[s]))
    return Smoothed(loglik, density[:, :k], begun, pairs)
