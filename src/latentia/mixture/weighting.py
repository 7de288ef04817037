"""How likely each component is before a row's own numbers are seen: the weights of a mixture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from latentia.engine.space import LastApart, Simplex
from latentia.families.predictor import Gate, GateSums

Array = NDArray[np.float64]
W = TypeVar("W")
S = TypeVar("S")


class Weighting(ABC, Generic[W, S]):
    """The weights of K components, as a part of a mixture: `Constant` or `Concomitant`.

    A weighting sees the first `n_features` columns of the rows, z; the family sees the others.

    Attributes
    ----------
    n_components, n_features : int
    m_step_exact : bool
        False where `m_step` is a Newton step.
    """

    n_components: int
    n_features: int
    m_step_exact: bool = True

    @property
    @abstractmethod
    def space(self) -> W:
        """A Constraint at each parameter."""

    @abstractmethod
    def start(self, z: Array, resp: Array) -> W:
        """Parameters to start from, given weighted responsibilities of shape (n, K)."""

    @abstractmethod
    def log_weights(self, params: W, z: Array) -> Array:
        """Logarithms of the weights, (n, K), or (K,) where all rows have the same."""

    @abstractmethod
    def stats(self, params: W, z: Array, resp: Array) -> S:
        """Statistics of weighted responsibilities (n, K), additive over rows."""

    def gate(self, params: W) -> Gate:
        """What a family's own pass has to know where there are covariates."""
        raise TypeError(f"{type(self).__name__} has no covariates")

    def gathered(self, params: W, sums: GateSums) -> S:
        """The statistics, as `stats` makes them, of what such a pass returns."""
        raise TypeError(f"{type(self).__name__} has no covariates")

    @abstractmethod
    def m_step(self, stats: S, params: W) -> W:
        """The parameters that maximise q; `params` are those that made the statistics."""

    @abstractmethod
    def q(self, params: W, stats: S) -> float:
        """sum_i sum_k resp[i, k] log weight_k(z_i), linear in the statistics."""

    @abstractmethod
    def score(self, params: W, stats: S) -> W:
        """Gradient of `q` in the entries of the parameters."""


@final
class Constant(Weighting[Array, Array]):
    """The same K weights for all rows. Statistics are expected numbers of rows, (K,).

    Parameters
    ----------
    n_components : int
    noise : bool, default=False
        Whether the last of these is not a component as the others are.

    Examples
    --------
    >>> import numpy as np
    >>> Constant(2).m_step(np.array([30.0, 10.0]), np.array([0.5, 0.5]))
    array([0.75, 0.25])
    """

    n_features = 0

    def __init__(self, n_components: int, noise: bool = False) -> None:
        self.n_components, self.noise = n_components, noise

    @property
    def space(self) -> Array:
        return cast(Any, LastApart() if self.noise else Simplex(exchangeable=(0,)))

    def start(self, z: Array, resp: Array) -> Array:
        return resp.sum(axis=0) / resp.sum()

    def log_weights(self, params: Array, z: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(params)

    def stats(self, params: Array, z: Array, resp: Array) -> Array:
        return resp.sum(axis=0)

    def m_step(self, stats: Array, params: Array) -> Array:
        return stats / stats.sum()

    def q(self, params: Array, stats: Array) -> float:
        return float(np.sum(xlogy(stats, params)))

    def score(self, params: Array, stats: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(stats > 0, stats / params, 0.0)
