"""Components have no order of their own: two sets of parameters, compared up to renumbering.

A constraint's ``exchangeable`` says which axes run over interchangeable components; renumbering
permutes these axes of every leaf together. A transition matrix has two of them, (0, 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from . import tree
from .chart import arrays
from .space import Constraint
from .tree import Array, Tree

EXHAUSTIVE = 5
"""Components up to which all orders are tried where a leaf has two axes over them."""

Order = NDArray[np.intp]


class Leaf(NamedTuple):
    """One parameter of two sets, axes over components first; the errors of the second if known."""

    value: Array
    reference: Array
    errors: Array | None
    n_axes: int


def align(space: Tree, params: Tree, reference: Tree, errors: Tree | None = None) -> Tree:
    """`params` with its components renumbered to lie as near as possible to `reference`.

    The order is found by the Hungarian method (Kuhn 1955) on the mean squared difference of
    each pair of components, summed over leaves. Differences are measured in standard errors,
    where these are given, and otherwise, place by place, in units of their root mean square over
    all pairs, so that no leaf dominates and one that does not tell components apart has no say.

    Parameters
    ----------
    space : NamedTuple of Constraint
    params, reference : NamedTuple of arrays
    errors : NamedTuple of arrays, optional
        Standard errors of the reference.

    Returns
    -------
    NamedTuple of arrays
        `params` itself where nothing is exchangeable, or where the new order is not allowed
        (a component that is held at its own value cannot change places).

    Examples
    --------
    >>> from typing import NamedTuple
    >>> import numpy as np
    >>> from latentia.engine.space import Positive, Simplex
    >>> class Poissons(NamedTuple):
    ...     weights: object
    ...     rates: object
    >>> space = Poissons(Simplex(exchangeable=(0,)), Positive(exchangeable=(0,)))
    >>> here = Poissons(np.array([0.4, 0.6]), np.array([1.3, 2.7]))
    >>> there = Poissons(np.array([0.7, 0.3]), np.array([2.5, 1.0]))
    >>> aligned = align(space, there, here)
    >>> print(aligned.weights, aligned.rates)
    [0.3 0.7] [1.  2.5]
    """
    order = best_order(space, params, reference, errors)
    if order is None or (order == np.arange(len(order))).all():
        return params
    moved = permute(space, params, order)
    allowed = all(
        constraint.violation(value, base) is None
        for constraint, value, base in zip(
            tree.leaves(space), arrays(moved), arrays(params), strict=True
        )
    )
    return moved if allowed else params


def distance(space: Tree, first: Tree, second: Tree, errors: Tree | None = None) -> float:
    """How far two sets of parameters lie apart, up to renumbering of components.

    The largest over leaves of the root mean square difference, in standard errors where these
    are given, otherwise in units of the leaf: its spread over components or, where it has
    none, its size.

    Parameters
    ----------
    space : NamedTuple of Constraint
    first, second : NamedTuple of arrays
    errors : NamedTuple of arrays, optional
        Standard errors of `second`.

    Returns
    -------
    float
        Zero for the same parameters in any order; infinite where shapes differ.
    """
    if any(a.shape != b.shape for a, b in zip(arrays(first), arrays(second), strict=True)):
        return float("inf")
    aligned = arrays(align(space, first, second, errors))
    given = [None] * len(aligned) if errors is None else arrays(errors)
    apart = [
        _leaf_distance(constraint, value, reference, error)
        for constraint, value, reference, error in zip(
            tree.leaves(space), aligned, arrays(second), given, strict=True
        )
    ]
    return max(apart, default=0.0)


def _leaf_distance(
    constraint: Constraint, value: Array, reference: Array, error: Array | None
) -> float:
    off = value - reference
    if not off.size or not off.any():
        return 0.0
    if error is not None:
        known = np.isfinite(error) & (error > 0)
        return float(np.sqrt(np.mean((off[known] / error[known]) ** 2))) if known.any() else 0.0
    axes = constraint.exchangeable
    middle = reference.mean(axis=axes, keepdims=True) if axes else np.zeros(())
    spread = float(np.sqrt(np.mean((reference - middle) ** 2)))
    size = float(np.sqrt(np.mean(reference**2)))
    unit = spread if spread > 1e-8 * size else size
    return float(np.sqrt(np.mean(off**2))) / (unit if unit > 0 else 1.0)


def permute(space: Tree, params: Tree, order: Order) -> Tree:
    """The components in another order: new component k is the old ``order[k]``."""
    leaves = zip(tree.leaves(space), arrays(params), strict=True)
    return tree.rebuild(params, [each.renumbered(value, order) for each, value in leaves])


def best_order(
    space: Tree, params: Tree, reference: Tree, errors: Tree | None = None
) -> Order | None:
    """The order of components in which `params` is nearest to `reference`; None without any.

    Exact where every leaf has one axis over components. With two of them the problem is
    quadratic: up to five components every order is tried, beyond that the order of the
    Hungarian method on each component's own numbers is improved by swaps.
    """
    parts = _parts(space, params, reference, errors)
    if not parts:
        return None
    k = parts[0].value.shape[0]
    if all(part.n_axes == 1 for part in parts):
        return _assign(parts)
    if k <= EXHAUSTIVE:
        return _lowest(parts, permutations(range(k)))
    return _improved(parts, _assign(parts))


def _parts(space: Tree, params: Tree, reference: Tree, errors: Tree | None) -> list[Leaf]:
    values, references = arrays(params), arrays(reference)
    given = [None] * len(values) if errors is None else arrays(errors)
    parts: list[Leaf] = []
    for constraint, value, ref, error in zip(
        tree.leaves(space), values, references, given, strict=True
    ):
        axes = constraint.exchangeable
        if not axes or not value.size:
            continue
        front = tuple(range(len(axes)))
        moved, there = (
            np.moveaxis(constraint.told_apart(each), axes, front) for each in (value, ref)
        )
        unit = None
        if error is not None:
            unit = np.moveaxis(error, axes, front)[: len(moved)]
            unit = np.where(np.isfinite(unit) & (unit > 0), unit, np.inf)  # no error, no say
        parts.append(Leaf(moved, there, unit, len(axes)))
    return parts


def _own_numbers(value: Array, n_axes: int) -> Array:
    """What of a leaf belongs to each component whatever the order of the others, (K, m)."""
    k = value.shape[0]
    if n_axes == 1:
        return value.reshape(k, -1)
    flat = value.reshape(*(k,) * n_axes, -1)
    parts = [flat[(np.arange(k),) * n_axes]]
    for axis in range(n_axes):
        lines = np.moveaxis(flat, axis, 0).reshape(k, -1, flat.shape[-1])
        parts.append(np.sort(lines, axis=1).reshape(k, -1))
    return np.concatenate(parts, axis=1)


def _costs(parts: list[Leaf]) -> Array:
    """What it costs to call component j of the parameters component k: shape (k, j)."""
    k = parts[0].value.shape[0]
    total = np.zeros((k, k))
    for part in parts:
        mine, theirs = (_own_numbers(a, part.n_axes) for a in (part.value, part.reference))
        squares = (theirs[:, None, :] - mine[None, :, :]) ** 2
        if part.n_axes == 1 and part.errors is not None:
            squares = squares / part.errors.reshape(k, 1, -1) ** 2
        else:
            squares = squares / _nonzero(squares.mean(axis=(0, 1)))
        total += squares.mean(axis=2)
    return total


def _nonzero(value: Array) -> Array:
    return np.where(value > 0, value, 1.0)


def _assign(parts: list[Leaf]) -> Order:
    costs = _costs(parts)
    if not np.isfinite(costs).all():
        return np.arange(len(costs))
    _, order = linear_sum_assignment(costs)
    return np.asarray(order, dtype=np.intp)


def _units(parts: list[Leaf]) -> list[Array | float]:
    """What squared differences of each leaf are measured in."""
    made: list[Array | float] = []
    for part in parts:
        if part.errors is not None:
            made.append(part.errors**2)
            continue
        variance = float(np.concatenate([part.value.ravel(), part.reference.ravel()]).var())
        made.append(variance if variance > 0 else 1.0)
    return made


def _whole_cost(parts: list[Leaf], units: list[Array | float], order: Order) -> float:
    """The mean squared difference of whole leaves in an order, each in units of its own."""
    total = 0.0
    for part, unit in zip(parts, units, strict=True):
        moved = part.value
        for axis in range(part.n_axes):
            moved = moved.take(order, axis=axis)
        off = moved - part.reference
        total += float((off * off / unit).sum()) / off.size
    return total


def _lowest(parts: list[Leaf], orders: Iterable[tuple[int, ...]]) -> Order:
    units, candidates = _units(parts), [np.array(order, dtype=np.intp) for order in orders]
    return candidates[int(np.argmin([_whole_cost(parts, units, each) for each in candidates]))]


def _improved(parts: list[Leaf], order: Order) -> Order:
    units, better = _units(parts), True
    cost = _whole_cost(parts, units, order)
    while better:
        better = False
        for i, j in combinations(range(len(order)), 2):
            swapped = order.copy()
            swapped[[i, j]] = order[[j, i]]
            lower = _whole_cost(parts, units, swapped)
            if lower < cost * (1 - 1e-12):
                order, cost, better = swapped, lower, True
    return order
