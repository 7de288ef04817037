"""Cells of a table: which of them rows may be in, and what they make expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.families.incomplete import distinct

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

BLOCK = 2**20
"""Rows times cells at a time."""

LOG_2PI = float(np.log(2 * np.pi))


class Group(NamedTuple):
    """Rows of one pattern of holes.

    Attributes
    ----------
    rows : array of int, shape (r,)
    base : array of int, shape (r,)
        The first cell that each may be in.
    offsets : array of int, shape (m,)
        All that it may be in, from the first.
    seen : array of bool, shape (p,)
        Which numbers were seen.
    """

    rows: Places
    base: Places
    offsets: Places
    seen: Mask


class GroupedRows(NamedTuple):
    """Rows sorted by what was seen of them, once a fit.

    Attributes
    ----------
    rows : Rows
        As they were given.
    z : array of shape (n, p)
        Numbers in a model's frame.
    groups : tuple of Group
    """

    rows: Rows
    z: Array
    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def weights(self) -> Array:
        return self.rows.weights

    def take(self, idx: Places) -> Rows:
        return self.rows.take(idx)

    def reweight(self, w: Array) -> GroupedRows:
        return GroupedRows(self.rows.reweight(w), self.z, self.groups)


def groups(codes: Array, z: Array, levels: tuple[int, ...]) -> Iterator[Group]:
    """Rows by pattern of holes, in blocks.

    Parameters
    ----------
    codes : array of shape (n, q)
        Categories as numbers from 0, nan where one is missing.
    z : array of shape (n, p)
        Numbers, nan where one is missing.
    levels : tuple of int
        How many categories each column has.
    """
    hidden = np.isnan(np.hstack([codes, z]))
    patterns, which = distinct(hidden)
    q = len(levels)
    strides = np.array([int(np.prod(levels[j + 1 :])) for j in range(q)], dtype=np.intp)
    base = (np.nan_to_num(codes).astype(np.intp) * strides).sum(axis=1).astype(np.intp)
    for number, seen in enumerate(patterns):
        free = np.flatnonzero(~seen[:q])
        offsets = np.zeros(1, dtype=np.intp)
        for j in free:
            steps = np.arange(levels[j], dtype=np.intp) * strides[j]
            offsets = (offsets[:, None] + steps).ravel()
        rows = np.flatnonzero(which == number)
        size = max(1, BLOCK // len(offsets))
        for begin in range(0, len(rows), size):
            part = rows[begin : begin + size]
            yield Group(part, base[part], offsets, seen[q:])


class Told(NamedTuple):
    """What rows of a group tell, given parameters.

    Attributes
    ----------
    cells : array of int, shape (r, m)
    log_density : array of shape (r,)
    share : array of shape (r, m)
        The probability of each cell.
    slopes : array of shape (h, s)
        Of numbers that are missing on those that were seen.
    left : array of shape (h, h)
        Their covariance given those.
    """

    cells: Places
    log_density: Array
    share: Array
    slopes: Array
    left: Array


def told(group: Group, z: Array, log_mass: Array, means: Array, covariance: Array) -> Told:
    """The cells of a group's rows and what is expected of their numbers.

    Parameters
    ----------
    group : Group
    z : array of shape (n, p)
        Of all rows.
    log_mass : array of shape (D,)
        Logarithms of the cells' probabilities.
    means : array of shape (D, p)
    covariance : array of shape (p, p)
    """
    cells = group.base[:, None] + group.offsets
    joint: Any = log_mass[cells]
    seen, missing = group.seen, ~group.seen
    slopes: Any = np.zeros((int(missing.sum()), int(seen.sum())))
    left = covariance
    if seen.any():
        root = np.linalg.cholesky(covariance[np.ix_(seen, seen)])
        centres = np.linalg.solve(root, means[:, seen].T).T
        y = np.linalg.solve(root, z[np.ix_(group.rows, seen)].T).T
        square = ((y[:, None, :] - centres[cells]) ** 2).sum(axis=2)
        constant = float(np.log(np.diagonal(root)).sum()) + seen.sum() * LOG_2PI / 2
        joint = joint - square / 2 - constant
        across = covariance[np.ix_(missing, seen)]
        slopes = np.linalg.solve(root.T, np.linalg.solve(root, across.T)).T
        left = covariance[np.ix_(missing, missing)] - slopes @ across.T
    top = joint.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    raised = np.exp(joint - top)
    total = raised.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = raised / total
        log_density = top[:, 0] + np.log(total[:, 0])
    return Told(cells, log_density, np.where(total > 0, share, 0.0), slopes, left)
