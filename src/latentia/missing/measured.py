"""Rows of which some hidden cells are known with an error, as a prior on a cell says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import PART, Frame, Rows

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

BLOCK = 2_048
"""Rows whose matrices are worked on at once."""


class MeasuredRows(NamedTuple):
    """Rows with holes, and what is believed of some of the holes.

    A belief that a cell is about m, with standard deviation s, is the same as having measured the
    cell once, as m, with a normal error of that deviation (Honaker & King 2010, sec. 4).

    Attributes
    ----------
    x : array of shape (n, d)
        nan where nothing was seen.
    weights : array of shape (n,)
    told : array of shape (n, d)
        The mean that is believed of a hidden cell; nan where there is no belief.
    variance : array of shape (n, d)
        Of that belief; 0 where there is none.
    """

    x: Any
    weights: Array
    told: Array
    variance: Array

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: Places) -> MeasuredRows:
        return MeasuredRows(self.x[idx], self.weights[idx], self.told[idx], self.variance[idx])

    def reweight(self, w: Array) -> MeasuredRows:
        return MeasuredRows(self.x, self.weights * w, self.told, self.variance)

    def blocks(self, size: int = PART) -> Iterator[MeasuredRows]:
        """The rows in order, `size` at a time, as views."""
        for at in range(0, len(self), size):
            part = slice(at, at + size)
            yield MeasuredRows(*(each[part] for each in self))

    @property
    def plain(self) -> Rows:
        """The rows of which nothing is believed."""
        rest = np.isnan(self.told).all(axis=1)
        return Rows(self.x[rest], self.weights[rest])

    def believed(self, frame: Frame) -> MeasuredRows:
        """The other rows, in a frame's origin and unit."""
        some = self.take(np.flatnonzero(~np.isnan(self.told).all(axis=1)))
        return MeasuredRows(
            frame.into(some.x), some.weights, frame.into(some.told), some.variance / frame.scale**2
        )

    @property
    def n_cells(self) -> float:
        """Cells that were seen or are believed something of, by weight."""
        known = ~np.isnan(self.x) | ~np.isnan(self.told)
        return float(self.weights @ known.sum(axis=1))


class Completed(NamedTuple):
    """What is known of whole rows.

    Attributes
    ----------
    away : array of shape (n, d)
        Expected deviations from the mean; of seen cells, the deviation itself.
    left : array of shape (n, d, d)
        Their covariance, 0 where cells were seen.
    distance : array of shape (n,)
        Squared Mahalanobis distances of what is known.
    log_det : array of shape (n,)
        Log-determinants of its covariance.
    """

    away: Array
    left: Array
    distance: Array
    log_det: Array


def completed(mean: Array, covariance: Array, rows: MeasuredRows) -> Completed:
    """Rows under a normal distribution, their hidden cells regressed on all that is known.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is not positive definite.
    """
    d = len(mean)
    seen = ~np.isnan(rows.x)
    known = seen | ~np.isnan(rows.told)
    both = known[:, :, None] & known[:, None, :]
    noisy = np.where(both, covariance, np.eye(d))
    noisy[:, np.arange(d), np.arange(d)] += np.where(seen, 0.0, rows.variance)
    away = np.where(seen, rows.x, rows.told) - mean
    away[~known] = 0.0
    lower = np.linalg.cholesky(noisy)
    white = np.linalg.solve(lower, away[:, :, None])
    across = np.where(known[:, :, None], covariance, 0.0)  # (n, known, all)
    across = np.linalg.solve(lower, across)
    hidden = ~seen
    left = np.where(
        hidden[:, :, None] & hidden[:, None, :],
        covariance - np.swapaxes(across, 1, 2) @ across,
        0.0,
    )
    regressed = (np.swapaxes(across, 1, 2) @ white)[:, :, 0]
    log_det = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    return Completed(
        np.where(seen, away, regressed), left, np.square(white[:, :, 0]).sum(axis=1), log_det
    )


def drawn(
    mean: Array, covariance: Array, rows: MeasuredRows, rng: np.random.Generator | None
) -> Array:
    """Deviations from the mean, hidden cells expected, or drawn where there is a generator."""
    made: list[Array] = []
    for part in rows.blocks(BLOCK):
        found = completed(mean, covariance, part)
        away = found.away
        if rng is not None:
            hidden = np.isnan(part.x)
            both = hidden[:, :, None] & hidden[:, None, :]
            root = np.linalg.cholesky(np.where(both, found.left, np.eye(len(mean))))
            noise = np.where(hidden, rng.standard_normal(away.shape), 0.0)
            away = away + (root @ noise[:, :, None])[:, :, 0]
        made.append(away)
    return np.concatenate(made) if made else np.empty(rows.x.shape)
