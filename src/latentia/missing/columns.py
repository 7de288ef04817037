"""What becomes of each column of an imputer's input, and which of its cells are missing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.mixture.errors import DataWarning

from . import holes

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LARGEST_EXACT = 2**53
"""Beyond it floats do not hold every whole number."""


class Columns(NamedTuple):
    """What becomes of each column of the input.

    Attributes
    ----------
    modelled : array of int
        Those of the normal distribution.
    constant : array of shape (d,)
        What is imputed in columns that have one value only; nan elsewhere, and where a column
        has none.
    kept : array of int
        Those of the output.
    """

    modelled: NDArray[np.intp]
    constant: Array
    kept: NDArray[np.intp]


def columns_of(
    x: Any, weights: Array, names: Sequence[str], keep_empty: bool, untouched: Mask
) -> Columns:
    """What becomes of each column of x (n, d), nan where a cell is missing.

    Columns that are `untouched` (d,) are neither modelled nor filled, but kept.
    """
    empty = holes.unseen(x, weights) & ~untouched
    same = holes.constant(x, weights) & ~empty & ~untouched
    constant = np.full(x.shape[1], np.nan)
    single: list[int] = []
    for j in np.flatnonzero(same):
        seen = x[~np.isnan(x[:, j]) & (weights > 0), j]
        constant[j] = seen[0]
        if len(seen) == 1 < len(x):
            single.append(int(j))
    if keep_empty:
        constant[empty] = 0.0
    elif empty.any():
        _warn(
            f"column {_first(names, np.flatnonzero(empty).tolist())} has no value at all and is "
            "dropped; keep_empty_features=True keeps it, as zeros"
        )
    if single:
        _warn(
            f"column {_first(names, single)} has one value, which is filled in everywhere, for its "
            "variance and how it goes with others cannot be estimated; the other columns are "
            "filled in as ever"
        )
    kept = np.flatnonzero(~empty | keep_empty)
    return Columns(np.flatnonzero(~empty & ~same & ~untouched), constant, kept)


def _first(names: Sequence[str], which: list[int]) -> str:
    """The first column, and how many more there are."""
    more = f" (and {len(which) - 1} more)" if len(which) > 1 else ""
    return f"{names[which[0]]!r}{more}"


def _warn(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=4)


def hidden_cells(x: Any, missing_values: Any, names: Sequence[str]) -> Mask:
    """Which cells of x (n, d) are missing.

    Raises
    ------
    ValueError
        If there are nan where another number stands for what is missing.
    """
    hidden = np.isnan(x)
    if is_no_number(missing_values):
        return hidden
    if hidden.any():
        i, j = (int(a) for a in np.argwhere(hidden)[0])
        raise ValueError(
            f"Input X contains NaN at row {i}, column {names[j]}: "
            f"missing_values={missing_values!r} stands for what is missing here; write one of the "
            "two throughout"
        )
    return np.asarray(x == missing_values)


def is_no_number(value: Any) -> bool:
    """Whether nan, None, pandas' NA or a text stands for what is missing, so nan among numbers."""
    if value is None or isinstance(value, str) or type(value).__name__ == "NAType":
        return True
    return isinstance(value, Real) and bool(np.isnan(float(value)))


def require_mark(value: Any) -> None:
    """Refuse what cannot stand for a missing value."""
    number = isinstance(value, Real) and not isinstance(value, bool) and not np.isinf(float(value))
    if not (number or is_no_number(value)):
        raise ValueError(
            f"got missing_values={value!r}, expected nan, None, pandas.NA, a finite number, or a "
            "text where columns are of texts"
        )


def require_exact(X: Any, names: Sequence[str]) -> None:
    """Refuse whole numbers that floats would round, naming the first."""
    from latentia.data.frames import is_frame

    if not (X.dtype.kind in "iu" if isinstance(X, np.ndarray) else is_frame(X)):
        return
    for j in range(len(names)):
        cells = _whole_numbers(X, j)
        if cells is None or not len(cells):
            continue
        least, most = int(cells.min()), int(cells.max())
        if max(-least, most) > LARGEST_EXACT:
            told = most if most > LARGEST_EXACT else least
            raise ValueError(
                f"got {told} in column {names[j]!r}, a whole number beyond 2**53, which an array "
                "of floats would round; leave the column out, or keep it as texts named in ids="
            )


def _whole_numbers(X: Any, j: int) -> Any:
    """What is there in a column of integers, or None for a column of other numbers."""
    if isinstance(X, np.ndarray):
        return X[:, j]
    import narwhals as nw

    series = nw.from_native(X, eager_only=True)[:, j]
    return series.drop_nulls().to_numpy() if series.dtype.is_integer() else None


def marked(hidden: Mask) -> Array:
    """nan where a cell is missing, for the indicator."""
    return np.where(hidden, np.nan, 0.0)
