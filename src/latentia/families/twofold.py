"""Second moments in twice the precision, so that they can be moved without cancelling.

A moment is a sum of two numbers, high + low. The high parts are whole multiples of one quantum,
so that adding those of many chunks is exact, and the low parts hold what is left. Sums and
multiples of such pairs are taken part by part, as the engine adds statistics.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

QUANTUM = 2.0**-24
"""In the frame's unit: sums below 2**28 have exact high parts; the low ones round at 2**-78."""

_ROUNDING = 1.5 * 2.0**52 * QUANTUM
_SPLIT = 2.0**27 + 1


class Low(NamedTuple):
    """What the high parts of the moments leave over: shapes (K,), (K, d) and (K, d, d)."""

    count: Array
    first: Array
    second: Array


def nothing(n_components: int, n_features: int) -> Low:
    """Low parts where the high parts are all there is."""
    k, d = n_components, n_features
    return Low(np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d)))


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b and its rounding error, exactly (Knuth 1969, sec. 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """a b and its rounding error, exactly (Dekker 1971)."""
    product = a * b
    a_high, b_high = _upper_half(a), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _upper_half(a: Array) -> Array:
    wide = _SPLIT * a
    return wide - (wide - a)


def _settled(high: Array, low: Array) -> tuple[Array, Array]:
    """The same sum with its high part on the quantum."""
    rounded = (high + _ROUNDING) - _ROUNDING
    return rounded, (high - rounded) + low


def _swapped(a: Array) -> Array:
    return np.swapaxes(a, 1, 2)


def about_zero(
    count: Array, first: Array, second: Array, centre: Array
) -> tuple[Array, Array, Array, Low]:
    """Moments about zero from moments about `centre`.

    Parameters
    ----------
    count : array of shape (K,)
    first : array of shape (K, d)
        sum_i r_ik (z_i - c_k).
    second : array of shape (K, d, d)
        sum_i r_ik (z_i - c_k)(z_i - c_k)ᵀ.
    centre : array of shape (K, d)

    Returns
    -------
    count, first, second : array
        High parts.
    low : Low
    """
    moved, moved_low = _two_product(count[:, None], centre)
    high, error = _two_sum(moved, first)
    first_high, first_low = _settled(high, moved_low + error)
    row, column = centre[:, :, None], centre[:, None, :]
    high, low = _two_product(moved[:, :, None], column)
    low = low + moved_low[:, :, None] * column
    crossed, crossed_low = _two_product(first[:, :, None], column)
    for term, rest in (
        (crossed, crossed_low),
        (_swapped(crossed), _swapped(crossed_low)),
        (second, np.zeros_like(row)),
    ):
        high, error = _two_sum(high, term)
        low = low + (error + rest)
    high, low = _settled(high, low)  # only now is the mean with the transpose exact
    second_high, second_low = (high + _swapped(high)) / 2, (low + _swapped(low)) / 2
    count_high, count_low = _settled(count, np.zeros_like(count))
    return count_high, first_high, second_high, Low(count_low, first_low, second_low)


def deviation(count: Array, first: Array, low: Low, means: Array) -> Array:
    """sum_i r_ik (z_i - m_k) from moments about zero, shape (K, d)."""
    product, error = _two_product(count[:, None], means)
    high, rest = _two_sum(first, -product)
    return high + (rest + (low.first - error - low.count[:, None] * means))


def scatter(count: Array, first: Array, second: Array, low: Low, means: Array) -> Array:
    """sum_i r_ik (z_i - m_k)(z_i - m_k)ᵀ from moments about zero, shape (K, d, d)."""
    column = means[:, None, :]
    if not any(part.any() for part in low):  # sums in single floats have no more digits to lose
        moved = second - first[:, :, None] * column
        moved += (count[:, None] * means - first)[:, :, None] * column
        return (moved + _swapped(moved)) / 2
    crossed, crossed_low = _two_product(-first[:, :, None], column)
    crossed_low = crossed_low - low.first[:, :, None] * column
    weighted, weighted_low = _two_product(count[:, None], means)
    weighted_low = weighted_low + low.count[:, None] * means
    squared, squared_low = _two_product(weighted[:, :, None], column)
    squared_low = squared_low + weighted_low[:, :, None] * column
    high, rest = second, low.second
    for term, term_low in (
        (crossed, crossed_low),
        (_swapped(crossed), _swapped(crossed_low)),
        (squared, squared_low),
    ):
        high, error = _two_sum(high, term)
        rest = rest + (error + term_low)
    moved = high + rest
    return (moved + _swapped(moved)) / 2
