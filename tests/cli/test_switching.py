"""`latentia fit markov-regression` and `markov-autoregression`, and `predict` of their models."""

import csv

import numpy as np
import pytest

import latentia
from latentia import datasets

QUICK = ("--quiet", "--starts", "2")


def test_a_switching_regression_is_fitted_saved_and_predicted_from(run, tmp_path):
    path = tmp_path / "model.safetensors"
    responses = ("--formula", "rt ~ 1", "--formula", "correct ~ 1", "--family", "gaussian,binomial")
    told = ("--transitions", "~ payoff", "--id", "series", "--save", path)
    made = run("fit", "markov-regression", "speed", *responses, *told, *QUICK)
    assert made.status == 0
    assert "Logits of moves" in made.out
    # depmixS4 1.5, tests/test4examples.R: -248.972217
    assert latentia.load(path).loglik_ == pytest.approx(-248.9722, abs=1e-4)
    shown = run("predict", path, "speed", "--id", "series", "--proba")
    rows = list(csv.DictReader(shown.out.splitlines()))
    assert len(rows) == 439
    assert list(rows[0]) == ["state", "p0", "p1"]
    for row in rows[:20]:
        assert float(row["p0"]) + float(row["p1"]) == pytest.approx(1)
    coming = "series,payoff\n" + "".join(f"{s},{p}\n" for s in (3, 1, 2) for p in (0.2, 0.9))
    (tmp_path / "coming.csv").write_text(coming, encoding="utf-8")
    shown = run("forecast", path, "speed", "--id", "series", "--ahead", "coming.csv")
    rows = list(csv.DictReader(shown.out.splitlines()))
    assert [(row["sequence"], row["step"]) for row in rows[:3]] == [
        ("1.0", "1"), ("1.0", "2"), ("2.0", "1"),
    ]  # fmt: skip
    speed = datasets.load("speed")
    frame = dict(zip(speed.columns, speed.values.T, strict=True))
    ahead = {"payoff": [0.2, 0.9] * 3, "series": [3, 3, 1, 1, 2, 2]}
    law = latentia.load(path).forecast(frame, id="series", ahead=ahead)
    np.testing.assert_allclose([float(row["rt_mean"]) for row in rows], law.mean()[:, 0])
    refused = run("forecast", path, "speed", "--id", "series", "--steps", "2")
    assert refused.status == 2
    assert "got no covariates of the steps to come, expected payoff" in refused.err


def test_an_autoregression_is_fitted_and_predicted_from(run, tmp_path):
    path = tmp_path / "model.safetensors"
    asked = ("gnp", "--columns", "growth", "--order", "1:2", "--form", "intercept")
    made = run("fit", "markov-autoregression", *asked, "--save", path, *QUICK)
    assert made.status == 0
    assert "winner" in made.out
    shown = run("predict", path, "gnp")
    assert len(shown.out.splitlines()) == 136
    shown = run("forecast", path, "gnp", "--steps", "3")
    growth = datasets.load("gnp").values[:, 2]
    expected = latentia.load(path).forecast(growth, steps=3).mean()[:, 0]
    rows = list(csv.DictReader(shown.out.splitlines()))
    np.testing.assert_allclose([float(row["growth_mean"]) for row in rows], expected)
    refused = run("forecast", path, "gnp", "--ahead", "gnp")
    assert refused.status == 2
    assert "got --ahead, but" in refused.err


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--formula", "rt ~ 1", "--transitions", "~ nothing"), "nothing"),
        (("--formula", "rt ~ 1", "--family", "gaussian,poisson"), "for 1 responses"),
        (("--formula", "rt ~ __import__('os')"), "__import__"),
        (("--formula", "rt ~ 1", "--id", "whose"), "whose"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(run, asked, sentence):
    made = run("fit", "markov-regression", "speed", *asked, *QUICK)
    assert made.status == 2
    assert sentence in made.err
    assert "Traceback" not in made.err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("markov-autoregression", "gnp", "--order", "x"), "got --order x, expected whole numbers"),
        (("markov-autoregression", "gnp", "--states", "0"), "got --states 0, but a model has at"),
        (("hsmm", "gnp", "--states", "1"), "got --states 1, but a model has at least 2"),
    ],
)
def test_numbers_are_refused_by_the_name_of_their_option(run, command, sentence):
    made = run("fit", *command)
    assert made.status == 2
    assert sentence in made.err


def test_a_series_with_missing_values_and_one_without_lags(run, tmp_path):
    growth = datasets.load("gnp").values[:, 2]
    rows = [f"{t},{'' if t in (20, 60) else repr(float(v))}" for t, v in enumerate(growth)]
    (tmp_path / "g.csv").write_text("t,growth\n" + "\n".join(rows) + "\n")
    told = ("g.csv", "--columns", "growth", "--time", "t", "--starts", "2", "-q")
    made = run("fit", "markov-autoregression", *told, "--report", "page.html")
    assert made.status == 0, made.err
    assert "134 steps" in made.out
    assert (tmp_path / "page.html").exists()
    plain = run("fit", "markov-autoregression", *told, "--order", "0")
    assert plain.status == 0, plain.err
    assert "autoregression of order 0" in plain.out
