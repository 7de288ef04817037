"""A hidden Markov chain by its definition: a sum over all paths, one by one."""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp


class ByHand(NamedTuple):
    """Log-likelihood, posterior states (T, K) and expected transitions (K, K) of a sequence."""

    loglik: float
    resp: np.ndarray
    transitions: np.ndarray


def log_probabilities(start, transitions, log_density):
    """All K^T paths, and the logarithm of each one's probability with what was seen."""
    n, k = log_density.shape
    paths = np.array(list(product(range(k), repeat=n)))
    with np.errstate(divide="ignore"):
        logs = np.log(start)[paths[:, 0]] + log_density[np.arange(n), paths].sum(axis=1)
        logs = logs + np.log(transitions)[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    return paths, logs


def enumerated(start, transitions, log_density):
    """What is known of the states of one sequence."""
    n, k = log_density.shape
    paths, logs = log_probabilities(start, transitions, log_density)
    loglik = logsumexp(logs)
    weight = np.exp(logs - loglik) if np.isfinite(loglik) else np.zeros(len(logs))
    resp, pairs = np.zeros((n, k)), np.zeros((k, k))
    for t in range(n):
        np.add.at(resp[t], paths[:, t], weight)
        if t:
            np.add.at(pairs, (paths[:, t - 1], paths[:, t]), weight)
    return ByHand(float(loglik), resp, pairs)
