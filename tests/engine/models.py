"""Small models that are right, and ways of making them wrong.

None is a Gaussian mixture of the library: they show that the contract carries other models too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import norm

from latentia import Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.space import Fixed, Interval, Positive, Real, Simplex


class PoissonParams(NamedTuple):
    weights: Any
    rates: Any


class PoissonStats(NamedTuple):
    count: Any
    total: Any
    log_factorials: Any


class TwoPoissons(Model):
    """Hasselblad (1969)."""

    space = PoissonParams(Simplex(exchangeable=(0,)), Positive(exchangeable=(0,)))

    def start(self, sample, rng, given=None):
        return PoissonParams(np.array([0.5, 0.5]), np.array([1.0, 3.0]))

    def e_step(self, params, chunk):
        x, w = chunk.x, chunk.weights
        joint = np.log(params.weights) + xlogy(x, params.rates) - params.rates - gammaln(x + 1)
        log_density = np.logaddexp(joint[:, 0], joint[:, 1])
        resp = np.exp(joint - log_density[:, None]) * w[:, None]
        stats = PoissonStats(resp.sum(axis=0), resp.T @ x[:, 0], w @ gammaln(x[:, 0] + 1))
        return Suff(float(w @ log_density), w.sum(), w.sum(), stats)

    def m_step(self, suff, params):
        count, total, _ = suff.stats
        return PoissonParams(count / count.sum(), total / count)

    def q(self, params, suff):
        count, total, log_factorials = suff.stats
        each = xlogy(count, params.weights) + xlogy(total, params.rates) - count * params.rates
        return float(each.sum() - log_factorials)


DEATHS = Rows.of(np.arange(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])


class WrongMStep(TwoPoissons):
    """Rates pushed too high in every step: the likelihood must fall."""

    def m_step(self, suff, params):
        right = super().m_step(suff, params)
        return right._replace(rates=right.rates * 1.3)


class MissingConstant(TwoPoissons):
    """q without the Poisson's -count * rate."""

    def q(self, params, suff):
        count, total, _ = suff.stats
        return float((xlogy(count, params.weights) + xlogy(total, params.rates)).sum())


class NotLinear(TwoPoissons):
    """The cube of q."""

    def q(self, params, suff):
        return super().q(params, suff) ** 3


class IgnoresWeights(TwoPoissons):
    """An E-step that forgets the weights."""

    def e_step(self, params, chunk):
        return super().e_step(params, Rows(chunk.x, np.ones(len(chunk))))


class SwappedWeights(TwoPoissons):
    """An M-step that gives each component the other's weight."""

    def m_step(self, suff, params):
        right = super().m_step(suff, params)
        return right._replace(weights=right.weights[::-1])


class WrongScore(TwoPoissons):
    """A gradient that forgets the rates' -count."""

    def score(self, params, suff):
        count, total, _ = suff.stats
        return PoissonParams(count / params.weights, total / params.rates)


class RightScore(TwoPoissons):
    """The gradient written out."""

    def score(self, params, suff):
        count, total, _ = suff.stats
        return PoissonParams(count / params.weights, total / params.rates - count)


class NotAdditive(TwoPoissons):
    """Statistics that are means and not sums."""

    def e_step(self, params, chunk):
        suff = super().e_step(params, chunk)
        return suff._replace(stats=PoissonStats(*(a / suff.n_units for a in suff.stats)))


class WrongLoglik(TwoPoissons):
    """A log-likelihood with a term that q does not have."""

    def e_step(self, params, chunk):
        suff = super().e_step(params, chunk)
        return suff._replace(loglik=suff.loglik + 0.1 * suff.n_units * params.rates.sum())


class WrongUnits(TwoPoissons):
    """Statistics of single units that forget the last one."""

    def unit_stats(self, params, chunk):
        return super().unit_stats(params, chunk)[:-1]


class ChangesShape(TwoPoissons):
    """An M-step that returns one component too many."""

    def m_step(self, suff, params):
        right = super().m_step(suff, params)
        return PoissonParams(np.full(3, 1 / 3), np.append(right.rates, 1.0))


class DropsAParameter(TwoPoissons):
    """An M-step that returns another structure."""

    def m_step(self, suff, params):
        return Theta(super().m_step(suff, params).rates)


class StartsOutside(TwoPoissons):
    """A start whose weights do not add up to one."""

    def start(self, sample, rng, given=None):
        return PoissonParams(np.array([0.5, 0.6]), np.array([1.0, 3.0]))


class ScatteredStarts(TwoPoissons):
    """Rates drawn at random, so that starts differ."""

    def start(self, sample, rng, given=None):
        rates = rng.uniform(0.5, 6.0, size=2)
        if given is not None and given.rates is not None:
            rates = given.rates
        return PoissonParams(rng.dirichlet([5.0, 5.0]), rates)


class SometimesInterrupted(ScatteredStarts):
    """The third start is stopped by the user before its first E-step."""

    def __init__(self):
        self.starts = 0

    def start(self, sample, rng, given=None):
        self.starts += 1
        if self.starts == 3:
            raise KeyboardInterrupt
        return super().start(sample, rng, given)


class NumericalMStep(Model):
    """The two Poissons with nothing but space, start, E-step and q."""

    space = TwoPoissons.space

    def start(self, sample, rng, given=None):
        return TwoPoissons().start(sample, rng)

    def e_step(self, params, chunk):
        return TwoPoissons().e_step(params, chunk)

    def q(self, params, suff):
        return TwoPoissons().q(params, suff)


class Theta(NamedTuple):
    theta: Any


class LinkageStats(NamedTuple):
    yes: Any
    no: Any
    rest: Any


class Linkage(Model):
    """Rao's genetic linkage, cells (125, 18, 20, 34) (Dempster, Laird & Rubin 1977, sec. 1)."""

    space = Theta(Interval(0.0, 1.0))

    def start(self, sample, rng, given=None):
        return Theta(np.array(0.5))

    def e_step(self, params, chunk):
        t, w = float(params.theta), chunk.weights
        p = np.array([0.5 + t / 4, (1 - t) / 4, (1 - t) / 4, t / 4])
        cells = chunk.x[:, 0].astype(int)
        y = np.bincount(cells, weights=w, minlength=4)
        hidden = y[0] * (t / 4) / p[0]
        coefficient = (y[0] - hidden) * np.log(0.5) + (hidden + y[1] + y[2] + y[3]) * np.log(0.25)
        stats = LinkageStats(np.array(hidden + y[3]), np.array(y[1] + y[2]), np.array(coefficient))
        return Suff(float(y @ np.log(p)), w.sum(), w.sum(), stats)

    def m_step(self, suff, params):
        yes, no, _ = suff.stats
        return Theta(np.asarray(yes / (yes + no)))

    def q(self, params, suff):
        yes, no, rest = suff.stats
        return float(xlogy(yes, params.theta) + xlogy(no, 1 - params.theta) + rest)


CELLS = Rows.of(np.arange(4), [125, 18, 20, 34])


class Location(NamedTuple):
    mean: Any
    held: Any


class LocationStats(NamedTuple):
    n: Any
    sum: Any
    squares: Any


class NormalMean(Model):
    """A normal mean with unit variance and a parameter that is to stay; nothing is latent."""

    space = Location(Real(), Fixed())

    def start(self, sample, rng, given=None):
        return Location(np.array(0.0), np.array(7.0))

    def e_step(self, params, chunk):
        x, w = chunk.x[:, 0], chunk.weights
        stats = LocationStats(w.sum(), w @ x, w @ x**2)
        value = self._height(params, stats)
        return Suff(value, w.sum(), w.sum(), stats)

    def _height(self, params, stats):
        n, total, squares = stats
        m = float(params.mean)
        return float(-0.5 * (n * np.log(2 * np.pi) + squares - 2 * m * total + n * m * m))

    def m_step(self, suff, params):
        return params._replace(mean=np.asarray(suff.stats.sum / suff.stats.n))

    def q(self, params, suff):
        return self._height(params, suff.stats)


class MovesTheFixed(NormalMean):
    def m_step(self, suff, params):
        return super().m_step(suff, params)._replace(held=np.array(8.0))


class LeavesTheInterval(NormalMean):
    space = Location(Interval(-0.5, 0.5), Fixed())


class WithPrior(NormalMean):
    """A normal prior N(0, 1/4) on the mean: the mode is n * mean / (n + 4)."""

    def m_step(self, suff, params):
        return params._replace(mean=np.asarray(suff.stats.sum / (suff.stats.n + 4)))

    def log_prior(self, params):
        return float(-2 * params.mean**2 + 0.5 * np.log(4 / (2 * np.pi)))


class WithPriorNumerically(WithPrior):
    """The same, with the M-step left to the engine."""

    def m_step(self, suff, params):
        return Model.m_step(self, suff, params)


class ForgetsThePrior(WithPrior):
    """An M-step that maximises q alone where there is a prior."""

    def m_step(self, suff, params):
        return NormalMean.m_step(self, suff, params)


class OverlongNewton(NormalMean):
    """An inexact M-step that goes three times too far and says so."""

    m_step_exact = False

    def m_step(self, suff, params):
        target = suff.stats.sum / suff.stats.n
        return params._replace(mean=np.asarray(params.mean + 3 * (target - params.mean)))


class Shares(NamedTuple):
    weights: Any


class ShareStats(NamedTuple):
    count: Any
    rest: Any


class KnownComponents(Model):
    """Weights of Poissons whose rates are known: a concave likelihood, so one maximum.

    Some weights are zero at the maximum, where expectation-maximization is slowest.
    """

    space = Shares(Simplex(exchangeable=(0,)))

    def __init__(self, rates):
        self.rates = np.asarray(rates, float)

    def start(self, sample, rng, given=None):
        return Shares(np.full(len(self.rates), 1 / len(self.rates)))

    def log_density(self, x):
        return xlogy(x, self.rates) - self.rates - gammaln(x + 1)

    def e_step(self, params, chunk):
        each = self.log_density(chunk.x)
        joint = each + np.log(params.weights)
        top = joint.max(axis=1)
        log_density = top + np.log(np.exp(joint - top[:, None]).sum(axis=1))
        resp = np.exp(joint - log_density[:, None]) * chunk.weights[:, None]
        stats = ShareStats(resp.sum(axis=0), np.sum(resp * each))
        n = chunk.weights.sum()
        return Suff(float(chunk.weights @ log_density), n, n, stats)

    def m_step(self, suff, params):
        return Shares(suff.stats.count / suff.stats.count.sum())

    def q(self, params, suff):
        return float(xlogy(suff.stats.count, params.weights).sum() + suff.stats.rest)

    def still_to_gain(self, params, chunk):
        """An upper bound on it: n log max_k of the mean ratio f_k / f (Lindsay 1983)."""
        joint = np.exp(self.log_density(chunk.x))
        ratio = joint / (joint @ params.weights)[:, None]
        n = chunk.weights.sum()
        return float(n * np.log((chunk.weights @ ratio).max() / n))


class NormalsParams(NamedTuple):
    weights: Any
    means: Any
    variances: Any


class NormalsStats(NamedTuple):
    count: Any
    first: Any
    second: Any


class TwoNormals(Model):
    """Two univariate normals, written as plainly as can be."""

    space = NormalsParams(
        Simplex(exchangeable=(0,)), Real(exchangeable=(0,)), Positive(exchangeable=(0,))
    )

    def start(self, sample, rng, given=None):
        lowest, highest = sample.x.min(), sample.x.max()
        means = np.quantile(sample.x, [0.3, 0.7])
        return NormalsParams(np.full(2, 0.5), means, np.full(2, (highest - lowest) ** 2 / 30))

    def e_step(self, params, chunk):
        x, w = chunk.x, chunk.weights
        joint = np.log(params.weights) + norm.logpdf(x, params.means, np.sqrt(params.variances))
        log_density = np.logaddexp(joint[:, 0], joint[:, 1])
        resp = np.exp(joint - log_density[:, None]) * w[:, None]
        stats = NormalsStats(resp.sum(axis=0), resp.T @ x[:, 0], resp.T @ x[:, 0] ** 2)
        return Suff(float(w @ log_density), w.sum(), w.sum(), stats)

    def m_step(self, suff, params):
        count, first, second = suff.stats
        means = first / count
        return NormalsParams(count / count.sum(), means, second / count - means**2)

    def q(self, params, suff):
        (count, first, second), (weights, m, v) = suff.stats, params
        squares = second - 2 * m * first + m**2 * count
        each = xlogy(count, weights) - 0.5 * (count * np.log(2 * np.pi * v) + squares / v)
        return float(each.sum())


class ShiftedMeans(TwoNormals):
    """Means a little beyond where they should be."""

    def m_step(self, suff, params):
        right = super().m_step(suff, params)
        return right._replace(means=right.means + 0.5)


class PrecisionForVariance(TwoNormals):
    """A reciprocal forgotten."""

    def m_step(self, suff, params):
        right = super().m_step(suff, params)
        return right._replace(variances=1 / right.variances)


WAITS = Rows.of(np.r_[np.linspace(-1.5, 1.5, 40) ** 3, 4 + np.linspace(-2, 2, 60)])
