"""Tables as users have them, texts and dates among their columns: numbers for a model, and back."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import validate_data

from latentia.mixture import errors

from . import columns, holes, panel, scales

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Roles(NamedTuple):
    """What was said of columns, by number.

    Attributes
    ----------
    nominal, ordered, ids : frozenset of int
    time, unit : int or None
    """

    nominal: frozenset[int] = frozenset()
    ordered: frozenset[int] = frozenset()
    ids: frozenset[int] = frozenset()
    time: int | None = None
    unit: int | None = None

    @property
    def untouched(self) -> frozenset[int]:
        """Those that are not filled."""
        return self.ids | {j for j in (self.time, self.unit) if j is not None}


class Table(NamedTuple):
    """A table as numbers.

    Attributes
    ----------
    x : array of shape (n, d)
        Texts as places in `categories`, dates as days.
    hidden : array of bool, shape (n, d)
        Which cells are missing, and are to be filled.
    frame : data frame or None
        As it was given, where its columns are not all of numbers, so that no array can be.
    categories : dict of int to tuple of str
        The texts of columns, by number.
    whole : frozenset of int
        Columns that a frame has as integers.
    """

    x: Any
    hidden: Mask
    frame: Any = None
    categories: dict[int, tuple[str, ...]] = {}  # noqa: RUF012
    whole: frozenset[int] = frozenset()


def roles_of(settings: Any, names: Sequence[str]) -> Roles:
    """What the settings of an imputer say of columns with these names.

    Raises
    ------
    ValueError
        If a column is not there, or has two roles.
    """
    found = {
        name: frozenset(scales.position(c, names, name) for c in getattr(settings, name))
        for name in ("nominal", "ordered", "ids")
    }
    both = (found["nominal"] & found["ordered"]) | (found["nominal"] & found["ids"])
    if both:
        raise ValueError(
            f"got the column {names[min(both)]!r} in nominal and in another list, expected one "
            "role for each column"
        )
    places = panel.places_of(settings.panel, names)
    return Roles(**found, time=places["time"], unit=places["unit"])


def is_mixed(X: Any) -> bool:
    """Whether X is a data frame with columns that are not of numbers."""
    if isinstance(X, np.ndarray | list | tuple) or not hasattr(X, "__class__"):
        return False
    if type(X).__module__.startswith("latentia"):
        return False
    from narwhals.exceptions import DuplicateError

    from latentia.data import frames

    try:
        if not frames.is_frame(X):
            return False
    except DuplicateError as error:
        raise ValueError("got several columns of one name; give each its own name") from error
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True)
    schema = frame.schema
    if len(schema) < frame.shape[1] and any(isinstance(k, nw.Object) for k in schema.values()):
        raise ValueError("got several columns of one name; give each its own name")
    return any(
        not (kind.is_numeric() or isinstance(kind, nw.Boolean | nw.Object | nw.Unknown))
        or (isinstance(kind, nw.Object) and _holds_text(frame[:, j]))
        for j, kind in enumerate(schema.values())
    )


def _holds_text(series: Any) -> bool:
    return any(isinstance(cell, str | datetime.date) for cell in series.to_list())


def names_of(X: Any) -> list[str]:
    """The names of a data frame's columns."""
    import narwhals as nw

    return [str(name) for name in nw.from_native(X, eager_only=True).columns]


def read_mixed(
    estimator: Any,
    X: Any,
    roles: Roles,
    missing_values: Any,
    known: dict[int, tuple[str, ...]] | None,
) -> Table:
    """A data frame with texts, categories or dates as numbers.

    Parameters
    ----------
    estimator : EMImputer
    X : data frame
    roles : Roles
    missing_values : number, text, nan or None
        What stands for missing.
    known : dict, optional
        The categories of the fit; None while it is being fitted.

    Raises
    ------
    ValueError
        If a column of texts has no role, or a text has not been there in the fit.
    """
    import narwhals as nw

    validate_data(estimator, X, reset=known is None, skip_check_array=True)
    frame = nw.from_native(X, eager_only=True)
    if len(frame) < (2 if known is None else 1):
        raise ValueError(f"got {len(frame)} rows, expected at least {2 if known is None else 1}")
    n, d = frame.shape
    names = [str(name) for name in frame.columns]
    x, hidden = np.zeros((n, d)), np.zeros((n, d), dtype=np.bool_)
    categories: dict[int, tuple[str, ...]] = {}
    whole: set[int] = set()
    for j, series in enumerate(frame.iter_columns()):
        if j in roles.ids:
            continue
        if series.dtype.is_numeric() or isinstance(series.dtype, nw.Boolean):
            x[:, j] = _floats(series)
            holes.require_no_infinity(x[:, [j]], names[j : j + 1], type(estimator).__name__)
            hidden[:, j] = columns.hidden_cells(x[:, [j]], missing_values, names[j : j + 1])[:, 0]
            if series.dtype.is_integer() or isinstance(series.dtype, nw.Boolean):
                whole.add(j)
            continue
        cells = series.to_list()
        if isinstance(series.dtype, nw.Date | nw.Datetime) or _are_dates(cells):
            if j != roles.time:
                raise ValueError(
                    f"column {names[j]!r} holds dates, expected numbers; name it in ids=, or as "
                    "the time of a panel, or leave it out"
                )
            x[:, j] = [_days(cell) for cell in cells]
            hidden[:, j] = np.isnan(x[:, j])
            continue
        texts = [None if _is_null(c) or c == missing_values else str(c) for c in cells]
        if known is None:
            categories[j] = _categories(j, series, texts, roles, names[j])
        places = {text: float(i) for i, text in enumerate((known or categories)[j])}
        for i, text in enumerate(texts):
            if text is None:
                hidden[i, j] = True
            elif text not in places:
                raise ValueError(
                    f"got {text!r} at row {i} of column {names[j]!r}, expected one of the "
                    f"{len(places)} texts that the fit has seen"
                )
            else:
                x[i, j] = places[text]
    return Table(x, hidden, X, categories if known is None else known, frozenset(whole))


def _floats(series: Any) -> Array:
    """A column of numbers, or of yes and no; nan where a cell is missing."""
    from latentia.data.frames import to_floats

    if series.dtype.is_numeric():
        return np.array(to_floats(series), dtype=np.float64)
    cells = series.to_list()
    return np.array([np.nan if _is_null(c) else float(c) for c in cells], dtype=np.float64)


def _categories(
    j: int, series: Any, texts: Sequence[str | None], roles: Roles, name: str
) -> tuple[str, ...]:
    """The texts of a column in their order."""
    if j in roles.nominal or j == roles.unit:
        return tuple(sorted({text for text in texts if text is not None}))
    declared = _declared(series)
    if j in roles.ordered and declared is not None:
        return declared
    if j in roles.ordered:
        raise ValueError(
            f"column {name!r} in ordered holds texts without an order; make it an ordered "
            "categorical, or numbers, or name it in nominal="
        )
    what = "times" if series.dtype.is_temporal() else "text"
    if not all(isinstance(cell, str) or _is_null(cell) for cell in series.to_list()):
        what = "what is neither text nor number" if what == "text" else what
    raise ValueError(
        f"column {name!r} holds {what}, expected numbers; name it in nominal=, ordered= or ids=, "
        "or leave it out"
    )


def _declared(series: Any) -> tuple[str, ...] | None:
    """The order of a categorical column that has one."""
    import narwhals as nw

    if isinstance(series.dtype, nw.Enum):
        return tuple(str(each) for each in series.dtype.categories)
    native = nw.to_native(series)
    if isinstance(series.dtype, nw.Categorical) and hasattr(native, "cat"):
        ordered = getattr(native.cat, "ordered", False)
        return tuple(str(c) for c in native.cat.categories) if ordered else None
    return None


def _is_null(cell: Any) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or cell != cell


def _are_dates(cells: Sequence[Any]) -> bool:
    there = [cell for cell in cells if not _is_null(cell)]
    return bool(there) and all(isinstance(cell, datetime.date) for cell in there)


def _days(cell: Any) -> float:
    """Days since the first of the calendar, nan for none."""
    if _is_null(cell):
        return np.nan
    day = float(cell.toordinal())
    if isinstance(cell, datetime.datetime):
        past = cell - datetime.datetime(cell.year, cell.month, cell.day, tzinfo=cell.tzinfo)
        day += past.total_seconds() / 86_400
    return day


def read_numbers(estimator: Any, X: Any, missing_values: Any, names: Any, *, reset: bool) -> Table:
    """Numbers, in an array or a frame."""
    x = errors.validated(estimator, holes.without_marks(X), reset=reset)
    named = names(estimator, x.shape[1])
    columns.require_exact(X, named)
    holes.require_no_infinity(x, named, type(estimator).__name__)
    return Table(x, columns.hidden_cells(x, missing_values, named))


def mark(table: Table) -> bytes:
    """What tells a table from others: a digest of its cells."""
    cells = np.where(table.hidden, 0.0, np.nan_to_num(table.x))
    digest = blake2b(np.packbits(table.hidden).tobytes(), digest_size=16)
    digest.update(np.ascontiguousarray(cells, dtype=np.float64).tobytes())
    return digest.digest()


def into_frame(table: Table, filled: Array, kept: Any, marks: Any, named: Any, whose: Any) -> Any:
    """The frame of a table with its missing cells filled in, in each column's own type.

    Parameters
    ----------
    table : Table
    filled : array of shape (n, d)
        Texts as places in the categories.
    kept : array of int
        The columns to keep.
    marks : array of shape (n, h) or None
        Columns to append,
    named : sequence of str
        by these names.
    whose : transformer
        What it is asked for by ``set_output``, the frame becomes.
    """
    import narwhals as nw

    frame = nw.from_native(table.frame, eager_only=True)
    made, every = [], list(frame.iter_columns())
    for j in kept:
        series, mine = every[j], table.hidden[:, j]
        if mine.any():
            texts = table.categories.get(j)
            values: list[Any] = [float(value) for value in filled[mine, j]]
            if texts is not None:
                values = [texts[int(value)] for value in values]
            elif isinstance(series.dtype, nw.Boolean):
                values = [bool(value) for value in values]
            elif series.dtype.is_integer():
                values = [int(value) for value in values]
            series = _with_cells(series, mine, values)
        made.append(series)
    chosen = frame[:, [int(j) for j in kept]]
    for name, column in zip(named, () if marks is None else marks.T, strict=True):
        made.append(nw.new_series(name, column, nw.Float64, backend=frame.implementation))
    made = chosen.with_columns(*made)
    asked = _get_output_config("transform", whose)["dense"]
    if asked == "pandas" and not made.implementation.is_pandas():
        return made.to_pandas()
    if asked == "polars" and not made.implementation.is_polars():
        return made.to_polars()
    return nw.to_native(made)


def _with_cells(series: Any, where: Mask, values: Sequence[Any]) -> Any:
    """A column with other values in some cells, in its own type."""
    import narwhals as nw

    native = nw.to_native(series)
    if series.implementation.is_pandas_like():
        native = native.copy()
        native[where] = values
        return nw.from_native(native, series_only=True)
    cells = series.to_list()
    for i, value in zip(np.flatnonzero(where), values, strict=True):
        cells[i] = value
    if series.implementation.is_pyarrow():
        import pyarrow as pa

        made = pa.chunked_array([pa.array(cells, native.type)])
        return nw.from_native(made, series_only=True).alias(series.name)
    return nw.new_series(series.name, cells, series.dtype, backend=series.implementation)
