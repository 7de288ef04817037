"""What a regression of times can be estimated from, and in which units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .censored import Units

Array = NDArray[np.float64]

NARROW = 1e-7
"""Width of an interval, against the spread of the responses, that counts as an exact time."""


def require_estimable(x: Array, bounds: Array, weights: Array, names: Any) -> None:
    """Refuse data whose likelihood has no maximum, by name."""
    counted = weights > 0
    low, high = bounds[counted].T
    if not np.isfinite(high).any():
        raise ValueError(
            "got no response with an upper bound, expected some that are known or over: where all "
            "are still to come, the later the better"
        )
    if not np.isfinite(low).any():
        raise ValueError(
            "got no response with a lower bound, expected some that are known or begun: where all "
            "have come at an unknown time before, the earlier the better"
        )
    for j, name in enumerate(names):
        seen = x[counted, j]
        seen = seen[~np.isnan(seen)]
        if len(seen) == 0:
            raise ValueError(f"column {name} has no value; leave it out")
        if (seen == seen[0]).all():
            raise ValueError(
                f"column {name} is {seen[0]:g} in every row that has it, which the constant says "
                "already; leave it out"
            )
    centre, spread = np.nanmean(x[counted], axis=0), np.nanstd(x[counted], axis=0)
    filled = np.nan_to_num((x[counted] - centre) / spread)
    root = np.linalg.qr(np.column_stack([np.ones(len(filled)), filled]), mode="r")
    left = np.abs(np.diagonal(root)) / np.sqrt(len(filled))
    if len(left) < x.shape[1] + 1 or (left < 1e-9).any():
        if len(left) < x.shape[1] + 1:
            raise ValueError(
                f"got {len(filled)} rows for {x.shape[1] + 1} coefficients, expected more rows "
                "than that"
            )
        j = int(np.argmax(left < 1e-9)) - 1
        raise ValueError(
            f"column {names[j]} follows from the columns before it; leave it out, or one of them"
        )


def in_units(x: Array, bounds: Array, weights: Array) -> tuple[Array, Units]:
    """Bounds with very narrow intervals as exact, and origins and units of data."""
    counted = weights > 0
    centre, spread = np.nanmean(x[counted], axis=0), np.nanstd(x[counted], axis=0)
    low, high = bounds.T
    some = np.where(np.isfinite(low), low, high)
    some = some[counted & np.isfinite(some)]
    middle, unit = float(some.mean()), float(some.std()) or 1.0
    with np.errstate(invalid="ignore"):
        narrow = (high - low < NARROW * unit) & (low < high)
    exact = np.where(narrow, (low + high) / 2, 0.0)[:, None]
    return np.where(narrow[:, None], exact, bounds), Units(centre, spread, middle, unit)
