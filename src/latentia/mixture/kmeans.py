"""k-means with weights: Lloyd's iteration from centres that are spread out.

What is drawn and when it ends are as in ``sklearn.cluster.KMeans``, so that both come to the same
clusters. A start needs nothing but these, and importing that estimator and setting it up cost more
than the clusters do.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.intp]
Members = NDArray[np.bool_]
"""Whether a row is in a cluster, shape (K, n)."""

MAX_ITER = 300
"""Iterations, at most."""

TOL = 1e-4
"""The squares of the centres' moves sum up to no more than this share of a column's variance."""


def clustered(x: Array, weights: Array, n_clusters: int, seed: int) -> Labels:
    """The cluster of each row.

    Parameters
    ----------
    x : array of shape (n, d)
    weights : array of shape (n,)
        Positive.
    n_clusters : int
        At most n.
    seed : int
        What the first centres are drawn from.

    Returns
    -------
    array of shape (n,)
        Numbers from 0 to ``n_clusters - 1``; one of them is missing only where rows coincide.

    References
    ----------
    Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> labels = clustered(x, np.ones(4), 2, seed=0)
    >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
    True
    """
    columns = np.ascontiguousarray((x - x.mean(axis=0)).T)  # squares cancel less about the mean
    centres = columns[:, _spread_out(columns, weights, n_clusters, seed)].T
    enough = TOL * float(columns.var(axis=1).mean())
    padded = np.vstack([columns, np.ones(len(x))])  # one product makes the distances, one the sums
    weighted = np.ascontiguousarray((padded * weights).T)
    members = _nearest(padded, centres)
    for _ in range(MAX_ITER):
        sums = members @ weighted
        count = sums[:, -1:]
        # a cluster without rows stays where it is; it has none only where rows coincide
        moved = np.where(count > 0, sums[:, :-1] / np.where(count > 0, count, 1.0), centres)
        shift, centres = float(((moved - centres) ** 2).sum()), moved
        before, members = members, _nearest(padded, centres)
        if shift <= enough or np.array_equal(members, before):
            break
    return members.argmax(axis=0)


def spread_out(x: Array, weights: Array, n_clusters: int, seed: int) -> Labels:
    """Positions of rows that are far from one another, shape (n_clusters,).

    Each is the best of a few, drawn by their weighted squared distance to the nearest so far.

    References
    ----------
    Arthur & Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA; what they
    say of several candidates for each centre.
    """
    return _spread_out(np.ascontiguousarray(x.T), weights, n_clusters, seed)


def _spread_out(columns: Array, weights: Array, n_clusters: int, seed: int) -> Labels:
    random = np.random.RandomState(seed)  # a Generator would draw other rows than scikit-learn
    tries = 2 + int(math.log(n_clusters))
    norms = np.einsum("ij,ij->j", columns, columns)
    last = len(norms) - 1
    chosen = [int(random.choice(last + 1, p=weights / weights.sum()))]
    nearest = _squares(columns, norms, chosen)
    potential = nearest @ weights
    for _ in range(1, n_clusters):
        at = random.uniform(size=tries) * potential
        drawn = np.searchsorted(np.cumsum(weights * nearest[0]), at)
        drawn = np.minimum(drawn, last)  # sums round
        closer = _squares(columns, norms, drawn)
        np.minimum(closer, nearest, out=closer)
        potentials = closer @ weights
        best = int(potentials.argmin())
        chosen.append(int(drawn[best]))
        nearest, potential = closer[best : best + 1], potentials[best]
    return np.array(chosen)


def _squares(columns: Array, norms: Array, rows: list[int] | Labels) -> Array:
    """Squared distances of all rows to some of them, a line for each of these."""
    squares = (-2 * columns[:, rows].T) @ columns
    squares += norms
    squares += norms[rows][:, None]
    return np.maximum(squares, 0, out=squares)


def _nearest(padded: Array, centres: Array) -> Members:
    """Which centre is nearest to each row: |c|^2 - 2 x'c is least there, the first of equals."""
    norms = np.einsum("ij,ij->i", centres, centres)
    height = np.column_stack([-2 * centres, norms]) @ padded
    members = height == height.min(axis=0)  # no branches, which argmin has
    if np.count_nonzero(members) != members.shape[1]:
        members = height.argmin(axis=0) == np.arange(len(centres))[:, None]
    return members
