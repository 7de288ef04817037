"""Multivariate normal components with full, tied, diagonal or spherical covariances."""

from __future__ import annotations

from typing import NamedTuple, cast, final

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame
from latentia.engine.space import Real

from .covariance import Covariance
from .family import Family

Array = NDArray[np.float64]
LOG_2PI = float(np.log(2 * np.pi))


class GaussianParams(NamedTuple):
    """Means (K, d) and covariances (in the structure's shape), in the units of the data."""

    means: Array
    covariances: Array


class GaussianStats(NamedTuple):
    """Weighted moments about the frame's origin, in the frame's unit.

    Attributes
    ----------
    count : array of shape (K,)
        sum_i r_ik.
    first : array of shape (K, d)
        sum_i r_ik z_i.
    second : array
        sum_i r_ik z_i z_iᵀ in the covariance structure's shape.
    """

    count: Array
    first: Array
    second: Array


def normal_log_density(covariance: Covariance, means: Array, precision: Array, x: Array) -> Array:
    """log N(x_i; m_k, (U_k U_kᵀ)⁻¹) for rows x (n, d), shape (n, K)."""
    n_components, n_features = means.shape
    log_det = covariance.log_det_precision(precision, n_components, n_features)
    distance = covariance.squared_distance(precision, x, means)
    return 0.5 * (log_det - n_features * LOG_2PI - distance)


@final
class Gaussian(Family[GaussianParams, GaussianStats]):
    """K normal densities over rows that `Frame` has centred and scaled.

    Parameters
    ----------
    n_components : int
    covariance : Covariance
        How the covariances are tied.
    frame : Frame
        Origin and unit of the rows handed to the methods. Parameters are in the user's
        units; rows and statistics in the frame's, where second moments do not cancel.
    floor : float, default=0.0
        A bound under the eigenvalues of every covariance, in the user's units.
    """

    def __init__(
        self, n_components: int, covariance: Covariance, frame: Frame, floor: float = 0.0
    ) -> None:
        self.n_components, self.covariance = n_components, covariance
        self.frame, self.floor = frame, floor
        self.n_features = len(frame.origin)

    @property
    def space(self) -> GaussianParams:
        spread = self.frame.spread
        return cast(
            GaussianParams,
            GaussianParams(
                Real(scale=spread, exchangeable=(0,)),  # pyright: ignore[reportArgumentType]
                self.covariance.space(spread, self.floor),  # pyright: ignore[reportArgumentType]
            ),
        )

    def inside(self, params: GaussianParams) -> GaussianParams:
        """The parameters in the frame's origin and unit."""
        origin, scale = self.frame.origin, self.frame.scale
        return GaussianParams((params.means - origin) / scale, params.covariances / scale**2)

    def outside(self, params: GaussianParams) -> GaussianParams:
        """The parameters in the user's units: the inverse of `inside`."""
        origin, scale = self.frame.origin, self.frame.scale
        return GaussianParams(origin + scale * params.means, scale**2 * params.covariances)

    def log_density(self, params: GaussianParams, x: Array) -> Array:
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        return normal_log_density(self.covariance, means, precision, x) - self._log_unit

    @property
    def _log_unit(self) -> float:
        """What a density per user's unit loses against one per frame's unit."""
        return self.n_features * float(np.log(self.frame.scale))

    def start(self, x: Array, resp: Array) -> GaussianParams:
        count = resp.sum(axis=0)
        alive = count > 0
        centre = resp.sum(axis=1) @ x / count.sum()
        stats = GaussianStats(count, resp.T @ x, self.covariance.second(x, resp))
        means = np.where(alive[:, None], stats.first / np.where(alive, count, 1)[:, None], centre)
        between = (means - centre).T @ (count[:, None] * (means - centre))
        deviation = x - centre
        within = (deviation.T @ (resp.sum(axis=1)[:, None] * deviation) - between) / count.sum()
        borrowed = np.full(self.n_components, self.n_features + 1.0)
        covariances = self.covariance.maximum(
            count + borrowed,
            self._scatter(stats, means) + self.covariance.pooled(within, borrowed),
            self.floor / self.frame.scale**2,
            self.n_features,
        )
        return self.outside(GaussianParams(means, covariances))

    def stats(self, params: GaussianParams, x: Array, resp: Array) -> GaussianStats:
        return GaussianStats(resp.sum(axis=0), resp.T @ x, self.covariance.second(x, resp))

    def _scatter(self, stats: GaussianStats, means: Array) -> Array:
        outer = self.covariance.outer
        cross = outer(np.ones(len(means)), stats.first, means)
        return stats.second - 2 * cross + outer(stats.count, means, means)

    def m_step(self, stats: GaussianStats, params: GaussianParams) -> GaussianParams:
        alive = stats.count > 0
        old = self.inside(params)
        count = np.where(alive, stats.count, 1e-300)
        means = np.where(alive[:, None], stats.first / count[:, None], old.means)
        covariances = self.covariance.maximum(
            count, self._scatter(stats, means), self.floor / self.frame.scale**2, self.n_features
        )
        if not alive.all():  # a component without rows stays as it was
            covariances = self.covariance.keep(old.covariances, covariances, ~alive)
        return self.outside(GaussianParams(means, covariances))

    def q(self, params: GaussianParams, stats: GaussianStats) -> float:
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        log_det = self.covariance.log_det_precision(precision, self.n_components, self.n_features)
        constant = self.n_features * LOG_2PI + 2 * self._log_unit
        trace = self.covariance.trace(precision, self._scatter(stats, means))
        return 0.5 * (float(stats.count @ (log_det - constant)) - trace)

    def score(self, params: GaussianParams, stats: GaussianStats) -> GaussianParams:
        means, covariances = self.inside(params)
        precision = self.covariance.precision(covariances)
        pull = stats.first - stats.count[:, None] * means
        scatter = self._scatter(stats, means)
        in_means = self.covariance.precision_times(precision, pull)
        in_covariances = self.covariance.score(precision, stats.count, scatter, self.n_features)
        scale = self.frame.scale
        return GaussianParams(in_means / scale, in_covariances / scale**2)

    def draw(
        self, params: GaussianParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        means, covariances = params
        factors = np.linalg.cholesky(self.covariance.matrices(covariances, *means.shape))
        noise = rng.standard_normal((len(labels), means.shape[1]))
        return means[labels] + np.einsum("nij,nj->ni", factors[labels], noise)
