"""Where a climb starts: the maximum itself where holes are monotone, near it where nearly so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame

from .conditional import Normal

Array = NDArray[np.float64]

BLOCK = 8_192
"""Rows that are looked at at once."""

PER_TERM = 3
"""Rows a coefficient has to have where not all rows of its column are in the regression."""

ROUNDING = 1e-9
"""Of sums of weights."""

GIVEN = 1e-8
"""Share of a column's variance below which what the others leave of it is not believed."""


def factored(rows: Any, frame: Frame) -> Normal:
    """Each column regressed on those that are seen more often, from rows that have all of these.

    Holes are monotone if columns can be put in an order in which whoever lacks one lacks all that
    follow. Then the likelihood is a product of these regressions', and this is its maximum
    (Anderson 1957, JASA 52, 200-203; Rubin 1974, JASA 69, 467-474; Little & Rubin 2002, sec.
    7.4). Otherwise it is a first guess, in which a column for which there are too few such rows
    stands by itself.

    Parameters
    ----------
    rows : Rows or MeasuredRows
        x (n, d), nan where nothing was seen, and weights.
    frame : Frame

    Returns
    -------
    Normal
        In the user's units.

    Examples
    --------
    >>> from latentia.data.arrays import Rows
    >>> x = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 5.0], [5.0, np.nan]])
    >>> factored(Rows.of(x), Frame.of(Rows.of(x))).mean
    array([2.        , 4.66666667])
    """
    d = rows.x.shape[1]
    seen: Any = sum(b.weights @ ~np.isnan(b.x) for b in rows.blocks(BLOCK))
    order = np.argsort(-seen, kind="stable")
    moments, counts = _nested_moments(rows, frame, order)
    mean, covariance = np.zeros(d), np.zeros((d, d))
    for k in range(d):
        n, spread = counts[k], (frame.spread[order[k]] / frame.scale) ** 2
        exact = n >= (1 - ROUNDING) * seen[order[k]]
        mean[k], covariance[k, k] = 0.0, spread  # as it stands, about the frame's origin
        if n < k + 2 or (not exact and n < PER_TERM * (k + 1)):
            continue
        inner, cross = moments[k][: k + 1, : k + 1], moments[k][: k + 1, k + 1]
        try:
            slope = np.linalg.solve(inner, cross)
        except np.linalg.LinAlgError:
            continue
        left = float(moments[k][k + 1, k + 1] - slope @ cross) / float(inner[0, 0])
        if not np.isfinite(left) or left < GIVEN * spread:
            continue
        mean[k] = slope[0] + slope[1:] @ mean[:k]
        across = covariance[:k, :k] @ slope[1:]
        covariance[:k, k] = covariance[k, :k] = across
        covariance[k, k] = left + slope[1:] @ across
    back = np.argsort(order)
    return Normal(
        frame.origin + frame.scale * mean[back], frame.scale**2 * covariance[np.ix_(back, back)]
    )


def _nested_moments(rows: Any, frame: Frame, order: Any) -> tuple[list[Array], Array]:
    """Moments of 1 and the first columns, of rows that have k + 1 of them, and their weight."""
    d = len(order)
    own = [np.zeros((k + 1, k + 1)) for k in range(d + 1)]
    number = np.zeros(d + 1)
    for block in rows.blocks(BLOCK):
        used = block.weights > 0
        z = frame.into(np.asarray(block.x[used], dtype=np.float64))[:, order]
        w = block.weights[used]
        depth = np.where(np.isnan(z).any(axis=1), np.isnan(z).argmax(axis=1), d)
        number += np.bincount(depth, w, minlength=d + 1)
        for k in np.unique(depth):
            mine = depth == k
            with_one = np.column_stack([np.ones(int(mine.sum())), z[mine, :k]])
            own[k] += (with_one * w[mine, None]).T @ with_one
    for k in range(d - 1, -1, -1):
        own[k] += own[k + 1][: k + 1, : k + 1]
        number[k] += number[k + 1]
    return own[1:], number[1:]
