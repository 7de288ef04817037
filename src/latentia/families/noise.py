"""A component beside the others that has rows anywhere: uniform on a box around all of them."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from .family import Family

Array = NDArray[np.float64]


class Box(NamedTuple):
    """A box along some axes.

    Attributes
    ----------
    axes : array of shape (d, d)
        Orthogonal, in columns.
    lower, upper : array of shape (d,)
        Its sides along them.
    """

    axes: Array
    lower: Array
    upper: Array

    @staticmethod
    def around(x: Array, weights: Array) -> Box:
        """The smaller of the boxes along the columns and along the rows' principal axes.

        Raises
        ------
        ValueError
            If all rows are in a plane, so that the box has no volume.

        References
        ----------
        Fraley & Raftery (2002), Model-based clustering, discriminant analysis, and density
        estimation, sec. 4.5; mclust's hypvol.

        Examples
        --------
        >>> import numpy as np
        >>> square = np.array([[0.0, 0.0], [0.0, 2.0], [3.0, 0.0], [3.0, 2.0]])
        >>> round(float(np.exp(Box.around(square, np.ones(4)).log_volume)), 9)
        6.0
        """
        centred = x - weights @ x / weights.sum()
        _, turned = np.linalg.eigh(centred.T @ (weights[:, None] * centred))
        boxes = [
            Box(axes, (x @ axes).min(axis=0), (x @ axes).max(axis=0))
            for axes in (np.eye(x.shape[1]), turned)
        ]
        best = min(boxes, key=lambda box: box.log_volume)
        if not np.isfinite(best.log_volume):
            raise ValueError(
                "got noise for rows that are all in one plane, where its box has no volume; leave "
                "out a column that the others determine, or noise"
            )
        return best

    @property
    def log_volume(self) -> float:
        with np.errstate(divide="ignore"):
            return float(np.log(self.upper - self.lower).sum())

    def draw(self, n: int, rng: Any) -> Array:
        """Rows anywhere in it, (n, d)."""
        return rng.uniform(self.lower, self.upper, size=(n, len(self.lower))) @ self.axes.T


class NoiseStats(NamedTuple):
    """Statistics of the other components, and the expected number of rows that are noise."""

    others: Any
    noise: float


@final
class WithNoise(Family[Any, NoiseStats]):
    """A family's components, and one more, last, whose density is the same everywhere.

    Its parameters are those of the other components: noise has none. As in mclust, its density
    does not end where the box does.

    Parameters
    ----------
    others : Family
    box : Box
        Whose volume the density is one over.
    """

    def __init__(self, others: Family[Any, Any], box: Box) -> None:
        self.others, self.box = others, box
        self.n_components = others.n_components + 1
        self.m_step_exact = others.m_step_exact

    @property
    def space(self) -> Any:
        return self.others.space

    def log_density(self, params: Any, x: Array) -> Array:
        each = self.others.log_density(params, x)
        return np.column_stack([each, np.full(len(each), -self.box.log_volume)])

    def start(self, x: Array, resp: Array) -> Any:
        return self.others.start(x, resp[:, :-1])

    def stats(self, params: Any, x: Array, resp: Array) -> NoiseStats:
        return NoiseStats(self.others.stats(params, x, resp[:, :-1]), resp[:, -1].sum())

    def m_step(self, stats: NoiseStats, params: Any) -> Any:
        return self.others.m_step(stats.others, params)

    def q(self, params: Any, stats: NoiseStats) -> float:
        return self.others.q(params, stats.others) - float(stats.noise) * self.box.log_volume

    def score(self, params: Any, stats: NoiseStats) -> Any:
        return self.others.score(params, stats.others)

    @property
    def has_prior(self) -> bool:
        return self.others.has_prior

    def log_prior(self, params: Any) -> float:
        return self.others.log_prior(params)

    def prior_score(self, params: Any) -> Any:
        return self.others.prior_score(params)

    def draw(self, params: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        noise = labels == self.n_components - 1
        made = self.others.draw(params, np.where(noise, 0, labels), rng)
        made[noise] = self.box.draw(int(noise.sum()), rng)
        return made
