"""Compiled loops of agglomeration: Ward's criterion by chains of neighbours, and the Gaussian one.

Ward's criterion is reducible: two clusters that are nearest to each other stay so until they are
merged, whatever else is merged before, so a chain of nearest neighbours finds all merges in O(n)
memory (Murtagh 1983; Müllner 2011, sec. 3.2). The Gaussian criterion is not. There each cluster
knows its best partner among the older ones; as older ones only go away, what it knew stays a lower
bound, and is looked up again only once it is the lowest of all (after Müllner 2011, sec. 3.1).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LANES = 32
"""Points whose bounding box is kept: all are passed over together where it is too far."""

MASS, TRACE, ROOT, TERM, POINTS, MEAN = 0, 1, 2, 3, 4, 5
"""Columns of a cluster's card; those from MEAN on are its mean. ROOT is |W|^(1/d)."""


@njit(nogil=True, cache=True)
def ward(points, weights):
    """All merges of weighted points by Ward's criterion, in the order in which they are found.

    Points should be near those that stand next to them. Returns a point of each of the two
    clusters, (n - 1, 2), and what the sum of squares gains.
    """
    n, d = points.shape
    x, mass, name = points.T.copy(), weights.copy(), np.arange(n)
    boxes = np.empty((2 * d + 1, (n + LANES - 1) // LANES))
    pairs, heights = np.empty((n - 1, 2), np.int64), np.empty(n - 1)
    chain, costs, length = np.empty(n, np.int64), np.empty(n), 0
    bounds, distances, slots, done = np.empty(boxes.shape[1]), np.empty(LANES), n, 0
    _box(x, mass, name, boxes, slots)
    while done < n - 1:
        if length == 0:
            chain[0], length = _first(name), 1
        here = chain[length - 1]
        nearest, cost = -1, np.inf
        if length > 1:  # of equals the one before, so that chains end
            nearest, cost = chain[length - 2], costs[length - 2]
        nearest, cost = _nearest(x, mass, boxes, here, slots, nearest, cost, bounds, distances)
        if length == 1 or nearest != chain[length - 2]:
            costs[length - 1], chain[length] = cost, nearest
            length += 1
            continue
        low, high = min(here, nearest), max(here, nearest)
        pairs[done, 0], pairs[done, 1], heights[done] = name[low], name[high], cost
        length, done = length - 2, done + 1
        both = mass[low] + mass[high]
        for f in range(d):
            x[f, low] = (mass[low] * x[f, low] + mass[high] * x[f, high]) / both
            x[f, high] = 1e200  # so that its square is infinitely far
            _stretch(boxes, f, low // LANES, x[f, low])
        mass[low], mass[high], name[high] = both, 1.0, -1
        if n - done < 0.7 * slots:
            slots = _close_ranks(x, mass, name, chain, length, slots)
            _box(x, mass, name, boxes, slots)
    return pairs, heights


@njit(nogil=True, cache=True)
def _first(name):
    slot = 0
    while name[slot] < 0:
        slot += 1
    return slot


@njit(nogil=True, cache=True)
def _box(x, mass, name, boxes, slots):
    """Lower and upper ends of the points in each run of LANES slots, and their least mass."""
    d = len(x)
    for run in range((slots + LANES - 1) // LANES):
        boxes[:d, run], boxes[d:, run] = np.inf, -np.inf
        least = np.inf
        for slot in range(run * LANES, min((run + 1) * LANES, slots)):
            if name[slot] >= 0:
                least = min(least, mass[slot])
                for f in range(d):
                    _stretch(boxes, f, run, x[f, slot])
        boxes[2 * d, run] = least


@njit(nogil=True, cache=True)
def _stretch(boxes, f, run, value):
    d = len(boxes) // 2
    boxes[f, run] = min(boxes[f, run], value)
    boxes[d + f, run] = max(boxes[d + f, run], value)


@njit(nogil=True, cache=True)
def _nearest(x, mass, boxes, here, slots, nearest, cost, bounds, distances):
    """The slot whose merge with `here` costs least and less than `cost`, and what it costs."""
    d, runs = len(x), (slots + LANES - 1) // LANES
    bounds = bounds[:runs]
    bounds[:] = 0.0
    for f in range(d):
        lows, highs, centre = boxes[f, :runs], boxes[d + f, :runs], x[f, here]
        for run in range(runs):
            apart = max(max(lows[run] - centre, centre - highs[run]), 0.0)
            bounds[run] += apart * apart
    own, masses = mass[here], boxes[2 * d, :runs]
    for run in range(runs):
        bounds[run] *= own * masses[run] / (own + masses[run])
    begin = here // LANES  # likely to hold the nearest
    for step in range(-1, runs):
        run = begin if step < 0 else step
        if bounds[run] >= cost or step == begin:
            continue
        found, least = _nearest_in_run(x, mass, here, run, slots, distances)
        if least < cost:
            nearest, cost = found, least
    return nearest, cost


@njit(nogil=True, cache=True)
def _nearest_in_run(x, mass, here, run, slots, distances):
    first = run * LANES
    stop = min(first + LANES, slots)
    distances = distances[: stop - first]
    distances[:] = 0.0
    for f in range(len(x)):
        line, centre = x[f, first:stop], x[f, here]
        for j in range(len(distances)):
            apart = line[j] - centre
            distances[j] += apart * apart
    own, masses = mass[here], mass[first:stop]
    for j in range(len(distances)):
        distances[j] *= own * masses[j] / (own + masses[j])
    if first <= here < stop:
        distances[here - first] = np.inf
    least = 0
    for j in range(1, len(distances)):
        if distances[j] < distances[least]:
            least = j
    return first + least, distances[least]


@njit(nogil=True, cache=True)
def _close_ranks(x, mass, name, chain, length, slots):
    """Leave out the slots of clusters that are gone; how many are left."""
    place = np.empty(slots, np.int64)
    left = 0
    for slot in range(slots):
        if name[slot] >= 0:
            place[slot] = left
            for f in range(len(x)):
                x[f, left] = x[f, slot]
            mass[left], name[left] = mass[slot], name[slot]
            left += 1
    for i in range(length):
        chain[i] = place[chain[i]]
    return left


@njit(nogil=True, cache=True)
def gaussian(weights, means, scatters, points, alpha):
    """All merges of clusters by the Gaussian criterion.

    `weights` (m,), `means` (m, d) and `scatters` (m, d, d) are the clusters' sums, and `points`
    (m,) says how many different points each holds. Merge i makes cluster m + i. Returns the
    pairs, (m - 1, 2), and what each merge costs.
    """
    m, d = means.shape
    n_merges = m - 1
    card = np.empty((m + n_merges, MEAN + d))
    scatter = np.empty((m + n_merges, d, d))
    work = np.empty((d, d))
    for c in range(m):
        card[c, MASS], card[c, POINTS] = weights[c], points[c]
        for i in range(d):
            card[c, MEAN + i] = means[c, i]
            for j in range(d):
                scatter[c, i, j] = scatters[c, i, j]
        _describe(card, scatter, c, alpha, work)
    partner, bound = np.full(m + n_merges, -1), np.full(m + n_merges, np.inf)
    gone = np.zeros(m + n_merges, np.bool_)
    alive, left = np.empty(m + n_merges, np.int64), m
    for c in range(m):
        alive[c] = c
        partner[c], bound[c] = _best(card, scatter, alive, c, alpha, work)
    pairs, heights = np.empty((n_merges, 2), np.int64), np.empty(n_merges)
    for step in range(n_merges):
        a = _lowest(bound, alive, left)
        while gone[partner[a]]:
            partner[a], bound[a] = _best(card, scatter, alive, a, alpha, work)
            a = _lowest(bound, alive, left)
        b, new = partner[a], m + step
        pairs[step, 0], pairs[step, 1], heights[step] = b, a, bound[a]
        _unite(card, scatter, a, b, new)
        _describe(card, scatter, new, alpha, work)
        gone[a] = gone[b] = True
        left = _without(alive, left, b, a)
        alive[left] = new
        partner[new], bound[new] = _best(card, scatter, alive, new, alpha, work)
        left += 1
    return pairs, heights


@njit(nogil=True, cache=True)
def _without(alive, left, b, a):
    """Take two clusters out of the list; how many are left."""
    kept = 0
    for i in range(left):
        if alive[i] != a and alive[i] != b:
            alive[kept] = alive[i]
            kept += 1
    return kept


@njit(nogil=True, cache=True)
def _lowest(bound, alive, left):
    lowest = alive[0]
    for i in range(1, left):
        if bound[alive[i]] < bound[lowest]:
            lowest = alive[i]
    return lowest


@njit(nogil=True, cache=True)
def _unite(card, scatter, a, b, new):
    """The sums of two clusters together (Chan, Golub & LeVeque 1983, eq. 2.1)."""
    d = scatter.shape[1]
    both = card[a, MASS] + card[b, MASS]
    between = card[a, MASS] * card[b, MASS] / both
    card[new, MASS], card[new, POINTS] = both, card[a, POINTS] + card[b, POINTS]
    for i in range(d):
        apart = card[a, MEAN + i] - card[b, MEAN + i]
        card[new, MEAN + i] = card[b, MEAN + i] + card[a, MASS] / both * apart
        for j in range(i + 1):
            across = between * apart * (card[a, MEAN + j] - card[b, MEAN + j])
            scatter[new, i, j] = scatter[a, i, j] + scatter[b, i, j] + across
            scatter[new, j, i] = scatter[new, i, j]


@njit(nogil=True, cache=True)
def _describe(card, scatter, c, alpha, work):
    """What a cluster's card says beside its sums."""
    d = scatter.shape[1]
    mass, trace = card[c, MASS], 0.0
    for i in range(d):
        trace += scatter[c, i, i]
        for j in range(i + 1):
            work[i, j] = scatter[c, i, j] / mass
    determinant = _determinant(work) if card[c, POINTS] > d > 1 else 0.0
    card[c, TRACE] = trace
    card[c, ROOT] = mass * determinant ** (1.0 / d)
    card[c, TERM] = mass * math.log(determinant + (trace + alpha) / mass)


@njit(nogil=True, cache=True)
def _best(card, scatter, alive, c, alpha, work):
    """Whom of those older than cluster `c` to merge it with at least cost, and this cost.

    `alive` is in order of age and goes up to `c` at least. Determinants are computed only where
    Minkowski's inequality, |A + B|^(1/d) >= |A|^(1/d) + |B|^(1/d), does not rule them out.
    """
    d = scatter.shape[1]
    nearest, cost = -1, np.inf
    at = 0
    while alive[at] < c:
        o = alive[at]
        at += 1
        mass = card[c, MASS] + card[o, MASS]
        between, squared = card[c, MASS] * card[o, MASS] / mass, 0.0
        for i in range(d):
            apart = card[c, MEAN + i] - card[o, MEAN + i]
            squared += apart * apart
        trace = card[c, TRACE] + card[o, TRACE] + between * squared
        spread = (trace + alpha) / mass
        least, root = 1.0, (card[c, ROOT] + card[o, ROOT]) / mass
        for _ in range(d):
            least *= root
        before = card[c, TERM] + card[o, TERM]
        merged = mass * math.log(least + spread) - before
        if merged >= cost:
            continue
        if card[c, POINTS] + card[o, POINTS] > d > 1:
            for i in range(d):
                apart = between * (card[c, MEAN + i] - card[o, MEAN + i])
                for j in range(i + 1):
                    across = apart * (card[c, MEAN + j] - card[o, MEAN + j])
                    work[i, j] = (scatter[c, i, j] + scatter[o, i, j] + across) / mass
            merged = mass * math.log(_determinant(work) + spread) - before
        if merged < cost:
            nearest, cost = o, merged
    return nearest, cost


@njit(nogil=True, cache=True)
def _determinant(work):
    """Of a positive semidefinite matrix, from its lower triangle, which is overwritten."""
    d, determinant = len(work), 1.0
    for j in range(d):
        pivot = work[j, j]
        for k in range(j):
            pivot -= work[j, k] * work[j, k] * work[k, k]
        if pivot <= 0.0:
            return 0.0
        determinant *= pivot
        work[j, j] = pivot
        for i in range(j + 1, d):
            entry = work[i, j]
            for k in range(j):
                entry -= work[i, k] * work[j, k] * work[k, k]
            work[i, j] = entry / pivot
    return determinant
