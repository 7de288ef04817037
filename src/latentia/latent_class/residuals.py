"""How well classes explain the answers: chi-square statistics of the whole table and of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import chi2

Array = NDArray[np.float64]


class GoodnessOfFit(NamedTuple):
    """The fit beside the saturated table of all answer patterns.

    Attributes
    ----------
    g2 : float
        Likelihood-ratio statistic 2 sum_s n_s log(n_s / m_s) over the patterns s, with n_s rows
        observed and m_s expected.
    x2 : float
        Pearson's sum_s (n_s - m_s)^2 / m_s over all possible patterns.
    df : int
        Patterns - 1 - free parameters; below 1 nothing can be tested.
    p_g2, p_x2 : float or None
        Upper tails of chi-square with `df` degrees of freedom; None where nothing can be tested.
        With fewer rows than patterns these approximations are poor.
    n_rows : float
        Rows, by weight, with all answers: only these are counted.
    n_patterns : int
        Possible patterns.
    """

    g2: float
    x2: float
    df: int
    p_g2: float | None
    p_x2: float | None
    n_rows: float
    n_patterns: int


class BivariateResiduals(NamedTuple):
    """Pearson's chi-square of the table of each pair of items, per degree of freedom.

    Attributes
    ----------
    items : tuple of str
    residual : array of shape (d, d)
        `statistic` / `df`; about 1 where the classes explain how two items go together, and
        large where they do not. 0 on the diagonal.
    statistic : array of shape (d, d)
    df : array of int, shape (d, d)
        (L_j - 1)(L_k - 1) with L_j categories of item j.
    total : float
        The sum of `residual` over pairs.
    """

    items: tuple[str, ...]
    residual: Array
    statistic: Array
    df: NDArray[np.int64]
    total: float

    def largest(self, most: int = 10) -> list[tuple[str, str, float]]:
        """The pairs with the largest residuals: names and residual, the largest first."""
        pairs = [
            (self.items[k], self.items[j], float(self.residual[j, k]))
            for j in range(len(self.items))
            for k in range(j)
        ]
        return sorted(pairs, key=lambda pair: -pair[2])[:most]


def goodness_of_fit(
    patterns: Array, counts: Array, density: Array, n_levels: Sequence[int], n_free: int
) -> GoodnessOfFit:
    """G² and X² from the patterns that occur.

    Parameters
    ----------
    patterns : array of shape (m, d)
        Codes; different rows, nan where an answer is missing.
    counts : array of shape (m,)
        Rows with each.
    density : array of shape (m,)
        Probability of each under the model.
    n_levels : sequence of int
        Categories of each item.
    n_free : int
        Free parameters of the model.

    Returns
    -------
    GoodnessOfFit

    References
    ----------
    Goodman (1974), Biometrika 61, 215-231.
    """
    whole = ~np.isnan(patterns).any(axis=1)
    seen, each = counts[whole], density[whole]
    n, cells = float(seen.sum()), 1
    for levels in n_levels:
        cells *= int(levels)
    expected = n * each
    g2 = 2 * float(np.sum(xlogy(seen, seen) - xlogy(seen, expected)))
    unseen = max(n - float(expected.sum()), 0.0)  # each such pattern adds what it is expected
    there = expected > 0
    x2 = float(np.sum((seen - expected)[there] ** 2 / expected[there])) + unseen
    df = cells - 1 - n_free
    tails = [float(chi2.sf(value, df)) if df > 0 else None for value in (g2, x2)]
    return GoodnessOfFit(max(g2, 0.0), x2, df, tails[0], tails[1], n, cells)


def bivariate_residuals(
    x: Array,
    counts: Array,
    weights: Array,
    probabilities: Array,
    n_levels: Sequence[int],
    items: Sequence[str],
) -> BivariateResiduals:
    """Chi-squares of all pairs of items.

    Of each pair the rows count that answer both; the model expects as many.

    Parameters
    ----------
    x : array of shape (n, d)
        Codes, nan where an answer is missing.
    counts : array of shape (n,)
        Weight of each row.
    weights : array of shape (K,) or (n, K)
        Of the classes, or of each row's where covariates say more.
    probabilities : array of shape (K, d, L)
    n_levels : sequence of int
    items : sequence of str

    Returns
    -------
    BivariateResiduals

    References
    ----------
    Vermunt & Magidson (2016), Technical Guide for Latent GOLD 5.1; Oberski, van Kollenburg &
    Vermunt (2013), Advances in Data Analysis and Classification 7, 267-279.
    """
    d = x.shape[1]
    known = ~np.isnan(x)
    codes = np.where(known, x, 0.0).astype(np.intp)
    shares = np.broadcast_to(weights, (len(x), len(probabilities)))
    statistic, df = np.zeros((d, d)), np.zeros((d, d), dtype=np.int64)
    for j in range(d):
        for k in range(j):
            both = known[:, j] & known[:, k]
            lj, lk = int(n_levels[j]), int(n_levels[k])
            cell = codes[both, j] * lk + codes[both, k]
            seen = np.bincount(cell, counts[both], minlength=lj * lk).reshape(lj, lk)
            mass = counts[both] @ shares[both]
            first, second = probabilities[:, j, :lj], probabilities[:, k, :lk]
            expected = (first * mass[:, None]).T @ second
            there = expected > 0
            gap = (seen - expected)[there] ** 2 / expected[there]
            statistic[j, k] = statistic[k, j] = float(gap.sum())
            df[j, k] = df[k, j] = (lj - 1) * (lk - 1)
    residual = statistic / np.maximum(df, 1)
    return BivariateResiduals(tuple(items), residual, statistic, df, float(np.tril(residual).sum()))
