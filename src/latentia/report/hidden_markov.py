"""Summaries of hidden Markov models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .formatting import counted, fixed, one_line, shorten, status_word, whole
from .letters import lettered, letters_of
from .summary import parameter_rows, settings_used
from .tables import Summary, Table


def summarise_hidden_markov(
    estimator: Any,
    level: float = 0.95,
    standard_errors: bool = True,
    columns: Sequence[str] | None = None,
) -> Summary:
    """What a fitted hidden Markov model says of its data.

    Parameters
    ----------
    estimator : HiddenMarkov, GaussianHMM, PoissonHMM or CategoricalHMM
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
    >>> from latentia import HiddenMarkov
    >>> fitted = HiddenMarkov("poisson", 2, random_state=0).fit([0, 1, 0, 7, 5, 9, 0, 1, 0, 0])
    >>> print(summarise_hidden_markov(fitted, standard_errors=False))
    Hidden Markov model of 2 states (Poisson)
    ======...
    data              10 steps in 1 sequence, 1 column
    ...
    """
    table, notes = parameter_rows(estimator, level, standard_errors, columns)
    if letters_of(estimator):
        named = tuple((lettered(estimator, row[0]), *row[1:]) for row in table.rows)
        table = replace(table, rows=named)
    k = len(estimator.startprob_)
    return Summary(
        f"{_kind(estimator)} of {counted(k, 'state')} "
        f"({shorten(one_line(estimator.described()), 120)})",
        facts(estimator),
        (*_clusters(estimator), dwelling(estimator), table),
        (*notes, *estimator.certificate_.sentences()),
    )


def facts(estimator: Any) -> tuple[tuple[str, str], ...]:
    """Labels and values: the data, the likelihood and its criteria, the settings used."""
    fit, heights = estimator.fit_, estimator.criteria()
    data = f"{whole(fit.n_obs)} steps in {counted(fit.n_units, 'sequence')}"
    return (
        ("data", f"{data}, {counted(estimator.n_features_in_, 'column')}"),
        ("log-likelihood", fixed(estimator.loglik_, 4)),
        ("free parameters", whole(estimator.n_parameters_)),
        *((name.upper(), fixed(heights[name], 4)) for name in ("bic", "aic", "icl")),
        ("ended", status_word(fit.status)),
        ("settings", settings_used(estimator)),
    )


def _kind(estimator: Any) -> str:
    """What it is, in words."""
    if hasattr(estimator, "predict_clusters"):
        return "Mixture of hidden Markov models"
    if hasattr(estimator, "ar_coefficients_"):
        return "Markov-switching model"
    return (
        "Hidden semi-Markov model"
        if hasattr(estimator, "mean_durations_")
        else "Hidden Markov model"
    )


def _clusters(estimator: Any) -> tuple[Table, ...]:
    """The weights of clusters of sequences, and which states are whose, where there are some."""
    if not hasattr(estimator, "predict_clusters"):
        return ()
    k = int(estimator.n_states)
    rows = tuple(
        (str(g), fixed(float(w), 4), ", ".join(map(str, range(g * k, g * k + k))))
        for g, w in enumerate(estimator.weights_)
    )
    return (Table("Clusters", ("cluster", "weight", "states"), rows, "lrl"),)


def dwelling(estimator: Any) -> Table:
    """How long each state lasts and how often it is in force, in the long run."""
    share = estimator.get_stationary_distribution()
    with np.errstate(divide="ignore"):
        lasts = getattr(estimator, "mean_durations_", 1 / (1 - np.diag(estimator.transmat_)))
    rows = tuple(
        (str(k), fixed(float(share[k]), 4), fixed(float(u), 2) if np.isfinite(u) else "for ever")
        for k, u in enumerate(lasts)
    )
    return Table("States", ("state", "long-run share", "mean steps in a row"), rows, "lrr")
