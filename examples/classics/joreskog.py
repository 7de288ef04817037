"""Joreskog's factor analysis: nine variables, four factors, nine loadings held at zero.

The data are correlations, taken as those of 145 units. Every variable may load on the first two
factors, the first four variables on the third and the other five on the fourth; the factors are
independent and latent. Nothing fixes how the first two are turned against each other, so one
direction in the parameters changes no likelihood.

Joreskog, K. G. (1967). Some contributions to maximum likelihood factor analysis. Psychometrika
32, 443-482. Rubin, D. B. and Thayer, D. T. (1982). EM algorithms for ML factor analysis.
Psychometrika 47, 69-76. The start is that of Liu, C. and Rubin, D. B. (1998). Maximum likelihood
estimation of factor analysis using the ECME algorithm with complete and incomplete data.
Statistica Sinica 8, 729-747, as in a demonstration of Varadhan's SQUAREM. The maximum is
recomputed to convergence; it is printed without the normal distribution's 2 pi.

    python examples/classics/joreskog.py
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentia import EM, Model, Suff
from latentia.data.arrays import Rows
from latentia.engine.space import Masked, Positive, Real


class Params(NamedTuple):
    loadings: Any  # (d, k)
    uniquenesses: Any  # (d,)


class Stats(NamedTuple):
    n: Any
    squares: Any  # (d,) sums of squares of the variables
    products: Any  # (d, k) expected products of variables and factors
    factors: Any  # (k, k) expected products of factors


class Factors(Model):
    """Rows are matrices of second moments, weighted by how many units each is the mean of.

    `free`, shape (d, k), is True where a variable may load on a factor.
    """

    def __init__(self, free, n_gauge=0):
        self.free, self.n_gauge = np.asarray(free), n_gauge

    @property
    def space(self):
        return Params(Masked(Real(), self.free), Positive())

    def start(self, sample, rng, given=None):
        moments = np.tensordot(sample.weights, sample.x, 1) / sample.weights.sum()
        deviation = np.sqrt(np.diag(moments))
        guess = rng.uniform(-0.6, 0.6, self.free.shape) * deviation[:, None]
        return Params(np.where(self.free, guess, 0.0), 0.5 * deviation**2)

    def e_step(self, params, chunk):
        loadings, uniquenesses = params
        n, moments = chunk.weights.sum(), np.tensordot(chunk.weights, chunk.x, 1)
        scaled = loadings / uniquenesses[:, None]
        precision = np.eye(loadings.shape[1]) + loadings.T @ scaled  # of factors, variables given
        slope = np.linalg.solve(precision, scaled.T)  # of factors on variables, (k, d)
        products = moments @ slope.T
        factors = n * np.linalg.inv(precision) + slope @ products
        log_scale = np.log(2 * np.pi * uniquenesses).sum() + np.linalg.slogdet(precision)[1]
        distance = (np.diag(moments) / uniquenesses).sum() - (scaled * products).sum()
        stats = Stats(n, np.diag(moments), products, (factors + factors.T) / 2)
        return Suff(float(-0.5 * (n * log_scale + distance)), n, n, stats)

    def m_step(self, suff, params):
        n, squares, products, factors = suff.stats
        loadings = np.zeros(self.free.shape)
        for f in np.unique(self.free, axis=0):  # variables are regressed on their factors
            rows = np.ix_((self.free == f).all(axis=1), f)
            loadings[rows] = np.linalg.solve(factors[np.ix_(f, f)], products[rows].T).T
        return Params(loadings, (squares - (loadings * products).sum(axis=1)) / n)

    def residual(self, params, suff):
        """Expected sums of squares of what the factors leave, shape (d,)."""
        _, squares, products, factors = suff.stats
        b = params.loadings
        return squares - 2 * (b * products).sum(axis=1) + np.einsum("jk,kl,jl->j", b, factors, b)

    def q(self, params, suff):
        n, (d, k) = suff.stats.n, self.free.shape
        own = self.residual(params, suff) / params.uniquenesses + n * np.log(params.uniquenesses)
        constant = n * (d + k) * np.log(2 * np.pi)
        return float(-0.5 * (own.sum() + np.trace(suff.stats.factors) + constant))

    def score(self, params, suff):
        u, left = params.uniquenesses, suff.stats.products - params.loadings @ suff.stats.factors
        own = self.residual(params, suff) / u - suff.stats.n
        return Params(left / u[:, None], own / (2 * u))


FREE = np.array([[1, 1, 1, 0]] * 4 + [[1, 1, 0, 1]] * 5, dtype=bool)

START = Params(
    np.array(
        [
            [0.5954912, -0.4893347, -0.3848925, 0],
            [0.6449102, -0.4408213, -0.3555598, 0],
            [0.7630006, 0.5053083, -0.0535340, 0],
            [0.7163828, 0.5258722, 0.0219100, 0],
            [0.6175647, -0.4714808, 0, 0.1931459],
            [0.6464100, -0.4628659, 0, 0.4606456],
            [0.6452737, -0.3260013, 0, -0.3622682],
            [0.7868222, 0.3690580, 0, 0.0630371],
            [0.7482302, 0.4326963, 0, 0.0431256],
        ]
    ),
    np.full(9, 1e-8),
)

PUBLISHED = {"loglik without 2 pi": -327.690628475}


def problem():
    """The model and its data: one matrix of correlations, of 145 units."""
    path = Path(__file__).parent / "data" / "joreskog.csv"
    correlations = np.loadtxt(path, delimiter=",", skiprows=1)
    return Factors(FREE, n_gauge=1), Rows(correlations[None], np.array([145.0]))


def report(fit, errors=None):
    """Rows of (name, found, published)."""
    constant = fit.n_units * len(fit.params.uniquenesses) * np.log(2 * np.pi) / 2
    name = "loglik without 2 pi"
    return [(name, float(fit.loglik + constant), PUBLISHED[name])]


def main():
    model, correlations = problem()
    fit = EM(tol=1e-9, max_iter=20_000).fit(model, correlations, start=START)
    print(f"{'':24}{'found':<20}published")
    for name, found, published in report(fit):
        print(f"{name:24}{found:<20.9f}{published}")
    print("uniquenesses:", np.array2string(fit.params.uniquenesses, precision=6))
    print("\n".join(fit.certificate.sentences()[:3]))


if __name__ == "__main__":
    main()
