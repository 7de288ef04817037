"""The columns of a table as those of a normal distribution, and the way back for what is filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import panel, scales
from .columns import Columns
from .scales import Scale

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Design(NamedTuple):
    """What a normal distribution is fitted to.

    Its columns are first those that are modelled as numbers, on their scales, then a column of
    0 and 1 for each category of a nominal column but its first, then lags and leads, then trends.

    Attributes
    ----------
    columns : Columns
        Of the table; `modelled` are those of numbers alone.
    scales : tuple of Scale
        Of each column of the table.
    nominal : dict of int to array
        The categories, as numbers, of nominal columns that vary.
    lags, leads : tuple of int
        Columns of the table.
    time, unit : int or None
    trend : Trend or None
    varying : array of bool, shape (c,)
        Which of the trend's columns vary.
    names : tuple of str
        Of the design's columns.
    """

    columns: Columns
    scales: tuple[Scale, ...]
    nominal: dict[int, Array]
    lags: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    time: int | None = None
    unit: int | None = None
    trend: panel.Trend | None = None
    varying: Any = np.empty(0, dtype=np.bool_)
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many columns there are to a model."""
        return len(self.names)

    def into(self, x: Any, hidden: Mask, names: Sequence[str]) -> Array:
        """Rows of the table (n, d) as those of the model; nan where they are missing.

        Raises
        ------
        ValueError
            If a value has no logarithm, a category is not known, or a unit.
        """
        own = self._numbers(x, hidden, names)
        parts = [own]
        for j, levels in self.nominal.items():
            parts.append(_indicators(x[:, j], hidden[:, j], levels, names[j]))
        if self.time is not None:
            time, unit = self._when(x, hidden, names)
            if self.lags or self.leads:
                before, after = panel.neighbours(time, unit)
                for chosen, rows in ((self.lags, before), (self.leads, after)):
                    for j in chosen:
                        parts.append(panel.moved(own[:, self._place(j)], rows)[:, None])
            if self.trend is not None:
                parts.append(self.trend.columns(time, unit)[:, self.varying])
        return np.hstack(parts)

    def _place(self, column: int) -> int:
        return int(np.flatnonzero(self.columns.modelled == column)[0])

    def _numbers(self, x: Any, hidden: Mask, names: Sequence[str]) -> Array:
        used = self.columns.modelled
        y = np.where(hidden[:, used], np.nan, x[:, used]).astype(np.float64)
        for at, j in enumerate(map(int, used)):
            scales.require_possible(self.scales[j], y[:, at], names[j])
            y[:, at] = self.scales[j].into(y[:, at])
        return y

    def _when(self, x: Any, hidden: Mask, names: Sequence[str]) -> tuple[Array, Array]:
        """Time and unit of rows."""
        assert self.time is not None
        for j in (self.time, self.unit):
            if j is not None and hidden[:, j].any():
                raise ValueError(
                    f"got no value at row {int(np.argmax(hidden[:, j]))} of column {names[j]!r}, "
                    "expected time and unit of every row of a panel; leave such rows out"
                )
        time = np.asarray(x[:, self.time], dtype=np.float64)
        unit = np.zeros(len(x)) if self.unit is None else np.asarray(x[:, self.unit], np.float64)
        if self.trend is not None and self.trend.units.size:
            new = ~np.isin(unit, self.trend.units)
            if new.any():
                i = int(np.argmax(new))
                raise ValueError(
                    f"got a unit at row {i} of column {names[self.unit or 0]!r} that was not in "
                    "the fit, expected one of those, as only they have a level and a trend"
                )
        return time, unit

    def back(self, y: Array, x: Any, hidden: Mask, rng: np.random.Generator | None) -> Any:
        """The table with its missing cells filled in from the model's completed rows y.

        Of a nominal column the category is the most probable one, or drawn where there is a
        generator; its 0 and 1, cut off there, are taken for probabilities (Honaker, King &
        Blackwell 2011, Journal of Statistical Software 45(7), sec. 4.6).
        """
        out, constant = np.array(x), self.columns.constant
        for j in np.flatnonzero(~np.isnan(constant)):
            out[hidden[:, j], j] = constant[j]
        if not self.size:
            return out
        for at, j in enumerate(self.columns.modelled):
            mine = hidden[:, j]
            out[mine, j] = self.scales[j].back(y[mine, at])
        at = len(self.columns.modelled)
        for j, levels in self.nominal.items():
            mine = hidden[:, j]
            out[mine, j] = levels[_chosen(y[mine, at : at + len(levels) - 1], rng)]
            at += len(levels) - 1
        return out

    def limits(self) -> list[Scale]:
        """The scale of each of the model's columns, for their bounds."""
        own = [self.scales[j] for j in self.columns.modelled]
        return own + [Scale()] * (self.size - len(own))


def _indicators(column: Array, hidden: Mask, levels: Array, name: str) -> Array:
    seen = ~hidden
    new = seen & ~np.isin(column, levels)
    if new.any():
        i = int(np.argmax(new))
        raise ValueError(
            f"got {column[i]:g} at row {i} of the nominal column {name!r}, expected one of the "
            f"{len(levels)} values that the fit has seen"
        )
    member = (np.asarray(column, np.float64)[:, None] == levels[1:]).astype(np.float64)
    member[hidden] = np.nan
    return member


def _chosen(y: Array, rng: np.random.Generator | None) -> NDArray[np.intp]:
    """The number of a category for rows of indicators (n, L - 1)."""
    share = np.clip(y, 0.0, 1.0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1.0)
    share = np.column_stack([1.0 - share.sum(axis=1), share])
    if rng is None:
        return share.argmax(axis=1)
    below = np.cumsum(share, axis=1)
    drawn = rng.random((len(y), 1)) * below[:, -1:]
    return np.minimum((drawn >= below).sum(axis=1), share.shape[1] - 1)


def made(
    x: Any,
    hidden: Mask,
    weights: Array,
    columns: Columns,
    known: Sequence[Scale],
    nominal: frozenset[int],
    given: panel.Panel | None,
    places: dict[str, Any],
    names: Sequence[str],
    texts: Mapping[int, Sequence[str]],
) -> Design:
    """The design of a table.

    Parameters
    ----------
    x, hidden : arrays of shape (n, d)
    weights : array of shape (n,)
    columns : Columns
        What becomes of each, nominal ones among those that are modelled.
    known : sequence of Scale
    nominal : frozenset of int
    given : Panel or None
    places : dict
        Of ``time``, ``unit``, ``lags`` and ``leads``: the numbers of their columns.
    names : sequence of str
        Of the columns.
    texts : mapping of int to sequence of str
        What the numbers of a column stand for, where these are places among texts.

    Raises
    ------
    ValueError
        If what is said of a panel makes no sense of these rows.
    """
    used = columns.modelled
    plain = used[~np.isin(used, list(nominal))]
    levels = {
        int(j): np.unique(x[~hidden[:, j] & (weights > 0), j]).astype(np.float64)
        for j in used
        if int(j) in nominal
    }
    own = columns._replace(modelled=plain)
    called = [names[int(j)] for j in plain]

    def label(j: int | None, value: float) -> str:
        return texts[j][int(value)] if j is not None and j in texts else f"{value:g}"

    called += [f"{names[j]}={label(j, v)}" for j, each in levels.items() for v in each[1:]]
    made = Design(own, tuple(known), levels, names=tuple(called))
    if given is None:
        return made
    made = made._replace(**places)
    for j in (*made.lags, *made.leads):
        if j not in plain:
            raise ValueError(
                f"got the column {names[j]!r} in lags or leads of a panel, expected columns that "
                "are modelled as numbers that vary"
            )
    called += [f"lag of {names[j]}" for j in made.lags]
    called += [f"lead of {names[j]}" for j in made.leads]
    time, unit = made._when(x, hidden, names)
    trend = panel.trend_of(given, time, unit)
    units = [label(made.unit, u) for u in trend.units]
    columns_of = trend.columns(time, unit)
    varying = np.ptp(columns_of[weights > 0], axis=0) > 0
    named = [name for name, varies in zip(trend.names(units), varying, strict=True) if varies]
    return made._replace(trend=trend, varying=varying, names=(*called, *named))
