"""Several responses, each a regression, independent given the state; any may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentia.families.family import Family
from latentia.families.regression import Regression

Array = NDArray[np.float64]
Parts = tuple[Any, ...]


@final
class Responses(Family[Parts, Parts]):
    """The product of regressions, in which a response that is nan tells nothing of the state.

    Each regression sees its own columns: its design, what stands beside it, and its response.
    Parameters and statistics are tuples of those of the regressions.

    Parameters
    ----------
    parts : sequence of Regression
        Of one number of components.
    widths : sequence of int
        How many columns each sees, in their order.
    """

    takes_missing = True

    def __init__(self, parts: Sequence[Regression[Any, Any]], widths: Sequence[int]) -> None:
        self.parts, self.n_components = list(parts), parts[0].n_components
        ends = np.cumsum(widths)
        self.columns = [slice(int(e - w), int(e)) for e, w in zip(ends, widths, strict=True)]
        self.m_step_exact = all(part.m_step_exact for part in parts)

    def known(self, x: Array, i: int) -> tuple[Array, NDArray[np.bool_]]:
        """The columns of regression i where its response is known, and where that is."""
        own = x[:, self.columns[i]]
        there = ~np.isnan(own[:, -1])
        return np.asarray(own[there], dtype=np.float64), there

    @property
    def space(self) -> Parts:
        return tuple(part.space for part in self.parts)

    def start(self, x: Array, resp: Array) -> Parts:
        made: list[Any] = []
        for i, part in enumerate(self.parts):
            own, there = self.known(x, i)
            made.append(part.start(own, resp[there]))
        return tuple(made)

    def log_density(self, params: Parts, x: Array) -> Array:
        total = np.zeros((len(x), self.n_components))
        for i, part in enumerate(self.parts):
            own, there = self.known(x, i)
            total[there] += part.log_density(params[i], own)
        return total

    def stats(self, params: Parts, x: Array, resp: Array) -> Parts:
        made: list[Any] = []
        for i, part in enumerate(self.parts):
            own, there = self.known(x, i)
            made.append(part.stats(params[i], own, resp[there]))
        return tuple(made)

    def m_step(self, stats: Parts, params: Parts) -> Parts:
        each = zip(self.parts, stats, params, strict=True)
        return tuple(part.m_step(s, p) for part, s, p in each)

    def q(self, params: Parts, stats: Parts) -> float:
        each = zip(self.parts, params, stats, strict=True)
        return sum(part.q(p, s) for part, p, s in each)

    def score(self, params: Parts, stats: Parts) -> Parts:
        each = zip(self.parts, params, stats, strict=True)
        return tuple(part.score(p, s) for part, p, s in each)

    def redraw(
        self, params: Parts, x: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        made = np.array(x, dtype=np.float64)
        for part, own, columns in zip(self.parts, params, self.columns, strict=True):
            made[:, columns] = part.redraw(own, made[:, columns], labels, rng)
        return made

    def means(self, params: Parts, x: Array) -> Array:
        """E[y | x, state] of each response, (n, K, responses)."""
        each = zip(self.parts, params, self.columns, strict=True)
        return np.stack([part.mean(own, x[:, columns]) for part, own, columns in each], axis=2)
