"""`latentia fit factors` and `latentia fit pca`: fits, files, and what is refused."""

import csv

import pytest

import latentia


def test_factors_of_a_built_in_data_set(run, tmp_path):
    given = ("--factors", "1:2", "--rotation", "oblimin", "--parallel", "-q")
    files = ("--save", "m.safetensors", "--scores", "s.csv", "--report", "r.html")
    made = run(
        "fit", "factors", "airquality", "--columns", "Ozone,Wind,Temp,Solar.R", *given, *files
    )
    assert made.status == 0, made.err
    for word in ("by BIC", "Factor analysis of 4 columns", "Parallel analysis", "unique"):
        assert word in made.out
    model = latentia.load(tmp_path / "m.safetensors")
    assert list(model.feature_names_in_) == ["Ozone", "Wind", "Temp", "Solar.R"]
    rows = list(csv.reader((tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 154
    assert len(rows[0]) == model.components_.shape[0]
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    for word in ("The factors behind airquality", "Loadings and uniquenesses", "stand out"):
        assert word in page
    assert "Factor analysis" in run("summary", "m.safetensors").out


def test_components_fill_holes(run, tmp_path):
    made = run("fit", "pca", "airquality", "--components", "2", "--filled", "f.csv", "-q")
    assert made.status == 0, made.err
    assert "Principal components of 6 columns: 2" in made.out
    rows = list(csv.DictReader((tmp_path / "f.csv").read_text(encoding="utf-8").splitlines()))
    assert float(rows[0]["Ozone"]) == 41.0
    assert rows[4]["Ozone"] not in ("", "nan")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("factors", "iris", "--rotation", "varimx"), ("varimx", "varimax")),
        (("factors", "iris", "--factors", "0:2"), ("--factors 0:2",)),
        (("factors", "iris", "--factors", "9"), ("n_components=9 for 4 columns",)),
        (("pca", "iris", "--components", "4"), ("n_features=4", "at most 3")),
        (("pca", "iris", "--filled", "f.txt"), ("--filled f.txt",)),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(run, given, words):
    made = run("fit", *given, "-q")
    assert made.status == 2
    assert "Traceback" not in made.err
    for word in words:
        assert word in made.err


def test_the_report_of_any_estimator_is_that_of_factors(tmp_path):
    from latentia.report import write_report

    x = latentia.datasets.load("iris").values
    made = latentia.ProbabilisticPCA(2).fit(x)
    write_report(tmp_path / "r.html", estimator=made, X=x, source="iris.csv")
    assert "The components behind iris.csv" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_columns_are_called_by_their_names(run):
    made = run("fit", "factors", "iris", "--factors", "1", "-q")
    assert "'petal_length'" in made.err
