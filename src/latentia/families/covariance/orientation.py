"""The axes that maximise q, by whether components share them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import DegenerateError
from latentia.engine.space.recent import Recent

from .levels import EMPTY, ROUNDED, levels, newton_step
from .pattern import EQUAL, OWN, Pattern

Array = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]

SWEEPS = 500
ENOUGH = 1e-14
"""What a further round may gain, per row, where there is none."""

_NEWTONS = 100


def axes_of(matrices: Array) -> tuple[Array, Array]:
    """Eigenvalues, the largest first and none below zero, and eigenvectors: (..., d), (..., d, d).

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not finite.
    """
    return _eigen(matrices)


def _found_eigen(matrices: Array) -> tuple[Array, Array]:
    values, vectors = np.linalg.eigh(matrices)
    return np.maximum(values[..., ::-1], 0.0), vectors[..., ::-1]


_eigen = Recent(_found_eigen)


def assembled(values: Array, axes: Array) -> Array:
    """D diag(values) Dᵀ, exactly symmetric, (K, d, d)."""
    product = (axes * values[..., None, :]) @ np.swapaxes(axes, -1, -2)
    return (product + np.swapaxes(product, -1, -2)) / 2


def along(axes: Array, matrices: Array) -> Array:
    """The diagonals of Dᵀ W_k D, (K, d)."""
    return np.einsum("kij,kij->kj", np.broadcast_to(axes, matrices.shape), matrices @ axes)


def oriented_maximum(
    pattern: Pattern, count: Array, scatter: Array, floor: float, previous: Array | None
) -> Array:
    """The covariances that maximise q, (K, d, d), given the scatter about the means (K, d, d).

    Own axes are each component's eigenvectors (Celeux & Govaert 1995, sec. 4: EEV, VEV, EVV).
    Common ones (VEE, EVE, VVE) and the variances along them are found in turn, from the previous
    ones on; q rises in every turn.
    """
    scatter = (scatter + np.swapaxes(scatter, 1, 2)) / 2
    if pattern.orientation == OWN:
        values, axes = axes_of(scatter)
        old, alive = None, count > EMPTY
        if previous is not None and (pattern.volume == OWN or not alive.all()):
            old, old_axes = axes_of(previous)
            axes = np.where(alive[:, None, None], axes, old_axes)
        return assembled(levels(pattern.volume, pattern.shape, count, values, floor, old), axes)
    if pattern.shape == EQUAL and ((count > EMPTY) & (np.einsum("kii->k", scatter) > 0)).all():
        try:
            made = volumes_apart(count, scatter, previous)
            if not floor or np.linalg.eigvalsh(made).min() >= floor:
                return made
        except DegenerateError:
            if not floor:
                raise
    if previous is not None:
        axes = common_axes(previous)
        found = _climbed(pattern, count, scatter, floor, axes, along(axes, previous))
        if floor and (found[0] <= floor).any():
            others = _unheld(pattern, count, scatter, floor, axes)
            found = min([found, *others], key=_height)
        values, axes, _ = found
    else:
        _, pooled = axes_of(scatter.sum(axis=0))
        own = [] if pattern.shape == EQUAL else list(axes_of(scatter)[1])
        tried = [_climbed(pattern, count, scatter, floor, each, None) for each in (pooled, *own)]
        values, axes, _ = min(tried, key=_height)
    return assembled(values, axes)


def _unheld(
    pattern: Pattern, count: Array, scatter: Array, floor: float, axes: Array
) -> list[tuple[Array, Array, float]]:
    """The same from the axes that are best without the floor, where there are such.

    Axes along which the floor holds all variances are of no account to `turned`, so that a climb
    under a floor may be stuck at them.
    """
    try:
        _, axes, _ = _climbed(pattern, count, scatter, 0.0, axes, None)
    except DegenerateError:
        return []
    return [_climbed(pattern, count, scatter, floor, axes, None)]


def _height(found: tuple[Array, Array, float]) -> float:
    return found[2]


def volumes_apart(count: Array, scatter: Array, previous: Array | None) -> Array:
    """Matrices exp(v_k) C that differ in volume alone (VEE), under no floor.

    Given the v_k, C is the mean of the exp(-v_k) W_k (Celeux & Govaert 1995, sec. 4, VEE). What is
    left, the sum of d n_k v_k + n log|C|, is convex in the v_k; Newton's steps find its minimum.
    """
    n, d = count.sum(), scatter.shape[1]
    v = np.zeros(len(count))
    if previous is not None:
        v = np.linalg.slogdet(previous)[1] / d
        v -= v[0]
    value, promised = np.inf, np.inf
    for _ in range(_NEWTONS):
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.exp(-v)[:, None, None] * scatter
            common = scaled.sum(axis=0) / n
            sign, log_det = np.linalg.slogdet(common)
        if not (sign > 0 and np.isfinite(log_det)):
            raise DegenerateError("the shape that components share is singular")
        if promised <= ENOUGH * n:
            break
        relative = np.linalg.solve(common, scaled)
        trace = np.einsum("kii->k", relative)
        slope = d * count - trace
        curvature = np.diag(trace) - np.einsum("kij,lji->kl", relative, relative) / n
        # all volumes up and the shape down is no change
        step = newton_step(curvature, slope, np.ones(len(v)))
        promised = float(-slope @ step)
        value = float(d * (count @ v) + n * log_det)
        v = _lower(v, step, value, count, scatter)
    return np.exp(v)[:, None, None] * (common + common.T) / 2


def _lower(v: Array, step: Array, value: float, count: Array, scatter: Array) -> Array:
    """The first of the step, its half, and so on that does not raise the cost, but by rounding."""
    n, d = count.sum(), scatter.shape[1]
    for _ in range(20):
        with np.errstate(over="ignore", invalid="ignore"):  # a step may be far too long
            common = np.einsum("k,kij->ij", np.exp(-v - step), scatter) / n
            log_det = np.linalg.slogdet(common)[1]
        if d * (count @ (v + step)) + n * log_det <= value + ROUNDED * abs(value):
            return v + step
        step = step / 2
    return v


def _climbed(
    pattern: Pattern,
    count: Array,
    scatter: Array,
    floor: float,
    axes: Array,
    values: Array | None,
) -> tuple[Array, Array, float]:
    """Variances, common axes and the cost where neither alone can be bettered."""
    cost, inside = np.inf, axes.T @ scatter @ axes
    found = values
    for _ in range(SWEEPS):
        seen = np.maximum(np.einsum("kii->ki", inside), 0.0)
        found = levels(pattern.volume, pattern.shape, count, seen, floor, found)
        if not (found > 0).all():
            raise DegenerateError("a component has no extent along one of its axes")
        before, cost = cost, _cost(count, seen, found)
        if not cost < before - ENOUGH * count.sum():
            break
        if pattern.shape == EQUAL:
            volume = np.exp(np.log(found).mean(axis=1))
            _, axes = axes_of(np.einsum("k,kij->ij", 1 / volume, scatter))
            inside = axes.T @ scatter @ axes
        else:
            axes, inside = turned(axes, inside, 1 / found)
    assert found is not None
    return found, _orthonormal(axes), cost


def _orthonormal(axes: Array) -> Array:
    """Axes without the rounding of many rotations."""
    left, _, right = np.linalg.svd(axes)
    return left @ right


def _cost(count: Array, seen: Array, values: Array) -> float:
    """Minus twice q, short of a constant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((count[:, None] * np.log(values) + seen / values).sum())


def turned(axes: Array, inside: Array, precision: Array) -> tuple[Array, Array]:
    """Common axes with a lower sum_kj precision_kj d_jᵀ W_k d_j: one round of plane rotations.

    In the plane of two axes the sum is a constant and a cosine of twice the angle, whose minimum
    is known; d / 2 planes that have no axis in common are turned at once. A Jacobi method as that
    of Flury & Gautschi (1986), for which Browne & McNicholas (2014) take majorants.

    Parameters
    ----------
    axes : array of shape (d, d)
    inside : array of shape (K, d, d)
        Dᵀ W_k D, which are turned too.
    precision : array of shape (K, d)
    """
    for p, q in rounds_of_pairs(len(axes)):
        apart = precision[:, p] - precision[:, q]
        across = inside[:, p, p] - inside[:, q, q]
        cosine, sine = (across * apart).sum(axis=0) / 2, (inside[:, p, q] * apart).sum(axis=0)
        angle = np.where((cosine == 0) & (sine == 0), 0.0, np.arctan2(-sine, -cosine) / 2)
        rotation = np.eye(len(axes))
        rotation[p, p] = rotation[q, q] = np.cos(angle)
        rotation[q, p] = np.sin(angle)
        rotation[p, q] = -rotation[q, p]
        axes, inside = axes @ rotation, rotation.T @ inside @ rotation
    return axes, inside


@cache
def rounds_of_pairs(d: int) -> tuple[Pairs, ...]:
    """All pairs of d axes in rounds of disjoint ones, as a tournament is drawn up."""
    seats = list(range(d + d % 2))
    made: list[Pairs] = []
    for _ in range(len(seats) - 1):
        tables = zip(seats[: len(seats) // 2], reversed(seats), strict=False)
        pairs = [(min(a, b), max(a, b)) for a, b in tables if max(a, b) < d]
        if pairs:
            first, second = np.array(pairs, dtype=np.intp).T
            made.append((first, second))
        seats = [seats[0], seats[-1], *seats[1:-1]]
    return tuple(made)


def common_axes(matrices: Array) -> Array:
    """The axes of matrices that have them in common, (d, d), to rounding.

    The eigenvectors of a sum tell them unless two of its eigenvalues are close; plane rotations
    towards the least product of variances (Flury & Gautschi 1986) make up for that. They are the
    same in any unit, so those of the same matrices in another are found again.
    """
    _, exponent = np.frexp(np.abs(matrices).max())
    return _common_axes(np.ldexp(matrices, -exponent))


def _found_axes(matrices: Array) -> Array:
    size = np.exp(np.log(np.maximum(axes_of(matrices)[0], EMPTY)).mean(axis=1))
    alike = matrices / size[:, None, None]
    weight = 1 + np.modf(np.arange(len(alike)) * 0.6180339887498949)[0]
    _, axes = axes_of(np.einsum("k,kij->ij", weight, alike))
    for _ in range(20):
        inside = axes.T @ alike @ axes
        values = np.maximum(np.einsum("kii->ki", inside), EMPTY)
        unit = np.sqrt(values[:, :, None] * values[:, None, :])
        off = np.abs(inside / unit - np.eye(len(axes)))
        if off.max() <= 1e-12:
            break
        axes, _ = turned(axes, inside, 1 / values)
    return axes


_common_axes = Recent(_found_axes)
