"""Rows for every family that goes by a name, and for columns of several kinds."""

from collections.abc import Callable

import numpy as np

from latentia.data.arrays import Rows
from latentia.families import making, registry
from latentia.hmm.model import HiddenMarkovModel
from latentia.mixture.start_general import GeneralGuesses

RNG = np.random.default_rng(0)
N = 40


def _directions():
    x = RNG.normal(size=(N, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


ROWS: dict[str, Callable[[], np.ndarray]] = {
    "bernoulli": lambda: RNG.integers(0, 2, size=(N, 2)).astype(float),
    "beta": lambda: RNG.beta(2.0, 3.0, size=(N, 1)),
    "binomial(trials=6)": lambda: RNG.integers(0, 7, size=(N, 1)).astype(float),
    "categorical": lambda: RNG.integers(0, 4, size=(N, 2)).astype(float),
    "dirichlet": lambda: RNG.dirichlet([1.0, 2.0, 3.0], size=N),
    "exponential": lambda: RNG.exponential(2.0, size=(N, 2)),
    "factor_analyzers(n_factors=1)": lambda: RNG.normal(size=(N, 3)),
    "gamma": lambda: RNG.gamma(2.0, size=(N, 1)),
    "gaussian": lambda: RNG.normal(size=(N, 2)),
    "gaussian(covariance_type='diag')": lambda: RNG.normal(size=(N, 2)),
    "gaussian(covariance_type='spherical')": lambda: RNG.normal(size=(N, 2)),
    "gaussian(covariance_type='tied')": lambda: RNG.normal(size=(N, 2)),
    "gaussian_mixtures(n_mix=2, covariance_type='diag')": lambda: RNG.normal(size=(N, 2)),
    "gaussian_mixtures(n_mix=2, covariance_type='tied')": lambda: RNG.normal(size=(N, 2)),
    "inverse_gaussian": lambda: RNG.wald(1.0, 2.0, size=(N, 1)),
    "log_normal": lambda: RNG.lognormal(size=(N, 1)),
    "multinomial": lambda: RNG.multinomial(9, [0.2, 0.3, 0.5], size=N).astype(float),
    "negative_binomial": lambda: RNG.negative_binomial(2, 0.3, size=(N, 1)).astype(float),
    "poisson": lambda: RNG.poisson(3.0, size=(N, 1)).astype(float),
    "student_t": lambda: RNG.standard_t(4, size=(N, 2)),
    "uniform": lambda: RNG.uniform(size=(N, 1)),
    "von_mises_fisher": _directions,
    "weibull": lambda: RNG.weibull(2.0, size=(N, 1)),
}


def parts_of(kind, x):
    """What a specification says of rows."""
    specified = registry.parts_of(kind, [f"x{j}" for j in range(x.shape[1])])
    return making.learned(specified, Rows.of(x), Rows.of(x))


def model_of(kind, x, n_states, chain=None, prior=None):
    """A hidden Markov model of a family, its starts at random."""
    family = making.built(parts_of(kind, x), n_states)
    return HiddenMarkovModel(family, GeneralGuesses(n_states, "random"), chain, prior)


def with_missing(x, takes_missing):
    """The rows with a step of which nothing is known and, where these may be, cells missing."""
    x = np.array(x, dtype=np.float64)
    if takes_missing:
        x[RNG.uniform(size=x.shape) < 0.15] = np.nan
    x[4] = x[5] = np.nan
    return x
