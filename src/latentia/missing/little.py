"""Little's test of whether cells are missing completely at random."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from latentia.data.arrays import Rows
from latentia.families import incomplete
from latentia.families.incomplete import distinct

from .conditional import Normal

Array = NDArray[np.float64]


class LittleTest(NamedTuple):
    """Little's test.

    Attributes
    ----------
    statistic : float
        d², about chi-square where cells are missing completely at random.
    df : int
        Its degrees of freedom; 0 where there is one pattern, and nothing to test.
    p_value : float
        nan where `df` is 0.
    n_patterns : int
        Patterns of holes, without that of rows in which nothing was seen.
    """

    statistic: float
    df: int
    p_value: float
    n_patterns: int

    def __str__(self) -> str:
        if not self.df:
            return (
                "Little's test: no answer, since means differ between patterns only where several "
                "share a column."
            )
        return (
            f"Little's test that cells are missing completely at random: chi-square "
            f"{self.statistic:.4f} on {self.df} degrees of freedom, p = {self.p_value:.4g} "
            f"({self.n_patterns} patterns)."
        )


def little_test(normal: Normal, rows: Rows) -> LittleTest:
    """Whether the means of patterns differ more than chance lets them.

    The convention is Little's own: means and covariance are maximum-likelihood estimates of the
    normal distribution, the covariance with divisor n. Programs that take n - 1, or stop EM early,
    differ in the digits. That the test does not reject proves nothing, and it says nothing of
    whether cells are missing at random, which the data cannot tell.

    Parameters
    ----------
    normal : Normal
        Estimates.
    rows : Rows
        The rows (n, d) that they are of; nan where nothing was seen.

    References
    ----------
    Little (1988), A test of missing completely at random for multivariate data with missing
    values, JASA 83, 1198-1202, eq. 5.
    """
    seen, which = distinct(np.isnan(rows.x))
    weight = np.bincount(which, rows.weights, len(seen))
    away = np.where(np.isnan(rows.x), 0.0, rows.x - normal.mean)
    total = np.stack(
        [np.bincount(which, rows.weights * column, len(seen)) for column in away.T], axis=1
    )
    used = (weight > 0) & seen.any(axis=1)
    seen, weight, total = seen[used], weight[used], total[used]
    means = np.where(seen, total / weight[:, None], np.nan)
    statistic = 0.0
    zero, covariance = np.zeros((1, seen.shape[1])), normal.covariance[None]
    for batch in incomplete.batches(means, 1):
        given = incomplete.seen(batch, means[batch.rows], zero, covariance)
        statistic += float((given.distance[:, 0] * weight[batch.rows] * batch.real).sum())
    df = int(seen.sum()) - int(seen.any(axis=0).sum())
    p_value = float(chdtrc(df, statistic)) if df else np.nan
    return LittleTest(statistic, df, p_value, len(seen))
