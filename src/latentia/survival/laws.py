"""Laws of the errors of a location-scale model: densities, probabilities of intervals, slopes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_ndtr, logit, ndtri

Array = NDArray[np.float64]

NARROW = 1e-5
"""Width, in units of the scale, below which an interval has the density of its middle."""


class Known(NamedTuple):
    """What the data say of errors e between a and b: value, slopes and curvatures of log P.

    Where a and b coincide, of the log-density, all in `at_b`, `bend_b`.

    Attributes
    ----------
    value : array
    at_a, at_b : array
        Derivatives in a and b.
    bend_a, bend_ab, bend_b : array
        Second derivatives.
    """

    value: Array
    at_a: Array
    at_b: Array
    bend_a: Array
    bend_ab: Array
    bend_b: Array


class Law(ABC):
    """A law with a log-concave density, standardised.

    Then log P(a < e < b) is concave in a and b (Prékopa 1973), and so is the likelihood of a
    regression in its coefficients and its scale's inverse, once divided by the scale (Burridge
    1981).
    """

    @abstractmethod
    def log_density(self, e: Array) -> Array:
        """log f(e)."""

    @abstractmethod
    def slope(self, e: Array) -> tuple[Array, Array]:
        """Its first and second derivative."""

    @abstractmethod
    def log_between(self, a: Array, b: Array) -> Array:
        """log P(a < e < b) for a < b, either perhaps infinite."""

    @abstractmethod
    def quantile(self, p: Array) -> Array:
        """The error below which a share p lies."""

    @final
    def log_survival(self, e: Array) -> Array:
        """log P(e' > e)."""
        return self.log_between(e, np.full_like(e, np.inf))

    @final
    def exactly(self, e: Array) -> Known:
        """Of errors that are known."""
        first, second = self.slope(e)
        none = np.zeros_like(e)
        return Known(self.log_density(e), none, first, none, none, second)

    @final
    def between(self, a: Array, b: Array) -> Known:
        """Of errors of which an interval is known."""
        narrow = b - a < NARROW
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            middle = np.where(narrow, (a + b) / 2, 0.0)
            close = self.log_density(middle) + np.log(np.where(narrow, b - a, 1.0))
            value = np.where(narrow, close, self.log_between(a, b))
            low, high = (np.where(np.isinf(end), 0.0, end) for end in (a, b))
            f_a = np.where(np.isinf(a), 0.0, np.exp(self.log_density(low) - value))
            f_b = np.where(np.isinf(b), 0.0, np.exp(self.log_density(high) - value))
            (psi_a, _), (psi_b, _) = self.slope(low), self.slope(high)
            bend_a, bend_b = -f_a * (psi_a + f_a), f_b * (psi_b - f_b)
        first, second = self.slope(middle)
        width = np.where(narrow, b - a, 1.0)
        # ends of a narrow interval: half of the middle's each, and what its width adds
        f_a, f_b = (
            np.where(narrow, 1 / width - first / 2, f_a),
            np.where(narrow, 1 / width + first / 2, f_b),
        )
        beside = np.where(narrow, 1 / width**2, 0.0)
        cross = np.where(narrow, second / 4 + beside, f_a * f_b)
        bend_a = np.where(narrow, second / 4 - beside, bend_a)
        bend_b = np.where(narrow, second / 4 - beside, bend_b)
        return Known(value, -f_a, f_b, bend_a, cross, bend_b)


@final
class NormalLaw(Law):
    """The standard normal law: tobit and log-normal regressions."""

    def log_density(self, e: Array) -> Array:
        return -(e**2) / 2 - np.log(2 * np.pi) / 2

    def slope(self, e: Array) -> tuple[Array, Array]:
        return -e, np.full_like(e, -1.0)

    def log_between(self, a: Array, b: Array) -> Array:
        flip = a > 0  # through the tail on the other side nothing cancels
        low, high = np.where(flip, -b, a), np.where(flip, -a, b)
        upper, lower = log_ndtr(high), log_ndtr(low)
        return upper + np.log1p(-np.exp(np.minimum(lower - upper, 0.0)))

    def quantile(self, p: Array) -> Array:
        return np.asarray(ndtri(p))


@final
class LogisticLaw(Law):
    """The standard logistic law: logistic and log-logistic regressions."""

    def log_density(self, e: Array) -> Array:
        return np.asarray(log_expit(e) + log_expit(-e))

    def slope(self, e: Array) -> tuple[Array, Array]:
        return -np.tanh(e / 2), -2 * expit(e) * expit(-e)

    def log_between(self, a: Array, b: Array) -> Array:
        return np.asarray(log_expit(b) + log_expit(-a) + np.log1p(-np.exp(a - b)))

    def quantile(self, p: Array) -> Array:
        return np.asarray(logit(p))


@final
class ExtremeLaw(Law):
    """The standard law of least values, with survival exp(-exp(e)): Weibull regressions."""

    def log_density(self, e: Array) -> Array:
        return e - np.exp(e)

    def slope(self, e: Array) -> tuple[Array, Array]:
        hazard = np.exp(e)
        return 1 - hazard, -hazard

    def log_between(self, a: Array, b: Array) -> Array:
        start = np.exp(a)
        ahead = b - np.maximum(a, -700.0)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            more = np.where(np.isneginf(a), np.exp(b), start * np.expm1(ahead))
            more = np.where(np.isposinf(b), np.inf, more)
            return -start + np.log(-np.expm1(-more))

    def quantile(self, p: Array) -> Array:
        return np.log(-np.log1p(-p))


class Distribution(NamedTuple):
    """A distribution of times, or of numbers, as a law of errors.

    Attributes
    ----------
    law : Law
    log : bool
        Whether it is the logarithm of the time that has the errors.
    scale : float or None
        What the scale is, where it is not estimated.
    """

    law: Law
    log: bool
    scale: float | None = None


DISTRIBUTIONS = {
    "normal": Distribution(NormalLaw(), False),
    "logistic": Distribution(LogisticLaw(), False),
    "lognormal": Distribution(NormalLaw(), True),
    "loglogistic": Distribution(LogisticLaw(), True),
    "weibull": Distribution(ExtremeLaw(), True),
    "exponential": Distribution(ExtremeLaw(), True, 1.0),
}
