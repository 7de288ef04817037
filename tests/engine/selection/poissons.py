"""Mixtures of any number of Poissons, which can draw data; and a start for one more."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlogy
from tests.engine.models import PoissonParams, PoissonStats

from latentia import Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.space import Positive, Simplex


class Poissons(Model):
    """Of k components; starts spread the rates at random about the mean."""

    space = PoissonParams(Simplex(exchangeable=(0,)), Positive(exchangeable=(0,)))

    def __init__(self, k):
        self.k = k

    def start(self, sample, rng, given=None):
        mean = np.average(sample.x[:, 0], weights=sample.weights)
        return PoissonParams(np.full(self.k, 1 / self.k), mean * rng.uniform(0.2, 2, self.k))

    def e_step(self, params, chunk):
        x, w = chunk.x, chunk.weights
        joint = np.log(params.weights) + xlogy(x, params.rates) - params.rates - gammaln(x + 1)
        top = joint.max(axis=1)
        resp = np.exp(joint - top[:, None])
        total = resp.sum(axis=1)
        resp *= (w / total)[:, None]
        stats = PoissonStats(resp.sum(axis=0), resp.T @ x[:, 0], w @ gammaln(x[:, 0] + 1))
        return Suff(float(w @ (top + np.log(total))), w.sum(), w.sum(), stats)

    def m_step(self, suff, params):
        count, total, _ = suff.stats
        gone = count == 0
        rates = np.where(gone, params.rates, total / np.where(gone, 1.0, count))
        return PoissonParams(count / count.sum(), rates)

    def q(self, params, suff):
        count, total, log_factorials = suff.stats
        each = xlogy(count, params.weights) + xlogy(total, params.rates) - count * params.rates
        return float(each.sum() - log_factorials)

    def simulate(self, params, chunk, rng):
        which = rng.choice(self.k, size=len(chunk), p=params.weights)
        return Rows.of(rng.poisson(params.rates[which]))


def parted(params, j, part, factor):
    """Component j in two of the same mean: a share `part` with `factor` times its rate."""
    weights, rates = params
    rest = max((1 - part * factor) / (1 - part), 0.05)
    others = np.arange(len(weights)) != j
    return PoissonParams(
        np.r_[weights[others], weights[j] * (1 - part), weights[j] * part],
        np.r_[rates[others], rates[j] * rest, rates[j] * factor],
    )


def split(params, rng):
    """A start with one component more, as often with a few units far off as with two halves."""
    j = rng.choice(len(params.weights), p=params.weights)
    factor = rng.uniform(1.2, 3.5) if rng.random() < 0.6 else rng.uniform(0.05, 0.7)
    return parted(params, j, 10 ** rng.uniform(-2.5, -0.3), factor)


def splits(params, rng):
    """Six starts of two components, spread over what the second may be."""
    places = [(0.01, 3.5), (0.05, 2.0), (0.3, 1.4), (0.6, 0.7), (0.12, 0.2), (0.03, 0.05)]
    return [parted(params, 0, part, factor) for part, factor in places]
