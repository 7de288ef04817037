"""Noise in a mixture: which rows it begins with, its weight, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from latentia.data.arrays import Rows
from latentia.families.noise import Box

from . import errors
from .model import Membership
from .start import whiten

Array = NDArray[np.float64]

SHARE = 0.1
"""The share of rows that noise begins with where nothing is said."""

NEIGHBOURS = 10
"""The nearest row but so many tells how lonely a row is."""


class Sprinkled(NamedTuple):
    """First guesses at memberships where a share of the rows, the loneliest, are noise.

    Attributes
    ----------
    guesses : callable
        Of the other rows, (n, K) each; here they are (n, K + 1), with noise last.
    share : float
    """

    guesses: Callable[[Any, np.random.Generator], list[Array]]
    share: float

    def __call__(self, sample: Rows, rng: np.random.Generator) -> list[Array]:
        noise = loneliest(sample, self.share)
        return [
            beside(resp, noise) for resp in self.guesses(sample.take(np.flatnonzero(~noise)), rng)
        ]


def beside(resp: Array, noise: NDArray[np.bool_]) -> Array:
    """Memberships of all rows, (n, K + 1), from those of the rows that are not noise."""
    made = np.zeros((len(noise), resp.shape[1] + 1))
    made[~noise, :-1] = resp
    made[noise, -1] = 1.0
    return made


def loneliest(sample: Rows, share: float) -> NDArray[np.bool_]:
    """The rows whose neighbours are farthest, so many that they weigh about this share.

    In whitened columns, by the distance to the tenth neighbour.

    References
    ----------
    Byers & Raftery (1998), Nearest-neighbor clutter removal for estimating features in spatial
    point processes, JASA 93.
    """
    white = whiten(sample)
    nth = min(NEIGHBOURS, len(white) - 1)
    tree: Any = cKDTree(white)
    distance = tree.query(white, [nth + 1])[0][:, 0] if nth else np.zeros(len(white))
    order = np.argsort(-distance, kind="stable")
    weight = np.cumsum(sample.weights[order])
    chosen = np.zeros(len(white), dtype=np.bool_)
    chosen[order[weight <= share * weight[-1] + 1e-9]] = True
    return chosen


def asked(value: Any, n_rows: int) -> tuple[float, NDArray[np.bool_] | None]:
    """What `noise` stands for: the share it begins with, and the rows, if these are given.

    Raises
    ------
    ValueError
        If it is no share between 0 and 1, and does not say of each row whether it is noise.
    """
    if value is None or value is False:
        return 0.0, None
    if value is True:
        return SHARE, None
    if np.ndim(value) == 0 and 0 < float(value) < 1:
        return float(value), None
    flagged = np.asarray(value)
    if flagged.dtype == np.bool_ and flagged.shape == (n_rows,) and 0 < flagged.sum() < n_rows:
        return float(flagged.mean()), flagged
    raise ValueError(
        f"got noise={value!r:.60} for {n_rows} rows, expected True, a share between 0 and 1, or an "
        "array that says of each row whether it is noise, of some but not of all"
    )


def box_around(estimator: Any, rows: Rows) -> Box:
    """Where noise of these rows is uniform; rows with holes are refused."""
    errors.require_finite(rows.x, getattr(estimator, "feature_names_in_", None), "noise")
    return Box.around(np.asarray(rows.x, dtype=np.float64), rows.weights)


class NoisyMembership(NamedTuple):
    """What is known of each row's component where there is noise.

    Attributes
    ----------
    log_density : array of shape (n,)
        log p(x_i).
    resp : array of shape (n, K)
        p(component | x_i).
    noise : array of shape (n,)
        p(noise | x_i): what is left.
    """

    log_density: Array
    resp: Array
    noise: Array


def told(known: Membership) -> NoisyMembership:
    """What is known of rows where the last of the memberships is in noise."""
    return NoisyMembership(known.log_density, known.resp[:, :-1], known.resp[:, -1])
