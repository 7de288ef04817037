"""A hidden Markov model of any family, in the terms of the engine's contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.data.groups import GroupedRows
from latentia.engine.model import Model, Suff
from latentia.engine.tree import add, leaves, rebuild, scale
from latentia.families.family import Family

from .brief import Brief, best
from .chain import log_likelihoods, smoothed
from .chains import FreeStart, MarkovChain, Moves
from .emissions import Emissions
from .expected import expected
from .rearrange import rearrangements
from .seen import SeenSequences
from .start import counted

Array = NDArray[np.float64]
Guesses = Callable[[Any, np.random.Generator], list[Array]]


class HiddenMarkovParams(NamedTuple):
    """Of K states: where sequences start (K,), transitions (K, K), and the family's parameters.

    ``transitions[i, j]`` is the probability of state j after state i. Where the start follows
    from the transitions it is ().
    """

    start: Any
    transitions: Any
    emissions: Any


class HiddenMarkovStats(NamedTuple):
    """Expected numbers of starts (K,) and of transitions (K, K), and the family's statistics."""

    start: Any
    transitions: Any
    emissions: Any


class StatePosterior(NamedTuple):
    """What is known of the states.

    Attributes
    ----------
    log_density : array of shape (m,)
        The log-likelihood of each sequence.
    resp : array of shape (n, K)
        P(state at t | the sequence).
    """

    log_density: Array
    resp: Array


@final
class HiddenMarkovModel(Model[HiddenMarkovParams, Any]):
    """p(x) = sum over paths z of π(z_1) f(x_1 | z_1) ∏ A(z_t-1, z_t) f(x_t | z_t).

    (Rabiner 1989, eq. 17; the EM algorithm is Baum, Petrie, Soules & Weiss 1970.) A unit is one
    sequence; a step of which nothing is known (all cells nan) has density 1 in every state.

    Parameters
    ----------
    family : Family
        The densities f(. | state).
    guesses : callable
        First guesses at the states of the rows of a sample, (n, K) each, for starts.
    chain : MarkovChain, optional
        How states follow one another; by default `FreeStart` without constraints.
    prior : HiddenMarkovStats, optional
        Statistics of imagined data, which are added to those seen: the conjugate prior whose
        logarithm is q at these.
    checkpointing : bool, default=False
        Whether an E-step takes memory for the root of the longest sequence's steps alone, for
        another pass over it.
    brief : Brief, optional
        How many guesses each start is the best of; by default those of one kind.
    """

    def __init__(
        self,
        family: Family[Any, Any],
        guesses: Guesses,
        chain: MarkovChain | None = None,
        prior: HiddenMarkovStats | None = None,
        checkpointing: bool = False,
        brief: Brief | None = None,
    ) -> None:
        self.checkpointing, self.brief = checkpointing, brief
        self.family, self.n_states = family, family.n_components
        self.chain = FreeStart(family.n_components) if chain is None else chain
        self.guesses, self.prior = guesses, prior
        self.m_step_exact, self.n_gauge = family.m_step_exact, family.n_gauge

    @property
    def space(self) -> HiddenMarkovParams:
        return HiddenMarkovParams(*self.chain.space, self.family.space)

    def with_brief(self, brief: Brief) -> HiddenMarkovModel:
        """The same model whose starts are the best of several short runs."""
        return HiddenMarkovModel(
            self.family, self.guesses, self.chain, self.prior, self.checkpointing, brief
        )

    def prepare(self, chunk: Any) -> Any:
        return SeenSequences.of(chunk)

    # -- the start ---------------------------------------------------------------------------

    @np.errstate(all="ignore")  # of guesses that collapse, which the likelihood passes over
    def start(
        self,
        sample: Any,
        rng: np.random.Generator,
        given: HiddenMarkovParams | None = None,
    ) -> HiddenMarkovParams:
        """What the likeliest first guess makes of the sample.

        Guesses are at paths, or at the states of single steps: then these are first taken for
        independent rows, and transitions counted between the states that they are likely in.
        `given` holds None for what it leaves open.
        """
        whole = sample if isinstance(sample, SeenSequences) else self.prepare(sample)
        chunk = whole.excerpt()
        if self.brief is not None and given is None:
            found = best(self, self.brief, chunk, rng)
            if found is not None:
                return HiddenMarkovParams(*found)
        path = getattr(self.guesses, "path", None)
        likely = None if path is None else path(chunk, rng)
        if likely is not None:
            made = self.made_of(chunk, likely)
            if given is None or all(leaf is None for leaf in leaves(given.emissions)):
                return _filled(made, given)
            return self._made(chunk, made.emissions, likely, given)
        w = np.repeat(chunk.weights, chunk.sizes)
        kept = slice(None) if chunk.seen is None else chunk.seen
        rows = RowSource(Rows(chunk.x[kept], w[kept])).sample(rng)
        guessed = (resp * rows.weights[:, None] for resp in self.guesses(rows, rng))
        each = [self._made(chunk, self.family.start(rows.x, resp), resp, given) for resp in guessed]
        if len(each) == 1:
            return each[0]
        heights = [self._height(params, chunk) for params in each]
        return each[int(np.argmax(heights))]

    def _made(
        self, chunk: Any, guess: Any, resp: Array, given: HiddenMarkovParams | None
    ) -> HiddenMarkovParams:
        share = resp.sum(axis=0) + 1.0
        share = share / share.sum()
        if given is not None:  # transitions are to be those of the states that are given
            guess = _filled(guess, given.emissions)
        joint = self._log_density(guess, chunk) + np.log(share)
        top = joint.max(axis=1, keepdims=True)
        likely = np.exp(joint - np.where(np.isfinite(top), top, 0.0))
        total = likely.sum(axis=1, keepdims=True)
        likely = np.where(total > 0, likely / np.where(total > 0, total, 1.0), share)
        moves = self.chain.started(counted(likely, chunk, share))
        return _filled(HiddenMarkovParams(*moves, guess), given)

    def made_of(self, chunk: SeenSequences, likely: Array) -> HiddenMarkovParams:
        """What P(state at t), (n, K), would make of the steps if that were known."""
        kept = slice(None) if chunk.seen is None else chunk.seen
        held = likely * np.repeat(chunk.weights, chunk.sizes)[:, None]
        share = held.sum(axis=0) + 1.0
        moves = self.chain.started(counted(likely, chunk, share / share.sum()))
        return HiddenMarkovParams(*moves, self.family.start(chunk.x[kept], held[kept]))

    def rearrangements(
        self, params: HiddenMarkovParams, sample: Any, rng: np.random.Generator
    ) -> Iterator[HiddenMarkovParams]:
        """What becomes of the fit where two states are merged and a third is split."""
        whole = sample if isinstance(sample, SeenSequences) else self.prepare(sample)
        chunk = whole.excerpt()
        yield from rearrangements(self, params, chunk, rng)

    def _height(self, params: HiddenMarkovParams, chunk: Any) -> float:
        height = self.e_step(params, chunk).loglik
        return -np.inf if np.isnan(height) else height

    def law(self, params: HiddenMarkovParams) -> tuple[Array, Array]:
        """P(first state) (K,), and transitions (K, K)."""
        return self.chain.law(_moves(params))

    # -- the E-step --------------------------------------------------------------------------

    def log_density(self, params: HiddenMarkovParams, chunk: Any) -> Array:
        """log f(x_t | state) of every step, shape (n, K)."""
        return self._log_density(params.emissions, self.prepare(chunk))

    def _log_density(self, made: Any, chunk: SeenSequences) -> Array:
        """log f(x_t | state), (n, K); 0 for a step of which nothing is known."""
        return Emissions(self.family, made, chunk.complete).of_steps(chunk)

    def e_step(self, params: HiddenMarkovParams, chunk: Any) -> Suff:
        return self.tempered_e_step(params, chunk, 1.0)

    def tempered_e_step(self, params: HiddenMarkovParams, chunk: Any, beta: float) -> Suff:
        """Paths with probabilities proportional to p(x, z)^beta (Ueda & Nakano 1998).

        The log-likelihood is what these maximise, log sum_z p(x, z)^beta over beta.
        """
        chunk = chunk if isinstance(chunk, SeenSequences) else self.prepare(chunk)
        emitting = Emissions(self.family, params.emissions, chunk.complete, beta)
        start, transitions = self.law(params)
        if beta != 1:
            start, transitions = start**beta, transitions**beta
        made = expected(emitting, chunk, start, transitions, self.checkpointing)
        stats = HiddenMarkovStats(made.start, made.transitions, made.emissions)
        n_units, n_obs = float(chunk.weights.sum()), float(chunk.weights @ chunk.sizes)
        return Suff(made.loglik / beta, n_units, n_obs, stats)

    def posterior(self, params: HiddenMarkovParams, chunk: Any) -> StatePosterior:
        seen = self.prepare(chunk)
        log_density = self._log_density(params.emissions, seen)
        ones = np.ones(len(seen))
        made = smoothed(log_density, *self.law(params), seen.sizes, ones)
        return StatePosterior(made.loglik, made.resp)

    def log_likelihoods(self, params: HiddenMarkovParams, chunk: Any) -> Array:
        """The log-likelihood of each sequence, (m,): that of `posterior`, by the forward pass."""
        seen = self.prepare(chunk)
        log_density = self._log_density(params.emissions, seen)
        return log_likelihoods(log_density, *self.law(params), seen.sizes)

    # -- the M-step --------------------------------------------------------------------------

    def m_step(self, suff: Suff, params: HiddenMarkovParams) -> HiddenMarkovParams:
        stats: HiddenMarkovStats = suff.stats
        if self.prior is not None:
            stats = add(stats, self.prior)
        moves = self.chain.m_step(_moves(stats), _moves(params))
        made = self.family.m_step(stats.emissions, params.emissions)
        return HiddenMarkovParams(*moves, made)

    def q(self, params: HiddenMarkovParams, suff: Suff) -> float:
        return self._q(params, suff.stats)

    def _q(self, params: HiddenMarkovParams, stats: HiddenMarkovStats) -> float:
        moved = self.chain.q(_moves(params), _moves(stats))
        return moved + self.family.q(params.emissions, stats.emissions)

    def score(self, params: HiddenMarkovParams, suff: Suff) -> HiddenMarkovParams:
        return self._score(params, suff.stats)

    def _score(self, params: HiddenMarkovParams, stats: HiddenMarkovStats) -> HiddenMarkovParams:
        moves = self.chain.score(_moves(params), _moves(stats))
        return HiddenMarkovParams(*moves, self.family.score(params.emissions, stats.emissions))

    @property
    def has_prior(self) -> bool:
        return self.prior is not None or self.family.has_prior

    def log_prior(self, params: HiddenMarkovParams) -> float:
        height = self.family.log_prior(params.emissions)
        return height if self.prior is None else height + self._q(params, self.prior)

    def prior_score(self, params: HiddenMarkovParams) -> HiddenMarkovParams | None:
        own = self.family.prior_score(params.emissions)
        slope = None if self.prior is None else self._score(params, self.prior)
        if own is None:
            return slope
        if slope is not None:
            return slope._replace(emissions=add(slope.emissions, own))
        still: HiddenMarkovParams = scale(params, 0.0)
        return still._replace(emissions=own)

    def simulate(
        self, params: HiddenMarkovParams, chunk: Any, rng: np.random.Generator
    ) -> GroupedRows:
        """As many sequences as `chunk` has by weight, of its lengths, with its missing cells."""
        from .drawing import states

        total = float(chunk.weights.sum())
        m = max(round(total), 1)
        shown = GroupedRows(chunk.x, chunk.weights, chunk.sizes)
        if (shown.weights != 1).any():
            shown = shown.take(rng.choice(len(shown), size=m, p=shown.weights / total))
        labels = states(*self.law(params), shown.sizes, rng)
        new = self.family.redraw(params.emissions, shown.x, labels, rng)
        new = np.where(np.isnan(shown.x), np.nan, new)
        return GroupedRows(new, np.full(m, total / m), shown.sizes)


def _moves(of: HiddenMarkovParams | HiddenMarkovStats) -> Moves:
    return Moves(of.start, of.transitions)


def _filled(made: Any, given: Any) -> Any:
    """With what is given in place of what was made."""
    if given is None:
        return made
    both = zip(leaves(made), leaves(given), strict=True)
    return rebuild(made, [a if b is None else b for a, b in both])
