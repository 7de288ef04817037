"""`CensoredRegression`: against other programs, and holes against a brute-force integral."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pandas
import pytest
from scipy import stats

from latentia import (
    CensoredRegression,
    IncompleteNormal,
    SelfConsistent,
    check_model,
    datasets,
    load,
)
from latentia.data.arrays import Rows
from latentia.engine import NotConvergedWarning
from latentia.mixture import DataWarning
from latentia.survival.censored import CensoredModel, CensoredParams, Units
from latentia.survival.laws import DISTRIBUTIONS

PARITY = Path(__file__).parents[1] / "parity"


def recorded(data, distribution):
    with (PARITY / "survreg.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [r for r in rows if (r["data"], r["distribution"]) == (data, distribution)]


def compared(fitted, rows):
    assert fitted.loglik_ == pytest.approx(float(rows[0]["loglik"]), abs=1e-8)
    table = {e.name: e for e in fitted.parameter_table()}
    for r in rows:
        estimate, se = float(r["estimate"]), float(r["se"])
        if r["parameter"] == "log scale":
            scale = table["scale"]
            assert np.log(scale.value) == pytest.approx(estimate, abs=2e-6)
            assert scale.se / scale.value == pytest.approx(se, rel=1e-4)
        else:
            found = table[r["parameter"]]
            assert found.value == pytest.approx(estimate, rel=2e-6, abs=2e-6)
            assert found.se == pytest.approx(se, rel=1e-4)


@pytest.mark.parametrize("distribution", ["weibull", "exponential", "lognormal", "loglogistic"])
def test_accelerated_failure_times_are_those_of_another_program(distribution):
    values = datasets.load("cosmesis").values
    x = pandas.DataFrame({"chemotherapy": values[:, 2]})
    fitted = CensoredRegression(distribution, tol=1e-11).fit(x, values[:, :2])
    compared(fitted, recorded("cosmesis", distribution))


@pytest.mark.parametrize(("ours", "theirs"), [("normal", "gaussian"), ("logistic", "logistic")])
def test_tobit_regressions_are_those_of_another_program(ours, theirs):
    frame = pandas.read_csv(PARITY / "tobin.csv")
    bounds = np.stack([np.where(frame.durable > 0, frame.durable, -np.inf), frame.durable], axis=1)
    fitted = CensoredRegression(ours, tol=1e-11).fit(frame[["age", "quant"]], bounds)
    compared(fitted, recorded("tobin", theirs))


def drawn(n, seed, holes=True):
    rng = np.random.default_rng(seed)
    own = rng.normal(2, 1, n)
    first = 5 + 0.8 * own + rng.normal(0, 1, n)
    second = 0.3 * first + rng.normal(0, 2, n)
    y = 1 + 0.5 * own - 0.3 * first + 0.2 * second + 0.7 * rng.normal(size=n)
    x = np.stack([own, first, second], axis=1)
    if holes:
        x[rng.uniform(size=n) < 0.3, 1] = np.nan
        x[rng.uniform(size=n) < 0.2, 2] = np.nan
    return x, y


def test_without_censoring_holes_are_those_of_a_normal_distribution():
    x, y = drawn(150, 0)
    fitted = CensoredRegression("normal", tol=1e-10).fit(x, y)
    joint = IncompleteNormal(tol=1e-10).fit(np.column_stack([x, y]))
    own = IncompleteNormal(tol=1e-10).fit(x[:, :1])
    assert fitted.loglik_ == pytest.approx(joint.loglik_ - own.loglik_, abs=1e-6)
    cov, mean = joint.covariance_, joint.mean_
    beta = np.linalg.solve(cov[:3, :3], cov[:3, 3])
    np.testing.assert_allclose(fitted.coef_, beta, atol=1e-5)
    assert fitted.intercept_ == pytest.approx(mean[3] - beta @ mean[:3], abs=1e-4)
    assert fitted.scale_**2 == pytest.approx(cov[3, 3] - beta @ cov[:3, 3], rel=1e-5)


@pytest.mark.parametrize("name", ["weibull", "loglogistic", "normal"])
@pytest.mark.parametrize("missing", [(False, True), (True, False), (True, True)])
def test_a_row_with_holes_is_worth_its_integral(name, missing):
    distribution = DISTRIBUTIONS[name]
    units = Units(np.array([2.0, 5.0, 1.0]), np.array([1.0, 1.3, 2.0]), 0.5, 1.2)
    model = CensoredModel(distribution, units, 2)
    beta, scale = np.array([0.3, 0.4, -0.5, 0.7]), 0.6
    slopes = np.array([[3.0, 0.8], [0.5, 0.2]])
    cov = np.array([[1.1, 0.4], [0.4, 2.5]])
    params = CensoredParams(beta, np.array(scale), slopes, cov)
    peer = {"weibull": stats.gumbel_l, "loglogistic": stats.logistic, "normal": stats.norm}[name]
    own, tail = 1.4, np.array([4.5, 1.7])
    normal = stats.multivariate_normal(slopes @ [1, own], cov)
    for low, high in ((0.2, 0.9), (0.4, np.inf), (0.35, 0.35)):
        node, share = np.polynomial.legendre.leggauss(300)
        sides = [
            (m + 9 * s * node, 9 * s * share)
            for m, s in zip(normal.mean, np.sqrt(np.diag(cov)), strict=True)
        ]
        sides = [
            side if gone else (np.array([value]), np.ones(1))
            for side, gone, value in zip(sides, missing, tail, strict=True)
        ]
        cells = np.stack(np.meshgrid(sides[0][0], sides[1][0], indexing="ij"), axis=-1)
        eta = beta[0] + beta[1] * own + cells @ beta[2:]
        if low == high:
            made = peer.pdf((low - eta) / scale) / scale
            made *= np.exp(-low) if distribution.log else 1.0
        else:
            made = peer.sf((low - eta) / scale) - peer.sf((high - eta) / scale)
        brute = sides[0][1] @ (made * normal.pdf(cells).reshape(made.shape)) @ sides[1][1]
        seen = np.where(missing, np.nan, tail)
        row = Rows(np.array([[own, *seen, low, high]]), np.ones(1))
        assert model.e_step(params, row).loglik == pytest.approx(np.log(brute), abs=1e-7)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("holes", [0, 2])
def test_the_model_keeps_the_contract(name, holes):
    x, y = drawn(40, 1, holes > 0)
    bounds = np.stack([y, y], axis=1)
    bounds[::3, 1] = np.inf
    bounds[1::5, 0] -= 0.5
    units = Units(np.nanmean(x, axis=0), np.nanstd(x, axis=0), float(y.mean()), float(y.std()))
    model = CensoredModel(DISTRIBUTIONS[name], units, holes)
    rows = Rows(np.column_stack([x, bounds]), np.arange(1.0, 41.0))
    assert "the score is Fisher's" in check_model(model, rows).passed


def test_weights_units_and_the_order_of_columns_do_not_matter():
    x, y = drawn(80, 2)
    bounds = np.stack([np.exp(y), np.where(np.arange(80) % 4, np.exp(y), np.inf)], axis=1)
    w = np.random.default_rng(0).integers(1, 4, 80)
    plain = CensoredRegression(tol=1e-9).fit(x, bounds, sample_weight=w)
    again = CensoredRegression(tol=1e-9).fit(
        np.repeat(x[:, ::-1] * 1e3 + 1e5, w, axis=0), np.repeat(bounds, w, axis=0)
    )
    np.testing.assert_allclose(plain.coef_, again.coef_[::-1] * 1e3, rtol=1e-4, atol=1e-6)
    assert plain.scale_ == pytest.approx(again.scale_, rel=1e-5)


def test_survival_and_quantiles_of_rows_with_holes_belong_together():
    x, y = drawn(120, 3)
    fitted = CensoredRegression("weibull").fit(x, np.exp(y))
    for p in (0.1, 0.5, 0.9):
        at = fitted.predict(x[:8], p)
        below = [1 - fitted.survival(x[i : i + 1], [at[i]])[0, 0] for i in range(8)]
        np.testing.assert_allclose(below, p, atol=1e-9)


def test_a_covariate_that_was_whole_in_the_fit_has_to_be_known():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 2))
    y = x @ [1.0, 2.0] + rng.normal(size=60)
    x[::5, 0] = np.nan
    fitted = CensoredRegression("normal").fit(x, y)
    assert np.isfinite(fitted.predict([[np.nan, 1.0]])).all()
    for use in (
        fitted.predict,
        lambda x: fitted.survival(x, 1.0),
        lambda x: fitted.score(x, [1.0]),
    ):
        with pytest.raises(ValueError, match=r"nan in row 0, column x1, expected a number"):
            use([[1.0, np.nan]])


def test_rows_of_no_weight_may_have_holes_anywhere():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(60, 2))
    y = x @ [1.0, 2.0] + rng.normal(size=60)
    left_out = CensoredRegression("normal").fit(x[1:], y[1:])
    x[0, 1] = np.nan
    weights = np.r_[0.0, np.ones(59)]
    fitted = CensoredRegression("normal").fit(x, y, weights)
    np.testing.assert_allclose(fitted.coef_, left_out.coef_, rtol=1e-12)
    again = fitted.remember(x, weights, y=y).parameter_table()
    assert again[0].se == pytest.approx(left_out.parameter_table()[0].se, rel=1e-10)


@pytest.mark.parametrize("distribution", ["normal", "logistic", "weibull", "lognormal"])
def test_survival_is_asked_for_at_times(distribution):
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(40, 1)), rng.exponential(size=40)
    fitted = CensoredRegression(distribution).fit(x, y)
    np.testing.assert_array_equal(fitted.survival(x[:2], [-np.inf, np.inf]), [[1, 0], [1, 0]])
    with pytest.raises(ValueError, match="got nan as a time"):
        fitted.survival(x[:2], [1.0, np.nan])


def test_a_saved_regression_is_the_same(tmp_path):
    x, y = drawn(60, 4)
    fitted = CensoredRegression("lognormal").fit(x, np.exp(y))
    fitted.standard_errors()
    fitted.save(tmp_path / "times.safetensors")
    again = load(tmp_path / "times.safetensors")
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))
    assert str(again.summary()) == str(fitted.summary())


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([[1.0], [2], [3]], [[1, np.inf]] * 3, "no response with an upper bound"),
        ([[1.0], [2], [3]], [[0, 1], [0, 2], [0, 3]], "no response with a lower bound"),
        ([[1.0], [1], [1]], [1, 2, 3], "is 1 in every row"),
        ([[np.nan], [np.nan], [np.nan]], [1, 2, 3], "has no value"),
        ([[1.0, 2], [2, 4], [3, 6], [5, 10]], [1, 2, 3, 5], "follows from the columns before it"),
        ([[1.0], [2], [3]], [0, 2, 3], "a time of 0 in row 0"),
        ([[1.0], [2], [3]], [1, 2], "responses of shape"),
        ([[1.0], [2], [3]], [[3, 1], [1, 2], [1, 2]], "bounds 3 and 1 in row 0"),
        ([[1.0], [2], [3]], [1, np.nan, 3], "the response in row 1"),
        ([[1.0], [2], [np.inf]], [1, 2, 3], "infinity in row 2"),
        ([[1.0], [2], [3]], ["a", "b", "c"], "not all numbers"),
        ([[1.0], [2], [3]], np.arange(1, 4).astype("datetime64[D]"), "not all numbers"),
        ([[1.0], [2.0], [3.0]], [2.0, 4.0, 8.0], "the scale falls to 0"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_a_sentence(x, y, words):
    with pytest.raises(ValueError, match=words):
        CensoredRegression("lognormal").fit(np.array(x), y)


def test_a_fit_that_ended_early_says_so_once_and_to_who_called_it():
    values = datasets.load("cosmesis").values
    with pytest.warns(NotConvergedWarning) as told:
        CensoredRegression("weibull", max_iter=1).fit(values[:, 2:], values[:, :2])
    assert [each.filename for each in told] == [__file__]
    with pytest.warns(NotConvergedWarning) as told:
        SelfConsistent(max_iter=1).fit(values[:, :2])
    assert [each.filename for each in told] == [__file__]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_responses_that_are_drawn_follow_the_fitted_survival(distribution, holes):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2))
    y = np.exp(0.5 + x @ [0.8, -0.4] + 0.3 * rng.normal(size=200))
    x[rng.random(x.shape) < holes] = np.nan
    with_errors = CensoredRegression(distribution, random_state=0).fit(x, y)
    few = x[:4]
    drawn = with_errors.sample(np.repeat(few, 1000, axis=0)).reshape(4, 1000)
    for row, times in zip(few, drawn, strict=True):
        left = with_errors.survival(row[None], times)[0]
        assert stats.kstest(left, "uniform").pvalue > 1e-4


def with_holes(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4))
    y = np.exp(x[:, 0] / 4 + rng.normal(size=n))
    x[rng.random(x.shape) < 0.15] = np.nan
    return x, y


def test_covariates_that_follow_from_one_another_are_named_in_spite_of_holes():
    x, y = with_holes()
    x[:, 2] = x[:, 0] - 2 * x[:, 1]
    for distribution in ("normal", "weibull"):
        with pytest.raises(ValueError, match=r"'x0', 'x1', 'x2' follow .* leave one of them out"):
            CensoredRegression(distribution).fit(x, y)


def test_covariates_never_seen_together_are_named_whether_there_is_a_maximum_or_not():
    x, y = with_holes()
    x[:30, 1], x[30:, 2] = np.nan, np.nan
    with pytest.warns(DataWarning, match="'x1' and 'x2' are never seen together, so what either"):
        CensoredRegression("normal").fit(x, np.log(y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for seed in range(4):
            x, y = with_holes(20, seed)
            x[:10, 1], x[10:, 2] = np.nan, np.nan
            told, fitted = "", CensoredRegression("weibull")
            try:
                fitted.fit(x, y)
            except ValueError as error:
                told = str(error)
            assert "'x1' and 'x2' are never seen" in told or np.isfinite(fitted.coef_).all()
