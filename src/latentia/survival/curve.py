"""A survival curve that falls within intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Curve(NamedTuple):
    """Mass in intervals (left, right], in order; a single time where both are equal.

    Attributes
    ----------
    left, right : array of shape (p,)
    mass : array of shape (p,)
    """

    left: Array
    right: Array
    mass: Array

    def bounds(self, time: Any) -> tuple[Array, Array]:
        """Survival at some times at least, and at most: within an interval it is not determined."""
        t = np.asarray(time, dtype=np.float64)
        upto = np.concatenate([[0.0], np.cumsum(self.mass)])
        over = np.searchsorted(self.right, t, side="right")  # intervals that end up to t
        begun = np.searchsorted(self.left, t, side="left")  # those that began before t
        begun = np.maximum(begun, over)
        least, most = 1 - upto[begun], 1 - upto[over]
        return np.clip(least, 0.0, 1.0), np.clip(most, 0.0, 1.0)

    def survival(self, time: Any) -> Array:
        """Survival at some times, falling evenly within each interval that is bounded."""
        t = np.asarray(time, dtype=np.float64)
        least, most = self.bounds(t)
        at = np.minimum(np.searchsorted(self.right, t, side="right"), len(self.right) - 1)
        width = self.right[at] - self.left[at]
        with np.errstate(invalid="ignore", divide="ignore"):
            gone = np.clip((t - self.left[at]) / width, 0.0, 1.0)
        gone = np.where(np.isfinite(width) & (width > 0), gone, 0.0)
        return most - gone * (most - least)

    def drawn(self, n: int, rng: np.random.Generator) -> Array:
        """Intervals (left, right] drawn by their mass, (n, 2)."""
        at = rng.choice(len(self.mass), size=n, p=self.mass / self.mass.sum())
        return np.stack([self.left[at], self.right[at]], axis=1)

    def quantile(self, p: Any) -> Array:
        """The intervals in which a share p of times is reached, (..., 2)."""
        share = np.asarray(p, dtype=np.float64)
        if not ((share > 0) & (share < 1)).all():
            raise ValueError(f"got {p!r}, expected shares between 0 and 1")
        upto = np.cumsum(self.mass)
        at = np.searchsorted(upto, share * (1 - 1e-12), side="left")
        at = np.minimum(at, len(upto) - 1)
        return np.stack([self.left[at], self.right[at]], axis=-1)
