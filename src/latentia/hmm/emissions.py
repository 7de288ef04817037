"""Densities and statistics of emissions: the family's own, or compiled where it has such a form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.families.family import Family
from latentia.families.gaussian import LOG_2PI, Gaussian, GaussianStats
from latentia.families.kernels.tile import strided

from . import gaussian_kernels

Array = NDArray[np.float64]

FORMS = ("diag", "spherical")
"""Covariances for which normal emissions are compiled: those of columns apart."""


def log_density(family: Family[Any, Any], params: Any, x: Any, complete: bool) -> Array:
    """log f(x_t | state), shape (n, K); `complete` says that no cell is missing."""
    gaussian = _apart(family, complete)
    if gaussian is None:
        return family.log_density(params, x)
    means, covariances = gaussian.inside(params)
    k, d = means.shape
    precision = gaussian.covariance.precision(covariances)
    roots = np.broadcast_to(precision.reshape(k, -1), (k, d))
    log_det = gaussian.covariance.log_det_precision(precision, k, d)
    unit = d * (LOG_2PI + 2 * np.log(gaussian.frame.scale))
    out = np.empty((len(x), k))
    gaussian_kernels.log_densities(
        *strided(x),
        np.asarray(gaussian.frame.origin),
        1 / gaussian.frame.scale,
        np.ascontiguousarray(means.T),
        np.ascontiguousarray(np.sqrt(0.5) * roots.T),
        0.5 * (np.asarray(log_det) - unit) + np.zeros(k),
        out,
    )
    return out


def statistics(family: Family[Any, Any], params: Any, x: Any, resp: Array, complete: bool) -> Any:
    """The family's statistics, rows weighted by `resp` (n, K)."""
    gaussian = _apart(family, complete)
    if gaussian is None:
        return family.stats(params, x, resp)
    d, k = gaussian.n_features, gaussian.n_components
    count, first, second = np.zeros(k), np.zeros((d, k)), np.zeros((d, k))
    origin, unit = np.asarray(gaussian.frame.origin), 1 / gaussian.frame.scale
    gaussian_kernels.moments(*strided(x), origin, unit, resp, count, first, second)
    squares = second.sum(axis=0) if gaussian.covariance.form == "spherical" else second.T
    return GaussianStats(count, np.ascontiguousarray(first.T), np.ascontiguousarray(squares))


def _apart(family: Family[Any, Any], complete: bool) -> Gaussian | None:
    """The normal family of columns apart that this is, if compiled code may do it."""
    inner: Any = getattr(family, "inner", family)
    if not complete or not isinstance(inner, Gaussian) or inner.covariance.form not in FORMS:
        return None
    return inner
