"""Where a mixture starts: responsibilities for the rows of a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows

from .kmeans import clustered, spread_out

Array = NDArray[np.float64]

METHODS = ("kmeans", "k-means++", "random", "random_from_data")
"""The names that ``init_params`` takes, as in scikit-learn."""


def whiten(sample: Rows) -> Array:
    """The rows in coordinates where their covariance is the identity; constant directions drop.

    k-means looks for round clusters; without whitening the column with the largest unit would
    decide alone.
    """
    x, w = sample
    centred = x - (w @ x) / w.sum()
    spread = np.sqrt(w @ centred**2 / w.sum())
    scaled = centred[:, spread > 0] / spread[spread > 0]
    if not scaled.shape[1]:
        return np.zeros((len(x), 1))
    correlation = scaled.T @ (w[:, None] * scaled) / w.sum()
    eigenvalues, vectors = np.linalg.eigh(correlation)
    kept = eigenvalues > 1e-9 * eigenvalues[-1]
    return scaled @ vectors[:, kept] / np.sqrt(eigenvalues[kept])


class Guesses(NamedTuple):
    """First guesses at the memberships of a sample's rows, for the starts of a model.

    Attributes
    ----------
    n_components : int
    method : str
        One of `METHODS`.
    frame : Frame
    means : array of shape (K, d), optional
        Given means, which then decide the memberships.
    """

    n_components: int
    method: str
    frame: Frame
    means: Array | None = None

    def __call__(self, sample: Rows, rng: np.random.Generator) -> list[Array]:
        inside = Rows(self.frame.into(sample.x), sample.weights)
        if self.means is not None:
            unit = self.frame.spread / self.frame.scale
            return [nearest(inside.x / unit, self.frame.into(self.means) / unit)]
        return guesses(inside, self.n_components, turn(self.method, rng), rng)


def turn(method: str, rng: np.random.Generator) -> str:
    """The method of this start among several.

    k-means from other seeds tends to find the same clusters again, so every second start draws
    its centres from the rows instead. The engine gives start i the i-th child of its generator.
    """
    children = rng.bit_generator.seed_seq.spawn_key  # type: ignore[attr-defined]
    odd = bool(children) and children[-1] % 2 == 1
    return "random_from_data" if method == "kmeans" and odd else method


def guesses(sample: Rows, n_components: int, method: str, rng: np.random.Generator) -> list[Array]:
    """Memberships of the sample's rows, (n, K) each; the likelihood is to choose among them.

    Components come in the order of their size, so that results are numbered alike whatever
    the seed.

    Parameters
    ----------
    sample : Rows
        Distinct rows with their weights.
    n_components : int
    method : {"kmeans", "k-means++", "random", "random_from_data"}
        k-means on whitened rows, and on the rows as they are; the nearest of K rows that are
        spread out (Arthur & Vassilvitskii 2007); at random; the nearest of K rows drawn by
        weight.
    rng : numpy.random.Generator
    """
    if method == "random" or len(sample) <= n_components:
        resp = rng.uniform(size=(len(sample), n_components))
        return [resp / resp.sum(axis=1, keepdims=True)]
    white, w = whiten(sample), sample.weights
    if method == "random_from_data":
        rows = rng.choice(len(sample), n_components, replace=False, p=w / w.sum())
        return [_by_size(nearest(white, white[rows]), sample)]
    seed = int(rng.integers(2**31))
    if method == "k-means++":
        return [_by_size(nearest(white, white[spread_out(white, w, n_components, seed)]), sample)]
    labels = (clustered(x, w, n_components, seed) for x in (white, sample.x))
    one, other = (_by_size(np.eye(n_components)[each], sample) for each in labels)
    return [one] if np.array_equal(one, other) else [one, other]


def _by_size(resp: Array, sample: Rows) -> Array:
    """Components with the largest weight first; of equals, the one with the larger mean."""
    weighted = resp * sample.weights[:, None]
    count = weighted.sum(axis=0)
    means = weighted.T @ sample.x / np.where(count > 0, count, 1)[:, None]
    keys = (*(-means.T[::-1]), -count)  # the last key counts most
    return resp[:, np.lexsort(keys)]


def nearest(x: Array, centres: Array) -> Array:
    """Each row wholly in the component with the nearest centre, shape (n, K)."""
    distance = np.stack([((x - centre) ** 2).sum(axis=1) for centre in centres], axis=1)
    return np.eye(len(centres))[distance.argmin(axis=1)]
