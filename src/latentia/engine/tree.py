"""Parameters and statistics are trees: NamedTuples of arrays, nested as the model likes.

Everything the engine does to them (adding the statistics of two chunks, comparing two
optima, writing a checkpoint) goes through the few functions of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
import optree
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tree = Any
"""A NamedTuple (nested at will) whose leaves are arrays, or whatever stands in their place."""


def leaves(tree: Tree) -> list[Any]:
    """The leaves of a tree, in the order of its fields."""
    return optree.tree_leaves(tree, none_is_leaf=True)


def rebuild(like: Tree, values: Sequence[Any]) -> Tree:
    """A tree of the same structure as `like` with other leaves."""
    return build(structure(like), values)


def structure(tree: Tree) -> Any:
    """How a tree is nested, for `build`."""
    return optree.tree_structure(tree, none_is_leaf=True)


def build(structure: Any, values: Sequence[Any]) -> Tree:
    """A tree of this structure."""
    return optree.tree_unflatten(structure, values)


def transform(function: Callable[..., Any], *trees: Tree) -> Tree:
    """Apply `function` leaf by leaf to one tree or to several of one structure."""
    return optree.tree_map(function, *trees, none_is_leaf=True)


def names(tree: Tree) -> list[str]:
    """The dotted path of every leaf, such as ``components.means``."""
    return _dotted(structure(tree))


@lru_cache(maxsize=256)
def _dotted_cached(structure: optree.PyTreeSpec) -> tuple[str, ...]:
    labels: list[str] = []
    for accessor in structure.accessors():
        parts = [
            str(cast(Any, entry).field if hasattr(entry, "field") else entry.entry)
            for entry in accessor
        ]
        labels.append(".".join(parts))
    return tuple(labels)


def _dotted(structure: optree.PyTreeSpec) -> list[str]:
    return list(_dotted_cached(structure))


def same_structure(first: Tree, second: Tree) -> bool:
    """Whether two trees have one structure, whatever their leaves."""
    return structure(first) == structure(second)


def alike(first: Tree, second: Tree) -> bool:
    """Whether two trees have one structure and leaves of the same shapes."""
    return same_structure(first, second) and list(map(np.shape, leaves(first))) == list(
        map(np.shape, leaves(second))
    )


def add(first: Tree, second: Tree) -> Tree:
    """Leaf-wise sum."""
    plus: Callable[..., Any] = np.add
    return transform(plus, first, second)


def scale(tree: Tree, factor: float) -> Tree:
    """Every leaf times a number."""

    def times(leaf: Any) -> Any:
        return leaf * factor

    return transform(times, tree)


def filled(tree: Tree, value: float) -> Tree:
    """A tree of the same shapes, with one number in every place."""

    def full(leaf: Any) -> Any:
        return np.full(np.shape(leaf), value)

    return transform(full, tree)


def reduce_in_order(parts: Sequence[Tree]) -> Tree:
    """Sum trees pairwise in an order that depends on their number alone.

    The order is that of a binary tree over positions, so the sum has the same bits however
    the parts were computed: by one thread, by many, or on other machines.
    """
    if not parts:
        raise ValueError("got no statistics to add; give at least one chunk of data")
    layer = list(parts)
    while len(layer) > 1:
        paired = [add(layer[i], layer[i + 1]) for i in range(0, len(layer) - 1, 2)]
        layer = paired + layer[len(layer) - len(layer) % 2 :]
    return layer[0]


class Partial(NamedTuple):
    """A node of the tree that `reduce_in_order` sums along.

    It is the sum of positions ``place * 2**level`` up to ``(place + 1) * 2**level``, or up to the
    end where there are fewer.
    """

    level: int
    place: int
    total: Tree


def joined(partials: Iterable[Partial], n: int) -> list[Partial]:
    """Nodes of the tree over `n` positions, added up as far as their neighbours are among them.

    Who has some of the positions gives them as nodes of level 0, in any order, and passes on
    what comes out, which is little for a run of neighbours. All of it joined is one node, with
    the bits of `reduce_in_order`.
    """
    held: dict[tuple[int, int], Tree] = {}
    for level, place, total in partials:
        while (width := -(-n // 2**level)) > 1:
            neighbour = place ^ 1
            if neighbour < width:  # the last one of an odd number passes up by itself
                if (level, neighbour) not in held:
                    break
                other = held.pop((level, neighbour))
                total = add(other, total) if neighbour < place else add(total, other)
            level, place = level + 1, place // 2
        held[level, place] = total
    return [Partial(level, place, total) for (level, place), total in held.items()]
