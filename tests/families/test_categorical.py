"""Categorical components, against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import multinomial

from latentia.data.arrays import Rows
from latentia.engine.chart import n_free
from latentia.families.categorical import Categorical, CategoricalParams

from .checks import (
    Case,
    assert_draws_have,
    assert_log_density,
    assert_one_component_is,
    every_property,
    maximum_of,
)

LEVELS = [3, 2, 4]
PARAMS = CategoricalParams(
    np.array(
        [
            [[0.2, 0.5, 0.3, 0.0], [0.9, 0.1, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4]],
            [[0.6, 0.4, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.7, 0.1, 0.1, 0.1]],
        ]
    )
)
ROWS = np.random.default_rng(0).integers(0, LEVELS, size=(40, 3)) * 1.0


def three_columns(k):
    return Categorical(k, LEVELS)


@every_property
@pytest.mark.parametrize(
    "case", [Case(three_columns, ROWS), Case(lambda k: Categorical(k, 3), ROWS[:, :1])]
)
def test_property(holds, case):
    holds(case)


def test_log_density_is_scipys():
    x = np.stack(np.meshgrid(*map(np.arange, LEVELS)), axis=-1).reshape(-1, 3)
    expected = np.zeros((len(x), 2))
    for k, j in np.ndindex(2, 3):
        law = multinomial(1, PARAMS.probabilities[k, j, : LEVELS[j]])
        expected[:, k] += law.logpmf(np.eye(LEVELS[j])[x[:, j]])
    assert_log_density(three_columns(2), PARAMS, x, expected)


def test_codes_off_the_support_have_no_density():
    x = np.array([[3.0, 0, 0], [0, 2, 0], [0, 0, -1], [0.5, 0, 0], [0, 0, 0]])
    expected = [[-np.inf] * 2] * 4 + [list(np.log(PARAMS.probabilities[:, :, 0]).sum(axis=1))]
    assert_log_density(three_columns(2), PARAMS, x, expected)


def test_one_component_is_the_maximum_likelihood_fit():
    def loglik(t):
        p = softmax([0.0, *t])
        return multinomial.logpmf(np.eye(3)[ROWS[:, 0].astype(int)], 1, p / p.sum()).sum()

    best = softmax([0.0, *maximum_of(loglik, np.zeros(2))])
    assert_one_component_is(Categorical(1, 3), ROWS[:, :1], [best])


def test_levels_that_never_occur_have_probability_zero():
    assert_one_component_is(
        Categorical(1, 3), np.array([[0.0], [2.0], [2.0], [2.0]]), [[1, 0, 3]] / np.array(4)
    )


def test_free_parameters_are_counted():
    assert n_free(three_columns(2).space, PARAMS) == 2 * (2 + 1 + 3)


def test_draws():
    levels = np.arange(4)
    mean = PARAMS.probabilities @ levels
    assert_draws_have(three_columns(2), PARAMS, mean, PARAMS.probabilities @ levels**2 - mean**2)


def test_levels_of_probability_zero_are_not_drawn():
    labels = np.ones(2000, dtype=int)
    assert three_columns(2).draw(PARAMS, labels, np.random.default_rng(0))[:, 0].max() == 1


def test_faults():
    wrong = three_columns(1).fault(np.array([[2, 1, 3], [np.nan, 2, 0]]))
    assert wrong == (1, 1, "expected a code from 0 to 1")


@pytest.mark.parametrize("levels", [0, 1.5, [], [2, -1], [[2]]])
def test_levels_that_make_no_sense_are_refused(levels):
    with pytest.raises(ValueError, match="expected a whole number of at least 1 for each column"):
        Categorical(2, levels)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.integers(0, 10**6))
def test_columns_taken_together_are_columns_one_by_one(levels, seed):
    """Blocks of neighbouring columns: densities and counts are those of sums over columns."""
    rng = np.random.default_rng(seed)
    family, n = Categorical(2, levels), 7
    x = np.column_stack([rng.integers(0, m, n) for m in levels]).astype(float)
    x[rng.random(x.shape) < 0.2] = np.nan
    p = np.zeros((2, len(levels), max(levels)))
    for j, m in enumerate(levels):
        p[:, j, :m] = rng.dirichlet(np.ones(m), size=2)
    params, resp = CategoricalParams(p), rng.random((n, 2))
    density, counts = np.zeros((n, 2)), np.zeros(p.shape)
    for i, j in np.argwhere(~np.isnan(x)):
        density[i] += np.log(p[:, j, int(x[i, j])])
        counts[:, j, int(x[i, j])] += resp[i]
    np.testing.assert_allclose(family.log_density(params, x), density, atol=1e-10)
    np.testing.assert_allclose(family.stats(params, x, resp).counts, counts, atol=1e-12)
    made = family.mixture_pass(params, np.array([0.3, 0.7]), Rows(x, np.ones(n)))
    joint = density + np.log([0.3, 0.7])
    assert made.loglik == pytest.approx(np.logaddexp(*joint.T).sum(), rel=1e-10, abs=1e-10)
    chunk = family.prepare(Rows(x, np.ones(n))).take(np.array([2, 0]))
    again = family.mixture_pass(params, np.array([0.3, 0.7]), chunk.reweight(np.array([2.0, 3])))
    expected = np.array([2.0, 3]) @ np.logaddexp(*joint[[2, 0]].T)
    assert again.loglik == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("levels", [[3] * 12, [2, 3, 5, 1, 7, 2], [300, 4, 2], [2]])
def test_a_pass_over_many_rows_is_the_sum_over_rows(levels):
    rng, n, k = np.random.default_rng(len(levels)), 2100, 4
    family = Categorical(k, levels)
    x = rng.integers(0, levels, size=(n, len(levels))) * 1.0
    x[rng.random(x.shape) < 0.1] = np.nan
    params = family.start(x, rng.dirichlet(np.ones(k), size=n))
    weights, shares = rng.random(n), rng.dirichlet(np.ones(k))
    rows = family.prepare(Rows(x, weights))
    joint = np.log(shares) * np.ones((n, 1))
    for j, known in enumerate(~np.isnan(x.T)):
        joint[known] += np.log(params.probabilities[:, j, x[known, j].astype(int)]).T
    resp = softmax(joint, axis=1) * weights[:, None]
    made = family.mixture_pass(params, shares, rows)
    assert made.loglik == pytest.approx(weights @ np.logaddexp.reduce(joint, axis=1), rel=1e-12)
    np.testing.assert_allclose(made.count, resp.sum(axis=0), rtol=1e-11)
    for j, code in ((j, code) for j, each in enumerate(levels) for code in range(min(each, 8))):
        expected = resp[x[:, j] == code].sum(axis=0)
        np.testing.assert_allclose(made.stats.counts[:, j, code], expected, rtol=1e-11, atol=1e-12)


def test_many_rows_may_hold_one_that_no_component_can_give():
    x = np.zeros((9000, 1))
    family = Categorical(1, 2)
    never = CategoricalParams(np.array([[[0.0, 1.0]]]))
    assert family.mixture_pass(never, np.ones(1), family.prepare(Rows(x, np.ones(9000))))[0] == (
        -np.inf
    )
    x[5] = 3
    sure = CategoricalParams(np.array([[[1.0, 0.0]]]))
    assert family.mixture_pass(sure, np.ones(1), family.prepare(Rows(x, np.ones(9000))))[0] == (
        -np.inf
    )


def test_many_prepared_rows_are_taken_and_weighed_as_few_are():
    family = three_columns(2)
    x = np.tile(ROWS, (120, 1))
    rows, idx = family.prepare(Rows(x, np.ones(len(x)))), np.arange(0, len(x), 7)
    some = rows.take(idx).reweight(np.full(len(idx), 2.0))
    made = family.mixture_pass(PARAMS, np.full(2, 0.5), some)
    plain = family.prepare(Rows(x[idx], np.full(len(idx), 2.0)))
    again = family.mixture_pass(PARAMS, np.full(2, 0.5), plain)
    assert made.loglik == pytest.approx(again.loglik, rel=1e-14)
    np.testing.assert_allclose(made.stats.counts, again.stats.counts, rtol=1e-13, atol=1e-13)
