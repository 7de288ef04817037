"""Rotations of loadings: the factors that explain them most simply, uncorrelated or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latentia.engine.numerical import differences

Array = NDArray[np.float64]

ORTHOGONAL = ("varimax", "quartimax")
OBLIQUE = ("promax", "oblimin")
ROTATIONS = (*ORTHOGONAL, *OBLIQUE)

POWER = 4
"""Of promax's target (Hendrickson & White 1964)."""

STEPS, STEEP = 2000, 1e-5
"""Gradient steps, at most, and the slope a column at which they end."""

NOTHING = 1e-7
"""Of the largest factor's size: one that is smaller has no loadings to rotate."""

NEWTON, NEAR, SETTLED = 20, 0.1, 1e-13
"""Newton's steps after that, at most, how far one may go, and where there is nothing left to do."""


class Rotated(NamedTuple):
    """Loadings on rotated factors.

    Attributes
    ----------
    loadings : array of shape (d, q)
        Coefficients of the factors: the pattern.
    correlations : array of shape (q, q)
        Of the factors.
    turn : array of shape (q, q)
        T: the loadings are those before times the inverse of T transposed, and the correlations
        are TᵀT. Orthogonal where the factors are uncorrelated.
    """

    loadings: Array
    correlations: Array
    turn: Array


def rotated(
    loadings: Array, method: str | None, kaiser: bool = False, start: Array | None = None
) -> Rotated:
    """Loadings (d, q) of uncorrelated factors, rotated.

    Parameters
    ----------
    loadings : array of shape (d, q)
    method : {"varimax", "quartimax", "promax", "oblimin"} or None
        "varimax" (Kaiser 1958) and "quartimax" leave factors uncorrelated; "promax" (Hendrickson &
        White 1964, power 4, from varimax) and "oblimin" (Jennrich & Sampson 1966, direct quartimin)
        let them correlate.
    kaiser : bool, default=False
        Whether rows count alike, each divided by the root of its communality while rotating; of
        promax while its varimax is.
    start : array of shape (q, q), optional
        T to start from; the identity by default. Promax starts its varimax from what is nearest.

    Returns
    -------
    Rotated

    References
    ----------
    Bernaards & Jennrich (2005), Gradient projection algorithms and software for arbitrary
    rotation criteria in factor analysis, Educational and Psychological Measurement 65, 676-696.

    Examples
    --------
    >>> simple = np.array([[0.9, 0.0], [0.8, 0.0], [0.0, 0.7], [0.0, 0.6]])
    >>> mixed = simple @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    >>> bool(np.allclose(np.abs(rotated(mixed, "varimax").loadings), simple))
    True
    """
    q = loadings.shape[1]
    if method is None or q < 2:
        return Rotated(loadings, np.eye(q), np.eye(q))
    used = _used(loadings)
    if not used.all():
        return _apart(loadings, used, method, kaiser)
    first = np.eye(q) if start is None else start
    weights = np.ones(len(loadings))
    if kaiser:
        weights = np.sqrt((loadings**2).sum(axis=1))
        weights[weights == 0] = 1.0
    weights = weights * (np.linalg.norm(loadings / weights[:, None]) / np.sqrt(len(loadings)))
    inner = loadings / weights[:, None]
    if method == "promax":
        return _promax(loadings, _orthogonal(inner, first, _varimax).turn)
    if method in ORTHOGONAL:
        found = _orthogonal(inner, first, _CRITERIA[method])
    else:
        found = _oblique(inner, first, _CRITERIA[method])
    return found._replace(loadings=found.loadings * weights[:, None])


def _used(loadings: Array) -> NDArray[np.bool_]:
    """Factors that anything loads on."""
    size = np.linalg.norm(loadings, axis=0)
    return size > NOTHING * size.max(initial=0.0)


def _apart(loadings: Array, used: NDArray[np.bool_], method: str, kaiser: bool) -> Rotated:
    """Some factors rotated, and those that nothing loads on as they are."""
    own = rotated(loadings[:, used], method, kaiser)
    made, correlations, turn = loadings.copy(), np.eye(len(used)), np.eye(len(used))
    made[:, used] = own.loadings
    correlations[np.ix_(used, used)] = own.correlations
    turn[np.ix_(used, used)] = own.turn
    return Rotated(made, correlations, turn)


def in_order(found: Rotated, like: Array | None = None) -> Rotated:
    """The same factors, numbered by what they explain, each loading positively on the whole.

    With `like`, loadings (d, q), numbered and signed as there instead.
    """
    loadings, correlations, turn = found
    if like is None:
        order = np.argsort(-(loadings**2).sum(axis=0), kind="stable")
        sign = np.where(loadings[:, order].sum(axis=0) < 0, -1.0, 1.0)
    else:
        closeness = like.T @ loadings
        _, order = linear_sum_assignment(-np.abs(closeness))
        sign = np.where(closeness[np.arange(len(order)), order] < 0, -1.0, 1.0)
    both = np.outer(sign, sign)
    moved = correlations[np.ix_(order, order)] * both
    return Rotated(loadings[:, order] * sign, moved, turn[:, order] * sign)


# -- criteria: their value, to be made small, and gradient in the loadings ------------------------


def _varimax(loadings: Array) -> tuple[float, Array]:
    squares = loadings**2
    centred = squares - squares.mean(axis=0)
    return -float((centred**2).sum()) / 4, -loadings * centred


def _quartimax(loadings: Array) -> tuple[float, Array]:
    squares = loadings**2
    return -float((squares**2).sum()) / 4, -loadings * squares


def _oblimin(loadings: Array) -> tuple[float, Array]:
    squares = loadings**2
    others = squares.sum(axis=1, keepdims=True) - squares
    return float((squares * others).sum()) / 4, loadings * others


Criterion = Callable[[Array], tuple[float, Array]]

_CRITERIA: dict[str, Criterion] = {
    "varimax": _varimax,
    "quartimax": _quartimax,
    "oblimin": _oblimin,
}


def _orthogonal(loadings: Array, turn: Array, criterion: Criterion) -> Rotated:
    q = len(turn)
    below, upto, eye = np.tril_indices(q, -1), np.tril_indices(q), np.eye(q)

    def gradient(turn: Array, inner: Array) -> Array:
        slope = loadings.T @ inner
        across = turn.T @ slope
        return slope - turn @ ((across + across.T) / 2)

    def back(turn: Array) -> Array:
        left, _, right = np.linalg.svd(turn)
        return left @ right

    def conditions(flat: Array) -> Array:
        """Λᵀ G symmetric (Jennrich 1974), TᵀT the identity."""
        turn = flat.reshape(q, q)
        here = loadings @ turn
        across = here.T @ criterion(here)[1]
        return np.concatenate([(across - across.T)[below], (turn.T @ turn - eye)[upto]])

    turn = back(turn)  # promax begins again at what is not orthogonal
    turn = _descended(turn, lambda t: loadings @ t, criterion, gradient, back)
    turn = back(_settled(turn, conditions))
    return Rotated(loadings @ turn, eye, turn)


def _oblique(loadings: Array, turn: Array, criterion: Criterion) -> Rotated:
    q = len(turn)
    apart = ~np.eye(q, dtype=np.bool_)

    def pattern(turn: Array) -> Array:
        made: Any = np.linalg.solve(turn, loadings.T).T
        return made

    def gradient(turn: Array, inner: Array) -> Array:
        slope: Any = -np.linalg.solve(turn.T, inner.T @ pattern(turn))
        return slope - turn * (turn * slope).sum(axis=0)

    def back(turn: Array) -> Array:
        made: Any = turn / np.sqrt((turn**2).sum(axis=0))
        return made

    def conditions(flat: Array) -> Array:
        """Λᵀ G Φ⁻¹ diagonal (Jennrich 1973), and variances of one."""
        turn = flat.reshape(q, q)
        here, correlations = pattern(turn), turn.T @ turn
        across: Any = np.linalg.solve(correlations, criterion(here)[1].T @ here).T
        made: Any = np.concatenate([across[apart], np.diagonal(correlations) - 1])
        return made

    turn = _descended(turn, pattern, criterion, gradient, back)
    turn = back(_settled(turn, conditions))
    return Rotated(pattern(turn), turn.T @ turn, turn)


def _settled(turn: Array, conditions: Callable[[Array], Array]) -> Array:
    """Where the conditions of an optimum hold to rounding: Newton's method from next to it.

    The derivatives are used again as long as a step leaves a tenth.
    """
    here, left, slopes = turn.ravel(), conditions(turn.ravel()), None
    for _ in range(NEWTON):
        if np.abs(left).max() <= SETTLED * len(turn):
            break
        fresh = slopes is None
        if slopes is None:
            slopes = differences(conditions, here).T
        try:
            ahead = here - np.linalg.solve(slopes, left)
        except np.linalg.LinAlgError:  # a factor on which nothing loads has no direction
            break
        still = conditions(ahead)
        share = np.abs(still).max() / max(np.abs(left).max(), 1e-300)
        if share > 0.1:
            slopes = None
        if not share < 1 or np.abs(ahead - here).max() > NEAR:
            if fresh:
                break
            continue
        here, left = ahead, still
    return here.reshape(turn.shape)


def _descended(
    turn: Array,
    pattern: Callable[[Array], Array],
    criterion: Criterion,
    gradient: Callable[[Array, Array], Array],
    back: Callable[[Array], Array],
) -> Array:
    """Gradient projection: a step down the slope, and back to what T may be, halved as needed."""
    value, inner = criterion(pattern(turn))
    step = 1.0
    for _ in range(STEPS):
        slope = gradient(turn, inner)
        steep = float((slope**2).sum())
        if np.sqrt(steep) <= STEEP * len(inner):
            break
        step *= 2
        for _ in range(60):
            ahead = back(turn - step * slope)
            there, beyond = criterion(pattern(ahead))
            if there <= value - 0.5 * steep * step:
                break
            step /= 2
        else:
            break  # the criterion cannot tell any more
        turn, value, inner = ahead, there, beyond
    return turn


def _promax(loadings: Array, turn: Array) -> Rotated:
    """Towards a power of the loadings that an orthogonal turn makes simple."""
    simple = loadings @ turn
    size = np.linalg.norm(simple)  # whose fifth power may be beyond what a float can hold
    simple = simple / size
    target = simple * np.abs(simple) ** (POWER - 1)
    towards = np.linalg.lstsq(simple, target, rcond=None)[0]
    towards = towards * np.sqrt(np.diagonal(np.linalg.inv(towards.T @ towards)))
    correlations: Any = np.linalg.inv(towards.T @ towards)
    return Rotated(size * simple @ towards, correlations, turn @ np.linalg.inv(towards).T)
