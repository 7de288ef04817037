"""Standard errors: published ones, numerical Hessians, weights, and what has none."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from tests.engine.models import (
    CELLS,
    DEATHS,
    WAITS,
    KnownComponents,
    Linkage,
    NormalMean,
    NumericalMStep,
    RightScore,
    TwoNormals,
    TwoPoissons,
    WithPrior,
)

from latentia import Model
from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM
from latentia.engine.backend import Threads
from latentia.engine.inference import (
    Information,
    observed_information,
    profile_interval,
    score,
    split_information,
    standard_errors,
    supplemented_em,
)
from latentia.engine.space import Real


def _information(model, data, params):
    return observed_information(model, data, params, Threads(1))


def _top(model, data):
    """A maximum to the last digits: a second fit starts where the first ended."""
    settings = EM(tol=1e-12, max_iter=5000)
    return settings.fit(model, data, 0, start=settings.fit(model, data, 0).params).params


@pytest.mark.parametrize("model", [TwoPoissons(), RightScore(), NumericalMStep()])
def test_hasselblads_standard_errors(model):
    errors = _information(model, DEATHS, _top(TwoPoissons(), DEATHS)).standard_errors()
    # numerical Hessian at the optimum, from turboEM's data
    np.testing.assert_allclose(errors.weights, [0.1946843, 0.1946843], rtol=1e-4)
    np.testing.assert_allclose(errors.rates, [0.3500297, 0.2504783], rtol=1e-4)


def test_linkages_information():
    # Rao; Dempster, Laird & Rubin (1977): observed information 377.5169, SE .0514673
    top = Linkage().start(CELLS, None)._replace(theta=np.array(0.626821497871))
    information = _information(Linkage(), CELLS, top)
    slope = 0.626821497871 * (1 - 0.626821497871)  # of theta in its logit
    assert information.matrix.shape == (1, 1)
    assert information.matrix[0, 0] / slope**2 == pytest.approx(377.5169, rel=1e-6)
    assert float(information.standard_errors().theta) == pytest.approx(0.0514673, rel=1e-5)


def test_two_normals_against_a_numerical_hessian():
    top = _top(TwoNormals(), WAITS)
    flat = np.r_[top.weights[0], top.means, top.variances]

    def loglik(at):
        params = type(top)(np.array([at[0], 1 - at[0]]), at[1:3], at[3:])
        return TwoNormals().e_step(params, WAITS).loglik

    errors = _information(TwoNormals(), WAITS, top).standard_errors()
    ours = np.r_[errors.weights[0], errors.means, errors.variances]
    theirs = np.sqrt(np.diag(np.linalg.inv(-_hessian(loglik, flat, 0.02 * ours))))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def _hessian(function, at, steps):
    """Fourth-order central differences in each pair of coordinates."""
    nodes, shares = np.array([-2, -1, 1, 2]), np.array([1, -8, 8, -1]) / 12
    p = len(at)
    out = np.empty((p, p))
    for i in range(p):
        for j in range(i + 1):
            total = 0.0
            for a, wa in zip(nodes, shares, strict=True):
                for b, wb in zip(nodes, shares, strict=True):
                    x = at.copy()
                    x[i] += a * steps[i]
                    x[j] += b * steps[j]
                    total += wa * wb * function(x)
            out[i, j] = out[j, i] = total / (steps[i] * steps[j])
    return out


def test_a_normal_mean_and_its_prior():
    x = Rows.of([1.0, 2.0, 3.0], [2.0, 1.0, 2.0])
    at = NormalMean().start(x, None)
    errors = _information(NormalMean(), x, at).standard_errors()
    assert float(errors.mean) == pytest.approx(1 / np.sqrt(5), rel=1e-7)
    assert float(errors.held) == 0
    errors = _information(WithPrior(), x, at).standard_errors()
    assert float(errors.mean) == pytest.approx(1 / np.sqrt(5 + 4), rel=1e-5)


def test_weights_are_replication_and_chunks_do_not_matter():
    top = _top(TwoPoissons(), DEATHS)
    repeated = Rows.of(np.repeat(DEATHS.x, DEATHS.weights.astype(int), axis=0))
    weighted = _information(TwoPoissons(), DEATHS, top)
    np.testing.assert_allclose(
        _information(TwoPoissons(), repeated, top).matrix, weighted.matrix, rtol=1e-6
    )
    parts = RowSource(repeated, block=100)
    np.testing.assert_allclose(
        observed_information(TwoPoissons(), parts, top, Threads(2)).matrix,
        weighted.matrix,
        rtol=1e-6,
    )


def test_four_times_the_data_halve_the_errors():
    top = _top(TwoPoissons(), DEATHS)
    one = _information(TwoPoissons(), DEATHS, top).standard_errors()
    four = _information(TwoPoissons(), DEATHS.reweight(np.full(10, 4.0)), top).standard_errors()
    np.testing.assert_allclose(four.rates, one.rates / 2, rtol=1e-6)
    np.testing.assert_allclose(four.weights, one.weights / 2, rtol=1e-6)


def test_the_delta_method_for_any_function():
    top = _top(TwoPoissons(), DEATHS)
    information = _information(TwoPoissons(), DEATHS, top)
    errors = information.standard_errors()
    got = information.delta(lambda p: np.r_[p.rates, np.log(p.rates), p.weights.sum()])
    np.testing.assert_allclose(got[:2], errors.rates, rtol=1e-9)
    np.testing.assert_allclose(got[2:4], errors.rates / top.rates, rtol=1e-6)
    assert got[4] == pytest.approx(0, abs=1e-9)
    # the mean of the data, whose information does not depend on the mixture
    mean = information.delta(lambda p: np.atleast_1d(p.weights @ p.rates))
    x, w = DEATHS.x[:, 0], DEATHS.weights
    variance = np.average((x - np.average(x, weights=w)) ** 2, weights=w)
    assert mean[0] == pytest.approx(np.sqrt(variance / w.sum()), rel=0.01)


def test_coinciding_components_have_no_standard_errors():
    mean = np.average(DEATHS.x[:, 0], weights=DEATHS.weights)
    top = TwoPoissons().start(DEATHS, None)._replace(rates=np.array([mean, mean]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        information = _information(TwoPoissons(), DEATHS, top)
        errors = information.standard_errors()
    assert np.isinf(information.condition) or information.condition > 1e6
    assert "not positive definite" in information.note or "nearly singular" in information.note
    assert np.isnan(errors.rates).all() or "nearly singular" in information.note


def test_parameters_on_the_edge_are_held_and_named():
    model = KnownComponents([0.5, 1.25, 2.75])
    top = type(model.space)(np.array([0.0, 0.4, 0.6]))
    with np.errstate(divide="ignore"):
        information = _information(model, DEATHS, top)
        errors = information.standard_errors()
    assert "weights[0]" in information.note
    assert errors.weights[0] == 0
    assert errors.weights[1] == pytest.approx(errors.weights[2], rel=1e-6)
    assert errors.weights[1] > 0


def test_a_place_that_is_no_maximum_is_called_so():
    x = Rows.of(np.linspace(-1, 1, 100))
    for off, wanted in ((0.03, False), (0.06, True)):  # n off² / 2 nats: .045 and .18
        at = NormalMean().start(x, None)._replace(mean=np.array(off))
        note = _information(NormalMean(), x, at).note
        assert ("about 0.18 nats are left to gain" in note) == wanted


def test_a_good_fit_has_no_note():
    assert _information(TwoPoissons(), DEATHS, _top(TwoPoissons(), DEATHS)).note == ""


def test_a_row_without_information_divides_by_nothing():
    chart = _information(TwoPoissons(), DEATHS, _top(TwoPoissons(), DEATHS)).chart
    matrix = np.diag([1.0, 0.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(Information(chart, matrix, np.ones(3, bool), "").covariance).all()
        # where the barren coordinate is held, the others keep their errors
        held = Information(chart, matrix, np.array([True, False, True]), "")
        np.testing.assert_allclose(held.covariance, np.diag([1.0, 0.0, 0.5]))


def test_the_condition_number_does_not_depend_on_units():
    chart = _information(TwoPoissons(), DEATHS, _top(TwoPoissons(), DEATHS)).chart
    r = 1 - 1e-7
    matrix = np.array([[1.0, r, 0.0], [r, 1.0, 0.0], [0.0, 0.0, 1.0]])
    unit = np.array([1e-3, 1e4, 1.0])
    every = np.ones(3, bool)
    expected = (1 + r) / (1 - r)  # of a pair with correlation r
    got = Information(chart, matrix * np.outer(unit, unit), every, "").condition
    assert got == pytest.approx(expected, rel=1e-6)


def test_nearly_equal_components_are_called_nearly_singular():
    # Fisher information of a mixture whose rates lie h apart vanishes like h squared
    top = TwoPoissons().start(DEATHS, None)._replace(rates=np.array([2.0, 2.0001]))
    x = np.arange(40)
    density = np.exp(x * np.log(2.0) - 2.0 - np.cumsum(np.log(np.maximum(x, 1))))
    information = _information(TwoPoissons(), Rows.of(x, 1e4 * density), top)
    assert "nearly singular" in information.note or "not positive definite" in information.note


def test_the_score_is_the_slope_of_the_likelihood():
    model, at = TwoPoissons(), TwoPoissons().start(DEATHS, None)
    got = score(model, DEATHS, at, Threads(1))

    def loglik(weight, *rates):
        params = at._replace(weights=np.array([weight, 1 - weight]), rates=np.array(rates))
        return model.e_step(params, DEATHS).loglik

    # the chart's coordinates: logit of a weight (against the other), logarithms of the rates
    h, (w, a, b) = 1e-5, (0.5, 1.0, 3.0)
    by_hand = [
        w * (1 - w) * (loglik(w + h, a, b) - loglik(w - h, a, b)) / (2 * h),
        a * (loglik(w, a + h, b) - loglik(w, a - h, b)) / (2 * h),
        b * (loglik(w, a, b + h) - loglik(w, a, b - h)) / (2 * h),
    ]
    np.testing.assert_allclose(np.abs(got), np.abs(by_hand), rtol=1e-6)
    np.testing.assert_allclose(got[1:], by_hand[1:], rtol=1e-6)


@pytest.mark.parametrize("model", [TwoPoissons(), RightScore()])
def test_both_terms_of_oakes(model):
    top = _top(TwoPoissons(), DEATHS)
    split = split_information(model, DEATHS, top, Threads(1))
    together = _information(model, DEATHS, top).matrix
    np.testing.assert_allclose(split.complete - split.missing, together, rtol=1e-4, atol=1e-3)
    assert split.em_rate == pytest.approx(0.99567, abs=1e-5)  # turboEM's data, recomputed
    np.testing.assert_allclose(split.observed.matrix, together, rtol=1e-4, atol=1e-3)


def test_linkages_complete_and_missing_information():
    top = Linkage().start(CELLS, None)._replace(theta=np.array(0.626821497871))
    split = split_information(Linkage(), CELLS, top, Threads(1))
    slope = 0.626821497871 * (1 - 0.626821497871)
    assert split.complete[0, 0] / slope**2 == pytest.approx(435.3179, rel=1e-6)
    assert split.missing[0, 0] / slope**2 == pytest.approx(435.3179 - 377.5169, rel=1e-5)
    assert split.em_rate == pytest.approx(0.1327787, rel=1e-5)


class Sum(NamedTuple):
    first: Any
    second: Any


class OnlyTheSum(Model):
    """Normal rows whose mean is the sum of two parameters: their difference cannot be seen."""

    space = Sum(Real(), Real())
    n_gauge = 1

    def start(self, sample, rng, given=None):
        return Sum(np.array(1.0), np.array(0.0))

    def e_step(self, params, chunk):
        inner = NormalMean().e_step(self._mean(params), chunk)
        return inner

    def _mean(self, params):
        return NormalMean().start(None, None)._replace(mean=params.first + params.second)

    def m_step(self, suff, params):
        off = suff.stats.sum / suff.stats.n - params.first - params.second
        return Sum(params.first + off / 2, params.second + off / 2)

    def q(self, params, suff):
        return NormalMean().q(self._mean(params), suff)


@pytest.mark.parametrize("method", ["oakes", "opg", "sandwich"])
def test_what_the_likelihood_cannot_see_is_left_out(method):
    x = np.random.default_rng(0).normal(size=400)
    x = 2 + (x - x.mean()) / x.std()
    top = Sum(np.array(0.5), np.array(1.5))
    found = standard_errors(OnlyTheSum(), Rows.of(x), top, method)
    assert found.delta(lambda p: p.first + p.second)[0] == pytest.approx(1 / 20, rel=1e-5)
    assert "cannot see 1 of the directions" in found.note
    assert "not positive" not in found.note
    # nothing is latent but along the direction that cannot be seen, where EM stands still
    assert supplemented_em(OnlyTheSum(), Rows.of(x), top).em_rate == pytest.approx(0, abs=1e-8)
    # nor would complete data tell the two apart
    assert np.isnan(split_information(OnlyTheSum(), Rows.of(x), top).em_rate)
    got = profile_interval(OnlyTheSum(), Rows.of(x), top, lambda p: p.first + p.second)
    np.testing.assert_allclose([got.lower, got.upper], 2 + 1.959964 / 20 * np.array([-1, 1]))
