"""Properties that every family has, each a function of one `Case`; a family's tests run all.

A test file states its cases and runs::

    @every_property
    def test_property(holds):
        holds(Case(lambda k: Poisson(k, 2), rows))
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize, root

from latentia import EM, check_model
from latentia.data.arrays import Rows
from latentia.engine import tree
from latentia.engine.chart import Chart, arrays, check
from latentia.engine.numerical import gradient_of
from latentia.engine.space import DegenerateError
from latentia.families.family import Family
from latentia.mixture import MixtureModel
from latentia.mixture.start import guesses


class Case(NamedTuple):
    """A family of any number of components, and rows without missing cells that it could make.

    Where rows that are all alike leave it no finite maximum, `collapses` is True; where missing
    cells are expected from the others, given the parameters, `regresses` is.
    """

    build: Callable[[int], Family[Any, Any]]
    x: np.ndarray  # (n, d), some forty rows
    collapses: bool = False
    regresses: bool = False


def mixture_of(family):
    """A mixture of a family whose starts are random memberships."""
    k = family.n_components
    return MixtureModel(family, k, lambda rows, rng: guesses(rows, k, "random", rng))


def params_near_start(family, x, seed=0, width=0.3):
    """Parameters of random components of some rows, in a random direction."""
    rng = np.random.default_rng(seed)
    resp = rng.dirichlet(np.full(family.n_components, 0.5), size=len(x))
    chart = Chart(family.space, family.start(x, resp))
    return chart.unpack(width * rng.normal(size=chart.size))


def with_holes(x, seed=0):
    """The rows with every fifth cell missing, and one row without any cell."""
    x = np.array(x, dtype=np.float64)
    x[np.random.default_rng(seed).uniform(size=x.shape) < 0.2] = np.nan
    x[len(x) // 2] = np.nan
    return x


def fit_one(family, x, weights=None):
    """The parameters of the fit of one component, climbed to 1e-12 of a nat."""
    fit = EM(tol=1e-12).fit(mixture_of(family), Rows.of(x, weights), rng=0)
    return fit.params.components


def maximum_of(loglik, start):
    """Where a log-likelihood of a vector is highest, without latentia: SciPy's to nine digits.

    Nelder & Mead's simplex, then the root of the differenced gradient.
    """
    near = minimize(lambda t: -loglik(t), start, method="Nelder-Mead", options={"maxfev": 20_000})
    return root(lambda t: gradient_of(loglik, t), near.x, options={"xtol": 1e-10}).x


def assert_log_density(family, params, x, expected):
    """log f equals `expected`, (n, K), to 1e-12 of the larger of 1 and its size."""
    got = family.log_density(params, np.asarray(x, dtype=np.float64))
    expected = np.asarray(expected)
    assert got.shape == expected.shape
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(got[~finite], expected[~finite])
    got, expected = got[finite], expected[finite]
    off = np.abs(got - expected) / np.maximum(1.0, np.abs(expected))
    assert off.max(initial=0.0) < 1e-12


def assert_one_component_is(family, x, expected):
    """The fit of one component has the parameters of an independent fit to six digits.

    `expected` are the leaves in their order.
    """
    got = arrays(fit_one(family, x))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, np.reshape(b, a.shape), rtol=1e-6, atol=1e-7)


def assert_draws_have(family, params, mean, variance, n=40_000):
    """Drawn rows of each component have these moments, (K, d), to five standard errors."""
    rng = np.random.default_rng(0)
    for k in range(family.n_components):
        rows = family.draw(params, np.full(n, k), rng)
        assert family.fault(rows) is None
        centred = rows - np.asarray(mean)[k]
        for power, expected in ((1, 0.0), (2, np.asarray(variance)[k])):
            each = centred**power
            error = 5 * each.std(axis=0) / np.sqrt(n) + 1e-12
            assert (np.abs(each.mean(axis=0) - expected) <= error).all()


def keeps_the_contract(case):
    """In mixtures of two and three, with weights, and with missing cells where they are taken."""
    weights = np.random.default_rng(1).gamma(2.0, size=len(case.x))
    holes = with_holes(case.x) if case.build(1).takes_missing else case.x
    for k, x in ((2, case.x), (3, holes)):
        check_model(mixture_of(case.build(k)), Rows.of(x, weights), k, points=2)


def q_sums_log_densities(case):
    """At the parameters that made the statistics; at any others where these are sufficient."""
    family = case.build(3)
    x = with_holes(case.x) if family.takes_missing else case.x
    resp = np.random.default_rng(2).dirichlet(np.ones(3), size=len(x)) * 1.7
    made = params_near_start(family, x, 0)
    stats = family.stats(made, x, resp)
    sufficient = family.m_step_exact and not case.regresses
    for params in (made, params_near_start(family, x, 1)) if sufficient else (made,):
        direct = float((resp * family.log_density(params, x)).sum())
        assert family.q(params, stats) == pytest.approx(direct, rel=1e-9, abs=1e-8)


def empty_components_stay(case):
    """The M-step leaves the parameters of a component without rows as they were."""
    family = case.build(3)
    params = params_near_start(family, case.x)
    resp = np.full((len(case.x), 3), 0.5)
    resp[:, 1] = 0
    made = family.m_step(family.stats(params, case.x, resp), params)
    check(family.space, made, params)
    for constraint, new, old in zip(
        tree.leaves(family.space), arrays(made), arrays(params), strict=True
    ):
        if constraint.exchangeable:
            np.testing.assert_allclose(new[1], old[1], rtol=1e-12)


def starts_from_anything(case):
    """From no row, one, two, rows that are all alike; every row then has a density somewhere."""
    family = case.build(4)
    few = np.eye(4)[np.arange(len(case.x)) % 2]
    few[0], few[1:3] = np.eye(4)[2], np.eye(4)[3]
    few[:, 0] += few[:, 2] + few[:, 3]
    empty = few.copy()
    empty[:, 1] = 0
    given = [(case.x, few), (case.x, empty), (case.x[:5], few[:5])]
    if not case.collapses:
        given.append((np.repeat(case.x[:1], len(case.x), axis=0), few))
    for x, resp in given:
        params = family.start(x, resp)
        check(family.space, params, params)
        density = family.log_density(params, x)
        assert not np.isnan(density).any()
        assert np.isfinite(density.max(axis=1)).all()
        try:
            stepped = family.m_step(family.stats(params, x, resp), params)
        except DegenerateError:  # a component of one row is of rows that are all alike
            assert case.collapses
            continue
        assert all(np.isfinite(leaf).all() for leaf in arrays(stepped))


def starts_count_weights(case):
    """A row of weight two is a row twice."""
    family = case.build(2)
    rng = np.random.default_rng(3)
    resp = rng.dirichlet(np.ones(2), size=len(case.x))
    times = rng.integers(1, 4, size=len(case.x))
    weighted = family.start(case.x, resp * times[:, None])
    repeated = family.start(np.repeat(case.x, times, axis=0), np.repeat(resp, times, axis=0))
    for a, b in zip(arrays(weighted), arrays(repeated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def components_may_be_renumbered(case):
    """Parameters in another order give the same densities in that order."""
    family = case.build(3)
    params = params_near_start(family, case.x)
    order = np.array([2, 0, 1])
    leaves = [
        value if not constraint.exchangeable else value[order]
        for constraint, value in zip(tree.leaves(family.space), arrays(params), strict=True)
    ]
    turned = family.log_density(tree.rebuild(params, leaves), case.x)
    expected = family.log_density(params, case.x)[:, order]
    np.testing.assert_allclose(turned, expected, rtol=1e-12, atol=1e-12)


def draws_are_possible(case):
    """Drawn rows have a density where they were drawn, and none is a fault."""
    family = case.build(3)
    params = params_near_start(family, case.x)
    labels = np.repeat(np.arange(3), 20)
    rows = family.draw(params, labels, np.random.default_rng(4))
    assert rows.shape == (60, case.x.shape[1])
    assert family.fault(rows) is None
    assert family.fault(case.x) is None
    assert np.isfinite(family.log_density(params, rows)[np.arange(60), labels]).all()


def missing_cells_say_nothing(case):
    """A row without cells has density one; a hole adds nothing to what its component knows."""
    family = case.build(2)
    if not family.takes_missing:
        return
    params = params_near_start(family, case.x)
    holes = with_holes(case.x)
    density = family.log_density(params, holes)
    assert not np.isnan(density).any()
    np.testing.assert_array_equal(density[np.isnan(holes).all(axis=1)], 0.0)
    assert family.fault(holes) is None
    resp = np.random.default_rng(5).dirichlet(np.ones(2), size=len(holes))
    some = ~np.isnan(holes).all(axis=1)
    whole = family.m_step(family.stats(params, holes, resp), params)
    seen = family.m_step(family.stats(params, holes[some], resp[some]), params)
    for a, b in zip(arrays(whole), arrays(seen), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def single_floats_are_rows(case):
    """Rows in single precision are read as what they are, and summed in double."""
    family = case.build(2)
    params = params_near_start(family, case.x)
    single = case.x.astype(np.float32)
    same = single.astype(np.float64)
    resp = np.full((len(case.x), 2), 0.5)
    made = family.log_density(params, single), family.stats(params, single, resp)
    expected = family.log_density(params, same), family.stats(params, same, resp)
    for a, b in zip(tree.leaves(made), tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def two_components_climb(case):
    """A fit of two components ends at a top that is no lower than that of one."""
    rows = Rows.of(case.x)
    heights = [EM(tol=1e-6).fit(mixture_of(case.build(k)), rows, rng=0).loglik for k in (1, 2)]
    assert np.isfinite(heights).all()
    assert heights[1] >= heights[0] - 1e-5


PROPERTIES = (
    keeps_the_contract,
    q_sums_log_densities,
    empty_components_stay,
    starts_from_anything,
    starts_count_weights,
    components_may_be_renumbered,
    draws_are_possible,
    missing_cells_say_nothing,
    single_floats_are_rows,
    two_components_climb,
)

every_property = pytest.mark.parametrize("holds", PROPERTIES, ids=lambda each: each.__name__)
