"""Estimates from several imputations put together by Rubin's rules."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]


class Pooled(NamedTuple):
    """What m imputations say together; every array has the shape of one estimate.

    Attributes
    ----------
    estimate : array
        The mean of the estimates.
    se : array
        Its standard error: what the complete data would leave open, and what the holes add.
    within, between : array
        The mean of the variances, and the variance of the estimates.
    df : array
        Degrees of freedom of a t interval (Barnard & Rubin 1999); infinite where the imputations
        do not differ.
    relative_increase : array
        By how much the holes raise the variance, against that of complete data.
    fraction_missing : array
        The fraction of missing information, with m being finite in mind (Rubin 1987, eq. 3.1.10).
    n_imputations : int
    """

    estimate: Any
    se: Any
    within: Any
    between: Any
    df: Any
    relative_increase: Any
    fraction_missing: Any
    n_imputations: int

    def interval(self, level: float = 0.95) -> tuple[Any, Any]:
        """The ends of an interval of Student's t.

        Raises
        ------
        ValueError
            If `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"got level={level!r}, expected a number between 0 and 1")
        wide = stdtrit(np.minimum(self.df, LARGE), (1 + level) / 2) * self.se
        return self.estimate - wide, self.estimate + wide


LARGE = 1e10
"""Degrees of freedom from which on Student's t is the normal distribution to every digit."""


def pool(estimates: ArrayLike, variances: ArrayLike, df: ArrayLike = np.inf) -> Pooled:
    """Put the estimates from several imputed tables together.

    Parameters
    ----------
    estimates : array-like of shape (m, ...)
        The estimate from each of the m tables.
    variances : array-like of shape (m, ...)
        Its variance, the squared standard error, in each.
    df : array-like, default=inf
        Degrees of freedom that the estimate would have if nothing were missing, such as rows less
        coefficients in a regression. What they are for: without them few imputations of few rows
        can seem to have more than complete data would.

    Returns
    -------
    Pooled

    Raises
    ------
    ValueError
        If there are fewer than two imputations, if shapes differ, or if a number is not finite or
        a variance negative.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, sec. 3.1; Barnard & Rubin (1999),
    Small-sample degrees of freedom with multiple imputation, Biometrika 86, 948-955.

    Examples
    --------
    >>> from latentia.missing import pool
    >>> pooled = pool([10.0, 12.0, 11.0], [4.0, 4.0, 4.0])
    >>> float(pooled.estimate), round(float(pooled.se), 4), round(float(pooled.df), 1)
    (11.0, 2.3094, 32.0)
    """
    q, u = np.asarray(estimates, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if q.ndim == 0 or len(q) < 2:
        got = 0 if q.ndim == 0 else len(q)
        raise ValueError(
            f"got {got} imputation{'' if got == 1 else 's'}, expected at least 2: what the holes "
            "add is seen only where imputations differ"
        )
    if q.shape != u.shape:
        raise ValueError(
            f"got estimates of shape {q.shape} and variances of shape {u.shape}, expected one "
            "variance for each estimate"
        )
    if not (np.isfinite(q).all() and np.isfinite(u).all() and (u >= 0).all()):
        raise ValueError(
            "got estimates or variances that are not finite, or a variance below 0, expected "
            "squared standard errors; look at the fit of each imputed table"
        )
    complete: Any = np.asarray(df, dtype=np.float64)
    if not (complete > 0).all():
        raise ValueError(f"got df={df!r}, expected degrees of freedom above 0")
    m = len(q)
    within, between = u.mean(axis=0), q.var(axis=0, ddof=1)
    added = (1 + 1 / m) * between
    total = within + added
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(total > 0, added / total, 0.0)
        increase = np.where(added > 0, added / within, 0.0)
        large = (m - 1) / share**2  # Rubin's own; infinite where imputations agree
        seen = np.where(
            np.isinf(complete), np.inf, (complete + 1) / (complete + 3) * complete * (1 - share)
        )
        free = 1 / (1 / large + 1 / seen)
        missing = np.where(np.isinf(increase), 1.0, (increase + 2 / (free + 3)) / (increase + 1))
    return Pooled(q.mean(axis=0), np.sqrt(total), within, between, free, increase, missing, m)
