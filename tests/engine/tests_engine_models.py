"""Small models that are right, and ways of making them wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

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
    """q divided by the number of units."""

    def q(self, params, suff):
        return super().q(params, suff) ** 3


class IgnoresWeights(TwoPoissons):
    """An E-step that forgets the weights."""

    def e_step(self, params, chunk):
        return super().e_step(params, Rows(chunk.x, np.ones(len(chunk))))


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


class OverlongNewton(NormalMean):
    """An inexact M-step that goes three times too far and says so."""

    m_step_exact = False

    def m_step(self, suff, params):
        target = suff.stats.sum / suff.stats.n
        return params._replace(mean=np.asarray(params.mean + 3 * (target - params.mean)))
