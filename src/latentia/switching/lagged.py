"""A Markov-switching autoregression as the engine sees it, with the exact likelihood."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows
from latentia.engine.model import Model, Suff
from latentia.hmm.chain import Smoothed, smoothed
from latentia.hmm.chains import FreeStart, MarkovChain, Moves, StationaryStart
from latentia.hmm.decoding import viterbi
from latentia.hmm.drawing import states
from latentia.hmm.filtering import normalised, passes
from latentia.hmm.sequential import Decoded, Known

from . import unseen
from .autoregression import Autoregression, AutoregressionParams

Array = NDArray[np.float64]

SOFTENED = 0.1
"""Share of a first guess at the states that is pooled."""


class LaggedParams(NamedTuple):
    """Of K states: where sequences start, transitions (K, K), and the autoregression's.

    Where the start follows from the transitions it is ().
    """

    start: Any
    transitions: Any
    series: AutoregressionParams


class LaggedStats(NamedTuple):
    """Expected numbers of starts (K,) and of transitions (K, K), and cross products.

    `hidden` is the expected entropy of what was missing and has been completed, given the states.
    """

    start: Any
    transitions: Any
    series: Any
    hidden: Any


def lagged(x: Array, sizes: NDArray[np.intp], order: int) -> tuple[Array, NDArray[np.intp]]:
    """Rows (y_t, y_t-1, ..., y_t-p) of series one behind the other, and how many each has.

    Examples
    --------
    >>> import numpy as np
    >>> lagged(np.array([1.0, 2.0, 4.0, 7.0, 8.0]), np.array([3, 2]), 1)
    (array([[2., 1.],
           [4., 2.],
           [8., 7.]]), array([2, 1]))
    """
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    at = np.flatnonzero(np.arange(len(x)) - first >= order)
    return np.stack([x[at - i] for i in range(order + 1)], axis=1), sizes - order


@final
class LaggedModel(Model[LaggedParams, GroupedRows]):
    """p(y_p+1, ..., y_T | y_1, ..., y_p), summed over the paths of all states (Hamilton 1989).

    Where the density of a step depends on the states of p + 1 steps, these tuples are the states
    of a chain, most of whose moves are impossible. A unit is one series; its first p values
    are given, later ones may be missing (`unseen`).

    Parameters
    ----------
    series : Autoregression
    stationary : bool, default=True
        Whether the chain is in equilibrium at the first step (of the first p values, where levels
        are means), or starts by probabilities of its own.
    """

    def __init__(self, series: Autoregression, stationary: bool = True) -> None:
        self.series, self.n_states = series, series.n_states
        self.chain: MarkovChain = (
            StationaryStart(series.n_states) if stationary else FreeStart(series.n_states)
        )
        self.m_step_exact = series.m_step_exact
        k, tuples = self.n_states, series.tuples
        self.steps = tuples.shape[1]
        rest = np.arange(len(tuples)) // k  # without the state of the oldest step
        into = (np.arange(k)[:, None] * k ** (self.steps - 1) + rest).T
        self.moves = (np.repeat(np.arange(len(tuples)), k), into.ravel())

    @property
    def space(self) -> LaggedParams:
        return LaggedParams(*self.chain.space, self.series.space)

    def start(
        self, sample: Any, rng: np.random.Generator, given: LaggedParams | None = None
    ) -> LaggedParams:
        """What a first guess at the states of steps makes of the series.

        Guesses are levels drawn from the values, or the signs of a random direction along residuals
        and lags; coefficients are those of deviations from the levels.
        """
        if given is not None:
            return given
        x, k = np.asarray(sample.x, dtype=np.float64), self.n_states
        x = np.where(np.isnan(x), np.nanmean(x[:, 0]), x)  # for a first guess
        w = sample.spread(sample.weights)
        y = x[:, 0]
        if rng.uniform() < 0.25:  # memberships that stay for a while, whatever the values
            label = np.repeat(rng.integers(k, size=len(y)), 8)[: len(y)]
        else:
            centres = np.sort(rng.choice(y, size=k, p=w / w.sum()))
            smooth = x.mean(axis=1) if rng.uniform() < 0.5 else y
            label = np.abs(smooth[:, None] - centres).argmin(axis=1)
        resp = (1 - SOFTENED) * np.eye(k)[label] + SOFTENED / k
        series = self._fitted(x, resp * w[:, None])
        firsts = np.cumsum(sample.sizes) - sample.sizes
        before = resp[:-1] * w[:-1, None]
        before[firsts[1:] - 1] = 0.0
        pairs = before.T @ resp[1:] + 1.0 / k + np.eye(k)
        begun = (resp[firsts] * sample.weights[:, None]).sum(axis=0) + 1.0 / k
        moves = self.chain.started(Moves(begun, pairs / pairs.sum(axis=1, keepdims=True)))
        return LaggedParams(*moves, series)

    def _fitted(self, x: Array, resp: Array) -> AutoregressionParams:
        """Levels of the states of steps, and one autoregression of what deviates from them."""
        one = Autoregression(1, self.series.order, centred=False, floor=self.series.floor)
        total = resp.sum(axis=1, keepdims=True)
        mean, spread = float(total[:, 0] @ x[:, 0] / total.sum()), float(x.std()) or 1.0
        means = (resp.T @ x[:, 0] + mean) / (resp.sum(axis=0) + 1.0)
        away = x - mean
        away[:, 0] -= (resp / np.where(total > 0, total, 1.0)) @ (means - mean)
        plain = AutoregressionParams(
            np.zeros(1), np.zeros((1, self.series.order)), np.array([spread**2])
        )
        pooled = one.m_step(one.stats(away, total), plain)
        coefficients = np.broadcast_to(
            pooled.coefficients, np.shape(self._coefficients_like())
        ).copy()
        levels = means if self.series.centred else means - coefficients.sum(axis=1) * mean
        variances = np.full(
            1 if self.series.shared_variance else self.n_states, pooled.variances[0]
        )
        return AutoregressionParams(levels, coefficients, np.maximum(variances, self.series.floor))

    def _coefficients_like(self) -> Array:
        rows = 1 if self.series.shared_coefficients else self.n_states
        return np.zeros((rows, self.series.order))

    # -- the chain of tuples -----------------------------------------------------------------

    def law(self, params: LaggedParams) -> tuple[Array, Array]:
        """P(tuple of the first row) (G,), and transitions of tuples (G, G)."""
        begin, move = self.chain.law(Moves(params.start, params.transitions))
        tuples = self.series.tuples
        start = begin[tuples[:, -1]].copy()
        for i in range(self.steps - 1, 0, -1):
            start *= move[tuples[:, i], tuples[:, i - 1]]
        full = np.zeros((len(tuples), len(tuples)))
        here, there = self.moves
        full[here, there] = move[tuples[here, 0], tuples[there, 0]]
        return start, full

    def _counts(self, made: Smoothed) -> Moves:
        """Expected starts and moves of single states."""
        k, tuples = self.n_states, self.series.tuples
        start, pairs = np.zeros(k), np.zeros((k, k))
        np.add.at(start, tuples[:, -1], made.start)
        for i in range(self.steps - 1, 0, -1):
            np.add.at(pairs, (tuples[:, i], tuples[:, i - 1]), made.start)
        here, there = self.moves
        np.add.at(pairs, (tuples[here, 0], tuples[there, 0]), made.transitions[here, there])
        return Moves(start, pairs)

    def _smoothed(
        self, params: LaggedParams, chunk: GroupedRows, weights: Array
    ) -> unseen.Completed:
        """What the series say of their tuples, with what is missing in them completed."""
        x = np.asarray(chunk.x, dtype=np.float64)
        rows = np.isnan(x).any(axis=1)
        holed = np.logical_or.reduceat(rows, chunk.starts)
        n_tuples, width = len(self.series.tuples), x.shape[1] + 1
        cross, hidden = np.zeros((n_tuples, width, width)), 0.0
        if not holed.any():
            log_density = self.series.log_density(params.series, x)
            made = smoothed(log_density, *self.law(params), chunk.sizes, weights)
            return unseen.Completed(made, cross, hidden)
        resp, loglik = np.zeros((len(x), n_tuples)), np.zeros(len(chunk))
        begun, pairs = np.zeros(n_tuples), np.zeros((n_tuples, n_tuples))
        if not holed.all():
            rest = GroupedRows(x, weights, chunk.sizes).take(np.flatnonzero(~holed))
            one = self._smoothed(params, rest, rest.weights).smoothed
            resp[~np.repeat(holed, chunk.sizes)], loglik[~holed] = one.resp, one.loglik
            begun, pairs = begun + one.start, pairs + one.transitions
        for s in np.flatnonzero(holed):
            own = slice(chunk.starts[s], chunk.starts[s] + chunk.sizes[s])
            found = unseen.smoothed(self, params, x[own], float(weights[s]))
            resp[own], loglik[s] = found.smoothed.resp, found.smoothed.loglik[0]
            begun, pairs = begun + found.smoothed.start, pairs + found.smoothed.transitions
            cross, hidden = cross + found.cross, hidden + found.hidden
        return unseen.Completed(Smoothed(loglik, resp, begun, pairs), cross, hidden)

    # -- what the engine asks for ------------------------------------------------------------

    def e_step(self, params: LaggedParams, chunk: GroupedRows) -> Suff:
        known = self._smoothed(params, chunk, chunk.weights)
        made, whole = known.smoothed, ~np.isnan(chunk.x).any(axis=1)
        cross = self.series.stats(chunk.x[whole], made.resp[whole]) + known.cross
        stats = LaggedStats(*self._counts(made), cross, np.array(known.hidden))
        some = chunk.weights > 0
        loglik = float(chunk.weights[some] @ made.loglik[some])
        return Suff(loglik, float(chunk.weights.sum()), float(chunk.weights @ chunk.sizes), stats)

    def m_step(self, suff: Suff, params: LaggedParams) -> LaggedParams:
        stats: LaggedStats = suff.stats
        moves = self.chain.m_step(
            Moves(stats.start, stats.transitions), Moves(params.start, params.transitions)
        )
        return LaggedParams(*moves, self.series.m_step(stats.series, params.series))

    def q(self, params: LaggedParams, suff: Suff) -> float:
        stats: LaggedStats = suff.stats
        moved = self.chain.q(
            Moves(params.start, params.transitions), Moves(stats.start, stats.transitions)
        )
        return moved + self.series.q(params.series, stats.series) + float(stats.hidden)

    def score(self, params: LaggedParams, suff: Suff) -> LaggedParams:
        stats: LaggedStats = suff.stats
        moves = self.chain.score(
            Moves(params.start, params.transitions), Moves(stats.start, stats.transitions)
        )
        return LaggedParams(*moves, self.series.score(params.series, stats.series))

    def posterior(self, params: LaggedParams, chunk: GroupedRows) -> Known:
        """Of all steps, those whose values are given among them."""
        made = self._smoothed(params, chunk, np.ones(len(chunk))).smoothed
        single = np.stack([self._summed(made.resp, i) for i in range(self.steps)], axis=1)
        return Known(made.loglik, self._unrolled(single, chunk.sizes))

    def filtered(self, params: LaggedParams, chunk: GroupedRows, given: str) -> Array:
        """P(state at t | the steps before t, or "so-far" up to t), (n, K), all values known.

        The first p steps are told by the first that follows them.
        """
        if np.isnan(chunk.x).any():
            raise ValueError(
                f"got missing values and given={given!r}, expected all values to be known, or 'all'"
            )
        log_density = self.series.log_density(params.series, chunk.x)
        made = passes(log_density, *self.law(params), chunk.sizes)
        resp = normalised(made.predicted if given == "before" else made.filtered)
        single = np.stack([self._summed(resp, i) for i in range(self.steps)], axis=1)
        return self._unrolled(single, chunk.sizes)

    def tuples_at_ends(self, params: LaggedParams, chunk: GroupedRows) -> Array:
        """P(tuple at the last step | the series) of each series, (m, G)."""
        made = self._smoothed(params, chunk, np.ones(len(chunk))).smoothed
        return made.resp[np.cumsum(chunk.sizes) - 1]

    def _summed(self, resp: Array, i: int) -> Array:
        """P(state at t - i | the series) of each row, (n, K)."""
        made = np.zeros((len(resp), self.n_states))
        for k in range(self.n_states):
            made[:, k] = resp[:, self.series.tuples[:, i] == k].sum(axis=1)
        return made

    def _unrolled(self, values: NDArray[Any], sizes: NDArray[np.intp]) -> NDArray[Any]:
        """What is known of t, t - 1, ... at each row, (n, steps, ...), as of each step once.

        Steps before the first row are told by it; where it says nothing of them, by their next.
        """
        order, firsts = self.series.order, np.cumsum(sizes) - sizes
        parts: list[NDArray[Any]] = []
        for first, size in zip(firsts, sizes, strict=True):
            back = [values[first, min(i, self.steps - 1)] for i in range(order, 0, -1)]
            parts += [np.stack(back)] if back else []
            parts.append(values[first : first + size, 0])
        return np.concatenate(parts)

    def decoded(self, params: LaggedParams, chunk: GroupedRows) -> Decoded:
        x = np.asarray(chunk.x, dtype=np.float64)
        holed = np.logical_or.reduceat(np.isnan(x).any(axis=1), chunk.starts)
        heights, path = np.zeros(len(chunk)), np.zeros(len(x), dtype=np.intp)
        rest = chunk.take(np.flatnonzero(~holed))
        if len(rest):
            log_density = self.series.log_density(params.series, rest.x)
            found = viterbi(log_density, *self.law(params), rest.sizes)
            heights[~holed], path[~np.repeat(holed, chunk.sizes)] = (
                found.log_probability,
                found.states,
            )
        for s in np.flatnonzero(holed):
            own = slice(chunk.starts[s], chunk.starts[s] + chunk.sizes[s])
            heights[s], path[own] = unseen.decoded(self, params, x[own])
        states = self._unrolled(self.series.tuples[path], chunk.sizes).astype(np.int64)
        return Decoded(heights, states)

    def simulate(
        self, params: LaggedParams, chunk: GroupedRows, rng: np.random.Generator
    ) -> GroupedRows:
        """As many series as `chunk` has by weight, of its lengths, after their first values."""
        total = float(chunk.weights.sum())
        m, shown = max(round(total), 1), chunk
        if (chunk.weights != 1).any():
            shown = chunk.take(rng.choice(len(chunk), size=m, p=chunk.weights / total))
        x, _ = self.drawn(params, shown, rng)
        x = np.where(np.isnan(shown.x), np.nan, x)
        return GroupedRows(x, np.full(m, total / m), shown.sizes)

    def drawn(
        self, params: LaggedParams, chunk: GroupedRows, rng: np.random.Generator
    ) -> tuple[Array, NDArray[np.intp]]:
        """Rows drawn anew after the lags of each series' first one, and their tuples."""
        path = states(*self.law(params), chunk.sizes, rng)
        noise = rng.normal(size=len(path)) * np.sqrt(
            params.series.variances[self.series.noise[path]]
        )
        x = np.array(chunk.x, dtype=np.float64)
        order = self.series.order
        for first, size in zip(chunk.starts, chunk.sizes, strict=True):
            for t in range(first, first + size):
                if t > first and order:
                    x[t, 1:] = x[t - 1, :order]
                x[t, 0] = 0.0
                off = self.series.residuals(params.series, x[t : t + 1])[0, path[t]]
                x[t, 0] = noise[t] - off
        return x, path
