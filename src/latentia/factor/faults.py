"""What is said of data, and of numbers of factors, that leave something without an estimate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.families.factor_analyzers import most_factors
from latentia.mixture.errors import DataWarning

if TYPE_CHECKING:
    from .analysis import FactorAnalysis

Array = NDArray[np.float64]

ROUNDING = 1e-14
"""Of the variance: what is below it cannot be told from 0."""

NAMED = 6
"""Columns that a sentence names, at most."""


def factors_asked(n_components: int | None, n_features: int) -> int:
    """How many factors, refused if there are more than columns."""
    if n_components is None:
        return n_features
    if n_components > n_features:
        most = most_factors(n_features)
        raise ValueError(
            f"got n_components={n_components} for {n_features} columns, expected at most "
            f"{n_features}; columns can tell {most} factor{'' if most == 1 else 's'} apart"
        )
    return int(n_components)


def noise_asked(noise: Any, n_features: int) -> Array | None:
    """Where the uniquenesses begin, refused if they are not one positive number a column."""
    if noise is None:
        return None
    given = np.asarray(noise, dtype=np.float64)
    if given.shape != (n_features,):
        raise ValueError(
            f"got noise_variance_init of shape {given.shape}, expected ({n_features},): one "
            "number a column"
        )
    wrong = ~(np.isfinite(given) & (given > 0))
    if wrong.any():
        j = int(np.argmax(wrong))
        raise ValueError(f"got noise_variance_init[{j}] = {given[j]:g}, expected a number above 0")
    return given


def listed(names: Sequence[str], which: Sequence[int]) -> str:
    """Some columns by name."""
    shown = ", ".join(repr(str(names[j])) for j in which[:NAMED])
    more = f" and {len(which) - NAMED} more" if len(which) > NAMED else ""
    return f"column{'s' if len(which) > 1 else ''} {shown}{more}"


def saturated(n_features: int, n_factors: int) -> str:
    """Of more factors than the columns can tell apart."""
    most = most_factors(n_features)
    return (
        f"{n_features} columns tell at most {most} factors apart (Ledermann's bound), so loadings "
        f"and uniquenesses of {n_factors} are one choice among many and have no standard errors; "
        "mean, covariance and likelihood are estimated as ever."
    )


def collapsed(names: Sequence[str]) -> str:
    """Of a likelihood without a maximum."""
    return (
        f"a uniqueness fell to 0 and the likelihood has no maximum ({len(names)} columns); give "
        "min_uniqueness, such as 0.005, or fewer factors"
    )


def warn_of(estimator: FactorAnalysis, rows: Rows, names: Sequence[str]) -> None:
    """Say what of a fit is held, a choice, or not seen in the data."""
    model, told = estimator._model, []
    if model.is_saturated and estimator.n_components is not None:
        told.append(saturated(len(names), model.n_factors)[:-1])
    if estimator.heywood_:
        told.append(_heywood(estimator, rows, names))
    for sentence in told:
        warnings.warn(sentence, DataWarning, stacklevel=3)
    if estimator.apart_:
        warn_apart(estimator.apart_, names, "factors")


def warn_apart(pairs: Sequence[tuple[int, int]], names: Sequence[str], what: str) -> None:
    """Of columns that no row has together."""
    i, j = pairs[0]
    more = f" (and {len(pairs) - 1} more such pairs)" if len(pairs) > 1 else ""
    warnings.warn(
        f"columns {names[i]!r} and {names[j]!r} are never seen together{more}, so their covariance "
        f"is what the {what} make of it; means, variances and what is seen together are estimated",
        DataWarning,
        stacklevel=4,
    )


def rank(covariance: Array) -> int:
    """In how many directions rows vary."""
    values = np.linalg.eigvalsh(covariance)
    return int((values > ROUNDING * len(values) * values[-1]).sum())


def in_a_plane(covariance: Array, n_components: int, n_rows: int, names: Sequence[str]) -> str:
    """Of rows that leave nothing for the noise of principal components."""
    directions = rank(covariance)
    most = directions - 1
    can = f"up to {most} can be estimated" if most > 0 else "0 can be estimated"
    return (
        f"got {n_components} components for {n_rows} rows of {len(names)} columns that vary in "
        f"{directions} directions, so nothing is left for the noise and the likelihood has no "
        f"maximum; {can}"
    )


def _heywood(estimator: FactorAnalysis, rows: Rows, names: Sequence[str]) -> str:
    held = estimator.heywood_
    one = len(held) == 1
    n = int((rows.weights > 0).sum())
    few = f" ({n} rows of {len(names)} columns)" if n <= 2 * len(names) else ""
    return (
        f"the uniqueness{'' if one else 'es'} of {listed(names, held)} "
        f"{'is' if one else 'are'} held at {estimator.min_uniqueness:g} of the variance"
        f"{few}, a Heywood case: factors explain {'it' if one else 'them'} wholly, as where "
        "columns follow from one another or factors are too many; the rest is estimated given "
        "that, so compare with fewer factors"
    )
