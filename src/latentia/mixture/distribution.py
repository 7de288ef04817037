"""A mixture as a distribution: rows drawn, quantiles of one column, densities of some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from sklearn.utils.validation import check_is_fitted

from latentia.engine import tree
from latentia.families import making
from latentia.families.family import Family
from latentia.families.gaussian import LOG_2PI, Gaussian

from .model import MixtureParams

if TYPE_CHECKING:
    from .general import Mixture

Array = NDArray[np.float64]

MOST_HALVINGS = 2200
"""From the largest float to the smallest by halves, and on to its neighbour."""


def draw(
    family: Family[Any, Any], params: MixtureParams, n: int, rng: np.random.Generator
) -> tuple[Array, NDArray[np.int64]]:
    """Rows of a mixture, (n, d), and the component of each; sorted by component."""
    weights = params.weights
    labels = np.repeat(np.arange(len(weights)), rng.multinomial(n, weights / weights.sum()))
    return family.draw(params.components, labels, rng), labels


def require_one_column(mixture: Mixture, what: str) -> None:
    """Refuse a mixture of several columns; `what` is said to be of a single one."""
    check_is_fitted(mixture, ["weights_", "params_"])
    if mixture.n_features_in_ != 1:
        raise ValueError(
            f"got a mixture of {mixture.n_features_in_} columns, expected one: {what} is of a "
            "single column"
        )


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
    """One column, or several together, as each component sees them.

    Attributes
    ----------
    log_density : callable
        log f(x | k), shape (m, K), of an array of shape (m,) or, of c columns, (m, c).
    discrete : bool
        Whether only whole numbers are possible.
    """

    log_density: Callable[[Array], Array]
    discrete: bool


def marginal(
    family: Family[Any, Any],
    params: MixtureParams,
    n_features: int,
    columns: int | Sequence[int],
) -> Marginal | None:
    """The density of some columns, the others integrated out; None where the family cannot.

    That is so for columns that depend on one another and may not be missing, but for normal ones.
    """
    asked = np.atleast_1d(np.asarray(columns, dtype=np.intp)).tolist()
    for column in asked:
        if not 0 <= column < n_features:
            raise IndexError(f"got column {column}, expected one from 0 to {n_features - 1}")
    leaves, at = tree.leaves(params.components), 0
    parts: list[tuple[list[int], Marginal]] = []
    for seen, piece in making.pieces(family, range(n_features)):
        space = piece.space
        n = len(tree.leaves(space))
        own = tree.rebuild(space, leaves[at : at + n])
        at += n
        mine = [i for i, column in enumerate(asked) if column in seen]
        if not mine:
            continue
        part = _of_piece(piece, own, [seen.index(asked[i]) for i in mine], len(seen))
        if part is None:
            return None
        parts.append((mine, part))

    def log_density(x: Array) -> Array:
        rows = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
        return np.sum([part.log_density(rows[:, mine]) for mine, part in parts], axis=0)

    return Marginal(log_density, all(part.discrete for _, part in parts))


def _of_piece(family: Family[Any, Any], params: Any, places: list[int], d: int) -> Marginal | None:
    """Columns of a family that no other has; `places` are theirs among its d."""
    if getattr(family, "censored", False):
        return None  # a column is a bound there
    if isinstance(family, Gaussian):
        matrices = family.covariance.matrices(params.covariances, *params.means.shape)
        block = np.asarray(matrices)[:, places][:, :, places]
        return Marginal(lambda x: _normal(params.means[:, places], block, x), False)
    if len(places) < d and not family.takes_missing:
        return None

    def rows(x: Array) -> Array:
        full = np.full((len(x), d), np.nan)
        full[:, places] = x
        return full

    whole, between = (
        family.fault(rows(np.full((len(x), len(places)), x[:, None])))
        for x in (np.array([0.0]), np.array([0.5, 1e-9]))
    )
    discrete = whole is None and between is not None
    return Marginal(lambda x: family.log_density(params, rows(x)), discrete)


def _normal(means: Array, matrices: Array, x: Array) -> Array:
    """log N(x; mean, matrix) of rows (m, c) for each of K components, shape (m, K)."""
    made: list[Array] = []
    for mean, factor in zip(means, np.linalg.cholesky(matrices), strict=True):
        white = solve_triangular(factor, (x - mean).T, lower=True)
        scale = np.log(np.diag(factor)).sum() + len(mean) * LOG_2PI / 2
        made.append(-0.5 * (white**2).sum(axis=0) - scale)
    return np.stack(made, axis=1)
