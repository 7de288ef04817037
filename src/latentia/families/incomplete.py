"""Rows of vectors with holes: sorted by what was seen of them, and completed by regression.

Rows that have the same cells are worked on together, and so are patterns of about as many rows,
as stacks of arrays. What is not seen has the variance 1 and no covariance in the matrices below,
so that those of all patterns have one shape and hidden cells drop out of every product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.engine import tree

from . import cells
from .covariance.structure import cholesky_of_inverse
from .family import MixturePass

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

MOST = 2**19
"""Numbers in the largest array of a batch, about."""

VANISHING = 1e-12
"""In the unit of the rows: a variance that a guess takes for this where they all but coincide."""

SHORTEST = 64
"""Rows of one pattern that are not split over batches whatever their size."""


class Batch(NamedTuple):
    """P patterns of holes, and m rows of each.

    Attributes
    ----------
    seen : array of bool, shape (P, d)
        Which cells a pattern has.
    rows : array of int, shape (P, m)
        Where its rows are; where there are fewer than m, the last one repeated.
    real : array of bool, shape (P, m)
        False for such repeats.
    """

    seen: Mask
    rows: Places
    real: Mask

    @property
    def whole(self) -> bool:
        """Whether there is no hole."""
        return bool(self.seen.all())


def batches(x: Any, n_components: int, some: Places | None = None) -> list[Batch]:
    """The rows (n, d), or some of them, by their patterns of holes, in batches of bounded size.

    Patterns of similar numbers of rows share a batch, so that less than half of it is repeats.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0], [6.0, np.nan]])
    >>> [(batch.seen.tolist(), batch.rows.tolist()) for batch in batches(x, 1)]
    [([[True, False], [False, True]], [[3], [1]]), ([[True, True]], [[0, 2]])]
    """
    d = x.shape[1]
    packed = np.packbits(np.isnan(x if some is None else x[some]), axis=1)
    if not packed.any():
        patterns, which = packed[:1], np.zeros(len(packed), dtype=np.intp)
    else:
        patterns, which = np.unique(packed, axis=0, return_inverse=True)
    seen = np.unpackbits(patterns, axis=1, count=d) == 0
    order = np.argsort(which.ravel(), kind="stable")
    order = order if some is None else some[order]
    counts = np.bincount(which.ravel(), minlength=len(seen))
    pattern, begin, length = _pieces(counts, max(MOST // (n_components * d), SHORTEST))
    size = np.ceil(np.log2(length)).astype(np.intp)
    made: list[Batch] = []
    for each in np.unique(size):
        mine = np.flatnonzero(size == each)
        m = int(length[mine].max())
        most = max(MOST // (n_components * d * max(m, d)), 1)
        for at in range(0, len(mine), most):
            part = mine[at : at + most]
            step = np.arange(m)
            real = step < length[part, None]
            rows = order[begin[part, None] + np.minimum(step, length[part, None] - 1)]
            made.append(Batch(seen[pattern[part]], rows, real))
    return made


def _pieces(counts: Places, most: int) -> tuple[Places, Places, Places]:
    """The pattern, first place and length of runs of at most so many rows of one pattern."""
    runs = -(-counts // most)
    pattern = np.repeat(np.arange(len(counts)), runs)
    number = np.arange(len(pattern)) - np.repeat(np.cumsum(runs) - runs, runs)
    begin = np.repeat(np.cumsum(counts) - counts, runs) + number * most
    length = np.minimum(counts[pattern] - number * most, most)
    return pattern, begin, length


class RowsInPatterns(NamedTuple):
    """Rows that were sorted by their holes once a fit.

    Attributes
    ----------
    x : array of shape (n, d)
    weights : array of shape (n,)
    batches : list of Batch
        Of all rows, or of those that are not in `whole`.
    whole : Rows-like or None
        Rows without holes that go through a pass of their own.
    """

    x: Any
    weights: Array
    batches: list[Batch]
    whole: Any = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: Places) -> Rows:
        return Rows(self.x, self.weights).take(idx)

    def reweight(self, w: Array) -> Rows:
        return Rows(self.x, self.weights).reweight(w)


class Seen(NamedTuple):
    """What the cells that were seen say under each of K normal components.

    Attributes
    ----------
    batch : Batch
    number : array of shape (P,)
        How many cells were seen.
    deviation : array of shape (P, K, m, d)
        From the means; 0 where nothing was seen.
    white : array of shape (P, K, m, d)
        The same in units in which what is seen has the identity as covariance: times `root`.
    distance : array of shape (P, K, m)
        Squared Mahalanobis distance of what was seen.
    log_det : array of shape (P, K)
        Log-determinant of the covariance of what is seen.
    root : array of shape (P, K, d, d)
        U with U Uᵀ the precision of what is seen; 0 where nothing is.
    covariances : array of shape (K, d, d)
    """

    batch: Batch
    number: Array
    deviation: Array
    white: Array
    distance: Array
    log_det: Array
    root: Array
    covariances: Array


def seen(batch: Batch, z: Array, means: Array, covariances: Array) -> Seen:
    """What was seen of rows z (P, m, d) under means (K, d) and covariances (K, d, d).

    Raises
    ------
    numpy.linalg.LinAlgError
        If a covariance is not positive definite.
    """
    known = batch.seen[:, None, :]
    both = known[..., :, None] & known[..., None, :]
    lower = np.linalg.cholesky(np.where(both, covariances, np.eye(z.shape[2])))
    log_det = 2 * np.log(np.diagonal(lower, axis1=2, axis2=3)).sum(axis=2)
    root = np.where(both, cholesky_of_inverse(lower), 0.0)
    away = z[:, None] - means[:, None, :]
    deviation = away if batch.whole else np.where(known[..., None, :], away, 0.0)
    white = deviation @ root
    distance = np.einsum("pkmi,pkmi->pkm", white, white)
    number = batch.seen.sum(axis=1).astype(np.float64)
    return Seen(batch, number, deviation, white, distance, log_det, root, covariances)


def onto_hidden(given: Seen) -> Array:
    """What `white` has to be multiplied by to give the expected deviation of what is hidden.

    Shape (P, K, d, d), 0 in the columns of what is seen; with B for it, what is hidden has the
    covariance of its own less BᵀB (Little & Rubin 2002, sec. 7.4).
    """
    across = np.swapaxes(given.root, 2, 3) @ given.covariances
    return np.where(given.batch.seen[:, None, None, :], 0.0, across)


def expected_moments(given: Seen, resp: Array, weight: Array) -> tuple[Array, Array]:
    """Expected first (K, d) and second moments (K, d, d) about each component's mean.

    Parameters
    ----------
    given : Seen
    resp : array of shape (P, K, m)
        How much of each row is from each component: what is hidden varies that often.
    weight : array of shape (P, K, m)
        The weight of each row's deviations.
    """
    k, d = given.covariances.shape[:2]
    completed, left = given.deviation, np.zeros((k, d, d))
    if not given.batch.whole:
        onto, hidden = onto_hidden(given), ~given.batch.seen
        completed = completed + given.white @ onto
        times = resp.sum(axis=2)  # (P, K)
        both = np.swapaxes(times.T[:, :, None] * hidden, 1, 2) @ hidden.astype(np.float64)
        explained = np.swapaxes(onto * np.sqrt(times)[..., None, None], 0, 1).reshape(k, -1, d)
        left = both * given.covariances - np.swapaxes(explained, 1, 2) @ explained
    rows = np.swapaxes(completed, 0, 1).reshape(k, -1, d)
    w = np.swapaxes(weight, 0, 1).reshape(k, -1)
    first = np.einsum("kn,kni->ki", w, rows)
    return first, np.swapaxes(rows * w[:, :, None], 1, 2) @ rows + left


def all_moments(
    parts: list[Batch], z: Array, means: Array, covariances: Array, resp: Array
) -> tuple[Array, Array]:
    """`expected_moments` of all batches of rows (n, d) with responsibilities (n, K)."""
    first, second = np.zeros(means.shape), np.zeros(covariances.shape)
    for batch in parts:
        given = seen(batch, z[batch.rows], means, covariances)
        mine = telling(given, shares(batch, resp))
        made = expected_moments(given, mine, mine)
        first, second = first + made[0], second + made[1]
    return first, second


def guess(z: Array, resp: Array) -> tuple[Array, Array, Array]:
    """Counts (K,), means (K, d) and scatters (K, d, d) of rows z (n, d) to start from.

    What is missing is where the known cells of its column and component put it.
    """
    empty: Any = np.isnan(z).all(axis=1)
    resp = np.where(empty[:, None], 0.0, resp)  # a row without cells tells nothing
    known, total = cells.counted(z, resp), cells.summed(z, resp)
    pooled = cells.ratio(total.sum(axis=0), known.sum(axis=0), np.zeros(z.shape[1]))
    means = cells.ratio(total, known, np.broadcast_to(pooled, total.shape))
    squares = cells.summed(z**2, resp) - 2 * means * total + means**2 * known
    variances = cells.ratio(squares.sum(axis=0), known.sum(axis=0), np.ones(z.shape[1]))
    matrices = np.tile(np.diag(np.maximum(variances, VANISHING)), (len(means), 1, 1))
    first, second = all_moments(batches(z, len(means)), z, means, matrices, resp)
    count = resp.sum(axis=0)
    shift = cells.ratio(first, count[:, None], np.zeros(means.shape))
    outer = shift[:, :, None] * shift[:, None, :]
    return count, means + shift, second - count[:, None, None] * outer


def over_rows(parts: list[Batch], each: Callable[[Batch], Array], shape: tuple[int, int]) -> Array:
    """What `each` makes of every batch, (P, K, m), by rows, (n, K)."""
    out = np.empty(shape)
    for batch in parts:
        out[batch.rows[batch.real]] = np.swapaxes(each(batch), 1, 2)[batch.real]
    return out


def log_density(x: Array, means: Array, covariances: Array) -> Array:
    """log N(x_i; m_k, C_k) of what was seen of rows (n, d), shape (n, K)."""

    def each(batch: Batch) -> Array:
        given = seen(batch, x[batch.rows], means, covariances)
        scale = given.log_det + given.number[:, None] * np.log(2 * np.pi)
        return -(scale[:, :, None] + given.distance) / 2

    return over_rows(batches(x, len(means)), each, (len(x), len(means)))


def shares(batch: Batch, resp: Array) -> Array:
    """Responsibilities (n, K) of a batch's rows, (P, K, m); 0 for repeats."""
    return np.swapaxes(resp[batch.rows] * batch.real[..., None], 1, 2)


def telling(given: Seen, resp: Array) -> Array:
    """Responsibilities (P, K, m) without those of rows that have no cell at all.

    To expect all of such a row would add nothing to the likelihood, and only hold an M-step back.
    """
    return np.where(given.number[:, None, None] > 0, resp, 0.0)


See = Callable[[Batch], tuple[Array, Callable[[Array], Any]]]
"""Of a batch makes log f(x | k), (P, K, m), and what makes statistics of responsibilities."""


def summed(parts: list[Batch], see: See, resp: Array) -> Any:
    """The statistics of rows with responsibilities (n, K)."""
    made = [see(batch)[1](shares(batch, resp)) for batch in parts]
    return tree.reduce_in_order(made)


def mixture_pass(rows: RowsInPatterns, weights: Array, see: See) -> MixturePass:
    """The E-step of a mixture over the batches of some rows."""
    with np.errstate(divide="ignore"):
        log_weights = np.log(weights)[:, None]
    loglik, count, stats = 0.0, np.zeros(len(weights)), None
    for batch in rows.batches:
        log_density, stats_of = see(batch)
        joint = log_density + log_weights
        top = joint.max(axis=1, keepdims=True)
        resp = np.exp(joint - top)
        total = resp.sum(axis=1, keepdims=True)
        w = (rows.weights[batch.rows] * batch.real)[:, None]
        loglik += float((w * (top + np.log(total))).sum())
        resp *= w / total
        count += resp.sum(axis=(0, 2))
        made = stats_of(resp)
        stats = made if stats is None else tree.add(stats, made)
    return MixturePass(loglik, count, stats)
