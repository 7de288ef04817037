"""Where a mixture of regressions starts: lines through a few rows each, and the rows near them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.groups import GroupedRows
from latentia.families.regression import Regression
from latentia.families.regression.family import design, least_squares

Array = NDArray[np.float64]

METHODS = ("lines", "random")
"""The names that ``init_params`` takes."""

GUESSES = 6
"""Sets of lines that a start draws, for the likelihood to choose among."""

ROUNDS = 10
"""How often lines are drawn anew through the rows nearest to them, at most."""


class LineGuesses(NamedTuple):
    """First guesses at the memberships of a sample's units, for the starts of a model.

    Each draws as many rows for each component as a line has coefficients, fits lines through
    them, and then by turns gives every unit to the nearest line and fits the lines to their
    units (Späth 1979), on the scale of the linear predictor.

    Attributes
    ----------
    family : Regression
    n_components : int
    skip : int
        Columns of the rows before the family's.
    method : str
        One of `METHODS`; "random" draws memberships instead.
    """

    family: Regression[Any, Any]
    n_components: int
    skip: int
    method: str

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        m, k = len(sample), self.n_components
        if k == 1:
            return [np.ones((m, 1))]
        if self.method == "random":
            return [rng.dirichlet(np.ones(k), size=m)]
        x = sample.x[:, self.skip :]
        rows = design(x, self.family.n_features) @ self.family.basis.columns
        target = self.family.on_scale(x)
        grouped = isinstance(sample, GroupedRows)
        weights = sample.spread(sample.weights) if grouped else sample.weights
        found: list[Array] = []
        for _ in range(GUESSES):
            label = self._nearest(sample, rows, target, weights, rng)
            count = np.bincount(label, sample.weights, minlength=k)
            resp = np.eye(k)[:, np.argsort(-count, kind="stable")][label]
            if not any(np.array_equal(resp, other) for other in found):
                found.append(resp)
        return found

    def _nearest(
        self, sample: Any, rows: Array, target: Array, weights: Array, rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """The line of each unit in the end."""
        n, p = rows.shape
        k, grouped = self.n_components, isinstance(sample, GroupedRows)
        lines = np.empty((k, p))
        for j in range(k):
            drawn = rng.choice(n, size=min(p, n), p=weights / weights.sum())
            lines[j] = np.linalg.lstsq(rows[drawn], target[drawn], rcond=1e-6)[0]
        label = np.full(len(sample), -1, dtype=np.intp)
        for _ in range(ROUNDS):
            off = (target[:, None] - rows @ lines.T) ** 2
            nearest = (sample.summed(off) if grouped else off).argmin(axis=1)
            if np.array_equal(nearest, label):
                break
            label = nearest
            chosen = np.eye(k)[sample.spread(label) if grouped else label]
            lines = least_squares(rows, target, chosen * weights[:, None])
        return label
