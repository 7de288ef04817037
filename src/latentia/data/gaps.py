"""Times that are missing from a data frame, put in as rows of which nothing is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DataError
from .sequences import in_sequences


def with_gaps(frame: Any, time: str, *, id: str | None = None, step: Any = 1) -> Any:
    """The rows of a data frame at equal steps of time: steps without a row get one of nan.

    A hidden Markov model then knows how long a gap was: only the chain moves on in it.

    Parameters
    ----------
    frame : data frame
        Of pandas, polars or Arrow; its columns of numbers are taken.
    time : str
        The column of times, which are numbers or dates.
    id : str, optional
        The column that says which sequence a row belongs to; one if it is left out.
    step : number or timedelta, default=1
        How far apart two steps are, in the unit of `time`.

    Returns
    -------
    data frame
        Of the same kind: `id`, `time` and the columns of numbers, sequence after sequence in the
        order in which they first appear, each in the order of time.

    Raises
    ------
    DataError
        If a column is absent, if the step is not above 0, if a time is missing or is no whole
        number of steps after the first of its sequence, or if two rows have the same.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentia.data.gaps import with_gaps
    >>> frame = pd.DataFrame({"year": [1900, 1901, 1904], "count": [13, 14, 10]})
    >>> print(with_gaps(frame, "year").to_string(index=False))
     year  count
     1900   13.0
     1901   14.0
     1902    NaN
     1903    NaN
     1904   10.0
    """
    import narwhals as nw

    from .frames import frame_to_matrix

    try:
        data = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise DataError(f"got a {type(frame).__name__}, expected a data frame") from None
    for name in (id, time):
        if name is not None and name not in data.columns:
            there = ", ".join(map(str, data.columns))
            raise DataError(f"there is no column {name!r}; there are {there}")
    rest = data.drop([name for name in (id, time) if name is not None])
    x, columns, _ = frame_to_matrix(rest.to_native(), allow_missing=True)
    labels = None if id is None else data.get_column(id).to_numpy()
    times = data.get_column(time).to_numpy()
    ragged = in_sequences(np.arange(len(x), dtype=np.float64)[:, None], labels, times)
    order = ragged.x[:, 0].astype(np.intp)
    place = _places(times[order], ragged.sizes, step, time)
    last = np.cumsum(ragged.sizes) - 1
    sizes = place[last] + 1
    at = place + np.repeat(np.cumsum(sizes) - sizes, ragged.sizes)
    made = np.full((int(sizes.sum()), x.shape[1]), np.nan)
    made[at] = x[order]
    first = np.repeat(times[order][last - ragged.sizes + 1], sizes)
    inside = np.arange(len(made)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    full: dict[str, Any] = {}
    if labels is not None and id is not None:
        full[id] = np.repeat(labels[order][last], sizes)
    full[time] = first + inside * step
    full.update({name: made[:, j] for j, name in enumerate(columns)})
    return nw.from_dict(full, backend=data.implementation).to_native()


def _places(times: Any, sizes: Any, step: Any, name: str) -> Any:
    """How many steps each row is after the first of its sequence, as whole numbers."""
    if np.asarray(times != times).any():
        i = int(np.argmax(np.asarray(times != times)))
        raise DataError(f"got no time in row {i} of {name!r}, expected one in every row")
    width = np.asarray(step)
    if width.dtype.kind == "O" or not width > np.zeros((), width.dtype):
        raise DataError(f"got step={step!r}, expected a number above 0, or a numpy.timedelta64")
    began = np.repeat(times[np.cumsum(sizes) - sizes], sizes)
    try:
        exact = np.asarray((times - began) / step, dtype=np.float64)
    except TypeError as error:
        raise DataError(
            f"got step={step!r} for times of type {times.dtype}, expected a timedelta for dates "
            "and a number for numbers"
        ) from error
    whole = np.round(exact)
    off = np.abs(exact - whole) > 1e-6
    if off.any():
        i = int(np.argmax(off))
        raise DataError(
            f"got time {times[i]!s}, which is {exact[i]:g} steps after the first of its sequence; "
            "expected a whole number: give another step, or round times"
        )
    return whole.astype(np.intp)
