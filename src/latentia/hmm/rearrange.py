"""Split and merge along a chain: starts made of a fit whose states are in the wrong places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine.space import DegenerateError
from latentia.mixture import rearrange as mixtures

if TYPE_CHECKING:
    from .model import HiddenMarkovModel, HiddenMarkovParams

ROUNDS = 3
"""How often the best of many starts is rearranged, as long as that finds a higher maximum."""

SEVERAL = 8
"""Starts from which there is time to rearrange the best of them."""


def rounds(starts: int) -> int:
    """How often a fit that is told nothing rearranges the best of so many starts.

    Examples
    --------
    >>> rounds(40), rounds(2)
    (3, 0)
    """
    return ROUNDS if starts >= SEVERAL else 0


def rearrangements(
    model: HiddenMarkovModel, params: HiddenMarkovParams, chunk: Any, rng: np.random.Generator
) -> Iterator[HiddenMarkovParams]:
    """Parameters after two states were merged and a third split, the most promising first.

    States are chosen, and halves found, as a mixture's components are
    (`latentia.mixture.rearrange`), by the posterior of the states; transitions are counted between
    what is then likely.

    Parameters
    ----------
    model : HiddenMarkovModel
    params : HiddenMarkovParams
    chunk : SeenSequences
    rng : numpy.random.Generator
    """
    if model.n_states < 3:
        return
    x, density = chunk.x, model.log_density(params, chunk)
    w, resp = np.repeat(chunk.weights, chunk.sizes), model.posterior(params, chunk).resp
    kept = np.arange(len(x)) if chunk.seen is None else chunk.seen
    codes = getattr(model.guesses, "categorical", ())
    for moved in mixtures.rearrangements(x[kept], w[kept], resp[kept], density[kept], rng, codes):
        likely = resp.copy()
        likely[kept] = moved
        try:
            yield model.made_of(chunk, likely)
        except (DegenerateError, np.linalg.LinAlgError):
            continue
