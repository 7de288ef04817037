"""Online EM of a hidden Markov chain: expected statistics carried forward, in no more memory.

Cappé (2011), Online EM algorithm for hidden Markov models, Journal of Computational and Graphical
Statistics 20, 728-749. For each state k the statistics of all steps so far are kept as they are
expected given that the chain is in k now (his ρ, eq. 9); a step moves them by the probabilities of
the state before. No step is visited twice, and at parameters that stay they are the smoothed
statistics of the forward and backward passes exactly.

Steps are taken in blocks at the same parameters, which is the same recursion: within a block the
states of its steps are smoothed given the state at its end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.engine import tree
from latentia.engine.model import Suff
from latentia.engine.online.blocks import m_step
from latentia.engine.online.stepwise import step_size

from .emissions import Emissions
from .model import HiddenMarkovModel, HiddenMarkovParams, HiddenMarkovStats

Array = NDArray[np.float64]

ALPHA = 0.7
"""Step sizes fall as t^-ALPHA."""

BLOCK = 16
"""Steps between M-steps."""

LONG = 2048
"""Steps of a block between which there is no M-step."""

SHARPNESS = 3
"""How much less early statistics count in the average than late ones."""


class Stream(NamedTuple):
    """What is known of the steps so far: a tree.

    Attributes
    ----------
    params : HiddenMarkovParams
        The latest.
    filtered : array of shape (K,)
        P(state of the last step | steps so far).
    start : array of shape (K, K)
        Mean over the sequences of what started in j, given that the chain is in k now: [k, j].
    transitions : array of shape (K, K, K)
        Mean over the steps of transitions from i to j, given k: [k, i, j].
    emissions : tree or None
        Means over the steps of the family's statistics, given k: the first axis of each leaf. None
        before anything was seen.
    average : HiddenMarkovStats or None
        The mean of such statistics, over k too, as they were at the M-steps.
    n_averaged : int
        M-steps so far.
    steps, sequences : float
        How many were seen.
    unit : tuple of float
        Steps and sequences that count as one in the schedule of step sizes.
    loglik : float
        sum of log p(step | steps before), each at the parameters of its time.
    """

    params: HiddenMarkovParams
    filtered: Array
    start: Array
    transitions: Array
    emissions: Any
    average: HiddenMarkovStats | None = None
    n_averaged: int = 0
    steps: float = 0.0
    sequences: float = 0.0
    unit: tuple[float, float] = (1.0, 1.0)
    loglik: float = 0.0


def begun(model: HiddenMarkovModel, params: HiddenMarkovParams) -> Stream:
    """Before the first step."""
    k = model.n_states
    return Stream(params, np.full(k, 1 / k), np.zeros((k, k)), np.zeros((k, k, k)), None)


@njit(nogil=True, cache=True)
def _block(log_density, before, transitions, fresh, weights, resp, pairs, link, filtered):
    """One block; its log-likelihood, -inf of an impossible one.

    `resp` (K, n, K) is the weighted probability of each step's state given the state at the end,
    `pairs` (K, K, K) the transitions', `link` (K, K) the probability of the state before the
    block given that at its end. `before` is the filter before the block, or, where it is `fresh`,
    the distribution of a first state.
    """
    n, k = log_density.shape
    back = np.zeros((n, k, k))
    now, ahead = before.copy(), np.empty(k)
    loglik = 0.0
    for t in range(n):
        top = -np.inf
        for j in range(k):
            top = max(top, log_density[t, j])
        if top == -np.inf:
            return -np.inf
        total = 0.0
        for j in range(k):
            if fresh and t == 0:
                ahead[j] = now[j]
            else:
                flow = 0.0
                for i in range(k):
                    back[t, i, j] = now[i] * transitions[i, j]
                    flow += back[t, i, j]
                for i in range(k):
                    # from where there is no way, any does: its weight is zero
                    back[t, i, j] = back[t, i, j] / flow if flow > 0 else now[i]
                ahead[j] = flow
            ahead[j] *= np.exp(log_density[t, j] - top)
            total += ahead[j]
        if not total > 0:
            return -np.inf
        loglik += np.log(total) + top
        for j in range(k):
            now[j] = ahead[j] / total
    filtered[:] = now
    given, earlier = np.eye(k), np.empty((k, k))
    pairs[:] = 0.0
    for t in range(n - 1, -1, -1):
        for e in range(k):
            for j in range(k):
                resp[e, t, j] = given[e, j] * weights[t]
        if fresh and t == 0:
            break
        for e in range(k):
            for i in range(k):
                total = 0.0
                for j in range(k):
                    move = back[t, i, j] * given[e, j]
                    pairs[e, i, j] += weights[t] * move
                    total += move
                earlier[e, i] = total
        given[:] = earlier
    link[:] = given
    return loglik


def absorbed(
    model: HiddenMarkovModel, stream: Stream, x: Array, fresh: bool, alpha: float = 1.0
) -> Stream:
    """The stream after some more steps, at the same parameters.

    Parameters
    ----------
    model : HiddenMarkovModel
    stream : Stream
    x : array of shape (n, d)
        The steps.
    fresh : bool
        Whether the first of them begins a sequence.
    alpha : float, default=1.0
        Step sizes fall as t^-alpha; with 1 all steps count alike.

    Raises
    ------
    ValueError
        If no path of states could make the steps.
    """
    k, n = model.n_states, len(x)
    one = model.prepare(_sequence(x))
    log_density = np.ascontiguousarray(model.log_density(stream.params, one))
    first, transitions = model.law(stream.params)
    sizes = np.array([_gamma(stream, t + 1, alpha) for t in range(n)])
    kept = np.append(np.cumprod((1 - sizes)[::-1])[::-1], 1.0)  # of what was before each step
    resp, pairs = np.empty((k, n, k)), np.empty((k, k, k))
    link, filtered = np.empty((k, k)), np.empty(k)
    before = first if fresh else stream.filtered
    loglik = _block(
        log_density,
        np.ascontiguousarray(before),
        np.ascontiguousarray(transitions),
        fresh,
        sizes * kept[1:],
        resp,
        pairs,
        link,
        filtered,
    )
    if not np.isfinite(loglik):
        raise ValueError(
            "got steps that no path of states could make after those before, expected such as the "
            "model holds possible; fit it to some of these first, or begin a sequence anew"
        )
    start, sequences, carry = stream.start, stream.sequences, link
    if fresh:  # link is of the first state here; what was before does not depend on it
        sequences += 1
        gamma = step_size(1.0, sequences, stream.unit[1], alpha, 0.0)
        start = (1 - gamma) * (stream.filtered @ start) + gamma * link
        carry = np.broadcast_to(stream.filtered, (k, k))
    else:
        start = link @ start

    def carried(leaf: Array) -> Array:
        return kept[0] * np.tensordot(carry, leaf, axes=1)

    made = None if stream.emissions is None else tree.transform(carried, stream.emissions)
    rows, shares = (x, resp) if one.seen is None else (x[one.seen], resp[:, one.seen])
    if len(rows):
        emitting = Emissions(model.family, stream.params.emissions, one.complete)
        each = [emitting.statistics(rows, own) for own in np.ascontiguousarray(shares)]
        new = tree.transform(lambda *leaves: np.stack(leaves), *each)
        made = new if made is None else tree.add(made, new)
    return stream._replace(
        filtered=filtered,
        start=start,
        transitions=carried(stream.transitions) + pairs,
        emissions=made,
        steps=stream.steps + n,
        sequences=sequences,
        loglik=stream.loglik + loglik,
    )


def _gamma(stream: Stream, more: int, alpha: float) -> float:
    return step_size(1.0, stream.steps + more, stream.unit[0], alpha, 0.0)


def statistics(stream: Stream) -> HiddenMarkovStats:
    """Expected statistics: of the start a sequence, of the rest a step."""

    def mean(leaf: Array) -> Array:
        return np.tensordot(stream.filtered, leaf, axes=1)

    made = (stream.start, stream.transitions, stream.emissions)
    return HiddenMarkovStats(*tree.transform(mean, made))


def totals(stream: Stream, means: HiddenMarkovStats | None = None) -> Suff:
    """The same for all sequences and steps seen, as an E-step over them has it."""
    start, transitions, made = statistics(stream) if means is None else means
    stats = HiddenMarkovStats(
        start * stream.sequences,
        tree.scale(transitions, stream.steps),
        tree.scale(made, stream.steps),
    )
    return Suff(stream.loglik, stream.sequences, stream.steps, stats)


def maximised(model: HiddenMarkovModel, stream: Stream) -> Stream:
    """An M-step, and the average of the statistics that M-steps were made of.

    The average weighs the t-th like t^`SHARPNESS` (Shamir & Zhang 2013); its M-step has what
    averaging parameters has (Polyak & Juditsky 1992), and stays inside any constraint.

    Raises
    ------
    ConstraintError, DegenerateError
        If the parameters leave the model's space, or have no finite likelihood.
    """
    if stream.emissions is None:  # all steps were missing
        return stream
    means, n = statistics(stream), stream.n_averaged + 1
    share = (SHARPNESS + 1) / (n + SHARPNESS)
    average = means
    if stream.average is not None and share < 1:
        average = tree.add(tree.scale(stream.average, 1 - share), tree.scale(means, share))
    params = m_step(model, totals(stream, means), stream.params)
    return stream._replace(params=params, average=average, n_averaged=n)


def estimated(model: HiddenMarkovModel, stream: Stream) -> HiddenMarkovParams:
    """The parameters of the averaged statistics: less noisy than the latest."""
    if stream.average is None:
        return stream.params
    return m_step(model, totals(stream, stream.average), stream.params)


def _sequence(x: Array) -> Any:
    from latentia.data.groups import GroupedRows

    return GroupedRows(x, np.ones(1), np.array([len(x)]))
