"""The outer product of unit scores and the sandwich, against both written out by hand."""

import warnings

import numpy as np
import pytest
from scipy.stats import poisson
from tests.engine.models import (
    CELLS,
    DEATHS,
    KnownComponents,
    Linkage,
    NormalMean,
    NumericalMStep,
    RightScore,
    TwoPoissons,
    WithPrior,
)

from latentia.data.arrays import Rows, RowSource
from latentia.engine import EM
from latentia.engine.backend import Threads
from latentia.engine.inference import (
    TooFewUnitsError,
    empirical_information,
    sandwich_covariance,
    score,
    standard_errors,
    unit_scores,
)


def _top(data):
    settings = EM(tol=1e-12, max_iter=5000)
    start = settings.fit(TwoPoissons(), data, 0).params
    return settings.fit(TwoPoissons(), data, 0, start=start).params


def _rowwise(params, x):
    """Per-row derivatives in (weight, rate, rate) of the log mixture density, and its Hessian."""
    (w, _), (a, b) = params
    f, g = poisson.pmf(x, a), poisson.pmf(x, b)
    p = w * f + (1 - w) * g
    fa, gb = f * (x / a - 1), g * (x / b - 1)
    faa = f * ((x / a - 1) ** 2 - x / a**2)
    gbb = g * ((x / b - 1) ** 2 - x / b**2)
    first = np.array([(f - g) / p, w * fa / p, (1 - w) * gb / p])
    zero = np.zeros_like(p)
    second = np.array([[zero, fa, -gb], [fa, w * faa, zero], [-gb, zero, (1 - w) * gbb]]) / p
    return first.T, np.moveaxis(second, 2, 0) - first.T[:, :, None] * first.T[:, None, :]


@pytest.mark.parametrize("model", [TwoPoissons(), RightScore(), NumericalMStep()])
def test_outer_products_by_hand(model):
    top = _top(DEATHS)
    s, _ = _rowwise(top, DEATHS.x[:, 0])
    theirs = np.sqrt(np.diag(np.linalg.inv((s * DEATHS.weights[:, None]).T @ s)))
    information = empirical_information(model, DEATHS, top, Threads(1))
    errors = information.standard_errors()
    ours = np.r_[errors.weights[0], errors.rates]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert information.note == ""


def test_the_sandwich_by_hand():
    top = _top(DEATHS)
    s, h = _rowwise(top, DEATHS.x[:, 0])
    w = DEATHS.weights
    bread = np.linalg.inv(-np.einsum("n,nij->ij", w, h))
    theirs = np.sqrt(np.diag(bread @ ((s * w[:, None]).T @ s) @ bread))
    errors = standard_errors(TwoPoissons(), DEATHS, top, "sandwich").errors
    np.testing.assert_allclose(np.r_[errors.weights[0], errors.rates], theirs, rtol=1e-5)
    # the bread alone is Hasselblad's published-data Hessian
    np.testing.assert_allclose(
        np.sqrt(np.diag(bread)), [0.1946843, 0.3500297, 0.2504783], rtol=1e-6
    )


def test_linkages_sandwich_closes():
    # a multinomial that fills its cells: variance of the score from the four cells
    theta = 0.626821497871
    top = Linkage().start(CELLS, None)._replace(theta=np.array(theta))
    n = CELLS.weights
    s = np.array([1 / (2 + theta), -1 / (1 - theta), -1 / (1 - theta), 1 / theta])
    opg = empirical_information(Linkage(), CELLS, top).standard_errors().theta
    assert float(opg) == pytest.approx(1 / np.sqrt(n @ s**2), rel=1e-7)
    hessian = n @ np.array([1 / (2 + theta), 1 / (1 - theta), 1 / (1 - theta), 1 / theta]) ** 2
    robust = standard_errors(Linkage(), CELLS, top, "sandwich").errors.theta
    assert float(robust) == pytest.approx(np.sqrt(n @ s**2) / hessian, rel=1e-6)


def test_a_wrong_variance_is_what_the_sandwich_repairs():
    # NormalMean believes in variance one: the sandwich of a mean is s / sqrt(n) all the same
    x = np.random.default_rng(0).normal(5, 3, size=400)
    model, rows = NormalMean(), Rows.of(x)
    at = model.start(rows, None)._replace(mean=np.array(x.mean()))
    assert float(standard_errors(model, rows, at).errors.mean) == pytest.approx(1 / 20, rel=1e-6)
    robust = standard_errors(model, rows, at, "sandwich").errors
    assert float(robust.mean) == pytest.approx(x.std() / 20, rel=1e-6)


def test_weights_are_replication():
    top = _top(DEATHS)
    repeated = Rows.of(np.repeat(DEATHS.x, DEATHS.weights.astype(int), axis=0))
    one = empirical_information(TwoPoissons(), DEATHS, top).matrix
    many = empirical_information(TwoPoissons(), RowSource(repeated, block=100), top, Threads(2))
    np.testing.assert_allclose(one, many.matrix, rtol=1e-9)
    robust = sandwich_covariance(TwoPoissons(), DEATHS, top).covariance
    again = sandwich_covariance(TwoPoissons(), repeated, top).covariance
    np.testing.assert_allclose(robust, again, rtol=1e-4)


def test_an_exact_zero_raises_no_warning():
    model = KnownComponents([0.5, 1.25, 2.75])
    top = type(model.space)(np.array([0.0, 0.4, 0.6]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = standard_errors(model, DEATHS, top, "opg")
    x, w = DEATHS.x[:, 0], DEATHS.weights
    f, g = poisson.pmf(x, 1.25), poisson.pmf(x, 2.75)
    by_hand = 1 / np.sqrt(w @ ((f - g) / (0.4 * f + 0.6 * g)) ** 2)
    np.testing.assert_allclose(found.errors.weights, [0, by_hand, by_hand], rtol=1e-6)
    assert "weights[0]" in found.note


def test_unit_scores_add_up_and_leave_out_what_has_no_weight():
    at = TwoPoissons().start(DEATHS, None)
    weighted = DEATHS.reweight(np.r_[0.0, np.ones(9)])
    scores, weights = unit_scores(TwoPoissons(), weighted, at)
    assert scores.shape == (9, 3)
    np.testing.assert_allclose(weights, DEATHS.weights[1:])
    np.testing.assert_allclose(weights @ scores, score(TwoPoissons(), weighted, at), rtol=1e-6)


def test_the_priors_curvature_is_added_and_the_data_part_is_not_changed():
    x = np.random.default_rng(1).normal(0.3, 1, size=50)
    rows = Rows.of(x)
    at = WithPrior().start(rows, None)._replace(mean=np.array(x.sum() / (50 + 4)))
    matrix = empirical_information(WithPrior(), rows, at).matrix
    expected = np.sum((x - float(at.mean)) ** 2) + 4
    assert matrix[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", ["opg", "sandwich", "bootstrap"])
def test_too_few_units_are_refused_by_name(method):
    at = TwoPoissons().start(DEATHS, None)
    with pytest.raises(TooFewUnitsError, match=r"3 independent units for 3 free.*'oakes'"):
        standard_errors(TwoPoissons(), Rows.of([0, 1, 4]), at, method)
    with pytest.raises(TooFewUnitsError, match="a single independent unit"):
        standard_errors(TwoPoissons(), Rows.of([2], [50.0]), at, method)


def test_units_that_do_not_tell_parameters_apart_are_named():
    # by weight there are enough, but two different rows have two scores for three parameters
    at = TwoPoissons().start(DEATHS, None)
    found = standard_errors(TwoPoissons(), Rows.of([0, 4], [50.0, 30.0]), at, "opg")
    assert "do not tell all parameters apart" in found.note or "nearly singular" in found.note
