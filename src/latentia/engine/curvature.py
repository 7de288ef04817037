"""Whether a place where the climb stopped is a maximum: its curvature, probed by a few E-steps.

A quasi-Newton method knows curvature only along the directions it went. At a saddle, or on a
flat shoulder, the score can vanish in what it knows while the objective still rises along what
it does not. The difference between its inverse B of the information and the true one is
largest in just those directions, so a short Krylov sequence of I - B I_o finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import eigh

from .accelerate import Here
from .tree import Array

DIRECTIONS = 8
"""Probes of the curvature; each costs an E-step."""

WIDTH = 1e-4
"""Length of a probe, in the chart's coordinates."""

FLAT = 4.0
"""A direction is flat if its curvature is less than one over this of what was believed."""

FARTHEST = 2.0
"""A way on changes no coordinate by more than this."""

LENGTHS = (1.0, 1 / 4, 1 / 16, 1 / 64)
"""Shares of a full step that are tried: a saddle may be steep-sided a little further out."""


def ways_on(
    here: Here,
    probe: Callable[[Array], Here | None],
    inverse: Callable[[Array, Array], Array],
) -> Iterator[Array]:
    """Steps worth trying from a place that looks like a maximum, best first.

    Parameters
    ----------
    here : Here
    probe : callable
        The point at a step from here, or None where it is degenerate.
    inverse : callable
        What the accelerator takes the inverse information times a vector to be, given the
        vector and the EM step that belongs to it.

    Yields
    ------
    array of shape (size,)
        A step of about one standard error, and shares of it, along a direction of negative or
        much overestimated curvature, first uphill, then the other way.
    """
    size = len(here.x)
    rng = np.random.default_rng(size)  # any vector will do, but the same one each time
    v = rng.normal(size=size)
    v /= np.linalg.norm(v)
    vectors: list[Array] = []
    bends: list[Array] = []
    images: list[Array] = []
    for _ in range(min(size, DIRECTIONS)):
        there = probe(WIDTH * v)
        if there is None:
            break
        bend = (here.score - there.score) / WIDTH
        image = inverse(bend, (here.em_step - there.em_step) / WIDTH)
        vectors.append(v)
        bends.append(bend)
        images.append(image)
        v = v - image
        for other in (*vectors, *vectors):  # twice is enough
            v = v - (v @ other) * other
        length = float(np.linalg.norm(v))
        if length < 1e-10:
            break
        v = v / length
    if vectors:
        yield from _steps(here, np.array(vectors), np.array(bends), np.array(images))


def _steps(here: Here, vectors: Array, bends: Array, images: Array) -> Iterator[Array]:
    """Steps along the Ritz vectors whose curvature is negative or flat."""
    curvature, believed = vectors @ bends.T, bends @ images.T
    curvature = (curvature + curvature.T) / 2
    believed = (believed + believed.T) / 2
    believed += 1e-12 * float(np.trace(believed)) * np.eye(len(believed))
    try:
        flatness, shares = eigh(curvature, believed)  # 1 where B is right
    except np.linalg.LinAlgError:
        return
    order = [*np.argsort(flatness)[flatness[np.argsort(flatness)] < 0]]
    order += [i for i in np.argsort(-flatness) if flatness[i] > FLAT]
    for i in order[:2]:
        direction = shares[:, i] @ vectors
        bend = abs(float(shares[:, i] @ curvature @ shares[:, i]))
        if not bend > 0:
            continue
        step = direction / np.sqrt(bend)  # changes the objective by about half a nat
        step *= min(1.0, FARTHEST / float(np.max(np.abs(step))))
        uphill = step if float(step @ here.score) >= 0 else -step
        for length in LENGTHS:
            yield length * uphill
            yield -length * uphill
