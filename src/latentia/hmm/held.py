"""A family of which some parameters stay as they were given."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from latentia.engine.space import Fixed
from latentia.families import moments, twofold
from latentia.families.family import Family
from latentia.families.gaussian import Gaussian, GaussianStats
from latentia.families.gaussian_mixtures import GaussianMixtures

Array = NDArray[np.float64]


@final
class Held(Family[Any, Any]):
    """Another family whose M-step leaves some fields of the parameters alone.

    Given their means, covariances are those about these means.

    Parameters
    ----------
    inner : Family
    fields : collection of str
        Names of the parameters that stay.
    least : float, default=0.0
        What the start adds to variances, in the user's units.
    steps : array, optional
        Of normal densities, (K,) or of all K M: imagined steps that count for covariances alone,
        a prior of log-density -steps_k / 2 · log |covariance_k|.
    """

    def __init__(
        self,
        inner: Family[Any, Any],
        fields: Collection[str] = (),
        least: float = 0.0,
        steps: Array | None = None,
    ) -> None:
        self.inner, self.fields, self.least = inner, frozenset(fields), least
        self.n_components, self.m_step_exact = inner.n_components, inner.m_step_exact
        self.takes_missing, self.n_gauge = inner.takes_missing, inner.n_gauge
        self.steps = steps

    @property
    def space(self) -> Any:
        return self.inner.space._replace(**{name: Fixed() for name in self.fields})

    def start(self, x: Array, resp: Array) -> Any:
        made = self.inner.start(x, resp)
        if not self.least:
            return made
        inner: Any = self.inner
        matrices = inner.covariance.form in ("full", "tied")
        more = self.least * np.eye(x.shape[1]) if matrices else self.least
        return made._replace(covariances=made.covariances + more)

    def log_density(self, params: Any, x: Array) -> Array:
        return self.inner.log_density(params, x)

    def stats(self, params: Any, x: Array, resp: Array) -> Any:
        return self.inner.stats(params, x, resp)

    def m_step(self, stats: Any, params: Any) -> Any:
        kept = {name: getattr(params, name) for name in self.fields}
        if len(kept) == len(params):
            return params
        if "means" in kept:
            stats = _about(self.inner, stats, params)
        made = self.inner.m_step(stats, params)
        if self.steps is not None:
            made = self._divided(made, params, stats)
        return made._replace(**kept)

    def _divided(self, made: Any, old: Any, stats: Any) -> Any:
        """Covariances of their scatter over as many steps as `steps` makes them."""
        count = moments.weight(getattr(stats, "normal", stats).moments)
        groups = self._normal.covariance.shape(len(count), 1)[0]  # one where all share a matrix
        steps = np.asarray(self.steps).reshape(groups, -1).sum(axis=1)
        count = count.reshape(groups, -1).sum(axis=1)
        known = ((count > 0) & (count + steps > 0))[:, None]
        share = count[:, None] / np.where(known, (count + steps)[:, None], 1.0)
        each, before = (np.reshape(at.covariances, (groups, -1)) for at in (made, old))
        value = np.where(known, each * share, before)
        return made._replace(covariances=value.reshape(np.shape(made.covariances)))

    @property
    def _normal(self) -> Gaussian:
        """The normal densities, those of mixtures one behind the other."""
        inner: Any = self.inner
        return inner.normal if isinstance(inner, GaussianMixtures) else inner

    def _inside(self, params: Any) -> Any:
        inner: Any = self.inner
        flat = inner.flat(params) if isinstance(inner, GaussianMixtures) else params
        return self._normal.inside(flat)

    def q(self, params: Any, stats: Any) -> float:
        return self.inner.q(params, stats)

    def score(self, params: Any, stats: Any) -> Any:
        return self.inner.score(params, stats)

    @property
    def has_prior(self) -> bool:
        return self.steps is not None

    def log_prior(self, params: Any) -> float:
        if self.steps is None:
            return 0.0
        normal, (means, covariances) = self._normal, self._inside(params)
        precision = normal.covariance.precision(covariances)
        log_det = np.asarray(normal.covariance.log_det_precision(precision, *means.shape))
        unit = 2 * normal.n_features * float(np.log(normal.frame.scale))
        return 0.5 * float(np.sum(self.steps * (log_det - unit)))

    def prior_score(self, params: Any) -> Any:
        if self.steps is None:
            return None
        normal, (means, covariances) = self._normal, self._inside(params)
        covariance = normal.covariance
        scatter = covariance.outer(np.zeros(len(means)), means, means)
        precision = covariance.precision(covariances)
        slope = covariance.score(precision, self.steps, scatter, normal.n_features)
        slope = np.reshape(slope / normal.frame.scale**2, np.shape(params.covariances))
        nothing = {name: np.zeros_like(value) for name, value in params._asdict().items()}
        return type(params)(**{**nothing, "covariances": slope})

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return self.inner.fault(x)

    def draw(self, params: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        return self.inner.draw(params, labels, rng)


def _about(family: Family[Any, Any], stats: Any, params: Any) -> Any:
    """Statistics of rows as far from the held means, on either side of them."""
    if isinstance(family, GaussianMixtures):
        normal = _about(family.normal, stats.normal, family.flat(params))
        return stats._replace(normal=normal)
    if not isinstance(family, Gaussian):
        return stats
    means = family.inside(params).means
    scatter = moments.scatter(family.covariance, stats.moments, means)
    count = moments.weight(stats.moments)
    second = scatter + family.covariance.outer(count, means, means)
    low = twofold.nothing(*means.shape) if isinstance(stats.low, twofold.Low) else ()
    return GaussianStats(count, count[:, None] * means, second, low, stats.hidden)
