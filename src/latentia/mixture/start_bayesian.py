"""Where a Bayesian mixture starts: the guesses of others, made of rows in the order of values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows

from .start import Guesses

Array = NDArray[np.float64]


class SortedGuesses(NamedTuple):
    """First guesses at the memberships that do not depend on where the rows lie.

    Rows come in an order of their bits, which another origin changes, and with it the centres that
    are drawn; of components that are not needed the bound has many maxima, as many as starts.

    Attributes
    ----------
    guesses : Guesses
    """

    guesses: Guesses

    def __call__(self, sample: Rows, rng: np.random.Generator) -> list[Array]:
        order = np.lexsort(np.asarray(sample.x).T[::-1])
        back = np.argsort(order)
        return [resp[back] for resp in self.guesses(sample.take(order), rng)]
