"""Variational inference for a Gaussian mixture, in the terms of the engine's contract.

Parameters are those of the posterior q(weights) q(means, precisions); given these, the best
q(memberships) is what an E-step computes. The objective is then the lower bound of the evidence
as a function of the parameters alone: a sum over rows less a divergence from the prior. Each chunk
takes its share of the divergence, so that the bound adds up over chunks.
"""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from latentia.data.arrays import Rows
from latentia.engine.model import Model, Suff
from latentia.engine.space import DegenerateError, Interval
from latentia.engine.tree import reduce_in_order, transform
from latentia.families.gaussian import LOG_2PI, Gaussian, GaussianParams

from .model import Guesses, Membership, MixtureStats, membership
from .proportions import Proportions, log_norm

Array = NDArray[np.float64]

FUSED = 600.0
"""E[log weight] may differ by so many nats where weights themselves are handed on."""


class Prior(NamedTuple):
    """What is believed before there are data.

    Attributes
    ----------
    proportions : Proportions
        Of the weights.
    mean_precision : float
        How many rows the prior of a mean is worth.
    mean : array of shape (d,)
    degrees_of_freedom : float
        Of the Wishart distribution of a precision, above d - 1.
    covariance : array
        Its inverse scale matrix: (d, d) for full and tied covariances, (d,) for diagonal and
        () for spherical ones, in squared units of the data.
    """

    proportions: Proportions
    mean_precision: float
    mean: Array
    degrees_of_freedom: float
    covariance: Array

    def arrays(self) -> list[Array]:
        """All of its numbers."""
        proportions, *others = self
        return [proportions.prior, *(np.asarray(each) for each in others)]

    def alike(self, other: Prior) -> bool:
        """Whether a posterior from one can be a start under the other."""
        mine, theirs = ([a.shape for a in prior.arrays()] for prior in (self, other))
        return type(self.proportions) is type(other.proportions) and mine == theirs


class VariationalParams(NamedTuple):
    """The posterior of a mixture's parameters.

    Attributes
    ----------
    concentration : array of shape (G, J)
        Of the weights, as `Proportions` has them.
    mean_precision : array of shape (K,)
    means : array of shape (K, d)
    degrees_of_freedom : array of shape (K,), or (1,) where covariances are tied
    covariances : array in the structure's shape
        Inverses of the expected precisions.
    """

    concentration: Array
    mean_precision: Array
    means: Array
    degrees_of_freedom: Array
    covariances: Array


@final
class VariationalMixture(Model[VariationalParams, Rows]):
    """Gaussian mixture with conjugate priors (Bishop 2006, sec. 10.2; Attias 2000).

    The precision of a component is Wishart-distributed a posteriori, its scale matrix full,
    diagonal or a multiple of the identity; where covariances are tied, all components have one
    posterior, though each has a precision of its own.

    Parameters
    ----------
    prior : Prior
    family : Gaussian
        Without a floor.
    floor : float
        Under the eigenvalues of `covariances`.
    total : float
        The weight of all rows: a chunk takes its share of the divergence from the prior by it.
    guesses : callable
        First guesses at the memberships of the rows of a sample, (n, K) each, for starts.

    Notes
    -----
    `q` less the divergence is linear in the statistics, and at the parameters that made them
    its gradient is that of the bound, so everything that the engine makes of Fisher's identity
    holds for the bound.
    """

    exact_e_step = False

    def __init__(
        self, prior: Prior, family: Gaussian, floor: float, total: float, guesses: Guesses
    ) -> None:
        self.prior, self.family, self.floor = prior, family, floor
        self.total, self.guesses = total, guesses
        self.n_components, self.structure = family.n_components, family.covariance
        self._believed = self._at_prior()
        self._prior_stats = self._as_rows()

    @property
    def space(self) -> VariationalParams:
        each, family, prior = (0,), self.family.space, self.prior
        own = each if self.structure.own else ()
        most = float(prior.proportions.prior.max())

        def counts(low: float, before: float, axes: tuple[int, ...]) -> Any:
            # an M-step adds no more than all rows to what was before; far beyond that the bound
            # is a difference of numbers too large to have its digits
            return Interval(low, 2 * (before + self.total), axes)

        return VariationalParams(
            counts(0.0, most, (prior.proportions.axis,)),
            counts(0.0, prior.mean_precision, each),
            family.means,
            counts(self.family.n_features - 1.0, prior.degrees_of_freedom, own),
            self._covariance_space(),
        )

    def _covariance_space(self) -> Any:
        return self.structure.space(self.family.frame.spread, self.floor)

    # -- the E-step --------------------------------------------------------------------------

    def prepare(self, chunk: Rows) -> Any:
        return self.family.prepare(chunk)

    def posterior(self, params: VariationalParams, chunk: Any) -> Membership:
        density = self.family.log_density(_gaussian(params), chunk.x)
        return membership(
            density + expected_log_weights(params, self.prior.proportions),
            np.ones(self.n_components),
        )

    def e_step(self, params: VariationalParams, chunk: Any) -> Suff:
        offset, made = expected_log_weights(params, self.prior.proportions), None
        top, total = float(offset.max()), float(chunk.weights.sum())
        if np.ptp(offset) < FUSED:
            made = self.family.mixture_pass(_gaussian(params), np.exp(offset - top), chunk)
        if made is not None:
            stats = MixtureStats(made.count, made.stats)
            found = Suff(made.loglik + top * total, total, total, stats)
        else:
            blocks = Rows(chunk.x, chunk.weights).blocks()
            found = reduce_in_order([self._suff(params, block) for block in blocks])
        share = self._share(found)
        return found._replace(loglik=found.loglik - share * self.divergence(params))

    def _suff(self, params: VariationalParams, chunk: Rows) -> Suff:
        log_density, resp = self.posterior(params, chunk)
        total = float(chunk.weights.sum())
        stats = self._stats(_gaussian(params), chunk, resp)
        return Suff(float(chunk.weights @ log_density), total, total, stats)

    def _stats(self, params: GaussianParams, chunk: Rows, resp: Array) -> MixtureStats:
        weighted = resp * chunk.weights[:, None]
        return MixtureStats(weighted.sum(axis=0), self.family.stats(params, chunk.x, weighted))

    def _share(self, suff: Suff) -> float:
        """Of all rows, how many these are; a function of the statistics, and linear."""
        return float(suff.stats.count.sum()) / self.total

    # -- the M-step --------------------------------------------------------------------------

    def start(
        self, sample: Rows, rng: np.random.Generator, given: VariationalParams | None = None
    ) -> VariationalParams:
        """What the first guess at the memberships makes of the sample whose bound is highest."""
        made = [self._made(sample, resp) for resp in self.guesses(sample, rng)]
        if len(made) == 1:
            return made[0]
        return made[int(np.argmax([self._height(params, sample) for params in made]))]

    def _made(self, sample: Rows, resp: Array) -> VariationalParams:
        return self._updated(self._stats(self._believed, sample, resp), self._believed)

    def _height(self, params: VariationalParams, sample: Rows) -> float:
        """The sample's bound after one step; -inf where that fails."""
        try:
            with np.errstate(all="ignore"):
                params = self.m_step(self.e_step(params, sample), params)
                height = self.e_step(params, sample).loglik
        except (DegenerateError, np.linalg.LinAlgError):
            return -np.inf
        return -np.inf if np.isnan(height) else height

    def m_step(self, suff: Suff, params: VariationalParams) -> VariationalParams:
        return self._updated(suff.stats, _gaussian(params))

    def _updated(self, stats: MixtureStats, old: GaussianParams) -> VariationalParams:
        """The posterior, given the rows' statistics (Bishop 2006, eqs. 10.58-10.63).

        Of rows that are a part of all, each counts for as many as there are to it.
        """
        prior, structure = self.prior, self.structure
        share = stats.count.sum() / self.total
        count = stats.count / share
        degrees = prior.degrees_of_freedom + (count if structure.own else count.mean(keepdims=True))
        precision = prior.mean_precision + count
        means, covariances = self.family.m_step(self._with_prior(stats, share), old)
        # the family divides by the weight of prior and rows together, a Wishart by its degrees
        ratio = (precision if structure.own else precision.mean(keepdims=True)) / degrees
        covariances = ratio.reshape(-1, *(1,) * (covariances.ndim - 1)) * covariances
        return VariationalParams(
            prior.proportions.prior + prior.proportions.counts(count),
            precision,
            means,
            degrees,
            self._covariance_space().project(covariances),
        )

    def _at_prior(self) -> GaussianParams:
        """Means and covariances that the prior expects, of all components."""
        k, typical = self.n_components, self.prior.covariance / self.prior.degrees_of_freedom
        shape = self.structure.shape(k, self.family.n_features)
        return GaussianParams(
            np.tile(self.prior.mean, (k, 1)), np.array(np.broadcast_to(typical, shape))
        )

    def _as_rows(self) -> Any:
        """The prior of means and precisions as statistics of rows that would say the same.

        Two rows a column on either side of the mean: their weight is `mean_precision`, their
        scatter is `covariance`.
        """
        d, k = self.family.n_features, self.n_components
        mean, weight = self.prior.mean, self.prior.mean_precision
        scatter = np.asarray(self.prior.covariance, dtype=np.float64)
        root = np.linalg.cholesky(scatter) if scatter.ndim == 2 else np.diag(_roots(scatter, d))
        away = np.sqrt(d / weight) * root.T
        x, resp = np.vstack([mean + away, mean - away]), np.full((2 * d, k), weight / (2 * d))
        return self.family.stats(self._believed, x, resp)

    def _with_prior(self, stats: MixtureStats, share: float) -> Any:
        """The family's statistics of rows and prior together."""
        return transform(lambda a, b: a + share * b, stats.components, self._prior_stats)

    # -- the bound ---------------------------------------------------------------------------

    def divergence(self, params: VariationalParams) -> float:
        """Kullback-Leibler divergence of the posterior from the prior, in nats.

        Of weights, means and precisions (Bishop 2006, eqs. 10.73, 10.74, 10.76 and 10.77).
        """
        return self.prior.proportions.divergence(params.concentration) + self._of_normals(params)

    def _of_normals(self, params: VariationalParams) -> float:
        prior, d = self.prior, self.family.n_features
        before, degrees = prior.degrees_of_freedom, params.degrees_of_freedom
        wishart = (
            gammaln(_halves(before, d)).sum()
            - gammaln(_halves(degrees, d)).sum(axis=-1)
            + (degrees - before) / 2 * digammas(degrees, d)
            + d / 2 * (before * np.log(degrees) - degrees)
            - before / 2 * _log_det(prior.covariance, d)
        )
        relative = prior.mean_precision / params.mean_precision
        normal = d / 2 * (relative - 1 - np.log(relative))
        # what depends on means and covariances is as if rows told of the prior
        told = self.family.q(_gaussian(params), self._prior_stats)
        constant = self.n_components * d * LOG_2PI * prior.mean_precision / 2
        lacking = (before - prior.mean_precision) / 2
        each = wishart - lacking * self._log_det_precision(params) + normal
        return float(each.sum()) - told - constant

    def _log_det_precision(self, params: VariationalParams) -> Array:
        precision = self.structure.precision(params.covariances)
        return self.structure.log_det_precision(precision, *params.means.shape)

    def q(self, params: VariationalParams, suff: Suff) -> float:
        stats: MixtureStats = suff.stats
        chosen = float(stats.count @ expected_log_weights(params, self.prior.proportions))
        inside = self.family.q(_gaussian(params), stats.components)
        return chosen + inside - self._share(suff) * self.divergence(params)

    def score(self, params: VariationalParams, suff: Suff) -> VariationalParams:
        stats: MixtureStats = suff.stats
        share, prior, d = self._share(suff), self.prior, self.family.n_features
        proportions, count = prior.proportions, stats.count
        surplus = proportions.counts(count) + share * (proportions.prior - params.concentration)
        precision, degrees = params.mean_precision, params.degrees_of_freedom
        above = count + share * (prior.mean_precision - precision)
        more = count + share * (prior.degrees_of_freedom - degrees)
        bend = digammas_slope(degrees, d) - d / degrees
        by_degrees = 0.5 * bend * (more if self.structure.own else more.sum(keepdims=True))
        means, covariances = self.family.score(_gaussian(params), self._with_prior(stats, share))
        lacking = share * (prior.degrees_of_freedom - prior.mean_precision)
        inside = self.family.inside(_gaussian(params)).covariances  # where squares do not overflow
        root, nothing = self.structure.precision(inside), np.zeros(inside.shape)
        rest = self.structure.score(root, np.full(self.n_components, lacking), nothing, d)
        rest /= self.family.frame.scale**2
        return VariationalParams(
            proportions.slope(params.concentration, surplus),
            d / 2 * above / precision**2,
            means,
            by_degrees,
            covariances + rest,
        )


def _gaussian(params: VariationalParams) -> GaussianParams:
    return GaussianParams(params.means, params.covariances)


def expected_log_weights(params: VariationalParams, proportions: Proportions) -> Array:
    """What a row's log-probability of each component has beside a normal density, (K,).

    E[log weight], and what E[log N(x | mean, precision)] is less than the density at the
    expected mean and precision (Bishop 2006, eqs. 10.46 and 10.64-10.66).
    """
    d, degrees = params.means.shape[1], params.degrees_of_freedom
    slack = d * np.log(2 / degrees) - d / params.mean_precision + digammas(degrees, d)
    return proportions.expected(params.concentration) + 0.5 * slack


def constant(prior: Prior, n_components: int, total: float) -> float:
    """What prior and number of rows alone add to the bound, in nats.

    Of the bound at a posterior from an M-step, log-normalisers of the prior and n d / 2 log 2 pi.
    scikit-learn leaves this out.

    Parameters
    ----------
    prior : Prior
    n_components : int
    total : float
        The weight of all rows.
    """
    d, degrees = len(prior.mean), prior.degrees_of_freedom
    wishart = degrees / 2 * (d * np.log(2) - _log_det(prior.covariance, d))
    wishart += float(gammaln(_halves(degrees, d)).sum())
    each = wishart - d / 2 * np.log(prior.mean_precision)
    return float(log_norm(prior.proportions.prior) - n_components * each - total * d * LOG_2PI / 2)


def digammas(degrees: Array, d: int) -> Array:
    """E[log det Λ] of a Wishart matrix of scale I, short of d log 2 (Bishop 2006, eq. 10.65)."""
    return digamma(_halves(degrees, d)).sum(axis=-1)


def digammas_slope(degrees: Array, d: int) -> Array:
    """The derivative of `digammas`."""
    return 0.5 * polygamma(1, _halves(degrees, d)).sum(axis=-1)


def _halves(degrees: Array | float, d: int) -> Array:
    return (np.asarray(degrees)[..., None] - np.arange(d)) / 2


def _roots(variances: Array, d: int) -> Array:
    return np.sqrt(np.broadcast_to(variances, (d,)))


def _log_det(covariance: Array, d: int) -> float:
    """Of a matrix, a diagonal, or one variance for all d columns."""
    covariance = np.asarray(covariance, dtype=np.float64)
    if covariance.ndim == 2:
        return float(np.linalg.slogdet(covariance)[1])
    return float(np.sum(np.log(np.broadcast_to(covariance, (d,)))))
