"""Forward and backward over many sequences at once, one a lane.

Steps of one sequence wait for one another; those of others do not. Sequences of about one length
go side by side through the same step, so that loops along them become vector instructions.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .kernels import FAINT, VANISHED

LANES = 32
"""Sequences side by side."""

LEAST = 16
"""Fewer are not worth it."""

LONGEST = 1000
"""Steps up to which what a step leaves behind stays in the caches."""

MOST_STATES = 8
"""Beyond, the states of one step fill the vectors by themselves."""


def worth_lanes(sizes: NDArray[np.intp], n_states: int) -> bool:
    """Whether sequences of these lengths are faster side by side.

    Lanes wait for the longest of them, and what a step leaves behind has to stay in the caches.
    """
    return len(sizes) >= LEAST and n_states <= MOST_STATES and int(sizes.max()) <= LONGEST


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def smooth(density, start, transitions, offsets, order, weights, scale, lost, both, pairs, begun):
    """Forward and backward of all sequences, as `kernels.forward` and `kernels.backward` do it.

    `order` has the sequences by length, so that lanes end at about the same step. Transitions
    have to be such that nothing lost can come back. Unless `both`, only `scale` and `lost` are
    filled, to the same bits.
    """
    m, k = order.size, start.size
    longest = 0
    for s in range(m):
        longest = max(longest, offsets[s + 1] - offsets[s])
    lanes = min(LANES, m)
    alpha = np.empty((longest, k, lanes))
    here = np.empty((longest, k, lanes))
    total, unit = np.empty((longest, lanes)), np.empty(lanes)
    size, first = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    weight, running = np.zeros(lanes), np.zeros(lanes)
    beta, ahead = np.empty((k, lanes)), np.empty((k, lanes))
    moved = np.empty((k, k, lanes))
    for group in range(0, m, lanes):
        held = min(lanes, m - group)
        steps = 0
        for b in range(lanes):
            size[b], first[b], weight[b] = 0, 0, 0.0
            if b < held:
                s = order[group + b]
                first[b], size[b] = offsets[s], offsets[s + 1] - offsets[s]
                weight[b] = weights[s]
                steps = max(steps, size[b])
        for b in range(held, lanes):  # lanes that hold nothing do as the last one, for no weight
            first[b], size[b] = first[held - 1], size[held - 1]
        for t in range(steps):
            for b in range(lanes):  # those that have ended stay at their last step
                row = density[first[b] + min(t, size[b] - 1)]
                for j in range(k):
                    here[t, j, b] = row[j]
        for t in range(steps):
            sums = total[t]
            for b in range(lanes):
                sums[b] = 0.0
            for j in range(k):
                now, seen = alpha[t, j], here[t, j]
                if t == 0:
                    for b in range(lanes):
                        now[b] = start[j]
                else:
                    before, a = alpha[t - 1, 0], transitions[0, j]
                    for b in range(lanes):
                        now[b] = before[b] * a
                    for i in range(1, k):
                        before, a = alpha[t - 1, i], transitions[i, j]
                        for b in range(lanes):
                            now[b] += before[b] * a
                for b in range(lanes):
                    now[b] *= seen[b]
                    sums[b] += now[b]
            for b in range(lanes):
                unit[b] = 1.0 / sums[b]
            for j in range(k):
                now = alpha[t, j]
                for b in range(lanes):
                    value = now[b] * unit[b]
                    now[b] = value if value > VANISHED else 0.0
        for b in range(held):
            lost[order[group + b]] = False
        for t in range(steps):
            for b in range(held):
                if t < size[b]:
                    scale[first[b] + t] = total[t, b]
                    if not total[t, b] > FAINT:
                        lost[order[group + b]] = True
        if not both:
            continue
        moved[:] = 0.0
        for j in range(k):
            for b in range(lanes):
                beta[j, b] = weight[b]
        for t in range(steps - 1, -1, -1):
            sums = total[t]
            for b in range(lanes):
                running[b] = 1.0 if t < size[b] else 0.0
                unit[b] = running[b] / sums[b]
            for j in range(k):
                now, seen, back, after = alpha[t, j], here[t, j], beta[j], ahead[j]
                for b in range(lanes):
                    value = seen[b] * back[b] * unit[b]
                    after[b] = value if now[b] > 0.0 else 0.0
                    seen[b] = now[b] * back[b]
            if t == 0:
                break
            for i in range(k):
                before = alpha[t - 1, i]
                for j in range(k):
                    line, after = moved[i, j], ahead[j]
                    for b in range(lanes):
                        line[b] += before[b] * after[b]
            for i in range(k):
                back, after, a = beta[i], ahead[0], transitions[i, 0]
                for b in range(lanes):
                    back[b] = weight[b] * (1.0 - running[b]) + a * after[b]
                for j in range(1, k):
                    after, a = ahead[j], transitions[i, j]
                    for b in range(lanes):
                        back[b] += a * after[b]
        for t in range(steps):
            for b in range(held):
                if t < size[b]:
                    for j in range(k):
                        density[first[b] + t, j] = here[t, j, b]
        for b in range(held):
            if lost[order[group + b]]:
                continue
            for j in range(k):
                begun[j] += here[0, j, b]
                for i in range(k):
                    pairs[i, j] += moved[i, j, b]
