"""A few states: many short sequences, or the segments of a long one, in lanes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from latentia.engine.backend import shared_out
from latentia.engine.tree import add
from latentia.families.kernels.ready import waiting
from latentia.families.kernels.tile import strided

from . import side_by_side
from .emissions import Emissions, summed
from .halves import Counted
from .seen import SeenSequences

Array = NDArray[np.float64]

SEGMENT = 264
"""Steps of a segment: those of a group of lanes stay in the caches, and no power of two, or the
rows that lanes read together would share one set of the first cache."""

PARTS = 8
"""Shares that segments are worked on in, whatever the number of threads."""

MOST_GROUPS = 2
"""Groups of lanes in a share, at most, where densities are the family's."""

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


class _Given(NamedTuple):
    """What passes begin with: normal states of columns apart, or a table of log-densities.

    Attributes
    ----------
    rows : tuple
        Rows and states, as `side_by_side.Compiled` takes them.
    resp : array of shape (n, K) or (0, K)
        Where posteriors go: over the table.
    compiled : Compiled
    """

    rows: tuple[Any, ...]
    resp: Array
    compiled: side_by_side.Compiled

    @classmethod
    def normal(cls, emitting: Emissions, x: Array) -> Self:
        """Rows of normal states."""
        assert emitting.normal is not None
        k = len(emitting.normal.offset)
        rows = *strided(x), *emitting.normal
        return cls(rows, np.empty((0, k)), side_by_side.compiled(k))

    @classmethod
    def table(cls, log_density: Array) -> Self:
        """Log-densities (n, K), which become the posteriors."""
        k = log_density.shape[1]
        none = np.empty((0, k))
        rows = log_density.reshape(-1), k, 1, np.zeros(k), 1.0, none, none, np.empty(0)
        return cls(rows, log_density, side_by_side.compiled(k, True))


def fitting(n_steps: int, transitions: Array, least: float) -> bool:
    """Whether what the states make, and how they follow one another, is what lanes are for."""
    few = len(transitions) <= MOST_STATES and n_steps >= LEAST_STEPS
    return few and bool((transitions >= least).all())


def needs_table(emitting: Emissions, chunk: SeenSequences) -> bool:
    """Whether densities are the family's, and not those that lanes make of columns."""
    made = emitting.normal is not None and emitting.beta == 1 and chunk.seen is None
    return not made or chunk.x.shape[1] > MOST_COLUMNS


def of_sequences(
    emitting: Emissions, chunk: SeenSequences, start: Array, transitions: Array
) -> Counted | None:
    """Expected statistics of sequences side by side; None where scaling lost one."""
    sizes, weights = chunk.sizes, chunk.weights
    order = np.argsort(-sizes, kind="stable")
    firsts = (np.cumsum(sizes) - sizes)[order]
    k = len(start)
    enter = np.broadcast_to(start, (len(sizes), k))
    edge = np.repeat(weights[order, None], k, axis=1)
    tabled = needs_table(emitting, chunk)
    with _table(chunk, k, tabled) as table:
        if tabled:
            table[:] = emitting.of_steps(chunk)
        given = _Given.table(table) if tabled else _Given.normal(emitting, chunk.x)
        with _told(given.compiled.smooth):
            made = _smooth(emitting, given, firsts, sizes[order], enter, edge, transitions)
        if made is None:
            return None
        heights, begun, pairs, stats = made
        if tabled:
            stats = emitting.counted(chunk, table)
    loglik = float(weights[order] @ heights)
    return Counted(loglik, begun.sum(axis=0), pairs * transitions, stats)


def of_one(
    emitting: Emissions, chunk: SeenSequences, start: Array, transitions: Array
) -> Counted | None:
    """Expected statistics of one long sequence by its segments; None where scaling lost it."""
    tabled = needs_table(emitting, chunk)
    with _table(chunk, len(start), tabled) as table:
        given = _Given.table(table) if tabled else _Given.normal(emitting, chunk.x)
        return _by_segments(emitting, chunk, given, start, transitions)


def _by_segments(
    emitting: Emissions, chunk: SeenSequences, given: _Given, start: Array, transitions: Array
) -> Counted | None:
    n, k, weight = len(chunk.x), len(start), float(chunk.weights[0])
    firsts = np.arange(0, n, SEGMENT)
    sizes = np.minimum(SEGMENT, n - firsts)
    m, tabled = len(firsts), len(given.resp) > 0
    matrices, enter, leave, edge = (np.empty(shape) for shape in ((m, k, k), *((m, k),) * 3))
    wide = side_by_side.LANES
    each = -(-m // (PARTS * wide)) * wide
    if tabled:  # what a family makes of the steps of a part should stay in the caches
        each = min(each, MOST_GROUPS * wide)
    parts = [slice(at, min(at + each, m)) for at in range(0, m, each)]
    chain = np.ascontiguousarray(transitions)

    def steps(i: int) -> tuple[int, int]:
        return parts[i].start * SEGMENT, min(parts[i].stop * SEGMENT, n)

    def prepare(i: int) -> None:
        if tabled:
            first, last = steps(i)
            given.resp[first:last] = emitting.of_steps(chunk.steps(first, last))
        own = parts[i]
        given.compiled.matrices(*given.rows, chain, firsts[own], sizes[own], matrices[own])

    def smooth(i: int) -> _Smoothed | None:
        own = parts[i]
        made = _smooth(emitting, given, firsts[own], sizes[own], enter[own], edge[own], transitions)
        if made is None or not tabled:
            return made
        first, last = steps(i)
        found = emitting.counted(chunk.steps(first, last), given.resp[first:last])
        return made._replace(stats=found)

    with _told(given.compiled.matrices):
        shared_out(prepare, len(parts))
    side_by_side.joined(matrices, start, chain, weight, enter, leave, edge)
    if not np.isfinite(edge).all():
        return None
    with _told(given.compiled.smooth):
        found = shared_out(smooth, len(parts))
    made = [one for one in found if one is not None]
    if len(made) < len(parts):
        return None
    pairs = sum(one.pairs for one in made) + leave[:-1].T @ edge[1:]
    stats = made[0].stats
    for one in made[1:]:
        stats = add(stats, one.stats)
    heights = math.fsum(float(one.heights.sum()) for one in made)
    return Counted(weight * heights, made[0].begun[0], pairs * transitions, stats)


@contextmanager
def _table(chunk: SeenSequences, n_states: int, tabled: bool) -> Iterator[Array]:
    """Memory for a table of all steps, if there is to be one."""
    n = len(chunk.x) if tabled else 0
    with chunk.workspace.lent(n * n_states) as line:
        yield line.reshape(n, n_states)


def _told(run: Any) -> AbstractContextManager[None]:
    """Say so where the first call of a pass waits for the compiler."""
    return nullcontext() if run.signatures else waiting("hidden Markov")


def _smooth(
    emitting: Emissions,
    given: _Given,
    firsts: NDArray[np.intp],
    sizes: NDArray[np.intp],
    enter: Array,
    edge: Array,
    transitions: Array,
) -> _Smoothed | None:
    """Both passes over some stretches; `edge` is changed. Of a table, without statistics."""
    k, d = len(transitions), len(given.rows[5])
    heights, begun, pairs = np.empty(len(sizes)), np.empty((len(sizes), k)), np.zeros((k, k))
    count, first, second = np.zeros(k), np.zeros((d, k)), np.zeros((d, k))
    kept = given.compiled.smooth(
        *given.rows,
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
        given.resp,
    )
    if not kept:
        return None
    stats = None
    if not len(given.resp):
        assert emitting.gaussian is not None
        stats = summed(emitting.gaussian, count, first, second)
    return _Smoothed(heights, begun, pairs, stats)
