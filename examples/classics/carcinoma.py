"""Latent classes: seven pathologists look at 118 slides for carcinoma.

Each slide belongs to a latent class, and given the class the pathologists judge independently.
The likelihood has several maxima, and at the highest some probabilities are exactly 0 or 1, where
EM is slowest.

Landis, J. R. and Koch, G. G. (1977). An application of hierarchical kappa-type statistics in the
assessment of majority agreement among multiple observers. Biometrics 33, 363-374. Agresti, A.
(2002). Categorical Data Analysis, section 13.1. Wiley. The maxima are those of the R package
poLCA, recomputed to convergence.

    python examples/classics/carcinoma.py
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.space import Simplex


class Params(NamedTuple):
    weights: Any  # (k,)
    probabilities: Any  # (k, items, levels)


class Stats(NamedTuple):
    count: Any  # (k,) expected rows of each class
    answers: Any  # (k, items, levels) expected rows of each class with each answer


class LatentClasses(Model):
    """Rows are answers 0 to `levels` - 1 to each of the items, weighted by how many gave them."""

    def __init__(self, k, items, levels=2):
        self.k, self.items, self.levels = k, items, levels

    @property
    def space(self):
        return Params(Simplex(exchangeable=(0,)), Simplex(exchangeable=(0,)))

    def start(self, sample, rng, given=None):
        uniform = np.full(self.k, 1 / self.k)
        return Params(uniform, rng.dirichlet(np.ones(self.levels), (self.k, self.items)))

    def joint(self, params, chunk):
        """Log-probability of each class with each row's answers, shape (n, k)."""
        with np.errstate(divide="ignore"):  # an exact zero is allowed
            weights, probabilities = np.log(params.weights), np.log(params.probabilities)
        of_answers = probabilities[:, np.arange(self.items), chunk.x.astype(int)]
        return weights + of_answers.sum(axis=2).T

    def e_step(self, params, chunk):
        joint, w = self.joint(params, chunk), chunk.weights
        log_density = np.logaddexp.reduce(joint, axis=1)
        resp = np.exp(joint - log_density[:, None]) * w[:, None]
        given = chunk.x[..., None] == np.arange(self.levels)
        stats = Stats(resp.sum(axis=0), np.einsum("nk,njl->kjl", resp, given))
        return Suff(float(w @ log_density), w.sum(), w.sum(), stats)

    def m_step(self, suff, params):
        count, answers = suff.stats
        total = answers.sum(axis=2, keepdims=True)  # a class without slides keeps its own
        kept = np.array(params.probabilities)
        return Params(count / count.sum(), np.divide(answers, total, out=kept, where=total > 0))

    def q(self, params, suff):
        count, answers = suff.stats
        of_answers = xlogy(answers, params.probabilities).sum()
        return float(xlogy(count, params.weights).sum() + of_answers)

    def score(self, params, suff):
        slopes = [
            np.divide(counted, p, out=np.zeros_like(p), where=p > 0)
            for counted, p in zip(suff.stats, params, strict=True)
        ]
        return Params(*slopes)

    def posterior(self, params, chunk):
        joint = self.joint(params, chunk)
        return np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))

    def simulate(self, params, chunk, rng):
        each = rng.choice(self.k, size=int(chunk.weights.sum()), p=params.weights)
        steps = params.probabilities.cumsum(axis=2)[each]
        drawn = (rng.random((len(each), self.items, 1)) > steps[..., :-1]).sum(axis=2)
        return Rows.of(*np.unique(drawn, axis=0, return_counts=True))


PUBLISHED = {
    "loglik, 2 classes": -317.25684,
    "loglik, 3 classes": -293.70498,
    "loglik, 4 classes": -289.28585,
}


def problem(k=4):
    """The model with `k` classes and its data, equal rows put together."""
    path = Path(__file__).parent / "data" / "carcinoma.csv"
    slides = np.loadtxt(path, delimiter=",", skiprows=1) - 1  # 0 no carcinoma, 1 carcinoma
    patterns, count = np.unique(slides, axis=0, return_counts=True)
    return LatentClasses(k, slides.shape[1]), Rows.of(patterns, count)


def report(fit, errors=None):
    """Rows of (name, found, published)."""
    name = f"loglik, {len(fit.params.weights)} classes"
    return [(name, fit.loglik, PUBLISHED[name])]


def main():
    for k in (2, 3, 4):
        model, slides = problem(k)
        fit = EM(tol=1e-9, starts=20).fit(model, slides, 0)
        for name, found, published in report(fit):
            print(f"{name}: found {found:.8f}, published {published}")
        sure = model.posterior(fit.params, slides).max(axis=1) > 0.95
        print("class weights:", np.array2string(np.sort(fit.params.weights), precision=4))
        print(f"slides put into a class with 95 %: {slides.weights[sure].sum():.0f} of 118")
        print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
