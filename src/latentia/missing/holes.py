"""What holes leave without an estimate: named before a fit, or after it failed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.estimator import feature_names
from latentia.mixture import errors
from latentia.mixture.errors import DataWarning

Array = NDArray[np.float64]

ROUNDING = 1e-13
"""Times the number of columns: an eigenvalue of correlations below it cannot be told from 0."""

PARTS = 0.05
"""A column's share of the direction in which rows do not vary, from which on it is named."""

PARTS_NEAR = 1e-3
"""The same where a ridge blurs that direction, of columns to be looked at."""

PARTS_EXACT = 1e-8
"""The same of the direction in rows that have all of these columns."""


def rows_of(estimator: Any, X: Any, sample_weight: Any, *, reset: bool) -> Rows:
    """Rows in which cells may be missing, but none infinite, and how often each counts."""
    x = errors.validated(estimator, without_marks(X), reset=reset)
    require_no_infinity(x, feature_names(estimator, x.shape[1]), type(estimator).__name__)
    return Rows(x, errors.checked_weights(sample_weight, x))


def without_marks(X: Any) -> Any:
    """X with pandas' NA among objects as nan; anything else as it is."""
    if type(X).__module__.startswith("pandas") and hasattr(X, "columns"):
        return X.where(X.notna()) if any(kind.kind == "O" for kind in X.dtypes) else X
    if not isinstance(X, np.ndarray) or X.dtype != object:
        return X
    is_mark = np.frompyfunc(lambda cell: type(cell).__name__ == "NAType", 1, 1)
    marks = np.asarray(is_mark(X), dtype=np.bool_)
    return np.where(marks, np.nan, X) if marks.any() else X


def require_no_infinity(x: Any, names: Sequence[str], whose: str) -> None:
    """Refuse infinite cells, naming the first."""
    wrong = np.isinf(x)
    if wrong.any():
        i, j = (int(a) for a in np.argwhere(wrong)[0])
        raise ValueError(
            f"Input X contains inf (infinity) at row {i}, column {names[j]!r}: {whose} needs "
            "finite numbers, and nan where a value is missing"
        )


def unseen(x: Any, weights: Array) -> NDArray[np.bool_]:
    """Which columns have no value at all, (d,)."""
    return ~((~np.isnan(x)) & (weights > 0)[:, None]).any(axis=0)


def constant(x: Any, weights: Array) -> NDArray[np.bool_]:
    """Which columns have one value only, however often, (d,)."""
    known = x[weights > 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a value
        return np.nanmin(known, axis=0) == np.nanmax(known, axis=0)


def require_estimable(rows: Rows, names: Sequence[str]) -> None:
    """Refuse columns of which there is too little to estimate; warn of rows without a value.

    Raises
    ------
    ValueError
        If a column has no value, or only one.
    """
    nothing = unseen(rows.x, rows.weights)
    if nothing.any():
        raise ValueError(
            f"column {names[int(np.argmax(nothing))]!r} has no value at all, so nothing of it can "
            f"be estimated; leave it out: {_others(~nothing)}"
        )
    same = constant(rows.x, rows.weights)
    if same.any():
        j = int(np.argmax(same))
        seen = rows.x[(rows.weights > 0) & ~np.isnan(rows.x[:, j]), j]
        what = "one value" if len(seen) == 1 else f"the same value ({seen[0]:g}) in every row"
        raise ValueError(
            f"column {names[j]!r} has {what}, so its variance and covariances cannot be "
            f"estimated, only its mean; leave it out: {_others(~same)}"
        )
    warn_of_empty(rows, stacklevel=5)


def warn_of_empty(rows: Rows, stacklevel: int = 4) -> None:
    """Say which rows have no value."""
    empty = np.isnan(rows.x).all(axis=1) & (rows.weights > 0)
    if empty.any():
        n, i = int(empty.sum()), int(np.argmax(empty))
        what = f"row {i} has no value" if n == 1 else f"{n} rows have no value, the first row {i}"
        warnings.warn(
            f"{what}: nothing can be learnt from {'it' if n == 1 else 'them'}, and estimates are "
            f"of the other {len(rows) - n}",
            DataWarning,
            stacklevel=stacklevel,
        )


def _others(kept: NDArray[np.bool_]) -> str:
    n = int(kept.sum())
    if not n:
        return "no other column can be estimated either"
    return f"the other {n} can be estimated" if n > 1 else "the other one can be estimated"


def never_together(rows: Rows) -> list[tuple[int, int]]:
    """Pairs of columns (i < j) of which no row has both."""
    d = rows.x.shape[1]
    together = np.zeros((d, d), dtype=np.bool_)
    for block in rows.blocks(4_096):
        known = ((~np.isnan(block.x)) & (block.weights > 0)[:, None]).astype(np.float32)
        together |= known.T @ known > 0
        if together.all():  # as a rule after the first block
            break
    i, j = np.nonzero(np.triu(~together, 1))
    return list(zip(i.tolist(), j.tolist(), strict=True))


def warn_of(pairs: Sequence[tuple[int, int]], names: Sequence[str], ridge: float) -> None:
    """Say which covariances the data do not determine."""
    if not pairs:
        return
    i, j = pairs[0]
    more = f" (and {len(pairs) - 1} more such pairs)" if len(pairs) > 1 else ""
    what = (
        f"it is what ridge={ridge:g} makes of it"
        if ridge
        else "what stands there follows from where the climb began, and has no standard error"
    )
    warnings.warn(
        f"columns {names[i]!r} and {names[j]!r} are never seen together{more}, so their "
        f"covariance cannot be estimated: {what}; means, variances and the other covariances are "
        "estimated as ever",
        DataWarning,
        stacklevel=4,
    )


def warn_of_dependent(rows: Rows, covariance: Array, names: Sequence[str], ridge: float) -> None:
    """Say which columns follow from one another in the rows that have all of them.

    The ridge keeps their covariance from being singular; without one there is no fit. Nothing is
    said where so few rows have all of these columns that any would.
    """
    d, n = len(covariance), float(rows.weights.sum())
    if not ridge or d < 2:
        return
    values, axes = _in_correlations(covariance)
    near = np.flatnonzero(axes[:, 0] ** 2 > PARTS_NEAR)
    known = rows.x[:, near]
    whole = ~np.isnan(known).any(axis=1) & (rows.weights > 0)
    n_whole = float(rows.weights[whole].sum())
    as_if_none = ridge / (n_whole + ridge)  # the least eigenvalue, were there no variation
    if len(near) < 2 or whole.sum() <= len(near) or values[0] > 3 * as_if_none:
        return
    z = np.asarray(known[whole], dtype=np.float64)
    z = (z - z.mean(axis=0)) / np.sqrt(np.diagonal(covariance)[near])
    lengths, own = np.linalg.eigh(z.T @ z / len(z))
    if lengths[0] >= d * ROUNDING:
        return
    named = near[own[:, 0] ** 2 > PARTS_EXACT]
    listed = ", ".join(repr(str(names[j])) for j in named[:6])
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    warnings.warn(
        f"columns {listed}{more} follow from one another in all {n_whole:g} of {n:g} rows that "
        f"have them, so how far they part elsewhere is what ridge={ridge:g} makes of it; all else "
        "is estimated as ever, and to leave one of them out loses nothing",
        DataWarning,
        stacklevel=4,
    )


def _in_correlations(covariance: Array) -> tuple[Array, Array]:
    """Eigenvalues and axes of the correlation matrix."""
    spread = np.sqrt(np.maximum(np.diagonal(covariance), np.finfo(np.float64).tiny))
    values, axes = np.linalg.eigh(covariance / np.outer(spread, spread))
    return values, axes


def is_singular(covariance: Array) -> bool:
    """Whether columns follow from one another but for rounding."""
    return bool(_in_correlations(covariance)[0][0] < len(covariance) * ROUNDING)


def singular(
    covariance: Array, n_rows: int, names: Sequence[str], advice: str = ", or give ridge=1"
) -> str:
    """A sentence on columns that follow from one another, from the covariance that showed it."""
    _, axes = _in_correlations(covariance)
    share = axes[:, 0] ** 2
    named = [names[j] for j in range(len(share)) if share[j] > PARTS]
    listed = ", ".join(repr(name) for name in named[:6])
    more = f" and {len(named) - 6} more" if len(named) > 6 else ""
    if len(named) > 1:
        told = f"columns {listed}{more} follow from one another in the rows that are seen"
    else:
        told = f"column {listed} does not vary given the others"
    few = f" ({n_rows} rows of {len(names)} columns)" if n_rows <= 2 * len(names) else ""
    return (
        f"{told}{few}, so their covariance is singular and the likelihood has no maximum; leave "
        f"one of them out, whereupon the rest can be estimated{advice}"
    )
