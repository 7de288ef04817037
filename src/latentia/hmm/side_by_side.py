"""Stretches of steps side by side, one a lane: densities of normal states, passes and moments.

A stretch is a sequence, or a segment of a long one. What a stretch needs of the others is how
likely its first step's states are given the steps before it, and how likely the steps after it
are given its last step's states. Those of a segment come from matrices: p(steps of the segment,
state at its end | state at its beginning) for every pair of states, which follow one another as
transitions do (Särkkä & García-Fernández 2021, eq. 14, with segments for single steps).

Lanes that hold nothing do as the last one, for no weight.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from latentia.families.kernels.lanes import exp
from latentia.families.kernels.registers import aligned

from . import lane_steps
from .kernels import FAINT
from .lane_steps import LANES, Step, Tally

RESCALED = 4
"""Steps after which matrices are divided by their sum."""

_LOG_2 = math.log(2.0)


class Compiled(NamedTuple):
    """Passes for a number of states, over normal states of columns apart or given densities.

    Both begin with the rows as `tile.strided` shows them and `emissions.NormalStates`, and go on
    with ``transitions, firsts, sizes``: where stretches begin and how long they are. Rows of given
    log-densities, `tabled`, have K columns and stay as they are.

    Attributes
    ----------
    matrices : callable
        ``matrices(..., made)`` fills `made` (m, K, K), each up to a factor.
    smooth : callable
        ``smooth(..., enter, edge, pairs, begun, height, count, first, second, resp)``, with `enter`
        (m, K) what the first step's states have from before and `edge` (m, K) the backward
        variables of the last, weighted; it is left with those of the first times their densities
        over their scale. Adds to `pairs` what times the transitions are those expected, to
        `begun` (m, K) and the moments (K,), (d, K) and (d, K), and fills `height` (m,) with what
        each adds to the log-likelihood. Of given densities there are no moments: `resp` (n, K),
        which may be they, gets the weighted posteriors. False if a scale vanished: then nothing
        is of use.
    """

    matrices: Any
    smooth: Any


@njit(nogil=True, cache=True)
def _lanes(group, firsts, sizes, first, size):
    """Which steps the lanes of a group hold; how many lanes, and their longest and shortest."""
    held = min(LANES, len(sizes) - group)
    longest = shortest = sizes[group]
    for b in range(LANES):
        s = group + min(b, held - 1)
        first[b], size[b] = firsts[s], sizes[s]
        longest, shortest = max(longest, sizes[s]), min(shortest, sizes[s])
    return held, longest, shortest


@cache
def compiled(n_states: int, tabled: bool = False) -> Compiled:
    """The passes for so many states, whose log-densities may be a table."""
    k = n_states
    step, place = Step.of(k), Tally.of(k)
    alpha_at, columns_at = step.alpha, step.density if tabled else step.columns
    step_lines = step.columns
    running_at, least_at, product_at, exponent_at, top_at, last_at, beta_at = place[:7]
    ahead_at, count_at, pairs_at, moments_at = place[7:]

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def matrices(
        flat, row, column, origin, unit, means, roots, offset, transitions, firsts, sizes, made
    ):
        first, size = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
        d, centre, root = origin.size, means.reshape(-1), roots.reshape(-1)
        work = aligned((step_lines + d, LANES), means)
        tally, both = aligned((last_at, LANES), means), aligned((2 * k * k, LANES), means)
        lines, sums, flow = work.reshape(-1), tally.reshape(-1), both.reshape(-1)
        chain = transitions.reshape(-1)
        for group in range(0, len(sizes), LANES):
            held, steps, shortest = _lanes(group, firsts, sizes, first, size)
            tally[running_at] = 1.0
            for t in range(steps):
                if t >= shortest:
                    for b in range(LANES):
                        tally[running_at, b] = 1.0 if t < size[b] else 0.0
                for j in range(d):
                    _column(flat, row, column, origin[j], unit, first, size, t, j,
                            work[columns_at + j])  # fmt: skip
                if not tabled:
                    lane_steps.begin(k, lines, 0, offset)  # pyright: ignore[reportCallIssue]
                    for j in range(d):
                        lane_steps.add_column(k, lines, 0, j, centre, root)
                lane_steps.relative(k, lines, 0, sums)  # pyright: ignore[reportCallIssue]
                for i in range(k * LANES):
                    lines[i] = exp(lines[i])
                now, then = (t + 1) % 2 * k * k, t % 2 * k * k
                if t == 0:
                    both[: k * k] = 0.0
                    for i in range(k):
                        for b in range(LANES):
                            both[i * k + i, b] = work[i, b]
                elif t % RESCALED == 0:
                    lane_steps.follow(k, flow, now, then, 1, lines, chain, sums)
                else:
                    lane_steps.follow(k, flow, now, then, 0, lines, chain, sums)
            now = (steps - 1) % 2 * k * k
            for b in range(held):
                for i in range(k):
                    for j in range(k):
                        made[group + b, i, j] = both[now + i * k + j, b]

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def smooth(
        flat, row, column, origin, unit, means, roots, offset, transitions, firsts, sizes,
        enter, edge, pairs, begun, height, count, first_moment, second_moment, resp,
    ):  # fmt: skip
        first, size = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
        d, centre, root = origin.size, means.reshape(-1), roots.reshape(-1)
        each = step_lines + (0 if tabled else d)
        longest = 0
        for size_of in sizes:
            longest = max(longest, size_of)
        work = aligned((longest * each, LANES), means)
        tally = aligned((moments_at + 2 * k * d, LANES), means)
        lines, sums = work.reshape(-1), tally.reshape(-1)
        exponents = sums[exponent_at * LANES : (exponent_at + 1) * LANES].view(np.int64)
        chain = transitions.reshape(-1)
        for group in range(0, len(sizes), LANES):
            held, steps, shortest = _lanes(group, firsts, sizes, first, size)
            tally[:] = 0.0
            tally[running_at] = 1.0
            tally[least_at] = 1.0
            tally[product_at] = 1.0
            for b in range(LANES):
                s = group + min(b, held - 1)
                for i in range(k):
                    work[alpha_at + i, b] = enter[s, i]
                    if b < held:
                        tally[last_at + i, b] = edge[s, i]
            for t in range(steps):
                if t >= shortest:
                    for b in range(LANES):
                        tally[running_at, b] = 1.0 if t < size[b] else 0.0
                at = t * each
                for j in range(d):
                    _column(flat, row, column, origin[j], unit, first, size, t, j,
                            work[at + columns_at + j])  # fmt: skip
                if not tabled:
                    lane_steps.begin(k, lines, at, offset)  # pyright: ignore[reportCallIssue]
                    for j in range(d):
                        lane_steps.add_column(k, lines, at, j, centre, root)
                lane_steps.relative(k, lines, at, sums)  # pyright: ignore[reportCallIssue]
                own = lines[at * LANES : (at + k) * LANES]
                for i in range(own.size):
                    own[i] = exp(own[i])
                lane_steps.forward(k, lines, at, max(at - each, 0), chain, sums)
            for b in range(LANES):
                if not tally[least_at, b] > FAINT:
                    return False
            for i in range(k * LANES):
                sums[beta_at * LANES + i] = sums[last_at * LANES + i]
            for t in range(steps - 1, -1, -1):
                at = t * each
                if t >= shortest:
                    for b in range(LANES):
                        tally[running_at, b] = 1.0 if t < size[b] else 0.0
                elif t == shortest - 1:
                    tally[running_at] = 1.0
                lane_steps.backward(k, lines, at, sums)  # pyright: ignore[reportCallIssue]
                for j in range(0 if tabled else d):
                    lane_steps.add_moments(k, lines, at, j, sums)
                for b in range(held if tabled else 0):
                    if t < size[b]:
                        for i in range(k):
                            resp[first[b] + t, i] = work[at + i, b]
                if t > 0:
                    lane_steps.step_back(k, lines, at - each, chain, sums)
            for b in range(held):
                s = group + b
                doublings = exponents[b] - 1023 * steps
                height[s] = tally[top_at, b] + math.log(tally[product_at, b]) + doublings * _LOG_2
                for i in range(k):
                    begun[s, i] = work[i, b]
                    edge[s, i] = tally[ahead_at + i, b]
                    for j in range(k):
                        pairs[i, j] += tally[pairs_at + i * k + j, b]
                    count[i] += tally[count_at + i, b]
                    for j in range(0 if tabled else d):
                        first_moment[j, i] += tally[moments_at + 2 * k * j + i, b]
                        second_moment[j, i] += tally[moments_at + 2 * k * j + k + i, b]
        return True

    return Compiled(matrices, smooth)


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def _column(flat, row, column, centre, unit, first, size, t, j, line):
    """Column j of step t of all lanes, about its centre; those that have ended stay at the last."""
    at = j * column
    for b in range(LANES):
        place = (first[b] + min(t, size[b] - 1)) * row + at
        line[b] = (np.float64(flat[place]) - centre) * unit


@njit(nogil=True, cache=True, error_model="numpy")
def joined(made, start, transitions, weight, enter, leave, edge):
    """What each segment has from those before it and behind it, given their matrices.

    Fills `enter` (m, K) with what its first step's states have, `leave` with p(state of its last
    step | steps up to there) and `edge` with the backward variables of that step, weighted.
    """
    m, k = enter.shape
    flow, back = start.copy(), np.ones(k)
    for s in range(m):
        total = 0.0
        for j in range(k):
            enter[s, j] = flow[j]
            value = 0.0
            for i in range(k):
                value += flow[i] * made[s, i, j]
            leave[s, j] = value
            total += value
        for j in range(k):
            leave[s, j] /= total
        for j in range(k):
            flow[j] = 0.0
            for i in range(k):
                flow[j] += leave[s, i] * transitions[i, j]
    ahead = np.empty(k)
    for s in range(m - 1, -1, -1):
        total = 0.0
        for j in range(k):
            total += leave[s, j] * back[j]
        for j in range(k):
            back[j] *= weight / total
            edge[s, j] = back[j]
        for i in range(k):
            ahead[i] = 0.0
            for j in range(k):
                ahead[i] += made[s, i, j] * back[j]
        for i in range(k):
            back[i] = 0.0
            for j in range(k):
                back[i] += transitions[i, j] * ahead[j]
