"""The likelihoods that a test of fit compares, from the rows of a fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from latentia.data.arrays import Frame, Rows
from latentia.engine import EM
from latentia.missing import holes
from latentia.missing.estimator import fitted
from latentia.missing.patterns import RowsByPattern

from .goodness import FitTest, fit_test
from .principal_model import LOG_2PI, available

Array = NDArray[np.float64]

TOL = 1e-4
"""Nats to which a covariance of any kind is fitted to rows with holes."""


def goodness_of_fit(
    rows: Rows | None,
    loglik: float,
    n_factors: int,
    apart: Sequence[tuple[int, int]],
    names: Sequence[str],
    level: float,
) -> FitTest:
    """The test of fit of rows that some factors have a log-likelihood of.

    Raises
    ------
    ValueError
        If the columns follow from one another, so that no covariance is the best.
    NotFittedError
        If the rows are not at hand.
    """
    if rows is None:
        raise NotFittedError(
            "the data of the fit are not kept in model files; give them as fit_test(X)"
        )
    frame = Frame.of(rows)
    known = ~np.isnan(rows.x)
    count = rows.weights @ known
    n, d = float(rows.weights @ known.any(axis=1)), len(frame.origin)
    logs = LOG_2PI + 2 * np.log(frame.spread)
    independent = -float((count * (logs + 1)).sum()) / 2
    if known.all():
        by_pattern = RowsByPattern.of((rows.x - frame.origin) / frame.spread, rows.weights)
        covariance = available([by_pattern])[1]
        if holes.is_singular(covariance):
            raise ValueError(_nothing_best(holes.singular(covariance, len(rows), names)))
        log_det = float(np.linalg.slogdet(covariance)[1])
        saturated = -n * (float(logs.sum()) + log_det + d) / 2
    else:
        try:
            _, fit = fitted(EM(tol=TOL), rows, 0.0, len(apart), names)
        except ValueError as error:
            raise ValueError(_nothing_best(str(error))) from error
        saturated = fit.loglik
    return fit_test(loglik, saturated, independent, n, d, n_factors, level)


def _nothing_best(singular: str) -> str:
    """What a sentence on columns that follow from one another means for a test of fit."""
    return (
        f"{singular.partition(', so their')[0]}, so no covariance is the best and there is nothing "
        "to compare the factors with; leave one of them out"
    )
