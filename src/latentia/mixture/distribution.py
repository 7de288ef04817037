"""A mixture in one dimension: distribution function, quantiles, and densities of a column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from latentia.engine import tree
from latentia.families import making
from latentia.families.family import Family
from latentia.families.gaussian import Gaussian

from .model import MixtureParams

Array = NDArray[np.float64]

MOST_HALVINGS = 2200
"""From the largest float to the smallest by halves, and on to its neighbour."""


def cdf(family: Family[Any, Any], params: MixtureParams, x: ArrayLike) -> Array:
    """P(X <= x), in the shape of `x`; nan where it is."""
    at = np.asarray(x, dtype=np.float64)
    each = family.cdf(params.components, at.reshape(-1, 1))
    mixed = np.clip(each @ params.weights, 0.0, 1.0)
    return np.where(np.isnan(at), np.nan, mixed.reshape(at.shape))


def quantile(below: Callable[[Array], Array], p: ArrayLike) -> Array:
    """The smallest x with P(X <= x) >= p, in the shape of `p`, by halving to the last bit.

    Parameters
    ----------
    below : callable
        The distribution function, of an array.
    p : array-like
        Probabilities strictly between 0 and 1.

    Raises
    ------
    ValueError
        If one is not.
    """
    asked = np.asarray(p, dtype=np.float64)
    wrong = ~((asked > 0) & (asked < 1))
    if wrong.any():
        raise ValueError(
            f"got the probability {asked[wrong].flat[0]:g}, expected one between 0 and 1"
        )
    flat = asked.ravel()
    low, high = np.full(flat.shape, -1.0), np.full(flat.shape, 1.0)
    largest = np.finfo(np.float64).max
    for _ in range(1024):
        short = below(high) < flat
        over = below(low) >= flat
        if not (short | over).any():
            break
        high = np.where(short, np.minimum(2 * high, largest), high)
        low = np.where(over, np.maximum(2 * low, -largest), low)
    for _ in range(MOST_HALVINGS):
        middle = low / 2 + high / 2
        done = (middle <= low) | (middle >= high)
        if done.all():
            break
        reached = below(middle) >= flat
        high = np.where(reached & ~done, middle, high)
        low = np.where(~reached & ~done, middle, low)
    return high.reshape(asked.shape)


class Marginal(NamedTuple):
    """One column as each component sees it.

    Attributes
    ----------
    log_density : callable
        log f(x | k), shape (m, K), of an array of shape (m,).
    discrete : bool
        Whether only whole numbers are possible.
    """

    log_density: Callable[[Array], Array]
    discrete: bool


def marginal(
    family: Family[Any, Any], params: MixtureParams, n_features: int, column: int
) -> Marginal | None:
    """The marginal of a column, or None where the family does not give it.

    That is so for columns that depend on one another and may not be missing, but for normal ones.
    """
    leaves, at = tree.leaves(params.components), 0
    for columns, piece in making.pieces(family, range(n_features)):
        space = piece.space
        n = len(tree.leaves(space))
        own = tree.rebuild(space, leaves[at : at + n])
        at += n
        if column in columns:
            return _of_piece(piece, own, columns.index(column), len(columns))
    raise IndexError(f"got column {column}, expected one from 0 to {n_features - 1}")


def _of_piece(family: Family[Any, Any], params: Any, j: int, d: int) -> Marginal | None:
    if getattr(family, "censored", False):
        return None  # a column is a bound there

    def rows(x: Array) -> Array:
        full = np.full((len(x), d), np.nan)
        full[:, j] = x
        return full

    def log_density(x: Array) -> Array:
        return family.log_density(params, rows(x))

    if isinstance(family, Gaussian):
        means, matrices = (
            params.means[:, j],
            family.covariance.matrices(params.covariances, *params.means.shape),
        )
        deviations = np.sqrt(np.asarray(matrices)[:, j, j])
        return Marginal(
            lambda x: np.asarray(norm.logpdf(x[:, None], means, deviations), dtype=np.float64),
            False,
        )
    if d > 1 and not family.takes_missing:
        return None
    whole, between = (family.fault(rows(np.array(x))) for x in ([0.0], [0.5, 1e-9]))
    return Marginal(log_density, whole is None and between is not None)
