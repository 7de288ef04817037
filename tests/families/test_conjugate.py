"""The conjugate prior of normal components, by its definition and in the contract."""

import numpy as np
import pytest
from scipy.stats import invgamma, invwishart, multivariate_normal

from latentia import check_model
from latentia.data.arrays import Frame, Rows
from latentia.families.conjugate import ConjugatePrior
from latentia.families.covariance import MODELS, PATTERNS
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses

from .patterns import random_matrices

X = np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 3.0, 0.5] + [0.0, 5.0, -1.0]
ROWS = Rows.of(X)


def _family(name, k=3):
    structure = MODELS[name]
    return Gaussian(k, structure, Frame.of(ROWS), prior=ConjugatePrior.of(ROWS, k, structure))


@pytest.mark.parametrize("name", list(PATTERNS))
def test_mixtures_under_it_keep_the_contract(name):
    family = _family(name)
    model = MixtureModel(family, 3, lambda rows, rng: guesses(rows, 3, "random", rng))
    check_model(model, ROWS, 0, points=2)


def _params(name, rng):
    structure = MODELS[name]
    value = np.array(structure.of_matrices(random_matrices(name, 3, 3, rng)))
    return GaussianParams(rng.normal(size=(3, 3)), value)


@pytest.mark.parametrize("name", ["VVV", "EEE", "VVI", "EEI", "VII", "EII"])
def test_its_density_is_scipys_but_for_a_constant(name):
    family, structure = _family(name), MODELS[name]
    prior = ConjugatePrior.of(ROWS, 3, structure)
    rng = np.random.default_rng(1)

    def expected(params):
        matrices = structure.matrices(params.covariances, 3, 3)
        height = sum(
            multivariate_normal(prior.mean, matrix / prior.shrinkage).logpdf(mean)
            for mean, matrix in zip(params.means, matrices, strict=True)
        )
        for matrix in matrices[: 1 if name[0] == "E" else 3]:
            if name[2] != "I":
                height += invwishart(prior.dof, prior.scale).logpdf(matrix)
            else:
                variances = np.diag(matrix)[: 1 if name[1] == "I" else 3]
                gamma = invgamma(prior.dof / 2, scale=prior.scale[0, 0] / 2)
                height += gamma.logpdf(variances).sum()
        return height

    points = [_params(name, rng) for _ in range(4)]
    off = [family.log_prior(params) - expected(params) for params in points]
    np.testing.assert_allclose(off, off[0], rtol=1e-9)


def test_the_default_is_fraleys_and_rafterys():
    prior = ConjugatePrior.of(ROWS, 4, MODELS["VVV"])
    np.testing.assert_allclose(prior.mean, X.mean(axis=0))
    np.testing.assert_allclose(prior.scale, np.cov(X.T) / 4 ** (2 / 3))
    assert (prior.shrinkage, prior.dof) == (0.01, 5)
    diagonal = ConjugatePrior.of(ROWS, 4, MODELS["VEI"])
    variance = X.var(axis=0, ddof=1).mean() / 4 ** (2 / 3)
    np.testing.assert_allclose(diagonal.scale, variance * np.eye(3))


def test_weights_are_replication_and_missing_cells_are_left_out():
    counts = np.random.default_rng(2).integers(1, 4, size=50)
    repeated = ConjugatePrior.of(Rows.of(np.repeat(X, counts, axis=0)), 2, MODELS["VVV"])
    weighted = ConjugatePrior.of(Rows.of(X, counts), 2, MODELS["VVV"])
    for a, b in zip(repeated, weighted, strict=True):
        np.testing.assert_allclose(a, b)
    holes = X.copy()
    holes[::7, 0] = np.nan
    prior = ConjugatePrior.of(Rows.of(holes), 1, MODELS["VVV"])
    np.testing.assert_allclose(np.diag(prior.scale), np.nanvar(holes, axis=0, ddof=1))


@pytest.mark.parametrize("name", list(PATTERNS))
def test_a_component_without_rows_is_where_the_prior_is_highest(name):
    family = _family(name, 2)
    resp = np.zeros((50, 2))
    resp[:, 0] = 1
    params = family.start(X, resp)
    made = family.m_step(family.stats(params, X, resp), params)
    prior = ConjugatePrior.of(ROWS, 2, MODELS[name])
    np.testing.assert_allclose(made.means[1], prior.mean)
    matrices = MODELS[name].matrices(made.covariances, 2, 3)
    assert np.linalg.eigvalsh(matrices).min() > 0
    if name == "VVV":
        np.testing.assert_allclose(matrices[1], prior.scale / (prior.dof + 3 + 2))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((np.zeros(2), 0.01, 5, np.eye(3)), "got a prior with a mean of shape"),
        ((np.zeros(3), -1, 5, np.eye(3)), "shrinkage=-1"),
        ((np.zeros(3), 0.01, 0, np.eye(3)), "dof=0"),
        ((np.zeros(3), 0.01, 5, -np.eye(3)), "positive definite"),
        ((np.full(3, np.nan), 0.01, 5, np.eye(3)), "finite"),
    ],
)
def test_what_is_no_prior_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        ConjugatePrior.checked(*given, n_features=3)
