"""`latentia fit regression` and `predict` of its models: by name, from files, in sentences."""

import csv

import numpy as np
import pytest

import latentia
from latentia import MixtureRegression, datasets

FIT = ("fit", "regression")
QUICK = ("--quiet", "--starts", "2")
CURVES = ("npreg", "--formula", "yn ~ x + I(x**2)")
DATA = datasets.load("npreg")
FRAME = dict(zip(DATA.columns, DATA.values.T, strict=True))


@pytest.fixture
def table(tmp_path):
    """The built-in data with a column of text, as a file."""
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["x", "yp", "kind", "id"])
        kinds = np.where(FRAME["yb"] > 0, "one", "none")
        write.writerows(zip(FRAME["x"], FRAME["yp"].astype(int), kinds, FRAME["id2"], strict=True))
    return path


def test_the_best_number_of_curves_is_found_and_saved(run, tmp_path):
    path = tmp_path / "model.safetensors"
    made = run(*FIT, *CURVES, "--components", "1:3", "--groups", "id2", "--save", path, *QUICK)
    assert made.status == 0
    assert "winner  2 components" in made.out
    assert "Mixture of 2 linear regressions, yn ~ x + I(x**2)" in made.out
    assert "50 subjects" in made.out
    fitted = latentia.load(path)
    expected = MixtureRegression("yn ~ x + I(x**2)", 2, random_state=0).fit(FRAME, groups="id2")
    assert fitted.loglik_ == pytest.approx(expected.loglik_, abs=1e-6)
    assert list(fitted.feature_names_in_) == ["x"]


def test_files_with_text_and_covariates_of_the_weights(run, table, tmp_path):
    path = tmp_path / "model.safetensors"
    options = ("--family", "poisson", "--concomitant", "~ kind", "--components", "2")
    made = run(*FIT, table, "--formula", "yp ~ x", *options, "--save", path, *QUICK)
    assert made.status == 0
    assert "kind[T.one]" in made.out
    told = run("predict", path, table, "--proba")
    rows = list(csv.DictReader(told.out.splitlines()))
    assert len(rows) == 200
    assert list(rows[0]) == [
        *("prediction", "mean0", "mean1", "component", "p0", "p1", "log_density")
    ]
    fitted = latentia.load(path)
    total = sum(float(row["log_density"]) for row in rows)
    assert total == pytest.approx(fitted.loglik_, rel=1e-9)
    plain = run("predict", path, table)
    assert plain.out.splitlines()[0] == "prediction,mean0,mean1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--formula", "yn ~ np.log(x)"), ("write log(x) for np.log(x)",)),
        (("--formula", "yn ~ __import__('os')"), ("__import__", "expected")),
        (("--formula", "yn"), ("expected a response on the left",)),
        (("--formula", "yn ~ q"), ("npreg has no column 'q'",)),
        (("--formula", "yn ~ x", "--concomitant", "y ~ x"), ("no response on the left",)),
        (("--formula", "yn ~ x", "--family", "poison"), ("did you mean poisson",)),
        (("--formula", "yn ~ x", "--family", "gamma,poisson"), ("expected one of",)),
        (("--formula", "yn ~ x", "--family", "poisson"), ("got the response", "a whole number")),
        (("--formula", "yn ~ x", "--groups", "who"), ("no column 'who'",)),
        (("--formula", "yn ~ x", "--trials", "yp"), ("only family='binomial'",)),
        (("--formula", "yn ~ x", "--criterion", "dic"), ("got --criterion dic",)),
        (("--formula", "yn ~ x + I(2*x)"), ("linear combination of those before",)),
    ],
)
def test_what_cannot_be_is_one_sentence(run, options, words):
    run(*FIT, "npreg", "--components", "2", *QUICK, *options).refused(*words)


def test_a_model_without_a_formula_predicts_in_python_only(run, tmp_path):
    path = tmp_path / "model.safetensors"
    MixtureRegression(random_state=0).fit(FRAME["x"][:, None], FRAME["yn"]).save(path)
    run("predict", path, "npreg").refused("has no formula")


def test_columns_are_found_by_formula(run, tmp_path):
    path = tmp_path / "model.safetensors"
    MixtureRegression("yn ~ x", 1).fit(FRAME).save(path)
    run("predict", path, "npreg", "--columns", "x").refused("leave it out")


def test_a_page_of_regressions(run, tmp_path):
    fit = ("fit", "regression", "npreg", "--formula", "yn ~ x", "--components", "2", "--quiet")
    done = run(*fit, "--groups", "id2", "--starts", "1", "--report", "page.html")
    assert done.status == 0
    assert "Report: page.html" in done.out
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Two regressions" in text
    assert "--groups" in text
    assert run(*fit, "--report", "page.txt").status == 2
