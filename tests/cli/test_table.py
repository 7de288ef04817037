"""`latentia fit table`: which model is fitted, and what is refused."""

import pytest

import latentia

FIT = ("fit", "table")


def test_categories_and_numbers_of_a_built_in_data_set(run, tmp_path):
    asked = ("--categorical", "age,hyp", "--interactions", "1", "-q", "--save", "m.safetensors")
    made = run(*FIT, "nhanes", *asked)
    assert made.status == 0, made.err
    assert "General location model of 2 columns of categories and 2 of numbers" in made.out
    assert latentia.load(tmp_path / "m.safetensors").kinds_.names == ("age", "bmi", "hyp", "chl")
    assert "covariance[bmi, chl]" in run("summary", "m.safetensors").out


def test_texts_are_categories(run, tmp_path):
    rows = "sex,smokes\nf,yes\nm,no\nf,\nm,yes\n,no\nf,no\n"
    (tmp_path / "t.csv").write_text(rows, encoding="utf-8")
    made = run(*FIT, "t.csv", "--interactions", "sex,smokes", "-q")
    assert made.status == 0, made.err
    assert "Log-linear model of 2 columns, 4 cells" in made.out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--categorical", "aeg"), ("aeg", "age")),
        (("--categorical", "age", "--interactions", "age:bmi"), ("age:bmi",)),
        (("--prior", "-1"), ("--prior",)),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(run, given, words):
    made = run(*FIT, "nhanes", *given, "-q")
    assert made.status == 2
    assert "Traceback" not in made.err
    for word in words:
        assert word in made.err
