"""Rows with holes: what to start from, and how they are completed, as expected or at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import cells, incomplete
from .incomplete import Batch, Seen

Array = NDArray[np.float64]
Places = NDArray[np.intp]

VANISHING = 1e-12
"""In the unit of the rows: a variance that a guess takes for this where they all but coincide."""

ENOUGH = 2000
"""Rows that a normal is estimated from where it only fills cells for first guesses."""


def all_moments(
    parts: list[Batch], z: Array, means: Array, covariances: Array, resp: Array
) -> tuple[Array, Array]:
    """`expected_moments` of all batches of rows (n, d) with responsibilities (n, K)."""
    first, second = np.zeros(means.shape), np.zeros(covariances.shape)
    for batch in parts:
        given = incomplete.seen(batch, z[batch.rows], means, covariances)
        mine = incomplete.telling(given, incomplete.shares(batch, resp))
        made = incomplete.expected_moments(given, mine, mine)
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
    first, second = all_moments(incomplete.batches(z, len(means)), z, means, matrices, resp)
    count = resp.sum(axis=0)
    shift = cells.ratio(first, count[:, None], np.zeros(means.shape))
    outer = shift[:, :, None] * shift[:, None, :]
    return count, means + shift, second - count[:, None, None] * outer


def plausible(x: Array, w: Array, steps: int = 10) -> Array:
    """The rows with what is missing where one normal for all of them expects it, (n, d).

    The normal is a few EM steps from its start, of the first `ENOUGH` rows: for first guesses,
    which need every cell.
    """
    some, weight = x[:ENOUGH], w[:ENOUGH, None]
    count, means, scatter = guess(some, weight)
    n = max(float(count[0]), VANISHING)
    parts = incomplete.batches(some, 1)
    for _ in range(steps):
        first, second = all_moments(parts, some, means, _definite(scatter / n), weight)
        scatter = second - first[:, :, None] * first[:, None, :] / n
        means = means + first / n
    return expected(x, means, _definite(scatter / n))[:, 0]


def _definite(matrices: Array) -> Array:
    """The matrices with a millionth of their variances added to these."""
    variances = np.maximum(np.diagonal(matrices, axis1=1, axis2=2), VANISHING)
    return matrices + 1e-6 * variances[:, :, None] * np.eye(matrices.shape[1])


def completed(
    x: Array, means: Array, covariances: Array
) -> Iterator[tuple[Batch, Seen, Array, Array]]:
    """Of each batch with holes what was seen, what is expected, and what varies beyond that.

    Shapes (P, K, m, d) of all cells, and (P, K, d, d), 0 where one is seen.
    """
    for batch in incomplete.batches(x, len(means)):
        if not batch.whole:
            given = incomplete.seen(batch, x[batch.rows], means, covariances)
            known = incomplete.whitened(batch, x[batch.rows], means, covariances)
            onto, hidden = known.onto_hidden(batch, covariances), ~batch.seen[:, None, :]
            both = hidden[..., :, None] & hidden[..., None, :]
            left = np.where(both, covariances, 0.0) - np.swapaxes(onto, 2, 3) @ onto
            filled = means[:, None, :] + known.deviation + known.white @ onto
            yield batch, given, filled, left


def expected(x: Array, means: Array, covariances: Array) -> Array:
    """The rows with what is missing as each component expects it, (n, K, d)."""
    out = np.repeat(x[:, None, :], len(means), axis=1)
    for batch, _, filled, _ in completed(x, means, covariances):
        made = np.where(batch.seen[:, None, None, :], x[batch.rows][:, None], filled)
        out[batch.rows[batch.real]] = np.swapaxes(made, 1, 2)[batch.real]
    return out


def drawn(
    x: Array,
    means: Array,
    covariances: Array,
    labels: Places,
    rng: np.random.Generator,
    stretch: Callable[[Seen], Array] | None = None,
) -> Array:
    """The rows with what is missing drawn anew from the component of each label, (n, d).

    Parameters
    ----------
    x : array of shape (n, d)
    means : array of shape (K, d)
    covariances : array of shape (K, d, d)
    labels : array of int, shape (n,)
    rng : numpy.random.Generator
    stretch : callable, optional
        What noise is multiplied by, (P, K, m); by default 1.
    """
    out = np.array(x, dtype=np.float64)
    for batch, given, filled, left in completed(x, means, covariances):
        values, axes = np.linalg.eigh(left)
        factor = axes * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        noise = rng.standard_normal((*filled.shape[:1], *filled.shape[2:]))[:, None]
        noise = noise @ np.swapaxes(factor, 2, 3)
        if stretch is not None:
            noise = noise * stretch(given)[..., None]
        place, row = np.nonzero(batch.real)
        at = batch.rows[place, row]
        made = (filled + noise)[place, labels[at], row]
        out[at] = np.where(batch.seen[place], out[at], made)
    return out
