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
    assert "winner  3 states" in made.out
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
        (("earthquakes", "--states", "200", "-q"), ("--states 200", "107 steps")),
        (("earthquakes", "--report", "page.pdf"), ("--report page.pdf", ".html")),
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


def test_the_report_has_a_page_for_states(run, tmp_path):
    given = ("--family", "rt=gaussian,correct=bernoulli", "--columns", "rt,correct,series")
    made = run(
        *FIT, "speed", *given, "--id", "series", "--states", "1:2", "--starts", "1", "-q",
        "--report", "page.html", "--save", "m.safetensors",
    )  # fmt: skip
    assert made.status == 0, made.err
    assert "Report: page.html" in made.out
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for words in (
        "The states behind speed",
        "439 steps in 3 sequences",
        "Two states",
        "Of 2 candidates, the model of 2 states was chosen by BIC",
        "How the states follow one another",
        "series 3",
        "probability (correct)",
        "0 → 1",
        "Whether the model fits",
        "What comes next",
        "States are numbered",
        "<span>--id</span>",
    ):
        assert words in page, words
    assert page.count("<svg") == 8
    assert "nan" not in page.replace("nance", "")
    assert "roup" not in page.replace("role='group'", "").replace('role="group"', "").replace(
        "--group", ""
    )


def test_one_state_has_a_page_too(run, tmp_path):
    made = run(
        *FIT, "earthquakes", "--family", "poisson", "--states", "1", "--time", "year", "-q",
        "--report", "page.html", "--no-standard-errors",
    )  # fmt: skip
    assert made.status == 0, made.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "One state" in page
    assert "How the states follow" not in page


def test_what_is_to_come_is_forecast_from_a_file(run, tmp_path):
    given = ("--family", "poisson", "--states", "2", "--starts", "2", "--time", "year", "-q")
    assert run(*FIT, "earthquakes", *given, "--save", "m.safetensors").status == 0
    made = run("forecast", "m.safetensors", "earthquakes", "--time", "year", "--steps", "2")
    rows = list(csv.DictReader(made.out.splitlines()))
    model = latentia.load(tmp_path / "m.safetensors")
    law = model.forecast(datasets.load("earthquakes").values[:, 1], steps=2)
    assert [row["step"] for row in rows] == ["1", "2"]
    np.testing.assert_allclose([float(row["p0"]) for row in rows], law.states[:, 0])
    np.testing.assert_allclose([float(r["count_mean"]) for r in rows], law.mean()[:, 0])
    np.testing.assert_array_equal([float(r["count_q95"]) for r in rows], law.quantile(0.95)[:, 0])
    told = run("forecast", "m.safetensors", "earthquakes", "--steps", "0")
    assert told.status == 2
    assert "--steps" in told.err


def test_forecasts_name_sequences_and_codes(run, tmp_path):
    rows = "".join(f"{who},{t % 3}\n" for who in ("ann", "bob") for t in range(12))
    (tmp_path / "codes.csv").write_text("who,code\n" + rows, encoding="utf-8")
    given = ("--family", "categorical", "--states", "1", "--id", "who", "-q")
    assert run(*FIT, "codes.csv", *given, "--save", "m.safetensors").status == 0
    made = run("forecast", "m.safetensors", "codes.csv", "--id", "who", "--steps", "1")
    assert made.out.splitlines()[0] == "sequence,step,p0,code_0,code_1,code_2"
    assert [line.partition(",")[0] for line in made.out.splitlines()[1:]] == ["ann", "bob"]


def test_letters_are_coded_and_remembered(run, tmp_path):
    text = "it was the best of times it was the worst of times" * 2
    rows = [("ab"[i >= 50], i, "space" if c == " " else c) for i, c in enumerate(text)]
    written = "".join(f"{who},{t},{c}\n" for who, t, c in rows)
    (tmp_path / "text.csv").write_text("who,t,letter\n" + written, encoding="utf-8")
    given = ("--family", "categorical", "--states", "2", "--id", "who", "--time", "t", "-q")
    files = ("--save", "m.safetensors", "--report", "page.html")
    made = run(*FIT, "text.csv", *given, "--starts", "2", *files)
    assert made.status == 0, made.err
    assert "probability[0, letter, space]" in made.out
    assert "probability (letter, space)" in (tmp_path / "page.html").read_text(encoding="utf-8")
    model = latentia.load(tmp_path / "m.safetensors")
    letters = sorted({c for _, _, c in rows})
    assert model.letters_ == {"letter": letters}
    codes = [letters.index(c) for _, _, c in rows]
    told = ("text.csv", "--id", "who", "--time", "t")
    states = run("predict", "m.safetensors", *told).out.split()[1:]
    np.testing.assert_array_equal(
        np.array(states, int), model.predict(codes, [50, len(codes) - 50])
    )
    ahead = run("forecast", "m.safetensors", *told, "--steps", "1").out.splitlines()[0]
    assert ahead == "sequence,step,p0,p1," + ",".join(f"letter_{c}" for c in letters)
    few = "who,t,letter\na,1,t\na,2,space\n"
    (tmp_path / "few.csv").write_text(few, encoding="utf-8")
    again = run("predict", "m.safetensors", "few.csv", "--id", "who", "--time", "t")
    own = [letters.index("t"), letters.index("space")]
    assert [int(one) for one in again.out.split()[1:]] == model.predict(own).tolist()
    (tmp_path / "few.csv").write_text(few + "a,3,q\n", encoding="utf-8")
    refused = run("predict", "m.safetensors", "few.csv", "--id", "who", "--time", "t")
    assert refused.status == 2
    assert "got 'q' in row 3 of column 'letter' of few.csv" in refused.err


def test_only_chains_are_forecast(run):
    given = ("faithful", "--components", "1", "-q", "--save", "g.safetensors")
    assert run("fit", "gaussian-mixture", *given).status == 0
    refused = run("forecast", "g.safetensors", "faithful")
    assert refused.status == 2
    assert "says nothing of steps to come" in refused.err


def test_multinomial_states_are_forecast_or_refused_in_a_sentence(run, tmp_path):
    rows = "".join(f"{a},{4 - a}\n" for a in (0, 4, 3, 1, 0, 4, 4, 0))
    (tmp_path / "shares.csv").write_text("a,b\n" + rows, encoding="utf-8")
    given = ("--family", "multinomial", "--states", "1", "-q", "--save", "m.safetensors")
    assert run(*FIT, "shares.csv", *given).status == 0
    refused = run("forecast", "m.safetensors", "shares.csv")
    assert refused.status == 2
    assert "Multinomial does not define distribution functions of columns" in refused.err
    assert "Traceback" not in refused.err
