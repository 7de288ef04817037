"""The pages of regressions and classifiers, and what every page folds away."""

from html.parser import HTMLParser

import numpy as np
import pytest

from latentia import GaussianMixture, MixtureDiscriminant, MixtureRegression, datasets
from latentia.report import write_report

NPREG = datasets.load("npreg")
ROWS = dict(zip(NPREG.columns, NPREG.values.T, strict=True))
IRIS = datasets.load("iris")
VOID = {"meta", "br", "link", "img", "use", "path", "circle", "image"}


class Balanced(HTMLParser):
    """Whether every element that opens also closes, in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.cells = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3", "summary"):
            self.headings.append(data.strip())
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data.strip())


def page_of(path, **told):
    write_report(path, **told)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    return text


@pytest.fixture(scope="module")
def regression():
    return MixtureRegression("yn ~ x + I(x**2)", 2, concomitant="~ x", random_state=0).fit(
        ROWS, groups="id2"
    )


def test_a_page_of_regressions(regression, tmp_path):
    told = {"estimator": regression, "X": ROWS, "source": "npreg", "groups": "id2"}
    text = page_of(tmp_path / "a.html", **told)
    read = Balanced(text)
    assert "Two regressions" in text
    assert "What decides the component: covariates" in read.headings
    assert "Component 0" in read.headings
    for c in regression.coefficient_table():
        if c.part == "response":
            assert c.name in read.cells
    assert text.count("<svg") == 4  # lines, parameters, memberships, the climb
    assert "fit(X, groups=" in text.replace("</span>", "").replace("<span>", "").replace(
        "&#39;", "'"
    )
    assert text == page_of(tmp_path / "b.html", **told)


def test_without_a_covariate_of_numbers_there_are_no_lines(tmp_path):
    rng = np.random.default_rng(0)
    rows = {"g": np.array(["a", "b"] * 40), "y": rng.normal(size=80) + 8 * rng.integers(0, 2, 80)}
    fitted = MixtureRegression("y ~ g", 2, random_state=0).fit(rows)
    text = page_of(tmp_path / "a.html", estimator=fitted, X=rows, source="rows")
    Balanced(text)
    assert text.count("<svg") == 3


def test_a_page_of_a_classifier(tmp_path):
    edda = MixtureDiscriminant("EDDA", covariance_types=["VEV"]).fit(IRIS.values, IRIS.labels)
    told = {"estimator": edda, "X": IRIS.values, "columns": IRIS.columns, "source": "iris"}
    text = page_of(tmp_path / "a.html", y=IRIS.labels, **told)
    read = Balanced(text)
    assert {"setosa", "versicolor", "virginica", "Where rows are unsure"} <= set(read.headings)
    wrong = int((edda.predict(IRIS.values) != IRIS.labels).sum())
    assert f"{wrong} of these 150 rows would be put into another class" in text
    for counts in edda.confusion_:
        assert all(f"{n:g}" in read.cells for n in counts)
    with pytest.raises(TypeError, match=r"^got a MixtureDiscriminant without y, expected"):
        write_report(tmp_path / "b.html", **told)


def test_pages_of_rows_fold_more_views_away(tmp_path):
    fitted = GaussianMixture(2, covariance_type="diag", random_state=0).fit(IRIS.values)
    text = page_of(tmp_path / "a.html", estimator=fitted, X=IRIS.values, source="iris")
    read = Balanced(text)
    assert [h for h in read.headings if ":" in h] == [
        "Where rows are to be expected: highest-density regions",
        "Rows across all columns: parallel coordinates",
    ]
    assert "Parameters beside one another" in read.headings
    with pytest.raises(TypeError, match=r"^got groups for GaussianMixture, expected"):
        write_report(tmp_path / "b.html", estimator=fitted, X=IRIS.values, source="", groups="g")


PLOTS = {"density", "classification", "uncertainty", "contours", "parallel"}


@pytest.mark.parametrize("name", sorted(PLOTS))
def test_plots_of_rows_refuse_regressions_in_a_sentence(regression, name):
    with pytest.raises(TypeError, match=f"^got a mixture of regressions for the plot '{name}'"):
        getattr(regression.plot, name)(ROWS)


def test_plots_of_one_kind_refuse_others_in_a_sentence(regression):
    with pytest.raises(TypeError, match=r"^got a MixtureRegression for the plot 'responses'"):
        regression.plot.responses()
    fitted = GaussianMixture(1).fit(IRIS.values)
    with pytest.raises(TypeError, match=r"^got a GaussianMixture for the plot 'lines'"):
        fitted.plot.lines(IRIS.values)
    assert regression.plot.profile().noun == "component"
    assert regression.plot.membership(ROWS).names == ["component 0", "component 1"]
