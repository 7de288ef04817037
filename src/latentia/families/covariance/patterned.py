"""The constraint that covariances share what a pattern says, and its coordinates."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import (
    Constraint,
    Fixed,
    LeafChart,
    Orthogonal,
    Positive,
    PositiveDefinite,
    UnitProduct,
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
    free : Constraint
        What covariances may be that share nothing.
    raised : callable
        raised(value) -> the nearest covariances of the pattern that keep to the floor.
    n_features : int
    """

    exchangeable = (0,)

    def __init__(
        self, pattern: Pattern, free: Constraint, raised: Callable[[Array], Array], n_features: int
    ) -> None:
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
        made, stretched = self._rebuilt(value)
        if made is None:
            return None  # a singular matrix is not a violation
        off = np.abs(made - value).reshape(len(value), -1).max(axis=1)
        flat = np.abs(value).reshape(len(value), -1).max(axis=1)
        if (off <= (SHARED + ROUNDED * stretched) * flat).all():
            return None
        return f"does not share what {self.pattern.name} says, expected such covariances"

    def _rebuilt(self, value: Array) -> tuple[Array | None, float]:
        """The value of the pattern that has the factors of `value`, and its longest shape."""
        if whole(self.pattern):
            volume, matrices = sized(self.pattern, value)
            if not np.isfinite(volume).all():
                return None, 1.0
            values = np.linalg.eigvalsh(matrices)
            stretched = float((values[:, -1] / np.maximum(values[:, 0], 1e-300)).max())
            return np.exp(volume)[:, None, None] * matrices, stretched
        factors = factors_of(self.pattern, value, self.n_features)
        if not (factors.volume > 0).all():
            return None, 1.0
        stretched = float((factors.shape.max(axis=1) / factors.shape.min(axis=1)).max())
        return value_of(factors, len(value), value.ndim), stretched

    def chart(self, base: Array) -> LeafChart:
        return (_SizeChart if whole(self.pattern) else _FactorChart)(self, base)

    def project(self, value: Array) -> Array:
        if not np.isfinite(value).all() or self.free.project(value) is value:
            return value
        return self._raised(value)

    def refuse_singular(self, value: Array) -> None:
        """DegenerateError where a covariance is singular."""
        if isinstance(self.free, PositiveDefinite):
            self.free.cholesky(value)
        else:
            self.free.chart(value)

    def at_floor(self, value: Array) -> list[tuple[int, ...]]:
        return self.free.at_floor(value)


@final
class _FactorChart(LeafChart):
    def __init__(self, constraint: Patterned, base: Array) -> None:
        self.constraint, self.shape = constraint, base.shape
        constraint.refuse_singular(base)
        self.base = factors_of(constraint.pattern, base, constraint.n_features)
        parts = zip(constraint.parts, self.base, strict=True)
        self.charts = [part.chart(value) for part, value in parts]
        self.size = sum(chart.size for chart in self.charts)
        self.ends = np.cumsum([chart.size for chart in self.charts])[:-1]
        self.units = np.ones(self.size)
        if self.charts[-1].size:
            self.units[self.ends[-1] :] = turns(self.base)

    def _factors(self, value: Array) -> Factors:
        self.constraint.refuse_singular(value)
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
        constraint.refuse_singular(base)
        self.volume, matrices = sized(constraint.pattern, base)
        self.rest = PositiveDefinite(singular_below=0.0).chart(matrices)
        self.lead = len(matrices), self.rest.size // len(matrices)
        rows, columns = np.tril_indices(base.shape[1])
        self.diagonal = np.flatnonzero(rows == columns)[:-1]
        self.size = len(self.volume) + self.rest.size - len(matrices)

    def pack(self, value: Array) -> Array:
        self.constraint.refuse_singular(value)
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
        self.constraint.refuse_singular(value)
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
