"""How many factors there are, by what rows without any would show: Horn's parallel analysis."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentia.data.arrays import Frame, Rows
from latentia.engine import EM
from latentia.engine.inference.asked import probability
from latentia.missing import holes
from latentia.missing.estimator import fitted
from latentia.missing.patterns import RowsByPattern
from latentia.mixture.errors import DataWarning

from .principal_model import available

Array = NDArray[np.float64]

TOL = 1e-2
"""Nats to which covariances of rows with holes are fitted: eigenvalues need no more."""


class ParallelAnalysis(NamedTuple):
    """Eigenvalues of the correlations, and what rows of unrelated columns show by chance.

    Attributes
    ----------
    eigenvalues : array of shape (d,)
        Largest first.
    reference : array of shape (d,)
        The quantile of each in draws of independent normal columns, of as many rows with the same
        holes.
    n_factors : int
        How many eigenvalues lie above their references, up to the first that does not.
    quantile : float
    """

    eigenvalues: Array
    reference: Array
    n_factors: int
    quantile: float

    @property
    def plot(self) -> Any:
        """A picture: ``plot.scree()``."""
        from latentia.report.factor import AnalysisPlots

        return AnalysisPlots(self)


def parallel_analysis(
    X: Any,
    *,
    sample_weight: ArrayLike | None = None,
    n_draws: int = 100,
    quantile: float = 0.95,
    random_state: Any = 0,
) -> ParallelAnalysis:
    """The number of factors by parallel analysis.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Numbers, nan where a value is missing; then correlations are the maximum-likelihood ones.
    sample_weight : array-like of shape (n,), optional
        How often each row counts.
    n_draws : int, default=100
    quantile : float, default=0.95
        Of the draws' eigenvalues; Horn took their mean, which keeps more factors.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    ParallelAnalysis

    Raises
    ------
    ValueError
        If a cell is infinite, if a column has no value or only one, or if `n_draws` or `quantile`
        make no sense.

    References
    ----------
    Horn (1965), A rationale and test for the number of factors in factor analysis, Psychometrika
    30, 179-185; Glorfeld (1995), Educational and Psychological Measurement 55, 377-393, for the
    quantile.

    Examples
    --------
    >>> from latentia import datasets
    >>> from latentia.factor import parallel_analysis
    >>> parallel_analysis(datasets.load("iris").values[:, :4]).n_factors
    1
    """
    if n_draws < 2:
        raise ValueError(f"got n_draws={n_draws!r}, expected at least 2")
    share = probability("quantile", quantile)
    rows = Rows.of(np.array(X, dtype=np.float64), sample_weight)
    names = getattr(X, "columns", [f"x{j}" for j in range(rows.x.shape[1])])
    holes.require_no_infinity(rows.x, names, "parallel_analysis")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of rows without a value
        holes.require_estimable(rows, names)
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))
    hidden = np.isnan(rows.x)
    if hidden.any():
        drawn = [_with_holes(rows, hidden, names, rng) for _ in range(n_draws)]
    else:
        drawn = [_without(rows, rng) for _ in range(n_draws)]
    seen = _eigenvalues(_covariance(rows, names))
    reference = np.quantile(drawn, share, axis=0)
    above = seen > reference
    n_factors = len(seen) if above.all() else int(np.argmin(above))
    return ParallelAnalysis(seen, reference, n_factors, share)


def _eigenvalues(covariance: Array) -> Array:
    spread = np.sqrt(np.diagonal(covariance))
    values: Any = np.linalg.eigvalsh(covariance / np.outer(spread, spread))[::-1]
    return values


def _covariance(rows: Rows, names: Any) -> Array:
    if not np.isnan(rows.x).any():
        frame = Frame.of(rows)
        by_pattern = RowsByPattern.of(frame.into(rows.x), rows.weights)
        return available([by_pattern])[1]
    model, fit = fitted(EM(tol=TOL), rows, 1.0, 0, names)
    del model
    return fit.params.covariance


def _without(rows: Rows, rng: np.random.Generator) -> Array:
    """Eigenvalues of correlations of independent columns, whose scatter is a Wishart matrix.

    Drawn as a triangle (Bartlett 1933), so that rows need not be.
    """
    d, n = rows.x.shape[1], float(rows.weights.sum())
    if n <= d + 1:
        x = rng.standard_normal((max(round(n), 2), d))
        return _eigenvalues(np.cov(x, rowvar=False, bias=True).reshape(d, d))
    lower = np.tril(rng.standard_normal((d, d)), -1)
    lower[np.arange(d), np.arange(d)] = np.sqrt(rng.chisquare(n - 1 - np.arange(d)))
    return _eigenvalues(lower @ lower.T)


def _with_holes(
    rows: Rows, hidden: NDArray[np.bool_], names: Any, rng: np.random.Generator
) -> Array:
    drawn = rng.standard_normal(rows.x.shape)
    drawn[hidden] = np.nan
    return _eigenvalues(_covariance(Rows(drawn, rows.weights), names))
