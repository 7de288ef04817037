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


def test_chains_have_their_pictures_in_the_report(run):
    fit = ("fit", "hmm", "earthquakes", "--family", "poisson", "--states", "2", "--columns")
    done = run(*fit, "count", "--starts", "1", "--quiet", "--save", "h.safetensors")
    assert done.status == 0
    done = run("plot", "h.safetensors", "earthquakes", "--columns", "count")
    assert done.status == 2
    assert "--report of latentia fit draws what it has" in done.err
