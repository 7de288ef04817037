"""Summaries: what a fit or a sweep says, as a table that a statistician expects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from .formatting import (
    FIRST_GROUP,
    counted,
    fixed,
    one_line,
    shorten,
    status_word,
    whole,
    with_interval,
)
from .kinds import (
    is_gaussian,
    is_hidden_markov,
    is_latent_class,
    is_regression,
    is_switching,
    is_variational,
)
from .parameters import errors_of
from .sweep import summarise_selection
from .tables import Summary, Table

__all__ = ["Summary", "Table", "summarise_mixture", "summarise_selection"]

USED = 0.01
"""The weight from which on a component that a prior could have emptied counts as in use."""

MOST_ROWS = 60
"""Parameters that a summary lists; beyond, covariances or what is last are left out."""


def summarise_mixture(
    estimator: Any,
    level: float = 0.95,
    standard_errors: bool = True,
    columns: Sequence[str] | None = None,
) -> Summary:
    """What a fitted mixture says of its data.

    Parameters
    ----------
    estimator : GaussianMixture or Mixture
        Fitted.
    level : float, default=0.95
        Of the confidence intervals.
    standard_errors : bool, default=True
        Whether to compute standard errors, which takes longer than all the rest.
    columns : sequence of str, optional
        Names of the columns; those of the fit, or x0, x1, ... by default.

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
    if is_regression(estimator):
        from .regression import summarise_regression  # which is made of what is below

        return summarise_regression(estimator, level, standard_errors)
    if is_switching(estimator):
        from .switching import summarise_switching

        return summarise_switching(estimator, level, standard_errors)
    if is_hidden_markov(estimator):
        from .hidden_markov import summarise_hidden_markov

        return summarise_hidden_markov(estimator, level, standard_errors, columns)
    table, notes = parameter_rows(estimator, level, standard_errors, columns)
    return Summary(
        title_of(estimator),
        mixture_facts(estimator),
        (table,),
        (*notes, *estimator.certificate_.sentences()),
    )


def title_of(estimator: Any) -> str:
    """What kind of mixture it is."""
    components = counted(len(estimator.weights_), "component")
    if is_latent_class(estimator):
        k = len(estimator.weights_)
        return f"Latent class model of {k} class{'' if k == 1 else 'es'}"
    if is_gaussian(estimator):
        whose = "Bayesian Gaussian" if is_variational(estimator) else "Gaussian"
        noise = ", and noise" if getattr(estimator, "noise_box_", None) is not None else ""
        return f"{whose} mixture of {components} with {covariance_words(estimator)}{noise}"
    return f"Mixture of {components} ({shorten(one_line(estimator.described()), 120)})"


def mixture_facts(estimator: Any) -> tuple[tuple[str, str], ...]:
    """Labels and values: the data, the likelihood and its criteria, the settings used."""
    n, heights = estimator.fit_.n_obs, estimator.criteria()
    height = (
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic", "icl")),
    )
    if is_variational(estimator):
        height = (("log evidence", f"at least {fixed(estimator.loglik_, 4)}"), *prior(estimator))
    if is_latent_class(estimator) and len(estimator.weights_) > 1:
        entropy = (heights["icl"] - heights["bic"]) / 2
        sureness = 1 - entropy / (n * np.log(len(estimator.weights_)))
        height = (*height, ("relative entropy", fixed(sureness, 4)))
    return (
        ("data", f"{whole(n)} rows, {counted(estimator.n_features_in_, 'column')}"),
        *height,
        ("ended", status_word(estimator.fit_.status)),
        ("settings", settings_used(estimator)),
    )


def prior(estimator: Any) -> tuple[tuple[str, str], ...]:
    """What a Bayesian mixture's prior was, in its numbers, and how many components it left."""
    numbers = ("weight_concentration", "mean_precision", "degrees_of_freedom")
    words = [f"{name}={getattr(estimator, f'{name}_prior_'):.3g}" for name in numbers]
    kind = estimator.weight_concentration_prior_type.replace("_", " ")
    return (
        ("prior", f"{kind}, {', '.join(words)}"),
        ("in use", counted_in_use(estimator)),
    )


def is_told_of(estimator: Any, k: int) -> bool:
    """Whether component k is one of the groups: not where a prior has left it without rows."""
    return not is_variational(estimator) or bool(estimator.weights_[k] >= USED)


def in_use(estimator: Any) -> int:
    """How many components are groups."""
    return sum(is_told_of(estimator, k) for k in range(len(estimator.weights_)))


def counted_in_use(estimator: Any) -> str:
    """The same in words."""
    used, allowed = in_use(estimator), counted(len(estimator.weights_), "component")
    verb = "holds" if used == 1 else "hold"
    return f"{used} of {allowed} {verb} {100 * USED:g} % of the rows or more"


def settings_used(estimator: Any, of: Any = None) -> str:
    """The settings of the climb, such as ``tol=1e-05, max_iter=1000, starts=1``.

    `of` is the certificate of one climb where the estimator has several.
    """
    em, certificate = getattr(estimator, "em", None), of or estimator.certificate_
    accelerate = getattr(em, "accelerate", "auto")
    used = {
        "tol": f"{certificate.tol:g} nats",
        "max_iter": _max_iter(estimator, em),
        "starts": certificate.n_starts,
        "reg_covar": getattr(estimator, "reg_covar", None),
        "accelerate": getattr(accelerate, "name", accelerate),
        "init_params": getattr(estimator, "init_params", None),
        "random_state": getattr(estimator, "random_state", None),
    }
    return ", ".join(f"{k}={v}" for k, v in used.items() if v is not None)


def _max_iter(estimator: Any, em: Any) -> Any:
    """The limit in force: the estimator's, unless that was left alone and `em` has one."""
    mine = getattr(estimator, "max_iter", None)
    usual = signature(type(estimator)).parameters.get("max_iter")
    if em is None or (usual is not None and mine != usual.default):
        return mine
    return em.max_iter


def parameter_rows(
    estimator: Any, level: float, standard_errors: bool, columns: Sequence[str] | None = None
) -> tuple[Table, tuple[str, ...]]:
    """The table of parameters and what must be said of it."""
    estimates, note = estimates_of(estimator, level, standard_errors, columns)
    notes = (note,) if note else ()
    shown, what = estimates, "more parameters"
    if len(estimates) > MOST_ROWS and is_gaussian(estimator):
        shown = [e for e in estimates if e.name.startswith(("weight", "mean"))]
        what = "variances and covariances"
    elif len(estimates) > MOST_ROWS:
        shown = estimates[:MOST_ROWS]
    if left := len(estimates) - len(shown):
        notes = (*notes, f"{left} {what} are not listed; parameter_table() has them.")
    known = any(e.se == e.se for e in shown)
    heads: tuple[str, ...] = ("parameter", "estimate")
    if known:
        error = "posterior dev." if is_variational(estimator) else "std. error"
        heads += (error, f"{100 * level:g} % from", "to")
    rows = tuple(
        (one_line(e.name), *with_interval(e.value, e.se, e.lower, e.upper))[: len(heads)]
        for e in shown
    )
    return Table("Parameters", heads, rows, "l" + "r" * (len(heads) - 1)), notes


def estimates_of(
    estimator: Any,
    level: float = 0.95,
    standard_errors: bool = True,
    columns: Sequence[str] | None = None,
) -> tuple[list[PlainEstimate], str]:
    """The parameters with standard errors if they can be had, and why not if they cannot."""
    found, note = plain_estimates(estimator), ""
    if standard_errors:
        errors, note = errors_of(estimator)
        if errors is not None:
            found = [PlainEstimate(*estimate) for estimate in estimator.parameter_table(level)]
    if not is_gaussian(estimator):
        renamed = zip(found, estimator.parameter_names(columns), strict=True)
        return [e._replace(name=name) for e, name in renamed], note
    k = len(estimator.weights_)
    known = _names(column_names(estimator), k)
    renamed = dict(zip(known, _names(column_names(estimator, columns), k), strict=True))
    return [e._replace(name=renamed.get(e.name, e.name)) for e in found], note


def _names(columns: Sequence[str], n_components: int) -> list[str]:
    """Every name that a parameter of so many components may have."""
    prefixes = ["", *(f"{k + FIRST_GROUP}, " for k in range(n_components))]
    singles = [
        f"{kind}[{p}{c}]" for kind in ("mean", "variance") for p in prefixes for c in columns
    ]
    pairs = [f"covariance[{p}{a}, {b}]" for p in prefixes for a in columns for b in columns]
    return singles + pairs


class PlainEstimate(NamedTuple):
    """A parameter without a standard error."""

    name: str
    value: float
    se: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")


def plain_estimates(estimator: Any) -> list[PlainEstimate]:
    """The parameters by name, without standard errors."""
    if not is_gaussian(estimator):
        return [PlainEstimate(e.name, e.value) for e in estimator.estimates()]
    columns = column_names(estimator)
    found: list[PlainEstimate] = []
    for k, weight in enumerate(estimator.weights_, FIRST_GROUP):
        found.append(PlainEstimate(f"weight[{k}]", float(weight)))
    for k, mean in enumerate(estimator.means_, FIRST_GROUP):
        found += [
            PlainEstimate(f"mean[{k}, {name}]", float(value))
            for name, value in zip(columns, mean, strict=True)
        ]
    for k, matrix in enumerate(estimator.covariance_matrices(), FIRST_GROUP):
        found += [
            PlainEstimate(f"variance[{k}, {name}]", float(matrix[j, j]))
            for j, name in enumerate(columns)
        ]
        found += [
            PlainEstimate(f"covariance[{k}, {columns[j]}, {columns[i]}]", float(matrix[i, j]))
            for i in range(len(columns))
            for j in range(i)
            if matrix[i, j] != 0
        ]
    return found


def of_component(
    estimates: Sequence[PlainEstimate], k: int
) -> Iterator[tuple[str, str, PlainEstimate]]:
    """Component k's own parameters: what each is, of what (a column, a level), and its estimate.

    Examples
    --------
    >>> rate = PlainEstimate("rate[0, visits]", 5.83)
    >>> [(what, place) for what, place, _ in of_component([rate], 0)]
    [('rate', 'visits')]
    """
    for e in estimates:
        what, _, places = e.name.removesuffix("]").partition("[")
        own, _, place = places.partition(", ")
        if own == str(k + FIRST_GROUP):
            yield what, place, e


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
