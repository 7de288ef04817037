"""Weighted moments of K components about a common origin, and moved to any other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import twofold
from .covariance import Covariance

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """Weighted moments about zero.

    Attributes
    ----------
    weight : array of shape (K,)
    first : array of shape (K, d)
    second : array
        In the covariance structure's shape.
    low : Low or ()
        What these three leave over, where they are kept in twice the precision.
    """

    weight: Array
    first: Array
    second: Array
    low: Any = ()


def about_zero(
    covariance: Covariance,
    weight: Array,
    first: Array,
    second: Array,
    centre: Array,
    careful: bool,
) -> Moments:
    """Moments about zero from moments (K,), (K, d), (K, d, d) about centres (K, d).

    `careful` says that they are to be kept in twice the precision, as thin components need; only
    matrices of their own are.
    """
    full = covariance.form == "full"
    if careful and full:
        return Moments(*twofold.about_zero(weight, first, second, centre))
    outer, once = covariance.outer, np.ones(len(weight))
    moved = 2 * outer(once, first, centre) + outer(weight, centre, centre)
    total = first + weight[:, None] * centre
    low = twofold.nothing(*centre.shape) if full else ()
    return Moments(weight, total, covariance.summed(second) + moved, low)


def plain(covariance: Covariance, weight: Array, first: Array, second: Array) -> Moments:
    """Moments about zero in single floats."""
    low = twofold.nothing(*first.shape) if covariance.form == "full" else ()
    return Moments(weight, first, second, low)


def of_rows(covariance: Covariance, z: Array, resp: Array, centre: Array | None) -> Moments:
    """Moments of rows (n, d) with responsibilities (K, n).

    With `centre`, (K, d), matrices are summed about it and kept in twice the precision.
    """
    count = resp.sum(axis=1)
    if centre is None or covariance.form != "full":
        return plain(covariance, count, resp @ z, covariance.second(z, resp.T))
    first, second = np.empty_like(centre), np.empty((*centre.shape, z.shape[1]))
    for k, (r, mean) in enumerate(zip(resp, centre, strict=True)):
        y = z - mean
        yr = y * r[:, None]
        first[k], second[k] = yr.sum(axis=0), yr.T @ y
    return Moments(*twofold.about_zero(count, first, second, centre))


def weight(moments: Moments) -> Array:
    """The weights, (K,)."""
    low = moments.low
    return moments.weight + low.count if isinstance(low, twofold.Low) else moments.weight


def first(moments: Moments) -> Array:
    """The first moments about zero, (K, d)."""
    low = moments.low
    return moments.first + low.first if isinstance(low, twofold.Low) else moments.first


def deviation(moments: Moments, means: Array) -> Array:
    """The first moments about `means`, (K, d)."""
    low = moments.low
    if isinstance(low, twofold.Low):
        return twofold.deviation(moments.weight, moments.first, low, means)
    return moments.first - moments.weight[:, None] * means


def scatter(covariance: Covariance, moments: Moments, means: Array) -> Array:
    """The second moments about `means`, in the structure's shape."""
    low = moments.low
    if isinstance(low, twofold.Low):
        return twofold.scatter(*moments[:3], low, means)
    cross = covariance.outer(np.ones(len(means)), moments.first, means)
    return moments.second - 2 * cross + covariance.outer(moments.weight, means, means)


def centres(moments: Moments, otherwise: Array) -> Array:
    """The weighted means, (K, d), and what stands in `otherwise` where there is no weight."""
    total = weight(moments)
    alive = total > 0
    return np.where(
        alive[:, None], first(moments) / np.where(alive, total, 1.0)[:, None], otherwise
    )
