"""The model as the engine sees it: the contract, starts from many rows, names."""

import numpy as np
import pytest

from latentia import check_model
from latentia.data.arrays import Rows
from latentia.engine.tree import leaves
from latentia.families.predictor import Basis
from latentia.latent_class import model
from latentia.mixture.model import GatedRows

LEVELS = [2, 3, 4]


def rows(n, seed=0, holes=0.1):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 2, n)
    x = np.column_stack([rng.binomial(m - 1, np.where(z, 0.8, 0.25)) for m in LEVELS]).astype(float)
    x[rng.random(x.shape) < holes] = np.nan
    return x, z


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_contract_holds_with_and_without_covariates(k):
    x, _ = rows(40)
    weights = np.random.default_rng(1).gamma(2.0, size=40)
    check_model(model.built(LEVELS, k, "random", None), Rows.of(x, weights), k, points=2)
    z = model.design(np.random.default_rng(2).normal(size=(40, 1)))
    basis = model.independent(z, weights, ("intercept", "z"))
    made = model.built(LEVELS, k, "random", basis)
    check_model(made, Rows.of(np.column_stack([z, x]), weights), k, points=2)


@pytest.mark.parametrize("method", ["k-means++", "random"])
def test_guesses_at_many_rows_are_memberships_of_all_of_them(method):
    x, z = rows(3 * model.LOOKED_AT, holes=0.0)
    made = model.built(LEVELS, 2, method, None)
    weights = np.random.default_rng(3).gamma(2.0, size=len(x))
    for resp in made.guesses(Rows(x, weights), np.random.default_rng(0)):
        np.testing.assert_allclose(resp.sum(axis=1), 1.0)
        agreed = (resp.argmax(axis=1) == z).mean()
        assert max(agreed, 1 - agreed) > 0.85  # three items tell no more


def test_a_guess_knows_answers_that_the_few_did_not_give():
    """One row in thousands has the fourth answer; its memberships are those of any row."""
    x, _ = rows(3 * model.LOOKED_AT, holes=0.0)
    x[x[:, 2] == 3, 2] = 2
    x[-1, 2] = 3
    guesses = model.built(LEVELS, 2, "random", None).guesses
    for seed in range(3):
        (resp,) = guesses(Rows(x, np.ones(len(x))), np.random.default_rng(seed))
        assert np.isfinite(resp).all()


def test_a_covariate_that_follows_is_named():
    z = model.design(np.column_stack([np.arange(9.0), 2 * np.arange(9.0)]))
    with pytest.raises(ValueError, match="covariate 'b', which follows"):
        model.independent(z, np.ones(9), ("intercept", "a", "b"))


def test_sizes_are_mean_weights():
    x, _ = rows(50)
    z = model.design(np.linspace(-2, 2, 50)[:, None])
    made = model.built(LEVELS, 2, "random", Basis.plain(2))
    every = Rows.of(np.column_stack([z, x]), np.arange(50.0))
    params = made.start(every, np.random.default_rng(0))
    logits = z @ params.weights.coefficients[1]
    expected = np.arange(50.0) @ (1 / (1 + np.exp(-logits)))
    np.testing.assert_allclose(model.sizes(made, params, every)[1], expected)


@pytest.fixture(scope="module")
def many():
    """A model with covariates, parameters, and more rows than are worth compiling for."""
    rng = np.random.default_rng(5)
    n, k, levels = 5000, 3, [2, 4, 3]
    z = model.design(rng.normal(size=(n, 2)))
    x = np.column_stack([rng.integers(0, m, n).astype(float) for m in levels])
    x[rng.random(x.shape) < 0.1] = np.nan
    rows = Rows(np.column_stack([z, x]), rng.uniform(0, 2, n))
    basis = model.independent(z, rows.weights, ["intercept", "a", "b"])
    built = model.built(levels, k, "k-means++", basis)
    return built, built.start(rows, rng), rows


def test_the_fused_pass_with_covariates_says_what_blocks_of_rows_do(many):
    built, params, rows = many
    prepared = built.prepare(rows)
    assert isinstance(prepared, GatedRows)
    assert prepared.take(np.arange(7)).seen.x.shape == (7, 3)
    one = built.e_step(params, rows)
    other = built.e_step(params, prepared)
    again = built.e_step(params, prepared.reweight(np.full(len(rows), 2.0)))
    for a, b, twice in zip(*map(leaves, (one, other, again)), strict=True):
        scale = np.abs(a).max()
        assert np.allclose(b, a, rtol=1e-11, atol=1e-11 * scale)
        assert np.allclose(twice, 2 * a, rtol=1e-11, atol=1e-11 * scale)


def test_rows_that_no_class_could_make_leave_the_fused_pass_to_the_blocks(many):
    built, params, rows = many
    p = params.components.probabilities.copy()
    p[:, 0] = [1.0, 0.0, 0.0, 0.0]
    broken = params._replace(components=type(params.components)(p))
    assert built.e_step(broken, built.prepare(rows)).loglik == -np.inf
