"""Hasselblad's two Poissons: the classic of slow convergence.

On 1096 days The Times of London printed 0 to 9 death notices of women aged 80 and over. Summer and
winter differ, and a mixture of two Poisson distributions fits where one does not. The components
overlap so much that a plain EM step leaves 99.567 % of the distance to the maximum.

Hasselblad, V. (1969). Estimation of finite mixtures of distributions from the exponential
family. JASA 64, 1459-1471. The maximum and its standard errors are recomputed to convergence,
the latter from a numerical Hessian.

    python examples/classics/hasselblad.py
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Positive, Simplex


class Params(NamedTuple):
    weights: Any  # (2,)
    rates: Any  # (2,)


class Stats(NamedTuple):
    count: Any  # (2,) expected days of each component
    total: Any  # (2,) expected notices on them
    log_factorials: Any


class TwoPoissons(Model):
    """Rows are numbers of notices, weighted by how many days had as many."""

    space = Params(Simplex(exchangeable=(0,)), Positive(exchangeable=(0,)))

    def start(self, sample, rng, given=None):
        mean = sample.weights @ sample.x[:, 0] / sample.weights.sum()
        return Params(rng.dirichlet([5.0, 5.0]), mean * rng.uniform(0.3, 2.0, size=2))

    def e_step(self, params, chunk):
        x, w = chunk.x, chunk.weights
        joint = np.log(params.weights) + xlogy(x, params.rates) - params.rates - gammaln(x + 1)
        log_density = np.logaddexp(joint[:, 0], joint[:, 1])
        resp = np.exp(joint - log_density[:, None]) * w[:, None]
        stats = Stats(resp.sum(axis=0), resp.T @ x[:, 0], w @ gammaln(x[:, 0] + 1))
        return Suff(float(w @ log_density), w.sum(), w.sum(), stats)

    def m_step(self, suff, params):
        count, total, _ = suff.stats
        return Params(count / count.sum(), total / count)

    def q(self, params, suff):
        count, total, log_factorials = suff.stats
        each = xlogy(count, params.weights) + xlogy(total, params.rates) - count * params.rates
        return float(each.sum() - log_factorials)

    def score(self, params, suff):
        count, total, _ = suff.stats
        return Params(count / params.weights, total / params.rates - count)

    def simulate(self, params, chunk, rng):
        from_second = rng.random(int(chunk.weights.sum())) >= params.weights[0]
        drawn = rng.poisson(params.rates[from_second.astype(int)])
        return Rows.of(*np.unique(drawn, return_counts=True))


START = Params(np.array([0.5, 0.5]), np.array([1.0, 3.0]))

PUBLISHED = {
    "loglik": -1989.945859883,
    "weight 1": 0.3598854,
    "weight 2": 0.6401146,
    "rate 1": 1.2560951,
    "rate 2": 2.6634043,
    "standard error of weight 1": 0.1946843,
    "standard error of rate 1": 0.3500297,
    "standard error of rate 2": 0.2504783,
}


def problem():
    """The model and its data."""
    days = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
    return TwoPoissons(), Rows.of(np.arange(10), days)


def report(fit, errors):
    """Rows of (name, found, published); the component of the lower rate comes first."""
    order = np.argsort(fit.params.rates)
    weights, rates = (np.asarray(values)[order] for values in fit.params)
    weight_errors, rate_errors = (np.asarray(values)[order] for values in errors)
    found = [fit.loglik, *weights, *rates, weight_errors[0], *rate_errors]
    rows = zip(PUBLISHED, found, strict=True)
    return [(name, float(value), PUBLISHED[name]) for name, value in rows]


def main():
    model, days = problem()
    fit = EM(tol=1e-11).fit(model, days, start=START)
    errors = observed_information(model, days, fit.params, Threads()).standard_errors()
    print(f"{'':30}{'found':<20}published")
    for name, found, published in report(fit, errors):
        print(f"{name:30}{found:<20.13g}{published}")
    print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
