"""What factors and principal components say: summaries and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from .displays.climb import ClimbDisplay
from .displays.loadings import LoadingsDisplay, standardised
from .displays.scree import ScreeDisplay
from .figures import name_a_plot
from .formatting import (
    counted,
    fixed,
    one_line,
    share,
    significant,
    status_word,
    whole,
    with_interval,
)
from .parameters import errors_of, with_errors
from .summary import settings_used
from .tables import Summary, Table

MOST_COLUMNS, MOST_FACTORS = 60, 10
"""Columns and factors that a summary lists."""


def summarise_factors(estimator: Any, standard_errors: bool = True) -> Summary:
    """What a fitted `FactorAnalysis` says.

    Parameters
    ----------
    estimator : FactorAnalysis
        Fitted.
    standard_errors : bool, default=True
        Whether to compute standard errors, which takes longer than all the rest.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import FactorAnalysis, datasets
    >>> print(summarise_factors(FactorAnalysis(1).fit(datasets.load("iris").values)))
    Factor analysis of 4 columns with 1 factor
    ==========================================
    ...
    """
    q, d = estimator.components_.shape
    heights, notes = estimator.criteria(), []
    turned = "" if estimator.rotation is None else f", rotated by {estimator.rotation}"
    facts = [
        ("data", f"{whole(estimator.fit_.n_obs)} rows, {counted(d, 'column')}"),
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic")),
        ("ended", status_word(estimator.fit_.status)),
        ("settings", settings_used(estimator)),
    ]
    tables = [_loadings(estimator, standard_errors, notes)]
    if np.any(estimator.factor_correlations_ != np.eye(q)):
        tables.append(_correlations(estimator.factor_correlations_))
    try:
        notes.insert(0, f"Test of fit: {estimator.fit_test()}")
    except (NotFittedError, ValueError) as error:
        notes.append(f"There is no test of fit: {error}.")
    return Summary(
        f"Factor analysis of {counted(d, 'column')} with {counted(q, 'factor')}{turned}",
        tuple(facts),
        tuple(tables),
        (*notes, *estimator.certificate_.sentences()),
    )


def _loadings(estimator: Any, standard_errors: bool, notes: list[str]) -> Table:
    """Loadings, uniquenesses as shares of the variance, and their standard errors."""
    loadings, names = standardised(estimator).T, _names(estimator)
    variance = np.diagonal(estimator.get_covariance())
    unique, errors = estimator.noise_variance_ / variance, None
    if standard_errors:
        errors, note = errors_of(estimator)
        notes += filter(None, [note])
    q = min(loadings.shape[1], MOST_FACTORS)
    heads, align = ["column", *(f"factor {k}" for k in range(q)), "unique"], "l" + "r" * (q + 1)
    if errors is not None:
        heads, align = [*heads, "largest std. error", "of unique"], f"{align}rr"
    rows = []
    for j in range(min(len(names), MOST_COLUMNS)):
        row = [one_line(names[j]), *(fixed(value, 3) for value in loadings[j, :q])]
        row.append(fixed(unique[j], 3))
        if errors is not None:
            own = errors.components[:, j] / np.sqrt(variance[j])
            row.append(fixed(float(np.max(own, initial=0.0)), 3))
            row.append(fixed(errors.noise_variance[j] / variance[j], 3))
        rows.append(tuple(row))
    explained = [fixed(float((loadings[:, k] ** 2).sum()), 3) for k in range(q)]
    blank = [""] * (len(heads) - 1 - q)
    rows.append(("sum of squares", *explained, *blank))
    left = len(names) - (len(rows) - 1)
    if left > 0 or loadings.shape[1] > q:
        notes.append("Not all loadings are listed; components_ has them.")
    title = "Loadings and uniquenesses, in units of each column's standard deviation"
    return Table(title, tuple(heads), tuple(rows), align)


def _correlations(correlations: Any) -> Table:
    q = min(len(correlations), MOST_FACTORS)
    rows = tuple(
        (f"factor {k}", *(fixed(float(value), 3) for value in correlations[k, : k + 1]))
        + ("",) * (q - k - 1)
        for k in range(q)
    )
    heads = ("", *(f"factor {k}" for k in range(q)))
    return Table("Correlations of the factors", heads, rows, "l" + "r" * q)


def _names(estimator: Any) -> list[str]:
    names = getattr(estimator, "feature_names_in_", None)
    return [f"x{j}" for j in range(len(estimator.mean_))] if names is None else list(names)


def summarise_principal(estimator: Any, level: float = 0.95) -> Summary:
    """What a fitted `ProbabilisticPCA` says.

    Parameters
    ----------
    estimator : ProbabilisticPCA
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import ProbabilisticPCA, datasets
    >>> print(summarise_principal(ProbabilisticPCA(2).fit(datasets.load("iris").values)))
    Principal components of 4 columns: 2
    ====================================
    ...
    """
    q, d = estimator.components_.shape
    heights = estimator.criteria()
    estimates, note = with_errors(estimator, level)
    notes = [note] if note else []
    heads: tuple[str, ...] = ("direction", "share", "variance")
    if np.isfinite(estimates[0].se):
        heads += ("std. error", f"{100 * level:g} % from", "to")
    rows = []
    shares = [*map(share, estimator.explained_variance_ratio_), ""]
    for k, e in enumerate(estimates[: q + 1]):
        name = "each other" if k == q else f"component {k}"
        told = with_interval(e.value, e.se, e.lower, e.upper)
        rows.append((name, shares[k], *told)[: len(heads)])
    shown = rows if q <= MOST_COLUMNS else [*rows[:MOST_COLUMNS], rows[-1]]
    if len(shown) < len(rows):
        notes.append("Not all components are listed; explained_variance_ has them.")
    facts = (
        ("data", f"{whole(estimator.fit_.n_obs)} rows, {counted(d, 'column')}"),
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic")),
        ("noise", significant(estimator.noise_variance_)),
        ("ended", status_word(estimator.fit_.status)),
        ("settings", settings_used(estimator)),
    )
    table = Table("Variances along the components", heads, tuple(shown), "l" + "r" * 5)
    return Summary(
        f"Principal components of {counted(d, 'column')}: {q}",
        facts,
        (Table(table.title, heads, table.rows, table.align[: len(heads)]),),
        (*notes, *estimator.certificate_.sentences()),
    )


class FactorPlots:
    """The plots of factors or principal components; each method returns a Display.

    Parameters
    ----------
    estimator : FactorAnalysis or ProbabilisticPCA
        Fitted.

    Examples
    --------
    >>> from latentia import FactorAnalysis, datasets
    >>> FactorPlots(FactorAnalysis(1).fit(datasets.load("iris").values)).loadings()
    <...LoadingsDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def loadings(self, **options: Any) -> LoadingsDisplay:
        """A map of loadings; options as for `LoadingsDisplay.from_estimator`."""
        return LoadingsDisplay.from_estimator(self._estimator, **options)

    def climb(self, **options: Any) -> ClimbDisplay:
        """The climb; options as for `ClimbDisplay.from_estimator`."""
        return ClimbDisplay.from_estimator(self._estimator, **options)


class AnalysisPlots:
    """The plot of a parallel analysis.

    Parameters
    ----------
    analysis : ParallelAnalysis

    Examples
    --------
    >>> from latentia import datasets
    >>> from latentia.factor import parallel_analysis
    >>> parallel_analysis(datasets.load("iris").values, n_draws=20).plot.scree()
    <...ScreeDisplay object at ...>
    """

    __call__ = name_a_plot

    def __init__(self, analysis: Any) -> None:
        self._analysis = analysis

    def scree(self, **options: Any) -> ScreeDisplay:
        """Eigenvalues and references; options as for `ScreeDisplay.from_analysis`."""
        return ScreeDisplay.from_analysis(self._analysis, **options)
