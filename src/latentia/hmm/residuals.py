"""Pseudo-residuals: where each step lies in the distribution that the other steps give it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.utils import check_random_state

Array = NDArray[np.float64]

KINDS = ("ordinary", "forecast")

EDGE = 2.0**-53
"""Probabilities are held this far from 0 and 1 before they are turned into normal deviates."""


class PseudoResiduals(NamedTuple):
    """Uniform and normal pseudo-residuals (Zucchini, MacDonald & Langrock 2016, sec. 6.2).

    With P the distribution of a step given the others, or given those before, a cell x of it has
    the segment from P(X < x) to P(X <= x). Under the true model a point drawn in it is uniform.
    Columns that are not of whole numbers have segments of no length.

    Attributes
    ----------
    lower, upper : arrays of shape (n, d)
        The uniform segments; nan where a cell is missing.
    kind : {"ordinary", "forecast"}
        Given all other steps of the sequence, or given those before. Forecast residuals are
        independent under the true model.
    """

    lower: Array
    upper: Array
    kind: str

    @property
    def middle(self) -> Array:
        """Mid-pseudo-residuals: normal deviates of the segments' middles, (n, d)."""
        return deviates((self.lower + self.upper) / 2)

    @property
    def segments(self) -> tuple[Array, Array]:
        """The normal deviates of both ends, (n, d) each."""
        return deviates(self.lower), deviates(self.upper)

    def randomised(self, random_state: Any = None) -> Array:
        """Normal deviates of points drawn in the segments: normal under the true model.

        (Dunn & Smyth 1996, sec. 3.)
        """
        seed = check_random_state(random_state)
        share = seed.uniform(size=self.lower.shape)
        return deviates(self.lower + share * (self.upper - self.lower))


def deviates(probabilities: Array) -> Array:
    """The standard normal quantiles, no further out than about 8.2."""
    return np.asarray(ndtri(np.clip(probabilities, EDGE, 1 - EDGE)), dtype=np.float64)
