"""What a regression of times can be estimated from, and in which units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.missing import holes

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
            left = int((~np.isnan(x[counted])).any(axis=0).sum())
            raise ValueError(
                f"column {name} has no value, so nothing of it can be estimated; leave it out"
                + (f": the other {left} can be used" if left else "")
            )
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
    _require_independent(x[counted], names)


def _require_independent(x: Array, names: Any) -> None:
    """Refuse covariates with holes that follow from one another in the rows that have all.

    Rows that have some of them cannot contradict that, so nothing bounds the likelihood.
    """
    whole = x[~np.isnan(x).any(axis=1)]
    d = x.shape[1]
    if len(whole) == len(x) or len(whole) < d + 2:
        return
    spread = whole.std(axis=0)
    if not (spread > 0).all():
        return
    _, lengths, axes = np.linalg.svd((whole - whole.mean(axis=0)) / spread, full_matrices=False)
    if lengths[-1] > 1e-9 * np.sqrt(len(whole)):
        return
    named = [f"{names[j]!r}" for j in range(d) if axes[-1, j] ** 2 > 1e-8]
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    raise ValueError(
        f"columns {', '.join(named[:6])}{more} follow from one another in the {len(whole)} rows "
        "that have all covariates, so the likelihood has no maximum; leave one of them out, "
        "whereupon the rest can be estimated"
    )


def apart(x: Array, weights: Array, names: Any) -> str | None:
    """Which covariates no row has together, and what that means, as a sentence begins."""
    pairs = holes.never_together(Rows(x, weights))
    if not pairs:
        return None
    i, j = pairs[0]
    more = f" (and {len(pairs) - 1} more such pairs)" if len(pairs) > 1 else ""
    return (
        f"columns {names[i]!r} and {names[j]!r} are never seen together{more}, so what "
        "either says beside the other rests on their normal distribution alone"
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
