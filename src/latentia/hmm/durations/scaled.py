"""Forward and backward recursions over segments in probabilities that are scaled step by step.

Densities of a step are divided by what the steps before make likely of it, so that forward
variables are probabilities given the steps so far (Guédon 2003, sec. 3). A product of scaled
densities that falls below `TINY` is nothing, and what is left of its segment is passed over. That
loses nothing as long as no backward variable, and no such product, exceeds `LARGE`: then what was
passed over is less than 1e-80 of the likelihood. Where one does, as where a state is all but
impossible for long and then the only one that is left, the sequence is `lost`, and has to be gone
through in logarithms.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TINY, LARGE = 1e-290, 1e200


@njit(nogil=True, cache=True)
def _filtered(density, start, moves, pmf, first, last, scaled, begins, ends, inside):
    """Scale the densities of a sequence, and go forward; the scales' logarithms, nan if lost.

    `begins[j, t]` is P(a segment of j begins at t | the steps before), `ends[j, t]` that one ends
    at t, given also that step; `inside` is the room for states in force, (K,).
    """
    k, longest = pmf.shape
    height = 0.0
    for t in range(first, last):
        top = -np.inf
        for j in range(k):
            top = density[j, t] if not density[j, t] <= top else top  # nan stays
        if not math.isfinite(top):
            return np.nan
        likely = 0.0
        for j in range(k):
            if t == first:
                begins[j, t] = start[j]
            else:
                begun = 0.0
                for i in range(k):
                    begun += ends[i, t - 1] * moves[i, j]
                begins[j, t] = begun
                # only a scale hangs on this difference
                inside[j] = max(inside[j] - ends[j, t - 1], 0.0)
            inside[j] = begins[j, t] if t == first else inside[j] + begins[j, t]
            scaled[j, t] = math.exp(density[j, t] - top)
            inside[j] *= scaled[j, t]
            likely += inside[j]
        if not likely > TINY:
            return np.nan
        height += top + math.log(likely)
        for j in range(k):
            inside[j] /= likely
            scaled[j, t] /= likely
            total, product = 0.0, 1.0
            for u in range(min(longest, t - first + 1)):
                product *= scaled[j, t - u]
                if not TINY < product < LARGE:
                    break
                total += begins[j, t - u] * pmf[j, u] * product
            if product >= LARGE:
                return np.nan
            ends[j, t] = total
    return height


@njit(nogil=True, cache=True)
def smooth(
    density, start, moves, pmf, survival, offsets, weights, loglik, resp, begun, pairs, ended, cut
):
    """Forward-backward; arrays have states first. Returns which sequences are lost, (m,).

    These leave nothing in `resp`, `begun`, `pairs`, `ended` and `cut`, to which others are added.
    """
    k, longest = pmf.shape
    n, m = density.shape[1], offsets.size - 1
    scaled, begins, ends = np.empty((k, n)), np.empty((k, n)), np.empty((k, n))
    onward, ahead, inside = np.empty((k, n)), np.empty((k, n)), np.empty(k)
    lost = np.zeros(m, np.bool_)
    for s in range(m):
        first, last, weight = offsets[s], offsets[s + 1], weights[s]
        height = _filtered(density, start, moves, pmf, first, last, scaled, begins, ends, inside)
        if not math.isfinite(height):
            lost[s] = True
            continue
        # `onward[j, t]`: p(x after t | a segment of j ends at t), scaled; `ahead` begins at t
        for t in range(last - 1, first - 1, -1):
            for j in range(k):
                total, product = 0.0, 1.0
                for u in range(min(longest, last - t)):
                    product *= scaled[j, t + u]
                    if not TINY < product < LARGE:
                        break
                    if t + u == last - 1:
                        total += product * survival[j, u]
                    else:
                        total += product * pmf[j, u] * onward[j, t + u]
                if product >= LARGE or not total < LARGE:
                    lost[s] = True
                    break
                ahead[j, t] = total
            if lost[s] or t == first:
                break
            for i in range(k):
                total = 0.0
                for j in range(k):
                    total += moves[i, j] * ahead[j, t]
                onward[i, t - 1] = total
                if not total < LARGE:
                    lost[s] = True
            if lost[s]:
                break
        if lost[s]:
            continue
        whole = 0.0
        for j in range(k):
            whole += begins[j, first] * ahead[j, first]
        if not whole > TINY:
            lost[s] = True
            continue
        loglik[s] = height + math.log(whole)
        weight /= whole
        for j in range(k):
            begun[j] += weight * begins[j, first] * ahead[j, first]
            for t in range(first, last):
                own = weight * begins[j, t]
                resp[j, t] += own * ahead[j, t]
                product = own
                if not own > TINY:
                    continue
                for u in range(min(longest, last - t)):
                    product *= scaled[j, t + u]
                    if not product > TINY:
                        break
                    if t + u == last - 1:
                        cut[j, u] += product * survival[j, u]
                    else:
                        counted = product * pmf[j, u] * onward[j, t + u]
                        ended[j, u] += counted
                        resp[j, t + u + 1] -= counted
        for t in range(first, last - 1):
            for i in range(k):
                for j in range(k):
                    pairs[i, j] += weight * ends[i, t] * moves[i, j] * ahead[j, t + 1]
        for j in range(k):  # what began and has not ended
            held = 0.0
            for t in range(first, last):
                held += resp[j, t]
                resp[j, t] = max(held, 0.0)
    return lost
