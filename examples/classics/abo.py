"""Frequencies of the ABO alleles: gene counting, an EM algorithm of 1955.

Of 521 people 186 have blood group A, 38 B, 13 AB and 284 O. A person carries two alleles, drawn
independently; a and b each dominate o, so that group A is aa or ao, and group B bb or bo. The
genotypes are latent.

Ceppellini, R., Siniscalco, M. and Smith, C. A. B. (1955). The estimation of gene frequencies in a
random-mating population. Ann. Hum. Genet. 20, 97-115. The counts are those of Clarke, C. A. et al.
(1959) on cases of duodenal ulcer, an example of Lange, K. (2002). Mathematical and Statistical
Methods for Genetic Analysis, chapter 2. Springer. The log-likelihood is without the multinomial
coefficient.

    python examples/classics/abo.py
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Simplex


class Params(NamedTuple):
    frequency: Any  # (3,) of the alleles a, b, o


class Stats(NamedTuple):
    alleles: Any  # (3,) expected copies of a, b, o
    mixed: Any  # expected people with two different alleles


class BloodGroups(Model):
    """Rows are group numbers 0 to 3 for A, B, AB, O, weighted by how many people there are."""

    space = Params(Simplex())

    def start(self, sample, rng, given=None):
        return Params(rng.dirichlet([5.0, 5.0, 5.0]))

    def groups(self, params):
        """Probabilities of A, B, AB, O under Hardy-Weinberg equilibrium."""
        p, q, r = params.frequency
        return np.array([p * p + 2 * p * r, q * q + 2 * q * r, 2 * p * q, r * r])

    def e_step(self, params, chunk):
        p, q, r = params.frequency
        n = np.bincount(chunk.x[:, 0].astype(int), chunk.weights, minlength=4)
        ao, bo = n[0] * 2 * r / (p + 2 * r), n[1] * 2 * r / (q + 2 * r)
        alleles = np.array([2 * n[0] - ao + n[2], 2 * n[1] - bo + n[2], ao + bo + 2 * n[3]])
        loglik = float(xlogy(n, self.groups(params)).sum())
        return Suff(loglik, n.sum(), n.sum(), Stats(alleles, ao + bo + n[2]))

    def m_step(self, suff, params):
        return Params(suff.stats.alleles / suff.stats.alleles.sum())

    def q(self, params, suff):
        alleles, mixed = suff.stats
        return float(xlogy(alleles, params.frequency).sum() + mixed * np.log(2))

    def score(self, params, suff):
        return Params(suff.stats.alleles / params.frequency)

    def simulate(self, params, chunk, rng):
        n = int(chunk.weights.sum())
        return Rows.of(np.arange(4), rng.multinomial(n, self.groups(params)))


START = Params(np.full(3, 1 / 3))

PUBLISHED = {"p": 0.21359094, "q": 0.05014533, "r": 0.73626373, "loglik": -511.571470}


def problem():
    """The model and its data."""
    return BloodGroups(), Rows.of(np.arange(4), [186, 38, 13, 284])


def report(fit, errors):
    """Rows of (name, found, published)."""
    found = [*map(float, fit.params.frequency), fit.loglik]
    return [(name, value, PUBLISHED[name]) for name, value in zip(PUBLISHED, found, strict=True)]


def main():
    model, people = problem()
    fit = EM(tol=1e-12).fit(model, people, start=START)
    errors = observed_information(model, people, fit.params, Threads()).standard_errors()
    print(f"{'':10}{'found':<20}published")
    for name, found, published in report(fit, errors):
        print(f"{name:10}{found:<20.12g}{published}")
    print("standard errors of p, q, r:", np.array2string(errors.frequency, precision=6))
    print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
