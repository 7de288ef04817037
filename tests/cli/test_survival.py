"""`latentia fit survival`: curves, regressions, and what is refused."""

import pytest

import latentia

FIT = ("fit", "survival")
BOUNDS = ("--lower", "left", "--upper", "right")


def test_a_curve_of_a_built_in_data_set(run):
    made = run(*FIT, "cosmesis", *BOUNDS, "-q")
    assert made.status == 0, made.err
    assert "Survival curve of 94 times" in made.out


def test_a_regression_is_saved_and_summarised(run, tmp_path):
    made = run(*FIT, "cosmesis", *BOUNDS, "--on", "chemotherapy", "-q", "--save", "m.safetensors")
    assert made.status == 0, made.err
    assert "-143.7971" in made.out  # survreg, tests/parity
    model = latentia.load(tmp_path / "m.safetensors")
    assert list(model.feature_names_in_) == ["chemotherapy"]
    assert "Weibull regression" in run("summary", "m.safetensors").out


def test_times_of_a_file_that_are_all_known(run, tmp_path):
    (tmp_path / "t.csv").write_text("t,x\n1,0\n2,1\n3.5,0\n7,1\n", encoding="utf-8")
    assert "Survival curve of 4 times" in run(*FIT, "t.csv", "--lower", "t", "-q").out
    made = run(*FIT, "t.csv", "--lower", "t", "--on", "x", "--distribution", "lognormal", "-q")
    assert made.status == 0, made.err
    assert "Lognormal regression" in made.out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--lower", "left", "--upper", "rigt"), ("rigt", "right")),
        (("--lower", "right", "--upper", "left"), ("bounds 5 and 0 in row 0",)),
        ((*BOUNDS, "--on", "age"), ("age", "chemotherapy")),
        ((*BOUNDS, "--distribution", "normal"), ("--on",)),
        ((*BOUNDS, "--on", "chemotherapy", "--distribution", "gumbel"), ("gumbel", "weibull")),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(run, given, words):
    made = run(*FIT, "cosmesis", *given, "-q")
    assert made.status == 2
    assert "Traceback" not in made.err
    for word in words:
        assert word in made.err
