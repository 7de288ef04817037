"""The prior of a Bayesian Gaussian mixture, as given or as the data suggest it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.engine.space import raise_eigenvalues
from latentia.families.covariance import Covariance

from . import errors, given
from .proportions import Dirichlet, Proportions, StickBreaking
from .variational import Prior

if TYPE_CHECKING:
    from .bayesian import BayesianGaussianMixture

Array = NDArray[np.float64]

PROPORTIONS = {"dirichlet_process": StickBreaking, "dirichlet_distribution": Dirichlet}
"""By the names that ``weight_concentration_prior_type`` takes."""

KINDS = ("full", "tied", "diag", "spherical")
"""Covariance types with a conjugate prior, those that scikit-learn has."""

SINGULAR = 2e-15
"""An eigenvalue of a correlation matrix that cannot be told from zero."""


class Centre(NamedTuple):
    """Mean (d,) and covariance (d, d) of weighted rows; the divisor is the weight less one."""

    mean: Array
    covariance: Array


def centre(rows: Rows) -> Centre:
    """Of all rows, in two passes over blocks of them."""
    n = float(rows.weights.sum())
    mean = np.zeros(rows.x.shape[1])
    for block in rows.blocks():
        mean += block.weights @ np.asarray(block.x, np.float64) / n
    scatter = np.zeros((len(mean), len(mean)))
    for block in rows.blocks():
        away = np.asarray(block.x, np.float64) - mean
        scatter += away.T @ (block.weights[:, None] * away)
    return Centre(mean, scatter / (n - 1) if n > 1 else np.full_like(scatter, np.nan))


def prior_of(estimator: BayesianGaussianMixture, rows: Rows, structure: Covariance) -> Prior:
    """The prior that an estimator's arguments and, where these are None, the rows make.

    Raises
    ------
    ValueError
        If an argument has the wrong shape or is not allowed, or if the rows do not vary in some
        direction and there is no floor.
    """
    d = rows.x.shape[1]
    found = centre(rows)
    precision, mean = estimator.mean_precision_prior, estimator.mean_prior
    return Prior(
        _proportions(estimator),
        1.0 if precision is None else float(precision),
        found.mean if mean is None else given._array(mean, (d,), "means"),
        _degrees(estimator.degrees_of_freedom_prior, d),
        _covariance(estimator, found.covariance, structure),
    )


def _proportions(estimator: BayesianGaussianMixture) -> Proportions:
    k, concentration = estimator.n_components, estimator.weight_concentration_prior
    kind = PROPORTIONS[estimator.weight_concentration_prior_type]
    return kind(k, 1 / k if concentration is None else concentration)


def _degrees(value: float | None, d: int) -> float:
    if value is None:
        return float(d)
    if not value > d - 1:
        raise ValueError(
            "The parameter 'degrees_of_freedom_prior' should be greater than "
            f"{d - 1}, but got {value:.3f}."
        )
    return float(value)


def _covariance(
    estimator: BayesianGaussianMixture, observed: Array, structure: Covariance
) -> Array:
    kind, value, d = structure.name, estimator.covariance_prior, len(observed)
    if value is None:
        return _suggested(observed, kind, estimator.reg_covar)
    if kind == "spherical":
        value = np.atleast_1d(value)  # `check_array` takes no bare number
    shape = (d, d) if structure.oriented else (d,) if kind == "diag" else (1,)
    prior = given._array(value, shape, f"{kind} covariance_prior")
    if structure.oriented:
        if not np.allclose(prior, prior.T) or not (np.linalg.eigvalsh(prior) > 0).all():
            raise ValueError(f"'{kind} covariance_prior' should be symmetric, positive-definite")
    elif (prior <= 0).any():
        raise ValueError(f"'{kind} covariance_prior' should be positive")
    return prior[0] if kind == "spherical" else prior


def _suggested(observed: Array, kind: str, floor: float) -> Array:
    """The rows' covariance in the structure's shape, raised where they do not vary."""
    variances = np.diagonal(observed)
    if not np.isfinite(variances).all():
        raise ValueError(
            "got sample_weight that sums to 1 or less, where the default covariance_prior is the "
            "covariance of the rows and needs more; give larger weights, or covariance_prior"
        )
    if kind in ("diag", "spherical"):
        made = variances if kind == "diag" else variances.mean()
        flat, raised = not np.all(made > 0), np.maximum(made, floor)
    else:
        spread = np.sqrt(np.where(variances > 0, variances, 1.0))
        least = np.linalg.eigvalsh(observed / np.outer(spread, spread))[0]
        flat, raised = least < SINGULAR, raise_eigenvalues(observed, floor)
    if flat and floor == 0:
        raise ValueError(
            errors.collapsed("The rows do not vary in some direction: give covariance_prior.")
        )
    return np.asarray(raised, dtype=np.float64)
