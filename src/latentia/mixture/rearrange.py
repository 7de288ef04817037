"""Split and merge: starts made of a fitted mixture whose components are in the wrong places.

Where two components share what is one cluster, and another covers two, no EM step leads out of it.
Two components that overlap are merged into one, and the place that is free goes to half of a third.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows

from .kmeans import clustered
from .start import whiten
from .start_general import features

Array = NDArray[np.float64]

PAIRS, THIRDS = 6, 4
"""Pairs to merge, those that overlap most, and components to split for each, the worst first."""

MOST = 8
"""Rearrangements of one fit."""

PART = 1e-3
"""A row belongs to a component's halves if so much of it does."""


class Move(NamedTuple):
    """Merge `first` and `second`, and let `second` be half of `third`."""

    first: int
    second: int
    third: int


def moves(resp: Array, log_density: Array, weights: Array) -> list[Move]:
    """The most promising moves, the best first, at most `MOST`.

    Pairs are ranked by the cosine between their memberships, components to be split by the
    Kullback-Leibler divergence of their density from the rows that they have.

    Parameters
    ----------
    resp : array of shape (n, K)
        p(component | x_i).
    log_density : array of shape (n, K)
        log f(x_i | component).
    weights : array of shape (n,)

    References
    ----------
    Ueda, Nakano, Ghahramani & Hinton (2000), SMEM algorithm for mixture models, Neural
    Computation 12, eqs. 3.1, 3.4 and 3.5.
    """
    held = resp * weights[:, None]
    count = held.sum(axis=0)
    share = held / np.where(count > 0, count, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = share * (np.log(share / weights[:, None]) - log_density)
    misfit = np.where(share > 0, each, 0.0).sum(axis=0)
    pairs = overlapping(resp, weights)[:PAIRS]
    worst = [int(k) for k in np.argsort(-misfit, kind="stable") if count[k] > 0]
    ranked = [
        (rank + place, Move(first, second, third))
        for rank, (first, second) in enumerate(pairs)
        for place, third in enumerate([k for k in worst if k not in (first, second)][:THIRDS])
    ]
    return [move for _, move in sorted(ranked, key=lambda entry: entry[0])[:MOST]]


def rearrangements(
    x: Array,
    weights: Array,
    resp: Array,
    log_density: Array,
    rng: np.random.Generator,
    categorical: Sequence[int] = (),
) -> Iterator[Array]:
    """Memberships after each of the `moves`, (n, K).

    Halves are those of two-means on the component's rows, whitened.

    Parameters
    ----------
    x : array of shape (n, d)
        Distinct rows; missing cells stand at the mean.
    weights : array of shape (n,)
    resp, log_density : arrays of shape (n, K)
    rng : numpy.random.Generator
    categorical : sequence of int
        Columns that hold codes.
    """
    white = whitened(x, weights, categorical)
    for move in moves(resp, log_density, weights):
        half = halves(white, weights, resp[:, move.third], rng)
        if half is None:
            continue
        new = resp.copy()
        new[:, move.first] += new[:, move.second]
        new[:, [move.third, move.second]] = half
        yield new


def overlapping(resp: Array, weights: Array) -> list[tuple[int, int]]:
    """Pairs of components by the cosine between their memberships, the largest first."""
    shared = resp * np.sqrt(weights)[:, None]
    size = np.sqrt((shared**2).sum(axis=0))
    size = np.where(size > 0, size, 1.0)
    overlap = (shared / size).T @ (shared / size)
    return sorted(combinations(range(resp.shape[1]), 2), key=lambda pair: -overlap[pair])


def merged(resp: Array, first: int, second: int) -> Array:
    """Memberships where two components are one, (n, K - 1)."""
    new = resp.copy()
    new[:, first] += new[:, second]
    return np.delete(new, second, axis=1)


def whitened(x: Array, weights: Array, categorical: Sequence[int] = ()) -> Array:
    """Rows in coordinates in which two-means is to split them."""
    return whiten(Rows(features(x, weights, categorical), weights))


def halves(white: Array, weights: Array, share: Array, rng: np.random.Generator) -> Array | None:
    """What two-means on a component's rows makes of it, (n, 2); None where it has fewer than two.

    Parameters
    ----------
    white : array of shape (n, m)
        The rows, `whitened`.
    weights, share : arrays of shape (n,)
        `share` is p(component | x_i).
    rng : numpy.random.Generator
    """
    mine = np.flatnonzero(share > PART)
    if len(mine) < 2:
        return None
    labels = clustered(white[mine], weights[mine] * share[mine], 2, int(rng.integers(2**31)))
    made = np.column_stack([share, np.zeros(len(share))])
    moved = mine[labels == 1]
    made[moved] = made[moved, ::-1]
    return made
