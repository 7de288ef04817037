"""Which columns of a table are taken, and what is said where they cannot be."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.errors import DataError

if TYPE_CHECKING:
    import narwhals as nw

# What a row index is called once it is written out as a column (R and pandas; pandas to Parquet).
INDEX_NAMES = frozenset({"", "__index_level_0__"})


def numeric_columns(
    types: "Mapping[str, nw.dtypes.DType]", source: str
) -> tuple[list[str], tuple[str, ...]]:
    """Choose the columns of numbers, leaving out nameless ones, which are row numbers.

    Parameters
    ----------
    types : mapping of str to narwhals type
        The type of each column.
    source : str
        What error messages call the data.

    Returns
    -------
    chosen : list
        The names of the columns of integers, floats and decimals.
    skipped : tuple of str
        The names of the others.

    Raises
    ------
    DataError
        There is no column of numbers.

    Examples
    --------
    >>> import narwhals as nw
    >>> from latentia.data.columns import numeric_columns
    >>> numeric_columns({"x": nw.Float64(), "name": nw.String()}, "the table")
    (['x'], ('name',))
    """
    chosen = [n for n, type in types.items() if n not in INDEX_NAMES and type.is_numeric()]
    if not chosen:
        raise DataError(
            f"{source} has no column of numbers (its columns: {listed(types)}); "
            "at least one is needed"
        )
    return chosen, tuple(str(name) for name in types if name not in chosen)


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
    >>> from latentia.data.columns import named_columns
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
                f"{source} has no column {name!r} (its columns: {listed(present)}); {advice}"
            )
        if chosen.count(name) > 1:
            raise DataError(f"column {name!r} of {source} was named twice; name it once")
    return chosen


def wanted_columns(columns: str | Iterable[str] | None) -> list[str] | None:
    """Return the columns asked for as a list; None stands for all of numbers."""
    if columns is None:
        return None
    return [columns] if isinstance(columns, str) else list(columns)


def require_distinct(names: Sequence[str], source: str) -> None:
    """Refuse a table in which a name occurs twice.

    Parameters
    ----------
    names : sequence of str
        The names of its columns.
    source : str
        What error messages call the data.

    Raises
    ------
    DataError
        Several columns have one name.
    """
    if not names:
        return
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(f"{source} has {count} columns named {name!r}; give each its own name")


def require_no_dates(X: Any) -> None:
    """Refuse dates, times and durations, of a data frame naming the first column."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "mM":
        raise TypeError(
            f"got an array of {X.dtype}, dates or times, expected numbers; give what of it matters "
            "as a number, such as days since the first"
        )
    if isinstance(X, np.ndarray) or not (hasattr(X, "columns") or hasattr(X, "column_names")):
        return
    import narwhals as nw

    frame: Any = nw.from_native(X, pass_through=True, eager_only=True)
    schema = frame.schema if isinstance(frame, nw.DataFrame) else {}
    named = [name for name, kind in schema.items() if kind.is_temporal()]
    if named:
        raise TypeError(
            f"column {named[0]!r} holds dates or times, expected numbers; leave it out, or give "
            "what of it matters as a number, such as days since the first"
        )


def not_numbers(name: str, source: str, what: str) -> DataError:
    """Return what is said of a column that holds something else than numbers."""
    return DataError(
        f"column {name!r} of {source} holds {what} where numbers are expected; "
        "convert it or leave it out"
    )


def listed(names: Iterable[Any], at_most: int = 12) -> str:
    """Return names in quotes, separated by commas, and how many more there are.

    Parameters
    ----------
    names : iterable
        The names.
    at_most : int, default 12
        How many to show.

    Returns
    -------
    str
        The names in quotes.
    """
    shown = [repr(name) for name in names]
    if len(shown) > at_most:
        return ", ".join(shown[:at_most]) + f" and {len(shown) - at_most} more"
    return ", ".join(shown)
