"""Compiled EM of Gaussian mixtures over few rows: a step costs what its arithmetic costs."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latentia.families.covariance.kernels import eigen, maximum
from latentia.families.kernels import triangle

LOG_2PI = math.log(2.0 * math.pi)

TURNS = 3
"""Times that common axes are turned in one step, at most: q rises at each."""

ACCURACY = 1e-9
"""Of what a step seeks in turn."""

FEWEST = 1e-3
"""Rows that a component has, at least."""

TWO_MEANS = 10
"""Rounds of two-means, at most."""


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def posterior(columns, weights, shares, means, covariances, resp):
    """Responsibilities times row weights, (K, n), into `resp`; the log-likelihood and thinness.

    Parameters
    ----------
    columns : array of shape (d, n)
    weights : array of shape (n,)
    shares, means, covariances : arrays of shape (K,), (K, d), (K, d, d)
    resp : array of shape (K, n)

    Returns
    -------
    tuple of float
        The log-likelihood, nan where a covariance is singular; and a bound under all eigenvalues.
    """
    d, n = columns.shape
    k = len(shares)
    root, part = np.empty((d, d)), np.empty(n)
    thinnest = np.inf
    for c in range(k):
        log_det, squares = triangle.factorised(covariances[c], d, root), 0.0
        if not np.isfinite(log_det):
            return np.nan, 0.0
        triangle.inverted(root, d, root)
        for i in range(d):
            for j in range(i + 1):
                squares += root[i, j] * root[i, j]
        thinnest = min(thinnest, 1.0 / squares)
        offset = math.log(shares[c]) - 0.5 * (log_det + d * LOG_2PI)
        own = resp[c]
        for r in range(n):
            own[r] = offset
        for i in range(d):
            constant = 0.0
            for j in range(i + 1):
                constant -= root[i, j] * means[c, j]
            if i == 0:
                factor = root[0, 0]
                first = columns[0]
                for r in range(n):
                    y = constant + factor * first[r]
                    own[r] -= 0.5 * y * y
                continue
            for r in range(n):
                part[r] = constant
            for j in range(i + 1):
                factor = root[i, j]
                column = columns[j]
                for r in range(n):
                    part[r] += factor * column[r]
            for r in range(n):
                own[r] -= 0.5 * part[r] * part[r]
    top = part
    for r in range(n):
        top[r] = resp[0, r]
    for c in range(1, k):
        for r in range(n):
            top[r] = max(top[r], resp[c, r])
    total_of = np.zeros(n)
    for c in range(k):
        for r in range(n):
            value = math.exp(resp[c, r] - top[r])
            resp[c, r] = value
            total_of[r] += value
    loglik = 0.0
    for r in range(n):
        loglik += weights[r] * (top[r] + math.log(total_of[r]))
        total_of[r] = weights[r] / total_of[r]
    for c in range(k):
        for r in range(n):
            resp[c, r] *= total_of[r]
    return loglik, thinnest


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def summed(columns, resp, about, count, means, scatter):
    """Counts, means and scatter about these of weighted responsibilities; whether none is empty.

    Sums are taken about the points `about`, (K, d).
    """
    d, n = columns.shape
    first = np.empty(d)
    for c in range(len(count)):
        own, total = resp[c], 0.0
        for r in range(n):
            total += own[r]
        count[c] = total
        if not total > FEWEST:
            return False
        for i in range(d):
            column, a, total = columns[i], about[c, i], 0.0
            for r in range(n):
                total += own[r] * (column[r] - a)
            first[i] = total
            for j in range(i + 1):
                other, b, product = columns[j], about[c, j], 0.0
                for r in range(n):
                    product += own[r] * (column[r] - a) * (other[r] - b)
                scatter[c, i, j] = product
        for i in range(d):
            for j in range(i + 1):
                scatter[c, i, j] -= first[i] * first[j] / count[c]
                scatter[c, j, i] = scatter[c, i, j]
        for i in range(d):
            means[c, i] = about[c, i] + first[i] / count[c]
    return True


@njit(nogil=True, cache=True)
def lend(count, scatter, levels):
    """Give each component d + 1 rows scattered as all are within theirs, so that none is narrow."""
    k, d = levels.shape
    total, lent = count.sum(), d + 1.0
    for i in range(d):
        for j in range(i + 1):
            pooled = 0.0
            for c in range(k):
                pooled += scatter[c, i, j]
            pooled *= lent / total
            for c in range(k):
                scatter[c, i, j] += pooled
                scatter[c, j, i] = scatter[c, i, j]
        for c in range(k):
            levels[c, i] = scatter[c, i, i] / (count[c] + lent)
    for c in range(k):
        count[c] += lent


@njit(nogil=True, cache=True)
def climbed(columns, weights, code, floor, most, tol, begins, parts):
    """EM steps in place, `most` at most, until about `tol` nats are left to gain.

    What is left is Aitken's estimate. Where a step meets a covariance thinner than `floor`, or a
    component without rows, the climb is off.

    Parameters
    ----------
    begins : bool
        Whether it begins with an M-step from guessed memberships, in which rows are lent.
    parts : tuple of arrays
        Shares (K,), means (K, d), covariances (K, d, d), axes (d, d) and variances along them
        (K, d); and responsibilities times row weights, (K, n), which in the end are those at the
        parameters.

    Returns
    -------
    tuple of float
        The log-likelihood, -inf where the climb is off, and the number of E-steps.
    """
    shares, means, covariances, axes, levels, resp = parts
    k, d = means.shape
    count, scatter, moved = np.empty(k), np.empty((k, d, d)), np.empty((k, d))
    loglik, gain = -np.inf, np.inf
    if begins:
        means[:] = 0.0
    for step in range(most + 1):
        if step or begins:
            if not summed(columns, resp, means, count, moved, scatter):
                return -np.inf, step
            total = count.sum()
            for c in range(k):
                shares[c] = count[c] / total
                for i in range(d):
                    means[c, i] = moved[c, i]
            if step == 0:
                lend(count, scatter, levels)
            well = maximum(
                code[0],
                code[1],
                code[2],
                count,
                scatter,
                axes,
                levels,
                TURNS,
                ACCURACY,
                covariances,
            )
            if not well:
                return -np.inf, step
        before = loglik
        loglik, thinnest = posterior(columns, weights, shares, means, covariances, resp)
        if not (np.isfinite(loglik) and thinnest > floor):
            return -np.inf, step + 1
        previous, gain = gain, loglik - before
        if abs(gain) <= 1e-3 * tol:
            return loglik, step + 1
        if step > 1 and gain < previous:
            left = gain * gain / (previous - gain)
            if left <= (tol if gain < 0.5 * previous else 0.1 * tol):
                return loglik, step + 1
    return loglik, most + 1


@njit(nogil=True, cache=True)
def split(white, resp, which, made):
    """Responsibilities in one component more: `which` is divided in two; whether it can be.

    Two-means on the component's rows, `white` (m, n), begins on both sides of its mean along its
    longest axis.
    """
    m, n = white.shape
    k = len(resp)
    mean, total = np.zeros(m), 0.0
    for r in range(n):
        total += resp[which, r]
        for i in range(m):
            mean[i] += resp[which, r] * white[i, r]
    if not total > 2.0 * FEWEST:
        return False
    mean /= total
    spread, values, axes = np.zeros((m, m)), np.empty(m), np.empty((m, m))
    for r in range(n):
        for i in range(m):
            for j in range(m):
                spread[i, j] += resp[which, r] * (white[i, r] - mean[i]) * (white[j, r] - mean[j])
    eigen(spread, values, axes)
    centres, held = np.empty((2, m)), np.empty(2)
    side = np.zeros(n, np.int64)
    for turn in range(TWO_MEANS):
        changed = False
        for r in range(n):
            along = 0.0
            for i in range(m):
                if turn == 0:
                    along += (white[i, r] - mean[i]) * axes[i, 0]
                else:
                    a, b = white[i, r] - centres[0, i], white[i, r] - centres[1, i]
                    along += a * a - b * b
            new = 1 if along > 0.0 else 0
            changed |= new != side[r]
            side[r] = new
        if turn and not changed:
            break
        centres[:], held[:] = 0.0, 0.0
        for r in range(n):
            held[side[r]] += resp[which, r]
            for i in range(m):
                centres[side[r], i] += resp[which, r] * white[i, r]
        if not (held[0] > FEWEST and held[1] > FEWEST):
            return False
        for s in range(2):
            for i in range(m):
                centres[s, i] /= held[s]
    for c in range(k):
        for r in range(n):
            made[c, r] = resp[c, r]
    for r in range(n):
        made[k, r] = 0.0
        if side[r]:
            made[k, r], made[which, r] = resp[which, r], 0.0
    return True


@njit(nogil=True, cache=True)
def overlaps(weights, resp):
    """The cosine between the memberships of each pair of components, (K, K); -1 elsewhere."""
    k, n = resp.shape
    made, size = np.full((k, k), -1.0), np.zeros(k)
    for a in range(k):
        for b in range(a + 1):
            total = 0.0
            for r in range(n):
                if weights[r] > 0.0:
                    total += resp[a, r] * resp[b, r] / weights[r]
            if a == b:
                size[a] = math.sqrt(max(total, 1e-300))
            else:
                made[a, b] = total
    for a in range(k):
        for b in range(a):
            made[a, b] /= size[a] * size[b]
    return made


@njit(nogil=True, cache=True)
def merge(resp, first, second, made):
    """Responsibilities in one component fewer: two of them are one."""
    at = 0
    for c in range(len(resp)):
        if c == second:
            continue
        for r in range(resp.shape[1]):
            made[at, r] = resp[c, r] + (resp[second, r] if c == first else 0.0)
        at += 1


@njit(nogil=True, cache=True)
def narrowest(unit, covariances):
    """The smallest eigenvalue of any covariance in coordinates `unit` x, (d, d)."""
    k, d = len(covariances), len(unit)
    half, whole, values, axes = np.empty((d, d)), np.empty((d, d)), np.empty(d), np.empty((d, d))
    least = np.inf
    for c in range(k):
        for i in range(d):
            for j in range(d):
                total = 0.0
                for m in range(d):
                    total += unit[i, m] * covariances[c, m, j]
                half[i, j] = total
        for i in range(d):
            for j in range(d):
                total = 0.0
                for m in range(d):
                    total += half[i, m] * unit[j, m]
                whole[i, j] = total
        eigen(whole, values, axes)
        least = min(least, values[d - 1])
    return least
