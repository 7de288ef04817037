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


@pytest.mark.parametrize("codes", [(0, 1), (1, 2)])
def test_times_and_whether_the_event_came(run, tmp_path, codes):
    rows = [f"{t},{codes[came]}" for t, came in ((1, 1), (2, 0), (3, 1), (4, 1))]
    (tmp_path / "t.csv").write_text("\n".join(["t,came", *rows]), encoding="utf-8")
    made = run(*FIT, "t.csv", "--lower", "t", "--event", "came", "-q", "--save", "m.safetensors")
    assert made.status == 0, made.err
    curve = latentia.load(tmp_path / "m.safetensors")  # Kaplan & Meier's: 3/4, then half of it
    assert curve.survival([1, 2, 3, 4]) == pytest.approx([0.75, 0.75, 0.375, 0], abs=1e-9)


def test_events_are_of_two_numbers_and_stand_alone(run, tmp_path):
    (tmp_path / "t.csv").write_text("t,came\n1,1\n2,3\n3,0\n", encoding="utf-8")
    made = run(*FIT, "t.csv", "--lower", "t", "--event", "came")
    assert made.status == 2
    assert "got --event came, which holds 0, 1, 3; expected 0 and 1, or 1 and 2" in made.err
    made = run(*FIT, "t.csv", "--lower", "t", "--event", "came", "--upper", "t")
    assert made.status == 2
    assert "give one of them" in made.err


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
