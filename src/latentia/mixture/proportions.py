"""What is believed of a mixture's weights: Dirichlet distributions over shares.

A prior is a few independent Dirichlet distributions, a row of concentrations each: one over all
K weights, or one over the two parts of each break of a stick.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """Mean and standard deviation of each weight, (K,) both."""

    mean: Array
    deviation: Array


class Proportions(ABC):
    """Prior and posterior of K weights; leaves are `Dirichlet` and `StickBreaking`.

    Attributes
    ----------
    prior : array of shape (G, J)
        Concentrations of G independent Dirichlet distributions over J shares.
    axis : int
        The axis of `prior` that runs over components.
    """

    prior: Array
    axis: int

    @abstractmethod
    def counts(self, count: Array) -> Array:
        """What expected numbers of rows in components, (K,), add to `prior`, (G, J)."""

    @abstractmethod
    def log_weights(self, log_shares: Array) -> Array:
        """Logarithms of the weights, (K,), from those of the shares, (G, J); linear."""

    @abstractmethod
    def moments(self, concentration: Array) -> Moments:
        """Of the weights when shares have these concentrations, (G, J)."""

    def expected(self, concentration: Array) -> Array:
        """E[log weight_k], (K,)  (Bishop 2006, eq. B.21)."""
        total = concentration.sum(axis=1, keepdims=True)
        return self.log_weights(digamma(concentration) - digamma(total))

    def divergence(self, concentration: Array) -> float:
        """Kullback-Leibler divergence of the posterior from the prior, in nats."""
        total = concentration.sum(axis=1, keepdims=True)
        log_shares = digamma(concentration) - digamma(total)
        moved = float(np.sum((concentration - self.prior) * log_shares))
        return log_norm(concentration) - log_norm(self.prior) + moved

    def slope(self, concentration: Array, surplus: Array) -> Array:
        """Derivative in the concentrations of sum(surplus * E[log share]), (G, J)."""
        total = concentration.sum(axis=1, keepdims=True)
        shared = surplus.sum(axis=1, keepdims=True) * polygamma(1, total)
        return surplus * polygamma(1, concentration) - shared


def log_norm(concentration: Array) -> float:
    """Logarithm of the Dirichlet distributions' constants (Bishop 2006, eq. B.23)."""
    return float(np.sum(gammaln(concentration.sum(axis=1))) - np.sum(gammaln(concentration)))


@final
class Dirichlet(Proportions):
    """One symmetric Dirichlet distribution over all weights (Bishop 2006, eq. 10.39).

    Parameters
    ----------
    n_components : int
    concentration : float
        Of each component, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> prior = Dirichlet(2, 1.0)
    >>> posterior = prior.prior + prior.counts(np.array([5.0, 1.0]))
    >>> prior.moments(posterior).mean
    array([0.75, 0.25])
    """

    axis = 1

    def __init__(self, n_components: int, concentration: float) -> None:
        self.prior = np.full((1, n_components), float(concentration))

    def counts(self, count: Array) -> Array:
        return count[None, :]

    def log_weights(self, log_shares: Array) -> Array:
        return log_shares[0]

    def moments(self, concentration: Array) -> Moments:
        total = concentration.sum()
        mean = concentration[0] / total
        return Moments(mean, np.sqrt(mean * (1 - mean) / (total + 1)))


@final
class StickBreaking(Proportions):
    """A Dirichlet process of which K components are used (Blei & Jordan 2006, sec. 3).

    Component k takes a share v_k of what the earlier ones left of a stick of length one, each
    v_k with the density Beta(1, concentration). What is left after the last belongs to
    components without rows, so weights are divided by their sum.

    Parameters
    ----------
    n_components : int
    concentration : float
        Above 0; the larger, the more components share the rows.

    Examples
    --------
    >>> import numpy as np
    >>> prior = StickBreaking(2, 1.0)
    >>> prior.counts(np.array([5.0, 1.0]))
    array([[5., 1.],
           [1., 0.]])
    """

    axis = 0

    def __init__(self, n_components: int, concentration: float) -> None:
        self.prior = np.tile([1.0, float(concentration)], (n_components, 1))

    def counts(self, count: Array) -> Array:
        later = np.append(np.cumsum(count[:0:-1])[::-1], 0.0)  # short of a difference of sums
        return np.column_stack([count, later])

    def log_weights(self, log_shares: Array) -> Array:
        left = np.append(0.0, np.cumsum(log_shares[:-1, 1]))
        return log_shares[:, 0] + left

    def moments(self, concentration: Array) -> Moments:
        taken, left = concentration.T
        total = taken + left
        mean = _product(taken / total, left / total)
        # a share times its complement's moments, as the breaks are independent
        squares = total * (total + 1)
        square = _product(taken * (taken + 1) / squares, left * (left + 1) / squares)
        whole = mean.sum()
        return Moments(mean / whole, np.sqrt(np.maximum(square - mean**2, 0.0)) / whole)


def _product(taken: Array, left: Array) -> Array:
    """Each taken times all left before it."""
    return taken * np.append(1.0, np.cumprod(left[:-1]))
