"""The Nile at Aswan, 1871-1970: a level that wanders, seen through noise.

The local level model (Durbin & Koopman 2012, Time Series Analysis by State Space Methods, ch. 2):

    y[t] = level[t] + N(0, H),    level[t+1] = level[t] + N(0, Q),

with nothing known of the first level (exact diffuse start). The levels are latent; the E-step is a
Kalman filter and a smoother (Shumway & Stoffer 1982, J. Time Series Analysis 3, 253-264). A whole
series is one unit. Published: Durbin & Koopman, sec. 2.10, and recomputed by the R package KFAS.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import Positive

DATA = Path(__file__).parent / "data"
PUBLISHED = {"loglik": -632.545625, "H": 15098.5184, "Q": 1469.1763}


class Params(NamedTuple):
    noise: np.ndarray  # scalar, H
    step: np.ndarray  # scalar, Q


class Stats(NamedTuple):
    seen: np.ndarray  # number of observations
    noise: np.ndarray  # expected sum of squares of y less the level
    moves: np.ndarray  # number of moves of the level
    steps: np.ndarray  # expected sum of their squares


class LocalLevel(Model):
    """A row is a series of T values; rows are independent."""

    space = Params(Positive(), Positive())

    def start(self, sample, rng, given=None):
        half = sample.weights @ sample.x.var(axis=1) / sample.weights.sum() / 2
        return Params(np.array(half), np.array(half))

    def e_step(self, params, chunk):
        y, w = chunk.x, chunk.weights
        level, variance, loglik = self.filter(params, y)
        smooth, left, steps = self.smooth(params, level, variance)
        n, length = w.sum(), y.shape[1]
        noise = ((y - smooth) ** 2).sum(axis=1) + left.sum()
        stats = Stats(n * length, w @ noise, n * (length - 1), w @ steps)
        return Suff(float(w @ loglik), n, n * length, stats)

    def filter(self, params, y):
        """Mean (series, T) and variance (T,) of each level given y so far; the log-likelihood."""
        level, variance = np.empty_like(y), np.empty(y.shape[1])
        level[:, 0], variance[0] = y[:, 0], params.noise  # a flat prior times the first value
        loglik = np.zeros(len(y))
        for t in range(1, y.shape[1]):
            ahead = variance[t - 1] + params.step
            total = ahead + params.noise
            surprise = y[:, t] - level[:, t - 1]
            level[:, t] = level[:, t - 1] + ahead / total * surprise
            variance[t] = ahead * params.noise / total
            loglik -= (np.log(2 * np.pi * total) + surprise**2 / total) / 2
        return level, variance, loglik

    def smooth(self, params, level, variance):
        """Mean and variance of each level given all y; expected sum of squared moves."""
        smooth, left = level.copy(), variance.copy()
        steps = np.zeros(len(level))
        for t in range(level.shape[1] - 2, -1, -1):
            ahead = variance[t] + params.step
            gain = variance[t] / ahead
            smooth[:, t] += gain * (smooth[:, t + 1] - level[:, t])
            left[t] += gain**2 * (left[t + 1] - ahead)
            spread = left[t + 1] * (1 - gain) ** 2 + variance[t] * params.step / ahead
            steps += (smooth[:, t + 1] - smooth[:, t]) ** 2 + spread
        return smooth, left, steps

    def m_step(self, suff, params):
        s = suff.stats
        return Params(np.array(s.noise / s.seen), np.array(s.steps / s.moves))

    def q(self, params, suff):
        s = suff.stats
        noise = s.seen * np.log(2 * np.pi * params.noise) + s.noise / params.noise
        steps = s.moves * np.log(2 * np.pi * params.step) + s.steps / params.step
        return float(-0.5 * (noise + steps))


def problem():
    """The model and the series, one row of 100 years."""
    volume = np.genfromtxt(DATA / "nile.csv", delimiter=",", skip_header=1, usecols=1)
    return LocalLevel(), Rows.of(volume[None, :])


def report(fit, errors):
    """Names, what was found, what is published."""
    found = {"loglik": fit.loglik, "H": float(fit.params.noise), "Q": float(fit.params.step)}
    return [(name, found[name], value) for name, value in PUBLISHED.items()]


def main():
    model, data = problem()
    fit = EM(tol=1e-12, max_iter=10_000).fit(model, data)
    errors = observed_information(model, data, fit.params, Threads()).standard_errors()
    for name, found, published in report(fit, errors):
        print(f"{name:8} {found:14.6f}   published {published:14.6f}")
    print(f"standard errors: H {float(errors.noise):.1f}, Q {float(errors.step):.1f}")
    print(" ".join(fit.certificate.sentences()[:4]))


if __name__ == "__main__":
    main()
