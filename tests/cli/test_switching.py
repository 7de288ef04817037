"""`latentia fit markov-regression` and `markov-autoregression`, and `predict` of their models."""

import csv

import pytest

import latentia

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


def test_an_autoregression_is_fitted_and_predicted_from(run, tmp_path):
    path = tmp_path / "model.safetensors"
    asked = ("gnp", "--columns", "growth", "--order", "1:2", "--form", "intercept")
    made = run("fit", "markov-autoregression", *asked, "--save", path, *QUICK)
    assert made.status == 0
    assert "winner" in made.out
    shown = run("predict", path, "gnp")
    assert len(shown.out.splitlines()) == 136


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
