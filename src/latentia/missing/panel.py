"""Panels: what time and unit add to the columns of a model, as trends, lags and leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from .scales import position

Array = NDArray[np.float64]
Places = NDArray[np.intp]

CUBIC = 3
"""Degree of splines."""


class Panel(NamedTuple):
    """Rows that are units at times, and how values go with time.

    Attributes
    ----------
    time : column
        When, by name or number: numbers or dates, none missing. Not modelled by itself.
    unit : column, optional
        Of whom: any numbers or texts, none missing. One unit by default.
    polynomial : int, optional
        A trend of this degree in time; 0 is a level, which says something only `per_unit`.
    spline : int, optional
        Instead a cubic spline of so many functions, 4 or more: with ``spline - 3`` knots at equal
        distances inside the times of the fit.
    per_unit : bool, default=False
        A level, and a trend, for each unit.
    lags, leads : sequence of columns, default=()
        Columns whose values of the time before, or after, of the same unit are modelled beside
        them. Before means the row before in the order of time, whatever the distance.

    References
    ----------
    Honaker & King (2010), What to do about missing values in time-series cross-section data,
    American Journal of Political Science 54, 561-581, sec. 3; `polynomial`, `spline` and
    `per_unit` are Amelia's polytime, splinetime and intercs.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia import EMImputer
    >>> from latentia.missing import Panel
    >>> years = np.arange(2000.0, 2006.0)
    >>> x = np.column_stack([years, [10.0, 12.0, np.nan, 16.0, 18.1, 20.0]])
    >>> EMImputer(panel=Panel(0, polynomial=1), ridge=0).fit_transform(x)[2].round(1)
    array([2002.,   14.])
    """

    time: Any
    unit: Any = None
    polynomial: int | None = None
    spline: int | None = None
    per_unit: bool = False
    lags: Sequence[Any] = ()
    leads: Sequence[Any] = ()


def require_sense(panel: Panel) -> None:
    """Refuse what makes no sense of a panel.

    Raises
    ------
    ValueError
        In one sentence.
    """
    if panel.polynomial is not None and panel.spline is not None:
        raise ValueError(
            f"got polynomial={panel.polynomial!r} and spline={panel.spline!r}, expected one trend; "
            "leave one of the two out"
        )
    for name, least in (("polynomial", 0), ("spline", CUBIC + 1)):
        value = getattr(panel, name)
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least):
            raise ValueError(
                f"got {name}={value!r} in a panel, expected a whole number of at least {least}"
            )
    if panel.per_unit and panel.unit is None:
        raise ValueError("got per_unit=True in a panel without unit, expected the column of units")
    for name in ("lags", "leads"):
        if isinstance(getattr(panel, name), str):
            raise ValueError(
                f"got {name}={getattr(panel, name)!r} in a panel, expected a list of columns"
            )


def places_of(panel: Panel | None, names: Sequence[str]) -> dict[str, Any]:
    """The columns of a panel by number."""
    if panel is None:
        return {"time": None, "unit": None, "lags": (), "leads": ()}
    require_sense(panel)
    return {
        "time": position(panel.time, names, "panel"),
        "unit": None if panel.unit is None else position(panel.unit, names, "panel"),
        "lags": tuple(position(c, names, "lags") for c in panel.lags),
        "leads": tuple(position(c, names, "leads") for c in panel.leads),
    }


class Trend(NamedTuple):
    """The functions of time and unit that a fit has columns of.

    Attributes
    ----------
    middle, half : float
        Of the times of the fit: in between time goes from -1 to 1.
    degree : int
        Of a polynomial; 0 for none.
    knots : array of shape (t,)
        Of a spline, in that scale; empty for a polynomial.
    units : array of shape (u,)
        Those that have a level and a trend of their own; empty where none has.
    """

    middle: float
    half: float
    degree: int
    knots: Array
    units: Array

    def basis(self, time: Array) -> Array:
        """Functions of time that are no constants, (n, b)."""
        t = (time - self.middle) / self.half
        if not self.knots.size:
            return np.asarray(legvander(t, self.degree)[:, 1:], dtype=np.float64)
        made = BSpline.design_matrix(t, self.knots, CUBIC, extrapolate=True).toarray()
        return np.asarray(made[:, 1:], dtype=np.float64)  # all of them sum to one

    def columns(self, time: Array, unit: Array) -> Array:
        """The columns of rows at these times, of these units, (n, c)."""
        basis = self.basis(time)
        if not self.units.size:
            return basis
        member = (unit[:, None] == self.units).astype(np.float64)
        own = member[:, :, None] * np.column_stack([np.ones(len(time)), basis])[:, None, :]
        return own.reshape(len(time), -1)[:, 1:]  # the mean is the first unit's level

    def names(self, units: Sequence[str]) -> list[str]:
        """What its columns are called, units having these names."""
        width = self.basis(np.zeros(1)).shape[1]
        if not self.units.size:
            return [f"trend {i + 1}" for i in range(width)]
        each = [[f"level of {u}", *(f"trend {i + 1} of {u}" for i in range(width))] for u in units]
        return [name for names in each for name in names][1:]


def trend_of(panel: Panel, time: Array, unit: Array) -> Trend:
    """The trend of a panel with these times and units, coded as numbers."""
    low, high = float(time.min()), float(time.max())
    half = (high - low) / 2 if high > low else 1.0
    knots = np.empty(0)
    if panel.spline is not None:
        inner = np.linspace(-1.0, 1.0, panel.spline - CUBIC + 2)
        knots = np.concatenate([[-1.0] * CUBIC, inner, [1.0] * CUBIC])
    units = np.unique(unit) if panel.per_unit else np.empty(0)
    return Trend((low + high) / 2, half, panel.polynomial or 0, knots, units)


def neighbours(time: Array, unit: Array) -> tuple[Places, Places]:
    """The rows before and after each one of the same unit, in order of time; -1 where none is.

    Raises
    ------
    ValueError
        If a unit has two rows of one time.

    Examples
    --------
    >>> neighbours(np.array([2.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0]))
    (array([ 1, -1, -1]), array([-1,  0, -1]))
    """
    order = np.lexsort((time, unit))
    same = unit[order[1:]] == unit[order[:-1]]
    twice = same & (time[order[1:]] == time[order[:-1]])
    if twice.any():
        at = int(np.argmax(twice))
        i, j = sorted((int(order[at]), int(order[at + 1])))
        raise ValueError(
            f"got rows {i} and {j} of one unit at the same time {time[i]:g}, expected one row for "
            "each unit and time, without which lags and leads have no meaning"
        )
    before, after = np.full(len(time), -1), np.full(len(time), -1)
    before[order[1:][same]] = order[:-1][same]
    after[order[:-1][same]] = order[1:][same]
    return before.astype(np.intp), after.astype(np.intp)


def moved(column: Array, rows: Places) -> Array:
    """The values of a column at other rows; nan where there is none."""
    return np.where(rows >= 0, column[rows], np.nan)
