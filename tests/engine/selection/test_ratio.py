"""The bootstrap likelihood-ratio test against a plain one written with SciPy alone."""

import sys

import cloudpickle
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln
from scipy.stats import kstest
from tests.engine.models import DEATHS, TwoPoissons
from tests.engine.selection import poissons
from tests.engine.selection.poissons import Poissons, split, splits

from latentia import EM
from latentia.data.arrays import Rows, RowSource
from latentia.engine.fit import DegenerateFitError
from latentia.engine.selection import bootstrap_lrt
from latentia.engine.space import DegenerateError

for module in (poissons, sys.modules[__name__]):  # other processes cannot import tests
    cloudpickle.register_pickle_by_value(module)

EM2 = EM(starts=2, tol=1e-6)


def plain_statistic(x):
    """Twice the gain of two Poissons over one, by SciPy's L-BFGS-B on the log-likelihood itself."""
    cells, count = np.unique(np.asarray(x, float).ravel(), return_counts=True)
    mean = float(np.average(cells, weights=count))

    def minus_gain(free):  # over one Poisson; log odds of the first, log rates over the mean
        log_first, log_second = -np.logaddexp(0, -free[0]), -np.logaddexp(0, free[0])
        first, second = free[1:, None] * cells - mean * np.expm1(free[1:, None])
        joint = log_first + first, log_second + second
        log_density = np.logaddexp(*joint)
        resp = np.exp(joint - log_density) * count
        of_rates = resp @ cells - resp.sum(axis=1) * mean * np.exp(free[1:])
        of_odds = resp[0].sum() - count.sum() * np.exp(log_first)
        return -float(count @ log_density), -np.r_[of_odds, of_rates]

    starts = [
        (0.5, 0.6, 1.4),
        (0.02, 0.1, 1.02),
        (0.15, 0.3, 1.1),
        (0.98, 0.95, 3.0),
        (0.9, 0.9, 2),
    ]
    found = [
        minimize(
            minus_gain,
            np.r_[np.log(w / (1 - w)), np.log([low, high])],
            jac=True,
            method="L-BFGS-B",
            bounds=[(-12, 12), (-12, 3), (-12, 3)],
        ).fun
        for w, low, high in starts
    ]
    return max(-2 * min(found), 0.0)


def overdispersed(n, seed):
    rng = np.random.default_rng(seed)
    return rng.poisson(np.where(rng.random(n) < 0.5, 2.2, 3.8))


class Recording(Poissons):
    """Keeps what it draws."""

    def __init__(self, k):
        super().__init__(k)
        self.drawn = []

    def simulate(self, params, chunk, rng):
        self.drawn.append(super().simulate(params, chunk, rng))
        return self.drawn[-1]


def test_statistics_and_p_value_are_those_of_a_plain_computation():
    x = overdispersed(100, 4)
    one = Recording(1)
    test = bootstrap_lrt(
        one,
        Poissons(2),
        Rows.of(x),
        EM(tol=1e-6),
        1,
        replicates=59,
        stop_early=False,
        grow=splits,
        grown=1,
        workers=1,
    )
    drawn = one.drawn[1:]  # the first only shows how many are drawn
    assert test.replicates == len(drawn) == 59
    assert test.statistic == pytest.approx(plain_statistic(x), abs=1e-3)
    theirs = np.array([plain_statistic(chunk.x) for chunk in drawn])
    same = np.abs(test.null - theirs) < 5e-3
    assert same.mean() >= 0.95  # either may miss the highest of several maxima
    # and a plain test of its own, which draws its own data
    rng = np.random.default_rng(2)
    null = np.array([plain_statistic(rng.poisson(x.mean(), len(x))) for _ in range(99)])
    p = (1 + np.sum(null >= test.statistic)) / 100
    assert 0.02 < p < 0.5  # a case in which the two could differ
    error = np.sqrt(p * (1 - p) * (1 / 59 + 1 / 99))
    assert test.p_value == pytest.approx(p, abs=3 * error)
    assert kstest(test.null, null).pvalue > 0.01
    assert (test.failed, test.below, test.unconverged) == (0, 0, 0)


def test_deaths_need_two_poissons_and_not_three():
    rows = Rows.of(np.repeat(DEATHS.x, DEATHS.weights.astype(int)))
    one, two, three = Poissons(1), Poissons(2), Poissons(3)
    test = bootstrap_lrt(one, two, rows, EM2, 0, grow=split, replicates=19, workers=1)
    # Hasselblad (1969): loglik -1989.945859883 (turboEM, converged) against one Poisson's
    alone = np.log(np.average(DEATHS.x[:, 0], weights=DEATHS.weights))
    total = DEATHS.weights @ DEATHS.x[:, 0]
    height = total * alone - total - DEATHS.weights @ gammaln(DEATHS.x[:, 0] + 1)
    assert test.statistic == pytest.approx(2 * (-1989.945859883 - height), abs=1e-4)
    assert test.rejected
    assert test.exceedances == 0
    assert test.p_value == 1 / 20
    further = bootstrap_lrt(two, three, rows, EM2, 0, grow=split, grown=1, replicates=19, workers=1)
    assert not further.rejected
    assert further.stopped_early
    assert "is not rejected at level 0.05" in further.sentences()[0]
    assert f"After {further.replicates} of 19 replicates" in further.sentences()[2]


def test_a_true_null_is_rejected_as_often_as_the_level():
    rejected = 0
    tests = 30
    for seed in range(tests):
        x = np.random.default_rng(seed).poisson(2.0, size=30)
        test = bootstrap_lrt(
            Poissons(1),
            Poissons(2),
            Rows.of(x),
            EM(starts=1, tol=1e-4),
            seed,
            grow=split,
            grown=2,
            replicates=9,
            level=0.1,
            workers=1,
        )
        rejected += test.rejected
    expected, spread = 0.1 * tests, np.sqrt(0.09 * tests)
    assert abs(rejected - expected) <= 3 * spread
    assert rejected > 0


def test_the_number_of_processes_does_not_matter():
    data, seen = Rows.of(overdispersed(60, 1)), []
    tests = [
        bootstrap_lrt(
            Poissons(1),
            Poissons(2),
            data,
            EM2,
            3,
            grow=split,
            replicates=19,
            workers=workers,
            callback=lambda done, most, statistic: seen.append((done, most, statistic)),
        )
        for workers in (1, 2)
    ]
    np.testing.assert_array_equal(tests[0].null, tests[1].null)
    assert tests[0].p_value == tests[1].p_value
    n = tests[0].replicates
    assert seen[:n] == seen[n:] == [(i + 1, 19, t) for i, t in enumerate(tests[0].null)]


def test_stopping_early_is_the_head_of_the_whole_run():
    data = Rows.of(np.random.default_rng(5).poisson(2.0, size=50))
    settings = {"grow": split, "grown": 1, "replicates": 39, "workers": 1}
    early = bootstrap_lrt(Poissons(1), Poissons(2), data, EM2, 0, **settings)
    whole = bootstrap_lrt(Poissons(1), Poissons(2), data, EM2, 0, stop_early=False, **settings)
    assert early.replicates < whole.replicates == 39
    np.testing.assert_array_equal(early.null, whole.null[: early.replicates])
    assert early.rejected == whole.rejected
    assert early.exceedances == 2  # 0.05 * 40
    assert early.p_value == 2 / early.replicates


def test_several_chunks_give_the_same_statistic():
    rows = Rows.of(overdispersed(60, 1))
    source = RowSource(rows, block=25)
    settings = {"grow": split, "replicates": 19, "workers": 1}
    whole = bootstrap_lrt(Poissons(1), Poissons(2), rows, EM2, 0, **settings)
    parts = bootstrap_lrt(Poissons(1), Poissons(2), source, EM2, 0, **settings)
    assert parts.statistic == pytest.approx(whole.statistic, abs=1e-5)


def test_weights_count_where_simulate_lets_them():
    rows = Rows.of(overdispersed(60, 1))
    counted = Rows.of(*np.unique(rows.x, return_counts=True))

    class ByWeight(Poissons):
        def simulate(self, params, chunk, rng):
            return super().simulate(params, Rows.of(np.zeros(int(chunk.weights.sum()))), rng)

    settings = {"grow": splits, "grown": 1, "replicates": 19, "workers": 1, "stop_early": False}
    repeated = bootstrap_lrt(ByWeight(1), Poissons(2), rows, EM2, 0, **settings)
    weighted = bootstrap_lrt(ByWeight(1), Poissons(2), counted, EM2, 0, **settings)
    assert weighted.statistic == pytest.approx(repeated.statistic, abs=1e-4)
    np.testing.assert_allclose(weighted.null, repeated.null, atol=1e-3)


class Stuck(Poissons):
    """Seven starts of ten stand still far below the top."""

    def start(self, sample, rng, given=None):
        high = 30.0 if rng.random() < 0.7 else 1.0
        return poissons.PoissonParams(np.array([0.999, 0.001]), np.array([high + 0.5, high]))

    def m_step(self, suff, params):
        made = super().m_step(suff, params)
        return params if params.rates[0] > 20 else made


class Collapsing(Poissons):
    """Its starts collapse where the first count is odd."""

    def e_step(self, params, chunk):
        if chunk.x[0, 0] % 2:
            raise DegenerateError("an odd beginning")
        return super().e_step(params, chunk)


def test_larger_fits_below_the_smaller_are_made_again_and_counted():
    data = Rows.of(np.random.default_rng(0).poisson(2.0, size=30))
    em = EM(starts=1, accelerate="none")
    settings = {"replicates": 19, "stop_early": False, "workers": 1}
    test = bootstrap_lrt(Poissons(1), Stuck(2), data, em, 0, **settings)
    assert 0 < test.below < test.refitted < 19
    assert (test.null == 0).sum() >= test.below
    assert f"{test.below} stayed below" in " ".join(test.sentences())


def test_collapsed_replicates_count_against_the_larger_model():
    data = Rows.of([2, 0, 1, 3, 9, 8, 9, 10, 0, 1])
    test = bootstrap_lrt(
        Poissons(1), Collapsing(2), data, EM2, 0, replicates=19, stop_early=False, workers=1
    )
    assert 0 < test.failed < 19
    assert np.isinf(test.null).sum() == test.failed <= test.exceedances
    assert "a fit collapsed" in " ".join(test.sentences())


def test_what_makes_no_sense_is_refused():
    data = Rows.of(np.random.default_rng(0).poisson(2.0, size=30))
    one, two = Poissons(1), Poissons(2)
    with pytest.raises(ValueError, match=r"total weight 10 from Poissons\.simulate, expected 1096"):
        bootstrap_lrt(one, two, DEATHS, EM2, 0, grow=split)
    with pytest.raises(ValueError, match=r"cannot reach level 0\.05"):
        bootstrap_lrt(one, two, data, EM2, 0, replicates=10)
    with pytest.raises(ValueError, match="got workers=0"):
        bootstrap_lrt(one, two, data, EM2, 0, workers=0)
    with pytest.raises(TypeError, match=r"got replicates=19\.5, expected a whole number"):
        bootstrap_lrt(one, two, data, EM2, 0, replicates=19.5)
    with pytest.raises(TypeError, match="got None from grow, expected starting parameters of the"):
        bootstrap_lrt(one, two, data, EM2, 0, grow=lambda params, rng: None)
    with pytest.raises(TypeError, match="got callback=True, expected a function of"):
        bootstrap_lrt(one, two, data, EM2, 0, callback=True)
    with pytest.raises(TypeError, match="TwoPoissons does not define simulate"):
        bootstrap_lrt(TwoPoissons(), Poissons(3), data, EM2, 0, workers=1)
    with pytest.raises(DegenerateFitError, match="larger model collapsed"):
        bootstrap_lrt(one, Collapsing(2), Rows.of([1, 2, 3]), EM2, 0)
    spread = Rows.of(overdispersed(100, 4) * 3)
    with pytest.raises(ValueError, match="below the smaller one's, expected one that contains it"):
        bootstrap_lrt(two, one, spread, EM2, 0, workers=1)
