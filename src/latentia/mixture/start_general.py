"""Where a mixture of any family starts: its rows as numbers in which k-means means something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from latentia.data.arrays import Rows

from . import start

Array = NDArray[np.float64]


class GeneralGuesses(NamedTuple):
    """First guesses at the memberships of a sample's rows, for the starts of a model.

    Attributes
    ----------
    n_components : int
    method : str
        One of `start.METHODS`.
    categorical : tuple of int
        Columns that hold codes.
    """

    n_components: int
    method: str
    categorical: tuple[int, ...] = ()

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        method = start.turn(self.method, rng)
        views = [features(sample.x, sample.weights, self.categorical)]
        if method == "kmeans":  # far-off rows draw centres to themselves, but not in ranks
            views.append(features(sample.x, sample.weights, self.categorical, ranks=True))
        found: list[Array] = []
        for view in views:
            rows = Rows(view, sample.weights)
            for resp in start.guesses(rows, self.n_components, method, rng):
                if not any(np.array_equal(resp, other) for other in found):
                    found.append(resp)
        return found


def features(x: Any, w: Array, categorical: Sequence[int] = (), ranks: bool = False) -> Array:
    """Rows as columns of mean 0 and variance 1, (n, m): codes become indicators of their levels.

    Missing cells, and infinite ones, stand at the mean.

    Parameters
    ----------
    x : array of shape (n, d)
    w : array of shape (n,)
    categorical : sequence of int
        Columns that hold codes. The indicators of each have variance 1 together.
    ranks : bool, default=False
        Whether numbers are replaced by the normal quantiles of their ranks.
    """
    x = np.asarray(x, dtype=np.float64)
    made: list[Array] = []
    for j, column in enumerate(x.T):
        known = np.isfinite(column)
        if not known.any():
            made.append(np.zeros((len(x), 1)))
        elif j in categorical:
            made.append(_indicators(column, known, w))
        else:
            seen = _scores(column[known], w[known]) if ranks else column[known]
            made.append(_standard(seen[:, None], known, w))
    return np.hstack(made)


def _indicators(column: Array, known: NDArray[np.bool_], w: Array) -> Array:
    levels = np.unique(column[known])
    return _standard((column[known, None] == levels).astype(np.float64), known, w)


def _standard(seen: Array, known: NDArray[np.bool_], w: Array) -> Array:
    """Columns of the cells that are known in units of their joint standard deviation."""
    weight = w[known]
    unit = float(np.abs(seen).max())  # so that squares do not overflow
    seen = seen / unit if unit > 0 else seen
    centred = seen - weight @ seen / weight.sum()
    spread = float(np.sqrt(weight @ (centred**2).sum(axis=1) / weight.sum()))
    out = np.zeros((len(known), seen.shape[1]))
    out[known] = centred / spread if spread > 0 else 0.0
    return out


def _scores(values: Array, w: Array) -> Array:
    """Normal quantiles of the middles of the ranks; a weight counts as so many rows."""
    each, where = np.unique(values, return_inverse=True)
    mass = np.bincount(where, w, minlength=len(each))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    return np.asarray(ndtri(middle)[where], dtype=np.float64)
