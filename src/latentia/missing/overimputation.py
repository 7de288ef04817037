"""Each value that was seen, against what would have been imputed for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from latentia.families import incomplete

from .conditional import Normal
from .design import Design

Array = NDArray[np.float64]
Places = NDArray[np.intp]

HALVINGS = 60
"""Of the range in which the end of an interval is looked for."""


class Overimputation(NamedTuple):
    """Values that were seen, treated one by one as missing.

    Attributes
    ----------
    columns : tuple of str
        Those that are modelled as numbers.
    row, column : arrays of int, shape (c,)
        Where each value is: its row, and its place in `columns`.
    truth : array of shape (c,)
    expected, low, high : arrays of shape (c,)
        The median of what would have been imputed, and the ends of its interval, in the user's
        units.
    hidden : array of shape (c,)
        Which share of the row's other cells is missing.
    level : float
        Of the intervals.
    """

    columns: tuple[str, ...]
    row: Places
    column: Places
    truth: Array
    expected: Array
    low: Array
    high: Array
    hidden: Array
    level: float

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether each interval holds its value, (c,)."""
        return (self.low <= self.truth) & (self.truth <= self.high)

    def coverage(self) -> dict[str, float]:
        """The share of intervals that hold their value, by column."""
        return {
            name: float(self.covered[self.column == j].mean())
            for j, name in enumerate(self.columns)
            if (self.column == j).any()
        }

    def __str__(self) -> str:
        wide = max(len(name) for name in self.columns)
        lines = [f"{100 * self.level:g} % intervals of values that were seen, as if missing"]
        for name, share in self.coverage().items():
            n = int((self.column == self.columns.index(name)).sum())
            lines.append(f"{name:<{wide}}  {100 * share:5.1f} % of {n} hold the value")
        return "\n".join(lines)


def overimputed(
    design: Design,
    draws: Sequence[Normal],
    y: Array,
    names: Sequence[str],
    level: float,
    most: int,
) -> Overimputation:
    """Values that were seen against what would have been imputed for them.

    Given the rest of its row a cell is normal under each draw of the parameters; over draws it is
    a mixture, of which the interval is the middle (Honaker, King & Blackwell 2011, Journal of
    Statistical Software 45(7), sec. 5.2). Parameters are as they are: no fit is done without the
    value.

    Parameters
    ----------
    design : Design
    draws : sequence of Normal
        What imputations are drawn from.
    y : array of shape (n, p)
        Rows of the model.
    names : sequence of str
        Of the table's columns.
    level : float
    most : int
        Values looked at in each column, at most, the same ones each time.
    """
    row, column = _chosen(~np.isnan(y[:, : len(design.columns.modelled)]), most)
    means, spreads = np.empty((len(draws), len(row))), np.empty((len(draws), len(row)))
    rows, at = np.unique(row, return_inverse=True)
    for k, normal in enumerate(draws):
        mean, variance = _given_the_rest(normal, y[rows])
        means[k], spreads[k] = mean[at, column], np.sqrt(variance[at, column])
    ends = [_quantile(means, spreads, p) for p in ((1 - level) / 2, 0.5, (1 + level) / 2)]
    made = np.empty((4, len(row)))
    for at_, j in enumerate(map(int, design.columns.modelled)):
        mine = column == at_
        scale = design.scales[j]._replace(whole=False, levels=())
        for each, values in zip(made, (*ends, y[row, column]), strict=True):
            each[mine] = scale.back(values[mine])
    others = max(y.shape[1] - 1, 1)
    named = tuple(names[int(j)] for j in design.columns.modelled)
    hidden = np.isnan(y[row]).sum(axis=1) / others
    return Overimputation(named, row, column, made[3], made[1], made[0], made[2], hidden, level)


def _chosen(seen: Any, most: int) -> tuple[Places, Places]:
    """The places of seen cells, a fair sample in columns that have more than `most`."""
    rng = np.random.default_rng(0)
    rows, columns = [], []
    for j in range(seen.shape[1]):
        mine = np.flatnonzero(seen[:, j])
        if len(mine) > most:
            mine = np.sort(rng.choice(mine, most, replace=False))
        rows.append(mine)
        columns.append(np.full(len(mine), j, dtype=np.intp))
    return np.concatenate(rows), np.concatenate(columns)


def _given_the_rest(normal: Normal, y: Array) -> tuple[Array, Array]:
    """Mean and variance of each seen cell given the other cells of its row, (n, p) each.

    With Q the precision of what is seen and x away from its mean, these are x_j - (Q x)_j / Q_jj
    and 1 / Q_jj.
    """
    mean, variance = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    for batch in incomplete.batches(y, 1):
        known = incomplete.whitened(
            batch, y[batch.rows], normal.mean[None], normal.covariance[None]
        )
        pull = (known.white @ np.swapaxes(known.root, 2, 3))[:, 0]
        own = np.square(known.root).sum(axis=3)  # (P, 1, p)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = known.deviation[:, 0] - pull / own
            left = np.broadcast_to(1 / own, away.shape)
        mean[batch.rows[batch.real]] = (away + normal.mean)[batch.real]
        variance[batch.rows[batch.real]] = left[batch.real]
    return mean, variance


def _quantile(means: Array, spreads: Array, p: float) -> Array:
    """A quantile of equal mixtures of normal distributions (K, c), by halving, (c,)."""
    low, high = (means - 9 * spreads).min(axis=0), (means + 9 * spreads).max(axis=0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = ndtr((middle - means) / spreads).mean(axis=0) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
