"""Regressions whose lines follow a hidden Markov chain with covariates, as the engine sees it."""

from __future__ import annotations

from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.data.groups import GroupedRows
from latentia.engine.model import Model, Suff
from latentia.hmm.filtering import normalised
from latentia.mixture.weighting import Weighting
from latentia.regression.start import LineGuesses

from . import recursions
from .moves import MoveLaw
from .recursions import BestPaths, SmoothedMoves
from .responses import Responses

Array = NDArray[np.float64]


class SwitchingParams(NamedTuple):
    """Where sequences start, how they move on, and the parameters of the responses.

    Attributes
    ----------
    start : array of shape (K,), or ConcomitantParams
    moves : array of shape (K, K), or LogitMovesParams
    responses : tuple of NamedTuples
        One for each response.
    """

    start: Any
    moves: Any
    responses: Any


class SwitchingStats(NamedTuple):
    """Statistics of the start, of the moves, and of the responses."""

    start: Any
    moves: Any
    responses: Any


@final
class SwitchingModel(Model[SwitchingParams, GroupedRows]):
    """p(y) = sum over paths s of P(s_1 | w_1) ∏ P(s_t | s_t-1, z_t-1) ∏ f(y_t | s_t, x_t).

    (Visser & Speekenbrink 2010, eq. 3.) A unit is one sequence. Columns of a row are w, z, and
    those of the responses; w counts at a sequence's first step.

    Parameters
    ----------
    responses : Responses
        Densities f(y | s, x).
    start : Weighting
        P(first state | w).
    moves : MoveLaw
        P(next state | state, z).
    init_params : str, default="lines"
        As in `MixtureRegression`.
    """

    def __init__(
        self, responses: Responses, start: Weighting[Any, Any], moves: MoveLaw, init_params: str
    ) -> None:
        self.responses, self.law, self.moves = responses, start, moves
        self.n_states, self.init_params = responses.n_components, init_params
        self.m_step_exact = all(part.m_step_exact for part in (responses, start, moves))

    @property
    def space(self) -> SwitchingParams:
        return SwitchingParams(self.law.space, self.moves.space, self.responses.space)

    def columns(self, x: Array) -> tuple[Array, Array, Array]:
        """Covariates of the start, of the moves, and the columns of the responses."""
        w, z = self.law.n_features, self.moves.n_features
        return x[:, :w], x[:, w : w + z], x[:, w + z :]

    def _firsts(self, chunk: GroupedRows) -> Array:
        """Covariates of the start at first steps, (m, ...)."""
        return chunk.firsts(self.columns(chunk.x)[0])

    # -- the start ---------------------------------------------------------------------------

    def start(
        self, sample: Any, rng: np.random.Generator, given: SwitchingParams | None = None
    ) -> SwitchingParams:
        """What the likeliest first guess at the states of single steps makes of the sample.

        Lines are drawn through a few steps each, of one of the responses; moves are then counted
        between the states that steps are likely to be in by themselves.
        """
        if given is not None:
            return given
        i = int(rng.integers(len(self.responses.parts)))
        rows, there = self.responses.known(self.columns(sample.x)[2], i)
        if not len(rows):
            i = next(j for j in range(len(self.responses.parts)) if self._seen(sample, j))
            rows, there = self.responses.known(self.columns(sample.x)[2], i)
        weights = sample.spread(sample.weights)
        part = self.responses.parts[i]
        guess = LineGuesses(part, self.n_states, 0, self.init_params)
        pooled = np.full((len(sample.x), self.n_states), 1.0 / self.n_states)
        made: list[SwitchingParams] = []
        for resp in guess(Rows(rows, weights[there]), rng):
            whole = pooled.copy()
            whole[there] = resp
            made.append(self._made(sample, whole * weights[:, None]))
        heights = [self._height(params, sample) for params in made]
        return made[int(np.argmax(heights))]

    def _seen(self, sample: GroupedRows, i: int) -> bool:
        return bool(self.responses.known(self.columns(sample.x)[2], i)[1].any())

    def _made(self, sample: GroupedRows, resp: Array) -> SwitchingParams:
        _, z, x = self.columns(sample.x)
        guessed = self.responses.start(x, resp)
        share = resp.sum(axis=0) + 1.0
        joint = self.responses.log_density(guessed, x) + np.log(share / share.sum())
        likely = np.exp(joint - joint.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        moves = np.zeros((len(x), self.n_states, self.n_states))
        weights = sample.spread(sample.weights)[:-1, None, None]
        moves[:-1] = weights * likely[:-1, :, None] * likely[1:, None, :]
        moves[np.cumsum(sample.sizes) - 1] = 0.0
        begun = sample.firsts(likely) * sample.weights[:, None] + share / share.sum()
        return SwitchingParams(
            self.law.start(self._firsts(sample), begun), self.moves.start(z, moves), guessed
        )

    def _height(self, params: SwitchingParams, sample: GroupedRows) -> float:
        height = self.e_step(params, sample).loglik
        return -np.inf if np.isnan(height) else height

    # -- the E-step --------------------------------------------------------------------------

    def logs(self, params: SwitchingParams, chunk: GroupedRows) -> tuple[Array, Array, Array]:
        """Logarithms of densities (n, K), first states (m, K) and moves (n, K, K)."""
        _, z, x = self.columns(chunk.x)
        start = self.law.log_weights(params.start, self._firsts(chunk))
        return (
            self.responses.log_density(params.responses, x),
            np.broadcast_to(start, (len(chunk), self.n_states)),
            self.moves.log_transitions(params.moves, z),
        )

    def _smoothed(
        self, params: SwitchingParams, chunk: GroupedRows, weights: Array
    ) -> SmoothedMoves:
        return recursions.smoothed(*self.logs(params, chunk), chunk.sizes, weights)

    def e_step(self, params: SwitchingParams, chunk: GroupedRows) -> Suff:
        made = self._smoothed(params, chunk, chunk.weights)
        _, z, x = self.columns(chunk.x)
        stats = SwitchingStats(
            self.law.stats(params.start, self._firsts(chunk), chunk.firsts(made.resp)),
            self.moves.stats(params.moves, z, made.moves),
            self.responses.stats(params.responses, x, made.resp),
        )
        some = chunk.weights > 0  # an impossible sequence of no weight is none
        loglik = float(chunk.weights[some] @ made.loglik[some])
        return Suff(loglik, float(chunk.weights.sum()), float(chunk.weights @ chunk.sizes), stats)

    def posterior(self, params: SwitchingParams, chunk: GroupedRows) -> SmoothedMoves:
        return self._smoothed(params, chunk, np.ones(len(chunk)))

    def filtered(self, params: SwitchingParams, chunk: GroupedRows, given: str) -> Array:
        """P(state at t | the steps before t, or "so-far" up to t), (n, K)."""
        before, until = recursions.so_far(*self.logs(params, chunk), chunk.sizes)
        return normalised(before if given == "before" else until)

    def decoded(self, params: SwitchingParams, chunk: GroupedRows) -> BestPaths:
        """The states that are likeliest together."""
        return recursions.viterbi(*self.logs(params, chunk), chunk.sizes)

    # -- the M-step --------------------------------------------------------------------------

    def m_step(self, suff: Suff, params: SwitchingParams) -> SwitchingParams:
        stats = suff.stats
        return SwitchingParams(
            self.law.m_step(stats.start, params.start),
            self.moves.m_step(stats.moves, params.moves),
            self.responses.m_step(stats.responses, params.responses),
        )

    def q(self, params: SwitchingParams, suff: Suff) -> float:
        stats = suff.stats
        begun = self.law.q(params.start, stats.start)
        moved = self.moves.q(params.moves, stats.moves)
        return begun + moved + self.responses.q(params.responses, stats.responses)

    def score(self, params: SwitchingParams, suff: Suff) -> SwitchingParams:
        stats = suff.stats
        return SwitchingParams(
            self.law.score(params.start, stats.start),
            self.moves.score(params.moves, stats.moves),
            self.responses.score(params.responses, stats.responses),
        )

    def simulate(
        self, params: SwitchingParams, chunk: GroupedRows, rng: np.random.Generator
    ) -> GroupedRows:
        """As many sequences as `chunk` has by weight, with their covariates and what is missing."""
        total = float(chunk.weights.sum())
        m, shown = max(round(total), 1), chunk
        if (chunk.weights != 1).any():
            shown = chunk.take(rng.choice(len(chunk), size=m, p=chunk.weights / total))
        x, _ = self.drawn(params, shown, rng)
        x = np.where(np.isnan(shown.x), np.nan, x)
        return GroupedRows(x, np.full(m, total / m), shown.sizes)

    def drawn(
        self, params: SwitchingParams, chunk: GroupedRows, rng: np.random.Generator
    ) -> tuple[Array, NDArray[np.intp]]:
        """Rows with responses drawn anew, and the states that made them."""
        w, z, x = self.columns(chunk.x)
        start = self.law.log_weights(params.start, chunk.firsts(w))
        begin = np.broadcast_to(np.exp(start), (len(chunk), self.n_states))
        moved = np.exp(self.moves.log_transitions(params.moves, z))
        path = recursions.drawn(begin, moved, chunk.sizes, rng)
        made = self.responses.redraw(params.responses, x, path, rng)
        return cast(Array, np.hstack([w, z, made])), path
