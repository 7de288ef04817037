"""One matrix for all components of a group, as for those of a mixture within each state."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import PositiveDefinite, raise_eigenvalues

from .forms import Full
from .structure import Covariance, factors_of_precision

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_APART = Full()


@final
class Grouped(Covariance):
    """Components that stand side by side in groups share one matrix a group, (K / size, d, d).

    Moments are summed for each component, and pooled where the maximum is sought.

    Parameters
    ----------
    size : int
        Components of a group.
    """

    form = "full"
    oriented = True

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components // self.size, n_features, n_features)

    def each(self, covariance: Array, n_components: int) -> list[Array]:
        return list(np.repeat(covariance, self.size, axis=0))

    def keep(self, old: Array, new: Array, which: Mask) -> Array:
        empty = np.all(which.reshape(-1, self.size), axis=1)
        return np.where(empty[:, None, None], old, new)

    def free_space(self, spread: Array, floor: float) -> PositiveDefinite:
        return PositiveDefinite(floor, unit=spread, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        return _APART.second(x, resp)

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        return _APART.outer(weight, a, b)

    def maximum(
        self,
        count: Array,
        scatter: Array,
        floor: float,
        n_features: int,
        previous: Array | None = None,
    ) -> Array:
        pooled = self._pooled(scatter) / count.reshape(-1, self.size).sum(axis=1)[:, None, None]
        return raise_eigenvalues((pooled + np.swapaxes(pooled, 1, 2)) / 2, floor)

    def _pooled(self, each: Array) -> Array:
        return each.reshape(-1, self.size, *each.shape[1:]).sum(axis=1)

    def precision(self, covariance: Array) -> Array:
        return np.repeat(factors_of_precision(covariance), self.size, axis=0)

    def inverse(self, precision: Array) -> Array:
        return _APART.inverse(precision)

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return _APART.log_det_precision(precision, n_components, n_features)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        return _APART.squared_distance(precision, x, means)

    def trace(self, precision: Array, scatter: Array) -> float:
        return _APART.trace(precision, scatter)

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        return self._pooled(_APART.score(precision, count, scatter, n_features))

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return _APART.precision_times(precision, vectors)

    def summed(self, matrices: Array) -> Array:
        return matrices

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return np.repeat(covariance, self.size, axis=0)

    def of_matrices(self, matrices: Array) -> Array:
        return matrices[:: self.size]
