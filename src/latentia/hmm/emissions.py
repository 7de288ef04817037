"""Densities and statistics of emissions: the family's own, or compiled where it has such a form."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from latentia.families.family import Family
from latentia.families.gaussian import LOG_2PI, Gaussian, GaussianStats
from latentia.families.kernels.tile import strided

from . import gaussian_kernels
from .mixed import mixed

Array = NDArray[np.float64]

FORMS = ("diag", "spherical")
"""Covariances for which normal emissions are compiled: those of columns apart."""


class NormalStates(NamedTuple):
    """Normal states of columns apart, as kernels take them: about `origin`, in units of 1/`unit`.

    `means` and `roots`, (d, K), are in that unit, `roots` over √2 deviations; `offset` (K,) is
    what is left of the log-density at the mean.
    """

    origin: Array
    unit: float
    means: Array
    roots: Array
    offset: Array


@final
class Emissions:
    """What the states make, at given parameters.

    Parameters
    ----------
    family : Family
    params : tree
        The family's parameters.
    complete : bool
        Whether no cell is missing of steps that were seen.
    beta : float, default=1.0
        The power to which densities are taken.
    """

    def __init__(
        self, family: Family[Any, Any], params: Any, complete: bool, beta: float = 1.0
    ) -> None:
        self.family, self.params, self.beta = family, params, beta
        inner: Any = getattr(family, "inner", family)
        apart = complete and isinstance(inner, Gaussian) and inner.covariance.form in FORMS
        self.gaussian: Gaussian | None = inner if apart else None
        self.normal = None if self.gaussian is None else _normal(self.gaussian, params)
        self.mixed = mixed(inner, params, complete)

    def log_density(self, x: Any) -> Array:
        """log f(x_t | state)^beta, shape (n, K)."""
        if self.mixed is not None:
            made = self.mixed.log_density(x)
        elif self.normal is None:
            made = self.family.log_density(self.params, x)
        else:
            made = np.empty((len(x), len(self.normal.offset)))
            gaussian_kernels.log_densities(*strided(x), *self.normal, made)
        return made if self.beta == 1 else made * self.beta

    def statistics(self, x: Any, resp: Array) -> Any:
        """The family's statistics, rows weighted by `resp` (n, K)."""
        if self.mixed is not None:
            return self.mixed.statistics(x, resp)
        if self.gaussian is None or self.normal is None:
            return self.family.stats(self.params, x, resp)
        d, k = self.gaussian.n_features, self.gaussian.n_components
        count, first, second = np.zeros(k), np.zeros((d, k)), np.zeros((d, k))
        origin, unit = self.normal.origin, self.normal.unit
        gaussian_kernels.moments(*strided(x), origin, unit, resp, count, first, second)
        return summed(self.gaussian, count, first, second)

    def of_steps(self, chunk: Any) -> Array:
        """`log_density` of all steps of a chunk; 0 for one of which nothing is known."""
        if chunk.seen is None:
            return self.log_density(chunk.x)
        full = np.zeros((len(chunk.x), self.family.n_components))
        full[chunk.seen] = self.log_density(chunk.x[chunk.seen])
        return full

    def counted(self, chunk: Any, resp: Array) -> Any:
        """`statistics` of those steps of a chunk that were seen."""
        if chunk.seen is None:
            return self.statistics(chunk.x, resp)
        if not len(chunk.seen) and self.family.takes_missing:  # a step that counts for nothing
            return self.statistics(chunk.x[:1], np.zeros_like(resp[:1]))
        return self.statistics(chunk.x[chunk.seen], resp[chunk.seen])


def summed(gaussian: Gaussian, count: Array, first: Array, second: Array) -> GaussianStats:
    """Statistics of moments of columns apart, (d, K) each."""
    squares = second.sum(axis=0) if gaussian.covariance.form == "spherical" else second.T
    return GaussianStats(count, np.ascontiguousarray(first.T), np.ascontiguousarray(squares))


def _normal(gaussian: Gaussian, params: Any) -> NormalStates:
    means, covariances = gaussian.inside(params)
    k, d = means.shape
    precision = gaussian.covariance.precision(covariances)
    roots = np.broadcast_to(precision.reshape(k, -1), (k, d))
    log_det = gaussian.covariance.log_det_precision(precision, k, d)
    constant = d * (LOG_2PI + 2 * np.log(gaussian.frame.scale))
    return NormalStates(
        np.asarray(gaussian.frame.origin),
        1 / gaussian.frame.scale,
        np.ascontiguousarray(means.T),
        np.ascontiguousarray(np.sqrt(0.5) * roots.T),
        0.5 * (np.asarray(log_det) - constant) + np.zeros(k),
    )
