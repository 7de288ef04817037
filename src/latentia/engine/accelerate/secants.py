"""Secant pairs: how they are kept, and the inverse that they make of the information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import blas

from ..tree import Array

_blas: Any = blas

Rows = tuple[Array, ...]
"""Vectors of one length in a fixed number of places, those not taken yet empty.

A tuple, so that one more vector costs no copy of the others and states that are kept stay as
they were; and the number of places does not depend on their length, so that states of one
method have one structure.
"""


def no_rows(places: int) -> Rows:
    """Places with nothing in them yet."""
    return (np.empty(0),) * places


def pushed(rows: Rows, row: Array, used: int, most: int) -> Rows:
    """One more after the `used` ones; the oldest goes where these are `most`."""
    if used >= most:
        return (*rows[1:most], row, *rows[most:])
    return (*rows[:used], row, *rows[used + 1 :])


def filled(rows: Rows, values: Array) -> Rows:
    """The first places taken by `values`, shape (at most places, size)."""
    return (*values, *rows[len(values) :])


def table(rows: Rows, used: int, size: int) -> Array:
    """The first `used` rows as one array, shape (used, size)."""
    return np.array(rows[:used], dtype=np.float64).reshape(used, size)


def bends(steps: Array, drops: Array) -> Array:
    """Curvature along each step, in nats."""
    return np.asarray(np.einsum("ij,ij->i", steps, drops), dtype=np.float64)


def two_loop(
    steps: Sequence[Array],
    drops: Sequence[Array],
    images: Sequence[Array],
    score: Array,
    image: Array,
    longer: float = 1.0,
) -> Array:
    """B g with B the BFGS inverse of the information (Nocedal & Wright 2006, alg. 7.4).

    Parameters
    ----------
    steps, drops : sequence of array of shape (size,)
        Steps s and the falls y of the score over them, newest last.
    images : sequence of array of shape (size,)
        y under the inverse to begin with, but for the factor `longer`.
    score, image : array of shape (size,)
        g, and g under the same inverse.
    longer : float
    """
    dot, axpy = _blas.ddot, _blas.daxpy  # each pair is short: what counts is the calls
    g, newton = score.copy(), longer * image
    seen: list[tuple[float, float]] = []
    for s, y, z in zip(reversed(steps), reversed(drops), reversed(images), strict=True):
        curvature = dot(s, y)
        share = dot(s, g) / curvature
        g = axpy(y, g, a=-share)
        newton = axpy(z, newton, a=-share * longer)
        seen.append((share, curvature))
    for s, y in zip(steps, drops, strict=True):
        share, curvature = seen.pop()
        newton = axpy(s, newton, a=share - dot(y, newton) / curvature)
    return newton
