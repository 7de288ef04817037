"""The same recursions in logarithms, for sequences in which a scaled probability was lost."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def log_sum(values):
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
def forward(log_density, log_start, log_transitions, log_alpha, log_scale):
    """log p(state at t | steps up to t) into `log_alpha` (n, K), and what each step adds.

    Returns the sum of these, the log-likelihood; where it is not finite, the pass stops short.
    """
    n, k = log_density.shape
    terms, loglik = np.empty(k), 0.0
    for t in range(n):
        for j in range(k):
            if t == 0:
                log_alpha[0, j] = log_start[j] + log_density[0, j]
            else:
                for i in range(k):
                    terms[i] = log_alpha[t - 1, i] + log_transitions[i, j]
                log_alpha[t, j] = log_sum(terms) + log_density[t, j]
        step = log_sum(log_alpha[t])
        log_scale[t] = step
        loglik += step
        if not math.isfinite(step):
            return loglik
        for j in range(k):
            log_alpha[t, j] -= step
    return loglik


@njit(nogil=True, cache=True)
def backward(log_density, log_alpha, log_scale, log_transitions, edge, weight, resp, pairs, begun):
    """Weighted posteriors into `resp` (n, K or more), after `forward`.

    Adds weighted expected transitions to `pairs` (K, K), those times the transitions, and the
    first step's states to `begun`. `edge` (K,) has the logarithms of the last step's backward
    variables, 0 where nothing follows; it is left with those of the first plus its log-densities
    less its scale. `resp` may be `log_density` itself.
    """
    n, k = log_density.shape
    ahead, terms = np.empty(k), np.empty(k)
    for t in range(n - 1, -1, -1):
        for j in range(k):
            ahead[j] = log_density[t, j] - log_scale[t] + edge[j]
            resp[t, j] = weight * math.exp(log_alpha[t, j] + edge[j])
        for j in range(k, resp.shape[1]):
            resp[t, j] = 0.0
        if t == 0:
            break
        for i in range(k):
            for j in range(k):
                terms[j] = log_transitions[i, j] + ahead[j]
                pairs[i, j] += weight * math.exp(log_alpha[t - 1, i] + terms[j])
            edge[i] = log_sum(terms)
    for j in range(k):
        begun[j] += resp[0, j]
        edge[j] = ahead[j]


@njit(nogil=True, cache=True)
def smooth(log_density, log_start, log_transitions, weight, resp, pairs, begun):
    """Forward and backward over one sequence; its log-likelihood.

    Fills `resp` (n, K or more) with weighted posterior probabilities, and adds weighted expected
    transitions to `pairs` (K, K) and the first step's to `begun`. An impossible sequence, of
    log-likelihood -inf, gets zeros.
    """
    n, k = log_density.shape
    log_alpha, log_scale = np.empty((n, k)), np.empty(n)
    loglik = forward(log_density, log_start, log_transitions, log_alpha, log_scale)
    if not math.isfinite(loglik):
        resp[:] = 0.0
        return loglik
    edge = np.zeros(k)
    backward(log_density, log_alpha, log_scale, log_transitions, edge, weight, resp, pairs, begun)
    return loglik
