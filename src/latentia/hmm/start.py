"""Where a hidden Markov model starts: several kinds of first guesses, and how many of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.mixture.start import number
from latentia.mixture.start_general import GeneralGuesses

Array = NDArray[np.float64]

METHODS = ("kmeans", "random", "random_from_data")
"""Kinds of guesses. Several starts take turns: clusters first, then at random."""

MOST = 40
"""Starts, at most, where nothing is said."""

WORK = 4_000_000
"""Steps times pairs of states that the starts of one fit look at in an E-step, where not said."""


def starts_for(n_steps: int, n_states: int) -> int:
    """How many starts a fit makes if it is not told: many where they cost little.

    Likelihoods of hidden Markov models have many maxima, and most starts of four states or more
    miss the highest one.

    Examples
    --------
    >>> starts_for(107, 3), starts_for(200_000, 3), starts_for(5000, 1)
    (40, 2, 1)
    """
    if n_states == 1:
        return 1
    return int(np.clip(WORK // (n_steps * n_states**2), 1, MOST))


class StateGuesses(NamedTuple):
    """First guesses at the states of a sample's rows.

    Attributes
    ----------
    n_states : int
    method : str
        One of `METHODS`: that of the first start. The others take turns at random, and at the
        rows nearest to some drawn from the data.
    categorical : tuple of int
        Columns that hold codes.
    """

    n_states: int
    method: str
    categorical: tuple[int, ...] = ()

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        i = number(rng) or 0
        method = (self.method, *METHODS[1:])[i and 2 - i % 2]
        return GeneralGuesses(self.n_states, method, self.categorical)(sample, rng)
