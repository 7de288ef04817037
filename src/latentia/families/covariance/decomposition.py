"""Covariances as volume, shape and orientation, in which all that a pattern leaves free is free."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .orientation import along, assembled, axes_of, common_axes
from .pattern import EQUAL, OWN, Pattern

Array = NDArray[np.float64]

_TIED = 1e-9
"""Logarithms of variances nearer than this leave their axes undecided."""


class Factors(NamedTuple):
    """log lambda_k, log A_k and D_k of covariances lambda_k D_k A_k D_kᵀ.

    Attributes
    ----------
    volume : array of shape (K,), or (1,) where it is shared
        Logarithms.
    shape : array of shape (K, d) or (1, d)
        Logarithms of the diagonals of A_k, which add up to 0.
    orientation : array of shape (K, d, d) or (1, d, d)
        Axes in columns.
    """

    volume: Array
    shape: Array
    orientation: Array


def factors_of(pattern: Pattern, value: Array, n_features: int) -> Factors:
    """What covariances of a pattern are made of.

    Parameters
    ----------
    pattern : Pattern
    value : array of shape (K, d, d), (K, d) or (K,)
        Matrices, their diagonals, or multiples of the identity.
    n_features : int
    """
    axes, values = np.eye(n_features)[None], value
    if value.ndim == 1:
        values = value[:, None]
    elif value.ndim == 3:
        if pattern.orientation == OWN:
            values, axes = axes_of(value)
        else:
            axes = _shared_axes(pattern, value)[None]
            values = along(axes, value)
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.maximum(values, 0.0))
    size = logarithms.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        relative = logarithms - size
    if pattern.volume == EQUAL:
        size = size.mean(axis=0, keepdims=True)
    if pattern.shape != OWN:
        relative = relative.mean(axis=0, keepdims=True)
    if value.ndim == 1:
        relative = np.zeros((1, n_features))
    return Factors(size[:, 0], relative, axes)


def _shared_axes(pattern: Pattern, matrices: Array) -> Array:
    if pattern.shape == OWN:
        return common_axes(matrices)
    size = np.einsum("kii->k", matrices)  # alike but for their volume
    return axes_of((matrices / np.where(size > 0, size, 1.0)[:, None, None]).mean(axis=0))[1]


def value_of(factors: Factors, n_components: int, n_axes: int) -> Array:
    """The covariances that factors make, `n_axes` of them long: the inverse of `factors_of`."""
    d = factors.shape.shape[1]
    if n_axes == 1:
        return np.full(n_components, np.exp(factors.volume))
    values = np.empty((n_components, d))
    np.exp(factors.volume[:, None] + factors.shape, out=values[:])
    return values if n_axes == 2 else assembled(values, factors.orientation)


def turns(factors: Factors) -> Array:
    """How far each pair of axes may turn for a step of one, in the order of Cayley's coordinates.

    A row's information on the angle is (a - b)² / (a b) where a, b are the variances along the two
    (Flury & Gautschi 1986), so that thin components turn little.
    """
    below = np.tril_indices(factors.shape.shape[1], -1)
    a, b = (factors.shape[:, axis] for axis in below)
    with np.errstate(over="ignore", invalid="ignore"):
        known = 2 * np.abs(np.sinh((a - b) / 2))
    if len(factors.orientation) == 1:
        known = np.sqrt((known**2).mean(axis=0, keepdims=True))
    known = np.broadcast_to(known, (len(factors.orientation), known.shape[1]))
    return 1 / np.clip(np.nan_to_num(known, nan=1.0), 1.0, 1e8).ravel()


def chained(factors: Factors, gradient: Array) -> Factors:
    """A gradient in the covariances, turned into one in their factors by the chain rule."""
    volume, shape, axes = factors
    values, in_axes = np.exp(volume[:, None] + shape), np.zeros_like(axes)
    if gradient.ndim == 1:
        in_shape = gradient[:, None] * values / values.shape[1]
    elif gradient.ndim == 2:
        in_shape = gradient * values
    else:
        turned = gradient @ axes
        in_shape = np.einsum("kij,kij->kj", np.broadcast_to(axes, turned.shape), turned) * values
        in_axes = 2 * turned * values[:, None, :]
    slopes = (in_shape.sum(axis=1), in_shape, in_axes)
    each = zip(slopes, factors, strict=True)
    return Factors(*(s if len(s) == len(f) else s.sum(axis=0, keepdims=True) for s, f in each))


def aligned(factors: Factors, base: Factors) -> Factors:
    """The same covariances by axes in the order and the directions nearest to those of `base`.

    Where components share a shape or their axes, all of them are put in the same order.
    """
    volume, shape, axes = factors
    axes = _undecided(shape, axes, base.orientation)
    overlap = np.swapaxes(base.orientation, 1, 2) @ axes
    together = len(shape) == 1 or len(axes) == 1
    if together:
        order = _order((overlap**2).sum(axis=0))
        axes, shape, overlap = axes[:, :, order], shape[:, order], overlap[:, :, order]
    else:
        orders = np.stack([_order(each) for each in overlap**2])
        axes = np.take_along_axis(axes, orders[:, None, :], axis=2)
        overlap = np.take_along_axis(overlap, orders[:, None, :], axis=2)
        shape = np.take_along_axis(shape, orders, axis=1)
    straight = np.einsum("kii->ki", overlap)
    sign = np.where(straight < 0, -1.0, 1.0)
    reflected = np.linalg.det(overlap) * sign.prod(axis=1) < 0
    weakest = np.abs(straight).argmin(axis=1)
    sign[reflected, weakest[reflected]] *= -1  # a rotation then, which Cayley's transform reaches
    return Factors(volume, shape, axes * sign[:, None, :])


def _undecided(shape: Array, axes: Array, base: Array) -> Array:
    """`axes`, turned towards those of `base` where they may be: among axes of one variance."""
    alike = np.abs(shape[:, :, None] - shape[:, None, :]) <= _TIED
    alike &= ~np.eye(shape.shape[1], dtype=np.bool_)
    if not alike.any():
        return axes
    axes = axes.copy()
    for k, own in enumerate(axes):
        tied: NDArray[np.bool_] = alike[k] if len(shape) == len(axes) else alike.min(axis=0)
        left = np.ones(len(own), dtype=np.bool_)
        for j in np.flatnonzero(tied.max(axis=1)):
            group = np.flatnonzero((tied[j] | (np.arange(len(own)) == j)) & left)
            left[group] = False
            inside = own[:, group].T @ base[k]
            nearest = np.sort(np.argsort(-(inside**2).sum(axis=0))[: len(group)])
            turn, _, back = np.linalg.svd(inside[:, nearest])
            axes[k][:, group] = own[:, group] @ turn @ back
    return axes


def _order(likeness: Array) -> NDArray[np.intp]:
    """For each axis of the base the axis that continues it."""
    first = likeness.argmax(axis=1)
    if len(set(first.tolist())) == len(first):
        return first
    return linear_sum_assignment(likeness, maximize=True)[1]
