"""From the parameters of a climb to the factors that are shown: rotated, and in users' units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .model import FactorModel, FactorParams
from .rotation import in_order, rotated

Array = NDArray[np.float64]


class Solution(NamedTuple):
    """Factors as users see them.

    Attributes
    ----------
    mean : array of shape (d,)
    loadings : array of shape (d, q)
        The pattern: coefficients of the factors.
    correlations : array of shape (q, q)
    noise : array of shape (d,)
    turn : array of shape (q, q)
        Uncorrelated factors of the climb, (n, q), times this are those shown.
    """

    mean: Array
    loadings: Array
    correlations: Array
    noise: Array
    turn: Array

    @property
    def covariance(self) -> Array:
        """Of a row, (d, d)."""
        common = self.loadings @ self.correlations @ self.loadings.T
        return common + np.diag(self.noise)


def solution(
    model: FactorModel,
    params: FactorParams,
    method: str | None = None,
    kaiser: bool = False,
    near: Solution | None = None,
) -> Solution:
    """The factors at some parameters.

    Without a rotation, those for which Λᵀ Ψ⁻¹ Λ is diagonal, the largest first (Lawley & Maxwell
    1971, sec. 2.3).

    Parameters
    ----------
    model : FactorModel
    params : FactorParams
    method, kaiser
        As `rotated` has them.
    near : Solution, optional
        Of parameters nearby: factors are numbered and signed as there.
    """
    origin, _, spread = model.frame
    loadings, noise = np.asarray(params.loadings), np.asarray(params.uniquenesses)
    _, axes = np.linalg.eigh(loadings.T @ (loadings / noise[:, None]))
    axes = axes[:, ::-1]
    own = loadings @ axes  # in standard deviations, without which promax hangs on units
    unit = spread[:, None]
    start = None if near is None else axes.T @ near.turn
    turned = rotated(own if kaiser else own * unit, method, kaiser, start)
    if kaiser:
        turned = turned._replace(loadings=turned.loadings * unit)
    found = in_order(turned, None if near is None else near.loadings)
    return Solution(
        origin + spread * params.mean,
        found.loadings,
        found.correlations,
        noise * spread**2,
        axes @ found.turn,
    )


def flat(found: Solution) -> Array:
    """All that has a standard error, as one vector: mean, loadings, correlations, noise."""
    below = np.tril_indices(len(found.correlations), -1)
    parts = (found.mean, found.loadings.ravel(), found.correlations[below], found.noise)
    return np.concatenate(parts)


def shaped(values: Array, d: int, q: int) -> tuple[Any, Any, Any, Any]:
    """The inverse of `flat`: mean, loadings, correlations (0 on the diagonal), and noise."""
    mean, rest = values[:d], values[d:]
    loadings, rest = rest[: d * q].reshape(d, q), rest[d * q :]
    n = q * (q - 1) // 2
    correlations = np.zeros((q, q))
    correlations[np.tril_indices(q, -1)] = rest[:n]
    return mean, loadings, correlations + correlations.T, rest[n:]
