"""`latentia fit latent-class`: answers of texts and numbers, covariates, holes."""

import numpy as np
import pytest

import latentia

FIT = ("fit", "latent-class")
QUICK = ("--starts", "3", "-q")


def survey(folder, n=300):
    """Three yes-no items of texts, one of numbers, an age; some answers missing."""
    rng = np.random.default_rng(0)
    age = np.round(rng.uniform(20, 80, n))
    z = rng.random(n) < 1 / (1 + np.exp(-(age - 50) / 8))
    lines = ["smokes,drinks,gambles,level,age"]
    for i in range(n):
        texts = ["yes" if u < (0.9 if z[i] else 0.1) else "no" for u in rng.random(3)]
        if i % 11 == 0:
            texts[i % 3] = ["", "NA"][i % 2]
        lines.append(",".join([*texts, str(int(rng.integers(1, 3) + z[i])), f"{age[i]:g}"]))
    (folder / "survey.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_carcinoma(run, tmp_path):
    made = run(
        *FIT, "carcinoma", "--classes", "2:4", "--starts", "5", "-q", "--save", "m.safetensors"
    )
    assert made.status == 0, made.err
    assert "3 candidates" in made.out
    assert "Latent class model of 3 classes" in made.out
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.loglik_ == pytest.approx(-293.70498, abs=1e-4)  # poLCA
    assert "Latent class model of 3 classes" in run("summary", "m.safetensors").out
    predicted = run("predict", "m.safetensors", "carcinoma", "--proba")
    assert predicted.out.startswith("component,p0,p1,p2,log_density")


def test_texts_holes_and_a_covariate(run, tmp_path):
    survey(tmp_path)
    made = run(
        *(*FIT, "survey.csv", "--classes", "2", "--covariates", "age", *QUICK),
        *("--save", "m.safetensors", "--report", "r.html"),
    )
    assert made.status == 0, made.err
    assert "coefficient[1, age]" in made.out
    assert "probability[0, smokes=yes]" in made.out
    assert "level=2" in made.out
    assert "coefficient (age)" in (tmp_path / "r.html").read_text(encoding="utf-8")
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.categories_[:1] == [("no", "yes")]
    assert len(model.categories_) == 4
    predicted = run("predict", "m.safetensors", "survey.csv", "--out", "p.csv")
    assert predicted.status == 0, predicted.err
    labels = np.loadtxt(tmp_path / "p.csv", skiprows=1)
    assert set(labels) == {0, 1}


def test_covariates_need_not_be_among_the_columns(run, tmp_path):
    survey(tmp_path)
    fit = (*FIT, "survey.csv", "--classes", "2", "--covariates", "age", *QUICK, "--columns")
    apart, among = (run(*fit, columns) for columns in ("smokes,level", "smokes,level,age"))
    assert apart.status == 0, apart.err
    assert apart.out == among.out


def test_what_cannot_be_is_refused(run, tmp_path):
    survey(tmp_path)
    run(*FIT, "survey.csv", "--covariates", "height").refused("no column 'height'", "smokes")
    run(*FIT, "survey.csv", "--covariates", "smokes", *QUICK).refused("of the covariate 'smokes'")
    run(*FIT, "survey.csv", "--columns", "weight").refused("no column 'weight'")
    (tmp_path / "empty.csv").write_text("a,b\n1,\n2,\n", encoding="utf-8")
    run(*FIT, "empty.csv", "--classes", "1", *QUICK).refused("no answer at all in column")


def test_what_is_on_the_edge_has_the_names_of_columns(run, tmp_path):
    cells = "yes,a\nno,b\nno,a\nyes,c\n" * 10
    (tmp_path / "two.csv").write_text(f"smokes,drink\n{cells}", encoding="utf-8")
    made = run(*FIT, "two.csv", "--classes", "2", *QUICK)
    assert "Exactly on the edge of what is allowed: probability[" in made.out
    assert "smokes=" in made.out.split("Exactly on the edge")[1]
    assert "x0" not in made.out
