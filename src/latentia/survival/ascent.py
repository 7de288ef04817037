"""Mass where the likelihood wants some and EM has none: Newton steps over non-negative masses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from latentia.data.arrays import Rows

from .model import Masses, SelfConsistentModel

Array = NDArray[np.float64]

MOST_MASSES = 1000
"""Intervals with mass up to which the quadratic problem is solved."""

TOL = 1e-6
"""Nats within which a start is at the maximum."""

BLOCK = 2**22
"""Cells of rows by intervals that are at hand at once."""


def first(model: SelfConsistentModel, chunk: Rows) -> Masses:
    """Masses to start from, with some in every row's interval.

    Where few intervals are enough for every row to have one, masses on these and Newton steps
    from there. Else Kaplan & Meier's, with rows that have several intervals
    shared out among them: the maximum where rows are exact or right-censored.
    """
    begin, end = (edge.astype(np.intp) for edge in chunk.x.T)
    m = len(model.where.left)
    exact_or_right = (end == begin + 1) | (end == m)
    if not exact_or_right.all():
        needed = _hitting(begin, end)
        if len(needed) <= MOST_MASSES:
            mass = np.zeros(m)
            mass[needed] = 1 / len(needed)
            return raised(model, Masses(mass), chunk, TOL)
    return Masses(_product_limit(begin, end, chunk.weights, m))


def _hitting(begin: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.intp]:
    """As few intervals as can be so that every row has one: always the last of those that end."""
    found: list[int] = []
    reached = -1
    pairs = np.unique(np.stack([end, begin], axis=1), axis=0)
    for last, low in pairs.tolist():
        if low > reached:
            reached = last - 1
            found.append(reached)
    return np.array(found, dtype=np.intp)


def _product_limit(begin: NDArray[np.intp], end: NDArray[np.intp], weights: Array, m: int) -> Array:
    """Kaplan & Meier's masses (1958), of events that rows may share out among their intervals."""
    censored = (end == m) & (end > begin + 1)
    share = np.where(censored, 0.0, weights / (end - begin))
    change = np.bincount(begin, share, m + 1) - np.bincount(end, share, m + 1)
    events = np.maximum(np.cumsum(change)[:m], 0.0)
    lost = np.bincount(begin[censored], weights[censored], m)
    later = np.cumsum(lost[::-1])[::-1] - lost  # a row censored before a time is not at risk there
    at_risk = np.cumsum(events[::-1])[::-1] + later
    hazard = np.divide(events, at_risk, out=np.zeros(m), where=at_risk > 0)
    hazard[-1] = 1.0  # what is left
    before = np.concatenate([[1.0], np.cumprod(1 - hazard)[:-1]])
    return np.asarray(before * hazard, dtype=np.float64)


def gap(model: SelfConsistentModel, params: Masses, chunk: Rows) -> float:
    """How far below the maximum the log-likelihood is at most, in nats.

    It is concave in the masses, so it lies nowhere above its tangents: no more can be gained than
    the largest slope times the weight of the rows (Lindsay 1983, theorem 4.1).
    """
    slopes = model.slopes(params, chunk)
    return max(float(slopes.max()) * float(chunk.weights.sum()), 0.0)


def raised(model: SelfConsistentModel, params: Masses, chunk: Rows, tol: float) -> Masses:
    """Masses of a higher likelihood, within `tol` nats of the maximum where that is reached.

    Intervals where the slope is highest between two with mass join those that have some, a
    quadratic over these that agrees with the likelihood in value, gradient and curvature is
    maximised with masses of at least zero, and the way there is halved until the likelihood rises
    (Wang 2007, J. R. Statist. Soc. B 69, 185-198, the constrained Newton method).

    Parameters
    ----------
    model : SelfConsistentModel
    params : Masses
    chunk : Rows
        Ranges of intervals, as the model has them.
    tol : float
        In nats.

    Returns
    -------
    Masses
        Those given where there are too many for the quadratic problem, or no step helps.
    """
    mass = np.array(params.mass)
    height = _height(model, mass, chunk)
    for _ in range(100):
        slopes = model.slopes(Masses(mass), chunk)
        if slopes.max() * chunk.weights.sum() <= tol:
            break
        joined = np.flatnonzero((mass > 0) | _peaks(slopes, mass > 0))
        if len(joined) > MOST_MASSES:
            break
        ahead = np.zeros_like(mass)
        ahead[joined] = _quadratic(model, mass, chunk, joined)
        step, best = 1.0, height
        slope = float((slopes * (ahead - mass)).sum()) * float(chunk.weights.sum())
        while step > 1e-10:
            tried = (1 - step) * mass + step * ahead
            best = _height(model, tried, chunk)
            if best >= height + step * slope / 3:  # Armijo's rule
                break
            step /= 2
        if not best > height:
            break
        mass, height = tried / tried.sum(), best
    return Masses(mass)


def _height(model: SelfConsistentModel, mass: Array, chunk: Rows) -> float:
    return float(chunk.weights @ model.unit_logliks(Masses(mass), chunk))


def _peaks(slopes: Array, support: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Between neighbours of the support, the interval of the highest slope if that is positive."""
    section = np.cumsum(support)
    section[support] = -1
    found = np.zeros(len(slopes), dtype=np.bool_)
    order = np.lexsort((-slopes, section))
    heads = np.r_[True, section[order][1:] != section[order][:-1]]
    found[order[heads]] = True
    return found & ~support & (slopes > 0)


def _quadratic(
    model: SelfConsistentModel, mass: Array, chunk: Rows, joined: NDArray[np.intp]
) -> Array:
    """Masses of these intervals that are best for the quadratic, summing to one."""
    total = model.probabilities(Masses(mass), chunk)
    first, last = (np.searchsorted(joined, end) for end in chunk.x.T)
    p, n = len(joined), float(chunk.weights.sum())
    gram, right = np.zeros((p, p)), np.zeros(p)
    at = np.arange(p)
    for begin in range(0, len(total), max(1, BLOCK // p)):
        rows = slice(begin, begin + max(1, BLOCK // p))
        inside = (first[rows, None] <= at) & (at < last[rows, None])
        share = inside / total[rows, None]
        heavy = chunk.weights[rows, None] * share
        gram += share.T @ heavy
        right += 2 * heavy.sum(axis=0)
    # one equation more, of a weight that makes it all but exact, says that masses sum to one
    largest = float(np.abs(np.diagonal(gram)).max())
    gram, right = gram + largest, right + largest
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-14 * values[-1]
    root = (vectors[:, kept] * np.sqrt(values[kept])).T
    target = (vectors[:, kept].T @ right) / np.sqrt(values[kept])
    found, _ = nnls(root, target, maxiter=30 * p)
    del n
    return np.asarray(found / found.sum(), dtype=np.float64)
