"""Sequences as users have them: one long array and lengths, lists, ragged columns, data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from .errors import DataError


class Ragged(NamedTuple):
    """Sequences one behind the other.

    Attributes
    ----------
    x : array of shape (n, d), float64 or float32
        The steps; nan where a cell is missing.
    sizes : array of int, shape (m,)
        Steps of each sequence.
    columns : tuple of str or None
        Names of the d columns, where there are such.
    order : array of int, shape (n,), or None
        Where each step stands among the rows that were given; None where they stand so already.
    names : tuple or None
        What each sequence is called, where rows said so.
    """

    x: Any
    sizes: NDArray[np.intp]
    columns: tuple[str, ...] | None = None
    order: NDArray[np.intp] | None = None
    names: tuple[Any, ...] | None = None

    def as_given(self, values: NDArray[Any]) -> NDArray[Any]:
        """What is known of each step, in the order in which the rows were given."""
        if self.order is None:
            return values
        placed = np.empty_like(values)
        placed[self.order] = values
        return placed


def sequences(
    X: Any, lengths: Any = None, *, id: str | None = None, time: str | None = None
) -> Ragged:
    """Sequences of whatever kind they are given in.

    Parameters
    ----------
    X : array-like of shape (n, d) or (n,), list of arrays, ragged column or data frame
        An array is one sequence, or several as `lengths` says. In a list of arrays each is a
        sequence; so is each entry of a column of lists (Arrow, polars, pandas), whose items are
        numbers, or lists of d numbers. Of a data frame all columns of numbers are taken, `id` and
        `time` left out.
    lengths : array-like of int, optional
        Steps of each sequence, in the order of the rows.
    id : str, optional
        The column of a data frame that says which sequence a row belongs to. Sequences come in
        the order in which they first appear.
    time : str, optional
        The column that orders the steps of each sequence; without it they stay as they stand.

    Returns
    -------
    Ragged

    Raises
    ------
    DataError
        If lengths do not add up, if a sequence has no step, if a column is absent, or if two rows
        of a sequence have the same time.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentia.data.sequences import sequences
    >>> frame = pd.DataFrame({"who": ["a", "b", "a"], "t": [2, 1, 1], "y": [5.0, 6.0, 7.0]})
    >>> made = sequences(frame, id="who", time="t")
    >>> made.x.ravel(), made.sizes, made.columns
    (array([7., 5., 6.]), array([2, 1]), ('y',))
    """
    if id is not None or time is not None:
        if lengths is not None:
            raise DataError("got lengths beside id or time columns, expected one of the two")
        return _from_frame(X, id, time)
    ragged = _lists(X)
    if ragged is None:
        return _from_array(X, lengths)
    if lengths is not None:
        raise DataError(
            "got lengths beside a list of sequences, expected one of the two; leave lengths out"
        )
    return ragged


def _from_array(X: Any, lengths: Any) -> Ragged:
    columns = None
    if hasattr(X, "columns") or hasattr(X, "schema"):
        from .frames import frame_to_matrix

        X, columns, _ = frame_to_matrix(X, allow_missing=True)
    x = _matrix(X)
    if lengths is None:
        sizes = np.array([len(x)], dtype=np.intp)
    else:
        given = np.atleast_1d(np.asarray(lengths))
        if (
            given.size and given.dtype.kind == "f" and (np.mod(given, 1.0) == 0).all()
        ):  # so not inf either
            given = given.astype(np.intp)
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise DataError(
                f"got lengths={lengths!r}, expected a whole number of steps for each sequence"
            )
        sizes = given.astype(np.intp)
        if (sizes >= 0).all() and sizes.sum() != len(x):
            raise DataError(
                f"got lengths that add up to {sizes.sum()} for {len(x)} rows, expected the same; "
                "every row belongs to one sequence"
            )
    return Ragged(x, _checked(sizes), columns)


def _matrix(x: Any) -> Any:
    try:
        if hasattr(x, "toarray"):
            raise TypeError("they are sparse; call its toarray()")
        values = np.asanyarray(x)
        if np.iscomplexobj(values):
            raise TypeError("they are complex")
        if values.dtype.kind in "mM":
            raise TypeError("they are dates or times")
        if values.dtype != np.float32:
            values = np.asanyarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"got steps that are no numbers ({error}); give arrays of numbers, or ragged "
            "sequences as a list of arrays"
        ) from error
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2:
        raise DataError(
            f"got an array of shape {values.shape}, expected (steps, columns); give several "
            "sequences as a list of such, or one behind the other with lengths"
        )
    return values


def _checked(sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    if not sizes.size:
        raise DataError("got no sequences, expected at least one")
    if (sizes < 1).any():
        i = int(np.argmax(sizes < 1))
        raise DataError(
            f"got {sizes[i]} steps in sequence {i}, expected at least one; leave empty sequences "
            "out"
        )
    return sizes


def _lists(X: Any) -> Ragged | None:
    """What each entry of a list or of a ragged column is; None of anything else."""
    if isinstance(X, list | tuple) and len(X) and all(isinstance(x, np.ndarray) for x in X):
        return _stacked([_matrix(x) if x.ndim else x for x in cast(Sequence[Any], X)])
    column, kind = cast(Any, X), type(X).__module__.partition(".")[0]
    if kind == "pandas" and type(X).__name__ == "Series" and column.dtype == object:
        entries = list(column)
        if entries and all(isinstance(x, list | tuple | np.ndarray) for x in entries):
            return _stacked([_matrix(x) for x in entries])
    if kind == "polars" and type(X).__name__ == "Series" and "List" in str(column.dtype):
        column, kind = column.to_arrow(), "pyarrow"
    if kind == "pyarrow" and "list" in str(getattr(column, "type", "")).partition("<")[0]:
        return _from_arrow(column)
    return None


def _stacked(parts: list[Any]) -> Ragged:
    for i, part in enumerate(parts):
        if part.ndim != 2 or part.shape[1] != parts[0].shape[1]:
            raise DataError(
                f"got a sequence {i} of shape {part.shape} beside one of shape {parts[0].shape}, "
                "expected the same columns in all"
            )
    sizes = _checked(np.array([len(part) for part in parts], dtype=np.intp))
    return Ragged(np.concatenate(parts), sizes)


def _from_arrow(column: Any) -> Ragged:
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    for chunk in getattr(column, "chunks", ()):  # none, or one, of what was combined
        column = chunk
    if column.null_count:
        i = next(i for i, one in enumerate(column.is_null().to_pylist()) if one)
        raise DataError(f"got nothing in sequence {i}, expected a list; leave such rows out")
    sizes = np.asarray(column.value_lengths().to_numpy(zero_copy_only=False), dtype=np.intp)
    items = column.flatten()
    d = 1
    if "list" in str(items.type).partition("<")[0]:
        widths = np.unique(items.value_lengths().to_numpy(zero_copy_only=False))
        if len(widths) != 1 or items.null_count:
            raise DataError(
                f"got steps of {widths.tolist()} numbers, expected the same number in each"
            )
        d, items = int(widths[0]), items.flatten()
    return Ragged(_matrix(items.to_numpy(zero_copy_only=False)).reshape(-1, d), _checked(sizes))


def _from_frame(frame: Any, id: str | None, time: str | None) -> Ragged:
    import narwhals as nw

    from .frames import frame_to_matrix

    try:
        data = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise DataError(
            f"got id or time columns of a {type(frame).__name__}, expected a data frame"
        ) from None
    for name in (id, time):
        if name is not None and name not in data.columns:
            there = ", ".join(map(str, data.columns))
            raise DataError(f"there is no column {name!r}; there are {there}")
    rest = data.drop([name for name in (id, time) if name is not None])
    x, columns, _ = frame_to_matrix(rest.to_native(), allow_missing=True)
    labels = None if id is None else data.get_column(id).to_numpy()
    times = None if time is None else data.get_column(time).to_numpy()
    return in_sequences(x, labels, times)._replace(columns=columns)


def _unknown(column: Any) -> Any:
    """Where a column has nothing."""
    cells = np.asarray([] if column is None else column)
    if cells.dtype.kind == "O":
        return np.array([cell is None or cell != cell for cell in cells], dtype=np.bool_)
    return cells != cells


def in_sequences(x: Any, labels: Any = None, times: Any = None) -> Ragged:
    """Rows brought into sequences.

    Parameters
    ----------
    x : array of shape (n, d)
    labels : array of shape (n,), optional
        Which sequence each row belongs to; they come in the order in which they first appear.
    times : array of shape (n,), optional
        What orders the steps of each sequence; without it they stay as they stand.

    Raises
    ------
    DataError
        If two rows of a sequence have the same time.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.data.sequences import in_sequences
    >>> made = in_sequences(np.array([[5.0], [6.0], [7.0]]), ["a", "b", "a"], [2, 1, 1])
    >>> made.x.ravel(), made.names, made.order
    (array([7., 5., 6.]), ('a', 'b'), array([2, 0, 1]))
    """
    n = len(x)
    whom = np.zeros(n, dtype=np.intp) if labels is None else np.asarray(labels)
    for what, cells in (("id", labels), ("time", times)):
        unknown = _unknown(cells)
        if unknown.any():
            i = int(np.argmax(unknown))
            raise DataError(f"got no {what} in row {i}, expected one in every row")
    names, first, place = np.unique(whom, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    appearance = np.argsort(first)
    rank[appearance] = np.arange(len(first))
    whose = rank[place.ravel()]
    keys = np.zeros(n) if times is None else np.asarray(times)
    order = np.lexsort((keys, whose))
    if times is not None:
        twice = (whose[order][1:] == whose[order][:-1]) & (keys[order][1:] == keys[order][:-1])
        if twice.any():
            i = int(order[1:][np.argmax(twice)])
            where = "" if labels is None else f" in sequence {whom[i]!s}"
            raise DataError(f"got two rows at time {keys[i]!s}{where}, expected one at each time")
    given = None if labels is None else tuple(names[appearance].tolist())
    sizes = _checked(np.bincount(whose, minlength=len(first)).astype(np.intp))
    standing = bool((order == np.arange(n)).all())
    return Ragged(x if standing else x[order], sizes, None, None if standing else order, given)
