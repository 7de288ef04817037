"""A chain whose transitions differ from step to step, by its definition: a sum over all paths."""

from itertools import product

import numpy as np
from scipy.special import logsumexp


def enumerated(log_start, log_transitions, log_density):
    """Log-likelihood, states (T, K) and moves (T, K, K) of one sequence, path by path."""
    n, k = log_density.shape
    paths = np.array(list(product(range(k), repeat=n)))
    logs = log_start[paths[:, 0]] + log_density[np.arange(n), paths].sum(axis=1)
    for t in range(n - 1):
        logs = logs + log_transitions[t, paths[:, t], paths[:, t + 1]]
    loglik = logsumexp(logs)
    weight = np.exp(logs - loglik)
    resp, moves = np.zeros((n, k)), np.zeros((n, k, k))
    for t in range(n):
        np.add.at(resp[t], paths[:, t], weight)
        if t + 1 < n:
            np.add.at(moves[t], (paths[:, t], paths[:, t + 1]), weight)
    return float(loglik), resp, moves, paths[int(np.argmax(logs))], float(logs.max())
