"""Data frames in memory (pandas, polars, Arrow and what else narwhals reads) become a matrix."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from latentia.data.errors import DataError

# What a row index is called once it is written out as a column (R and pandas; pandas to Parquet).
_INDEX_NAMES = frozenset({"", "__index_level_0__"})


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
        chosen = [n for n in data.columns if n not in _INDEX_NAMES and data[n].dtype.is_numeric()]
        skipped = tuple(str(name) for name in data.columns if name not in chosen)
        if not chosen:
            raise DataError(
                f"{source} has no column of numbers (its columns: {_listed(data.columns)}); "
                "at least one is needed"
            )
    else:
        chosen = named_columns(columns, data.columns, source)
        skipped = ()
        for name in chosen:
            _require_numbers(data[name], source)
    parts = [_floats(data[name]) for name in chosen]
    dtype = np.float32 if all(part.dtype == np.float32 for part in parts) else np.float64
    values = np.empty((len(data), len(parts)), dtype)
    for j, part in enumerate(parts):
        values[:, j] = part
    names = tuple(str(name) for name in chosen)
    require_finite(values, names, source, allow_missing=allow_missing)
    return Matrix(values, names, skipped)


def named_columns(columns: str | Iterable[str], present: Sequence[str], source: str) -> list[str]:
    """Check the names that a user gave against those that are present.

    Parameters
    ----------
    columns : str or iterable of str
        The names asked for.
    present : sequence of str
        The names there are.
    source : str
        What error messages call the data.

    Returns
    -------
    list of str
        The names asked for.

    Raises
    ------
    DataError
        No name is given, one is given twice, or one is not present.

    Examples
    --------
    >>> from latentia.data.frames import named_columns
    >>> named_columns(["wait"], ["eruptions", "waiting"], "the table")
    Traceback (most recent call last):
    latentia.data.errors.DataError: the table has no column 'wait' (its columns: 'eruptions',
    'waiting'); did you mean 'waiting'?
    """
    chosen = [columns] if isinstance(columns, str) else list(columns)
    if not chosen:
        raise DataError(f"no column of {source} was named; name at least one, or none to take all")
    for name in chosen:
        if name not in present:
            near = difflib.get_close_matches(str(name), map(str, present), 1)
            advice = f"did you mean {near[0]!r}?" if near else "name one of these"
            raise DataError(
                f"{source} has no column {name!r} (its columns: {_listed(present)}); {advice}"
            )
        if chosen.count(name) > 1:
            raise DataError(f"column {name!r} of {source} was named twice; name it once")
    return chosen


def require_finite(
    values: np.ndarray, columns: Sequence[str], source: str, *, allow_missing: bool = False
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
        if count and not (kind == "missing" and allow_missing):
            row, column = divmod(int(found.argmax()), found.shape[1])
            first, them = ("", "it") if count == 1 else ("the first ", "them")
            remedy = f"fill {them} in" if kind == "missing" else f"correct {them}"
            those = "that row" if count == 1 else "those rows"
            raise DataError(
                f"{source} has {count} {kind} value{'s' * (count > 1)}, "
                f"{first}in data row {row + 1}, column {columns[column]!r}; "
                f"{remedy} or leave {those} out"
            )


def is_number(text: str) -> bool:
    """Whether a text is a number as files write it.

    Parameters
    ----------
    text : str
        The content of a cell.

    Returns
    -------
    bool
        True for integers and decimals with or without exponent, and for infinity and NaN.

    Examples
    --------
    >>> from latentia.data.frames import is_number
    >>> is_number("-1.5e3"), is_number("1_000"), is_number("abc")
    (True, False, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


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
    raise DataError(
        f"column {column.name!r} of {source} holds {what} where numbers are expected; "
        "convert it or leave it out"
    )


def _floats(column: nw.Series[Any]) -> np.ndarray:
    """Return the column as float32 if it is that, else as float64, with NaN where it is missing."""
    numbers = column.to_numpy()
    if numbers.dtype.kind not in "iuf":  # decimals
        numbers = column.cast(nw.Float64).to_numpy()
    kept = np.float32 if column.dtype == nw.Float32 else np.float64
    return numbers.astype(kept, copy=False)


def _listed(names: Iterable[Any], at_most: int = 12) -> str:
    listed = [repr(name) for name in names]
    if len(listed) > at_most:
        return ", ".join(listed[:at_most]) + f" and {len(listed) - at_most} more"
    return ", ".join(listed)
