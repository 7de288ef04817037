"""Forward and backward of many chains over the same steps, one chain a lane.

The chains differ in their parameters, as those of many first guesses do. Densities, forward
variables and posteriors have the chains along their last axis, so that loops along them become
vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from latentia.families.kernels.lanes import exp, log

from .kernels import FAINT


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def smooth(density, start, transitions, offsets, weights, loglik, begun, pairs):
    """What the steps say of the states of each chain (Rabiner 1989, sec. V.A).

    A chain that loses a step to rounding has -inf for a log-likelihood, and posteriors that mean
    nothing: these are first looks, and another chain will do.

    Parameters
    ----------
    density : array of shape (n, K, S)
        log f(x_t | state) of S chains; posterior probabilities times weights are put in its place.
    start : array of shape (K, S)
    transitions : array of shape (K, K, S)
    offsets : array of int, shape (m + 1,)
        Where each sequence begins.
    weights : array of shape (m,)
        Of the sequences.
    loglik : array of shape (S,)
        Is filled.
    begun, pairs : arrays of shape (K, S) and (K, K, S)
        Expected starts and transitions, are filled.
    """
    n, k, lanes = density.shape
    alpha = np.empty((n, k, lanes))
    scale = np.empty((n, lanes))
    top, total, alive = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    beta, ahead = np.empty((k, lanes)), np.empty((k, lanes))
    loglik[:] = 0.0
    begun[:] = 0.0
    pairs[:] = 0.0
    alive[:] = 1.0
    for t in range(n):
        here = density[t]
        for s in range(lanes):
            top[s] = here[0, s]
        for j in range(1, k):
            for s in range(lanes):
                top[s] = max(top[s], here[j, s])
        for j in range(k):
            for s in range(lanes):
                here[j, s] = here[j, s] - top[s]
        for s in range(lanes):
            scale[t, s] = top[s]
    flat = density.reshape(-1)
    for i in range(flat.size):
        flat[i] = exp(flat[i])
    for q in range(offsets.size - 1):
        first, last, weight = offsets[q], offsets[q + 1], weights[q]
        for t in range(first, last):
            here, now = density[t], alpha[t]
            total[:] = 0.0
            for j in range(k):
                line = now[j]
                if t == first:
                    for s in range(lanes):
                        line[s] = start[j, s]
                else:
                    before = alpha[t - 1]
                    for s in range(lanes):
                        line[s] = before[0, s] * transitions[0, j, s]
                    for i in range(1, k):
                        for s in range(lanes):
                            line[s] += before[i, s] * transitions[i, j, s]
                for s in range(lanes):
                    line[s] *= here[j, s]
                    total[s] += line[s]
            for s in range(lanes):
                well = total[s] > FAINT
                alive[s] = alive[s] if well else 0.0
                total[s] = total[s] if well else 1.0
            for j in range(k):
                for s in range(lanes):
                    now[j, s] /= total[s]
            for s in range(lanes):
                loglik[s] += weight * (log(total[s]) + scale[t, s])
                scale[t, s] = total[s]
        beta[:] = weight
        for t in range(last - 1, first - 1, -1):
            here, now = density[t], alpha[t]
            for j in range(k):
                for s in range(lanes):
                    ahead[j, s] = here[j, s] * beta[j, s] / scale[t, s]
                    here[j, s] = now[j, s] * beta[j, s]
            if t == first:
                for j in range(k):
                    for s in range(lanes):
                        begun[j, s] += here[j, s]
                break
            before = alpha[t - 1]
            for i in range(k):
                beta[i] = 0.0
                for j in range(k):
                    for s in range(lanes):
                        moved = transitions[i, j, s] * ahead[j, s]
                        beta[i, s] += moved
                        pairs[i, j, s] += before[i, s] * moved
    for s in range(lanes):
        if not alive[s] > 0.0:
            loglik[s] = -np.inf
