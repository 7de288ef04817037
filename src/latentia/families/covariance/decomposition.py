"""Covariances as volume, shape and orientation, in which all that a pattern leaves free is free."""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latentia.engine.space import (
    Constraint,
    Fixed,
    LeafChart,
    Orthogonal,
    Positive,
    UnitProduct,
)

from .orientation import along, assembled, axes_of, common_axes
from .pattern import EQUAL, NONE, OWN, Pattern

Array = NDArray[np.float64]


_TIED = 1e-9
"""Logarithms of variances nearer than this leave their axes undecided."""


class Factors(NamedTuple):
    """lambda_k, A_k and D_k of covariances lambda_k D_k A_k D_kᵀ.

    Attributes
    ----------
    volume : array of shape (K,), or (1,) where it is shared
    shape : array of shape (K, d) or (1, d)
        The diagonals of A_k, whose product is 1.
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
        values = np.repeat(value[:, None], n_features, axis=1)
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
    return Factors(np.exp(size[:, 0]), np.exp(relative), axes)


def _shared_axes(pattern: Pattern, matrices: Array) -> Array:
    if pattern.shape == OWN:
        return common_axes(matrices)
    size = axes_of(matrices)[0][:, 0]  # alike but for their volume
    return axes_of((matrices / np.where(size > 0, size, 1.0)[:, None, None]).mean(axis=0))[1]


def value_of(factors: Factors, n_components: int, n_axes: int) -> Array:
    """The covariances that factors make, `n_axes` of them long: the inverse of `factors_of`."""
    values = factors.volume[:, None] * factors.shape
    values = np.broadcast_to(values, (n_components, values.shape[1])).copy()
    if n_axes == 1:
        return values[:, 0].copy()
    return values if n_axes == 2 else assembled(values, factors.orientation)


@final
class Patterned(Constraint):
    """Covariances that share what a pattern says.

    The chart has volumes and shapes in logarithms and orientations by Cayley's transform. Floor
    and unit are those of `free`.

    Parameters
    ----------
    pattern : Pattern
    free : Constraint
        What covariances may be that share nothing.
    raised : callable
        raised(value) -> the nearest covariances of the pattern that keep to the floor.
    n_features : int
    """

    exchangeable = (0,)

    def __init__(self, pattern: Pattern, free: Constraint, raised: object, n_features: int) -> None:
        self.pattern, self.free, self.n_features = pattern, free, n_features
        self._raised = raised
        self.inner = free

    @property
    def parts(self) -> tuple[Constraint, Constraint, Constraint]:
        """What volume, shape and orientation may be."""
        kinds = (Positive, UnitProduct, Orthogonal)
        return tuple(  # pyright: ignore[reportReturnType]
            Fixed() if letter == NONE else kind()
            for letter, kind in zip(self.pattern, kinds, strict=True)
        )

    def n_free(self, shape: tuple[int, ...]) -> int:
        return self.pattern.n_free(shape[0], self.n_features)

    def violation(self, value: Array, base: Array) -> str | None:
        wrong = self.free.violation(value, base)
        if wrong is not None:
            return wrong
        factors = factors_of(self.pattern, value, self.n_features)
        if not (factors.volume > 0).all():
            return None  # a singular matrix is not a violation
        off = np.abs(value_of(factors, len(value), value.ndim) - value)
        flat = np.abs(value).reshape(len(value), -1).max(axis=1)
        if (off.reshape(len(value), -1).max(axis=1) <= 1e-7 * flat).all():
            return None
        return f"does not share what {self.pattern.name} says, expected such covariances"

    def chart(self, base: Array) -> LeafChart:
        return _FactorChart(self, base)

    def project(self, value: Array) -> Array:
        if not np.isfinite(value).all() or self.free.project(value) is value:
            return value
        return self._raised(value)  # pyright: ignore

    def at_floor(self, value: Array) -> list[tuple[int, ...]]:
        return self.free.at_floor(value)


@final
class _FactorChart(LeafChart):
    def __init__(self, constraint: Patterned, base: Array) -> None:
        self.constraint, self.shape = constraint, base.shape
        self._refuse_singular(base)
        self.base = factors_of(constraint.pattern, base, constraint.n_features)
        parts = zip(constraint.parts, self.base, strict=True)
        self.charts = [part.chart(value) for part, value in parts]
        self.size = sum(chart.size for chart in self.charts)
        self.ends = np.cumsum([chart.size for chart in self.charts])[:-1]
        self.units = np.ones(self.size)
        if self.charts[-1].size:
            self.units[self.ends[-1] :] = _turns(self.base)

    def _refuse_singular(self, value: Array) -> None:
        self.constraint.free.chart(value)

    def _factors(self, value: Array) -> Factors:
        self._refuse_singular(value)
        pattern, d = self.constraint.pattern, self.constraint.n_features
        made = factors_of(pattern, value, d)
        return made if pattern.orientation == NONE else aligned(made, self.base)

    def pack(self, value: Array) -> Array:
        return self._packed(self._factors(value))

    def _packed(self, factors: Factors) -> Array:
        each = zip(self.charts, factors, strict=True)
        return np.concatenate([chart.pack(part) for chart, part in each]) / self.units

    def unpack(self, x: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            parts = zip(self.charts, np.split(x * self.units, self.ends), strict=True)
            factors = Factors(*(chart.unpack(part) for chart, part in parts))
            return value_of(factors, self.shape[0], len(self.shape))

    def pull(self, value: Array, gradient: Array) -> Array:
        return self._pulled(self._factors(value), gradient)

    def _pulled(self, factors: Factors, gradient: Array) -> Array:
        slopes = chained(factors, gradient)
        each = zip(self.charts, factors, slopes, strict=True)
        pulled = [chart.pull(part, slope) for chart, part, slope in each]
        return np.concatenate(pulled) * self.units

    def pack_and_pull(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        factors = self._factors(value)
        return self._packed(factors), self._pulled(factors, gradient)


def _turns(factors: Factors) -> Array:
    """How far each pair of axes may turn for a step of one, in the order of Cayley's coordinates.

    A row's information on the angle is (a - b)² / (a b) where a, b are the variances along the two
    (Flury & Gautschi 1986), so that thin components turn little.
    """
    below = np.tril_indices(factors.shape.shape[1], -1)
    a, b = (factors.shape[:, axis] for axis in below)
    with np.errstate(over="ignore", invalid="ignore"):
        known = np.sqrt((a - b) ** 2 / (a * b))
    if len(factors.orientation) == 1:
        known = np.sqrt((known**2).mean(axis=0, keepdims=True))
    known = np.broadcast_to(known, (len(factors.orientation), known.shape[1]))
    return 1 / np.clip(np.nan_to_num(known, nan=1.0), 1.0, 1e8).ravel()


def chained(factors: Factors, gradient: Array) -> Factors:
    """A gradient in the covariances, turned into one in their factors by the chain rule."""
    volume, shape, axes = factors
    if gradient.ndim == 1:
        in_volume, in_shape = gradient, np.zeros((len(gradient), shape.shape[1]))
        in_axes = np.zeros_like(axes)
    elif gradient.ndim == 2:
        in_volume, in_shape = (gradient * shape).sum(axis=1), volume[:, None] * gradient
        in_axes = np.zeros_like(axes)
    else:
        turned = gradient @ axes
        seen = np.einsum("kij,kij->kj", np.broadcast_to(axes, turned.shape), turned)
        in_volume, in_shape = (seen * shape).sum(axis=1), volume[:, None] * seen
        in_axes = 2 * turned * (volume[:, None] * shape)[:, None, :]
    slopes = (in_volume, in_shape, in_axes)
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
    logarithms = np.log(shape)
    alike = np.abs(logarithms[:, :, None] - logarithms[:, None, :]) <= _TIED
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
