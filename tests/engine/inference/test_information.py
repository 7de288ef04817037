"""Standard errors: published ones, numerical Hessians, weights, and what has none."""

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

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM
from latentia.engine.backend import Threads
from latentia.engine.inference import observed_information


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
    information = _information(TwoPoissons(), DEATHS, top)
    assert "not positive definite" in information.note
    assert np.isnan(information.standard_errors().rates).all()


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


def test_a_good_fit_has_no_note():
    assert _information(TwoPoissons(), DEATHS, _top(TwoPoissons(), DEATHS)).note == ""
