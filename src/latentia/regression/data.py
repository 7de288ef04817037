"""What a regression is fitted to: columns of data, and what stands beside the design."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows
from latentia.mixture.errors import DataWarning

from .formula import names

Array = NDArray[np.float64]


class Beside(NamedTuple):
    """What is given of rows beside their covariates: a column's name, numbers, or nothing.

    Attributes
    ----------
    offset : str, array-like of shape (n,), float or None
        Added to the linear predictor.
    trials : str, array-like of shape (n,), float or None
    """

    offset: Any = None
    trials: Any = None

    def filled(self, others: Beside) -> Beside:
        """What others say where nothing is said here, as far as they name columns."""
        pairs = zip(self, others, strict=True)
        return Beside(*(o if m is None and isinstance(o, str) else m for m, o in pairs))


NOTHING = Beside()


def columns_of(X: Any, wanted: Sequence[str]) -> dict[str, Any]:
    """Columns of a data frame, or of a mapping of names to columns, as arrays of shape (n,).

    Numbers and booleans become floats, everything else stays what it is.

    Raises
    ------
    TypeError, DataError
        If X has no named columns, or not these.
    """
    from latentia.data.columns import named_columns
    from latentia.data.frames import is_frame, to_floats

    if not wanted:
        return {}
    if isinstance(X, Mapping):
        present, taken = [str(name) for name in X], X
        named_columns(wanted, present, "X")
        found = {name: _column(np.asarray(taken[name])) for name in wanted}
    elif is_frame(X):
        import narwhals as nw

        frame = nw.from_native(X, eager_only=True)
        named_columns(wanted, frame.columns, "X")
        found = {}
        for name in wanted:
            column = frame[name]
            if column.dtype.is_numeric():
                found[name] = np.asarray(to_floats(column), dtype=np.float64)
            elif column.dtype == nw.Boolean:
                found[name] = np.array(
                    [np.nan if v is None else float(v) for v in column.to_list()]
                )
            else:
                found[name] = np.array(column.to_list(), dtype=object)
    else:
        raise TypeError(
            f"got X of type {type(X).__name__} for a formula, expected a data frame or a dict of "
            "columns, whose names the formula uses"
        )
    lengths = {name: len(column) for name, column in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"got columns of different lengths, {lengths}, expected one length")
    return found


def _column(values: Any) -> Any:
    return values.astype(np.float64) if values.dtype.kind in "biuf" else values.astype(object)


def one_column(X: Any, given: Any, n: int, what: str) -> Any:
    """A column beside the design: named, given as n values, or one number for all rows."""
    if isinstance(given, str):
        return columns_of(X, [given])[given]
    values = np.asarray(given)
    if values.ndim == 0:
        values = np.full(n, values)
    if values.shape != (n,):
        raise ValueError(
            f"got {what} of shape {values.shape}, expected ({n},): one a row, or the name of a "
            "column"
        )
    return values


def numbers(X: Any, given: Any, n: int, what: str) -> Array:
    """The same as finite floats."""
    made = one_column(X, given, n, what)
    try:
        values = np.asarray(made, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"got text in {what}, expected a number in every row") from None
    wrong = ~np.isfinite(values)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"got {what} = {values[i]} at row {i}, expected a finite number")
    return values


def beside(X: Any, told: Beside, n: int, trials: bool) -> Array:
    """The columns between design and response, (n, 1) or (n, 2): offset, trials."""
    offset = np.zeros(n) if told.offset is None else numbers(X, told.offset, n, "offset")
    if not trials:
        if told.trials is not None:
            raise ValueError("got trials, which only family='binomial' has; leave them out")
        return offset[:, None]
    made = np.ones(n) if told.trials is None else numbers(X, told.trials, n, "trials")
    wrong = ~((made >= 0) & (np.floor(made) == made))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"got trials = {made[i]:g} at row {i}, expected a whole number of at least 0"
        )
    return np.column_stack([offset, made])


def known_responses(y: Array) -> NDArray[np.bool_]:
    """Which responses are not missing; of the others a warning tells that they are left out."""
    known = ~np.isnan(y)
    if not known.all():
        missing = int((~known).sum())
        rows = "1 row has" if missing == 1 else f"{missing} rows have"
        warnings.warn(
            f"{rows} no response and {'is' if missing == 1 else 'are'} left out: integrated over "
            "what it could be, a missing response tells nothing of the parameters",
            DataWarning,
            stacklevel=5,
        )
    return known


def units(rows: Any) -> Array:
    """The rows, or the first of each group."""
    return rows.firsts(rows.x) if isinstance(rows, GroupedRows) else rows.x


def refuse_dependent(which: Sequence[int], columns: Sequence[str], where: str) -> None:
    """Refuse a design of which a column follows from those before it.

    Raises
    ------
    ValueError
        Naming the first such column.
    """
    if which:
        j = which[0]
        before = ", ".join(map(repr, columns[:j])) if j else "none"
        raise ValueError(
            f"column {columns[j]!r} of the {where} is a linear combination of those before it "
            f"({before}), so its coefficients have no estimate; leave one of them out"
        )


def no_maximum(why: str) -> str:
    """Of a fit in which every start collapsed: the engine's reason."""
    return (
        "Fitting the mixture failed because in every start some component went through too few "
        "different rows; use fewer components or another random_state, or put a floor under the "
        f"variances with reg_variance. {why}"
    )


def columns_in(expression: str | None) -> tuple[str, ...]:
    """The columns that an expression needs; none where there is none."""
    return () if expression is None else names(expression)
