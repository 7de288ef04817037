"""A hidden semi-Markov model of any family, in the terms of the engine's contract."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows
from latentia.engine.model import Model, Suff
from latentia.engine.space import Simplex
from latentia.engine.tree import leaves
from latentia.families.family import Family

from ..chains import FreeStart, Moves, allowed
from ..decoding import viterbi as viterbi_of_steps
from ..model import Guesses, HiddenMarkovModel, HiddenMarkovParams, SeenSequences
from ..sequential import Decoded, Known
from ..structures import Structure, between
from . import recursions
from .laws import DurationLaw
from .recursions import SmoothedSegments

Array = NDArray[np.float64]

STEPS = 10
"""EM steps of the plain chain that a start is made of."""


class SemiMarkovParams(NamedTuple):
    """Of K states.

    Attributes
    ----------
    start : array of shape (K,)
        Probabilities of the first segment's state.
    transitions : array of shape (K, K)
        Of the next segment's state; the diagonal is zero.
    durations, emissions : NamedTuples
        The family's of the law of durations, and of what states make.
    """

    start: Any
    transitions: Any
    durations: Any
    emissions: Any


class SemiMarkovStats(NamedTuple):
    """Expected numbers of starts (K,) and moves (K, K), and statistics of both families."""

    start: Any
    transitions: Any
    durations: Any
    emissions: Any


@final
class SemiMarkovModel(Model[SemiMarkovParams, Any]):
    """States that last by laws of their own: an explicit-duration hidden Markov model.

    p(x) = sum over segments of π(z_1) d(u_1) ∏ A(z_i-1, z_i) d(u_i) ∏ f(x_t | z), where in place of
    d stands P(duration >= r) for the last segment, which is cut short (Ferguson 1980; Guédon
    2003). A unit is one sequence, which begins with a segment.

    Parameters
    ----------
    family : Family
        The densities f(. | state), of K >= 2 components.
    law : DurationLaw
    guesses : callable
        First guesses at the states of the rows of a sample, (n, K) each, for starts.
    moves : Structure, optional
        Which states can follow which, as `structures.between` has it; by default any other one.
    """

    def __init__(
        self,
        family: Family[Any, Any],
        law: DurationLaw,
        guesses: Guesses,
        moves: Structure | None = None,
    ) -> None:
        self.family, self.law, self.n_states = family, law, family.n_components
        asked = between(None, self.n_states) if moves is None else moves
        self.chain = FreeStart(self.n_states, None, asked.constraint, asked.values)
        self.plain = HiddenMarkovModel(family, guesses, self._plain_chain(moves))
        self.m_step_exact = family.m_step_exact and law.family.m_step_exact
        self.n_gauge = family.n_gauge

    def _plain_chain(self, moves: Structure | None) -> FreeStart:
        """That of starts, whose states may last, and be left as they may here."""
        if moves is None or moves.constraint is None:
            return FreeStart(self.n_states)
        k = self.n_states
        possible = allowed(moves.constraint, (k, k)) | np.eye(k, dtype=np.bool_)
        return FreeStart(k, transitions=Simplex(possible))

    @property
    def space(self) -> SemiMarkovParams:
        space = (*self.chain.space, self.law.space, self.family.space)
        return SemiMarkovParams(*cast(Any, space))

    def prepare(self, chunk: Any) -> SeenSequences:
        return self.plain.prepare(chunk)

    # -- the start ---------------------------------------------------------------------------

    def start(
        self, sample: Any, rng: np.random.Generator, given: SemiMarkovParams | None = None
    ) -> SemiMarkovParams:
        """What a hidden Markov chain makes of the sample in a few EM steps.

        `given` holds None for what it leaves open; parameters of the family are taken from it. Runs
        of its likeliest path are the segments that durations and moves are counted of.
        """
        if given is not None and all(leaf is not None for leaf in leaves(given)):
            return given
        held = None if given is None else HiddenMarkovParams(None, None, given.emissions)
        chunk = sample if isinstance(sample, SeenSequences) else self.prepare(sample)
        params = self.plain.start(chunk, rng, held)
        for _ in range(STEPS):
            params = self.plain.m_step(self.plain.e_step(params, chunk), params)
        logs = self.plain.log_density(params, chunk)
        path = viterbi_of_steps(logs, *self.plain.law(params), chunk.sizes).states
        return self._of_path(path, chunk, params)

    def _of_path(
        self, path: NDArray[np.int64], chunk: SeenSequences, params: HiddenMarkovParams
    ) -> SemiMarkovParams:
        k, longest = self.n_states, self.law.longest
        firsts = np.cumsum(chunk.sizes) - chunk.sizes
        new = np.append(True, path[1:] != path[:-1])
        new[firsts] = True
        at = np.flatnonzero(new)
        length = np.diff(np.append(at, len(path)))
        weight = np.repeat(chunk.weights, chunk.sizes)[at]
        ended = np.zeros((longest, k))
        np.add.at(ended, (np.minimum(length, longest) - 1, path[at]), weight)
        mean = max(float(weight @ length / weight.sum()), 1.5)
        u = np.arange(longest)[:, None]
        ended += (1 - 1 / mean) ** u / mean  # one segment of a geometric law is imagined
        pairs = np.full((k, k), 1 / k + 1e-3)
        inner = ~np.isin(at[1:], firsts)
        np.add.at(pairs, (path[at[:-1]][inner], path[at[1:]][inner]), weight[1:][inner])
        begun = np.full(k, 1 / k)
        np.add.at(begun, path[firsts], chunk.weights)
        moves = self.chain.started(Moves(begun, pairs))
        return SemiMarkovParams(*moves, self.law.start(ended), params.emissions)

    # -- the E-step --------------------------------------------------------------------------

    def _log_density(self, params: SemiMarkovParams, chunk: Any) -> Array:
        """log f(x_t | state), (n, K); 0 for a step of which nothing is known."""
        chunk = chunk if isinstance(chunk, SeenSequences) else self.prepare(chunk)
        if chunk.seen is None:
            return self.family.log_density(params.emissions, chunk.x)
        full = np.zeros((len(chunk.x), self.n_states))
        full[chunk.seen] = self.family.log_density(params.emissions, chunk.x[chunk.seen])
        return full

    def _smoothed(self, params: SemiMarkovParams, chunk: Any, weights: Array) -> SmoothedSegments:
        logs = self._log_density(params, chunk)
        law = self.law.logs(params.durations)
        each = (logs, params.start, params.transitions, *law)
        return recursions.smoothed(*each, chunk.sizes, weights)

    def e_step(self, params: SemiMarkovParams, chunk: Any) -> Suff:
        chunk = chunk if isinstance(chunk, SeenSequences) else self.prepare(chunk)
        made = self._smoothed(params, chunk, chunk.weights)
        x, resp = chunk.x, made.resp
        if chunk.seen is not None:
            x, resp = x[chunk.seen], resp[chunk.seen]
        seen = self.family.stats(params.emissions, x, np.ascontiguousarray(resp))
        lasted = self.law.stats(params.durations, made.ended, made.cut)
        some = chunk.weights > 0
        loglik = float(chunk.weights[some] @ made.loglik[some])
        n_units, n_obs = float(chunk.weights.sum()), float(chunk.weights @ chunk.sizes)
        stats = SemiMarkovStats(made.start, made.transitions, lasted, seen)
        return Suff(loglik, n_units, n_obs, stats)

    def posterior(self, params: SemiMarkovParams, chunk: Any) -> Known:
        made = self._smoothed(params, chunk, np.ones(len(chunk.sizes)))
        return Known(made.loglik, made.resp)

    def decoded(self, params: SemiMarkovParams, chunk: Any) -> Decoded:
        """The segments that are likeliest together."""
        logs, law = self._log_density(params, chunk), self.law.logs(params.durations)
        each = (logs, params.start, params.transitions, *law)
        return Decoded(*recursions.viterbi(*each, chunk.sizes))

    # -- the M-step --------------------------------------------------------------------------

    def m_step(self, suff: Suff, params: SemiMarkovParams) -> SemiMarkovParams:
        stats: SemiMarkovStats = suff.stats
        counts, old = Moves(stats.start, stats.transitions), Moves(*params[:2])
        return SemiMarkovParams(
            *self.chain.m_step(counts, old),
            self.law.m_step(stats.durations, params.durations),
            self.family.m_step(stats.emissions, params.emissions),
        )

    def q(self, params: SemiMarkovParams, suff: Suff) -> float:
        stats: SemiMarkovStats = suff.stats
        moved = self.chain.q(Moves(*params[:2]), Moves(stats.start, stats.transitions))
        lasted = self.law.q(params.durations, stats.durations)
        return moved + lasted + self.family.q(params.emissions, stats.emissions)

    def score(self, params: SemiMarkovParams, suff: Suff) -> SemiMarkovParams:
        stats: SemiMarkovStats = suff.stats
        moved = Moves(stats.start, stats.transitions)
        return SemiMarkovParams(
            *self.chain.score(Moves(*params[:2]), moved),
            self.law.score(params.durations, stats.durations),
            self.family.score(params.emissions, stats.emissions),
        )

    def simulate(
        self, params: SemiMarkovParams, chunk: Any, rng: np.random.Generator
    ) -> GroupedRows:
        """As many sequences as `chunk` has by weight, of its lengths, with its missing cells."""
        total = float(chunk.weights.sum())
        m = max(round(total), 1)
        shown = GroupedRows(chunk.x, chunk.weights, chunk.sizes)
        if (shown.weights != 1).any():
            shown = shown.take(rng.choice(len(shown), size=m, p=shown.weights / total))
        path = self.drawn(params, shown.sizes, rng)
        new = self.family.redraw(params.emissions, shown.x, path, rng)
        new = np.where(np.isnan(shown.x), np.nan, new)
        return GroupedRows(new, np.full(m, total / m), shown.sizes)

    def drawn(
        self, params: SemiMarkovParams, sizes: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """States of sequences of these sizes, the last segments cut short."""
        states = np.empty(int(sizes.sum()), dtype=np.intp)
        law = self.law.cumulative(params.durations, int(sizes.max()))
        ends = np.cumsum(params.start), np.cumsum(params.transitions, axis=1)
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        uniforms = rng.uniform(size=2 * len(states))
        recursions.walk(uniforms, *ends, np.ascontiguousarray(law.T), offsets, states)
        return states
