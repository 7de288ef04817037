"""Rows of probabilities from expected counts, inside whatever constraint they are under."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Constraint, Fixed, Masked, Simplex, Tied

from .arguments import broadcast

Array = NDArray[np.float64]


def most_likely(constraint: Constraint, counts: Array, old: Array) -> Array:
    """The probabilities that maximise sum counts · log(probabilities), along the last axis.

    Parameters
    ----------
    constraint : Simplex, Fixed, Masked or Tied
        `Masked` and `Tied` of a `Simplex`. What is forbidden stays zero, what is held stays, and
        rows of a group, whose counts are pooled, are equal.
    counts : array of shape (..., K)
        At least zero.
    old : array of shape (..., K)
        What rows without counts keep.

    Raises
    ------
    TypeError
        If the constraint is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.engine.space import Masked, Simplex
    >>> held = Masked(Simplex(), [[True, True, False]])
    >>> most_likely(held, np.array([[3.0, 1.0, 9.0]]), np.array([[0.2, 0.2, 0.6]])).round(3)
    array([[0.3, 0.1, 0.6]])
    """
    if isinstance(constraint, Fixed):
        return old
    if isinstance(constraint, Tied):
        pooled = np.zeros(constraint.reduce(counts).shape)
        np.add.at(pooled, constraint.groups.ravel(), counts.reshape(-1, *pooled.shape[1:]))
        common = most_likely(constraint.inner, pooled, constraint.reduce(old))
        return constraint.expand(common)
    free = np.ones(counts.shape, dtype=np.bool_)
    inner = constraint
    if isinstance(constraint, Masked):
        free, inner = np.broadcast_to(constraint.free, counts.shape), constraint.inner
    if not isinstance(inner, Simplex):
        raise TypeError(
            f"got {type(constraint).__name__} for probabilities, expected Simplex, Fixed, or "
            "Masked or Tied of a Simplex"
        )
    if inner.support is not None:
        counts = np.where(inner.support, counts, 0.0)
    moving = np.where(free, counts, 0.0)
    total = moving.sum(axis=-1, keepdims=True)
    alive = total > 0
    room = 1 - np.where(free, 0.0, old).sum(axis=-1, keepdims=True)
    shared = moving / np.where(alive, total, 1.0) * room
    return np.where(free & alive, shared, old)


def spread(constraint: Constraint, weights: Array) -> Array:
    """Rows proportional to positive weights where they are allowed, to start from."""
    if isinstance(constraint, Tied):
        common = spread(constraint.inner, constraint.reduce(weights))
        return constraint.expand(common)
    inner = constraint.inner if isinstance(constraint, Masked) else constraint
    support = inner.support if isinstance(inner, Simplex) else None
    kept = weights if support is None else np.where(support, weights, 0.0)
    return kept / kept.sum(axis=-1, keepdims=True)


def checked(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    """Probabilities that a user has set, each row divided by its sum.

    Rows that sum to 1 but for rounding stay, to the bit: those of a file are those of the fit.

    Raises
    ------
    ValueError
        If their shape is another, if they are none, or if rows do not sum to 1.
    """
    value = np.asarray(value, dtype=np.float64)
    if value.shape != shape:
        raise ValueError(f"got {name} of shape {value.shape}, expected {shape}")
    if not (np.isfinite(value).all() and (value >= 0).all()):
        raise ValueError(f"got {name} with entries that are no probabilities, expected some")
    total = value.sum(axis=-1)
    if not np.allclose(total, 1.0):
        raise ValueError(f"{name} must sum to 1 (got {total}); divide each row by its sum")
    total = value.sum(axis=-1, keepdims=True)
    near = np.abs(total - 1) <= value.shape[-1] * np.finfo(np.float64).eps
    return value / np.where(near, 1.0, total)


def imagined(name: str, prior: Any, shape: tuple[int, ...]) -> Array:
    """A Dirichlet prior's parameters less one: rows imagined beside those seen."""
    alpha = np.asarray(prior, dtype=np.float64)
    if not (np.isfinite(alpha).all() and (alpha >= 1).all()):
        raise ValueError(
            f"got {name}={prior!r}, expected numbers of at least 1, which is no prior: below, its "
            "density is unbounded"
        )
    return broadcast(name, alpha, shape) - 1


def counts_of(name: str, prior: Any, shape: tuple[int, ...]) -> Array | None:
    """The same as `imagined`; None where there is no prior."""
    counts = imagined(name, prior, shape)
    return counts if counts.any() else None
