"""Components merged into clusters by the entropy of the memberships."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

from . import errors

Array = NDArray[np.float64]


class Merge(NamedTuple):
    """Two clusters that become one.

    Attributes
    ----------
    first, second : tuple of int
        Components of each, in ascending order.
    entropy : float
        Of the memberships after the merge, in nats.
    rows : float
        The expected number of rows (total weight) in both.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    entropy: float
    rows: float


class Merging(NamedTuple):
    """A hierarchy of clusters over the components of one fitted mixture.

    The mixture's density stays what it is; only what is called a cluster changes.

    Attributes
    ----------
    n_components : int
        K, where it begins.
    entropy : float
        Of the memberships in the K components, in nats.
    merges : tuple of Merge
        K - 1 of them, in order.
    """

    n_components: int
    entropy: float
    merges: tuple[Merge, ...]

    @property
    def entropies(self) -> Array:
        """Entropy for K, K - 1, ..., 1 clusters, shape (K,); the last is 0 but for rounding."""
        return np.array([self.entropy, *(merge.entropy for merge in self.merges)])

    def groups(self, n_clusters: int) -> tuple[tuple[int, ...], ...]:
        """The components of each cluster; clusters by their first component."""
        self._judge(n_clusters)
        found: set[tuple[int, ...]] = {(k,) for k in range(self.n_components)}
        for merge in self.merges[: self.n_components - n_clusters]:
            found -= {merge.first, merge.second}
            found.add(tuple(sorted(merge.first + merge.second)))
        return tuple(sorted(found))

    def probabilities(self, resp: ArrayLike, n_clusters: int) -> Array:
        """p(cluster | row), shape (n, n_clusters), from `predict_proba`'s (n, K)."""
        resp = np.asarray(resp, dtype=np.float64)
        parts = [resp[:, list(group)].sum(axis=1) for group in self.groups(n_clusters)]
        return np.stack(parts, axis=1)

    def suggested(self) -> int:
        """The number of clusters where the entropy bends.

        Two straight lines that meet at one of the points are fitted to the entropy as a function
        of the number of rows merged so far (Baudry et al. 2010, sec. 4); the best bend is
        returned, K where the curve is a single line or has fewer than four points.
        """
        height = self.entropies
        if len(height) < 4:
            return self.n_components
        along = np.concatenate([[0.0], np.cumsum([merge.rows for merge in self.merges])])
        scale = max(float(np.ptp(height)), np.finfo(float).tiny) ** 2
        whole = _residual(along, height)
        bends = range(1, len(height) - 1)
        missed = [
            _residual(along[: b + 1], height[: b + 1]) + _residual(along[b:], height[b:])
            for b in bends
        ]
        if whole <= 1e-12 * scale:
            return self.n_components
        return self.n_components - bends[int(np.argmin(missed))]

    def _judge(self, n_clusters: int) -> None:
        if not 1 <= n_clusters <= self.n_components:
            raise ValueError(
                f"got n_clusters={n_clusters!r}, expected a whole number from 1 to "
                f"{self.n_components}, the number of components"
            )


def merge_components(mixture: Any, X: Any, sample_weight: ArrayLike | None = None) -> Merging:
    """Merge the components of a fitted mixture, two at a time, so that entropy falls most.

    Several components often describe one cluster that is not normal. Of all pairs the one is
    merged whose memberships overlap most: the entropy of the memberships in clusters falls by

        sum_i w_i [h(t_ia) + h(t_ib) - h(t_ia + t_ib)],  h(t) = -t log t.

    Parameters
    ----------
    mixture : estimator
        Fitted, with `predict_proba`.
    X : array-like of shape (n, d)
        The rows whose memberships decide, as a rule those of the fit.
    sample_weight : array-like of shape (n,), optional
        How often each row counts.

    Returns
    -------
    Merging

    References
    ----------
    Baudry, Raftery, Celeux, Lo & Gottardo (2010), Combining mixture components for clustering,
    Journal of Computational and Graphical Statistics 19, eq. 3.

    Examples
    --------
    A ring needs several normal components, and is one cluster:

    >>> import numpy as np
    >>> from latentia import GaussianMixture
    >>> from latentia.mixture import merge_components
    >>> rng = np.random.default_rng(0)
    >>> angle = rng.uniform(0, 2 * np.pi, 600)
    >>> ring = 5 * np.column_stack([np.cos(angle), np.sin(angle)])
    >>> X = np.vstack([ring, np.zeros((200, 2))]) + rng.normal(size=(800, 2)) / 3
    >>> mixture = GaussianMixture(7, random_state=0).fit(X)
    >>> merging = merge_components(mixture, X)
    >>> sorted(len(group) for group in merging.groups(2))
    [1, 6]
    """
    resp = np.asarray(mixture.predict_proba(X), dtype=np.float64)
    weights = errors.checked_weights(sample_weight, resp)
    clusters: list[tuple[int, ...]] = [(k,) for k in range(resp.shape[1])]
    columns = list(resp.T.copy())
    own = [float(weights @ entr(column)) for column in columns]
    falls = {
        (a, b): _fall(columns, own, weights, a, b) for b in range(len(columns)) for a in range(b)
    }
    entropy = total = sum(own)
    merges: list[Merge] = []
    alive = set(range(len(columns)))
    while len(alive) > 1:
        a, b = max(falls, key=lambda pair: (falls[pair], -pair[0], -pair[1]))
        entropy -= falls[a, b]
        joint = columns[a] + columns[b]
        first, second = sorted((clusters[a], clusters[b]))
        merges.append(Merge(first, second, max(entropy, 0.0), float(weights @ joint)))
        alive.discard(b)
        falls = {pair: fall for pair, fall in falls.items() if a not in pair and b not in pair}
        columns[a], clusters[a] = joint, tuple(sorted(first + second))
        own[a] = float(weights @ entr(np.minimum(joint, 1.0)))
        for c in alive - {a}:
            pair = (min(a, c), max(a, c))
            falls[pair] = _fall(columns, own, weights, *pair)
    return Merging(resp.shape[1], total, tuple(merges))


def _fall(columns: list[Array], own: list[float], weights: Array, a: int, b: int) -> float:
    """By how much entropy falls where clusters a and b become one; never below 0."""
    joint = np.minimum(columns[a] + columns[b], 1.0)
    return max(own[a] + own[b] - float(weights @ entr(joint)), 0.0)


def _residual(x: Array, y: Array) -> float:
    """The sum of squares that the best line through some points leaves."""
    if len(x) < 3:
        return 0.0
    design = np.column_stack([np.ones(len(x)), x - x.mean()])
    return float(np.sum((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2))
