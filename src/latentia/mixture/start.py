"""Where a mixture starts: responsibilities for the rows of a sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows

from .kmeans import clustered, spread_out
from .trees import tree

Array = NDArray[np.float64]

PORTFOLIO = (
    "hierarchical-VVV",
    "hierarchical-EII",
    "kmeans-whitened",
    "kmeans-plain",
    "k-means++",
    "random_from_data",
)
"""What the first starts of ``"portfolio"`` are, a start each; later ones draw their centres."""

HIERARCHICAL = PORTFOLIO[:2]
"""What the first starts of ``"hierarchical"`` are; later ones draw their centres."""

SEVERAL = {
    "kmeans": ("kmeans-whitened", "kmeans-plain"),
    "portfolio": PORTFOLIO,
}
"""Methods that make several guesses, for the likelihood to choose among."""

METHODS = ("kmeans", "k-means++", "random", "random_from_data", "hierarchical", "portfolio")
"""The names that ``init_params`` takes: scikit-learn's, and two of our own."""


def whiten(sample: Rows) -> Array:
    """The rows in coordinates where their covariance is the identity; constant directions drop.

    k-means looks for round clusters; without whitening the column with the largest unit would
    decide alone.
    """
    x, w = sample.x, sample.weights
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
    """The method of this start among several."""
    i = number(rng)
    return method if i is None else method_of(method, i)


def number(rng: np.random.Generator) -> int | None:
    """Which start this is among several, if it is one: the engine gives i the i-th child."""
    children = rng.bit_generator.seed_seq.spawn_key  # type: ignore[attr-defined]
    return children[-1] if children else None


def method_of(method: str, i: int) -> str:
    """The method of start i.

    k-means from other seeds tends to find the same clusters again, and a tree is always the same,
    so every second start draws its centres from the rows instead.
    """
    if method == "portfolio":
        return PORTFOLIO[i] if i < len(PORTFOLIO) else PORTFOLIO[-2 + i % 2]
    if method == "hierarchical":
        return HIERARCHICAL[i] if i < len(HIERARCHICAL) else "random_from_data"
    return "random_from_data" if method in SEVERAL and i % 2 == 1 else method


def guesses(sample: Rows, n_components: int, method: str, rng: np.random.Generator) -> list[Array]:
    """Memberships of the sample's rows, (n, K) each; the likelihood is to choose among them.

    Components come in the order of their size, so that results are numbered alike whatever
    the seed.

    Parameters
    ----------
    sample : Rows
        Distinct rows with their weights.
    n_components : int
    method : str
        One of `METHODS` or of `PORTFOLIO`: k-means on whitened rows, and on the rows as they
        are; the nearest of K rows that are spread out (Arthur & Vassilvitskii 2007); at random;
        the nearest of K rows drawn by weight; the trees of `agglomerate` cut at K; all of these.
    rng : numpy.random.Generator
    """
    if method == "random" or len(sample) <= n_components:
        resp = rng.uniform(size=(len(sample), n_components))
        return [resp / resp.sum(axis=1, keepdims=True)]
    white, w = whiten(sample), sample.weights
    seed = 0 if method == "random_from_data" else int(rng.integers(2**31))
    made: list[Array] = []
    for name in SEVERAL.get(method, (method,)):
        if name == "random_from_data":
            rows = rng.choice(len(sample), n_components, replace=False, p=w / w.sum())
            resp = nearest(white, white[rows])
        elif name == "k-means++":
            resp = nearest(white, white[spread_out(white, w, n_components, seed)])
        elif name.startswith("kmeans"):
            x = sample.x if name == "kmeans-plain" else white
            resp = np.eye(n_components)[clustered(x, w, n_components, seed)]
        else:
            criterion = "EII" if name == "hierarchical-EII" else "VVV"
            labels = tree(sample, n_components, criterion).labels(n_components)
            resp = np.eye(n_components)[labels]
        resp = _by_size(resp, sample)
        if not any(np.array_equal(resp, other) for other in made):
            made.append(resp)
    return made


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
