"""The scale on which each column is modelled, and the way back for what was imputed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TRANSFORMS = ("log", "sqrt", "logit")


class Scale(NamedTuple):
    """One column's scale.

    Attributes
    ----------
    transform : {"", "log", "sqrt", "logit"}
        What the column is modelled as.
    low, high : float
        Between which imputed values lie, in the user's units.
    whole : bool
        Whether they are whole numbers.
    levels : tuple of float
        The only values that there are, in order; empty where any may be.
    """

    transform: str = ""
    low: float = -np.inf
    high: float = np.inf
    whole: bool = False
    levels: tuple[float, ...] = ()

    def into(self, x: Array) -> Array:
        """The values on the scale of the model."""
        if self.transform == "log":
            return np.log(x)
        if self.transform == "logit":
            return logit(x)
        return np.sqrt(x) if self.transform == "sqrt" else x

    def limits(self) -> tuple[float, float]:
        """`low` and `high` on the scale of the model."""
        if not self.transform:
            return self.low, self.high
        most = 1.0 if self.transform == "logit" else np.inf
        with np.errstate(divide="ignore"):
            ends = self.into(np.clip([self.low, self.high], 0.0, most))
        return float(ends[0]), float(ends[1])

    def back(self, y: Array) -> Array:
        """Imputed values in the user's units: the inverse of `into`, then rounded and bounded."""
        if self.transform == "log":
            y = np.exp(y)
        elif self.transform == "sqrt":
            y = np.maximum(y, 0.0) ** 2
        elif self.transform == "logit":
            y = expit(y)
        low, high = self.low, self.high
        if self.whole:
            y, low, high = np.round(y), np.ceil(low), np.floor(high)
        y = np.clip(y, low, high)
        return nearest(y, np.array(self.levels)) if self.levels else y


def nearest(y: Array, levels: Array) -> Array:
    """Of sorted levels the nearest to each value, the lower of two.

    Examples
    --------
    >>> nearest(np.array([-1.0, 1.4, 1.6, 9.0]), np.array([1.0, 2.0, 5.0]))
    array([1., 1., 2., 5.])
    """
    return levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, y)]


def scales_of(
    names: Sequence[str],
    transforms: Mapping[Any, str] | None,
    bounds: Mapping[Any, tuple[Any, Any]] | None,
    integers: Iterable[Any],
    ordered: Iterable[Any],
    ends: tuple[Array, Array] | None = None,
) -> list[Scale]:
    """The scale of every column, its levels not yet known: those of `ordered` have nan.

    `ends` (d,) are the bounds of columns for which there are no others.

    Raises
    ------
    ValueError
        If a column is not there, or what is said of one makes no sense.
    """
    made = [Scale() for _ in names]
    if ends is not None:
        made = [Scale(low=low, high=high) for low, high in zip(*ends, strict=True)]
    for column, transform in (transforms or {}).items():
        if transform not in TRANSFORMS:
            raise ValueError(
                f"got {transform!r} for column {column!r} in transforms, expected 'log', 'sqrt' or "
                "'logit'"
            )
        j = position(column, names, "transforms")
        made[j] = made[j]._replace(transform=transform)
    for column, ends in (bounds or {}).items():
        j = position(column, names, "bounds")
        low, high = _ends(column, ends)
        made[j] = made[j]._replace(low=low, high=high)
    for column in integers:
        j = position(column, names, "integers")
        made[j] = made[j]._replace(whole=True)
    for column in ordered:
        j = position(column, names, "ordered")
        made[j] = made[j]._replace(levels=(np.nan,))
    return made


def _ends(column: Any, ends: Any) -> tuple[float, float]:
    try:
        low, high = ends
        low, high = (
            -np.inf if low is None else float(low),
            np.inf if high is None else float(high),
        )
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high:
        raise ValueError(
            f"got {ends!r} for column {column!r} in bounds, expected two numbers, the lower one "
            "first, or None where there is no bound"
        )
    return low, high


def ends_of(least: Any, most: Any, d: int) -> tuple[Array, Array]:
    """`min_value` and `max_value` of an imputer, one for each of d columns.

    Raises
    ------
    ValueError
        If they are not as many as columns, or a least value is not below a largest one.
    """
    made: list[Array] = []
    for name, given, none in (("min_value", least, -np.inf), ("max_value", most, np.inf)):
        values = np.asarray(none if given is None else given, dtype=np.float64)
        values = np.where(np.isnan(values), none, values)
        if values.ndim > 1 or values.size not in (1, d):
            raise ValueError(
                f"got {name} of shape {values.shape}, expected a number or {d}, one for each column"
            )
        made.append(np.broadcast_to(values.ravel() if values.size == 1 else values, (d,)))
    wrong = ~(made[0] < made[1])
    if wrong.any():
        j = int(np.argmax(wrong))
        raise ValueError(
            f"got min_value {made[0][j]:g} and max_value {made[1][j]:g} for column {j}, expected "
            "the former to be less"
        )
    return made[0], made[1]


def position(column: Any, names: Sequence[str], where: str) -> int:
    """Where a column is, that was given by its name or number."""
    if isinstance(column, str):
        if column in names:
            return list(names).index(column)
    elif -len(names) <= column < len(names):
        return int(column) % len(names)
    raise ValueError(
        f"got the column {column!r} in {where}, expected one of {', '.join(names[:8])}"
        f"{', ...' if len(names) > 8 else ''} or its number"
    )


def learnt(
    scales: Sequence[Scale],
    x: Array,
    names: Sequence[str],
    categories: Mapping[int, Sequence[str]],
) -> list[Scale]:
    """The scales with the levels that ordered columns have in x (n, d), or as `categories`.

    Raises
    ------
    ValueError
        If a value cannot be transformed, naming the first.
    """
    made: list[Scale] = []
    for j, scale in enumerate(scales):
        require_possible(scale, x[:, j], names[j])
        if scale.levels:
            seen = np.unique(x[~np.isnan(x[:, j]), j])
            if j in categories:
                seen = np.arange(len(categories[j]), dtype=np.float64)
            scale = scale._replace(levels=tuple(float(level) for level in seen))
        made.append(scale)
    return made


def require_possible(scale: Scale, column: Array, name: str) -> None:
    """Refuse a column that has no logarithm or square root somewhere."""
    if not scale.transform:
        return
    kinds = {
        "log": (column <= 0, "above 0"),
        "sqrt": (column < 0, "of at least 0"),
        "logit": ((column <= 0) | (column >= 1), "between 0 and 1"),
    }
    wrong, range_ = kinds[scale.transform]
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"got {column[i]:g} at row {i} of column {name!r}, expected numbers {range_} for "
            f"transforms={{{name!r}: {scale.transform!r}}}; move the column or leave it as it is"
        )


def outside(scales: Sequence[Scale], y: Array, hidden: Mask) -> Mask:
    """Rows of which a hidden cell, on the model's scale, breaks its bounds, (n,)."""
    wrong = np.zeros(len(y), dtype=np.bool_)
    for j, scale in enumerate(scales):
        low, high = scale.limits()
        if np.isfinite([low, high]).any():
            wrong |= hidden[:, j] & ((y[:, j] < low) | (y[:, j] > high))
    return wrong
