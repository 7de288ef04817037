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
    shared = resp * np.sqrt(weights)[:, None]
    size = np.sqrt((shared**2).sum(axis=0))
    size = np.where(size > 0, size, 1.0)
    overlap = (shared / size).T @ (shared / size)
    held = resp * weights[:, None]
    count = held.sum(axis=0)
    share = held / np.where(count > 0, count, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = share * (np.log(share / weights[:, None]) - log_density)
    misfit = np.where(share > 0, each, 0.0).sum(axis=0)
    pairs = sorted(combinations(range(resp.shape[1]), 2), key=lambda pair: -overlap[pair])[:PAIRS]
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
    white = whiten(Rows(features(x, weights, categorical), weights))
    for move in moves(resp, log_density, weights):
        mine = np.flatnonzero(resp[:, move.third] > PART)
        if len(mine) < 2:
            continue
        held = weights[mine] * resp[mine, move.third]
        half = clustered(white[mine], held, 2, int(rng.integers(2**31)))
        moved = mine[half == 1]
        new = resp.copy()
        new[:, move.first] += new[:, move.second]
        new[:, move.second] = 0.0
        new[moved, move.second] = new[moved, move.third]
        new[moved, move.third] = 0.0
        yield new
