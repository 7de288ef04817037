"""Forward and backward recursions of a hidden Markov chain, compiled for a number of states.

Densities of a step are divided by their largest, so that they lie between 0 and 1 with a 1 among
them; forward probabilities are scaled to sum to one at every step (Rabiner 1989, sec. V.A).
Expected transitions are summed on the way back, so that no array of steps times K times K is made.

Sequences stand one after the other: `offsets` (m + 1,) says where each begins. All arrays of states
are `width_of(K)` wide, with zeros behind the K-th.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.families.kernels.lanes import exp, log

NARROW = 4
"""States up to which loops are unrolled as they are; beyond, four lines are added at a time."""

WIDE = 32
"""States up to which code is compiled for each multiple of four; beyond, one serves them all."""

VANISHED = 1e-290
"""A scaled forward probability below this counts as zero, lest one backward overflow."""

FAINT = 1e-200
"""Below this a probability may have lost digits, or may be lost."""

TRACE = 1e-20
"""What was lost must stay below this share of what is left."""

MIXING = 1e-100
"""Where every transition is at least this probable, nothing that is lost can come back."""


def width_of(n_states: int) -> int:
    """How wide the arrays of so many states are."""
    return n_states if n_states <= NARROW else -(-n_states // 4) * 4


def padded(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """With zeros behind the last along each axis."""
    made = np.zeros((width,) * values.ndim)
    made[tuple(map(slice, values.shape))] = values
    return made


@njit(nogil=True, cache=True)
def shifted(log_density, density, top):
    """Densities of each step relative to the largest, whose logarithm goes to `top`.

    `log_density` is (n, K), `density` (n, width). A step that no state could make is all zeros,
    and -inf in `top`.
    """
    n, n_states = log_density.shape
    for t in range(n):
        largest = log_density[t, 0]
        for j in range(1, n_states):
            value = log_density[t, j]
            largest = value if not value <= largest else largest  # nan stays
        top[t] = largest
        off = 0.0 if largest == -np.inf else largest
        for j in range(n_states):
            density[t, j] = log_density[t, j] - off
        for j in range(n_states, density.shape[1]):
            density[t, j] = -np.inf
    flat = density.reshape(-1)
    for i in range(flat.size):
        flat[i] = exp(flat[i])


@njit(nogil=True, cache=True)
def faint_steps(log_density, top, faint):
    """Which steps have a density that is positive but hardly shows beside the largest."""
    for t in range(len(log_density)):
        faint[t] = False
        for j in range(log_density.shape[1]):
            below = log_density[t, j] - top[t]
            if -np.inf < below < -460.0:  # log FAINT
                faint[t] = True


@njit(nogil=True, cache=True)
def heights(scale, top):
    """Turn `scale` into its logarithm plus `top`: what each step adds to the log-likelihood."""
    for t in range(scale.size):
        scale[t] = log(scale[t]) + top[t]


@njit(nogil=True, cache=True)
def height(scale, top):
    """The sum of what steps add to the log-likelihood."""
    total = 0.0
    for begin in range(0, scale.size, 256):
        some = 0.0
        for t in range(begin, min(begin + 256, scale.size)):
            some += log(scale[t]) + top[t]
        total += some
    return total


@cache
def forward(width: int) -> Any:
    """The forward pass for states of this width; 0 is any multiple of four.

    ``run(density, start, transitions, offsets, careful, faint, alpha, scale, gone, lost)`` fills
    `alpha` (n, width) with p(state at t | steps up to t), or keeps the last two of these where it
    is (2, width), and `scale` (n,) with the density of each step, over its largest, given those
    before. `lost` (m,) tells of sequences that need logarithms: a scale vanished, or, if `careful`,
    something that vanished could matter later. `gone` (m,) bounds the share that has vanished.
    """
    narrow = 0 < width <= NARROW

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def run(density, start, transitions, offsets, careful, faint, alpha, scale, gone, lost):
        n_states = width if width else start.size
        flow = np.empty(n_states)
        mask = 1 if len(alpha) < offsets[-1] else -1  # two lines that take turns, or one a step
        for s in range(offsets.size - 1):
            first, last = offsets[s], offsets[s + 1]
            lost[s] = False
            for t in range(first, last):
                if t == first:
                    for j in range(n_states):
                        flow[j] = start[j]
                elif narrow:
                    before = alpha[(t - 1) & mask]
                    a = before[0]
                    for j in range(n_states):
                        flow[j] = a * transitions[0, j]
                    for i in range(1, n_states):
                        a = before[i]
                        for j in range(n_states):
                            flow[j] += a * transitions[i, j]
                else:
                    before = alpha[(t - 1) & mask]
                    for j in range(n_states):
                        flow[j] = 0.0
                    for i in range(0, n_states, 4):
                        a0, a1, a2, a3 = before[i], before[i + 1], before[i + 2], before[i + 3]
                        m0, m1 = transitions[i], transitions[i + 1]
                        m2, m3 = transitions[i + 2], transitions[i + 3]
                        for j in range(n_states):
                            flow[j] += (a0 * m0[j] + a1 * m1[j]) + (a2 * m2[j] + a3 * m3[j])
                here, now = density[t], alpha[t & mask]
                total = 0.0
                for j in range(n_states):
                    value = flow[j] * here[j]
                    now[j] = value
                    total += value
                scale[t] = total
                if not total > FAINT:
                    lost[s] = True
                    break
                unit = 1.0 / total
                if careful:
                    gone[s] *= unit
                    if faint[t]:
                        gone[s] = max(gone[s], FAINT)
                    for j in range(n_states):
                        if 0.0 < now[j] * unit < FAINT:
                            gone[s] = max(gone[s], FAINT)
                    if gone[s] > TRACE:
                        lost[s] = True
                        break
                for j in range(n_states):
                    value = now[j] * unit
                    now[j] = value if value > VANISHED else 0.0

    return run


@cache
def backward(width: int) -> Any:
    """The backward pass for states of this width, after `forward`.

    ``run(density, alpha, scale, turned, offsets, edge, lost, pairs, begun)``, with `turned` the
    transposed transitions, puts the weighted posterior probabilities of the states in place of
    `density` and adds to `pairs` (width, width) what times the transitions are the expected
    numbers of them, and to `begun` (width,) the expected states of first steps. `edge`
    (m, width) has the backward variables of last steps: a sequence's weight, where nothing
    follows; it is left with those of first steps times their densities over their scale.
    Sequences that `lost` tells of are left alone.
    """
    narrow = 0 < width <= NARROW

    @njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
    def run(density, alpha, scale, turned, offsets, edge, lost, pairs, begun):
        n_states = width if width else begun.size
        beta, ahead = np.empty(n_states), np.zeros((4, n_states))
        for s in range(offsets.size - 1):
            if lost[s]:
                continue
            first, last = offsets[s], offsets[s + 1]
            for j in range(n_states):
                beta[j] = edge[s, j]
            held = 0
            for t in range(last - 1, first - 1, -1):
                here, now, after = density[t], alpha[t], ahead[held]
                unit = 1.0 / scale[t]
                for j in range(n_states):
                    value = here[j] * beta[j] * unit
                    after[j] = value if now[j] > 0.0 else 0.0  # where nothing can be, inf may
                    here[j] = now[j] * beta[j]
                if t == first:
                    for j in range(n_states):
                        begun[j] += here[j]
                        edge[s, j] = after[j]
                    break
                if narrow:
                    before = alpha[t - 1]
                    for i in range(n_states):
                        a = before[i]
                        for j in range(n_states):
                            pairs[i, j] += a * after[j]
                    b = after[0]
                    for i in range(n_states):
                        beta[i] = b * turned[0, i]
                    for j in range(1, n_states):
                        b = after[j]
                        for i in range(n_states):
                            beta[i] += b * turned[j, i]
                    continue
                held += 1
                if held == 4:
                    held = 0
                    e0, e1, e2, e3 = ahead[0], ahead[1], ahead[2], ahead[3]
                    p0, p1, p2, p3 = alpha[t + 2], alpha[t + 1], alpha[t], alpha[t - 1]
                    for i in range(n_states):
                        a0, a1, a2, a3 = p0[i], p1[i], p2[i], p3[i]
                        line = pairs[i]
                        for j in range(n_states):
                            line[j] += (a0 * e0[j] + a1 * e1[j]) + (a2 * e2[j] + a3 * e3[j])
                for i in range(n_states):
                    beta[i] = 0.0
                for j in range(0, n_states, 4):
                    b0, b1, b2, b3 = after[j], after[j + 1], after[j + 2], after[j + 3]
                    m0, m1, m2, m3 = turned[j], turned[j + 1], turned[j + 2], turned[j + 3]
                    for i in range(n_states):
                        beta[i] += (b0 * m0[i] + b1 * m1[i]) + (b2 * m2[i] + b3 * m3[i])
            for h in range(held):  # what did not fill four lines
                before, after = alpha[first + held - 1 - h], ahead[h]
                for i in range(n_states):
                    a = before[i]
                    for j in range(n_states):
                        pairs[i, j] += a * after[j]

    return run
