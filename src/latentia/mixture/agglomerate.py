"""Model-based hierarchical clustering: the partitions of a sample into any few clusters."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentia.data.arrays import Rows

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Criterion = Literal["VVV", "EII"]

CRITERIA: tuple[Criterion, ...] = ("VVV", "EII")

EXACT = 4_000
"""Clusters that the Gaussian criterion begins with, at most."""

ENTRIES = 8_000_000
"""Entries of all their scatter matrices, at most: three arrays of 64 MB."""

UNIT = 2_000
"""Weight of a sample from which on `scaled` has one unit, whatever the number of rows."""


LEAF = 16
"""Rows that are near enough to one another in any order."""

RANK = 1e-10
"""Singular values below this share of the largest are taken for zero."""

EPS = float(np.finfo(float).eps)


class Merges(NamedTuple):
    """The upper part of a tree of merges.

    Attributes
    ----------
    leaves : array of shape (n,)
        Which of the finest clusters, 0 to m - 1, each row is in; -1 for rows of weight zero.
    pairs : array of shape (m - 1, 2)
        The two clusters that each merge unites, in order. The first makes cluster m, the next
        m + 1, and so on.
    heights : array of shape (m - 1,)
        What each merge costs: by Ward's criterion, the gain of the sum of squares; by the
        Gaussian one, of minus twice the classification log-likelihood. The latter may fall.
    sizes : array of shape (m,)
        Weight of the finest clusters.
    """

    leaves: Indices
    pairs: Indices
    heights: Array
    sizes: Array

    def labels(self, k: int) -> Indices:
        """The partition into k clusters, numbered by their weight, the largest first.

        Parameters
        ----------
        k : int
            Up to the number m of the finest clusters.

        Returns
        -------
        array of shape (n,)
            -1 for rows of weight zero.

        Raises
        ------
        ValueError
            If there are not so many clusters.
        """
        m = len(self.sizes)
        if not 1 <= k <= m:
            raise ValueError(f"got k={k}, expected 1 to {m}: the tree was cut there; ask for less")
        cluster = _in_order(_roots(m, self.pairs[: m - k]))
        weight = _sums(cluster, self.sizes)
        place = np.empty(k, dtype=np.int64)
        place[np.argsort(-weight, kind="stable")] = np.arange(k)
        return np.append(place[cluster], -1)[self.leaves]


def agglomerate(
    x: ArrayLike,
    weights: ArrayLike | None,
    most: int,
    criterion: Criterion = "VVV",
    *,
    scale: bool = True,
) -> Merges:
    r"""Merge the two clusters that cost least, again and again, from single rows on.

    ``"EII"`` is Ward's criterion, the sum of squares within clusters; its tree is exact for any
    number of rows. ``"VVV"`` is the classification likelihood of Gaussian clusters with a
    covariance each, made regular,

    .. math:: \sum_k n_k \log(|W_k / n_k| + (\operatorname{tr} W_k + \alpha) / n_k),

    where W_k is the scatter of cluster k about its mean, whose determinant counts as 0 for up to
    d different rows or where d is 1, and α is the mean variance of the columns. It depends on the
    unit, which `scaled` chooses. Beyond `EXACT` different rows (or `ENTRIES` / d², if that is
    less) Ward's criterion first makes so many clusters.

    The result does not depend on the order of the rows, a weight w is the same as w copies of
    the row, and copies of a row are never parted.

    Parameters
    ----------
    x : array-like of shape (n, d)
        Any unit.
    weights : array-like of shape (n,), optional
        How often each row counts.
    most : int
        Clusters of the finest partition that is wanted; where fewer rows differ, theirs is.
    criterion : {"VVV", "EII"}, default="VVV"
    scale : bool, default=True
        Whether to cluster what `scaled` makes of the rows, or these as they are.

    Returns
    -------
    Merges

    Raises
    ------
    ValueError
        If `x` is no matrix of finite numbers with a positive weight, `most` is below one, or
        there is no such criterion.

    References
    ----------
    Ward (1963), Hierarchical grouping to optimize an objective function; Murtagh & Raftery
    (1984), Fitting straight lines to point patterns; Banfield & Raftery (1993), Model-based
    Gaussian and non-Gaussian clustering, sec. 2; Fraley (1998), Algorithms for model-based
    Gaussian hierarchical clustering, sec. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import datasets
    >>> from latentia.mixture.agglomerate import agglomerate
    >>> merges = agglomerate(datasets.load("iris").values, None, most=9)
    >>> [int(size) for size in np.bincount(merges.labels(2))]
    [101, 49]
    """
    rows = Rows.of(x, weights)
    if most < 1:
        raise ValueError(f"got most={most}, expected a whole number of at least 1")
    if criterion not in CRITERIA:
        raise ValueError(f"got criterion={criterion!r}, expected one of {', '.join(CRITERIA)}")
    used = rows.weights > 0
    if not (used.any() and np.isfinite(rows.x[used]).all()):
        raise ValueError(
            f"got x of shape {rows.x.shape} with {int(used.sum())} rows of positive weight, "
            "expected finite numbers and at least one such row: leave out the others"
        )
    # in the order of their numbers, so that the order of the rows decides nothing
    distinct, row_of = np.unique(np.asarray(rows.x[used], float), axis=0, return_inverse=True)
    row_of = row_of.ravel()
    summed = _sums(row_of, rows.weights[used])
    points = Rows(scaled(distinct, summed) if scale else distinct, summed)
    merged = (_by_ward if criterion == "EII" else _by_likelihood)(points, most)
    leaves = np.full(len(rows), -1)
    leaves[used] = merged.leaves[row_of]
    return merged._replace(leaves=leaves)


def scaled(x: Array, weights: Array) -> Array:
    """Rows in the coordinates that suit the Gaussian criterion.

    Columns are centred and divided by their standard deviations, turned to their principal axes,
    and each is divided by the root of its singular value. The variances are then as the roots of
    the correlation matrix's eigenvalues, halfway to the identity. Singular values grow with the
    root of the weight; they are taken as those of `UNIT` rows where the weight is more, or the
    determinant would not count beside the trace.

    Parameters
    ----------
    x : array of shape (n, d)
    weights : array of shape (n,)

    Returns
    -------
    array of shape (n, r)
        r is the rank: constant columns and directions are left out, but for one.

    References
    ----------
    Scrucca & Raftery (2015), Improved initialisation of model-based clustering using Gaussian
    hierarchical partitions, sec. 3.2.
    """
    total = weights.sum()
    centred = x - x[0]
    centred -= weights @ centred / total
    width = np.abs(centred).max(axis=0)
    centred = centred[:, width > 0] / width[width > 0]
    if not centred.shape[1]:
        return np.zeros((len(x), 1))
    centred *= np.sqrt((total - 1 if total > 2 else total) / (weights @ centred**2))
    root = np.sqrt(weights)[:, None]
    _, singular, axes = np.linalg.svd(root * centred, full_matrices=False)
    kept = singular > RANK * singular[0]
    unit = singular[kept] * min(np.sqrt(UNIT / total), 1.0)
    return centred @ axes[kept].T / np.sqrt(unit)


def _by_ward(points: Rows, most: int) -> Merges:
    from .agglomerate_kernels import ward  # compiled, so only when needed

    near = _near_together(points.x)
    found, heights = ward(points.x[near], points.weights[near])
    order = np.argsort(heights, kind="stable")
    pairs = _numbered(near[found[order]], len(points))
    return _upper(pairs, heights[order], points.weights, most)


def _near_together(x: Array) -> Indices:
    """An order of the rows in which neighbours are near: halves of halves by the widest column."""
    parts, size = [np.arange(len(x))], len(x)
    while size > LEAF:
        halves: list[Indices] = []
        for part in parts:
            column = x[part, np.ptp(x[part], axis=0).argmax()]
            part = part[np.argsort(column, kind="stable")]
            halves += [part[: len(part) // 2], part[len(part) // 2 :]]
        parts, size = halves, (size + 1) // 2
    return np.concatenate(parts)


def _by_likelihood(points: Rows, most: int) -> Merges:
    from .agglomerate_kernels import gaussian  # compiled, so only when needed

    n, d = points.x.shape
    begin = max(min(EXACT, ENTRIES // d**2), most)
    leaves = np.arange(n) if n <= begin else _by_ward(points, begin).leaves
    weights = _sums(leaves, points.weights)
    held = np.bincount(leaves)
    means = np.stack([_sums(leaves, points.weights * column) for column in points.x.T], 1)
    means /= weights[:, None]
    apart = points.x - means[leaves]
    scatters = np.empty((len(weights), d, d))
    for i in range(d):
        for j in range(i + 1):
            products = _sums(leaves, points.weights * apart[:, i] * apart[:, j])
            scatters[:, i, j] = scatters[:, j, i] = products
    centred = points.x - points.weights @ points.x / weights.sum()
    variance = float(points.weights @ (centred**2).mean(axis=1) / weights.sum())
    pairs, heights = gaussian(weights, means, scatters, held, max(variance, EPS))
    merged = _upper(pairs, heights, weights, most)
    return merged._replace(leaves=merged.leaves[leaves])


def _sums(leaves: Indices, terms: Array) -> Array:
    return np.bincount(leaves, weights=terms).astype(np.float64, copy=False)


def _numbered(found: Indices, n: int) -> Indices:
    """Pairs of clusters from pairs of points in them: merge i makes cluster n + i."""
    above = np.arange(2 * n - 1)

    def cluster(point: int) -> int:
        top = point
        while above[top] != top:
            top = above[top]
        while above[point] != top:
            above[point], point = top, above[point]
        return int(top)

    pairs = np.empty_like(found)
    for i, (a, b) in enumerate(found):
        pairs[i] = cluster(a), cluster(b)
        above[pairs[i]] = n + i
    return pairs


def _upper(pairs: Indices, heights: Array, sizes: Array, most: int) -> Merges:
    """What a whole tree is above its partition into `most` clusters."""
    m = len(sizes)
    lower = max(m - most, 0)
    roots = _roots(m, pairs[:lower])
    leaves = _in_order(roots)
    name = np.arange(2 * m - 1) - 2 * lower  # of merges above the cut
    name[roots] = leaves
    return Merges(leaves, name[pairs[lower:]], heights[lower:], _sums(leaves, sizes))


def _roots(m: int, pairs: Indices) -> Indices:
    """The cluster that each of m leaves is in after some merges."""
    root = np.arange(m + len(pairs))
    for i in range(len(pairs) - 1, -1, -1):
        root[pairs[i]] = root[m + i]
    return root[:m]


def _in_order(roots: Indices) -> Indices:
    """The same partition, numbered in the order of the first leaves."""
    _, first, inverse = np.unique(roots, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]
