"""`latentia fit mixture`: families by name, one for all columns or for each."""

import numpy as np
import pytest

import latentia
from latentia import Mixture, datasets
from latentia.cli.errors import Refusal
from latentia.cli.families import specifications

FIT = ("fit", "mixture")
QUICK = ("--starts", "2", "-q", "--no-standard-errors")
COLUMNS = ["visits", "height", "weight"]


def test_a_sweep_of_counts(run, tmp_path):
    made = run(
        *(*FIT, "deaths", "--family", "poisson", "--components", "1:3", "-q"),
        *("--save", "m.safetensors", "--report", "r.html"),
    )
    assert made.status == 0, made.err
    assert "winner  2 poisson components" in made.out
    assert "Mixture of 2 components (Poisson)" in made.out
    assert "rate[1, deaths]" in made.out
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.loglik_ == pytest.approx(-1989.945859883, abs=1e-5)  # Hasselblad (1969)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "rate (deaths)" in page
    predicted = run("predict", "m.safetensors", "deaths", "--proba")
    assert predicted.out.startswith("component,p0,p1,log_density")
    assert "Mixture of 2 components (Poisson)" in run("summary", "m.safetensors").out


def test_families_are_compared(run):
    made = run(
        *(*FIT, "deaths", "--family", "poisson,negative-binomial", "--components", "1,2"), *QUICK
    )
    assert made.status == 0, made.err
    assert "4 candidates" in made.out
    assert "1 negative-binomial component" in made.out


def test_each_column_its_family_and_holes(run, tmp_path):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, size=200)
    visits = rng.poisson(1 + 6 * group).astype(object)
    visits[::7] = ""
    height = rng.normal(4 * group)
    lines = [f"{v},{h}" for v, h in zip(visits, height, strict=True)]
    (tmp_path / "t.csv").write_text("visits,height\n" + "\n".join(lines), encoding="utf-8")
    given = ("--family", "visits=poisson,height=gaussian", "--components", "2", *QUICK)
    made = run(*FIT, "t.csv", *given, "--save", "m.safetensors")
    assert made.status == 0, made.err
    assert "(visits: Poisson; height: Gaussian)" in made.out
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.family == {(0,): "poisson", (1,): "gaussian"}
    other = ("--family", "multinomial", "--components", "2", *QUICK)
    run(*FIT, "t.csv", *other).refused("NaN at row 0", "Multinomial needs every cell")
    (tmp_path / "u.csv").write_text("visits\n3\n\n1\nNA\n5\n", encoding="utf-8")
    run(
        *FIT, "u.csv", "--family", "poisson", "--components", "1", "--save", "p.safetensors", *QUICK
    )
    assert len(run("predict", "p.safetensors", "u.csv").out.splitlines()) == 5


def test_a_constant_column_is_no_fault_of_counts(run, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "3,1\n3,7\n" * 20, encoding="utf-8")
    made = run(*FIT, "t.csv", "--family", "poisson", "--components", "2", *QUICK)
    assert made.status == 0, made.err


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("poison", ("got family='poison', expected one of bernoulli", "after --family")),
        ("binomial(9)", ("expected a name, or a name with arguments",)),
        ("binomial", ("without the number of trials",)),
        ("beta", ("got 0 at row 0", "for Beta, expected")),
        ("deaths=poisson,beta", ("COLUMN=FAMILY for every column",)),
        ("births=poisson", ("no column 'births'", "deaths")),
        ("deaths=poisson,deaths=beta", ("expected each column once",)),
    ],
)
def test_what_cannot_be_is_one_sentence(run, family, words):
    run(*FIT, "deaths", "--family", family, "--components", "1", *QUICK).refused(*words)


def test_the_family_is_asked_for(run):
    made = run(*FIT, "deaths")
    assert made.status == 2
    assert "--family" in made.err


def test_commas_and_equals_in_brackets_belong_to_the_family():
    text = "visits=binomial(trials=9), height+weight=gaussian(covariance_type='diag',reg_covar=0)"
    (found,) = specifications(text, COLUMNS)
    assert found == {
        (0,): "binomial(trials=9)",
        (1, 2): "gaussian(covariance_type='diag',reg_covar=0)",
    }
    rows = np.column_stack([np.arange(9), datasets.load("faithful").values[:9]])
    assert Mixture(found, 1).fit(rows).params_[1].covariances.shape == (1, 2)
    with pytest.raises(Refusal, match="got 0 families for column 'weight'"):
        specifications("visits+height=poisson", COLUMNS)


def test_columns_without_a_family_are_left_out(run, tmp_path):
    rows = [f"{i % 3},{i % 7},n{i}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,name", *rows]), encoding="utf-8")
    fit = ("fit", "mixture", "t.csv", "--components", "1", "--quiet", "--no-standard-errors")
    made = run(*fit, "--family", "b=poisson")
    assert made.status == 0, made.err
    assert made.out == run(*fit, "--family", "b=poisson", "--columns", "b").out
