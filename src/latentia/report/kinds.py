"""Kinds of fitted mixtures, as far as reports tell them apart."""

from __future__ import annotations

from typing import Any


def is_gaussian(estimator: Any) -> bool:
    """Whether components are normal, with means and covariances to show."""
    return hasattr(estimator, "covariance_type") and not is_hidden_markov(estimator)


def is_hidden_markov(estimator: Any) -> bool:
    """Whether components are states, one after another."""
    return hasattr(estimator, "transmat_")


def is_switching(estimator: Any) -> bool:
    """Whether states have regressions by formula, and perhaps covariates of moves."""
    return hasattr(estimator, "transition_coefficients_")


def is_latent_class(estimator: Any) -> bool:
    """Whether components are classes with probabilities of answers to items."""
    return hasattr(estimator, "probabilities_")


def is_regression(estimator: Any) -> bool:
    """Whether components are lines, with coefficients to test."""
    return hasattr(estimator, "coefficients_")


def is_variational(estimator: Any) -> bool:
    """Whether it has a posterior and a bound, where others have a maximum and a likelihood."""
    return hasattr(estimator, "weight_concentration_prior_")
