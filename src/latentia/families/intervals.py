"""What is known of a time that was seen only up to an interval.

Gamma, Weibull and log-normal times share a picture: with y = log t and w = (y - centre) / spread,
the density of w is log-concave with its mode at 0. Where it is worth anything within an interval
is known in closed form, and Gauss's rule on that stretch gives probabilities and conditional
expectations to rounding, in the logarithm, so that the tails are no harder than the middle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .shapes import log_gamma_rest

Array = NDArray[np.float64]

DEPTH = 42.0
"""How far, in nats, a density is followed below its top in an interval; exp(-42) is 6e-19."""

LIMIT = 300.0
"""Of w, so that exp(w) and what is made of its square stay finite numbers."""

NODES = 48
"""Of Gauss's rule on either side of a top: rounding for shapes from 0.001 upwards."""

_X, _WEIGHT = np.polynomial.legendre.leggauss(NODES)
_AT, _SHARE = (_X + 1) / 2, _WEIGHT / 2


class Standard(NamedTuple):
    """How log times of the components are standardised, w = (y - centre) / spread.

    Attributes
    ----------
    centre, spread : array of shape (K,)
        In logarithms of times.
    order : array of shape (K,) or None
        w is the logarithm of a gamma of this shape, divided by it; None: w is standard normal.
    """

    centre: Array
    spread: Array
    order: Array | None

    def into(self, y: Array) -> Array:
        w = (y - self.centre) / self.spread
        return w if self.order is None else np.minimum(w, LIMIT)

    def log_peak(self) -> Array:
        """The log-density of w at its mode."""
        if self.order is None:
            return np.full(self.centre.shape, -np.log(2 * np.pi) / 2)
        return log_gamma_rest(self.order)

    def drop(self, top: Array, ahead: Array) -> Array:
        """What the log-density loses from `top` to `top + ahead`."""
        if self.order is None:
            return top * ahead + ahead**2 / 2
        return self.order * (np.exp(top) * np.expm1(ahead) - ahead)

    def reach(self, top: Array) -> tuple[Array, Array]:
        """How far below and above `top` the log-density has lost `DEPTH`, or somewhat further.

        Only the side that leads away from the mode counts; solutions of drop = DEPTH are come
        down to from above.
        """
        if self.order is None:
            far = np.abs(top)
            both = 2 * DEPTH / (far + np.sqrt(far**2 + 2 * DEPTH))
            return both, both
        c, size = DEPTH / self.order, np.exp(top)
        below = np.broadcast_to((c + np.sqrt(c**2 + 8 * c)) / 2, top.shape)
        above = np.broadcast_to(np.log1p(c + np.sqrt(2 * c)), top.shape)
        for _ in range(4):
            below = np.minimum(below, c - size * np.expm1(-below))
            above = np.minimum(above, np.log1p((c + above) / np.maximum(size, 1.0)))
        return below, above


class Within(NamedTuple):
    """Times given that they are in an interval, for m intervals and K components.

    Attributes
    ----------
    log_mass : array of shape (m, K)
        The logarithm of the probability of the interval.
    y : array of shape (m, K, N)
        Logarithms of times in it.
    share : array of shape (m, K, N)
        What each counts, so that sum share h(y) is E[h(log t) | t in the interval].
    """

    log_mass: Array
    y: Array
    share: Array


def within(standard: Standard, low: Array, high: Array) -> Within:
    """The law of times given that low < t < high, for bounds (m,) with 0 <= low < high <= inf."""
    with np.errstate(divide="ignore"):
        below, above = np.log(low)[:, None], np.log(high)[:, None]
    start, end = standard.into(below), (above - standard.centre) / standard.spread
    top = np.clip(0.0, start, np.maximum(start, end))
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.log1p((high - low) / low)[:, None] / standard.spread  # exact if it is narrow
    left, right = standard.reach(top)
    left = np.minimum(left, np.where(top == end, width, top - start))
    right = np.minimum(right, np.where(top == start, width, np.maximum(end - top, 0.0)))
    # steps grow to the left, where the tail of a gamma of small order is long
    stretch = np.log1p(left)[..., None]
    behind, forward = -np.expm1(stretch * _AT), right[..., None] * _AT
    ahead = np.concatenate([behind, forward], axis=-1)
    size = np.concatenate([stretch * (1 - behind) * _SHARE, right[..., None] * _SHARE], axis=-1)
    order = None if standard.order is None else standard.order[:, None]
    law = Standard(standard.centre[:, None], standard.spread[:, None], order)
    share = size * np.exp(-law.drop(top[..., None], ahead))
    total = share.sum(axis=-1)
    with np.errstate(divide="ignore"):
        lost = standard.drop(np.zeros_like(top), top)
        log_mass = standard.log_peak() - lost + np.log(total)
    share /= np.where(total > 0, total, 1.0)[..., None]
    return Within(log_mass, law.centre + law.spread * (top[..., None] + ahead), share)
