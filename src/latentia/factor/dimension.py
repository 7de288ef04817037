"""How many principal components there are, from the eigenvalues of a covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]


def log_likelihoods(values: Array, n_rows: float) -> Array:
    """The greatest log-likelihood of rows with 0, 1, ... d - 1 components, (d,).

    Parameters
    ----------
    values : array of shape (d,)
        Eigenvalues of the covariance with divisor n, largest first, all above 0.
    n_rows : float
    """
    d = len(values)
    logs = np.concatenate([[0.0], np.cumsum(np.log(values))])[:d]
    left = d - np.arange(d)
    noise = np.cumsum(values[::-1])[::-1] / left
    return -n_rows * (d * (np.log(2 * np.pi) + 1) + logs + left * np.log(noise)) / 2


def by_bic(values: Array, n_rows: float) -> int:
    """The number with the lowest BIC, 0 to d - 1."""
    d = len(values)
    q = np.arange(d)
    n_free = d + d * q + 1 - q * (q - 1) // 2
    return int(np.argmin(-2 * log_likelihoods(values, n_rows) + n_free * np.log(n_rows)))


def by_evidence(values: Array, n_rows: float) -> int:
    """The number with the highest evidence by Laplace's method, 1 to d - 1 (Minka 2000, eq. 30).

    Examples
    --------
    >>> by_evidence(np.array([9.0, 4.0, 1.02, 1.0, 0.98]), 200)
    2
    """
    d = len(values)
    heights = [_evidence(values, q, n_rows) for q in range(1, d)]
    return 1 + int(np.argmax(heights)) if heights else 0


def _evidence(values: Array, q: int, n: float) -> float:
    d = len(values)
    noise = float(values[q:].mean())
    m = d * q - q * (q + 1) / 2
    i = np.arange(1, q + 1)
    prior = -q * np.log(2) + float((gammaln((d - i + 1) / 2)).sum())
    prior -= float((d - i + 1).sum()) / 2 * np.log(np.pi)
    fit = -n / 2 * float(np.log(values[:q]).sum()) - n * (d - q) / 2 * np.log(noise)
    smooth = np.r_[values[:q], np.full(d - q, noise)]
    apart = 0.0
    for a in range(q):
        for b in range(a + 1, d):
            gap = (1 / smooth[b] - 1 / smooth[a]) * (values[a] - values[b])
            apart += np.log(max(gap, 1e-300)) + np.log(n)
    return prior + fit + (m + q) / 2 * np.log(2 * np.pi) - apart / 2 - q / 2 * np.log(n)
