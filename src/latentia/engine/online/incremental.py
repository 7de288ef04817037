"""Incremental EM: the statistics of one block are replaced, then an M-step on the sum of all.

Neal & Hinton (1998), A view of the EM algorithm that justifies incremental, sparse, and other
variants, eqs. 7-9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..model import Model, Suff
from ..tree import Array, Tree
from .blocks import m_step, scaled


class Incremental(NamedTuple):
    """Where incremental EM stands: a tree, so it can be kept in a file.

    Attributes
    ----------
    params : params
    blocks : tuple of Suff or None
        Latest statistics of each block; None where it was not visited yet.
    entropy : array of shape (n_blocks,)
        Entropy of each block's latent variables, loglik - q at the parameters that made its
        statistics; nan where it was not visited yet.
    """

    params: Tree
    blocks: tuple[Suff | None, ...]
    entropy: Array


def begin(params: Tree, n_blocks: int) -> Incremental:
    """At `params`, before any block is visited."""
    return Incremental(params, (None,) * n_blocks, np.full(n_blocks, np.nan))


def replace(model: Model[Any, Any], state: Incremental, i: int, suff: Suff) -> Incremental:
    """Replace the statistics of block `i` by those made at ``state.params``."""
    blocks = (*state.blocks[:i], suff, *state.blocks[i + 1 :])
    entropy = state.entropy.copy()
    entropy[i] = float(suff.loglik) - model.q(state.params, suff)
    return state._replace(blocks=blocks, entropy=entropy)


def total(state: Incremental) -> Suff:
    """The sum over visited blocks, made anew each time so that no rounding builds up."""
    return tree.reduce_in_order([suff for suff in state.blocks if suff is not None])


def maximise(model: Model[Any, Any], state: Incremental, share: float = 1.0) -> Incremental:
    """The M-step on the sum, scaled up where only a `share` of all units was visited.

    Raises
    ------
    ConstraintError
        If the parameters leave the model's space.
    DegenerateError
        If they have no finite likelihood.
    """
    return state._replace(params=m_step(model, scaled(total(state), 1 / share), state.params))


def bound(model: Model[Any, Any], state: Incremental) -> float:
    """F = q + entropy + log-prior, below the objective; it never falls from visit to visit.

    That holds for exact E-steps and M-steps, once every block was visited; before, it is nan.
    """
    if np.isnan(state.entropy).any():
        return float("nan")
    q = model.q(state.params, total(state))
    return q + float(state.entropy.sum()) + float(model.log_prior(state.params))
