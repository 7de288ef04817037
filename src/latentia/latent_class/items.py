"""Answers as codes: what the categories of each item are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Column

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Categories = tuple[Any, ...]
"""Of one item, in the order of their codes: texts, numbers or booleans."""

MOST_CATEGORIES = 1000
"""Different answers to an item beyond this are taken for a measurement."""


def learned(columns: Sequence[Column], counted: Mask) -> tuple[Categories, ...]:
    """The categories of each item that occur: as declared, or numbers and texts in their order.

    Parameters
    ----------
    columns : sequence of Column
    counted : array of bool, shape (n,)
        Rows of positive weight; others teach nothing.

    Raises
    ------
    ValueError
        If an item has no answer, or more different ones than `MOST_CATEGORIES`.
    """
    found: list[Categories] = []
    for name, values, missing, declared in columns:
        seen = values[counted & ~missing]
        if seen.dtype.kind == "O":
            different = set(seen.tolist())
            each = [category for category in declared or () if category in different]
            each = sorted(different, key=_order) if declared is None else each
        else:
            each = np.unique(seen).tolist()
        if not each:
            raise ValueError(f"got no answer at all in column {name!r}; leave it out")
        if len(each) > MOST_CATEGORIES:
            raise ValueError(
                f"got {len(each)} different answers in column {name!r}, expected at most "
                f"{MOST_CATEGORIES} categories; group them, or use Mixture for a measurement"
            )
        found.append(tuple(each))
    return tuple(found)


def _order(cell: Any) -> tuple[bool, Any]:
    """Numbers before texts."""
    return isinstance(cell, str), cell


def coded(
    columns: Sequence[Column], categories: Sequence[Categories], counted: Mask | None = None
) -> Array:
    """Column as the positions of their categories, (n, d); nan where they are missing.

    Of rows that are not `counted` (all by default) anything unknown is taken as missing.

    Raises
    ------
    ValueError
        If an answer is none of its item's categories.
    """
    x = np.empty((len(columns[0].values), len(columns)))
    for j, (given, known) in enumerate(zip(columns, categories, strict=True)):
        x[:, j] = _codes(given, known, counted)
    return x


def _codes(asked: Column, known: Categories, counted: Mask | None) -> Array:
    values, missing = asked.values, asked.missing
    if values.dtype.kind in "biuf" and _follow_one_another(known):
        away = values.astype(np.float64) - float(known[0])
        codes = np.where((away >= 0) & (away < len(known)) & (np.floor(away) == away), away, -1.0)
    else:
        codes = _looked_up(values, known)
    unknown = codes < 0
    wrong = unknown & ~missing
    if counted is not None:
        wrong &= counted
    if wrong.any():
        i = int(np.argmax(wrong))
        told = ", ".join(repr(category) for category in known[:12])
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        raise ValueError(
            f"got {values[i : i + 1].tolist()[0]!r} at row {i}, column "
            f"{asked.name!r}, expected one of the categories of the fit: {told}{more}"
        )
    return np.where(missing | unknown, np.nan, codes)


def _follow_one_another(known: Categories) -> bool:
    """Whether categories are whole numbers of which each is one more than the last."""
    if any(isinstance(category, str) for category in known):
        return False
    first = float(known[0])
    return abs(first) < 2.0**50 and list(known) == [first + code for code in range(len(known))]


def _looked_up(values: Any, known: Categories) -> Array:
    """The position of each cell among categories of any kind, -1 where it is none of them."""
    kinds = {isinstance(category, str) for category in known}
    if values.dtype.kind == "O" or kinds != {values.dtype.kind == "U"}:
        place = {category: float(code) for code, category in enumerate(known)}
        return np.array([place.get(cell, -1.0) for cell in values.tolist()])
    order = np.array(known)
    ascending = np.argsort(order)
    at = ascending[np.searchsorted(order[ascending], values).clip(max=len(known) - 1)]
    return np.where(order[at] == values, at, -1.0)


def decoded(x: Array, categories: Sequence[Categories]) -> Any:
    """The inverse of `coded`: floats where all categories are numbers, objects otherwise."""
    numeric = not any(isinstance(c, str) for each in categories for c in each)
    out = np.full(x.shape, np.nan, dtype=np.float64 if numeric else object)
    for j, known in enumerate(categories):
        order = np.empty(len(known), dtype=out.dtype)
        order[:] = known
        there = ~np.isnan(x[:, j])
        out[there, j] = order[x[there, j].astype(np.intp)]
    return out


def written(category: Any) -> str:
    """A category as a name: whole floats without a point.

    Examples
    --------
    >>> written(2.0), written("yes"), written(True)
    ('2', 'yes', 'True')
    """
    if isinstance(category, float) and category.is_integer():
        return str(int(category))
    return str(category)
