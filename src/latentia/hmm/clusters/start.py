"""First guesses at clusters of sequences, and clusters rearranged.

One chain for all sequences comes first. Sequences are then told apart by their habits (how often
each is in each state and moves between them), or by how likely they are under chains that one EM
step makes of a few of them (after Smyth 1997, who trains one on each sequence).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows
from latentia.engine.evaluator import FAILURES
from latentia.engine.tree import add, scale
from latentia.mixture import rearrange as mixtures
from latentia.mixture.start import number

from ..model import HiddenMarkovModel, HiddenMarkovParams, SeenSequences

if TYPE_CHECKING:
    from .model import ClusteredChains

Array = NDArray[np.float64]

KINDS = ("habits", "likelihoods", "random")
"""How starts guess at clusters, in turns."""

SOFTENED = 0.1
"""Share of a first guess at the clusters that goes to the others."""

ROUNDS = 20
"""How often sequences are given to the nearest of some centres, at most."""

MODELS = 4
"""Chains made of single sequences, for each cluster."""

POOLED = 0.2
"""Share of all sequences in such a chain, against its own one."""

STEPS = 9
"""EM steps of the one chain for all sequences, at most."""

FEW = 4
"""EM steps of a chain of one cluster's sequences."""

MOVES, ANEW = 2, 2
"""How often the states of each cluster are split and merged, and guessed anew."""


def kind_of(rng: np.random.Generator) -> str:
    """What this start is."""
    return KINDS[(number(rng) or 0) % len(KINDS)]


def apart(rng: np.random.Generator) -> bool:
    """Whether this start guesses at the states of each cluster by itself."""
    return ((number(rng) or 0) // len(KINDS)) % 2 == 1


def pooled(
    single: HiddenMarkovModel, chunk: SeenSequences, rng: np.random.Generator
) -> HiddenMarkovParams:
    """One chain for all sequences, after a few EM steps."""
    params = single.start(chunk, rng)
    for _ in range(int(rng.integers(1, STEPS + 1))):
        params = single.m_step(single.e_step(params, chunk), params)
    return params


def guessed(
    single: HiddenMarkovModel,
    params: HiddenMarkovParams,
    resp: Array,
    chunk: SeenSequences,
    n_clusters: int,
    rng: np.random.Generator,
) -> Array:
    """P(cluster) of each sequence, (m, G), as this start guesses.

    Parameters
    ----------
    single : HiddenMarkovModel
    params : HiddenMarkovParams
        Of one chain for all sequences.
    resp : array of shape (n, K)
        P(state at t | its sequence) by it.
    chunk : SeenSequences
    n_clusters : int
    rng : numpy.random.Generator
    """
    kind = kind_of(rng)
    if kind == "random":
        return rng.dirichlet(np.ones(n_clusters), size=len(chunk.sizes))
    told = habits(resp, chunk.sizes)
    if kind == "likelihoods":
        with suppress(*FAILURES):  # where one sequence is too little for a chain, habits stand
            told = likelihoods(single, params, chunk, MODELS * n_clusters, rng)
    label = nearest(told, chunk.weights, n_clusters, rng)
    return softened(np.eye(n_clusters)[label])


def softened(clusters: Array) -> Array:
    """With a share for each of the clusters."""
    return (1 - SOFTENED) * clusters + SOFTENED / clusters.shape[1]


def habits(resp: Array, sizes: NDArray[np.intp]) -> Array:
    """How often each sequence is in each state, and moves from one to another, (m, K + K²)."""
    firsts = np.cumsum(sizes) - sizes
    share = np.add.reduceat(resp, firsts, axis=0) / sizes[:, None]
    moves = np.zeros((len(resp), resp.shape[1] ** 2))
    moves[:-1] = (resp[:-1, :, None] * resp[1:, None, :]).reshape(len(resp) - 1, -1)
    moves[np.cumsum(sizes) - 1] = 0.0
    moved = np.add.reduceat(moves, firsts, axis=0) / np.maximum(sizes - 1, 1)[:, None]
    return np.hstack([share, moved])


def likelihoods(
    single: HiddenMarkovModel,
    params: HiddenMarkovParams,
    chunk: SeenSequences,
    n_models: int,
    rng: np.random.Generator,
) -> Array:
    """How likely a step of each sequence is under chains made of some of them, (m, n_models).

    Each chain is an EM step from that of all sequences, on one of them and a share of the others;
    what all chains find likely in a sequence is taken off.
    """
    m = len(chunk.sizes)
    p = chunk.weights * chunk.sizes
    drawn = rng.choice(m, size=min(n_models, int((p > 0).sum())), replace=False, p=p / p.sum())
    whole = single.e_step(params, chunk)
    rows = GroupedRows(*chunk[:3])
    heights = np.empty((m, len(drawn)))
    for j, i in enumerate(drawn):
        alone = rows.take(np.array([i]))
        one = single.prepare(GroupedRows(alone.x, np.ones(1), alone.sizes))
        own = single.e_step(params, one)
        stats = add(own.stats, scale(whole.stats, POOLED * own.n_obs / whole.n_obs))
        made = single.m_step(own._replace(stats=stats), params)
        heights[:, j] = single.posterior(made, rows).log_density / chunk.sizes
    heights = np.maximum(heights, heights.max(axis=1, keepdims=True) - 100.0)  # not impossible
    return heights - heights.mean(axis=1, keepdims=True)


def nearest(
    told: Array, weights: Array, n_clusters: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """The nearest of some centres, drawn far from one another, that are moved by turns."""
    p = weights / weights.sum()
    centres = told[rng.choice(len(told), size=1, p=p)]
    while len(centres) < n_clusters:
        off = ((told[:, None] - centres) ** 2).sum(axis=2).min(axis=1) * p
        far = off / off.sum() if off.sum() > 0 else p
        centres = np.vstack([centres, told[rng.choice(len(told), p=far)]])
    label = np.zeros(len(told), dtype=np.intp)
    for _ in range(ROUNDS):
        now = ((told[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        if np.array_equal(now, label):
            break
        label = now
        for g in range(n_clusters):
            if (weights[label == g] > 0).any():
                centres[g] = np.average(told[label == g], axis=0, weights=weights[label == g])
    return label


def own_states(
    single: HiddenMarkovModel,
    clusters: Array,
    chunk: SeenSequences,
    rng: np.random.Generator,
) -> Array:
    """P(state at t) in a chain of each cluster's sequences alone, (n, G K)."""
    rows, parts = GroupedRows(*chunk[:3]), []
    for share in clusters.T:
        mine = chunk.reweight(share)
        params = single.start(mine, rng)
        for _ in range(FEW):
            params = single.m_step(single.e_step(params, mine), params)
        parts.append(single.posterior(params, rows).resp)
    return np.hstack(parts)


def rearrangements(
    model: ClusteredChains, params: HiddenMarkovParams, chunk: Any, rng: np.random.Generator
) -> Iterator[HiddenMarkovParams]:
    """Parameters after clusters or their states were rearranged, the most promising first.

    Two clusters that share sequences are merged and a third is split in two by likelihoods, as
    components of a mixture are (`latentia.mixture.rearrange`); or the states of one cluster are
    guessed anew.

    Parameters
    ----------
    model : ClusteredChains
    params : HiddenMarkovParams
    chunk : SeenSequences
    rng : numpy.random.Generator
    """
    known = model.posterior(params, GroupedRows(*chunk[:3]))
    clusters, n_clusters, k = known.clusters, model.n_clusters, model.n_states
    by_cluster = known.resp.reshape(len(known.resp), n_clusters, k)
    share = np.repeat(clusters, chunk.sizes, axis=0)[:, :, None]
    states = np.where(share > 1e-12, by_cluster / np.where(share > 1e-12, share, 1.0), 1 / k)
    heights = model.heights(params, chunk)
    if n_clusters > 2:
        for move in mixtures.moves(clusters, heights, chunk.weights):
            own = chunk.reweight(clusters[:, move.third])
            if int((own.weights > 0).sum()) < 2:
                continue
            one = model.single.made_of(own, states[:, move.third])
            told = likelihoods(model.single, one, own, MODELS * 2, rng)
            half = nearest(told, own.weights, 2, rng)
            new = clusters.copy()
            new[:, move.first] += new[:, move.second]
            new[:, move.second] = new[:, move.third] * (half == 1)
            new[:, move.third] = new[:, move.third] * (half == 0)
            moved = states.copy()
            moved[:, move.second] = states[:, move.third]
            yield from _made(model, moved, softened(new), chunk)
    for g in np.argsort(-clusters.sum(axis=0), kind="stable"):
        for anew in other_states(model, params, states[:, g], clusters[:, g], chunk, int(g), rng):
            moved = states.copy()
            moved[:, g] = anew
            yield from _made(model, moved, clusters, chunk)


def other_states(
    model: ClusteredChains,
    params: HiddenMarkovParams,
    states: Array,
    share: Array,
    chunk: SeenSequences,
    g: int,
    rng: np.random.Generator,
) -> Iterator[Array]:
    """P(state at t) in a cluster, (n, K), as moves and guesses at its chain alone have it.

    Two of its states are merged and a third is split; or they are what a start of one chain makes
    of its sequences.
    """
    if model.n_states < 2:
        return
    kept = np.arange(len(chunk.x)) if chunk.seen is None else chunk.seen
    if model.n_states > 2 and (share > mixtures.PART).any():
        mine = np.where(share > mixtures.PART, chunk.weights * share, 0.0)
        w = np.repeat(mine, chunk.sizes)
        some = kept[w[kept] > 0]
        logs = model.log_density(params, chunk)[:, g * model.n_states : (g + 1) * model.n_states]
        codes = getattr(model.single.guesses, "categorical", ())
        told = chunk.x[some], w[some], states[some], logs[some]
        for moved in islice(mixtures.rearrangements(*told, rng, codes), MOVES):
            new = states.copy()
            new[some] = moved
            yield new
    for child in rng.spawn(ANEW):
        try:
            yield own_states(model.single, share[:, None], chunk, child)
        except FAILURES:
            continue


def _made(
    model: ClusteredChains, states: Array, clusters: Array, chunk: SeenSequences
) -> Iterator[HiddenMarkovParams]:
    """The parameters, if the family can make some of it."""
    try:
        yield model.of_guess(states.reshape(len(states), -1), clusters, chunk)
    except FAILURES:
        return
