"""Rows that come from the same component: those of a subject are one independent unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows, GroupedSource

__all__ = ["GroupedRows", "GroupedSource", "grouped"]

Array = NDArray[np.float64]


def grouped(x: Array, weights: Array, labels: Any) -> tuple[GroupedRows, NDArray[np.intp]]:
    """Rows by their groups, and the group of each row, numbered in the order of appearance.

    Raises
    ------
    ValueError
        If there is not one label a row, or if rows of a group differ in weight.
    """
    given = np.asarray(labels)
    if given.shape != (len(x),):
        raise ValueError(f"got groups of shape {given.shape}, expected ({len(x)},): one a row")
    _, first, place = np.unique(given, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    group = rank[place.ravel()]
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    ordered = np.asarray(weights, dtype=np.float64)[order]
    made = ordered[starts]
    differs = ordered != np.repeat(made, sizes)
    if differs.any():
        i = int(order[np.argmax(differs)])
        raise ValueError(
            f"got sample_weight[{i}] = {weights[i]:g} beside {made[group[i]]:g} in group "
            f"{str(given[i])!r}, expected one weight for all rows of a group: it counts as a whole"
        )
    return GroupedRows(x[order], made, sizes.astype(np.intp)), group
