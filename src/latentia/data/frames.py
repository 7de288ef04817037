"""Data frames in memory (pandas, polars, Arrow and what else narwhals reads) become a matrix."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from latentia.data.columns import named_columns, not_numbers, numeric_columns
from latentia.data.delimited import is_number
from latentia.data.errors import DataError


class Matrix(NamedTuple):
    """Numbers taken from a data frame.

    Attributes
    ----------
    values : ndarray of shape (n, D)
        float64, or float32 where every column is.
    columns : tuple of str
        The names of the D columns.
    skipped : tuple of str
        Columns left out because they hold no numbers; empty where columns were named.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    skipped: tuple[str, ...]


def is_frame(data: Any) -> bool:
    """Whether the object is a data frame that `frame_to_matrix` reads.

    Parameters
    ----------
    data : object
        Anything.

    Returns
    -------
    bool
        True for pandas, polars, Arrow and other frames held in memory.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentia.data.frames import is_frame
    >>> is_frame(pd.DataFrame({"x": [1.0]})), is_frame([[1.0]])
    (True, False)
    """
    native = nw.from_native(data, eager_only=True, pass_through=True)
    return isinstance(native, nw.DataFrame)


def frame_to_matrix(
    frame: Any,
    columns: str | Sequence[str] | None = None,
    *,
    allow_missing: bool = False,
    source: str = "the data frame",
) -> Matrix:
    """Take the numeric columns of a data frame as one matrix of floats.

    Parameters
    ----------
    frame : data frame
        pandas, polars, Arrow, or anything else held in memory that narwhals reads.
    columns : sequence of str, optional
        The columns to take, in this order. By default every column of integers or floats, leaving
        out nameless ones, which are row numbers. Booleans, dates and text are not numbers.
    allow_missing : bool, default False
        Keep missing values as NaN instead of refusing them.
    source : str, default "the data frame"
        What error messages call the data.

    Returns
    -------
    Matrix
        The values, shape (n, D), the names of the columns, and those left out.

    Raises
    ------
    DataError
        A named column is absent or not of numbers, no column is, there are no rows, or values are
        missing or infinite.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentia.data.frames import frame_to_matrix
    >>> frame = pd.DataFrame({"height": [1.6, 1.8], "name": ["Ada", "Carl"]})
    >>> frame_to_matrix(frame)
    Matrix(values=array([[1.6], [1.8]]), columns=('height',), skipped=('name',))
    """
    data = _narwhals(frame, source)
    if not len(data):
        raise DataError(f"{source} has no rows; at least one is needed")
    if columns is None:
        chosen, skipped = numeric_columns(data.schema, source)
    else:
        chosen, skipped = named_columns(columns, data.columns, source), ()
        for name in chosen:
            _require_numbers(data.get_column(name), source)
    values = _as_it_lies(data, chosen)
    if values is None:
        values = stacked([to_floats(data.get_column(name)) for name in chosen])
    names = tuple(str(name) for name in chosen)
    require_finite(values, names, source, allow_missing=allow_missing)
    return Matrix(values, names, skipped)


def to_floats(column: nw.Series[Any]) -> np.ndarray:
    """Return a column as floats.

    Parameters
    ----------
    column : narwhals Series
        Of integers, floats or decimals.

    Returns
    -------
    ndarray of shape (n,)
        float32 if it is that, else float64, with NaN where a value is missing. Where the library
        can hand out its own memory, it does.
    """
    numbers = column.to_numpy()
    if numbers.dtype.kind not in "iuf":  # decimals
        numbers = column.cast(nw.Float64).to_numpy()
    kept = np.float32 if column.dtype == nw.Float32 else np.float64
    return numbers.astype(kept, copy=False)


def stacked(columns: Sequence[np.ndarray], out: np.ndarray | None = None) -> np.ndarray:
    """Copy columns side by side into one matrix in C order.

    Parameters
    ----------
    columns : sequence of D arrays of shape (n,)
        float32 or float64.
    out : ndarray of shape (at least n, D), optional
        Where to; by default a new matrix, float32 where every column is.

    Returns
    -------
    ndarray of shape (n, D)
        The matrix, or the first n rows of `out`.
    """
    n = len(columns[0])
    if out is None:
        single = all(column.dtype == np.float32 for column in columns)
        out = np.empty((n, len(columns)), np.float32 if single else np.float64)
    for j, column in enumerate(columns):
        out[:n, j] = column
    return out[:n]


def require_finite(
    values: np.ndarray,
    columns: Sequence[str],
    source: str,
    *,
    allow_missing: bool = False,
    n_before: int | None = None,
) -> None:
    """Refuse missing and infinite values, saying where the first one is.

    Parameters
    ----------
    values : ndarray of shape (n, D)
        The numbers; NaN stands for a missing value.
    columns : sequence of str
        The names of the D columns.
    source : str
        What error messages call the data.
    allow_missing : bool, default False
        Let NaN pass.
    n_before : int, optional
        How many rows of the source stand before these, if these are not all there are.

    Raises
    ------
    DataError
        A value is infinite, or missing and not allowed to be.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.data.frames import require_finite
    >>> require_finite(np.array([[1.0, np.nan]]), ["x", "y"], "the table")
    Traceback (most recent call last):
    latentia.data.errors.DataError: the table has 1 missing value, in data row 1, column 'y';
    fill it in or leave that row out
    """
    if np.isfinite(values).all():
        return
    for kind, found in (("missing", np.isnan(values)), ("infinite", np.isinf(values))):
        count = int(found.sum())
        if not count or (kind == "missing" and allow_missing):
            continue
        row, column = divmod(int(found.argmax()), found.shape[1])
        remedy = "fill" if kind == "missing" else "correct"
        if n_before is not None:  # what comes further down is not known yet
            raise DataError(
                f"{source} has {'a missing' if kind == 'missing' else 'an infinite'} value "
                f"in data row {n_before + row + 1}, column {columns[column]!r}; {remedy} such "
                f"values{' in' if kind == 'missing' else ''} or leave their rows out"
            )
        first, them = ("", "it") if count == 1 else ("the first ", "them")
        remedy = f"fill {them} in" if kind == "missing" else f"correct {them}"
        those = "that row" if count == 1 else "those rows"
        raise DataError(
            f"{source} has {count} {kind} value{'s' * (count > 1)}, "
            f"{first}in data row {row + 1}, column {columns[column]!r}; "
            f"{remedy} or leave {those} out"
        )


def _narwhals(frame: Any, source: str) -> nw.DataFrame[Any]:
    try:
        data = nw.from_native(frame, eager_only=True)
        data.columns  # noqa: B018  names that occur twice are found when they are first asked for
    except TypeError:
        raise DataError(
            f"{source} is of type {type(frame).__qualname__}, not a data frame held in memory; "
            "give a pandas, polars or Arrow table (a lazy one after collecting it)"
        ) from None
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            f"{source} has several columns of one name; give each its own name"
        ) from error
    return data


def _require_numbers(column: nw.Series[Any], source: str) -> None:
    if column.dtype.is_numeric():
        return
    what = f"values of type {column.dtype}"
    texts = [(row, cell) for row, cell in enumerate(column.to_list(), 1) if isinstance(cell, str)]
    if texts:
        strange = (text for text in texts if not is_number(text[1]))
        row, cell = next(strange, texts[0])
        what = f"text ({cell[:40]!r} in data row {row})"
    raise not_numbers(column.name, source, what)


def _as_it_lies(data: nw.DataFrame[Any], chosen: Sequence[Any]) -> np.ndarray | None:
    """Return the columns without copying them, or None where the library cannot do that.

    pandas keeps columns of one type in one block, and one column is a matrix by itself.
    """
    if len(chosen) == 1:
        column = to_floats(data.get_column(chosen[0]))
        return column[:, None]
    types = {data.schema[name] for name in chosen}
    if not data.implementation.is_pandas() or types not in ({nw.Float64}, {nw.Float32}):
        return None
    native = nw.to_native(data)
    at = [data.columns.index(name) for name in chosen]
    if at != list(range(at[0], at[0] + len(at))):
        return None
    part = native.iloc[:, at[0] : at[0] + len(at)]
    if not all(isinstance(dtype, np.dtype) for dtype in part.dtypes):  # a type with a mask beside
        return None
    return part.to_numpy(copy=False)
