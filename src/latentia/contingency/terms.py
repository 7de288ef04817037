"""Hierarchical terms of a table of cells, and their design."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Term = tuple[int, ...]
"""Positions of the columns that interact."""

SATURATED = "saturated"

MOST_NUMBERS = 2**27
"""Cells times effects that a design may have: a GiB."""


def hierarchy(asked: Any, names: Sequence[str], argument: str) -> tuple[Term, ...] | None:
    """All terms of a hierarchical model but the constant; None where it is saturated.

    Parameters
    ----------
    asked : int, "saturated", or sequence of str
        All interactions of so many columns, or generators such as ``["a:b", "c"]``, with whatever
        they contain.
    names : sequence of str
        Of the columns.
    argument : str
        What `asked` was given as.

    Raises
    ------
    ValueError
        If it is none of these, or a name is no column.

    Examples
    --------
    >>> hierarchy(["a:b", "c"], ["a", "b", "c"], "interactions")
    ((0,), (1,), (2,), (0, 1))
    """
    if isinstance(asked, str) and asked == SATURATED:
        return None
    if isinstance(asked, int | np.integer) and not isinstance(asked, bool):
        if asked < 0:
            raise ValueError(f"got {argument}={asked}, expected a number of at least 0")
        if asked >= len(names):
            return None
        found = {term for k in range(1, int(asked) + 1) for term in combinations(_all(names), k)}
        return tuple(sorted(found, key=_order))
    if isinstance(asked, str) or not isinstance(asked, Sequence):
        raise ValueError(
            f"got {argument}={asked!r}, expected a number, 'saturated', or terms such as "
            "['a:b', 'c']"
        )
    closed: set[Term] = set()
    for generator in asked:
        parts = [part.strip() for part in str(generator).split(":")]
        for part in parts:
            if part not in names:
                raise ValueError(
                    f"got the term {generator!r} in {argument}, expected columns of categories: "
                    f"{', '.join(names)}"
                )
        at = sorted({list(names).index(part) for part in parts})
        closed |= {term for k in range(1, len(at) + 1) for term in combinations(at, k)}
    if tuple(_all(names)) in closed:
        return None
    return tuple(sorted(closed, key=_order))


def _all(names: Sequence[str]) -> range:
    return range(len(names))


def _order(term: Term) -> tuple[int, Term]:
    return len(term), term


def design(levels: Sequence[int], terms: Sequence[Term]) -> Array:
    """Columns of each term at each cell, without the constant, (D, k).

    Effects add up to zero over each column (Bishop, Fienberg & Holland 1975, sec. 2.2). Cells are
    in the order of ``numpy.ndindex(*levels)``.

    Raises
    ------
    ValueError
        If there are more numbers than `MOST_NUMBERS`.
    """
    total = int(np.prod(levels))
    effects = sum(math.prod(levels[j] - 1 for j in term) for term in terms)
    if total * effects > MOST_NUMBERS:
        raise ValueError(
            f"{total} cells and {effects} effects of {', '.join(map(str, levels))} categories make "
            f"{total * effects / MOST_NUMBERS:.0f} times as many numbers as are kept at a time; "
            "use fewer categories, columns or interactions, or GeneralLocation for measurements"
        )
    at = np.unravel_index(np.arange(total), tuple(levels)) if levels else ()
    single = [_effects(n)[place] for n, place in zip(levels, at, strict=True)]
    parts: list[Array] = []
    for term in terms:
        made = np.ones((total, 1))
        for j in term:
            made = (made[:, :, None] * single[j][:, None, :]).reshape(total, -1)
        parts.append(made)
    return np.hstack(parts) if parts else np.zeros((total, 0))


def _effects(n: int) -> Array:
    """Contrasts of a column of n categories that add up to zero, (n, n - 1)."""
    return np.vstack([np.eye(n - 1), -np.ones((1, n - 1))])


def named(
    names: Sequence[str], categories: Sequence[Sequence[str]], terms: Sequence[Term]
) -> list[str]:
    """What the columns of a design are called, such as ``smokes[yes]:sex[f]``."""
    found: list[str] = []
    for term in terms:
        made = [""]
        for j in term:
            own = [f"{names[j]}[{each}]" for each in categories[j][:-1]]
            made = [f"{before}:{each}" if before else each for before in made for each in own]
        found += made
    return found
