"""Stretches of steps with normal states side by side, one a lane: densities, passes and moments.

A stretch is a sequence, or a segment of a long one. What a stretch needs of the others is how
likely its first step's states are given the steps before it, and how likely the steps after it
are given its last step's states. Those of a segment come from matrices: p(steps of the segment,
state at its end | state at its beginning) for every pair of states, which follow one another as
transitions do (Särkkä & García-Fernández 2021, eq. 14, with segments for single steps).

Arrays of lanes are as wide as `LANES`; lanes that hold nothing do as the last one, for no weight.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from latentia.families.kernels.lanes import exp, log

from .kernels import FAINT, VANISHED

LANES = 32
"""Stretches side by side."""

RESCALED = 4
"""Steps after which matrices are divided by their sum."""


class Compiled(NamedTuple):
    """Passes for a number of states, over normal states of columns apart.

    Both begin with the rows as `tile.strided` shows them and `emissions.NormalStates`, and go on
    with ``transitions, firsts, sizes``: where stretches begin and how long they are.

    Attributes
    ----------
    matrices : callable
        ``matrices(..., made)`` fills `made` (m, K, K), each up to a factor.
    smooth : callable
        ``smooth(..., enter, edge, pairs, begun, height, count, first, second)``, with `enter`
        (m, K) what the first step's states have from before and `edge` (m, K) the backward
        variables of the last, weighted; it is left with those of the first times their densities
        over their scale. Adds to `pairs` what times the transitions are those expected, to
        `begun` (m, K) and the moments (K,), (d, K) and (d, K), and fills `height` (m,) with what
        each adds to the log-likelihood. False if a scale vanished: then nothing is of use.
    """

    matrices: Any
    smooth: Any


@njit(nogil=True, cache=True)
def _lanes(group, firsts, sizes, first, size):
    """Which steps the lanes of a group hold; how many lanes, and the longest of them."""
    held, steps = min(LANES, len(sizes) - group), 0
    for b in range(LANES):
        s = group + min(b, held - 1)
        first[b], size[b] = firsts[s], sizes[s]
        steps = max(steps, sizes[s])
    return held, steps


@cache
def compiled(n_states: int) -> Compiled:
    """The passes for so many states."""
    k = n_states

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def fill(flat, row, column, origin, unit, means, roots, offset, first, size, t, z, here, top):
        """Densities of step t, over the largest of each lane, whose logarithm goes to `top`."""
        for j in range(origin.size):
            line, centre, at = z[j], origin[j], j * column
            for b in range(LANES):
                place = (first[b] + min(t, size[b] - 1)) * row + at
                line[b] = (np.float64(flat[place]) - centre) * unit
        for i in range(k):
            line, level = here[i], offset[i]
            for b in range(LANES):
                line[b] = level
            for j in range(origin.size):
                column_of, mean, root = z[j], means[j, i], roots[j, i]
                for b in range(LANES):
                    away = (column_of[b] - mean) * root
                    line[b] -= away * away
        for b in range(LANES):
            top[b] = here[0, b]
        for i in range(1, k):
            line = here[i]
            for b in range(LANES):
                top[b] = line[b] if not line[b] <= top[b] else top[b]  # nan stays
        for i in range(k):
            line = here[i]
            for b in range(LANES):
                line[b] = exp(line[b] - top[b])

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def matrices(
        flat, row, column, origin, unit, means, roots, offset, transitions, firsts, sizes, made
    ):
        first, size = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
        z, here = np.empty((origin.size, LANES)), np.empty((k, LANES))
        top, total = np.empty(LANES), np.empty(LANES)
        both = np.empty((2, k, k, LANES))
        for group in range(0, len(sizes), LANES):
            held, steps = _lanes(group, firsts, sizes, first, size)
            shortest = size.min()
            for t in range(steps):
                now, then = both[(t + 1) % 2], both[t % 2]
                fill(
                    flat, row, column, origin, unit, means, roots, offset,
                    first, size, t, z, here, top,
                )  # fmt: skip
                if t == 0:
                    then[:] = 0.0
                    for i in range(k):
                        for b in range(LANES):
                            then[i, i, b] = here[i, b]
                    continue
                for i in range(k):
                    for j in range(k):
                        line, seen = then[i, j], here[j]
                        for b in range(LANES):
                            value = now[i, 0, b] * transitions[0, j]
                            for h in range(1, k):
                                value += now[i, h, b] * transitions[h, j]
                            line[b] = value * seen[b]
                if t % RESCALED == 0:
                    total[:] = 0.0
                    for i in range(k):
                        for j in range(k):
                            for b in range(LANES):
                                total[b] += then[i, j, b]
                    for b in range(LANES):
                        total[b] = 1.0 / total[b]
                    for i in range(k):
                        for j in range(k):
                            for b in range(LANES):
                                then[i, j, b] *= total[b]
                for b in range(held if t >= shortest else 0):
                    if t >= size[b]:  # it has ended, and stays
                        for i in range(k):
                            for j in range(k):
                                then[i, j, b] = now[i, j, b]
            now = both[(steps - 1) % 2]
            for b in range(held):
                for i in range(k):
                    for j in range(k):
                        made[group + b, i, j] = now[i, j, b]

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def smooth(
        flat, row, column, origin, unit, means, roots, offset, transitions, firsts, sizes,
        enter, edge, pairs, begun, height, count, first_moment, second_moment,
    ):  # fmt: skip
        d, longest = origin.size, sizes.max()
        first, size = np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
        z, here = np.empty((longest, d, LANES)), np.empty((longest, k, LANES))
        alpha, total = np.empty((longest, k, LANES)), np.empty((longest, LANES))
        top, unit_of, running = np.empty(LANES), np.empty(LANES), np.empty(LANES)
        beta, after, last = np.empty((k, LANES)), np.empty((k, LANES)), np.empty((k, LANES))
        heights, least, moved = np.empty(LANES), np.empty(LANES), np.empty((k, k, LANES))
        counts = np.empty((k, LANES))
        ones, twos = np.empty((d, k, LANES)), np.empty((d, k, LANES))
        for group in range(0, len(sizes), LANES):
            held, steps = _lanes(group, firsts, sizes, first, size)
            last[:] = 0.0
            heights[:] = 0.0
            least[:] = 1.0
            for b in range(LANES):
                s = group + min(b, held - 1)
                for i in range(k):
                    alpha[0, i, b] = enter[s, i]
                    if b < held:
                        last[i, b] = edge[s, i]
            for t in range(steps):
                seen, now, sums = here[t], alpha[t], total[t]
                fill(
                    flat, row, column, origin, unit, means, roots, offset,
                    first, size, t, z[t], seen, top,
                )  # fmt: skip
                sums[:] = 0.0
                for j in range(k):
                    line, own = now[j], seen[j]
                    if t == 0:
                        for b in range(LANES):
                            line[b] = line[b] * own[b]
                            sums[b] += line[b]
                    else:
                        before = alpha[t - 1]
                        for b in range(LANES):
                            value = before[0, b] * transitions[0, j]
                            for i in range(1, k):
                                value += before[i, b] * transitions[i, j]
                            line[b] = value * own[b]
                            sums[b] += line[b]
                for b in range(LANES):
                    unit_of[b] = 1.0 / sums[b]
                for j in range(k):
                    line = now[j]
                    for b in range(LANES):
                        value = line[b] * unit_of[b]
                        line[b] = value if value > VANISHED else 0.0
                for b in range(LANES):
                    least[b] = sums[b] if not sums[b] >= least[b] else least[b]  # nan stays
                    value = log(sums[b]) + top[b]
                    heights[b] += value if t < size[b] else 0.0
            for b in range(LANES):
                if not least[b] > FAINT:
                    return False
            moved[:] = 0.0
            counts[:] = 0.0
            ones[:] = 0.0
            twos[:] = 0.0
            beta[:] = last
            for t in range(steps - 1, -1, -1):
                seen, now, sums = here[t], alpha[t], total[t]
                for b in range(LANES):
                    running[b] = 1.0 if t < size[b] else 0.0
                    unit_of[b] = running[b] / sums[b]
                for i in range(k):
                    line, own, back, ahead = now[i], seen[i], beta[i], after[i]
                    tally = counts[i]
                    for b in range(LANES):
                        value = own[b] * back[b] * unit_of[b]
                        ahead[b] = value if line[b] > 0.0 else 0.0
                        own[b] = line[b] * back[b] * running[b]
                        tally[b] += own[b]
                for j in range(d):
                    x = z[t, j]
                    for i in range(k):
                        own, one, two = seen[i], ones[j, i], twos[j, i]
                        for b in range(LANES):
                            value = own[b] * x[b]
                            one[b] += value
                            two[b] += value * x[b]
                if t == 0:
                    break
                before = alpha[t - 1]
                for i in range(k):
                    line = before[i]
                    for j in range(k):
                        pair, ahead = moved[i, j], after[j]
                        for b in range(LANES):
                            pair[b] += line[b] * ahead[b]
                for i in range(k):
                    back, ending = beta[i], last[i]
                    for b in range(LANES):
                        value = after[0, b] * transitions[i, 0]
                        for j in range(1, k):
                            value += after[j, b] * transitions[i, j]
                        back[b] = value if running[b] > 0.0 else ending[b]
            for b in range(held):
                s = group + b
                height[s] = heights[b]
                for i in range(k):
                    begun[s, i] = here[0, i, b]
                    edge[s, i] = after[i, b]
                    for j in range(k):
                        pairs[i, j] += moved[i, j, b]
                    count[i] += counts[i, b]
                    for j in range(d):
                        first_moment[j, i] += ones[j, i, b]
                        second_moment[j, i] += twos[j, i, b]
        return True

    return Compiled(matrices, smooth)


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
