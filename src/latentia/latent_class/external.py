"""What external variables have to do with classes: regressions on them, and their means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chi2

from latentia.estimator import Estimate

Array = NDArray[np.float64]


class ClassRegression(NamedTuple):
    """Log-odds of the classes against a reference class, linear in covariates.

    Attributes
    ----------
    coefficients : array of shape (K, q)
        The intercept first; 0 for the reference.
    standard_errors : array of shape (K, q)
        Robust, with what the classes themselves are uncertain unless these were taken as known.
    covariance : array of shape (K, q, K, q)
    names : tuple of str
        ``"intercept"``, then the covariates.
    reference : int
    correction : str
    loglik : float
        What was maximised, in nats.
    """

    coefficients: Array
    standard_errors: Array
    covariance: Array
    names: tuple[str, ...]
    reference: int
    correction: str
    loglik: float

    def table(self, level: float = 0.95) -> list[Estimate]:
        """Every coefficient but the reference's, with its Wald interval."""
        return [
            _estimate(f"coefficient[{t}, {name}]", self, (t, j), level)
            for t in range(len(self.coefficients))
            for j, name in enumerate(self.names)
            if t != self.reference
        ]

    def odds_ratios(self, level: float = 0.95) -> list[Estimate]:
        """exp of the coefficients of the covariates; standard errors by the delta method."""
        return [
            Estimate(
                e.name.replace("coefficient", "odds_ratio"),
                float(np.exp(e.value)),
                float(np.exp(e.value) * e.se),
                float(np.exp(e.lower)),
                float(np.exp(e.upper)),
            )
            for e in self.table(level)
            if not e.name.endswith(", intercept]")
        ]

    def wald(self, covariate: str) -> tuple[float, int, float]:
        """Whether a covariate matters at all: chi-square, degrees of freedom, tail."""
        if covariate not in self.names:
            raise ValueError(
                f"got the covariate {covariate!r}, expected one of {', '.join(self.names)}"
            )
        j = self.names.index(covariate)
        free = [t for t in range(len(self.coefficients)) if t != self.reference]
        return _wald(self.coefficients[free, j], self.covariance[np.ix_(free, [j], free, [j])])


class OutcomeMeans(NamedTuple):
    """The mean of a variable in each class, or the share of each of its categories.

    Attributes
    ----------
    means : array of shape (K, m)
        m = 1, or the number of categories.
    standard_errors : array of shape (K, m)
        Robust, with what the classes themselves are uncertain unless these were taken as known.
    covariance : array of shape (K, m, K, m)
    names : tuple of str
        The variable, or its categories.
    correction : str
    """

    means: Array
    standard_errors: Array
    covariance: Array
    names: tuple[str, ...]
    correction: str

    def table(self, level: float = 0.95) -> list[Estimate]:
        """Every mean with its Wald interval."""
        return [
            _estimate(f"mean[{t}, {name}]", self, (t, j), level)
            for t in range(len(self.means))
            for j, name in enumerate(self.names)
        ]

    def equal(self) -> tuple[float, int, float]:
        """Whether all classes have the same means: Wald's chi-square, df, tail.

        Of shares of categories the last is left out, which follows from the others.
        """
        m = self.means.shape[1]
        kept = range(m if m == 1 else m - 1)
        k = len(self.means)
        contrast = np.eye(k)[1:] - np.eye(k)[0]
        gaps = contrast @ self.means[:, kept]
        part = self.covariance[np.ix_(range(k), kept, range(k), kept)]
        spread = np.einsum("at,tjul,bu->ajbl", contrast, part, contrast)
        return _wald(gaps, spread)


def _estimate(
    name: str, found: ClassRegression | OutcomeMeans, at: tuple[int, int], level: float
) -> Estimate:
    value, se = float(found[0][at]), float(found[1][at])
    wide = float(ndtri((1 + level) / 2)) * se
    return Estimate(name, value, se, value - wide, value + wide)


def _wald(values: Array, covariance: Array) -> tuple[float, int, float]:
    """Chi-square that all values are zero, its degrees of freedom, and the upper tail."""
    flat = values.ravel()
    spread = covariance.reshape(len(flat), len(flat))
    statistic = float(flat @ np.linalg.pinv(spread, hermitian=True) @ flat)
    df = int(np.linalg.matrix_rank(spread, hermitian=True))
    return statistic, df, float(chi2.sf(statistic, df)) if df else 1.0
