"""Which transitions there can be, and which are known: shapes of transition matrices by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Constraint, Masked, Simplex

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NAMES = ("left-right", "bakis", "cyclic")
"""What `transitions` may be called."""


class Structure(NamedTuple):
    """What is asked of transitions.

    Attributes
    ----------
    constraint : Constraint or None
        Of their rows; None where all are free.
    values : array of shape (K, K) or None
        Probabilities that are known, and nan where they are not; None where none are.
    """

    constraint: Constraint | None
    values: Array | None = None


def left_right(n_states: int, most: int | None = None) -> Mask:
    """States come one after the other and none comes again: each goes on to itself or later ones.

    Parameters
    ----------
    n_states : int
    most : int, optional
        How far ahead a step leads at most: 2 is Bakis' model, in which one state may be left out
        (Rabiner 1989, sec. IV.B). By default as far as may be.

    Examples
    --------
    >>> left_right(4, 2).astype(int)
    array([[1, 1, 1, 0],
           [0, 1, 1, 1],
           [0, 0, 1, 1],
           [0, 0, 0, 1]])
    """
    all_ = np.ones((n_states, n_states), dtype=np.bool_)
    return np.triu(all_) if most is None else np.triu(all_) & np.tril(all_, most)


def cyclic(n_states: int) -> Mask:
    """Each state goes on to itself or the next, and the last to the first."""
    same = np.eye(n_states, dtype=np.bool_)
    return same | np.roll(same, 1, axis=1)


def blocks(sizes: Sequence[int]) -> Mask:
    """States in groups that are never left.

    Examples
    --------
    >>> blocks([1, 2]).astype(int)
    array([[1, 0, 0],
           [0, 1, 1],
           [0, 1, 1]])
    """
    group = np.repeat(np.arange(len(sizes)), sizes)
    return np.asarray(group[:, None] == group, dtype=np.bool_)


def structure(transitions: Any, k: int) -> Structure:
    """What an argument `transitions` stands for.

    Parameters
    ----------
    transitions : None, str, Constraint, array of bool or array of float, shape (K, K)
        One of `NAMES`; True where a transition is possible; or probabilities that are known, with
        nan where they are to be found.
    k : int
        The number of states.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if transitions is None or isinstance(transitions, Constraint):
        return Structure(transitions)
    if isinstance(transitions, str):
        shapes = {"left-right": left_right(k), "bakis": left_right(k, 2), "cyclic": cyclic(k)}
        if transitions not in shapes:
            raise ValueError(
                f"got transitions={transitions!r}, expected one of {', '.join(NAMES)}, an array "
                "that is True where a transition is possible, or one of probabilities"
            )
        return Structure(Simplex(shapes[transitions]))
    given = np.asarray(transitions)
    if given.shape == (k, k) and given.dtype.kind == "f":
        return _with_values(given.astype(np.float64))
    if given.shape != (k, k) or given.dtype != np.bool_ or not given.any(axis=1).all():
        raise ValueError(
            f"got transitions of shape {given.shape} and type {given.dtype}, expected "
            f"({k}, {k}) of True and False with a True in every row: True where a transition is "
            "possible"
        )
    return Structure(Simplex(given))


def between(transitions: Any, k: int) -> Structure:
    """What an argument `transitions` stands for where no state follows itself.

    Parameters
    ----------
    transitions : None, "cyclic", array of bool or array of float, shape (K, K)
        As in `structure`, but the diagonal is none of it: False, or 0.
    k : int

    Raises
    ------
    ValueError
        If it is none of these; if a state is to follow itself, or none to follow a state.

    Examples
    --------
    >>> between("cyclic", 3).constraint.support.astype(int)
    array([[0, 1, 0],
           [0, 0, 1],
           [1, 0, 0]])
    """
    others = ~np.eye(k, dtype=np.bool_)
    if transitions is None:
        return Structure(Simplex(others, exchangeable=(0, 1)))
    if isinstance(transitions, str):
        if transitions != "cyclic":
            raise ValueError(
                f"got transitions={transitions!r} for states that last by laws of their own, "
                "expected 'cyclic', an array that is True where a transition is possible, or one "
                "of probabilities; some state follows every one"
            )
        return Structure(Simplex(cyclic(k) & others))
    given = np.asarray(transitions)
    if given.shape == (k, k) and np.any(given.diagonal() != 0):
        i = int(np.argmax(given.diagonal() != 0))
        raise ValueError(
            f"got transitions from state {i} to itself, expected a diagonal of False, or of 0: how "
            "long a state lasts is what its duration says"
        )
    return structure(given, k)


def _with_values(given: Array) -> Structure:
    free = np.isnan(given)
    known = np.where(free, 0.0, given)
    total, whole = known.sum(axis=1), ~free.any(axis=1)
    proper = (known >= 0).all(axis=1) & np.where(whole, np.isclose(total, 1.0), total < 1)
    if not (proper.all() and np.isfinite(known).all()):
        i = int(np.argmin(proper))
        raise ValueError(
            f"got transitions with {given[i].tolist()} in row {i}, expected probabilities that "
            "leave something for those that are nan, and that sum to 1 where none is"
        )
    support = free | (known > 0)
    return Structure(Masked(Simplex(support), free), given)


def with_values(spread: Array, values: Array | None) -> Array:
    """Transitions to start from, with those that are known in their places."""
    if values is None:
        return spread
    free = np.isnan(values)
    known = np.where(free, 0.0, values)
    room = 1 - known.sum(axis=1, keepdims=True)
    shared = np.where(free, spread, 0.0)
    total = shared.sum(axis=1, keepdims=True)
    return np.where(free, shared / np.where(total > 0, total, 1.0) * room, known)
