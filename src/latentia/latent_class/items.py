"""Answers of any kind as codes: what the categories of each item are, and where answers miss."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Categories = tuple[Any, ...]
"""Of one item, in the order of their codes: texts, numbers or booleans."""

MOST_CATEGORIES = 1000
"""Different answers to an item beyond this are taken for a measurement."""


class Answers(NamedTuple):
    """One item's answers as they were given.

    Attributes
    ----------
    name : str
        What messages call it.
    values : array of shape (n,)
        Of numbers, texts or objects; what stands where an answer misses means nothing.
    missing : array of bool, shape (n,)
    declared : tuple or None
        The order of the categories where the column has one of its own.
    """

    name: str
    values: Any
    missing: Mask
    declared: Categories | None = None


def answers(estimator: Any, X: Any, *, reset: bool) -> list[Answers]:
    """The columns of X one by one; None, nan and what data frames call null are missing.

    `reset` says that the estimator is being fitted and takes the width and names of X.

    Raises
    ------
    ValueError, TypeError
        If X is no table, if its columns are not those of the fit, or if an answer is infinite or
        of a kind that no category can be.
    """
    least = 2 if reset else 1
    if not isinstance(X, np.ndarray) and _is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if len(X) < least:
            raise ValueError(f"got {len(X)} rows of answers, expected at least {least}")
        return _of_frame(X)
    if isinstance(X, list | tuple):  # or numbers beside a text would become texts
        X = np.array(X, dtype=object)
    x: Any = validate_data(
        estimator,
        cast(Any, X),
        reset=reset,
        dtype=None,
        ensure_all_finite=False,
        ensure_min_samples=least,
    )
    return [column(f"column {j}", x[:, j]) for j in range(x.shape[1])]


def _is_frame(X: Any) -> bool:
    if not hasattr(X, "columns") and not hasattr(X, "column_names"):
        return False
    from latentia.data.frames import is_frame  # narwhals: not for arrays

    return is_frame(X)


def _of_frame(X: Any) -> list[Answers]:
    import narwhals as nw

    found: list[Answers] = []
    for series in nw.from_native(X, eager_only=True).iter_columns():
        name = f"column {series.name!r}"
        if series.dtype.is_numeric() and not series.is_null().any():
            found.append(column(name, series.to_numpy()))
            continue
        answers = column(name, np.array([*series.to_list(), None], dtype=object)[:-1])
        order: Any = getattr(series.dtype, "categories", None)
        if isinstance(series.dtype, nw.Categorical) and series.implementation.is_pandas():
            order = nw.to_native(series).cat.categories.tolist()
        found.append(answers._replace(declared=None if order is None else tuple(order)))
    return found


def column(name: str, values: Any) -> Answers:
    """The answers in an array of one column of numbers, texts or objects.

    Raises
    ------
    ValueError, TypeError
        If one is infinite, or of a kind that no category can be.
    """
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            i = int(np.argmax(np.isinf(values)))
            raise ValueError(
                f"Input X contains infinity at row {i}, {name}, expected categories; nan is a "
                "missing answer"
            )
        return Answers(name, values, np.isnan(values))
    if values.dtype.kind in "biuU":
        return Answers(name, values, np.zeros(len(values), dtype=np.bool_))
    cells = [_plain(name, i, cell) for i, cell in enumerate(values.tolist())]
    missing = np.array([cell is None for cell in cells], dtype=np.bool_)
    return Answers(name, np.array([*cells, None], dtype=object)[:-1], missing)


def _plain(name: str, i: int, cell: Any) -> Any:
    """A cell as text, number or boolean; None where it is missing."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, str | bool | int):
        return cell
    if isinstance(cell, numbers.Real):
        number = float(cell)
        if number != number:
            return None
        if np.isfinite(number):
            return number
        raise ValueError(f"Input X contains infinity at row {i}, {name}, expected categories")
    raise TypeError(
        f"got a {type(cell).__name__} at row {i}, {name}: a category as argument must be a string "
        "or a number; turn such cells into one"
    )


def learned(columns: Sequence[Answers], counted: Mask) -> tuple[Categories, ...]:
    """The categories of each item that occur: as declared, or numbers and texts in their order.

    Parameters
    ----------
    columns : sequence of Answers
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
            raise ValueError(f"got no answer at all in {name}, expected some; leave it out")
        if len(each) > MOST_CATEGORIES:
            raise ValueError(
                f"got {len(each)} different answers in {name}, expected at most "
                f"{MOST_CATEGORIES} categories; group them, or use Mixture for a measurement"
            )
        found.append(tuple(each))
    return tuple(found)


def _order(cell: Any) -> tuple[bool, Any]:
    """Numbers before texts."""
    return isinstance(cell, str), cell


def coded(
    columns: Sequence[Answers], categories: Sequence[Categories], counted: Mask | None = None
) -> Array:
    """Answers as the positions of their categories, (n, d); nan where they are missing.

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


def _codes(asked: Answers, known: Categories, counted: Mask | None) -> Array:
    values, missing = asked.values, asked.missing
    kinds = {isinstance(category, str) for category in known}
    if values.dtype.kind == "O" or kinds != {values.dtype.kind == "U"}:
        place = {category: float(code) for code, category in enumerate(known)}
        codes = np.array([place.get(cell, -1.0) for cell in values.tolist()])
    else:
        order = np.array(known)
        ascending = np.argsort(order)
        at = ascending[np.searchsorted(order[ascending], values).clip(max=len(known) - 1)]
        codes = np.where(order[at] == values, at, -1.0)
    wrong = (codes < 0) & ~missing
    unknown = codes < 0
    if counted is not None:
        wrong &= counted
    if wrong.any():
        i = int(np.argmax(wrong))
        told = ", ".join(repr(category) for category in known[:12])
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        raise ValueError(
            f"got {values[i : i + 1].tolist()[0]!r} at row {i}, {asked.name}, expected one of "
            f"the categories of the fit: {told}{more}"
        )
    return np.where(missing | unknown, np.nan, codes)


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
