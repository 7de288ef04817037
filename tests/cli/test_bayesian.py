"""`latentia fit bayesian-mixture`."""

import pytest

import latentia

FIT = ("fit", "bayesian-mixture", "faithful", "--components", "4", "--starts", "2", "-q")


def test_from_data_to_files(run, tmp_path):
    made = run(*FIT, "--save", "m.safetensors", "--report", "r.html")
    assert made.status == 0, made.err
    assert "Bayesian Gaussian mixture of 4 components" in made.out
    assert "2 of 4 components hold 1 % of the rows or more" in made.out
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "log evidence, at least" in page
    assert "Two groups" in page
    assert page.count('<span class="share">') == 2
    assert "of the posterior, as if it were normal" in page
    for word in ("BIC", "log-likelihood</"):
        assert word not in page
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.weight_concentration_prior_ == 0.25
    assert len(run("predict", "m.safetensors", "faithful").out.splitlines()) == 273
    assert "posterior dev." in run("summary", "m.safetensors").out


def test_the_prior_is_what_was_asked_for(run, tmp_path):
    given = ("--covariance", "diag", "--weights-prior", "dirichlet-distribution")
    made = run(*FIT, *given, "--concentration", "2.5", "--save", "m.safetensors")
    assert made.status == 0, made.err
    model = latentia.load(tmp_path / "m.safetensors")
    assert model.covariance_type == "diag"
    assert model.weight_concentration_prior_type == "dirichlet_distribution"
    assert model.weight_concentration_prior_ == 2.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--covariance", "full,diag"), ("--covariance full,diag", "expected one of full, tied")),
        (("--weights-prior", "flat"), ("flat", "dirichlet-process")),
        (("--concentration", "0"), ("--concentration 0", "above 0")),
        (("--components", "1:3"), ("--components 1:3",)),
    ],
)
def test_what_cannot_be_is_one_sentence(run, given, words):
    run(*FIT, *given).refused(*words)
