"""States that make the same as others, and parameters of what they make that are known."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine import tree
from latentia.families.family import Family

from .held import Held

Array = NDArray[np.float64]
Groups = NDArray[np.intp]


@final
class Shared(Family[Any, Any]):
    """K states of which those of a group make the same: another family of G components.

    Parameters
    ----------
    family : Family
        Of the groups.
    groups : array of int, shape (K,)
        From 0 to G - 1: whose parameters each state has.
    """

    def __init__(self, family: Family[Any, Any], groups: Groups) -> None:
        self.family, self.groups, self.n_components = family, groups, len(groups)
        self.m_step_exact, self.n_gauge = family.m_step_exact, family.n_gauge
        self.takes_missing = family.takes_missing

    @property
    def space(self) -> Any:
        """That of the groups, which cannot change places as states do."""
        return tree.transform(_fixed_in_place, self.family.space)

    def _pooled(self, resp: Array) -> Array:
        return resp @ np.eye(self.family.n_components)[self.groups]

    def start(self, x: Array, resp: Array) -> Any:
        return self.family.start(x, self._pooled(resp))

    def log_density(self, params: Any, x: Array) -> Array:
        return self.family.log_density(params, x)[:, self.groups]

    def stats(self, params: Any, x: Array, resp: Array) -> Any:
        return self.family.stats(params, x, self._pooled(resp))

    def m_step(self, stats: Any, params: Any) -> Any:
        return self.family.m_step(stats, params)

    def q(self, params: Any, stats: Any) -> float:
        return self.family.q(params, stats)

    def score(self, params: Any, stats: Any) -> Any:
        return self.family.score(params, stats)

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return self.family.fault(x)

    def cdf(self, params: Any, x: Array) -> Array:
        return self.family.cdf(params, x)[:, self.groups]

    def draw(self, params: Any, labels: Groups, rng: np.random.Generator) -> Array:
        return self.family.draw(params, self.groups[labels], rng)

    def redraw(self, params: Any, x: Array, labels: Groups, rng: np.random.Generator) -> Array:
        return self.family.redraw(params, x, self.groups[labels], rng)

    def expected(self, params: Any, x: Array) -> Array:
        return self.family.expected(params, x)[:, self.groups]

    def completed(self, params: Any, x: Array, labels: Groups, rng: np.random.Generator) -> Array:
        return self.family.completed(params, x, self.groups[labels], rng)


def _fixed_in_place(constraint: Any) -> Any:
    made = copy.copy(constraint)
    made.exchangeable = ()
    return made


def groups_of(shared: Sequence[int] | None, n_states: int) -> Groups | None:
    """Whose parameters each state has, (K,); None where each has its own.

    Raises
    ------
    ValueError
        If there is not one group for each state, or if numbers are left out.
    """
    if shared is None:
        return None
    given = np.asarray(shared)
    numbers = np.unique(given)
    if given.shape != (n_states,) or not np.array_equal(numbers, np.arange(len(numbers))):
        raise ValueError(
            f"got shared={np.asarray(shared).tolist()!r}, expected for each of {n_states} states "
            "the number of its group, from 0 on"
        )
    return given.astype(np.intp)


def held_in(
    family: Family[Any, Any], held: Mapping[str, Any] | None
) -> tuple[Family[Any, Any], Any]:
    """The family with parameters that stay, and these in a tree of None; None where none does.

    Raises
    ------
    ValueError
        If the family has no parameters of these names.
    """
    if not held:
        return family, None
    names = getattr(family.space, "_fields", ())
    if not set(held) <= set(names):
        raise ValueError(
            f"got held={sorted(held)!r}, expected names of "
            f"{', '.join(names) or 'parameters of a family that is no product'}"
        )
    values = {name: np.asarray(value, dtype=np.float64) for name, value in held.items()}
    kind: Any = type(family.space)
    return Held(family, values), kind(**{name: values.get(name) for name in names})


def require_possible_values(given: Any, made: Any, family: Any) -> None:
    """Refuse values that the family's parameters cannot have, as those in `made` have."""
    space = getattr(family, "inner", family).space
    for name, value, own, constraint in zip(made._fields, given, made, space, strict=True):
        if value is None:
            continue
        if np.shape(value) != np.shape(own):
            raise ValueError(
                f"got held[{name!r}] of shape {np.shape(value)}, expected {np.shape(own)}"
            )
        why = constraint.violation(value, value)
        if why is not None:
            raise ValueError(f"held[{name!r}] {why}; give values that {name} can have")
