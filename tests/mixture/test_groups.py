"""Rows that share a component: sums by group, brute force over memberships, whole groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import poisson

from latentia import EM, check_model
from latentia.data.arrays import Rows
from latentia.families import Poisson
from latentia.families.predictor import Basis
from latentia.mixture import MixtureModel
from latentia.mixture.concomitant import Concomitant
from latentia.mixture.groups import GroupedRows, GroupedSource, grouped
from latentia.mixture.model import MixtureParams


def at_random(k):
    return lambda sample, rng: [rng.dirichlet(np.ones(k), size=len(sample))]


def counts(m=25, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, m)
    z = np.repeat(rng.normal(size=m), sizes)
    rate = np.repeat(np.where(rng.uniform(size=m) < 0.4, 2.0, 6.0), sizes)
    x = np.column_stack([np.ones(len(z)), z, rng.poisson(rate)])
    return x, np.repeat(np.arange(m), sizes)


def test_the_likelihood_is_that_of_whole_groups():
    x, labels = counts()
    rows, _ = grouped(x[:, 2:], np.ones(len(x)), labels)
    model = MixtureModel(Poisson(2), 2, at_random(2))
    params = model.start(rows, np.random.default_rng(1))
    got = model.e_step(params, rows)
    rates, shares = params.components.rates[:, 0], params.weights
    expected = sum(
        logsumexp(np.log(shares) + poisson.logpmf(x[labels == g, 2:], rates).sum(axis=0))
        for g in np.unique(labels)
    )
    assert got.loglik == pytest.approx(expected, rel=1e-12)
    assert got.n_units == len(rows) == 25
    assert got.n_obs == len(x)


@pytest.mark.parametrize("k", [2, 3])
def test_the_contract_holds_with_weights_and_covariates(k):
    x, labels = counts()
    weights = np.random.default_rng(2).gamma(2.0, size=25)[labels]
    rows, _ = grouped(x, weights, labels)
    weighting = Concomitant(k, 2, Basis.of(x[:, :2], weights))
    check_model(MixtureModel(Poisson(k), k, at_random(k), weighting), rows, k, points=2)


def test_groups_of_one_row_are_rows():
    x, _ = counts()
    model = MixtureModel(Poisson(2), 2, at_random(2))
    rows, group = grouped(x[:, 2:], np.ones(len(x)), np.arange(len(x))[::-1])
    np.testing.assert_array_equal(group, np.arange(len(x)))
    params = MixtureParams(np.array([0.3, 0.7]), _rates(1.0, 5.0))
    one, other = model.e_step(params, rows), model.e_step(params, Rows.of(x[:, 2:]))
    assert one.loglik == pytest.approx(other.loglik, rel=1e-12)


def test_rows_of_a_group_may_lie_anywhere():
    x, labels = counts()
    order = np.random.default_rng(3).permutation(len(x))
    model = MixtureModel(Poisson(2), 2, at_random(2))
    params = MixtureParams(np.array([0.3, 0.7]), _rates(1.0, 5.0))
    heights = []
    for each, names in ((x, labels), (x[order], labels[order].astype(str))):
        rows, group = grouped(each[:, 2:], np.ones(len(x)), names)
        heights.append(model.e_step(params, rows).loglik)
        first = np.unique(names, return_index=True)[1]
        assert (np.diff(group[np.sort(first)]) == 1).all()  # in the order of appearance
    assert heights[0] == pytest.approx(heights[1], rel=1e-12)


def _rates(*values):
    return type(Poisson(2).space)(np.array(values)[:, None])


@settings(max_examples=50)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=30), st.integers(1, 12))
def test_blocks_are_whole_groups_in_order(sizes, size):
    sizes = np.array(sizes, dtype=np.intp)
    x = np.arange(float(sizes.sum()))[:, None]
    rows = GroupedRows(x, np.arange(float(len(sizes))), sizes)
    parts = list(rows.blocks(size))
    np.testing.assert_array_equal(np.vstack([part.x for part in parts]), x)
    np.testing.assert_array_equal(np.concatenate([part.weights for part in parts]), rows.weights)
    assert all(len(part.x) == part.sizes.sum() for part in parts)
    assert all(len(part.x) <= size or len(part) == 1 for part in parts)


def test_taken_groups_are_whole():
    rows = GroupedRows(np.arange(6.0)[:, None], np.array([1.0, 2.0, 3.0]), np.array([1, 3, 2]))
    taken = rows.take(np.array([2, 0, 2]))
    np.testing.assert_array_equal(taken.x[:, 0], [4, 5, 0, 4, 5])
    np.testing.assert_array_equal(taken.weights, [3, 1, 3])
    np.testing.assert_array_equal(taken.summed(taken.x)[:, 0], [9, 0, 9])
    np.testing.assert_array_equal(taken.firsts(taken.x)[:, 0], [4, 0, 4])
    np.testing.assert_array_equal(taken.spread(taken.weights), [3, 3, 1, 3, 3])


def test_a_start_does_not_tell_repeated_groups_from_weighted_ones():
    x, labels = counts()
    rows, _ = grouped(x, np.ones(len(x)), labels)
    times = np.random.default_rng(4).integers(0, 3, len(rows))
    repeated = GroupedSource(rows.take(np.repeat(np.arange(len(rows)), times))).distinct
    weighted = GroupedSource(rows.reweight(times.astype(float))).distinct
    for a, b in zip(repeated, weighted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_samples_of_many_groups_keep_the_total():
    n = 30_000
    rows = GroupedRows(np.arange(2.0 * n)[:, None], np.full(n, 0.5), np.full(n, 2, dtype=np.intp))
    sample = GroupedSource(rows).sample(np.random.default_rng(0))
    assert len(sample.x) <= 20_000
    assert sample.weights.sum() == pytest.approx(n / 2)


def test_chunks_do_not_change_a_fit():
    x, labels = counts(m=60)
    rows, _ = grouped(x[:, 2:], np.ones(len(x)), labels)
    model = MixtureModel(Poisson(2), 2, at_random(2))
    fit = EM(tol=1e-9).fit(model, GroupedSource(rows), rng=0)
    parts = [rows.take(np.arange(i, min(i + 7, len(rows)))) for i in range(0, len(rows), 7)]
    total = sum(model.e_step(fit.params, part).loglik for part in parts)
    assert total == pytest.approx(fit.loglik, rel=1e-12)


def test_simulated_groups_are_as_large():
    x, labels = counts(m=400)
    rows, _ = grouped(x[:, 2:], np.ones(len(x)), labels)
    params = MixtureParams(np.array([0.5, 0.5]), _rates(0.0, 50.0))
    made = MixtureModel(Poisson(2), 2, at_random(2)).simulate(
        params, rows, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(made.sizes, rows.sizes)
    low = made.firsts(made.x)[:, 0] == 0
    np.testing.assert_array_equal(made.x[:, 0] == 0, made.spread(low))
    assert 150 < low.sum() < 250


def test_what_cannot_be_grouped():
    x = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"got groups of shape \(2,\), expected \(3,\)"):
        grouped(x, np.ones(3), [1, 2])
    with pytest.raises(ValueError, match=r"sample_weight\[2\] = 5 beside 1 in group 'a'"):
        grouped(x, np.array([1.0, 2.0, 5.0]), np.array(["a", "b", "a"]))
