"""Turnbull's estimate as the engine sees it: mass on the innermost intervals."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from latentia.data.arrays import Rows
from latentia.engine import Model, Suff
from latentia.engine.space import Simplex

from .innermost import Innermost

Array = NDArray[np.float64]


class Masses(NamedTuple):
    """The mass of each innermost interval, (m,)."""

    mass: Any


class Counts(NamedTuple):
    """Expected weight of the rows in each innermost interval, (m,)."""

    count: Any


@final
class SelfConsistentModel(Model[Masses, Rows]):
    """Times of which intervals are known, whatever their distribution.

    Rows are (first, last): the innermost intervals, numbered from 0, from `first` up to but
    without `last` are those that the row's own interval has. The latent variable is which one
    the time fell into; sums over neighbours are differences of running sums, so an E-step costs as
    much as rows and intervals together.

    Parameters
    ----------
    where : Innermost
        The innermost intervals.
    """

    one_maximum = True

    def __init__(self, where: Innermost) -> None:
        self.where = where

    @property
    def space(self) -> Masses:
        return Masses(Simplex())

    def start(self, sample: Any, rng: np.random.Generator, given: Masses | None = None) -> Masses:
        """The same mass everywhere: the likelihood is concave, so any start will do."""
        m = len(self.where.left)
        return Masses(np.full(m, 1 / m)) if given is None else given

    def probabilities(self, params: Masses, chunk: Rows) -> Array:
        """Of each row's interval, (n,)."""
        first, last = _ends(chunk)
        upto = np.concatenate([[0.0], np.cumsum(params.mass)])
        single = last == first + 1  # of one mass, which is known without rounding
        near = params.mass[np.minimum(first, len(params.mass) - 1)]
        return np.where(single, near, np.maximum(upto[last] - upto[first], 0.0))

    def unit_logliks(self, params: Masses, chunk: Rows) -> Array:
        """The logarithm of the probability of each row's interval, (n,); -inf where it has none."""
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities(params, chunk))

    def e_step(self, params: Masses, chunk: Rows) -> Suff:
        first, last = _ends(chunk)
        total = self.probabilities(params, chunk)
        counted = chunk.weights > 0
        with np.errstate(divide="ignore"):
            share = np.where(counted, chunk.weights / np.where(counted, total, 1.0), 0.0)
            loglik = float(chunk.weights[counted] @ np.log(total[counted]))
        m = len(params.mass)
        change = np.bincount(first, share, m + 1) - np.bincount(last, share, m + 1)
        # what is left by rounding where intervals end must not become a count below zero
        count = np.maximum(np.cumsum(change)[:m], 0.0) * params.mass
        n = float(chunk.weights.sum())
        return Suff(loglik, n, n, Counts(count))

    def m_step(self, suff: Suff, params: Masses) -> Masses:
        count = suff.stats.count
        return Masses(count / count.sum())

    def q(self, params: Masses, suff: Suff) -> float:
        return float(xlogy(suff.stats.count, params.mass).sum())

    def score(self, params: Masses, suff: Suff) -> Masses:
        return Masses(suff.stats.count / np.where(params.mass > 0, params.mass, 1.0))

    def slopes(self, params: Masses, chunk: Rows) -> Array:
        """The derivative of the mean log-likelihood in each mass, less 1, (m,).

        At the maximum it is zero where there is mass and nowhere positive (Kuhn & Tucker; Gentleman
        & Geyer 1994).
        """
        first, last = _ends(chunk)
        total = self.probabilities(params, chunk)
        share = chunk.weights / total
        m = len(params.mass)
        change = np.bincount(first, share, m + 1) - np.bincount(last, share, m + 1)
        return np.cumsum(change)[:m] / chunk.weights.sum() - 1


def _ends(chunk: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    x = np.asarray(chunk.x)
    return x[:, 0].astype(np.intp), x[:, 1].astype(np.intp)
