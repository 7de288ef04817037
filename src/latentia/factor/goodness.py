"""How well a covariance of few factors fits: the likelihood-ratio test and indices made of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

Array = NDArray[np.float64]


class FitTest(NamedTuple):
    """The factors against covariances of any kind.

    Attributes
    ----------
    statistic : float
        Twice the log-likelihood that any covariance would add, with Bartlett's (1950) correction.
    df : int
    p_value : float
        nan where there are no degrees of freedom left to test.
    likelihood_ratio : float
        The statistic without the correction, which the indices below are made of.
    rmsea : float
        Root mean square error of approximation a degree of freedom (Steiger 1990); below 0.05 is
        commonly called close.
    rmsea_lower, rmsea_upper : float
        Its interval, from non-central chi-squared distributions.
    tli : float
        Tucker & Lewis's (1973) index, against columns that do not go together; 1 is perfect.
    level : float
        Of the interval.
    """

    statistic: float
    df: int
    p_value: float
    likelihood_ratio: float
    rmsea: float
    rmsea_lower: float
    rmsea_upper: float
    tli: float
    level: float

    def __str__(self) -> str:
        if not self.df:
            return "The factors can make any covariance, so there is nothing to test."
        p = "< 1e-16" if self.p_value < 1e-16 else f"= {self.p_value:.3g}"
        interval = f"{100 * self.level:g} % from {self.rmsea_lower:.3f} to {self.rmsea_upper:.3f}"
        return (
            f"chi-squared {self.statistic:.4g} on {self.df} degrees of freedom, p {p}; "
            f"RMSEA {self.rmsea:.3f} ({interval}), TLI {self.tli:.3f}"
        )


def degrees_of_freedom(n_features: int, n_factors: int) -> int:
    """Free numbers of a covariance that the factors do not use up; at least 0.

    Examples
    --------
    >>> degrees_of_freedom(25, 3)
    228
    """
    d, q = n_features, n_factors
    return max(((d - q) ** 2 - d - q) // 2, 0)


def fit_test(
    loglik: float,
    saturated: float,
    independent: float,
    n_rows: float,
    n_features: int,
    n_factors: int,
    level: float = 0.9,
) -> FitTest:
    """The test from three log-likelihoods of the same cells.

    Parameters
    ----------
    loglik, saturated, independent : float
        Of the factors, of any covariance, and of columns that do not go together.
    n_rows : float
        n, by weight.
    n_features, n_factors : int
    level : float, default=0.9

    References
    ----------
    Bartlett (1950), Tests of significance in factor analysis, British Journal of Psychology
    (Statistical Section) 3, 77-85; Steiger (1990), Multivariate Behavioral Research 25, 173-180;
    Tucker & Lewis (1973), Psychometrika 38, 1-10.
    """
    df = degrees_of_freedom(n_features, n_factors)
    ratio = max(2 * (saturated - loglik), 0.0)
    corrected = n_rows - 1 - (2 * n_features + 5) / 6 - 2 * n_factors / 3
    statistic = ratio * max(corrected, 0.0) / n_rows
    if not df:
        nan = float("nan")
        return FitTest(statistic, 0, nan, ratio, nan, nan, nan, nan, level)
    low, high = (_noncentrality(ratio, df, p) for p in ((1 + level) / 2, (1 - level) / 2))
    a_row = df * n_rows
    base, most = 2 * (saturated - independent), n_features * (n_features - 1) / 2
    worst = base / most - 1
    return FitTest(
        statistic,
        df,
        float(chi2.sf(statistic, df)),
        ratio,
        float(np.sqrt(max(ratio - df, 0.0) / a_row)),
        float(np.sqrt(low / a_row)),
        float(np.sqrt(high / a_row)),
        float((base / most - ratio / df) / worst) if worst > 0 else float("nan"),
        level,
    )


def _noncentrality(ratio: float, df: int, share: float) -> float:
    """The non-centrality at which a share of chi-squared lies below the ratio; at least 0."""
    if chi2.cdf(ratio, df) <= share:
        return 0.0
    most = ratio + 10 * np.sqrt(2 * (df + 2 * ratio)) + 10

    def above(lam: float) -> float:
        return float(ncx2.cdf(ratio, df, lam)) - share

    return float(brentq(above, 1e-12, most, xtol=1e-10))
