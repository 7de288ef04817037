import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from latentia import EMImputer, datasets
from latentia.data.arrays import Frame, Rows
from latentia.engine import check_model
from latentia.missing import CellPrior, CellRange
from latentia.missing.measured import MeasuredRows, completed, drawn
from latentia.missing.model import NormalModel

NHANES = datasets.load("nhanes").values


def believed(rng):
    hidden = np.isnan(NHANES)
    told = np.where(hidden & (rng.random(NHANES.shape) < 0.5), np.nanmean(NHANES, 0), np.nan)
    variance = np.where(np.isnan(told), 0.0, 0.3 * np.nanvar(NHANES, 0))
    return MeasuredRows(NHANES, rng.uniform(0.5, 2, len(NHANES)), told, variance)


@pytest.mark.parametrize("compiled", [False, True])
def test_contract(compiled):
    rows = believed(np.random.default_rng(0))
    check_model(NormalModel(Frame.of(rows), 1.5, compiled), rows)


def test_a_belief_is_a_measurement_with_an_error():
    # the density of what was seen and told, and the textbook's regression on both
    mean, covariance = np.array([1.0, -1.0, 0.5]), np.diag([2.0, 1.0, 0.5]) + 0.3
    rows = MeasuredRows(
        np.array([[1.5, np.nan, np.nan]]),
        np.ones(1),
        np.array([[np.nan, 0.2, np.nan]]),
        np.array([[0.0, 0.4, 0.0]]),
    )
    noisy = covariance[:2, :2] + np.diag([0.0, 0.4])
    away = np.array([0.5, 1.2])
    found = completed(mean, covariance, rows)
    density = multivariate_normal.logpdf(away, cov=noisy)
    known = -(found.distance[0] + found.log_det[0] + 2 * np.log(2 * np.pi)) / 2
    assert known == pytest.approx(density, rel=1e-12)
    across = covariance[:2, 1:]
    np.testing.assert_allclose(
        found.away[0], [0.5, *(across.T @ np.linalg.solve(noisy, away))], rtol=1e-12
    )
    left = covariance[1:, 1:] - across.T @ np.linalg.solve(noisy, across)
    np.testing.assert_allclose(found.left[0, 1:, 1:], left, rtol=1e-12)
    many = MeasuredRows(*(np.repeat(each, 20_000, axis=0) for each in rows))
    made = drawn(mean, covariance, many, np.random.default_rng(0))
    np.testing.assert_allclose(made.mean(axis=0), found.away[0], atol=0.02)
    np.testing.assert_allclose(np.cov(made[:, 1:].T), left, atol=0.02)


def test_a_belief_that_is_certain_is_a_value_and_a_vague_one_is_none():
    x = np.array([[0.0, 1.0], [1.0, 2.5], [2.0, 2.4], [3.0, 4.0], [4.0, np.nan]])
    options = {"ridge": 0, "tol": 1e-12}
    sure = EMImputer(**options, priors=[CellPrior(4, 1, 7.0, 1e-6)]).fit(x)
    value = EMImputer(**options).fit(np.where(np.isnan(x), 7.0, x))
    np.testing.assert_allclose(sure.normal_.mean_, value.normal_.mean_, rtol=1e-8)
    vague = EMImputer(**options, priors=[CellPrior(None, 1, 7.0, 1e6)]).fit(x)
    none = EMImputer(**options).fit(x)
    np.testing.assert_allclose(vague.normal_.covariance_, none.normal_.covariance_, rtol=1e-8)


@pytest.mark.parametrize("draw", ["bootstrap", "posterior"])
def test_drawn_cells_follow_their_beliefs(draw):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    x[:100, 1] = np.nan
    prior = CellRange(None, 1, np.exp(3.0), np.exp(3.4), 0.5)
    x[:, 1] = np.exp(x[:, 1])
    imputer = EMImputer(
        draw=draw, transforms={1: "log"}, priors=[prior, CellPrior(0, 1, -9, 1e-4)], random_state=0
    ).fit(x)
    logs = np.log(imputer.transform(x)[:100, 1])
    assert logs[0] == pytest.approx(-9, abs=1e-3)
    # with the unit variance around 3.2 / 1.7 of the hundred, their own variance wins
    sd = 0.2 / norm.ppf(0.75)
    assert abs(logs[1:].mean() - 3.2) < 0.3
    assert logs[1:].std() == pytest.approx(sd, rel=0.25)
    other = imputer.transform(x[:50])  # another table has no row of its own
    assert np.log(other[0, 1]) > 0


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        (CellPrior(0, 0, 1, 1), "a value was seen; expected a missing cell"),
        (CellPrior(9, 1, 1, 1), "expected a row from 0 to 4"),
        (CellPrior(4, 1, 1, 0), "expected a finite mean and an sd above 0"),
        (CellRange(4, 1, 2, 1), "the lower one first"),
        (CellPrior(4, "z", 1, 1), "'z' in priors"),
        ((4, 1, 2, 1), "expected CellPrior or CellRange"),
    ],
)
def test_what_makes_no_sense(prior, words):
    x = np.array([[0.0, 1.0], [1.0, 2.5], [2.0, 2.4], [3.0, 4.0], [4.0, np.nan]])
    with pytest.raises(ValueError, match=words):
        EMImputer(priors=[prior]).fit(x)


def test_rows_that_are_drawn_anew():
    rows = believed(np.random.default_rng(2))
    model = NormalModel(Frame.of(rows))
    made = model.simulate(model.first(), rows, np.random.default_rng(3))
    assert (np.isnan(made.x) == np.isnan(rows.x)).all()
    assert (np.isnan(made.told) == np.isnan(rows.told)).all()
    assert len(Rows(made.x, made.weights)) == len(rows)
