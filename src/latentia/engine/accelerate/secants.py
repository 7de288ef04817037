"""Secant pairs: how they are kept, and the inverse that they make of the information."""

from __future__ import annotations

import numpy as np

from ..tree import Array


def two_loop(steps: Array, drops: Array, images: Array, score: Array, image: Array) -> Array:
    """B g with B the BFGS inverse of the information (Nocedal & Wright 2006, alg. 7.4).

    Parameters
    ----------
    steps, drops : array of shape (pairs, size)
        Steps s and the falls y of the score over them, newest last.
    images : array of shape (pairs, size)
        B0 y, with B0 the inverse to begin with.
    score, image : array of shape (size,)
        g and B0 g.
    """
    curvature = np.einsum("ij,ij->i", steps, drops)
    g, newton = score.copy(), image.copy()
    shares = np.empty(len(steps))
    for i in range(len(steps) - 1, -1, -1):
        shares[i] = steps[i] @ g / curvature[i]
        g -= shares[i] * drops[i]
        newton -= shares[i] * images[i]
    for i in range(len(steps)):
        newton += (shares[i] - drops[i] @ newton / curvature[i]) * steps[i]
    return newton


def pushed(rows: Array, row: Array, used: int) -> Array:
    """A copy of `rows` with one more after the `used` ones; the oldest goes where it is full."""
    out = rows.copy()
    if used == len(rows):
        out[:-1] = out[1:]
        used -= 1
    out[used] = row
    return out
