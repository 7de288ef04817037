"""A semi-Markov chain by its definition: a sum over all segmentations, one by one."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp


class ByHand(NamedTuple):
    """What all segmentations of a sequence say together, and the likeliest one."""

    loglik: float
    resp: np.ndarray
    start: np.ndarray
    transitions: np.ndarray
    ended: np.ndarray
    cut: np.ndarray
    path: np.ndarray
    height: float


def segmentations(n, k, longest):
    """All lists of (state, length) of n steps in which no state follows itself."""
    if n == 0:
        yield []
        return
    for length in range(1, min(n, longest) + 1):
        for rest in segmentations(n - length, k, longest):
            for state in range(k):
                if not rest or rest[0][0] != state:
                    yield [(state, length), *rest]


def enumerated(start, transitions, log_pmf, log_survival, log_density):
    """Each segmentation's probability by the product of its parts, and what they sum to."""
    n, k = log_density.shape
    longest = len(log_pmf)
    heights, all_of_them = [], list(segmentations(n, k, longest))
    for one in all_of_them:
        height, at = 0.0, 0
        for i, (state, length) in enumerate(one):
            height += np.log(start[state] if i == 0 else transitions[one[i - 1][0], state])
            law = log_survival if i == len(one) - 1 else log_pmf
            height += law[length - 1, state] + log_density[at : at + length, state].sum()
            at += length
        heights.append(height)
    loglik = logsumexp(heights)
    resp, begun, pairs = np.zeros((n, k)), np.zeros(k), np.zeros((k, k))
    ended, cut = np.zeros((longest, k)), np.zeros((longest, k))
    for one, weight in zip(all_of_them, np.exp(np.array(heights) - loglik), strict=True):
        at = 0
        begun[one[0][0]] += weight
        for i, (state, length) in enumerate(one):
            resp[at : at + length, state] += weight
            at += length
            if i == len(one) - 1:
                cut[length - 1, state] += weight
            else:
                ended[length - 1, state] += weight
                pairs[state, one[i + 1][0]] += weight
    best = int(np.argmax(heights))
    path = np.concatenate([np.full(length, state) for state, length in all_of_them[best]])
    return ByHand(float(loglik), resp, begun, pairs, ended, cut, path, heights[best])
