"""The examples of R's help pages: r_examples.R says how the numbers were made."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from latentia import CensoredRegression, FactorAnalysis, SelfConsistent

HERE = Path(__file__).parent
R: dict[str, dict[str, float]] = defaultdict(dict)
for row in csv.DictReader((HERE / "r_examples.csv").read_text().splitlines()):
    R[row["what"]][row["name"]] = float(row["value"])
ROWS = {"ability": 112, "harman": 145, "thurstone": 213}


def rows_with_covariance(what):
    """As many rows as the correlations are of, that have exactly these."""
    known = R[f"{what} covariance"]
    d = max(int(name.split()[0]) for name in known)
    covariance = np.array(
        [[known[f"{max(i, j)} {min(i, j)}"] for j in range(1, d + 1)] for i in range(1, d + 1)]
    )
    z = np.random.default_rng(0).normal(size=(ROWS[what], d))
    z -= z.mean(axis=0)
    z = np.linalg.solve(np.linalg.cholesky(z.T @ z / (len(z) - 1)), z.T).T
    return z @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize(
    ("what", "q"),
    [
        ("ability", 1),
        ("ability", 2),
        *(("harman", q) for q in range(1, 6)),
        *(("thurstone", q) for q in range(1, 4)),
    ],
)
def test_factors_of_published_correlations(what, q):
    x = rows_with_covariance(what)
    factors = FactorAnalysis(q, tol=1e-10, min_uniqueness=0.005).fit(x)
    known = list(R[f"{what} {q} uniqueness"].values())
    np.testing.assert_allclose(factors.noise_variance_ / x.var(axis=0), known, atol=1e-5)
    test = factors.fit_test()
    assert test.statistic == pytest.approx(R[f"{what} {q} test"]["statistic"], abs=1e-4)
    assert test.df == R[f"{what} {q} test"]["df"]


@pytest.mark.parametrize("unit", [1.0, np.array([1e3, 1.0, 0.01, 5.0, 1.0, 1.0])])
@pytest.mark.parametrize("rotation", ["varimax", "promax"])
def test_factanals_rotations_in_any_unit(rotation, unit):
    x = rows_with_covariance("ability") * unit
    factors = FactorAnalysis(2, tol=1e-10, rotation=rotation, kaiser=True).fit(x)
    known = R[f"ability {rotation}"]
    told = {tuple(np.sort(np.abs([known[f"{i} 1"], known[f"{i} 2"]]))) for i in range(1, 7)}
    found = np.sort(np.abs(factors.components_ / x.std(axis=0)), axis=0).T
    np.testing.assert_allclose(sorted(map(tuple, found)), sorted(told), atol=1e-5)


def table(name):
    return np.genfromtxt(HERE / f"{name}.csv", delimiter=",", skip_header=1, missing_values="NA")


@pytest.mark.parametrize("distribution", ["weibull", "exponential", "lognormal", "loglogistic"])
@pytest.mark.parametrize(("what", "dead"), [("ovarian", 1), ("lung", 2)])
def test_survival_regressions(what, dead, distribution):
    rows = table(what)
    rows = rows[~np.isnan(rows).any(axis=1)]  # survreg leaves the others out
    times = np.column_stack([rows[:, 0], np.where(rows[:, 1] == dead, rows[:, 0], np.inf)])
    fitted = CensoredRegression(distribution, tol=1e-10).fit(rows[:, 2:], times)
    known = {kind: R[f"{what} {distribution} {kind}"] for kind in ("estimate", "error", "loglik")}
    found = [fitted.intercept_, *fitted.coef_]
    np.testing.assert_allclose(found, list(known["estimate"].values()), rtol=1e-7)
    errors = fitted.standard_errors().coefficients
    np.testing.assert_allclose(errors, list(known["error"].values()), rtol=1e-6)
    assert fitted.loglik_ == pytest.approx(known["loglik"][""], abs=1e-8)


def test_a_survival_curve():
    rows = table("lung")
    curve = SelfConsistent().fit(
        np.column_stack([rows[:, 0], np.where(rows[:, 1] == 2, rows[:, 0], np.inf)])
    )
    known = R["lung survival"]
    np.testing.assert_allclose(
        curve.survival([float(t) for t in known]), list(known.values()), rtol=1e-10
    )
    for share, time in R["lung quantile"].items():
        assert set(np.ravel(curve.quantile(float(share)))) == {time}
