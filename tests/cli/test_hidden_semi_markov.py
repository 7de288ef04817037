"""`latentia fit hsmm`, and `predict` of its models."""

import numpy as np
import pytest

import latentia

FIT = ("fit", "hsmm", "speed", "--columns", "rt", "--id", "series")
QUICK = ("--quiet", "--starts", "2")


def test_the_best_law_is_found_saved_and_predicted_from(run, tmp_path):
    path = tmp_path / "model.safetensors"
    made = run(*FIT, "--durations", "geometric,poisson", "--save", path, *QUICK)
    assert made.status == 0
    assert "durations=poisson" in made.out
    assert "Poisson durations" in made.out or "poisson durations" in made.out
    assert latentia.load(path).durations == "poisson"
    shown = run("predict", path, "speed", "--columns", "rt", "--id", "series", "--proba")
    assert shown.out.splitlines()[0] == "state,p0,p1"
    assert len(shown.out.splitlines()) == 440


def test_states_in_turn_are_kept_in_a_file(run, tmp_path):
    path = tmp_path / "model.safetensors"
    counts = ("fit", "hsmm", "earthquakes", "--columns", "count", "--family", "poisson")
    asked = ("--states", "3", "--transitions", "cyclic", "--durations", "poisson")
    made = run(*counts, *asked, "--save", path, *QUICK)
    assert made.status == 0
    again = latentia.load(path)
    assert again.transitions == "cyclic"
    np.testing.assert_array_equal(again.transmat_, np.roll(np.eye(3), 1, axis=1))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--durations", "sometimes"), "sometimes"),
        (("--states", "1"), "--states 1, but a model has at least 2"),
        (("--transitions", "left-right"), "left-right"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(run, asked, sentence):
    made = run(*FIT, *asked, *QUICK)
    assert made.status == 2
    assert sentence in made.err
    assert "Traceback" not in made.err
