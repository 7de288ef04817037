"""`latentia plot`: pictures of saved models, whole or refused in a sentence."""

import pytest

from latentia.cli.plot import KINDS

GAUSSIAN = ("fit", "gaussian-mixture", "faithful", "--components", "2", "--covariance", "full")
PLAIN = ("--starts", "1", "--quiet", "--no-standard-errors")


@pytest.fixture
def mixture(run):
    assert run(*GAUSSIAN, *PLAIN, "--save", "m.safetensors").status == 0


@pytest.mark.parametrize("kind", ["pairs", "contours", "profile"])
def test_a_picture(run, mixture, tmp_path, kind):
    done = run("plot", "m.safetensors", "faithful", "--kind", kind, "--out", "a.svg")
    assert done.status == 0
    assert done.out == f"Wrote a.svg: {kind} of m.safetensors.\n"
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_lines_of_regressions(run, tmp_path):
    fit = ("fit", "regression", "npreg", "--formula", "yn ~ x", "--components", "2")
    assert run(*fit, *PLAIN, "--save", "r.safetensors").status == 0
    assert run("plot", "r.safetensors", "npreg", "--kind", "lines", "--out", "a.png").status == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    done = run("plot", "r.safetensors", "npreg", "--kind", "density")
    assert done.status == 2
    assert "got a mixture of regressions for the plot 'density'" in done.err


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--kind", "pie"), f"got --kind pie, expected {', '.join(KINDS[:-1])} or {KINDS[-1]}"),
        (("--out", "a.jpg"), "--out a.jpg does not end in .svg, .png or .pdf"),
        (("--kind", "lines"), "got a GaussianMixture for the plot 'lines'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(run, mixture, tmp_path, asked, sentence):
    done = run("plot", "m.safetensors", "faithful", *asked)
    assert done.status == 2
    assert sentence in done.err
    assert not (tmp_path / "plot.svg").exists()


@pytest.fixture
def chain(run):
    fit = ("fit", "hmm", "earthquakes", "--family", "poisson", "--states", "2", "--time", "year")
    assert run(*fit, *PLAIN, "--save", "h.safetensors").status == 0


def test_pictures_of_a_chain(run, chain, tmp_path):
    done = run("plot", "h.safetensors", "earthquakes", "--time", "year", "--out", "a.svg")
    assert done.status == 0, done.err
    assert done.out == "Wrote a.svg: states of h.safetensors.\n"
    for kind in ("probabilities", "residuals", "forecast"):
        done = run("plot", "h.safetensors", "earthquakes", "--kind", kind, "--columns", "count")
        assert done.status == 0, done.err
    for kind in ("transitions", "dwell", "climb"):  # of the model alone
        assert run("plot", "h.safetensors", "--kind", kind).status == 0
    refused = run("plot", "h.safetensors", "earthquakes", "--kind", "pairs")
    assert refused.status == 2
    assert "which has no plot 'pairs'; it has states, probabilities" in refused.err
    refused = run("plot", "h.safetensors")
    assert refused.status == 2
    assert "got no DATA for the plot 'states', which shows rows" in refused.err


@pytest.mark.parametrize(
    ("fit", "kind"),
    [
        (("survival", "cosmesis", "--lower", "left", "--upper", "right", "-q"), "survival"),
        (("factors", "iris", "--factors", "1", "-q"), "loadings"),
    ],
)
def test_what_models_without_groups_have(run, tmp_path, fit, kind):
    assert run("fit", *fit, "--save", "m.safetensors").status == 0
    done = run("plot", "m.safetensors", "--out", "a.svg")
    assert done.status == 0, done.err
    assert done.out == f"Wrote a.svg: {kind} of m.safetensors.\n"


def test_regressions_that_switch_are_placed_by_their_time(run, tmp_path):
    rows = [f"{1900 + t},{(t // 10 % 2) * 5 + t % 3}" for t in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["year,y", *rows]), encoding="utf-8")
    fit = ("fit", "markov-regression", "t.csv", "--formula", "y ~ 1", "--states", "2")
    assert run(*fit, "--time", "year", *PLAIN, "--save", "r.safetensors").status == 0
    done = run("plot", "r.safetensors", "t.csv", "--time", "year", "--out", "a.svg")
    assert done.status == 0, done.err
    done = run("plot", "r.safetensors", "t.csv", "--columns", "y")
    assert done.status == 2
    assert "finds its columns by formula" in done.err


def test_only_steps_have_a_time(run, mixture):
    done = run("plot", "m.safetensors", "faithful", "--time", "waiting")
    assert done.status == 2
    assert "whose rows are no steps" in done.err
