"""A multivariate normal with holes: the apple crop, and Draper and Smith's cement.

Apple crop: eighteen trees with their numbers of apples, twelve also with the share of wormy ones.
Cement: thirteen mixtures, five variables, holes as Little and Rubin cut them. What is not seen is
latent. The four ingredients of the cement nearly add up to a constant, and plain EM needs hundreds
of steps.

Little, R. J. A. and Rubin, D. B. (1987). Statistical Analysis with Missing Data, tables 6.1 and
6.4, section 8.2. Wiley. The maxima are recomputed to convergence.

    python examples/classics/normal_with_holes.py
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information
from latentia.engine.space import PositiveDefinite, Real


class Params(NamedTuple):
    mean: Any  # (d,)
    covariance: Any  # (d, d)


class Stats(NamedTuple):
    n: Any
    first: Any  # (d,) expected sum, about the model's origin
    second: Any  # (d, d) expected sum of squares and products, about the origin


class Holes(NamedTuple):
    """Rows with NaN where nothing was seen, and for each row the number of its pattern."""

    x: Any  # (n, d)
    weights: Any  # (n,)
    pattern: Any  # (n,)
    seen: Any  # (patterns, d) of bool

    def __len__(self):
        return len(self.x)

    def take(self, idx):
        return Holes(self.x[idx], self.weights[idx], self.pattern[idx], self.seen)

    def reweight(self, w):
        return Holes(self.x, self.weights * w, self.pattern, self.seen)


class IncompleteNormal(Model):
    """Rows of a normal distribution, some entries missing at random.

    Moments are taken about `origin`, and covariances judged in units of `unit`, shape (d,) both.
    """

    def __init__(self, origin, unit):
        self.origin, self.unit = origin, unit

    @property
    def space(self):
        return Params(Real(scale=self.unit), PositiveDefinite(unit=self.unit))

    def prepare(self, chunk):
        seen, pattern = np.unique(~np.isnan(chunk.x), axis=0, return_inverse=True)
        return Holes(chunk.x, chunk.weights, pattern.ravel(), seen)

    def start(self, sample, rng, given=None):
        w = sample.weights[:, None] * ~np.isnan(sample.x)
        mean = np.nansum(w * sample.x, axis=0) / w.sum(axis=0)
        variance = np.nansum(w * (sample.x - mean) ** 2, axis=0) / w.sum(axis=0)
        return Params(mean, np.diag(variance))

    def e_step(self, params, chunk):
        (mean, covariance), d = params, len(self.origin)
        loglik, first, second = 0.0, np.zeros(d), np.zeros((d, d))
        for number, seen in enumerate(chunk.seen):
            rows = chunk.pattern == number
            w, hidden = chunk.weights[rows], ~seen
            root = np.linalg.cholesky(covariance[np.ix_(seen, seen)])  # fails if not definite
            slope = np.linalg.solve(root.T, np.linalg.solve(root, covariance[seen]))
            residual = chunk.x[rows][:, seen] - mean[seen]
            expected = mean - self.origin + residual @ slope
            left = covariance[hidden] - covariance[np.ix_(hidden, seen)] @ slope
            first += w @ expected
            second += (expected.T * w) @ expected
            second[np.ix_(hidden, hidden)] += w.sum() * left[:, hidden]
            distance = (np.linalg.solve(root, residual.T) ** 2).sum(axis=0)
            log_scale = seen.sum() * np.log(2 * np.pi) + 2 * np.log(np.diag(root)).sum()
            loglik -= 0.5 * float(w @ (distance + log_scale))
        n = chunk.weights.sum()
        return Suff(loglik, n, n, Stats(n, first, (second + second.T) / 2))

    def m_step(self, suff, params):
        n, first, second = suff.stats
        mean = first / n
        return Params(mean + self.origin, second / n - np.outer(mean, mean))

    def scatter(self, params, suff):
        """Expected squares and products about the mean of `params`."""
        n, first, second = suff.stats
        m = params.mean - self.origin
        return second - np.outer(first, m) - np.outer(m, first) + n * np.outer(m, m)

    def q(self, params, suff):
        root = np.linalg.cholesky(params.covariance)
        half = np.linalg.solve(root, self.scatter(params, suff))
        log_scale = len(root) * np.log(2 * np.pi) + 2 * np.log(np.diag(root)).sum()
        return float(-0.5 * (np.trace(np.linalg.solve(root, half.T)) + suff.stats.n * log_scale))

    def score(self, params, suff):
        precision = np.linalg.inv(params.covariance)
        shift = suff.stats.first - suff.stats.n * (params.mean - self.origin)
        spread = precision @ self.scatter(params, suff) @ precision
        return Params(precision @ shift, (spread - suff.stats.n * precision) / 2)


PUBLISHED = {
    "apple loglik": -101.785632,
    "apple mean 1": 14.722222,
    "apple mean 2": 49.333333,
    "apple variance 1": 89.533951,
    "apple covariance": -90.696729,
    "apple variance 2": 114.694955,
    "missvals loglik": -132.925250,
    "missvals mean 1": 6.655166,
    "missvals mean 2": 49.965259,
    "missvals mean 3": 11.769231,
    "missvals mean 4": 27.047089,
    "missvals mean 5": 95.423077,
}


def problem(name="apple"):
    """The model and its data: "apple" or "missvals"."""
    path = Path(__file__).parent / "data" / f"{name}.csv"
    x = np.genfromtxt(path, delimiter=",", skip_header=1, missing_values="NA")
    return IncompleteNormal(np.nanmean(x, axis=0), np.nanstd(x, axis=0)), Rows.of(x)


def report(fit, errors):
    """Rows of (name, found, published)."""
    mean, covariance = fit.params
    name = {2: "apple", 5: "missvals"}[len(mean)]
    found = [fit.loglik, *mean]
    if name == "apple":
        found += [covariance[0, 0], covariance[0, 1], covariance[1, 1]]
    names = [key for key in PUBLISHED if key.startswith(name)]
    return [(key, float(v), PUBLISHED[key]) for key, v in zip(names, found, strict=True)]


def main():
    print(f"{'':20}{'found':<20}published")
    for name in ("apple", "missvals"):
        model, rows = problem(name)
        fit = EM(tol=1e-10).fit(model, rows)
        errors = observed_information(model, rows, fit.params, Threads()).standard_errors()
        for key, found, published in report(fit, errors):
            print(f"{key:20}{found:<20.9f}{published:.6f}")
        print("standard errors of the means:", np.array2string(errors.mean, precision=4))
        print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
