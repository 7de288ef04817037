"""Summaries: what a fit or a sweep says, as a table that a statistician expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .formatting import counted, fixed, one_line, status_word, whole, with_error
from .sweep import summarise_selection
from .tables import Summary, Table

__all__ = ["Summary", "Table", "summarise_mixture", "summarise_selection"]

MOST_ROWS = 60
"""Parameters that a summary lists; beyond, covariances are left out."""


def summarise_mixture(
    estimator: Any, level: float = 0.95, standard_errors: bool = True
) -> Summary:
    """What a fitted mixture says of its data.

    Parameters
    ----------
    estimator : GaussianMixture
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether to compute standard errors, which takes longer than all the rest.

    Returns
    -------
    Summary

    Examples
    --------
    >>> from latentia import GaussianMixture, datasets
    >>> X = datasets.load("faithful").values
    >>> fitted = GaussianMixture(2, random_state=0, tol=1e-9).fit(X)
    >>> print(summarise_mixture(fitted))
    Gaussian mixture of 2 components with full covariances
    ======...
    log-likelihood   -1130.2640
    ...
    """
    table, notes = parameter_rows(estimator, level, standard_errors)
    return Summary(
        f"Gaussian mixture of {counted(estimator.n_components, 'component')} "
        f"with {covariance_words(estimator)}",
        mixture_facts(estimator),
        (table,),
        (*notes, *estimator.certificate_.sentences()),
    )


def mixture_facts(estimator: Any) -> tuple[tuple[str, str], ...]:
    """Labels and values: the data, the likelihood and its criteria, the settings used."""
    n, free, loglik = estimator.fit_.n_obs, estimator.n_parameters_, estimator.loglik_
    return (
        ("data", f"{whole(n)} rows, {counted(estimator.n_features_in_, 'column')}"),
        ("log-likelihood", fixed(loglik, 4)),
        ("free parameters", whole(free)),
        ("BIC", fixed(free * float(np.log(n)) - 2 * loglik, 4)),
        ("AIC", fixed(2 * free - 2 * loglik, 4)),
        ("ended", status_word(estimator.fit_.status)),
        ("settings", settings_used(estimator)),
    )


def settings_used(estimator: Any) -> str:
    """The settings of the climb, such as ``tol=1e-05, max_iter=1000, starts=1``."""
    em, certificate = getattr(estimator, "em", None), estimator.certificate_
    used = {
        "tol": f"{certificate.tol:g} nats",
        "max_iter": getattr(estimator if em is None else em, "max_iter", None),
        "starts": certificate.n_starts,
        "reg_covar": getattr(estimator, "reg_covar", None),
        "accelerate": getattr(em, "accelerate", "auto"),
        "init_params": getattr(estimator, "init_params", None),
        "random_state": getattr(estimator, "random_state", None),
    }
    return ", ".join(f"{k}={v}" for k, v in used.items() if v is not None)


def parameter_rows(
    estimator: Any, level: float, standard_errors: bool
) -> tuple[Table, tuple[str, ...]]:
    """The table of parameters and what must be said of it."""
    notes: tuple[str, ...] = ()
    if standard_errors:
        estimates = list(estimator.parameter_table(level=level))
        note = estimator.standard_errors().note
        notes = (note,) if note else ()
    else:
        estimates = plain_estimates(estimator)
    shown = [e for e in estimates if not e.name.startswith("covariance")]
    if len(estimates) <= MOST_ROWS:
        shown = estimates
    elif len(shown) < len(estimates):
        left = len(estimates) - len(shown)
        notes = (*notes, f"{left} covariances are not listed; parameter_table() has them.")
    known = any(e.se == e.se for e in shown)
    columns: tuple[str, ...] = ("parameter", "estimate")
    if known:
        columns += ("std. error", f"{100 * level:g} % from", "to")
    rows = tuple(
        (one_line(e.name), *with_error(e.value, e.se, e.lower, e.upper, error=e.se))[
            : len(columns)
        ]
        for e in shown
    )
    return Table("Parameters", columns, rows, "l" + "r" * (len(columns) - 1)), notes


@dataclass(frozen=True)
class PlainEstimate:
    """A parameter without a standard error."""

    name: str
    value: float
    se: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")


def plain_estimates(estimator: Any) -> list[PlainEstimate]:
    """The parameters by name, without standard errors."""
    columns = column_names(estimator)
    found: list[PlainEstimate] = []
    for k, weight in enumerate(estimator.weights_, 1):
        found.append(PlainEstimate(f"weight[{k}]", float(weight)))
    for k, mean in enumerate(estimator.means_, 1):
        found += [
            PlainEstimate(f"mean[{k}, {name}]", float(value))
            for name, value in zip(columns, mean, strict=True)
        ]
    for k, matrix in enumerate(estimator.covariance_matrices(), 1):
        found += [
            PlainEstimate(f"covariance[{k}, {columns[i]}, {columns[j]}]", float(matrix[i, j]))
            for i in range(len(columns))
            for j in range(i + 1)
        ]
    return found


def column_names(estimator: Any, columns: Any = None) -> list[str]:
    """The names of the columns: those given, those of the fit, or x0, x1, ..."""
    names = columns if columns is not None else getattr(estimator, "feature_names_in_", None)
    if names is None:
        return [f"x{j}" for j in range(estimator.n_features_in_)]
    if len(names) != estimator.n_features_in_:
        raise ValueError(
            f"got {len(names)} names of columns, expected {estimator.n_features_in_}: "
            "one for each column the model was fitted to"
        )
    return [one_line(name) for name in names]


def covariance_words(estimator: Any) -> str:
    """The covariances in words, such as "full covariances"."""
    words = {
        "full": "full covariances",
        "tied": "one covariance for all (tied)",
        "diag": "diagonal covariances",
        "spherical": "spherical covariances",
    }
    kind = str(estimator.covariance_type)
    return words.get(kind, f"{kind} covariances")
