"""How a response depends on its linear predictor, where no finite statistics exist."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from ..counts import WHOLE, deviance, is_count, log_factorial, log_factorial_rest

Array = NDArray[np.float64]

LARGEST = 230.0
"""Linear predictors are taken to lie within this of 0: exp(230) is 1e100."""


SMALL = 100.0
"""Counts up to which nothing cancels in the plain formula."""


class Outcome(ABC):
    """A response y with density f(y | η); arrays broadcast, y and trials as (n, 1), η as (n, K).

    Attributes
    ----------
    n_beside : int
        Columns between the design and the response: the offset, and the trials if there are any.
    """

    n_beside: int = 1

    @abstractmethod
    def mean(self, eta: Array, trials: Array) -> Array:
        """E[y]."""

    @abstractmethod
    def log_density(self, eta: Array, y: Array, trials: Array) -> Array:
        """log f(y | η); -inf of what cannot be."""

    @abstractmethod
    def slopes(self, eta: Array, y: Array, trials: Array) -> tuple[Array, Array]:
        """Its derivative in η, and minus its expected second derivative."""

    @abstractmethod
    def predictor(self, y: Array, trials: Array) -> Array:
        """The η at which y is about expected; finite."""

    @abstractmethod
    def wrong(self, y: Array, trials: Array) -> tuple[NDArray[np.bool_], str]:
        """Which responses cannot be, and what is expected of them."""

    @abstractmethod
    def draw(self, eta: Array, trials: Array, rng: np.random.Generator) -> Array:
        """Responses, (n, K)."""


@final
class PoissonOutcome(Outcome):
    """Counts with mean exp(η), the canonical link (McCullagh & Nelder 1989, ch. 6)."""

    def mean(self, eta: Array, trials: Array) -> Array:
        return np.exp(np.clip(eta, -LARGEST, LARGEST))

    def log_density(self, eta: Array, y: Array, trials: Array) -> Array:
        possible = is_count(y)
        known, mean = np.where(possible, y, 0.0), self.mean(eta, trials)
        if known.max(initial=0.0) <= SMALL:
            made = known * np.clip(eta, -LARGEST, LARGEST) - mean - log_factorial(known)
        else:
            made = -deviance(known, mean) - log_factorial_rest(known)
        return np.where(possible, made, -np.inf)

    def slopes(self, eta: Array, y: Array, trials: Array) -> tuple[Array, Array]:
        mean = self.mean(eta, trials)
        return y - mean, mean

    def predictor(self, y: Array, trials: Array) -> Array:
        return np.log(y + 0.5)

    def wrong(self, y: Array, trials: Array) -> tuple[NDArray[np.bool_], str]:
        return ~is_count(y), WHOLE

    def draw(self, eta: Array, trials: Array, rng: np.random.Generator) -> Array:
        return rng.poisson(np.minimum(self.mean(eta, trials), 1e15)).astype(np.float64)


@final
class BinomialOutcome(Outcome):
    """Successes among n trials of probability 1 / (1 + exp(-η)).

    McCullagh & Nelder (1989, ch. 4).
    """

    n_beside = 2

    def mean(self, eta: Array, trials: Array) -> Array:
        return trials * expit(eta)

    def log_density(self, eta: Array, y: Array, trials: Array) -> Array:
        possible = ~self.wrong(y, trials)[0]
        known, n = np.where(possible, y, 0.0), np.where(possible, trials, 0.0)
        eta = np.clip(eta, -LARGEST, LARGEST)
        if n.max(initial=0.0) <= SMALL:
            chosen = log_factorial(n) - log_factorial(known) - log_factorial(n - known)
            made = n * log_expit(eta) - (n - known) * eta + chosen
            return np.where(possible, made, -np.inf)
        lost = deviance(known, n * expit(eta)) + deviance(n - known, n * expit(-eta))
        rest = log_factorial_rest(known) + log_factorial_rest(n - known)
        return np.where(possible, log_factorial_rest(n) - rest - lost, -np.inf)

    def slopes(self, eta: Array, y: Array, trials: Array) -> tuple[Array, Array]:
        eta = np.clip(eta, -LARGEST, LARGEST)
        up, down = expit(eta), expit(-eta)
        return y * down - (trials - y) * up, trials * up * down

    def predictor(self, y: Array, trials: Array) -> Array:
        return np.log((y + 0.5) / (trials - y + 0.5))

    def wrong(self, y: Array, trials: Array) -> tuple[NDArray[np.bool_], str]:
        possible = is_count(y) & is_count(trials) & (y <= trials)
        return ~possible, "expected a whole number from 0 to its number of trials"

    def draw(self, eta: Array, trials: Array, rng: np.random.Generator) -> Array:
        return rng.binomial(trials.astype(np.int64), expit(eta)).astype(np.float64)
