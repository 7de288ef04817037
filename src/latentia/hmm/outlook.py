"""Distributions of steps that mix the states' densities: forecasts, and steps given the others."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from latentia.families import columns
from latentia.families.family import Family
from latentia.mixture import distribution
from latentia.mixture.model import MixtureParams

Array = NDArray[np.float64]


@final
class StepDistributions:
    """What is said of some steps: sum_k P(state k) f(x | k) for each, the P differing by step.

    Parameters
    ----------
    family : Family
        Of the states' densities.
    emissions : params
        Of the family.
    states : array of shape (r, K)
        P(state) of each of r steps.
    names : sequence of str
        Of the d columns.

    Attributes
    ----------
    states : array of shape (r, K)

    Examples
    --------
    The three years after the record of earthquakes:

    >>> from latentia import HiddenMarkov, datasets
    >>> counts = datasets.load("earthquakes").values[:, 1]
    >>> model = HiddenMarkov("poisson", 3, tol=1e-6, random_state=0).fit(counts)
    >>> ahead = model.forecast(counts, steps=3)
    >>> ahead.mean().ravel().round(1)
    array([13.9, 14.4, 15. ])
    >>> ahead.quantile([0.1, 0.9])
    array([[ 9., 19.],
           [ 9., 21.],
           [ 9., 22.]])
    """

    def __init__(self, family: Family[Any, Any], emissions: Any, states: Array, names: Any) -> None:
        self.family, self.emissions, self.states = family, emissions, states
        self.names = [str(name) for name in names]

    def __len__(self) -> int:
        return len(self.states)

    def mean(self) -> Array:
        """Expected values, shape (r, d); nan of codes, and where there is no mean.

        Raises
        ------
        TypeError
            If the family does not define its means.
        """
        means = columns.column_means(self.family, self.emissions)
        possible = (self.states > 0)[:, :, None]
        each = np.where(possible, means, 0.0) * self.states[:, :, None]
        return each.sum(axis=1)

    def density(self, x: ArrayLike, column: int = 0) -> Array:
        """The density of a column, or the probability where it holds whole numbers.

        Parameters
        ----------
        x : array-like of shape (g,)
        column : int, default=0

        Returns
        -------
        array of shape (r, g)

        Raises
        ------
        TypeError
            If the family has no density of that column alone.
        """
        weights = np.full(self.states.shape[1], 1 / self.states.shape[1])
        params = MixtureParams(weights, self.emissions)
        own = distribution.marginal(self.family, params, len(self.names), column)
        if own is None:
            raise TypeError(
                f"{type(self.family).__name__} has no density of a column by itself; "
                "log_density takes whole steps"
            )
        at = np.atleast_1d(np.asarray(x, dtype=np.float64)).ravel()
        return self.states @ np.exp(own.log_density(at)).T

    def cdf(self, x: ArrayLike, column: int = 0) -> Array:
        """P(X <= x) of a column, shape (r, g) for x of shape (g,).

        Raises
        ------
        TypeError
            If the family has no distribution function of that column.
        """
        at = np.atleast_1d(np.asarray(x, dtype=np.float64)).ravel()
        below = columns.column_cdf(self.family, self.emissions, self._column(column), at)
        return np.clip(self.states @ below.T, 0.0, 1.0)

    def quantile(self, p: ArrayLike, column: int = 0) -> Array:
        """The smallest x with P(X <= x) >= p of a column, shape (r, q) for p of shape (q,).

        Raises
        ------
        TypeError
            If the column holds codes, or the family has no distribution function of it.
        ValueError
            If a probability is not between 0 and 1.
        """
        if self.is_nominal(column):
            raise TypeError(
                f"got column {column}, expected one of numbers: codes of categories have no "
                "quantiles; use density"
            )
        asked = np.atleast_1d(np.asarray(p, dtype=np.float64)).ravel()
        weights = np.repeat(self.states, len(asked), axis=0)

        def below(x: Array) -> Array:
            each = columns.column_cdf(self.family, self.emissions, column, x)
            return (weights * each).sum(axis=1)

        grid = np.broadcast_to(asked, (len(self), len(asked)))
        return distribution.quantile(below, grid)

    def is_nominal(self, column: int) -> bool:
        """Whether a column holds codes of categories."""
        return columns.is_nominal(self.family, self._column(column))

    def n_codes(self, column: int) -> int:
        """How many codes a column of categories has."""
        return columns.n_codes(self.family, self._column(column))

    def log_density(self, X: ArrayLike) -> Array:
        """log p of a whole step each, shape (r,), for X of shape (r, d).

        A step of which nothing is known has 0.
        """
        x = np.asarray(X, dtype=np.float64)
        x = x[:, None] if x.ndim == 1 else x
        if x.shape != (len(self), len(self.names)):
            raise ValueError(
                f"got X of shape {x.shape}, expected ({len(self)}, {len(self.names)}): a row for "
                "each step"
            )
        seen, made = ~np.isnan(x).all(axis=1), np.zeros(len(x))
        if seen.any():
            logs = self.family.log_density(self.emissions, x[seen])
            with np.errstate(divide="ignore"):
                made[seen] = logsumexp(logs + np.log(self.states[seen]), axis=1)
        return made

    def within(self, X: ArrayLike) -> tuple[Array, Array]:
        """P(X < x) and P(X <= x) of each cell of X (r, d), given its step's distribution.

        They differ where columns hold whole numbers only; nan where cells are missing.

        Raises
        ------
        TypeError
            If the family has no distribution function of single columns.
        """
        x = np.asarray(X, dtype=np.float64)
        lower, upper = np.empty(x.shape), np.empty(x.shape)
        for j in range(x.shape[1]):
            upper[:, j] = self._own(j, x[:, j])
            discrete = columns.is_discrete(self.family, j)
            lower[:, j] = self._own(j, x[:, j] - 1) if discrete else upper[:, j]
        return lower, upper

    def _own(self, column: int, x: Array) -> Array:
        each = columns.column_cdf(self.family, self.emissions, column, x)
        mixed = np.clip((self.states * each).sum(axis=1), 0.0, 1.0)
        return np.where(np.isnan(x), np.nan, mixed)

    def _column(self, column: int) -> int:
        if not 0 <= column < len(self.names):
            raise IndexError(f"got column {column}, expected one from 0 to {len(self.names) - 1}")
        return column
