"""Kinds of fitted mixtures, as far as reports tell them apart."""

from __future__ import annotations

from typing import Any


def is_gaussian(estimator: Any) -> bool:
    """Whether components are normal, with means and covariances to show."""
    return hasattr(estimator, "covariance_type") and not is_hidden_markov(estimator)


def is_hidden_markov(estimator: Any) -> bool:
    """Whether components are states, one after another."""
    return hasattr(estimator, "transmat_")


def is_mixture(estimator: Any) -> bool:
    """Whether rows are of groups, with probabilities of membership."""
    return hasattr(estimator, "weights_") and not is_hidden_markov(estimator)


def is_switching(estimator: Any) -> bool:
    """Whether states have regressions by formula, and perhaps covariates of moves."""
    return hasattr(estimator, "transition_coefficients_")


def is_latent_class(estimator: Any) -> bool:
    """Whether components are classes with probabilities of answers to items."""
    return hasattr(estimator, "probabilities_")


def is_regression(estimator: Any) -> bool:
    """Whether components are lines, with coefficients to test."""
    return hasattr(estimator, "coefficients_")


def is_discriminant(estimator: Any) -> bool:
    """Whether components are classes that were known, each with a mixture of its own."""
    return hasattr(estimator, "confusion_")


def is_imputer(estimator: Any) -> bool:
    """Whether it fills holes from a normal distribution, perhaps several times."""
    return hasattr(estimator, "draws_")


def is_variational(estimator: Any) -> bool:
    """Whether it has a posterior and a bound, where others have a maximum and a likelihood."""
    return hasattr(estimator, "weight_concentration_prior_")


def noun_of(estimator: Any) -> str:
    """What its components are called."""
    return "component" if is_regression(estimator) else "group"


def require_rows(estimator: Any, plot: str) -> None:
    """Refuse plots of rows for regressions, whose densities are of a response given the rest."""
    if is_regression(estimator):
        raise TypeError(
            f"got a mixture of regressions for the plot {plot!r}, expected a mixture of rows; use "
            "plot.lines(X), plot.profile() or plot.membership(X)"
        )


def require_lines(estimator: Any) -> None:
    """Refuse plots of lines for what has none."""
    if not hasattr(estimator, "lines"):
        raise TypeError(
            f"got a {type(estimator).__name__} for the plot 'lines', expected a MixtureRegression; "
            "use plot.pairs(X)"
        )


def require_responses(estimator: Any) -> None:
    """Refuse plots of answers for what has none."""
    if not is_latent_class(estimator):
        raise TypeError(
            f"got a {type(estimator).__name__} for the plot 'responses', expected a LatentClass; "
            "use plot.profile()"
        )
