"""The constraint that covariances share what a pattern says, and its coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import (
    Constraint,
    LeafChart,
    Orthogonal,
    Positive,
    PositiveDefinite,
)

from .decomposition import Factors, aligned, chained, factors_of, turns, value_of
from .levels import ROUNDED
from .pattern import EQUAL, NONE, Pattern

Array = NDArray[np.float64]

SHARED = 1e-7
"""How far covariances may be from sharing what they share, relative to their size."""


@final
class Patterned(Constraint):
    """Covariances that share what a pattern says.

    The chart has volumes and shapes in logarithms and orientations by Cayley's transform; where
    shape and orientation are shared together, their product as a `PositiveDefinite` of determinant
    one. Floor and unit are those of `free`.

    Parameters
    ----------
    pattern : Pattern
    free : Positive or PositiveDefinite
        What covariances may be that share nothing.
    raised : callable
        raised(value) -> the nearest covariances of the pattern that keep to the floor.
    n_features : int
    """

    exchangeable = (0,)

    def __init__(
        self,
        pattern: Pattern,
        free: Positive | PositiveDefinite,
        raised: Callable[[Array], Array],
        n_features: int,
    ) -> None:
        self.pattern, self.free, self.n_features = pattern, free, n_features
        self._raised = raised
        self.inner = free

    def n_free(self, shape: tuple[int, ...]) -> int:
        return self.pattern.n_free(shape[0], self.n_features)

    def violation(self, value: Array, base: Array) -> str | None:
        wrong = self.free.violation(value, base)
        if wrong is not None:
            return wrong
        made = self._rebuilt(value)
        if made is None:
            return None  # a singular matrix is not a violation
        off = np.abs(made - value).reshape(len(value), -1).max(axis=1)
        flat = np.abs(value).reshape(len(value), -1).max(axis=1)
        if (off <= SHARED * flat).all() or (off <= self._loose(value) * flat).all():
            return None
        return f"does not share what {self.pattern.name} says, expected such covariances"

    def _rebuilt(self, value: Array) -> Array | None:
        """The value of the pattern that has the factors of `value`; None where it is singular."""
        if whole(self.pattern):
            volume, matrices = sized(self.pattern, value)
            return np.exp(volume)[:, None, None] * matrices if np.isfinite(volume).all() else None
        factors = factors_of(self.pattern, value, self.n_features)
        if not np.isfinite(factors.volume).all():
            return None
        return value_of(factors, len(value), value.ndim)

    def _loose(self, value: Array) -> float:
        """How far rounding may take covariances from sharing, by their longest shape."""
        if whole(self.pattern):
            values = np.linalg.eigvalsh(sized(self.pattern, value)[1])
            longest = float((values[:, -1] / np.maximum(values[:, 0], 1e-300)).max())
        else:
            shape = factors_of(self.pattern, value, self.n_features).shape
            longest = float(np.exp((shape.max(axis=1) - shape.min(axis=1)).max()))
        return SHARED + ROUNDED * longest

    def chart(self, base: Array) -> LeafChart:
        return (_SizeChart if whole(self.pattern) else _FactorChart)(self, base)

    def project(self, value: Array) -> Array:
        if not np.isfinite(value).all() or self.free.project(value) is value:
            return value
        return self._raised(value)

    def at_floor(self, value: Array) -> list[tuple[int, ...]]:
        return self.free.at_floor(value)


@final
class _FactorChart(LeafChart):
    """Logarithms of volumes, those of shapes short of the last, and Cayley's coordinates."""

    def __init__(self, constraint: Patterned, base: Array) -> None:
        self.constraint, self.shape = constraint, base.shape
        constraint.free.refuse_singular(base)
        pattern = constraint.pattern
        self.base = factors_of(pattern, base, constraint.n_features)
        volume, shape, axes = self.base
        self.shaped, self.turned = pattern.shape != NONE, None
        self.lead = len(shape), constraint.n_features - 1
        ends = [len(volume), len(volume) + (shape[:, 1:].size if self.shaped else 0)]
        if pattern.orientation != NONE:
            self.turned = Orthogonal().chart(axes)
            self.units = turns(self.base)
        self.ends, self.size = ends, ends[1] + (self.turned.size if self.turned else 0)

    def _factors(self, value: Array) -> Factors:
        self.constraint.free.refuse_singular(value)
        pattern, d = self.constraint.pattern, self.constraint.n_features
        made = factors_of(pattern, value, d)
        return made if self.turned is None else aligned(made, self.base)

    def pack(self, value: Array) -> Array:
        return self._packed(self._factors(value))

    def _packed(self, factors: Factors) -> Array:
        parts = [factors.volume - self.base.volume]
        if self.shaped:
            parts.append((factors.shape - self.base.shape)[:, :-1].ravel())
        if self.turned is not None:
            parts.append(self.turned.pack(factors.orientation) / self.units)
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def unpack(self, x: Array) -> Array:
        volume, shape, axes = self.base
        moved, shaped, turned = x[: self.ends[0]], x[self.ends[0] : self.ends[1]], x[self.ends[1] :]
        if self.shaped:
            lead = shaped.reshape(self.lead)
            shape = shape + np.hstack([lead, -lead.sum(axis=1, keepdims=True)])
        with np.errstate(over="ignore", invalid="ignore"):
            if self.turned is not None:
                axes = self.turned.unpack(turned * self.units)
            return value_of(Factors(volume + moved, shape, axes), self.shape[0], len(self.shape))

    def pull(self, value: Array, gradient: Array) -> Array:
        return self._pulled(self._factors(value), gradient)

    def _pulled(self, factors: Factors, gradient: Array) -> Array:
        in_volume, in_shape, in_axes = chained(factors, gradient)
        parts = [in_volume]
        if self.shaped:
            parts.append((in_shape[:, :-1] - in_shape[:, -1:]).ravel())
        if self.turned is not None:
            parts.append(self.turned.pull(factors.orientation, in_axes) * self.units)
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def pack_and_pull(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        factors = self._factors(value)
        return self._packed(factors), self._pulled(factors, gradient)


def whole(pattern: Pattern) -> bool:
    """Whether shape and orientation are shared together, or neither is: VEE and EVV."""
    return pattern.shape == pattern.orientation != NONE


def sized(pattern: Pattern, value: Array) -> tuple[Array, Array]:
    """log lambda_k, and D_k A_k D_kᵀ, whose determinant is 1: (K,) or (1,), (K, d, d) or (1, d, d).

    The volume is not finite where a matrix is singular.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        volume = np.linalg.slogdet(value)[1] / value.shape[1]
        matrices = value / np.exp(volume)[:, None, None]
    if pattern.volume == EQUAL:
        volume = volume.mean(axis=0, keepdims=True)
    return volume, matrices.mean(axis=0, keepdims=True) if pattern.shape == EQUAL else matrices


@final
class _SizeChart(LeafChart):
    """Logarithms of volumes, and log-Cholesky coordinates of the rest short of the last.

    That is on a diagonal, and the logarithms there add up to zero.
    """

    def __init__(self, constraint: Patterned, base: Array) -> None:
        self.constraint, self.n_components = constraint, len(base)
        constraint.free.refuse_singular(base)
        self.volume, matrices = sized(constraint.pattern, base)
        self.rest = PositiveDefinite(singular_below=0.0).chart(matrices)
        self.lead = len(matrices), self.rest.size // len(matrices)
        rows, columns = np.tril_indices(base.shape[1])
        self.diagonal = np.flatnonzero(rows == columns)[:-1]
        self.size = len(self.volume) + self.rest.size - len(matrices)

    def pack(self, value: Array) -> Array:
        self.constraint.free.refuse_singular(value)
        volume, matrices = sized(self.constraint.pattern, value)
        return self._packed(volume, self.rest.pack(matrices))

    def _packed(self, volume: Array, rest: Array) -> Array:
        return np.concatenate([volume - self.volume, rest.reshape(self.lead)[:, :-1].ravel()])

    def unpack(self, x: Array) -> Array:
        moved, rest = np.split(x, [len(self.volume)])
        rest = rest.reshape(self.lead[0], self.lead[1] - 1)
        last = -rest[:, self.diagonal].sum(axis=1, keepdims=True)
        matrices = self.rest.unpack(np.hstack([rest, last]).ravel())
        with np.errstate(over="ignore", invalid="ignore"):
            made = np.exp(self.volume + moved)[:, None, None] * matrices
        return np.broadcast_to(made, (self.n_components, *made.shape[1:])).copy()

    def pull(self, value: Array, gradient: Array) -> Array:
        return self.pack_and_pull(value, gradient)[1]

    def pack_and_pull(self, value: Array, gradient: Array) -> tuple[Array, Array]:
        self.constraint.free.refuse_singular(value)
        volume, matrices = sized(self.constraint.pattern, value)
        in_volume = np.einsum("kij,kij->k", gradient, value)
        in_matrices = np.exp(volume)[:, None, None] * gradient
        if len(volume) == 1:
            in_volume = in_volume.sum(axis=0, keepdims=True)
        if len(matrices) == 1:
            in_matrices = in_matrices.sum(axis=0, keepdims=True)
        rest, slope = self.rest.pack_and_pull(matrices, in_matrices)
        slope = slope.reshape(self.lead).copy()
        slope[:, self.diagonal] -= slope[:, -1:]
        return self._packed(volume, rest), np.concatenate([in_volume, slope[:, :-1].ravel()])
