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
def smooth(log_density, log_start, log_transitions, weight, resp, pairs, begun):
    """Forward and backward over one sequence; its log-likelihood.

    Fills `resp` (n, K or more) with weighted posterior probabilities, and adds weighted expected
    transitions to `pairs` (K, K) and the first step's to `begun`. An impossible sequence, of
    log-likelihood -inf, gets zeros.
    """
    n, k = log_density.shape
    forward, ahead, terms = np.empty((n, k)), np.empty(k), np.empty(k)
    for t in range(n):
        for j in range(k):
            if t == 0:
                forward[0, j] = log_start[j] + log_density[0, j]
            else:
                for i in range(k):
                    terms[i] = forward[t - 1, i] + log_transitions[i, j]
                forward[t, j] = log_sum(terms) + log_density[t, j]
    loglik = log_sum(forward[n - 1])
    for t in range(n):
        for j in range(resp.shape[1]):
            resp[t, j] = 0.0
    if not math.isfinite(loglik):
        return loglik
    backward = np.zeros(k)
    for t in range(n - 1, -1, -1):
        for j in range(k):
            resp[t, j] = weight * math.exp(forward[t, j] + backward[j] - loglik)
            ahead[j] = log_density[t, j] + backward[j]
        if t == 0:
            break
        for i in range(k):
            for j in range(k):
                terms[j] = log_transitions[i, j] + ahead[j]
                pairs[i, j] += weight * math.exp(forward[t - 1, i] + terms[j] - loglik)
            backward[i] = log_sum(terms)
    for j in range(k):
        begun[j] += resp[0, j]
    return loglik
