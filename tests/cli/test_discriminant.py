"""`latentia fit discriminant`, and what is predicted with it."""

import csv

import numpy as np
import pandas as pd
import pytest

import latentia
from latentia import datasets

FIT = ("fit", "discriminant")
EDDA = ("--type", "edda", "-q")


def test_edda_of_a_built_in_data_set(run, tmp_path):
    made = run(*FIT, "iris", *EDDA, "--save", "m.safetensors")
    assert made.status == 0, made.err
    assert "-187.7097" in made.out  # mclust 6.0.0
    assert "VEV" in made.out
    model = latentia.load(tmp_path / "m.safetensors")
    assert list(model.feature_names_in_) == list(datasets.load("iris").columns)
    assert "Discriminant analysis of 3 classes" in run("summary", "m.safetensors").out
    lines = run("predict", "m.safetensors", "iris", "--proba").out.splitlines()
    assert lines[0] == "class,p_setosa,p_versicolor,p_virginica,log_density"
    iris = datasets.load("iris")
    found = list(csv.DictReader(lines))
    right = [row["class"] == label for row, label in zip(found, iris.labels, strict=True)]
    assert sum(right) == 147
    frame = pd.DataFrame(iris.values, columns=list(iris.columns))
    assert float(found[0]["p_setosa"]) == model.predict_proba(frame)[0, 0]
    assert run("predict", "m.safetensors", "iris").out.splitlines()[1] == "setosa"
    assert run("predict", "m.safetensors", "iris", "--out", "p.parquet").status == 0


def test_a_mixture_a_class_of_a_file(run, tmp_path):
    rng = np.random.default_rng(0)
    kind = rng.integers(1, 3, size=80)
    x = rng.normal(6 * kind)
    lines = [f"{k},{v}" for k, v in zip(kind, x, strict=True)]
    (tmp_path / "t.csv").write_text("kind,value\n" + "\n".join(lines), encoding="utf-8")
    given = ("--labels", "kind", "--components", "1,2", "--covariance", "VII", "-q")
    made = run(*FIT, "t.csv", *given, "--save", "m.safetensors")
    assert made.status == 0, made.err
    assert "80 rows, 1 column (value)" in made.out
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.classes_.tolist() == [1, 2]
    assert model.n_components_.tolist() == [1, 1]
    assert {*run("predict", "m.safetensors", "t.csv").out.splitlines()[1:]} == {"1", "2"}


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        (None, ("faithful",), ("faithful has no classes",)),
        (None, ("iris", "--type", "lda"), ("lda", "mclustda")),
        (None, ("iris", "--covariance", "VXV"), ("VXV",)),
        ("a,b\nx,1\ny,2\nx,3\n", ("t.csv",), ("no --labels",)),
        ("a,b\nx,1\n,2\nx,3\n", ("t.csv", "--labels", "a"), ("no value in data row 2",)),
        ("a,b\n1.5,1\n2,2\n2,3\n", ("t.csv", "--labels", "a"), ("measurements",)),
        ("a,b\nx,1\ny,2\nx,3\n", ("t.csv", "--labels", "c"), ("no column 'c'",)),
        ("a\n1\n2\n2\n", ("t.csv", "--labels", "a"), ("no columns of numbers beside a",)),
        ("a,b\nx,1\ny,2\nx,3\n", ("t.csv", "--labels", "a"), ("1 different row of class 'y'",)),
    ],
)
def test_what_cannot_be_is_one_sentence(run, tmp_path, text, given, words):
    if text is not None:
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    run(*FIT, *given, "-q").refused(*words)


def test_a_page_of_a_classifier(run, tmp_path):
    fit = ("fit", "discriminant", "iris", "--type", "edda", "--covariance", "VEV", "--quiet")
    done = run(*fit, "--report", "page.html")
    assert done.status == 0
    assert "Report: page.html" in done.out
    assert "versicolor" in (tmp_path / "page.html").read_text(encoding="utf-8")
