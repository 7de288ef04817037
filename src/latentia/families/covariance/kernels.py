"""Compiled maxima of q in covariances of any of the fourteen patterns, for few columns.

What `levels` and `orientation` find under floors and among components without rows is found here
where there are neither. The letters of a pattern are numbers: `CODE`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from latentia.families.kernels import triangle

EQUAL, OWN, NONE = 0, 1, 2
CODE = {"E": EQUAL, "V": OWN, "I": NONE}
"""The letters of a pattern as numbers."""

ROUNDS = 300
"""Times that unknowns are found in turn, at most."""

_JACOBI = 30


@njit(nogil=True, cache=True)
def eigen(matrix, values, vectors):
    """Eigenvalues, the largest first, and eigenvectors of a symmetric matrix, by plane rotations.

    `matrix` is overwritten.
    """
    d = len(matrix)
    for i in range(d):
        for j in range(d):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(_JACOBI):
        off, size = 0.0, 0.0
        for i in range(d):
            size += matrix[i, i] * matrix[i, i]
            for j in range(i):
                off += matrix[i, j] * matrix[i, j]
        if not off > 1e-32 * size:
            break
        for p in range(d - 1):
            for q in range(p + 1, d):
                across = matrix[p, q]
                if across == 0.0:
                    continue
                ratio = (matrix[q, q] - matrix[p, p]) / (2.0 * across)
                t = 1.0 / (abs(ratio) + math.sqrt(ratio * ratio + 1.0))
                if ratio < 0.0:
                    t = -t
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for i in range(d):
                    a, b = matrix[i, p], matrix[i, q]
                    matrix[i, p], matrix[i, q] = c * a - s * b, s * a + c * b
                for i in range(d):
                    a, b = matrix[p, i], matrix[q, i]
                    matrix[p, i], matrix[q, i] = c * a - s * b, s * a + c * b
                for i in range(d):
                    a, b = vectors[i, p], vectors[i, q]
                    vectors[i, p], vectors[i, q] = c * a - s * b, s * a + c * b
    for i in range(d):
        values[i] = matrix[i, i]
    for i in range(d - 1):
        top = i
        for j in range(i + 1, d):
            if values[j] > values[top]:
                top = j
        if top != i:
            values[i], values[top] = values[top], values[i]
            for j in range(d):
                vectors[j, i], vectors[j, top] = vectors[j, top], vectors[j, i]


@njit(nogil=True, cache=True)
def _scaled(matrix, factor, into):
    """A matrix times a number, in a loop: a slice would compile its error's message for seconds."""
    for i in range(len(matrix)):
        for j in range(len(matrix)):
            into[i, j] = factor * matrix[i, j]


@njit(nogil=True, cache=True)
def inverted(matrix, inverse):
    """The inverse of a symmetric positive definite matrix and its log-determinant.

    The latter is not finite where the matrix is singular.
    """
    d = len(matrix)
    root = np.empty((d, d))
    log_det = triangle.factorised(matrix, d, root)
    if np.isfinite(log_det):
        triangle.inverted(root, d, root)
        triangle.squared(root, d, inverse)
    return log_det


@njit(nogil=True, cache=True)
def variances(volume, shape, count, seen, enough, found):
    """The variances along given axes, (K, d), into `found`, and whether all went well.

    Where components differ in volume alone, `found` is also where the search begins; it ends where
    no volume moves by more than the share `enough`.
    """
    k, d = seen.shape
    n = count.sum()
    if shape == EQUAL and volume == EQUAL:
        for j in range(d):
            total = 0.0
            for c in range(k):
                total += seen[c, j]
            if not total > 0.0:
                return False
            for c in range(k):
                found[c, j] = total / n
        return True
    for c in range(k):
        for j in range(d):
            if not seen[c, j] > 0.0:
                return False
    if shape == OWN and volume == OWN:
        for c in range(k):
            for j in range(d):
                found[c, j] = seen[c, j] / count[c]
        return True
    if volume == EQUAL:
        size, total = np.empty(k), 0.0
        for c in range(k):
            mean = 0.0
            for j in range(d):
                mean += math.log(seen[c, j])
            size[c] = math.exp(mean / d)
            total += size[c]
        for c in range(k):
            for j in range(d):
                found[c, j] = seen[c, j] / size[c] * (total / n)
        return True
    size, common = np.empty(k), np.empty(d)
    for c in range(k):
        mean = 0.0
        for j in range(d):
            mean += math.log(found[c, j])
        size[c] = math.exp(mean / d)
    well = False
    for _ in range(ROUNDS):
        moved = 0.0
        for j in range(d):
            common[j] = 0.0
            for c in range(k):
                common[j] += seen[c, j] / size[c]
            common[j] /= n
        for c in range(k):
            total = 0.0
            for j in range(d):
                total += seen[c, j] / common[j]
            total /= d * count[c]
            moved = max(moved, abs(total - size[c]) / total)
            size[c] = total
        if moved <= enough:
            well = True
            break
    for c in range(k):
        for j in range(d):
            found[c, j] = size[c] * common[j]
            if not found[c, j] > 0.0:
                return False
    return well


@njit(nogil=True, cache=True)
def turned_together(volume, count, scatter, axes, found, rounds, enough):
    """Common axes and the variances along them in turn (EVE, VVE), and whether they were found.

    `axes` (d, d) is where the search begins and ends, `found` (K, d) are the variances. It ends
    where a round lowers minus twice q by no more than `enough`, or after so many rounds.
    """
    k, d = found.shape
    inside, kept, seen = np.empty((k, d, d)), np.empty((d, d)), np.empty((k, d))
    for c in range(k):
        for i in range(d):
            for j in range(d):
                total = 0.0
                for m in range(d):
                    total += scatter[c, i, m] * axes[m, j]
                kept[i, j] = total
        for i in range(d):
            for j in range(d):
                total = 0.0
                for m in range(d):
                    total += axes[m, i] * kept[m, j]
                inside[c, i, j] = total
    cost = np.inf
    for _ in range(rounds):
        for c in range(k):
            for j in range(d):
                seen[c, j] = max(inside[c, j, j], 0.0)
        if not variances(volume, OWN, count, seen, enough, found):
            return False
        before, cost = cost, 0.0
        for c in range(k):
            for j in range(d):
                cost += count[c] * math.log(found[c, j]) + seen[c, j] / found[c, j]
        if not np.isfinite(cost):
            return False
        if not cost < before - enough:
            return True
        for p in range(d - 1):
            for q in range(p + 1, d):
                _turn(p, q, axes, inside, found)
    return True


@njit(nogil=True, cache=True)
def _turn(p, q, axes, inside, found):
    """The plane of two axes by the angle that is best in it."""
    k, d = found.shape
    cosine, sine = 0.0, 0.0
    for c in range(k):
        apart = 1.0 / found[c, p] - 1.0 / found[c, q]
        cosine += (inside[c, p, p] - inside[c, q, q]) * apart / 2.0
        sine += inside[c, p, q] * apart
    if cosine == 0.0 and sine == 0.0:
        return
    angle = math.atan2(-sine, -cosine) / 2.0
    co, si = math.cos(angle), math.sin(angle)
    for i in range(d):
        a, b = axes[i, p], axes[i, q]
        axes[i, p], axes[i, q] = co * a + si * b, co * b - si * a
    for c in range(k):
        for i in range(d):
            a, b = inside[c, i, p], inside[c, i, q]
            inside[c, i, p], inside[c, i, q] = co * a + si * b, co * b - si * a
        for i in range(d):
            a, b = inside[c, p, i], inside[c, q, i]
            inside[c, p, i], inside[c, q, i] = co * a + si * b, co * b - si * a


@njit(nogil=True, cache=True)
def volumes_in_turn(count, scatter, size, enough, out):
    """Matrices that differ in volume alone (VEE) into `out`, and whether they were found.

    `size` (K,) is where the volumes begin and end.
    """
    k, d = len(count), scatter.shape[1]
    n = count.sum()
    common, inverse = np.empty((d, d)), np.empty((d, d))
    well = False
    for _ in range(ROUNDS):
        for i in range(d):
            for j in range(d):
                total = 0.0
                for c in range(k):
                    total += scatter[c, i, j] / size[c]
                common[i, j] = total / n
        if not np.isfinite(inverted(common, inverse)):
            return False
        moved = 0.0
        for c in range(k):
            total = 0.0
            for i in range(d):
                for j in range(d):
                    total += inverse[i, j] * scatter[c, i, j]
            total /= d * count[c]
            if not total > 0.0:
                return False
            moved = max(moved, abs(total - size[c]) / total)
            size[c] = total
        if moved <= enough:
            well = True
            break
    for c in range(k):
        for i in range(d):
            for j in range(d):
                out[c, i, j] = size[c] * common[i, j]
    return well


@njit(nogil=True, cache=True)
def maximum(volume, shape, orientation, count, scatter, axes, levels, rounds, enough, out):
    """The covariances (K, d, d) that maximise q, or raise it, into `out`; whether all went well.

    Parameters
    ----------
    volume, shape, orientation : int
        The pattern, by `CODE`.
    count : array of shape (K,)
        All above zero.
    scatter : array of shape (K, d, d)
        About the means, symmetric.
    axes : array of shape (d, d)
        Where common axes (EVE, VVE) begin and end.
    levels : array of shape (K, d)
        Where variances along the axes begin and end, where some must be sought.
    rounds : int
        Times that common axes are turned, at most.
    enough : float
        Accuracy of what is sought in turn.
    out : array of shape (K, d, d)
    """
    k, d = len(count), scatter.shape[1]
    n = count.sum()
    if shape == NONE:
        total = 0.0
        for c in range(k):
            own = 0.0
            for j in range(d):
                own += scatter[c, j, j]
            total += own
            levels[c, 0] = own / (d * count[c])
        for c in range(k):
            value = total / (d * n) if volume == EQUAL else levels[c, 0]
            if not value > 0.0:
                return False
            for i in range(d):
                for j in range(d):
                    out[c, i, j] = value if i == j else 0.0
        return True
    if orientation == NONE:
        seen = np.empty((k, d))
        for c in range(k):
            for j in range(d):
                seen[c, j] = scatter[c, j, j]
        well = variances(volume, shape, count, seen, enough, levels)
        for c in range(k):
            for i in range(d):
                for j in range(d):
                    out[c, i, j] = levels[c, i] if i == j else 0.0
        return well
    if orientation == EQUAL and shape == EQUAL:
        if volume == EQUAL:
            for i in range(d):
                for j in range(d):
                    total = 0.0
                    for c in range(k):
                        total += scatter[c, i, j]
                    for c in range(k):
                        out[c, i, j] = total / n
            return True
        return volumes_in_turn(count, scatter, levels[:, 0], enough, out)
    if orientation == EQUAL:
        well = turned_together(volume, count, scatter, axes, levels, rounds, enough)
        for c in range(k):
            for i in range(d):
                for j in range(d):
                    total = 0.0
                    for m in range(d):
                        total += axes[i, m] * levels[c, m] * axes[j, m]
                    out[c, i, j] = total
        return well
    if shape == OWN and volume == OWN:
        for c in range(k):
            _scaled(scatter[c], 1.0 / count[c], out[c])
        return True
    if shape == OWN:
        size, total, inverse = np.empty(k), 0.0, np.empty((d, d))
        for c in range(k):
            size[c] = math.exp(inverted(scatter[c], inverse) / d)
            total += size[c]
        if not np.isfinite(total):
            return False
        for c in range(k):
            _scaled(scatter[c], total / (n * size[c]), out[c])
        return True
    seen, vectors, own = np.empty((k, d)), np.empty((k, d, d)), np.empty((d, d))
    for c in range(k):
        _scaled(scatter[c], 1.0, own)
        eigen(own, seen[c], vectors[c])
    well = variances(volume, shape, count, seen, enough, levels)
    for c in range(k):
        for i in range(d):
            for j in range(d):
                total = 0.0
                for m in range(d):
                    total += vectors[c, i, m] * levels[c, m] * vectors[c, j, m]
                out[c, i, j] = total
    return well
