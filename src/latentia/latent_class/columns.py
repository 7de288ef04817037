"""The columns of whatever table a user gives: cells as they are, and where they are missing."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Column(NamedTuple):
    """Cells as they were given.

    Attributes
    ----------
    name : str
        x0, x1, ... where the table has none.
    values : array of shape (n,)
        Of numbers, texts or objects; what stands where a cell is missing means nothing.
    missing : array of bool, shape (n,)
    declared : tuple or None
        The order of its categories, where the table has one.
    """

    name: str
    values: Any
    missing: Mask
    declared: tuple[Any, ...] | None = None


def read(estimator: Any, X: Any, *, reset: bool) -> list[Column]:
    """The columns of X one by one; None, nan and what data frames call null are missing.

    `reset` says that the estimator is being fitted and takes the width and names of X.

    Raises
    ------
    ValueError, TypeError
        If X is no table, if its columns are not those of the fit, or if a cell is infinite or of
        a kind that is neither number nor text.
    """
    least = 2 if reset else 1
    if not isinstance(X, np.ndarray) and is_frame(X):
        found = of_frame(X)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if len(X) < least:
            raise ValueError(f"got {len(X)} rows, expected at least {least}")
        return found
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
    return [column(f"x{j}", x[:, j]) for j in range(x.shape[1])]


def is_frame(X: Any) -> bool:
    """Whether X is a data frame in memory.

    Raises
    ------
    ValueError
        If several of its columns have one name.
    """
    if not hasattr(X, "columns") and not hasattr(X, "column_names"):
        return False
    from narwhals.exceptions import DuplicateError

    from latentia.data import frames  # narwhals: not for arrays

    try:
        return frames.is_frame(X)
    except DuplicateError as error:
        raise ValueError("got several columns of one name; give each its own name") from error


def of_frame(X: Any) -> list[Column]:
    """The columns of a data frame."""
    import narwhals as nw

    found: list[Column] = []
    for series in nw.from_native(X, eager_only=True).iter_columns():
        name = str(series.name)
        if series.dtype.is_numeric() and not series.is_null().any():
            found.append(column(name, series.to_numpy()))
            continue
        made = column(name, np.array([*series.to_list(), None], dtype=object)[:-1])
        order: Any = getattr(series.dtype, "categories", None)
        if isinstance(series.dtype, nw.Categorical) and series.implementation.is_pandas():
            order = nw.to_native(series).cat.categories.tolist()
        found.append(made._replace(declared=None if order is None else tuple(order)))
    return found


def column(name: str, values: Any) -> Column:
    """A column of numbers, texts or objects.

    Raises
    ------
    ValueError, TypeError
        If a cell is infinite, or of a kind that is neither number nor text.
    """
    if values.dtype.kind == "f":
        if np.isinf(values).any():
            i = int(np.argmax(np.isinf(values)))
            raise ValueError(
                f"Input X contains infinity at row {i}, column {name!r}, expected finite "
                "numbers; nan is a missing cell"
            )
        return Column(name, values, np.isnan(values))
    if values.dtype.kind in "biuU":
        return Column(name, values, np.zeros(len(values), dtype=np.bool_))
    cells = [_plain(name, i, cell) for i, cell in enumerate(values.tolist())]
    missing = np.array([cell is None for cell in cells], dtype=np.bool_)
    return Column(name, np.array([*cells, None], dtype=object)[:-1], missing)


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
        raise ValueError(
            f"Input X contains infinity at row {i}, column {name!r}, expected finite numbers"
        )
    if hasattr(cell, "isoformat") or hasattr(cell, "freqstr"):
        raise TypeError(
            f"column {name!r} holds dates or times (a {type(cell).__name__} at row {i}), expected "
            "categories or numbers; leave it out, or give what of it matters, such as the month"
        )
    raise TypeError(
        f"got a {type(cell).__name__} at row {i}, column {name!r}: a cell as argument must be a "
        "string or a number; turn such cells into one"
    )


def split(covariates: Any, names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Which columns are items and which are covariates.

    Parameters
    ----------
    covariates : None, str, int, or sequence of these
        The covariates by name or number.
    names : sequence of str
        Of the columns.

    Raises
    ------
    ValueError
        If one is no column, or is given twice, or if no item is left.

    Examples
    --------
    >>> split("age", ["age", "smokes", "drinks"])
    ([1, 2], [0])
    """
    asked: Any = () if covariates is None else covariates
    if isinstance(asked, str | int | np.integer):
        asked = (asked,)
    known = list(names)
    found: list[int] = []
    for each in asked:
        number = int(each) if isinstance(each, int | np.integer) else -1
        if isinstance(each, str) and each in known:
            found.append(known.index(each))
        elif 0 <= number < len(known):
            found.append(number)
        else:
            raise ValueError(
                f"got the covariate {each!r}, expected one of the columns {', '.join(known)}, or "
                f"a number from 0 to {len(known) - 1}"
            )
    if len(set(found)) < len(found):
        raise ValueError(f"got covariates={covariates!r}, expected each column once")
    rest = [j for j in range(len(known)) if j not in found]
    if not rest:
        raise ValueError(f"got covariates={covariates!r}, all columns, expected items beside them")
    return rest, found


def numbers_of(columns: Sequence[Column], counted: Mask | None = None) -> Array:
    """Columns of numbers, (n, p).

    Rows that are not `counted` (all by default) may hold anything, which becomes 0.

    Raises
    ------
    ValueError
        If a cell is missing or no number.
    """
    z = np.zeros((len(columns[0].values), len(columns)))
    for j, (name, values, missing, _) in enumerate(columns):
        text = np.zeros(len(values), dtype=np.bool_)
        if values.dtype.kind in "OU":
            text = np.array([isinstance(cell, str) for cell in values.tolist()])
        wrong = missing | text
        used = ~wrong
        if counted is not None:
            wrong = wrong & counted
        if wrong.any():
            i = int(np.argmax(wrong))
            given = "nothing" if missing[i] else repr(values[i : i + 1].tolist()[0])
            raise ValueError(
                f"got {given} at row {i} of the covariate {name!r}, expected a number; leave "
                "such rows out, or make texts indicators"
            )
        z[used, j] = values[used].astype(np.float64)
    return z
