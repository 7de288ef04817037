"""Blocks of units, and one E-step or M-step on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..backend import Mapper, Piece
from ..chart import Chart, ConstraintError, arrays, check
from ..evaluator import FAILURES, e_step
from ..model import Chunk, Model, Suff
from ..space import DegenerateError
from ..tree import Tree

PIECE = 256
"""Units that a block takes from one chunk, at least, where there are enough."""

STEP_FAILURES = (*FAILURES, ConstraintError)
"""What a step on too few units may raise; the parameters before it still stand."""


Block = tuple[Piece, ...]


def split(chunks: Sequence[Chunk], n_blocks: int, rng: np.random.Generator) -> list[Block]:
    """Deal all units out to blocks at random, so that each block is like the whole.

    Every block takes units from as many chunks as it can, since data that are sorted would
    otherwise make blocks that know a part of the truth only. Units are named, not copied.

    Parameters
    ----------
    chunks : sequence of Chunk
    n_blocks : int
        Blocks, at most; fewer where there are fewer units.
    rng : numpy.random.Generator
    """
    layers: list[list[Piece]] = [[] for _ in range(n_blocks)]
    place = 0
    for i in map(int, rng.permutation(len(chunks))):
        n = len(chunks[i])
        n_pieces = min(n, n_blocks, max(-(-n // PIECE), -(-n_blocks // len(chunks))))
        if not n_pieces:
            continue
        for units in np.array_split(rng.permutation(n), n_pieces):
            layers[place].append(Piece(i, np.sort(units)))
            place = (place + 1) % n_blocks  # the next chunk goes on where this one stopped
    return [tuple(layer) for layer in layers if layer]


def block_suff(mapper: Mapper, params: Tree, block: Block) -> Suff:
    """The E-step over the units of one block.

    Raises
    ------
    DegenerateError
        If the log-likelihood or a statistic is not finite.
    """
    return finite(tree.reduce_in_order(mapper.each(e_step, params, block)))


def finite(suff: Suff) -> Suff:
    """The same statistics, refused where they are not finite."""
    if not all(np.isfinite(leaf).all() for leaf in arrays(suff)):
        raise DegenerateError("the log-likelihood or a statistic of a block is not finite")
    return suff


def scaled(suff: Suff, factor: float) -> Suff:
    """Statistics times a number; to the bit the same where it is 1."""
    return suff if factor == 1 else tree.scale(suff, factor)


def m_step(model: Model[Any, Any], suff: Suff, params: Tree) -> Tree:
    """The M-step, its result refused where it is outside the model's space or singular.

    Raises
    ------
    ConstraintError
    DegenerateError
    """
    with np.errstate(all="ignore"):
        reached = model.m_step(suff, params)
        check(model.space, reached, params)
        Chart(model.space, reached)  # raises if a covariance became singular
    return reached
