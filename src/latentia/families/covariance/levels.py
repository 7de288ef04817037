"""The variances along given axes that maximise q, by how volume and shape are shared.

With the scatter m_kj of component k along axis j, all of these minimise

    sum_kj n_k s_kj + m_kj exp(-s_kj)

in the logarithms s_kj of the variances. Volume and shape being shared is linear in s, and so is
a floor: every one of these problems is convex and has one minimum.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.optimize import brentq

from latentia.engine.space import DegenerateError

from .pattern import EQUAL, OWN

Array = NDArray[np.float64]

_lapack: Any = lapack

EMPTY = 1e-300
"""A component with no more rows than this has none: it keeps what is its own."""

_STEPS = 200
_ENOUGH = 1e-12
"""What a Newton step promises, per row, where it is the last: it squares what is left."""

ROUNDED = 8 * float(np.finfo(float).eps)
"""The share of a cost that is rounding."""

_FLAT = 1e-12
"""Less curvature than this, relative to that along the axes, is rounding."""

_SINGULAR = "components that differ in volume alone became singular"


def levels(
    volume: str, shape: str, count: Array, scatter: Array, floor: float, previous: Array | None
) -> Array:
    """The variances along the axes, (K, d).

    Parameters
    ----------
    volume, shape : {"E", "V"}
    count : array of shape (K,)
    scatter : array of shape (K, d)
        sum_i r_ik y_ij² along each axis.
    floor : float
        A bound under every variance.
    previous : array of shape (K, d) or None
        Where to go on from, and what components without rows keep of their own.

    Raises
    ------
    DegenerateError
        If a variance that others are measured by vanishes, or the scatter is not finite.
    """
    if not np.isfinite(scatter).all():
        raise DegenerateError("the scatter about the means is not finite")
    scatter = np.maximum(scatter, 0.0)  # but for rounding
    alive = count > EMPTY
    if not alive.all() and previous is not None and alive.any():
        return _with_empty(volume, shape, alive, count, scatter, floor, previous)
    if shape == EQUAL and volume == EQUAL:
        pooled = np.maximum(scatter.sum(axis=0) / count.sum(), floor)
        return np.broadcast_to(pooled, scatter.shape).copy()
    if shape == OWN and volume == OWN:
        return np.maximum(scatter / count[:, None], floor)
    if volume == OWN:
        return np.exp(_common_shape(count, scatter, floor, previous))
    return np.exp(_common_volume(count, scatter, floor))


def _with_empty(
    volume: str,
    shape: str,
    alive: NDArray[np.bool_],
    count: Array,
    scatter: Array,
    floor: float,
    previous: Array,
) -> Array:
    """Components without rows have the others' shape or volume, and the rest of their own."""
    made = previous.copy()
    made[alive] = levels(volume, shape, count[alive], scatter[alive], floor, previous[alive])
    if not (made[alive] > 0).all():
        raise DegenerateError("a component has no extent along one of its axes")
    old, new = np.log(previous[~alive]), np.log(made[alive][0])
    if shape == EQUAL:
        size = new.mean() if volume == EQUAL else old.mean(axis=1, keepdims=True)
        moved = np.atleast_2d(size + new - new.mean())
        short = _logarithm(floor) - moved.min(axis=1, keepdims=True)
        made[~alive] = np.exp(moved + np.maximum(short, 0.0))
    elif volume == EQUAL:
        made[~alive] = np.exp(_filled(old, new.mean(), _logarithm(floor))[0])
    return made


def _logarithm(value: Array | float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(value), dtype=np.float64)


def _common_volume(count: Array, scatter: Array, floor: float) -> Array:
    """log variances where all components have the volume exp(v) and each its shape.

    In closed form (Celeux & Govaert 1995, sec. 4, EVI) unless the floor is reached; then each
    component's entries rise to it at the cost of its others, and v is where the slope is zero.
    """
    seen, low = _logarithm(scatter), float(_logarithm(floor))
    mean = seen.mean(axis=1, keepdims=True)
    if np.isfinite(mean).all():
        volume = float(np.log(np.exp(mean - mean.max()).sum() / count.sum()) + mean.max())
        made = seen - mean + volume
        if (made >= low).all():
            return made
    elif not floor:
        raise DegenerateError("a component has no extent along one of its axes")
    if np.isneginf(seen).all():
        return np.full_like(seen, low)
    seen = np.maximum(seen, seen.max() + float(np.log(EMPTY)))  # so that differences are numbers

    def slope(volume: float) -> float:
        return float(np.exp(_filled(seen, volume, low)[1]).sum() / count.sum() - 1)

    top = max(float(seen.max() - np.log(count.min())), low) + 1
    if slope(low) <= 0:
        return np.full_like(seen, low)
    while slope(top) > 0:
        top += 1
    return _filled(seen, cast(float, brentq(slope, low, top, xtol=1e-15, rtol=1e-15)), low)[0]


def _filled(seen: Array, mean: Array | float, low: Array | float) -> tuple[Array, Array]:
    """max(seen - u, low) with u such that each row has this mean, and u, (K,).

    What the floor holds up is taken from the rest of the row.
    """
    d = seen.shape[1]
    ordered = -np.sort(-seen, axis=1)
    above = np.cumsum(ordered, axis=1)
    free = np.arange(1, d + 1)
    with np.errstate(invalid="ignore"):
        lift = (above - (d * mean - (d - free) * low if np.isfinite(low) else d * mean)) / free
        fits = ordered - lift >= low
    fits[:, 0] = True  # but for rounding
    last = d - 1 - np.argmax(fits[:, ::-1], axis=1) if np.isfinite(low) else d - 1
    lift = np.take_along_axis(lift, np.broadcast_to(last, len(seen))[:, None], axis=1)
    return np.maximum(seen - lift, low), lift[:, 0]


def _common_shape(count: Array, scatter: Array, floor: float, previous: Array | None) -> Array:
    """log variances v_k + u_j of components that differ in volume alone.

    One v_k after the other u_j (Celeux & Govaert 1995, sec. 4, VEI), and a Newton step in all of
    them. That all v_k + u_j lie above the floor is to say that for some origin of the v_k all of
    these are above zero and all u_j above the floor, so bounds hold entry by entry.
    """
    n_components, d = scatter.shape
    low, n = float(_logarithm(floor)), count.sum()
    if not floor and not (scatter.any(axis=0).all() and scatter.any(axis=1).all()):
        raise DegenerateError("all components, or one along all axes, have no extent")
    bound = np.concatenate([np.zeros(n_components), np.full(d, low)])
    if not floor:
        bound[:] = -np.inf
    rest = n * np.ones(d) if previous is None else np.log(previous).mean(axis=1)
    v = np.zeros(n_components) if previous is None else rest - rest.min()
    u = np.zeros(d)
    value = np.inf
    for _ in range(_STEPS):
        u = np.maximum(_logarithm(np.exp(-v) @ scatter / n), bound[n_components:])
        v = np.maximum(_logarithm(scatter @ np.exp(-u) / (d * count)), bound[:n_components])
        x = np.concatenate([v, u])
        before, value = value, _cost(x, count, scatter)
        if not np.isfinite(value):
            raise DegenerateError(_SINGULAR)
        step, promised = _newton(x, count, scatter, bound)
        x, value = _searched(x, step, value, count, scatter, bound)
        v, u = x[:n_components], x[n_components:]
        if promised <= _ENOUGH * n * d or not value < before:
            break
    return v[:, None] + u


def _cost(x: Array, count: Array, scatter: Array) -> float:
    v, u = x[: len(count)], x[len(count) :]
    with np.errstate(over="ignore"):
        height = len(u) * (count @ v) + count.sum() * u.sum()
        return float(height + np.exp(-v) @ scatter @ np.exp(-u))


def _newton(x: Array, count: Array, scatter: Array, bound: Array) -> tuple[Array, float]:
    """A Newton step in what is not held by a bound, and half of what it promises."""
    k, d = scatter.shape
    with np.errstate(over="ignore", invalid="ignore"):
        share = np.exp(-x[:k, None] - x[k:]) * scatter
    if not np.isfinite(share).all():
        raise DegenerateError(_SINGULAR)
    sums = np.concatenate([share.sum(axis=1), share.sum(axis=0)])
    slope = np.concatenate([d * count, np.full(d, count.sum())]) - sums
    free = ~((x <= bound) & (slope > 0))
    curvature = np.diag(sums)
    curvature[:k, k:], curvature[k:, :k] = share, share.T
    step = np.zeros_like(x)
    if not free.any():
        return step, 0.0
    if free.all():
        step = newton_step(curvature, slope, np.repeat([1.0, -1.0], (k, d)))
    else:
        step[free] = newton_step(curvature[np.ix_(free, free)], slope[free])
    return step, float(-slope @ step)


def newton_step(curvature: Array, slope: Array, level: Array | None = None) -> Array:
    """Where a convex function, by its second derivatives and its slope, seems to be lowest.

    Along `level`, if it is given, it has neither slope nor curvature, and the step goes nowhere.
    """
    made, known = curvature, np.diagonal(curvature)
    if level is not None:
        made = curvature + (float(known.mean()) / len(level)) * np.outer(level, level)
    factor, step, failed = _lapack.dposv(made, slope)
    if failed or not (np.diagonal(factor) ** 2 > _FLAT * known).all():
        step = np.linalg.lstsq(curvature, slope, rcond=_FLAT)[0]
    return -np.asarray(step, dtype=np.float64)


def _searched(
    x: Array, step: Array, value: float, count: Array, scatter: Array, bound: Array
) -> tuple[Array, float]:
    """The first of the step, its half, and so on that does not raise the cost, but by rounding."""
    allowed = value + ROUNDED * abs(value)
    for _ in range(20):
        ahead = np.maximum(x + step, bound)
        reached = _cost(ahead, count, scatter)
        if reached <= allowed:
            return ahead, reached
        step = step / 2
    return x, value
