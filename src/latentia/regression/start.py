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
"""How a start may guess."""

TURNS = ("alternate", *METHODS)
"""The names that ``init_params`` of a mixture takes; by the first, starts are of either kind."""

DRAWN, KEPT = 8, 2
"""Sets of lines that a start draws, and those nearest to the rows, which the likelihood judges."""

SEEN = 2_000
"""Units through which lines are drawn, at most."""

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
        One of `TURNS`: "random" draws memberships instead, and "alternate" does so half the time,
        since lines that tell rows apart too well begin far from components that overlap much.
    """

    family: Regression[Any, Any]
    n_components: int
    skip: int
    method: str

    def __call__(self, sample: Any, rng: np.random.Generator) -> list[Array]:
        m, k = len(sample), self.n_components
        if k == 1:
            return [np.ones((m, 1))]
        if self.method == "random" or (self.method == "alternate" and rng.random() < 0.5):
            return [rng.dirichlet(np.ones(k), size=m)]
        some = sample
        if m > SEEN:
            p = sample.weights / sample.weights.sum()
            some = sample.take(np.sort(rng.choice(m, size=SEEN, replace=False, p=p)))
        seen = self._seen(some)
        sets = [_drawn(seen, k, rng) for _ in range(DRAWN)]
        nearest = sorted(range(DRAWN), key=lambda i: _distance(seen, sets[i]))
        everyone, found = self._seen(sample), list[Array]()
        for lines in (sets[i] for i in nearest):
            label = _labels(everyone, lines)
            count = np.bincount(label, sample.weights, minlength=k)
            resp = np.eye(k)[:, np.argsort(-count, kind="stable")][label]
            if not any(np.array_equal(resp, other) for other in found):
                found.append(resp)
            if len(found) == KEPT:
                break
        return found

    def _seen(self, sample: Any) -> _Seen:
        x = sample.x[:, self.skip :]
        rows = design(x, self.family.n_features) @ self.family.basis.columns
        grouped = isinstance(sample, GroupedRows)
        weights = sample.spread(sample.weights) if grouped else sample.weights
        return _Seen(rows, self.family.on_scale(x), weights, sample if grouped else None)


class _Seen(NamedTuple):
    """Rows in the basis, responses on the scale of the predictor, weights, groups if any."""

    rows: Array
    target: Array
    weights: Array
    groups: GroupedRows | None


def _off(seen: _Seen, lines: Array) -> Array:
    """Squares of the distances of each unit from each line, (m, K)."""
    off = (seen.target[:, None] - seen.rows @ lines.T) ** 2
    return off if seen.groups is None else seen.groups.summed(off)


def _labels(seen: _Seen, lines: Array) -> NDArray[np.intp]:
    """The line nearest to each unit."""
    return _off(seen, lines).argmin(axis=1)


def _distance(seen: _Seen, lines: Array) -> float:
    """The sum of the squared distances of units from their lines."""
    weights = seen.weights if seen.groups is None else seen.groups.weights
    return float(weights @ _off(seen, lines).min(axis=1))


def _drawn(seen: _Seen, k: int, rng: np.random.Generator) -> Array:
    """Lines (K, p) through a few rows each, and then by turns through the units nearest to them."""
    n, p = seen.rows.shape
    lines = np.empty((k, p))
    for j in range(k):
        drawn = rng.choice(n, size=min(p, n), p=seen.weights / seen.weights.sum())
        lines[j] = np.linalg.lstsq(seen.rows[drawn], seen.target[drawn], rcond=1e-6)[0]
    label = None
    for _ in range(ROUNDS):
        nearest = _labels(seen, lines)
        if label is not None and np.array_equal(nearest, label):
            break
        label = nearest
        chosen = np.eye(k)[label]
        if seen.groups is not None:
            chosen = seen.groups.spread(chosen)
        lines = least_squares(seen.rows, seen.target, chosen * seen.weights[:, None])
    return lines
