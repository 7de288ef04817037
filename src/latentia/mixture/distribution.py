"""The distribution function of a mixture in one dimension, and its inverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentia.families.family import Family

from .model import MixtureParams

Array = NDArray[np.float64]

MOST_HALVINGS = 2200
"""From the largest float to the smallest by halves, and on to its neighbour."""


def cdf(family: Family[Any, Any], params: MixtureParams, x: ArrayLike) -> Array:
    """P(X <= x), in the shape of `x`; nan where it is."""
    at = np.asarray(x, dtype=np.float64)
    each = family.cdf(params.components, at.reshape(-1, 1))
    mixed = np.clip(each @ params.weights, 0.0, 1.0)
    return np.where(np.isnan(at), np.nan, mixed.reshape(at.shape))


def quantile(below: Callable[[Array], Array], p: ArrayLike) -> Array:
    """The smallest x with P(X <= x) >= p, in the shape of `p`, by halving to the last bit.

    Parameters
    ----------
    below : callable
        The distribution function, of an array.
    p : array-like
        Probabilities strictly between 0 and 1.

    Raises
    ------
    ValueError
        If one is not.
    """
    asked = np.asarray(p, dtype=np.float64)
    wrong = ~((asked > 0) & (asked < 1))
    if wrong.any():
        raise ValueError(
            f"got the probability {asked[wrong].flat[0]:g}, expected one between 0 and 1"
        )
    flat = asked.ravel()
    low, high = np.full(flat.shape, -1.0), np.full(flat.shape, 1.0)
    largest = np.finfo(np.float64).max
    for _ in range(1024):
        short = below(high) < flat
        over = below(low) >= flat
        if not (short | over).any():
            break
        high = np.where(short, np.minimum(2 * high, largest), high)
        low = np.where(over, np.maximum(2 * low, -largest), low)
    for _ in range(MOST_HALVINGS):
        middle = low / 2 + high / 2
        done = (middle <= low) | (middle >= high)
        if done.all():
            break
        reached = below(middle) >= flat
        high = np.where(reached & ~done, middle, high)
        low = np.where(~reached & ~done, middle, low)
    return high.reshape(asked.shape)
