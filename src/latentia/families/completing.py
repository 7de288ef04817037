"""Rows with holes, completed: as a normal or a component expects them, or at random given them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from . import incomplete
from .incomplete import Batch, Seen

Array = NDArray[np.float64]
Places = NDArray[np.intp]

ENOUGH = 2000
"""Rows that a normal is estimated from where it only fills cells for first guesses."""


def plausible(x: Array, w: Array, steps: int = 10) -> Array:
    """The rows with what is missing where one normal for all of them expects it, (n, d).

    The normal is a few EM steps from its start, of the first `ENOUGH` rows: for first guesses,
    which need every cell.
    """
    some, weight = x[:ENOUGH], w[:ENOUGH, None]
    count, means, scatter = incomplete.guess(some, weight)
    n = max(float(count[0]), incomplete.VANISHING)
    parts = incomplete.batches(some, 1)
    for _ in range(steps):
        first, second = incomplete.all_moments(parts, some, means, _definite(scatter / n), weight)
        scatter = second - first[:, :, None] * first[:, None, :] / n
        means = means + first / n
    return expected(x, means, _definite(scatter / n))[:, 0]


def _definite(matrices: Array) -> Array:
    """The matrices with a millionth of their variances added to these."""
    variances = np.maximum(np.diagonal(matrices, axis1=1, axis2=2), incomplete.VANISHING)
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
            onto, hidden = incomplete.onto_hidden(given), ~batch.seen[:, None, :]
            both = hidden[..., :, None] & hidden[..., None, :]
            left = np.where(both, covariances, 0.0) - np.swapaxes(onto, 2, 3) @ onto
            filled = means[:, None, :] + given.deviation + given.white @ onto
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
