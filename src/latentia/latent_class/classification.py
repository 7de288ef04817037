"""How well the classes are told apart: entropy, and the errors of assigning rows to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

Array = NDArray[np.float64]


class Classification(NamedTuple):
    """How sure the memberships are.

    Attributes
    ----------
    entropy : float
        Of the memberships, in nats, summed over the rows; 0 where every row is sure.
    relative_entropy : float
        1 - entropy / (n log K): 1 where every row is sure, 0 where none is (Ramaswamy, DeSarbo,
        Reibstein & Robinson 1993); 1 for a single class.
    table : array of shape (K, K)
        Expected number of rows of class t (rows) that are assigned to class s (columns) when
        each row goes to its most probable class.
    average_posterior : array of shape (K, K)
        Mean membership in class t (columns) of the rows assigned to class s (rows); nan where
        none is.
    error : float
        Expected share of rows that are assigned to another class than theirs.
    error_reduction : float
        1 - error / (error without looking at the answers): Goodman and Kruskal's lambda; 1 for a
        single class.
    """

    entropy: float
    relative_entropy: float
    table: Array
    average_posterior: Array
    error: float
    error_reduction: float


def classification(resp: Array, weights: Array) -> Classification:
    """From the memberships of rows.

    Parameters
    ----------
    resp : array of shape (n, K)
    weights : array of shape (n,)

    Returns
    -------
    Classification

    References
    ----------
    Vermunt & Magidson (2016), Technical Guide for Latent GOLD 5.1 (table, error, reduction).

    Examples
    --------
    >>> import numpy as np
    >>> known = classification(np.array([[1.0, 0.0], [0.2, 0.8]]), np.ones(2))
    >>> known.table
    array([[1. , 0.2],
           [0. , 0.8]])
    >>> print(f"{known.relative_entropy:.3f} {known.error:.3f}")
    0.639 0.100
    """
    k, n = resp.shape[1], float(weights.sum())
    entropy = float(weights @ entr(resp).sum(axis=1))
    assigned = one_hot(resp.argmax(axis=1), k)
    table = assignments(resp, assigned, weights)
    error = max(1 - float(np.trace(table)) / n, 0.0)
    blind = 1 - float((weights @ resp).max()) / n
    with np.errstate(invalid="ignore", divide="ignore"):
        average = (table / table.sum(axis=0)).T
    return Classification(
        entropy,
        1 - entropy / (n * np.log(k)) if k > 1 else 1.0,
        table,
        average,
        error,
        1 - error / blind if blind > 0 else 1.0,
    )


def one_hot(labels: NDArray[np.intp], k: int) -> Array:
    """Memberships of 0 and 1, (n, K)."""
    return np.eye(k)[labels]


def assignments(resp: Array, assigned: Array, weights: Array) -> Array:
    """Expected number of rows of class t (rows) assigned to class s (columns), (K, K)."""
    return resp.T @ (assigned * weights[:, None])
