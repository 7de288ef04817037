"""Normal states of columns apart: many short sequences, or the segments of a long one, in lanes."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.engine.backend import shared_out
from latentia.engine.tree import add
from latentia.families.kernels.ready import waiting
from latentia.families.kernels.tile import strided

from . import side_by_side
from .emissions import Emissions, summed
from .halves import Counted

Array = NDArray[np.float64]

SEGMENT = 264
"""Steps of a segment: those of a group of lanes stay in the caches, and no power of two, or the
rows that lanes read together would share one set of the first cache."""

PARTS = 8
"""Shares that segments are worked on in, whatever the number of threads."""

MOST_STATES = 8
"""States up to which the lanes of steps are faster than those of states."""

LEAST_STEPS = 6_000
"""Fewer are not worth the code that is compiled for each number of states."""

MOST_COLUMNS = 8
"""Columns up to which lanes of rows stay in the caches."""

LEAST = 1e-30
"""Where every transition is as probable, matrices lose nothing between two scalings."""


class _Smoothed(NamedTuple):
    """What `side_by_side.Compiled.smooth` finds of some stretches."""

    heights: Array
    begun: Array
    pairs: Array
    stats: Any


def fitting(emitting: Emissions, n_steps: int, transitions: Array, least: float) -> bool:
    """Whether what the states make, and how they follow one another, is what lanes are for."""
    if emitting.normal is None or emitting.beta != 1:
        return False
    d, k = emitting.normal.means.shape
    few = d <= MOST_COLUMNS and k <= MOST_STATES and n_steps >= LEAST_STEPS
    return few and bool((transitions >= least).all())


def of_sequences(
    emitting: Emissions,
    x: Array,
    sizes: NDArray[np.intp],
    weights: Array,
    start: Array,
    transitions: Array,
) -> Counted | None:
    """Expected statistics of sequences side by side; None where scaling lost one."""
    order = np.argsort(-sizes, kind="stable")
    firsts = (np.cumsum(sizes) - sizes)[order]
    k = len(start)
    enter = np.broadcast_to(start, (len(sizes), k))
    edge = np.repeat(weights[order, None], k, axis=1)
    with _told(side_by_side.compiled(k).smooth):
        made = _smooth(emitting, x, firsts, sizes[order], enter, edge, transitions)
    if made is None:
        return None
    heights, begun, pairs, stats = made
    loglik = float(weights[order] @ heights)
    return Counted(loglik, begun.sum(axis=0), pairs * transitions, stats)


def of_one(
    emitting: Emissions, x: Array, weight: float, start: Array, transitions: Array
) -> Counted | None:
    """Expected statistics of one long sequence by its segments; None where scaling lost it."""
    n, k = len(x), len(start)
    firsts = np.arange(0, n, SEGMENT)
    sizes = np.minimum(SEGMENT, n - firsts)
    m = len(firsts)
    matrices, enter, leave, edge = (np.empty(shape) for shape in ((m, k, k), *((m, k),) * 3))
    wide = side_by_side.LANES
    each = -(-m // (PARTS * wide)) * wide
    parts = [slice(at, min(at + each, m)) for at in range(0, m, each)]
    assert emitting.normal is not None
    given = *strided(x), *emitting.normal, np.ascontiguousarray(transitions)
    compiled = side_by_side.compiled(k)

    def prepare(i: int) -> None:
        own = parts[i]
        compiled.matrices(*given, firsts[own], sizes[own], matrices[own])

    with _told(compiled.matrices):
        shared_out(prepare, len(parts))
    side_by_side.joined(matrices, start, given[-1], weight, enter, leave, edge)
    if not np.isfinite(edge).all():
        return None
    with _told(compiled.smooth):
        found = shared_out(
            lambda i: _smooth(
                emitting, x, firsts[parts[i]], sizes[parts[i]], enter[parts[i]], edge[parts[i]],
                transitions,
            ),
            len(parts),
        )  # fmt: skip
    made = [one for one in found if one is not None]
    if len(made) < len(parts):
        return None
    pairs = sum(one.pairs for one in made) + leave[:-1].T @ edge[1:]
    stats = made[0].stats
    for one in made[1:]:
        stats = add(stats, one.stats)
    heights = math.fsum(float(one.heights.sum()) for one in made)
    return Counted(weight * heights, made[0].begun[0], pairs * transitions, stats)


def _told(run: Any) -> AbstractContextManager[None]:
    """Say so where the first call of a pass waits for the compiler."""
    return nullcontext() if run.signatures else waiting("hidden Markov")


def _smooth(
    emitting: Emissions,
    x: Array,
    firsts: NDArray[np.intp],
    sizes: NDArray[np.intp],
    enter: Array,
    edge: Array,
    transitions: Array,
) -> _Smoothed | None:
    """Both passes over some stretches; `edge` is changed."""
    assert emitting.normal is not None
    assert emitting.gaussian is not None
    d, k = emitting.normal.means.shape
    heights, begun, pairs = np.empty(len(sizes)), np.empty((len(sizes), k)), np.zeros((k, k))
    count, first, second = np.zeros(k), np.zeros((d, k)), np.zeros((d, k))
    kept = side_by_side.compiled(k).smooth(
        *strided(x),
        *emitting.normal,
        np.ascontiguousarray(transitions),
        firsts,
        sizes,
        np.ascontiguousarray(enter),
        edge,
        pairs,
        begun,
        heights,
        count,
        first,
        second,
    )
    if not kept:
        return None
    return _Smoothed(heights, begun, pairs, summed(emitting.gaussian, count, first, second))
