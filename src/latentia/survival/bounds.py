"""What is known of times, read and checked: lower and upper bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.mixture import errors

Array = NDArray[np.float64]


def read_bounds(estimator: Any, X: Any, *, lowest: float, reset: bool) -> Array:
    """Bounds of each time, (n, 2), nan replaced by what may be at most.

    Parameters
    ----------
    estimator : estimator
        Gets the names of the columns where `reset` says that it is being fitted.
    X : array-like of shape (n, 2)
    lowest : float
        What stands for a lower bound that is not known.
    reset : bool

    Raises
    ------
    ValueError
        If there are not two columns, or if a row's bounds are none.
    """
    return _checked(np.asarray(errors.validated(estimator, X, reset=reset), np.float64), lowest)


def checked_times(time: Any) -> Array:
    """Times at which a curve is asked for.

    Raises
    ------
    ValueError
        If they are not numbers, or one is nan.
    """
    try:
        at = np.asarray(time, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"got time={time!r}, expected numbers") from None
    if np.isnan(at).any():
        raise ValueError("got nan as a time, expected times at which survival is asked for")
    return at


def checked_bounds(y: Any, n: int, lowest: float) -> Array:
    """Bounds of responses, (n, 2), from bounds or from values that are known, (n,).

    Parameters
    ----------
    y : array-like of shape (n,) or (n, 2)
    n : int
        How many rows there are.
    lowest : float
        What stands for a lower bound that is not known.

    Raises
    ------
    ValueError
        If they are not numbers, not as many, or a row's bounds are none.
    """
    try:
        if np.asarray(y).dtype.kind in "mM":
            raise TypeError("dates or times")
        given = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("got responses that are not all numbers, expected numbers") from None
    if given.ndim == 1:
        if not np.isfinite(given).all():
            i = int(np.argmin(np.isfinite(given)))
            raise ValueError(
                f"got {given[i]:g} as the response in row {i}, expected a finite number; where "
                "only bounds are known, give two columns"
            )
        given = np.stack([given, given], axis=1)
    if given.ndim != 2 or len(given) != n:
        raise ValueError(f"got responses of shape {given.shape}, expected ({n},) or ({n}, 2)")
    return _checked(given, lowest)


def _checked(x: Array, lowest: float) -> Array:
    if x.shape[1] != 2:
        raise ValueError(
            f"got {x.shape[1]} columns, expected two: the lower and the upper bound of each time, "
            "equal where the time is known, the upper infinite or nan where it is not over yet"
        )
    low = np.where(np.isnan(x[:, 0]), lowest, x[:, 0])
    high = np.where(np.isnan(x[:, 1]), np.inf, x[:, 1])
    wrong = ~(low <= high) | (low < lowest) | np.isposinf(low) | np.isneginf(high)
    if wrong.any():
        i = int(np.argmax(wrong))
        least = "" if np.isneginf(lowest) else f" and at least {lowest:g}"
        raise ValueError(
            f"got bounds {x[i, 0]:g} and {x[i, 1]:g} in row {i}, expected a lower bound of at most "
            f"the upper one{least}"
        )
    return np.stack([low, high], axis=1)
