"""Columns of different kinds, independent given the component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from .family import Family

Array = NDArray[np.float64]
Parts = tuple[Any, ...]


@final
class Product(Family[Parts, Parts]):
    """The product of families of some columns each: mixed data (Everitt 1988).

    Parameters and statistics are tuples of those of the parts, in the order given. A part may
    itself have dependent columns, such as a Gaussian with full covariances. Cells may be missing
    where all parts allow it.

    Parameters
    ----------
    parts : dict of columns to Family
        Columns are an int or a tuple of ints, in the order in which the family sees them. Each
        column from 0 to the largest is in one part, and all parts have the same number of
        components.

    Raises
    ------
    ValueError
        If a column is in no part or in two, or if numbers of components differ.
    TypeError
        If there is no part, or one that is no family.

    Examples
    --------
    Whether a patient smokes, and visits a year:

    >>> import numpy as np
    >>> from latentia.families import Bernoulli, Poisson, Product
    >>> family = Product({0: Bernoulli(2), 1: Poisson(2)})
    >>> x = np.array([[1.0, 7.0], [0.0, 2.0], [1.0, 9.0], [np.nan, 1.0]])
    >>> smokers, visits = family.start(x, np.eye(2)[[0, 1, 0, 1]])
    >>> visits.rates.round(1)
    array([[6.6],
           [2.3]])
    """

    def __init__(self, parts: Mapping[int | tuple[int, ...], Family[Any, Any]]) -> None:
        if not parts or not all(isinstance(family, Family) for family in parts.values()):
            raise TypeError(f"got {parts!r}, expected a dict of columns to families, one at least")
        self.parts = list(parts.values())
        self.columns = [
            np.array([each] if isinstance(each, int | np.integer) else each, dtype=np.intp)
            for each in parts
        ]
        taken = np.sort(np.concatenate(self.columns))
        if not np.array_equal(taken, np.arange(len(taken))):
            raise ValueError(
                f"got columns {taken.tolist()}, expected each from 0 to {int(taken.max())} in "
                "one part"
            )
        several = sorted({family.n_components for family in self.parts})
        if len(several) > 1:
            raise ValueError(f"got parts of {several} components, expected one number for all")
        self.n_components, self.n_features = several[0], len(taken)
        self.m_step_exact = all(family.m_step_exact for family in self.parts)
        self.takes_missing = all(family.takes_missing for family in self.parts)
        self.n_gauge = sum(family.n_gauge for family in self.parts)

    def _seen(self, x: Array) -> list[Array]:
        """The rows as each part sees them."""
        return [x[:, columns] for columns in self.columns]

    @property
    def space(self) -> Parts:
        return tuple(family.space for family in self.parts)

    def start(self, x: Array, resp: Array) -> Parts:
        return tuple(f.start(own, resp) for f, own in zip(self.parts, self._seen(x), strict=True))

    def log_density(self, params: Parts, x: Array) -> Array:
        each = zip(self.parts, params, self._seen(x), strict=True)
        return cast(Array, sum(family.log_density(own, seen) for family, own, seen in each))

    def stats(self, params: Parts, x: Array, resp: Array) -> Parts:
        each = zip(self.parts, params, self._seen(x), strict=True)
        return tuple(family.stats(own, seen, resp) for family, own, seen in each)

    def m_step(self, stats: Parts, params: Parts) -> Parts:
        return tuple(f.m_step(s, p) for f, s, p in zip(self.parts, stats, params, strict=True))

    def q(self, params: Parts, stats: Parts) -> float:
        return sum(f.q(p, s) for f, p, s in zip(self.parts, params, stats, strict=True))

    def score(self, params: Parts, stats: Parts) -> Parts:
        return tuple(f.score(p, s) for f, p, s in zip(self.parts, params, stats, strict=True))

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        found = [
            (wrong[0], int(columns[wrong[1]]), wrong[2])
            for family, columns, seen in zip(self.parts, self.columns, self._seen(x), strict=True)
            if (wrong := family.fault(seen)) is not None
        ]
        return min(found, default=None)

    def expected(self, params: Parts, x: Array) -> Array:
        rows = np.repeat(x[:, None, :], self.n_components, axis=1)
        for family, own, columns in zip(self.parts, params, self.columns, strict=True):
            rows[:, :, columns] = family.expected(own, x[:, columns])
        return rows

    def completed(
        self, params: Parts, x: Array, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        rows = np.array(x, dtype=np.float64)
        for family, own, columns in zip(self.parts, params, self.columns, strict=True):
            rows[:, columns] = family.completed(own, x[:, columns], labels, rng)
        return rows

    def draw(self, params: Parts, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        rows = np.empty((len(labels), self.n_features))
        for family, own, columns in zip(self.parts, params, self.columns, strict=True):
            rows[:, columns] = family.draw(own, labels, rng)
        return rows
