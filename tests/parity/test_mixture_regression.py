"""Mixtures of regressions beside flexmix, mixtools and glm, recorded in flexmix.csv."""

import csv
from pathlib import Path

import numpy as np
import pytest

from latentia import datasets
from latentia.engine import Status
from latentia.regression import MixtureRegression

DATA = datasets.load("npreg")
FRAME = dict(zip(DATA.columns, DATA.values.T, strict=True))
FIRST = {g: FRAME["x"][np.argmax(FRAME["id2"] == g)] for g in np.unique(FRAME["id2"])}
FRAME["first"] = np.array([FIRST[g] for g in FRAME["id2"]])
CO2 = datasets.load("co2")
COUNTRIES = dict(zip(CO2.columns, CO2.values.T, strict=True))

with (Path(__file__).parent / "flexmix.csv").open() as file:
    ROWS = list(csv.DictReader(file))
FLEXMIX: dict[str, dict[str, float]] = {}
for row in ROWS:
    FLEXMIX.setdefault(row["case"], {})[row["name"]] = float(row["value"])


def fit(case):
    """The fit of a case, and its components in the order of the first slope."""
    response, *rest = case.split(" with ")
    response, *grouped = response.split(" by ")
    line = "x + I(x**2)" if response == "yn" else "x"
    family = {"yn": "gaussian", "yp": "poisson", "yb": "binomial"}[response]
    concomitant = f"~ {rest[0].removeprefix('weights by ')}" if rest else None
    fitted = MixtureRegression(
        f"{response} ~ {line}", 2, family=family, concomitant=concomitant, tol=1e-9, random_state=0
    ).fit(FRAME, groups="id2" if grouped else None)
    assert fitted.certificate_.status is Status.CONVERGED
    return fitted, np.argsort(fitted.coefficients_[:, 1])


@pytest.mark.parametrize("case", [case for case in FLEXMIX if case.startswith(("yp", "yb"))])
def test_generalised_regressions_are_flexmixs(case):
    fitted, order = fit(case)
    told = FLEXMIX[case]
    assert fitted.loglik_ == pytest.approx(told["loglik"], abs=2e-7)
    assert fitted.n_parameters_ == told["df"]
    for k in range(2):
        expected = [told[f"coef.(Intercept)[{k}]"], told[f"coef.x[{k}]"]]
        np.testing.assert_allclose(fitted.coefficients_[order[k]], expected, atol=5e-5)
    if "logit prior" in told:  # flexmix gives the weight of the second component there
        assert fitted.weights_[order[1]] == pytest.approx(told["logit prior"], abs=2e-5)
    else:
        logits = fitted.concomitant_[order[1]] - fitted.concomitant_[order[0]]
        expected = [value for name, value in told.items() if name.startswith("logit")]
        np.testing.assert_allclose(logits, expected, atol=2e-4)


@pytest.mark.parametrize("case", ["yn", "yn by fours"])
def test_normal_regressions_are_at_the_maximum_that_flexmix_is_near(case):
    """flexmix's variances are unbiased instead of most likely, so that it ends a little below."""
    fitted, order = fit(case)
    told = FLEXMIX[case]
    assert told["loglik"] < fitted.loglik_ < told["loglik"] + 0.03
    assert fitted.n_parameters_ == told["df"]
    for k in range(2):
        expected = [told[f"coef.{name}[{k}]"] for name in ("(Intercept)", "x", "I(x^2)")]
        np.testing.assert_allclose(fitted.coefficients_[order[k]], expected, atol=0.01)


def test_the_maximum_of_two_quadratic_curves():
    # the value that is reached from other starts than flexmix's, recomputed independently
    assert fit("yn")[0].loglik_ == pytest.approx(-642.532014, abs=1e-6)


def test_two_lines_for_countries_are_mixtools():
    # mixtools 2.0.0: regmixEM(CO2data$CO2, CO2data$GNP)
    fitted = MixtureRegression("co2 ~ gnp", 2, tol=1e-9, random_state=0).fit(COUNTRIES)
    assert fitted.loglik_ == pytest.approx(-66.93977, abs=1e-5)


def test_one_gamma_regression_is_glms():
    fitted = MixtureRegression("co2 ~ gnp", 1, family="gamma", tol=1e-10).fit(COUNTRIES)
    told = FLEXMIX["gamma"]
    got = [*fitted.coefficients_[0], fitted.dispersions_[0], fitted.loglik_]
    np.testing.assert_allclose(got, list(told.values()), rtol=1e-6)
