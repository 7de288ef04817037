"""Latent class models in summaries, plots and the HTML page."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from latentia import LatentClass, datasets
from latentia.report import ItemResponsesDisplay, ProfileDisplay, write_report

mpl.use("Agg")
DATA = datasets.load("carcinoma")
SLIDES = pd.DataFrame(np.where(DATA.values == 2, "yes", "no"), columns=DATA.columns)
SLIDES["when"] = np.tile(["never", "now", "$ later"], 40)[:118]


@pytest.fixture(scope="module")
def fitted():
    return LatentClass(3, n_init=3, random_state=0).fit(SLIDES)


@pytest.fixture(scope="module")
def with_covariate():
    x = SLIDES[["A", "B", "C", "D"]].assign(age=np.linspace(20, 80, 118))
    return LatentClass(2, covariates="age", n_init=2, random_state=0).fit(x), x


def test_bars_are_as_high_as_probabilities(fitted):
    display = ItemResponsesDisplay.from_estimator(fitted)
    assert [ax.get_title(loc="left") for ax in display.axes_] == list(SLIDES.columns)
    for ax, shares in zip(display.axes_, fitted.probabilities_, strict=True):
        heights = np.array([[bar.get_height() for bar in each] for each in ax.containers])
        np.testing.assert_allclose(heights.T, shares)
        tops = [bar.get_y() + bar.get_height() for bar in ax.containers[-1]]
        np.testing.assert_allclose(tops, 1.0)
    texts = [t.get_text() for t in display.axes_[-1].get_legend().get_texts()]
    assert texts == ["now", "never", r"\$ later"]
    assert display.plot() is display


def test_what_stands_behind_plot(fitted):
    assert isinstance(fitted.plot.responses(max_items=2), ItemResponsesDisplay)
    assert len(fitted.plot.responses(max_items=2).axes_) == 2
    assert isinstance(fitted.plot.pairs(SLIDES), ItemResponsesDisplay)
    fitted.plot.membership(SLIDES)
    with pytest.raises(ValueError, match="got columns of text, expected numbers"):
        fitted.plot.parallel(SLIDES)


def test_a_profile_leaves_out_what_follows(fitted):
    display = ProfileDisplay.from_estimator(fitted)
    (profile,) = display.profiles
    assert profile.places == [
        *(f"{c}=yes" for c in "ABCDEFG"),
        "when=$ later",
        "when=never",
        "when=now",
    ]
    expected = np.array([p[:, 1] for p in fitted.probabilities_[:7]]).T
    np.testing.assert_allclose(profile.values[:, :7], expected)


def test_the_summary_says_what_it_is(fitted):
    told = str(fitted.summary())
    assert told.startswith("Latent class model of 3 classes\n")
    sureness = fitted.classification().relative_entropy
    assert f"relative entropy  {sureness:.4f}" in told
    assert "relative entropy" not in str(LatentClass(1).fit(SLIDES).summary())


def test_the_page(fitted, with_covariate, tmp_path):
    write_report(tmp_path / "r.html", estimator=fitted, X=SLIDES, source="slides.csv")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "A bar is stacked by the probabilities of the answers" in page
    assert "probability (A=yes)" in page
    model, x = with_covariate
    write_report(tmp_path / "c.html", estimator=model, X=x, source="slides.csv")
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "coefficient (age)" in page


def test_probabilities_on_the_edge_are_said_to_be_held(fitted, tmp_path):
    path = tmp_path / "page.html"
    write_report(path, estimator=fitted, X=SLIDES, source="slides")
    page = path.read_text(encoding="utf-8")
    assert ">held<" in page
    assert "0.0000 to 0.0000" not in page
    assert "1.0000 to 1.0000" not in page
