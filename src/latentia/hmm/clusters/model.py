"""A mixture of hidden Markov models, in the terms of the engine's contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from latentia.data.groups import GroupedRows
from latentia.engine.evaluator import FAILURES
from latentia.engine.model import Model, Suff
from latentia.engine.space import Simplex
from latentia.families.family import Family

from ..chain import smoothed
from ..chains import FreeStart, Moves
from ..decoding import viterbi
from ..model import (
    Guesses,
    HiddenMarkovModel,
    HiddenMarkovParams,
    HiddenMarkovStats,
    SeenSequences,
)
from ..sequential import Decoded
from . import start

Array = NDArray[np.float64]


class Clustered(NamedTuple):
    """What is known of some sequences.

    Attributes
    ----------
    log_density : array of shape (m,)
        The log-likelihood of each sequence.
    resp : array of shape (n, G K)
        P(cluster, state at t | the sequence).
    clusters : array of shape (m, G)
        P(cluster | the sequence).
    """

    log_density: Array
    resp: Array
    clusters: Array


@final
class ClusteredChains(Model[HiddenMarkovParams, Any]):
    """p(x) = sum_g w_g p(x | chain g): each sequence is of one of G hidden Markov chains.

    (Smyth 1997.) It is one chain of G K states, those of cluster g from g K on, of which no move
    leads from one cluster to another: the start is w_g π_g, transitions are in blocks. Parameters,
    M-step and counts are therefore those of `HiddenMarkovModel`, but each block is passed through
    by itself, so that clusters that a sequence is not of do not fade under those it is of.

    Parameters
    ----------
    family : Family
        The densities f(. | cluster, state), of G K components.
    n_clusters : int
    guesses, single : callable and Family
        First guesses at the states of rows, (n, K), and a family of K components, for the one
        chain of all sequences that starts are made of.
    """

    def __init__(
        self, family: Family[Any, Any], n_clusters: int, guesses: Guesses, single: Family[Any, Any]
    ) -> None:
        self.family, self.n_clusters = family, n_clusters
        self.n_states = family.n_components // n_clusters
        block = np.kron(np.eye(n_clusters), np.ones((self.n_states, self.n_states))) > 0
        chain = FreeStart(family.n_components, transitions=Simplex(block, exchangeable=(0, 1)))
        self.whole = HiddenMarkovModel(family, guesses, chain)
        self.single = HiddenMarkovModel(single, guesses)
        self.m_step_exact, self.n_gauge = family.m_step_exact, family.n_gauge

    @property
    def space(self) -> HiddenMarkovParams:
        return self.whole.space

    def prepare(self, chunk: Any) -> SeenSequences:
        return self.whole.prepare(chunk)

    def _blocks(self) -> list[slice]:
        """The states of each cluster."""
        k = self.n_states
        return [slice(g * k, (g + 1) * k) for g in range(self.n_clusters)]

    # -- the start ---------------------------------------------------------------------------

    def start(
        self, sample: Any, rng: np.random.Generator, given: HiddenMarkovParams | None = None
    ) -> HiddenMarkovParams:
        """Clusters of sequences that one chain for all of them shows; `start.py` says how."""
        if given is not None:
            return given
        chunk = sample if isinstance(sample, SeenSequences) else self.prepare(sample)
        params = start.pooled(self.single, chunk, rng)
        resp = self.single.posterior(params, GroupedRows(*chunk[:3])).resp
        clusters = start.guessed(self.single, params, resp, chunk, self.n_clusters, rng)
        states = np.tile(resp, self.n_clusters)
        if start.apart(rng):
            with suppress(*FAILURES):  # where no cluster is too small for a chain of its own
                states = start.own_states(self.single, clusters, chunk, rng)
        return self.of_guess(states, clusters, chunk)

    def of_guess(self, states: Array, clusters: Array, chunk: SeenSequences) -> HiddenMarkovParams:
        """Parameters from states in each cluster (n, G K), and clusters (m, G), both uncertain."""
        each = np.repeat(clusters * chunk.weights[:, None], chunk.sizes, axis=0)
        both = np.repeat(each, self.n_states, axis=1) * states
        kept = slice(None) if chunk.seen is None else chunk.seen
        made = self.family.start(np.asarray(chunk.x[kept]), both[kept])
        ends = np.cumsum(chunk.sizes)
        before = both[:-1].copy()
        before[ends[:-1] - 1] = 0.0  # a sequence's last step has no step behind it
        pairs = before.T @ states[1:] + 0.5
        begun = both[ends - chunk.sizes].sum(axis=0) + 0.5
        total = pairs.sum(axis=1, keepdims=True)
        moves = self.whole.chain.started(Moves(begun, pairs / total))
        return HiddenMarkovParams(*moves, made)

    def rearrangements(
        self, params: HiddenMarkovParams, sample: Any, rng: np.random.Generator
    ) -> Iterator[HiddenMarkovParams]:
        """What becomes of the fit where clusters, or the states of one, are others."""
        chunk = sample if isinstance(sample, SeenSequences) else self.prepare(sample)
        yield from start.rearrangements(self, params, chunk, rng)

    # -- the E-step --------------------------------------------------------------------------

    def log_density(self, params: HiddenMarkovParams, chunk: SeenSequences) -> Array:
        """log f(x_t | cluster, state), (n, G K); 0 for a step of which nothing is known."""
        if chunk.seen is None:
            return self.family.log_density(params.emissions, chunk.x)
        full = np.zeros((len(chunk.x), self.family.n_components))
        full[chunk.seen] = self.family.log_density(params.emissions, chunk.x[chunk.seen])
        return full

    def heights(self, params: HiddenMarkovParams, chunk: SeenSequences) -> Array:
        """log w_g p(x | chain g) of each sequence, (m, G)."""
        return self._heights(params, self.log_density(params, chunk), chunk.sizes)

    def _heights(self, params: HiddenMarkovParams, logs: Array, sizes: Any) -> Array:
        """log w_g p(x | chain g) of each sequence, (m, G)."""
        ones = np.ones(len(sizes))
        parts = [
            smoothed(logs[:, b], params.start[b], params.transitions[b, b], sizes, ones).loglik
            for b in self._blocks()
        ]
        return np.stack(parts, axis=1)

    def e_step(self, params: HiddenMarkovParams, chunk: Any) -> Suff:
        chunk = chunk if isinstance(chunk, SeenSequences) else self.prepare(chunk)
        made, stats = self._passed(params, chunk, chunk.weights)
        some = chunk.weights > 0  # an impossible sequence of no weight is none
        loglik = float(chunk.weights[some] @ made.log_density[some])
        n_units, n_obs = float(chunk.weights.sum()), float(chunk.weights @ chunk.sizes)
        x, resp = chunk.x, made.resp
        if chunk.seen is not None:
            x, resp = x[chunk.seen], resp[chunk.seen]
        counted = self.family.stats(params.emissions, x, resp)
        return Suff(loglik, n_units, n_obs, HiddenMarkovStats(*stats, counted))

    def _passed(
        self, params: HiddenMarkovParams, chunk: SeenSequences, weights: Array
    ) -> tuple[Clustered, Moves]:
        """What is known of states and clusters, weighted, and expected starts and moves."""
        logs = self.log_density(params, chunk)
        heights = self._heights(params, logs, chunk.sizes)
        total = logsumexp(heights, axis=1)
        with np.errstate(invalid="ignore"):
            clusters = np.exp(heights - total[:, None])
        clusters[~np.isfinite(total)] = 0.0
        resp, start = np.zeros_like(logs), np.zeros(logs.shape[1])
        transitions = np.zeros((len(start), len(start)))
        for g, b in enumerate(self._blocks()):
            own = weights * clusters[:, g]
            law = params.start[b], params.transitions[b, b]
            made = smoothed(logs[:, b], *law, chunk.sizes, own)
            resp[:, b], start[b], transitions[b, b] = made.resp, made.start, made.transitions
        return Clustered(total, resp, clusters), Moves(start, transitions)

    def posterior(self, params: HiddenMarkovParams, chunk: Any) -> Clustered:
        seen = self.prepare(chunk)
        return self._passed(params, seen, np.ones(len(seen.sizes)))[0]

    def decoded(self, params: HiddenMarkovParams, chunk: Any) -> Decoded:
        """The cluster and the path that are likeliest together."""
        seen = self.prepare(chunk)
        logs = self.log_density(params, seen)
        return Decoded(*viterbi(logs, params.start, params.transitions, seen.sizes))

    # -- the M-step --------------------------------------------------------------------------

    def m_step(self, suff: Suff, params: HiddenMarkovParams) -> HiddenMarkovParams:
        return self.whole.m_step(suff, params)

    def q(self, params: HiddenMarkovParams, suff: Suff) -> float:
        return self.whole.q(params, suff)

    def score(self, params: HiddenMarkovParams, suff: Suff) -> HiddenMarkovParams:
        return self.whole.score(params, suff)

    def simulate(
        self, params: HiddenMarkovParams, chunk: Any, rng: np.random.Generator
    ) -> GroupedRows:
        return self.whole.simulate(params, chunk, rng)
