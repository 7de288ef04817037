"""The four forms of covariances: matrices, one matrix, diagonals, and single variances.

A form says how moments are summed and how a precision is applied; which volumes, shapes and
orientations components share is its pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Positive, PositiveDefinite, raise_eigenvalues

from .levels import levels
from .orientation import oriented_maximum
from .pattern import PATTERNS, Pattern
from .structure import Covariance, factors_of_precision

Array = NDArray[np.float64]

GROUP = 2**15
"""Numbers of an array over rows, columns and some components that is made at a time."""


def _groups(n_components: int, x: Array) -> Iterator[slice]:
    """Components as many at a time as have room in a cache, an array like `x` each."""
    width = max(GROUP // max(x.size, 1), 1)
    for at in range(0, n_components, width):
        yield slice(at, at + width)


def _squares(x: Array, means: Array, root: Array | None = None) -> Array:
    """Squared distances of rows (n, d) to means, in units 1 / `root` of (K, d), shape (K, n)."""
    made = np.empty((len(means), len(x)))
    for part in _groups(len(made), x):
        y = x - means[part, None]
        if root is not None:
            y *= root[part, None]
        np.einsum("kij,kij->ki", y, y, out=made[part])
    return made


@final
class Full(Covariance):
    """Each component has its own matrix, (K, d, d)."""

    form = "full"
    oriented = True

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components, n_features, n_features)

    def free_space(self, spread: Array, floor: float) -> Positive | PositiveDefinite:
        return PositiveDefinite(floor, unit=spread, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        made = np.empty((resp.shape[1], x.shape[1], x.shape[1]))
        for part in _groups(len(made), x):
            weighted = resp.T[part, :, None] * x
            np.matmul(np.swapaxes(weighted, 1, 2), x, out=made[part])
        return made

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        product = (weight[:, None] * a)[:, :, None] * b[:, None, :]
        return (product + np.swapaxes(product, 1, 2)) / 2

    def maximum(
        self,
        count: Array,
        scatter: Array,
        floor: float,
        n_features: int,
        previous: Array | None = None,
    ) -> Array:
        if self.pattern is not None:
            return oriented_maximum(self.pattern, count, scatter, floor, previous)
        average = scatter / count[:, None, None]
        return raise_eigenvalues((average + np.swapaxes(average, 1, 2)) / 2, floor)

    def precision(self, covariance: Array) -> Array:
        return factors_of_precision(covariance)

    def inverse(self, precision: Array) -> Array:
        return precision @ np.swapaxes(precision, 1, 2)

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return 2 * np.log(np.diagonal(precision, axis1=1, axis2=2)).sum(axis=1)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        made = np.empty((len(means), len(x)))
        for part in _groups(len(made), x):
            y = (x - means[part, None]) @ precision[part]
            np.einsum("kij,kij->ki", y, y, out=made[part])
        return made.T

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.einsum("kij,kij->", precision @ np.swapaxes(precision, 1, 2), scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision @ np.swapaxes(precision, 1, 2)
        return -(count[:, None, None] * inverse - inverse @ scatter @ inverse) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        inner = np.swapaxes(precision, 1, 2) @ vectors[:, :, None]
        return (precision @ inner)[:, :, 0]

    def summed(self, matrices: Array) -> Array:
        return matrices

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return covariance

    def of_matrices(self, matrices: Array) -> Array:
        return matrices


@final
class Tied(Covariance):
    """All components share one matrix, (d, d)."""

    form = "tied"
    own, oriented = False, True

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_features, n_features)

    def free_space(self, spread: Array, floor: float) -> Positive | PositiveDefinite:
        return PositiveDefinite(floor, unit=spread)

    def second(self, x: Array, resp: Array) -> Array:
        return (x * resp.sum(axis=1)[:, None]).T @ x

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        product = (weight[:, None] * a).T @ b
        return (product + product.T) / 2

    def maximum(
        self,
        count: Array,
        scatter: Array,
        floor: float,
        n_features: int,
        previous: Array | None = None,
    ) -> Array:
        average = scatter / count.sum()
        return raise_eigenvalues((average + average.T) / 2, floor)

    def precision(self, covariance: Array) -> Array:
        return factors_of_precision(covariance)

    def inverse(self, precision: Array) -> Array:
        return precision @ precision.T

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return np.full(n_components, 2 * np.log(np.diagonal(precision)).sum())

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        white, centres = x @ precision, means @ precision
        return _squares(white, centres).T

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.sum((precision @ precision.T) * scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision @ precision.T
        return -(count.sum() * inverse - inverse @ scatter @ inverse) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return vectors @ precision @ precision.T

    def summed(self, matrices: Array) -> Array:
        return matrices.sum(axis=0)

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return np.broadcast_to(covariance, (n_components, n_features, n_features))

    def of_matrices(self, matrices: Array) -> Array:
        return matrices[0]


@final
class Diagonal(Covariance):
    """Each component has its own diagonal, (K, d)."""

    form = "diag"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components, n_features)

    def free_space(self, spread: Array, floor: float) -> Positive | PositiveDefinite:
        return Positive(floor, singular_below=2e-15 * spread**2, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        return resp.T @ (x * x)

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        return weight[:, None] * a * b

    def maximum(
        self,
        count: Array,
        scatter: Array,
        floor: float,
        n_features: int,
        previous: Array | None = None,
    ) -> Array:
        if self.pattern is not None:
            volume, shape, _ = self.pattern
            return levels(volume, shape, count, scatter, floor, previous)
        return np.maximum(scatter / count[:, None], floor)

    def precision(self, covariance: Array) -> Array:
        return 1 / np.sqrt(covariance)

    def inverse(self, precision: Array) -> Array:
        return precision**2

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return 2 * np.log(precision).sum(axis=1)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        return _squares(x, means, precision).T

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.sum(precision**2 * scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision**2
        return -(count[:, None] * inverse - inverse**2 * scatter) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return precision**2 * vectors

    def summed(self, matrices: Array) -> Array:
        return np.einsum("kii->ki", matrices).copy()

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return covariance[:, :, None] * np.eye(n_features)

    def of_matrices(self, matrices: Array) -> Array:
        return self.summed(matrices)


@final
class Spherical(Covariance):
    """Each component has one variance for all columns, (K,)."""

    form = "spherical"

    def shape(self, n_components: int, n_features: int) -> tuple[int, ...]:
        return (n_components,)

    def free_space(self, spread: Array, floor: float) -> Positive | PositiveDefinite:
        typical = float(np.mean(spread**2))
        return Positive(floor, singular_below=2e-15 * typical, exchangeable=(0,))

    def second(self, x: Array, resp: Array) -> Array:
        return resp.T @ np.einsum("ij,ij->i", x, x)

    def outer(self, weight: Array, a: Array, b: Array) -> Array:
        return weight * (a * b).sum(axis=1)

    def maximum(
        self,
        count: Array,
        scatter: Array,
        floor: float,
        n_features: int,
        previous: Array | None = None,
    ) -> Array:
        if self.pattern is not None:  # one variance for all
            pooled = scatter.sum() / (n_features * count.sum())
            return np.full(len(count), max(pooled, floor))
        return np.maximum(scatter / (n_features * count), floor)

    def precision(self, covariance: Array) -> Array:
        return 1 / np.sqrt(covariance)

    def inverse(self, precision: Array) -> Array:
        return precision**2

    def log_det_precision(self, precision: Array, n_components: int, n_features: int) -> Array:
        return 2 * n_features * np.log(precision)

    def squared_distance(self, precision: Array, x: Array, means: Array) -> Array:
        return _squares(x, means).T * precision**2

    def trace(self, precision: Array, scatter: Array) -> float:
        return float(np.sum(precision**2 * scatter))

    def score(self, precision: Array, count: Array, scatter: Array, n_features: int) -> Array:
        inverse = precision**2
        return -(n_features * count * inverse - inverse**2 * scatter) / 2

    def precision_times(self, precision: Array, vectors: Array) -> Array:
        return precision[:, None] ** 2 * vectors

    def summed(self, matrices: Array) -> Array:
        return np.einsum("kii->k", matrices)

    def matrices(self, covariance: Array, n_components: int, n_features: int) -> Array:
        return covariance[:, None, None] * np.eye(n_features)

    def of_matrices(self, matrices: Array) -> Array:
        return matrices[:, 0, 0].copy()


_FORMS = {kind.form: kind for kind in (Full, Tied, Diagonal, Spherical)}

_FREE: dict[str, Covariance] = {form: kind() for form, kind in _FORMS.items()}

ALIASES = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}
"""scikit-learn's names and mclust's for the same."""

_FORM_OF = {model: form for form, model in ALIASES.items()}

MODELS: dict[str, Covariance] = {
    name: _FREE[_FORM_OF[name]] if name in _FORM_OF else _FORMS[pattern.form](pattern)
    for name, pattern in PATTERNS.items()
}
"""The fourteen models by mclust's names."""

ONE_COLUMN = {"E": "EEE", "V": "VVV"}
"""What mclust calls the two models there are in one dimension."""

STRUCTURES: dict[str, Covariance] = {
    **_FREE,
    **MODELS,
    **{name: MODELS[model] for name, model in ONE_COLUMN.items()},
}
"""All structures by scikit-learn's names and by mclust's."""


def structure_of(name: str, n_features: int) -> Covariance:
    """The structure of a name.

    Raises
    ------
    ValueError
        If there is none, or none of so many columns.
    """
    if name not in STRUCTURES:
        raise ValueError(f"got covariance_type={name!r}, expected one of {', '.join(STRUCTURES)}")
    if name in ONE_COLUMN and n_features > 1:
        raise ValueError(
            f"got covariance_type={name!r} for {n_features} columns, expected one of "
            f"{', '.join(MODELS)}: E and V are of one column"
        )
    return STRUCTURES[name]


def pattern_of(name: str) -> Pattern:
    """What components share, by any name."""
    return PATTERNS[ALIASES.get(name, ONE_COLUMN.get(name, name))]


def written_out(name: str) -> Covariance:
    """The structure as which covariances are handed on: by mclust's names always as matrices."""
    return _FREE["full"] if name not in _FREE else _FREE[name]
