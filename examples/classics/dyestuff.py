"""Variance components: how much of the scatter of a dyestuff's yield is between batches.

Six batches, five yields each (Davies & Goldsmith 1972, sec. 6.4; Box & Tiao 1973, sec. 5.1.2; the
first example of the R package lme4): y = mean + batch + residual, both normal. The batch effects
are latent. EM for such models: Dempster, Laird & Rubin (1977, sec. 4.4); Laird & Ware (1982,
Biometrics 38, 963-974).

By maximum likelihood a batch is a unit. Restricted maximum likelihood integrates the mean out under
a flat prior, which ties the batches together, so the experiment is one unit and the mean is one
more latent variable. Criterion: -2 log-likelihood. Published: lme4's result of
lmer(Yield ~ 1 + (1 | Batch), Dyestuff); the ML variances are those of the balanced formulas.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Positive, Real

DATA = Path(__file__).parent / "data"
PUBLISHED = {
    "ML": {"criterion": 327.327059881, "mean": 1527.5, "batch": 1388.3333, "residual": 2451.25},
    "REML": {"criterion": 319.654276842, "batch": 1764.050, "residual": 2451.250},
}


class Params(NamedTuple):
    mean: np.ndarray  # scalar
    batch: np.ndarray  # scalar, variance between batches
    residual: np.ndarray  # scalar, variance within


class Stats(NamedTuple):
    batches: np.ndarray
    effects: np.ndarray  # expected sum of squared batch effects
    n: np.ndarray
    total: np.ndarray  # sum of y less the expected effect
    squares: np.ndarray  # expected sum of the squares of the same


class Batches(Model):
    """Maximum likelihood; a row is a batch of m yields."""

    def __init__(self, spread=1.0):
        self.spread = spread  # of the yields: the unit in which a step of the mean is measured

    @property
    def space(self):
        return Params(Real(self.spread), Positive(), Positive())

    def start(self, sample, rng, given=None):
        mean = sample.weights @ sample.x.mean(axis=1) / sample.weights.sum()
        half = sample.weights @ ((sample.x - mean) ** 2).mean(axis=1) / sample.weights.sum() / 2
        return Params(np.array(mean), np.array(half), np.array(half))

    def e_step(self, params, chunk):
        (mean, batch, residual), y, w = params, chunk.x, chunk.weights
        m = y.shape[1]
        level = y.mean(axis=1)
        within = ((y - level[:, None]) ** 2).sum(axis=1)
        of_mean = residual + m * batch  # m times the variance of a batch's mean
        effect = m * batch / of_mean * (level - mean)
        left = batch * residual / of_mean  # variance of an effect, given the yields
        loglik = within / residual + m * (level - mean) ** 2 / of_mean
        loglik = loglik + m * np.log(2 * np.pi) + (m - 1) * np.log(residual) + np.log(of_mean)
        free = y - effect[:, None]
        n = w.sum()
        stats = Stats(
            n,
            w @ (effect**2 + left),
            n * m,
            w @ free.sum(axis=1),
            w @ ((free**2).sum(axis=1) + m * left),
        )
        return Suff(float(-0.5 * w @ loglik), n, n * m, stats)

    def m_step(self, suff, params):
        s = suff.stats
        mean = s.total / s.n
        residual = s.squares / s.n - mean**2
        return Params(np.array(mean), np.array(s.effects / s.batches), np.array(residual))

    def q(self, params, suff):
        (mean, batch, residual), s = params, suff.stats
        squares = s.squares - 2 * mean * s.total + s.n * mean**2
        return log_normal(s.batches, s.effects, batch) + log_normal(s.n, squares, residual)


class Components(NamedTuple):
    batch: np.ndarray
    residual: np.ndarray


class ComponentStats(NamedTuple):
    batches: np.ndarray
    effects: np.ndarray  # expected sum of squared batch effects
    n: np.ndarray
    squares: np.ndarray  # expected sum of squared residuals


class Restricted(Model):
    """Restricted maximum likelihood; a row is a whole experiment, batch after batch.

    Parameters
    ----------
    batches : int
    """

    space = Components(Positive(), Positive())

    def __init__(self, batches):
        self.batches = batches

    def start(self, sample, rng, given=None):
        half = sample.weights @ sample.x.var(axis=1) / sample.weights.sum() / 2
        return Components(np.array(half), np.array(half))

    def e_step(self, params, chunk):
        (batch, residual), w, m = params, chunk.weights, chunk.x.shape[1] // self.batches
        members = np.repeat(np.eye(self.batches), m, axis=0)
        y = (chunk.x - chunk.x.mean(axis=1, keepdims=True)).T  # a shift changes nothing here
        ones = np.ones(len(y))
        inverse = np.linalg.inv(residual * np.eye(len(ones)) + batch * members @ members.T)
        of_mean = 1 / (ones @ inverse @ ones)  # variance of the mean, given the yields
        resolve = inverse - of_mean * np.outer(inverse @ ones, ones @ inverse)
        effects, errors = batch * members.T @ resolve @ y, residual * resolve @ y
        spread = batch * self.batches - batch**2 * np.trace(members.T @ resolve @ members)
        noise = residual * len(ones) - residual**2 * np.trace(resolve)
        loglik = (len(ones) - 1) * np.log(2 * np.pi) - np.log(of_mean)
        loglik += np.einsum("ij,ik,kj->j", y, resolve, y) - np.linalg.slogdet(inverse)[1]
        n = w.sum()
        stats = ComponentStats(
            n * self.batches,
            w @ ((effects**2).sum(axis=0) + spread),
            n * len(ones),
            w @ ((errors**2).sum(axis=0) + noise),
        )
        return Suff(float(-0.5 * w @ loglik), n, n * len(ones), stats)

    def m_step(self, suff, params):
        s = suff.stats
        return Components(np.array(s.effects / s.batches), np.array(s.squares / s.n))

    def q(self, params, suff):
        s = suff.stats
        effects = log_normal(s.batches, s.effects, params.batch)
        return effects + log_normal(s.n, s.squares, params.residual)


def log_normal(n, squares, variance):
    """Log-density of n centred normals with this sum of squares."""
    return float(-0.5 * (n * np.log(2 * np.pi * variance) + squares / variance))


def problem(reml=False):
    """The model and the yields: a row a batch or, for REML, all in one row."""
    table = np.genfromtxt(DATA / "dyestuff.csv", delimiter=",", skip_header=1, usecols=1)
    yields = table.reshape(6, 5)  # the file is ordered by batch
    if reml:
        return Restricted(6), Rows.of(yields.reshape(1, 30))
    return Batches(spread=float(yields.std())), Rows.of(yields)


def report(fit, errors, reml=False):
    """Names, what was found, what is published."""
    found = {"criterion": -2 * fit.loglik, **fit.params._asdict()}
    published = PUBLISHED["REML" if reml else "ML"].items()
    return [(name, float(found[name]), value) for name, value in published]


def main():
    for reml in (False, True):
        model, data = problem(reml)
        fit = EM(tol=1e-11).fit(model, data)
        errors = observed_information(model, data, fit.params, Threads()).standard_errors()
        print("restricted maximum likelihood" if reml else "maximum likelihood")
        for name, found, published in report(fit, errors, reml):
            error = getattr(errors, name, None)
            told = "" if error is None else f"   standard error {float(error):.3f}"
            print(f"  {name:10} {found:15.9f}   published {published:15.9f}{told}")
        print(" ", " ".join(fit.certificate.sentences()[:4]))


if __name__ == "__main__":
    main()
