"""`latentia fit hmm`, and the states that are predicted with it."""

import csv

import numpy as np
import pytest

import latentia
from latentia import datasets

FIT = ("fit", "hmm")


def test_the_number_of_states_of_a_built_in_series(run, tmp_path):
    given = ("--family", "poisson", "--states", "1:3", "--time", "year", "--starts", "2", "-q")
    made = run(*FIT, "earthquakes", *given, "--start", "stationary", "--save", "m.safetensors")
    assert made.status == 0, made.err
    assert "n_states=3" in made.out
    assert "-329.4603" in made.out  # Zucchini & MacDonald (2009), sec. 6.1
    model = latentia.load(tmp_path / "m.safetensors")
    assert list(model.feature_names_in_) == ["count"]
    assert "Hidden Markov model of 3 states" in run("summary", "m.safetensors").out
    lines = run("predict", "m.safetensors", "earthquakes", "--proba").out.splitlines()
    assert lines[0] == "state,p0,p1,p2"
    counts = datasets.load("earthquakes").values[:, 1:]
    found = [int(row["state"]) for row in csv.DictReader(lines)]
    np.testing.assert_array_equal(found, model.predict(counts))


def test_rows_of_a_file_find_their_sequence(run, tmp_path):
    """Shuffled rows are predicted as they are when sorted, and written as they stand."""
    rng = np.random.default_rng(0)
    rows = [
        (who, t, rng.poisson((2.0, 20.0)[t // 8 % 2])) for who in ("ann", "bob") for t in range(40)
    ]
    mixed = [rows[i] for i in rng.permutation(80)]
    for name, some in (("sorted.csv", rows), ("mixed.csv", mixed)):
        text = "\n".join(f"{who},{t},{y}" for who, t, y in some)
        (tmp_path / name).write_text(f"who,t,y\n{text}\n", encoding="utf-8")
    named = ("--id", "who", "--time", "t")
    given = ("--family", "poisson", "--states", "2", "--starts", "1", "-q", *named)
    made = run(*FIT, "mixed.csv", *given, "--save", "m.safetensors")
    assert made.status == 0, made.err
    assert "80 steps in 2 sequences, 1 column" in made.out
    known = run("predict", "m.safetensors", "sorted.csv", *named).out.splitlines()[1:]
    state = {row[:2]: s for row, s in zip(rows, known, strict=True)}
    again = run("predict", "m.safetensors", "mixed.csv", *named).out.splitlines()[1:]
    assert again == [state[row[:2]] for row in mixed]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("earthquakes", "--start", "late"), ("late", "stationary")),
        (("earthquakes", "--transitions", "ring"), ("ring", "cyclic")),
        (("earthquakes", "--states", "0"), ("0",)),
        (("earthquakes", "--time", "month"), ("--time month",)),
        (("earthquakes", "--id", "zone"), ("--id zone",)),
        (("earthquakes", "--family", "fish"), ("fish",)),
        (("speed", "--family", "poisson", "-q"), ("Poisson",)),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_a_sentence(run, given, words):
    made = run(*FIT, *given)
    assert made.status == 2
    assert "Traceback" not in made.err
    for word in words:
        assert word in made.err


def test_steps_are_asked_for_of_a_chain_alone(run):
    assert (
        run(
            "fit",
            "gaussian-mixture",
            "faithful",
            "--components",
            "1",
            "-q",
            "--save",
            "g.safetensors",
        ).status
        == 0
    )
    refused = run("predict", "g.safetensors", "faithful", "--id", "waiting")
    assert refused.status == 2
    assert "whose rows are no steps" in refused.err
