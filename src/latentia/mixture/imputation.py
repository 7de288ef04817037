"""Missing cells: filled for first guesses, and completed by a fitted mixture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows
from latentia.families import completing
from latentia.families.family import Family

from .model import Membership
from .model import drawn as drawn_labels

Array = NDArray[np.float64]


class Filled(NamedTuple):
    """First guesses at the memberships of rows whose missing cells one normal has filled.

    Attributes
    ----------
    guesses : callable
        Of rows without holes.
    frame : Frame
        The unit of each column.
    """

    guesses: Callable[[Any, np.random.Generator], list[Array]]
    frame: Frame

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        x, w = np.asarray(sample.x), sample.weights
        if not np.isnan(x).any():
            return self.guesses(sample, rng)
        origin, _, spread = self.frame
        filled = completing.plausible((x - origin) / spread, w)
        return self.guesses(Rows(origin + spread * filled, w), rng)


def expected(X: Any, known: Iterable[Membership], family: Family[Any, Any], params: Any) -> Array:
    """The rows with what is missing as the mixture expects it, given what is known of them."""
    made: list[Array] = []
    for x, resp in _blocks(X, known):
        each = family.expected(params, x)
        made.append(np.where(np.isnan(x), np.einsum("nk,nkd->nd", resp, each), x))
    return np.concatenate(made)


def drawn(
    X: Any,
    known: Iterable[Membership],
    family: Family[Any, Any],
    params: Any,
    rng: np.random.Generator,
) -> Array:
    """The rows with what is missing drawn from the mixture, given what is known of them."""
    made: list[Array] = []
    for x, resp in _blocks(X, known):
        made.append(family.completed(params, x, drawn_labels(resp, len(x), rng), rng))
    return np.concatenate(made)


def _blocks(X: Any, known: Iterable[Membership]) -> Iterator[tuple[Array, Array]]:
    """Rows in double precision with the memberships of each block of them."""
    rows, at = np.asarray(X, dtype=np.float64), 0
    for block in known:
        yield rows[at : at + len(block.resp)], block.resp
        at += len(block.resp)
