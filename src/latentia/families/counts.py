"""Probabilities of counts without cancelling, however large the counts are (Loader 2000).

log x! is about x log x, and the logarithm of a probability is the small difference of several
such numbers. Written with deviances and the error of Stirling's formula nothing cancels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from .cells import first_fault, over_columns

Array = NDArray[np.float64]

LARGEST = 2.0**53
"""The last count up to which every whole number is a float."""

WHOLE = "expected a whole number of at least 0"

_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_LARGE = 16.0


def is_count(x: Array) -> NDArray[np.bool_]:
    """Whether each entry is a whole number from 0 to `LARGEST`; nan is not."""
    with np.errstate(invalid="ignore"):
        return (x >= 0) & (x <= LARGEST) & (np.floor(x) == x)


def count_fault(x: Array) -> tuple[int, int, str] | None:
    """The first cell that is no count, if any: `Family.fault`; nan is not looked at."""
    found = first_fault(~(is_count(x) | np.isnan(x)), WHOLE)
    if found is None or not x[found[:2]] > LARGEST:
        return found
    return *found[:2], "expected a count that a float holds exactly, up to 2^53; count in thousands"


def over_counts(x: Array, each: Callable[[int, Array], Array], most: Array | None = None) -> Array:
    """Log-densities added up over columns of counts, (n, K), over the cells that are known.

    `each` takes a column's number and counts (m, 1), and returns (m, K); of what is no count,
    or above the column's `most` (d,), the result is -inf.
    """

    def column(j: int, values: Array) -> Array:
        possible = is_count(values) if most is None else is_count(values) & (values <= most[j])
        known = np.where(possible, values, 0.0)[:, None]
        return np.where(possible[:, None], each(j, known), -np.inf)

    return over_columns(x, column)


def half_log(x: Array) -> Array:
    """log(2πx) / 2, and 0 at 0."""
    return np.where(x > 0, np.log(2 * np.pi * np.where(x > 0, x, 1.0)) / 2, 0.0)


def stirling_error(x: Array) -> Array:
    """log Γ(x + 1) - (x log x - x + half_log(x)), x ≥ 0 (Abramowitz & Stegun 1964, 6.1.41)."""
    x = np.asarray(x, dtype=np.float64)
    small = x < _LARGE
    near = np.where(small, x, 1.0)
    exact = gammaln(near + 1) - (xlogy(near, near) - near + half_log(near))
    inverse = 1 / np.where(small, _LARGE, x)
    series = np.zeros_like(x)
    for coefficient in reversed(_STIRLING):
        series = series * inverse**2 + coefficient
    return np.where(small, exact, series * inverse)


def log_factorial(x: Array) -> Array:
    """log x! of counts."""
    return _looked_up(_LOG_FACTORIALS, lambda large: gammaln(large + 1), x)


def log_factorial_rest(x: Array) -> Array:
    """log x! - (x log x - x) of counts: what they lose at their most likely mean."""
    return _looked_up(_RESTS, lambda large: stirling_error(large) + half_log(large), x)


def _looked_up(table: Array, of_large: Callable[[Array], Array], x: Array) -> Array:
    """A function of counts, from a table where these are small, as most are."""
    x = np.asarray(x, dtype=np.float64)
    large = ~(x < len(table))
    made = table[np.where(large, 0.0, x).astype(np.intp)]
    return np.where(large, of_large(np.where(large, x, 1.0)), made) if large.any() else made


def deviance(x: Array, mean: Array) -> Array:
    """x log(x / mean) - x + mean: what a Poisson count loses against its most likely mean.

    Broadcasts. Infinite where the mean is 0 and x is not.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        off = (x - mean) / mean
        near = x * np.log1p(off) - (x - mean)
        far = xlogy(x, x) - xlogy(x, mean) - (x - mean)
        return np.where(np.abs(off) < 1, near, np.where((mean == 0) & (x == 0), 0.0, far))


_FIRST = np.arange(256.0)
_LOG_FACTORIALS = gammaln(_FIRST + 1)
_RESTS = stirling_error(_FIRST) + half_log(_FIRST)
