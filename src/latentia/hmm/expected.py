"""Expected statistics of a chunk of sequences: which pass goes over which of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentia.engine.tree import add

from . import halves, kernels, lanes, segments
from .chain import smoothed
from .emissions import Emissions
from .halves import Counted, Steps
from .seen import SeenSequences

Array = NDArray[np.float64]

LONG = 8_192
"""Steps from which on a sequence goes in parts."""


def expected(
    emitting: Emissions,
    chunk: SeenSequences,
    start: Array,
    transitions: Array,
    checkpointing: bool = False,
) -> Counted:
    """The weighted log-likelihood of sequences, and their expected statistics.

    Parameters
    ----------
    emitting : Emissions
    chunk : SeenSequences
    start, transitions : arrays of shape (K,) and (K, K)
    checkpointing : bool, default=False
        Whether memory is O(√n K) for a sequence of n steps.
    """
    least = 2 * halves.SHORTEST if checkpointing else LONG
    made = None
    for first, last, alone in _runs(chunk.sizes, least):
        part = chunk if last - first == len(chunk) else chunk.among(first, last)
        one = None
        if alone:
            one = _long(emitting, part, start, transitions, checkpointing)
        if one is None:
            one = _together(emitting, part, start, transitions)
        made = one if made is None else add(made, one)
    assert made is not None
    return made


def _runs(sizes: NDArray[np.intp], least: int) -> Iterator[tuple[int, int, bool]]:
    """Long sequences by themselves, and those between them together."""
    begin = 0
    for i in map(int, np.flatnonzero(sizes >= least)):
        if begin < i:
            yield begin, i, False
        yield i, i + 1, True
        begin = i + 1
    if begin < len(sizes):
        yield begin, len(sizes), False


def _together(
    emitting: Emissions, chunk: SeenSequences, start: Array, transitions: Array
) -> Counted:
    if segments.fitting(len(chunk.x), transitions, kernels.MIXING) and (
        lanes.worth_lanes(chunk.sizes, len(start))
    ):
        made = segments.of_sequences(emitting, chunk, start, transitions)
        if made is not None:
            return made
    log_density = emitting.of_steps(chunk)
    made = smoothed(log_density, start, transitions, chunk.sizes, chunk.weights)
    counted = emitting.counted(chunk, made.resp)
    some = chunk.weights > 0  # an impossible sequence of no weight is none
    loglik = float(chunk.weights[some] @ made.loglik[some])
    return Counted(loglik, made.start, made.transitions, counted)


def _long(
    emitting: Emissions, chunk: SeenSequences, start: Array, transitions: Array, checkpointing: bool
) -> Counted | None:
    """One sequence in parts; None where it has no finite likelihood, which is seen to whole."""
    n, weight = int(chunk.sizes[0]), float(chunk.weights[0])
    if not weight > 0:
        return None
    whole = checkpointing and segments.needs_table(
        emitting, chunk
    )  # a table is as long as the steps
    if not whole and segments.fitting(n, transitions, segments.LEAST):
        made = segments.of_one(emitting, chunk, start, transitions)
        if made is not None:
            return made
    steps = Steps(
        n,
        lambda first, last: emitting.of_steps(chunk.steps(first, last)),
        lambda first, last, resp: emitting.counted(chunk.steps(first, last), resp),
    )
    made = halves.counted(
        steps, start, transitions, weight, checkpointing=checkpointing, workspace=chunk.workspace
    )
    if not np.isfinite(made.loglik):
        return None
    return made._replace(loglik=weight * made.loglik)
