"""Five items of a law school admission test: item response theory by marginal likelihood.

1,000 persons answered five questions of the Law School Admission Test, section 6 (Bock & Lieberman
1970, Psychometrika 35, 179-197). The probability of a right answer to item j is logistic in
a_j * ability + d_j, ability being standard normal. Bock & Aitkin (1981, Psychometrika 46, 443-459)
made this practicable by EM: ability is latent, the integral over it is Gauss-Hermite quadrature,
and the statistics are the expected numbers of persons, and of right answers, at each node.

The patterns of answers (30 of 32 occur) carry the number of persons as weights. With 61 nodes the
integral is exact to all digits. Published: the maximum recomputed to convergence; the R packages
ltm and mirt print the same slopes and standard errors, less exactly.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows, distinct_rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Real

DATA = Path(__file__).parent / "data"
PUBLISHED = {
    "loglik": -2466.65337740,
    "slopes": (0.825660, 0.722744, 0.890875, 0.688368, 0.656856),
    "errors": (0.25812, 0.18668, 0.23276, 0.18514, 0.20991),
}


class Params(NamedTuple):
    slopes: np.ndarray  # (items,)
    intercepts: np.ndarray  # (items,)


class Stats(NamedTuple):
    persons: np.ndarray  # (nodes,), expected
    right: np.ndarray  # (items, nodes), expected right answers


class TwoParameterLogistic(Model):
    """A row is a person's answers, 0 or 1.

    Parameters
    ----------
    nodes : int, default=61
        Of the Gauss-Hermite quadrature over ability.
    """

    space = Params(Real(), Real())

    def __init__(self, nodes=61):
        self.ability, weight = np.polynomial.hermite_e.hermegauss(nodes)
        self.log_weight = np.log(weight / weight.sum())

    def start(self, sample, rng, given=None):
        share = (sample.weights @ sample.x + 0.5) / (sample.weights.sum() + 1)
        slopes = rng.uniform(0.8, 1.2, size=len(share))
        flatter = np.sqrt(1 + 0.346 * slopes**2)  # what averaging over ability does to a logit
        return Params(slopes, np.log(share / (1 - share)) * flatter)

    def logits(self, params):
        return np.outer(params.slopes, self.ability) + params.intercepts[:, None]

    def e_step(self, params, chunk):
        logits = self.logits(params)
        joint = chunk.x @ logits - np.logaddexp(0, logits).sum(axis=0) + self.log_weight
        top = joint.max(axis=1, keepdims=True)
        share = np.exp(joint - top)
        total = share.sum(axis=1, keepdims=True)
        loglik = chunk.weights @ (top + np.log(total))[:, 0]
        share *= chunk.weights[:, None] / total
        n = chunk.weights.sum()
        return Suff(float(loglik), n, n, Stats(share.sum(axis=0), chunk.x.T @ share))

    def m_step(self, suff, params):
        """Logistic regression of each item on ability, by Newton steps that q confirms."""
        persons, right = suff.stats
        design = np.stack([self.ability, np.ones_like(self.ability)])
        height = self.heights(params, suff.stats)
        for _ in range(50):
            p = 1 / (1 + np.exp(-self.logits(params)))
            slope = (right - persons * p) @ design.T
            curvature = np.einsum("jk,ak,bk->jab", persons * p * (1 - p), design, design)
            step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
            if (slope * step).sum() < 1e-22 * suff.n_units:
                break
            for _ in range(30):
                there = Params(params.slopes + step[:, 0], params.intercepts + step[:, 1])
                reached = self.heights(there, suff.stats)
                falls = reached < height - 1e-12 * np.abs(height)
                if not falls.any():
                    break
                step[falls] /= 2
            params, height = there, reached
        return params

    def heights(self, params, stats):
        """What each item adds to q, shape (items,)."""
        logits = self.logits(params)
        return (stats.right * logits - stats.persons * np.logaddexp(0, logits)).sum(axis=1)

    def q(self, params, suff):
        stats = suff.stats
        return float(self.heights(params, stats).sum() + stats.persons @ self.log_weight)

    def score(self, params, suff):
        persons, right = suff.stats
        residual = right - persons / (1 + np.exp(-self.logits(params)))
        return Params(residual @ self.ability, residual.sum(axis=1))


def problem(nodes=61):
    """The model and the patterns of answers, weighted by how many persons gave them."""
    answers = np.genfromtxt(DATA / "lsat6.csv", delimiter=",", skip_header=1)
    return TwoParameterLogistic(nodes), distinct_rows(Rows.of(answers))


def report(fit, errors):
    """Names, what was found, what is published."""
    rows = [("loglik", fit.loglik, PUBLISHED["loglik"])]
    for kind, found in (("slopes", fit.params.slopes), ("errors", errors.slopes)):
        name = "a" if kind == "slopes" else "SE(a)"
        pairs = zip(found, PUBLISHED[kind], strict=True)
        rows += [(f"{name}[{j + 1}]", float(f), value) for j, (f, value) in enumerate(pairs)]
    return rows


def main():
    model, data = problem()
    fit = EM(tol=1e-10).fit(model, data, rng=0)
    errors = observed_information(model, data, fit.params, Threads()).standard_errors()
    for name, found, published in report(fit, errors):
        digits = {"l": 8, "a": 6, "S": 5}[name[0]]
        print(f"{name:8} {found:15.{digits}f}   published {published:15.{digits}f}")
    print(" ".join(fit.certificate.sentences()[:4]))


if __name__ == "__main__":
    main()
