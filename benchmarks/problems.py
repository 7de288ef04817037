"""Three likelihoods with many local maxima, for what is said of starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from classics import load
from latentia import datasets
from latentia.data.arrays import Frame, Rows, RowSource
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses


class Problem(NamedTuple):
    """A model, its data, and what it is called; starts are the model's own, at random."""

    name: str
    model: Any
    data: Any


def gaussian(x: Any, k: int, floor: float) -> tuple[MixtureModel, RowSource]:
    """A mixture with free covariances; starts at random rows."""
    rows = Rows.of(np.asarray(x, dtype=np.float64))
    model = MixtureModel(
        Gaussian(k, STRUCTURES["full"], Frame.of(rows), floor),
        k,
        lambda sample, rng: guesses(sample, k, "random_from_data", rng),
    )
    return model, RowSource(rows)


def galaxies() -> Problem:
    """Velocities of 82 galaxies, six normals, no variance below a thousandth of the pooled."""
    x = datasets.load("galaxies").values
    return Problem("galaxies V, K=6", *gaussian(x, 6, 1e-3 * float(x.var())))


def carcinoma() -> Problem:
    """Seven pathologists, 118 slides, four latent classes."""
    return Problem("carcinoma, K=4", *load("carcinoma").problem(k=4))


def wreath() -> Problem:
    """A thousand rows in fourteen clusters on a ring (as in mclust's wreath)."""
    rng, k = np.random.default_rng(14), 14
    angle = 2 * np.pi * rng.integers(k, size=1000) / k
    along, across = rng.normal(size=(2, 1000)) * [[1.2], [0.35]]
    radius = 7 + across
    x = np.column_stack(
        [
            radius * np.cos(angle) - along * np.sin(angle),
            radius * np.sin(angle) + along * np.cos(angle),
        ]
    )
    return Problem(
        "wreath, K=14", *gaussian(x, k, 1e-3 * float(np.linalg.eigvalsh(np.cov(x.T))[0]))
    )


PROBLEMS: dict[str, Callable[[], Problem]] = {
    made.__name__: made for made in (galaxies, carcinoma, wreath)
}
