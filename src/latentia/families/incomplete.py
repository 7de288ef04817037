"""Rows of vectors with holes: sorted by what was seen of them, and completed by regression.

Rows that have the same cells are worked on together, and so are patterns of about as many rows,
as stacks of arrays. What is not seen has the variance 1 and no covariance in the matrices below,
so that those of all patterns have one shape and hidden cells drop out of every product.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.engine import tree

from .covariance.structure import cholesky_of_inverse
from .family import MixturePass

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

MOST = 2**19
"""Numbers in the largest array of a batch, about."""

NEARLY_GIVEN = 1e5
"""Times what the others leave of it, the variance of a column that they nearly give."""

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


def distinct(hidden: Mask) -> tuple[Mask, Places]:
    """The patterns of some rows, (P, d), whether seen, and the pattern of each row, (n,)."""
    packed = np.packbits(hidden, axis=1)
    if not packed.any():
        return np.ones((1, hidden.shape[1]), dtype=np.bool_), np.zeros(len(hidden), dtype=np.intp)
    wide = -(-packed.shape[1] // 8) * 8  # eight bytes as one number are sorted far faster
    padded = np.zeros((len(packed), wide), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    keys = padded.view(">u8")
    if keys.shape[1] == 1:
        found, which = np.unique(keys[:, 0], return_inverse=True)
        found = found[:, None]
    else:
        found, which = np.unique(keys, axis=0, return_inverse=True)
    patterns = np.ascontiguousarray(found).view(np.uint8)
    return np.unpackbits(patterns, axis=1, count=hidden.shape[1]) == 0, which.ravel()


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
    seen, which = distinct(np.isnan(x if some is None else x[some]))
    order = np.argsort(which, kind="stable")
    order = order if some is None else some[order]
    counts = np.bincount(which, minlength=len(seen))
    pattern, begin, length = _pieces(counts, max(MOST // (n_components * d), SHORTEST))
    size = np.ceil(np.log2(length)).astype(np.intp)
    made: list[Batch] = []
    hidden = d - seen.sum(axis=1)[pattern]
    kind = 2 * size + (hidden > d // 2)
    for each in np.unique(kind):
        mine = np.flatnonzero(kind == each)
        mine = mine[np.argsort(hidden[mine], kind="stable")]  # patterns like one another together
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
    distance : array of shape (P, K, m)
        Squared Mahalanobis distance of what was seen.
    log_det : array of shape (P, K)
        Log-determinant of the covariance of what is seen.
    completed : callable
        completed() -> the deviations of all cells from the means, (P, K, m, d): where nothing was
        seen, as expected given the rest.
    left : callable
        left(times) -> the sum of the covariances of what is hidden, given the rest, (K, d, d),
        each so many times, (P, K).
    """

    batch: Batch
    number: Array
    distance: Array
    log_det: Array
    completed: Callable[[], Array]
    left: Callable[[Array], Array]


def seen(batch: Batch, z: Array, means: Array, covariances: Array) -> Seen:
    """What was seen of rows z (P, m, d) under means (K, d) and covariances (K, d, d).

    By the covariance of what is seen; or, where patterns are many, less is hidden and no column
    is nearly given by the others, by the precision of what is hidden, which is the smaller matrix.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a covariance is not positive definite.
    """
    _, m, d = z.shape
    if not batch.whole and m <= 2 * d and int((~batch.seen).sum(axis=1).max()) <= d // 2:
        root = cholesky_of_inverse(np.asarray(np.linalg.cholesky(covariances), dtype=np.float64))
        precision = root @ np.swapaxes(root, 1, 2)
        inflation = np.einsum("kii,kii->ki", covariances, precision)
        if inflation.max() < NEARLY_GIVEN:
            return _by_precision_of_hidden(batch, z, means, root, precision)
    return _by_covariance_of_seen(batch, z, means, covariances)


class Whitened(NamedTuple):
    """Deviations of what was seen, 0 elsewhere, and in units in which they are uncorrelated.

    Attributes
    ----------
    deviation, white : array of shape (P, K, m, d)
        `white` is deviation @ root.
    root : array of shape (P, K, d, d)
        U with U Uᵀ the precision of what is seen; 0 where nothing is.
    log_det : array of shape (P, K)
        Log-determinant of the covariance of what is seen.
    """

    deviation: Array
    white: Array
    root: Array
    log_det: Array

    def onto_hidden(self, batch: Batch, covariances: Array) -> Array:
        """What `white` has to be multiplied by for the expected deviation of what is hidden.

        Shape (P, K, d, d), 0 in the columns of what is seen; with B for it, what is hidden has
        the covariance of its own less BᵀB (Little & Rubin 2002, sec. 7.4).
        """
        across = np.swapaxes(self.root, 2, 3) @ covariances
        return np.where(batch.seen[:, None, None, :], 0.0, across)


def whitened(batch: Batch, z: Array, means: Array, covariances: Array) -> Whitened:
    """The rows z (P, m, d) of a batch under means (K, d) and covariances (K, d, d)."""
    known = batch.seen[:, None, :]
    both = known[..., :, None] & known[..., None, :]
    lower = np.linalg.cholesky(np.where(both, covariances, np.eye(z.shape[2])))
    log_det = 2 * np.log(np.diagonal(lower, axis1=2, axis2=3)).sum(axis=2)
    root = np.where(both, cholesky_of_inverse(lower), 0.0)
    deviation = _away(batch, z, means)
    return Whitened(deviation, deviation @ root, root, log_det)


def _away(batch: Batch, z: Array, means: Array) -> Array:
    """Deviations from the means, (P, K, m, d), 0 where nothing was seen."""
    away = z[:, None] - means[:, None, :]
    return away if batch.whole else np.where(batch.seen[:, None, None, :], away, 0.0)


def _number(batch: Batch) -> Array:
    return batch.seen.sum(axis=1).astype(np.float64)


def _by_covariance_of_seen(batch: Batch, z: Array, means: Array, covariances: Array) -> Seen:
    known = whitened(batch, z, means, covariances)

    @cache
    def onto() -> Array:
        return known.onto_hidden(batch, covariances)

    def completed() -> Array:
        return known.deviation if batch.whole else known.deviation + known.white @ onto()

    def left(times: Array) -> Array:
        if batch.whole:
            return np.zeros(covariances.shape)
        hidden = (~batch.seen).astype(np.float64)
        both = np.swapaxes(times.T[:, :, None] * hidden, 1, 2) @ hidden
        explained = np.swapaxes(onto() * np.sqrt(times)[..., None, None], 0, 1)
        explained = explained.reshape(len(covariances), -1, z.shape[2])
        return both * covariances - np.swapaxes(explained, 1, 2) @ explained

    distance = np.einsum("pkmi,pkmi->pkm", known.white, known.white)
    return Seen(batch, _number(batch), distance, known.log_det, completed, left)


def _by_precision_of_hidden(
    batch: Batch, z: Array, means: Array, root: Array, precision: Array
) -> Seen:
    """Given the rest, what is hidden has the inverse of its block of the precision.

    The distance of what was seen is that of the completed row, which no other completion has
    smaller. `root` and `precision` are (K, d, d).
    """
    (p, m, d), k = z.shape, len(means)
    hidden = ~batch.seen
    h = int(hidden.sum(axis=1).max())
    at = np.argsort(batch.seen, axis=1, kind="stable")[:, :h]  # what is hidden first
    real = np.take_along_axis(hidden, at, axis=1)
    both = real[:, :, None] & real[:, None, :]
    block = np.where(both, precision[:, at[:, :, None], at[:, None, :]], np.eye(h))  # (K, P, h, h)
    pivots = np.diagonal(np.linalg.cholesky(block), axis1=2, axis2=3)
    inverse = np.where(both, np.linalg.inv(block), 0.0)
    away = np.swapaxes(_away(batch, z, means), 0, 1)  # (K, P, m, d)
    pull = (away.reshape(k, p * m, d) @ precision).reshape(k, p, m, d)
    pull = np.take_along_axis(pull, at[None, :, None, :], axis=3)
    full = np.array(away)
    places = np.broadcast_to(at[None, :, None, :], (k, p, m, h))
    np.put_along_axis(full, places, np.take_along_axis(full, places, 3) - pull @ inverse, 3)
    white = full.reshape(k, p * m, d) @ root
    distance = np.einsum("kni,kni->kn", white, white).reshape(k, p, m)
    log_det = -2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    log_det = log_det + 2 * np.log(pivots).sum(axis=2).T
    cell = (at[:, :, None] * d + at[:, None, :]).ravel()

    def left(times: Array) -> Array:
        weighted = (times.T[:, :, None, None] * inverse).reshape(k, -1)
        each = [np.bincount(cell, w, minlength=d * d) for w in weighted]
        return np.asarray(each, dtype=np.float64).reshape(k, d, d)

    def completed() -> Array:
        return np.swapaxes(full, 0, 1)

    swapped = np.swapaxes(distance, 0, 1)
    return Seen(batch, _number(batch), swapped, log_det, completed, left)


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
    completed = given.completed()
    k, d = completed.shape[1], completed.shape[3]
    rows = np.swapaxes(completed, 0, 1).reshape(k, -1, d)
    w = np.swapaxes(weight, 0, 1).reshape(k, -1)
    first = np.einsum("kn,kni->ki", w, rows)
    second = np.swapaxes(rows * w[:, :, None], 1, 2) @ rows
    return first, second + given.left(resp.sum(axis=2))


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
