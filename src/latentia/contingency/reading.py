"""A table's columns as codes of categories and numbers, and back."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.latent_class import columns, items
from latentia.latent_class.columns import Column
from latentia.missing import holes
from latentia.mixture.errors import DataWarning

Array = NDArray[np.float64]

MOST_CELLS = 2**18
"""Of a table whose cells are all at hand."""


class Kinds(NamedTuple):
    """Which columns are of categories, and of which.

    Attributes
    ----------
    names : tuple of str
        Of all columns.
    categorical, numeric : tuple of int
        Their positions.
    categories : tuple of tuple
        Of each categorical column.
    """

    names: tuple[str, ...]
    categorical: tuple[int, ...]
    numeric: tuple[int, ...]
    categories: tuple[tuple[Any, ...], ...]

    @property
    def levels(self) -> tuple[int, ...]:
        """How many categories each categorical column has."""
        return tuple(len(each) for each in self.categories)

    @property
    def cells(self) -> int:
        """How many cells the table has."""
        return math.prod(self.levels)


def kinds_of(
    given: Sequence[Column], asked: Any, counted: NDArray[np.bool_], most: float = MOST_CELLS
) -> Kinds:
    """Which columns are of categories: those of texts and booleans, and those asked for.

    Parameters
    ----------
    given : sequence of Column
    asked : None, "all", or sequence of str or int
        Columns of numbers that are categories too.
    counted : array of bool, shape (n,)
        Rows of positive weight.
    most : float, optional
        Cells that the table may have.

    Raises
    ------
    ValueError
        If one that is asked for is no column, a column has no value, or the table too many cells.
    """
    names = tuple(column.name for column in given)
    if isinstance(asked, str) and asked == "all":
        chosen = set(range(len(names)))
    else:
        wanted: Any = () if asked is None else asked
        chosen = {_place(each, names) for each in wanted}
        chosen |= {j for j, column in enumerate(given) if _is_categorical(column)}
    for j, column in enumerate(given):
        if not (counted & ~column.missing).any():
            left = sum(bool((counted & ~other.missing).any()) for other in given)
            other = "the other one" if left == 1 else f"the other {left}"
            told = f"{other} can be estimated" if left else "no other has one either"
            raise ValueError(f"column {names[j]!r} has no value; leave it out: {told}")
    at = tuple(sorted(chosen))
    found = Kinds(
        names,
        at,
        tuple(j for j in range(len(names)) if j not in chosen),
        items.learned([given[j] for j in at], counted) if at else (),
    )
    if found.cells > most:
        raise ValueError(
            f"the categories make {found.cells} cells, expected at most {most}; use fewer "
            "columns or categories, or LatentClass or Mixture, which have no table"
        )
    return found


def _place(asked: Any, names: tuple[str, ...]) -> int:
    if isinstance(asked, str) and asked in names:
        return names.index(asked)
    if isinstance(asked, int | np.integer) and 0 <= asked < len(names):
        return int(asked)
    raise ValueError(
        f"got {asked!r} in categorical, expected columns: {', '.join(names)}, or their numbers"
    )


def _is_categorical(column: Column) -> bool:
    if column.declared is not None or column.values.dtype.kind in "Ub":
        return True
    if column.values.dtype.kind != "O":
        return False
    there = column.values[~column.missing].tolist()
    return any(isinstance(cell, str | bool) for cell in there)


def coded(given: Sequence[Column], kinds: Kinds, counted: Any = None) -> Array:
    """Codes of categories, then numbers, (n, q + p); nan where a cell is missing."""
    n = len(given[0].values)
    own = [given[j] for j in kinds.categorical]
    codes = items.coded(own, kinds.categories, counted) if own else np.zeros((n, 0))
    return np.hstack([codes, _numbers([given[j] for j in kinds.numeric], n)])


def warn_of(rows: Rows, kinds: Kinds, what: str) -> None:
    """Say which rows have no value, and which columns no row has together.

    Parameters
    ----------
    rows : Rows
        As `coded` has them.
    kinds : Kinds
    what : str
        What then makes of two such columns how they go together.
    """
    holes.warn_of_empty(rows, stacklevel=5)
    pairs = holes.never_together(rows)
    if not pairs:
        return
    names = [kinds.names[j] for j in (*kinds.categorical, *kinds.numeric)]
    i, j = pairs[0]
    more = f" (and {len(pairs) - 1} more such pairs)" if len(pairs) > 1 else ""
    warnings.warn(
        f"columns {names[i]!r} and {names[j]!r} are never seen together{more}, so how they go "
        f"together is what {what} of it; each of them, and what is seen together, is estimated as "
        "ever",
        DataWarning,
        stacklevel=4,
    )


def _numbers(given: Sequence[Column], n: int) -> Array:
    z = np.full((n, len(given)), np.nan)
    for j, (name, values, missing, _) in enumerate(given):
        there = ~missing
        text = [isinstance(cell, str) for cell in values[there].tolist()]
        if any(text):
            i = int(np.flatnonzero(there)[int(np.argmax(text))])
            raise ValueError(f"got {values[i]!r} at row {i}, column {name!r}, expected a number")
        z[there, j] = values[there].astype(np.float64)
    return z


def decoded(kinds: Kinds, x: Array) -> NDArray[Any]:
    """Rows (n, d) in the order of the table, from codes and numbers as `coded` has them."""
    q = len(kinds.categorical)
    made: list[list[Any]] = [[] for _ in kinds.names]
    for at, j in enumerate(kinds.categorical):
        made[j] = [kinds.categories[at][code] for code in x[:, at].astype(np.intp)]
    for at, j in enumerate(kinds.numeric):
        made[j] = x[:, q + at].tolist()
    return _side_by_side(made)


def _side_by_side(made: Sequence[list[Any]]) -> NDArray[Any]:
    """Columns of cells as an array, of objects where a cell is a text."""
    texts = any(isinstance(cell, str) for cells in made for cell in cells)
    out = np.empty((len(made[0]), len(made)), dtype=object if texts else np.float64)
    for j, cells in enumerate(made):
        out[:, j] = cells
    return out


def filled(X: Any, given: Sequence[Column], kinds: Kinds, x: Array) -> Any:
    """X with the cells of `x`, as `coded` has them, where it has none.

    Returns
    -------
    data frame of X's kind, or array of shape (n, d)
        What was seen is as it was given.
    """
    made: list[Any] = []
    for j, column in enumerate(given):
        if j in kinds.categorical:
            known = kinds.categories[kinds.categorical.index(j)]
            codes = x[:, kinds.categorical.index(j)].astype(np.intp)
            fresh = [known[code] for code in codes[column.missing]]
        else:
            at = len(kinds.categorical) + kinds.numeric.index(j)
            fresh = x[column.missing, at].tolist()
        cells = column.values.tolist()
        for i, cell in zip(np.flatnonzero(column.missing).tolist(), fresh, strict=True):
            cells[i] = cell
        made.append(cells)
    if columns.is_frame(X):
        return _frame(X, given, made)
    return _side_by_side(made)


def _frame(X: Any, given: Sequence[Column], made: list[Any]) -> Any:
    import narwhals as nw

    frame: Any = nw.from_native(X, eager_only=True)
    fresh: list[Any] = []
    for column, cells in zip(given, made, strict=True):
        if not column.missing.any():
            continue
        dtype = frame[column.name].dtype
        if dtype.is_integer() or dtype == nw.Object:
            dtype = None
        fresh.append(nw.new_series(column.name, cells, dtype, backend=frame.implementation))
    return frame.with_columns(*fresh).to_native() if fresh else X
