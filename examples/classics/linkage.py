"""Rao's genetic linkage: where the paper that named EM begins.

197 animals fall into four classes, (125, 18, 20, 34), with probabilities 1/2 + t/4, (1 - t)/4,
(1 - t)/4 and t/4. The first class is two put together, of probability 1/2 and t/4: how many
of its 125 animals belong to which is latent.

Rao, C. R. (1965). Linear Statistical Inference and its Applications, pp. 368-369. Wiley.
Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete data
via the EM algorithm. JRSS B 39, 1-38, section 1 and table 1.

    python examples/classics/linkage.py
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Interval


class Params(NamedTuple):
    theta: Any  # scalar


class Stats(NamedTuple):
    half: Any  # expected animals in the part of probability 1/2
    linked: Any  # in the two of probability theta / 4
    unlinked: Any  # in the two of probability (1 - theta) / 4


class Linkage(Model):
    """Rows are class numbers 0 to 3, weighted by how many animals there are."""

    space = Params(Interval(0, 1))

    def start(self, sample, rng, given=None):
        return Params(np.array(0.5))

    def e_step(self, params, chunk):
        t = float(params.theta)
        n = np.bincount(chunk.x[:, 0].astype(int), chunk.weights, minlength=4)
        each = np.array([0.5 + t / 4, (1 - t) / 4, (1 - t) / 4, t / 4])
        share = t / (2 + t)  # of the first class
        stats = Stats(n[0] * (1 - share), n[0] * share + n[3], n[1] + n[2])
        return Suff(float(xlogy(n, each).sum()), n.sum(), n.sum(), stats)

    def m_step(self, suff, params):
        _, linked, unlinked = suff.stats
        return Params(np.array(linked / (linked + unlinked)))

    def q(self, params, suff):
        half, linked, unlinked = suff.stats
        t = params.theta
        terms = xlogy(linked, t / 4) + xlogy(unlinked, (1 - t) / 4) - half * np.log(2)
        return float(terms)

    def score(self, params, suff):
        _, linked, unlinked = suff.stats
        return Params(np.asarray(linked / params.theta - unlinked / (1 - params.theta)))

    def simulate(self, params, chunk, rng):
        t = float(params.theta)
        n = int(chunk.weights.sum())
        each = [0.5 + t / 4, (1 - t) / 4, (1 - t) / 4, t / 4]
        return Rows.of(np.arange(4), rng.multinomial(n, each))


START = Params(np.array(0.5))

PUBLISHED = {
    "theta": 0.626821497871,
    "standard error": 0.0514673,
    "observed information": 377.5169,
    "complete information": 435.3179,
    "EM rate": 0.1327787,
    "iterate 1": 0.608247423,
    "iterate 2": 0.624321051,
    "iterate 3": 0.626488879,
}


def problem():
    """The model and its data."""
    return Linkage(), Rows.of(np.arange(4), [125, 18, 20, 34])


def report(fit, errors):
    """Rows of (name, found, published)."""
    model, animals = problem()
    t = float(fit.params.theta)
    _, linked, unlinked = model.e_step(fit.params, animals).stats
    observed = float(errors.theta) ** -2
    complete = float(linked / t**2 + unlinked / (1 - t) ** 2)  # minus the second derivative of q
    found = [t, float(errors.theta), observed, complete, 1 - observed / complete]
    at = START
    for _ in range(3):
        at = model.m_step(model.e_step(at, animals), at)
        found.append(float(at.theta))
    return [(name, value, PUBLISHED[name]) for name, value in zip(PUBLISHED, found, strict=True)]


def main():
    model, animals = problem()
    fit = EM(tol=1e-12).fit(model, animals, start=START)
    errors = observed_information(model, animals, fit.params, Threads()).standard_errors()
    print(f"{'':24}{'found':<20}published")
    for name, found, published in report(fit, errors):
        print(f"{name:24}{found:<20.12g}{published}")
    print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
