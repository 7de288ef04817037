import re
import sys
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

from latentia import GaussianMixture
from latentia.report import write_report

HOSTILE = "<script>alert('x')</script>"


def page_of(path, estimator, X, **options):
    write_report(path, estimator=estimator, X=X, **{"source": "data.csv", **options})
    return path.read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects tags and ids, and checks that tags close in order."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.open = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.links.append(value)
            assert not name.startswith("on")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(tmp_path_factory, swept, faithful):
    path = tmp_path_factory.mktemp("report") / "report.html"
    return page_of(
        path,
        swept.best_estimator,
        faithful.values,
        columns=faithful.columns,
        selection=swept,
        command="latentia fit gaussian-mixture faithful.csv",
    )


def test_nothing_is_fetched_and_nothing_runs(report):
    reader = Reader(report)
    assert "http://" not in report
    assert "https://" not in report
    assert not {"script", "link", "iframe", "object", "img"} & set(reader.tags)
    assert all(link.startswith(("#", "data:image/png")) for link in reader.links)
    assert "@import" not in report
    assert not re.search(r"url\((?!#)", report)


def test_ids_are_unique_and_references_lead_somewhere(report):
    reader = Reader(report)
    assert len(set(reader.ids)) == len(reader.ids)
    used = set(re.findall(r"url\(#([^)]*)\)", report)) | {link[1:] for link in reader.links}
    assert used <= set(reader.ids)


def test_the_answer_comes_before_everything_else(report, swept):
    words = {1: "One group", 2: "Two groups", 3: "Three groups"}
    k = swept.best_estimator.n_components
    assert report.index("How many groups") < report.index(words[k]) < report.index("<section")


def test_every_part_is_there(report, swept):
    flat = " ".join(re.sub(r"<[^>]*>", "", report).split())
    assert "latentia fit gaussian-mixture faithful.csv" in flat
    for sentence in swept.best_estimator.certificate_.sentences():
        assert sentence in flat
    for candidate in swept.candidates:
        assert f"{candidate.bic:.2f}" in flat
    for estimate in swept.best_estimator.parameter_table():
        if estimate.name.startswith("mean"):
            assert f"{estimate.value:.1f}" in flat
    assert report.count("<svg") == report.count('role="img" aria-label="') == 6


def test_the_same_fit_gives_the_same_bytes(tmp_path, fitted, faithful):
    first = page_of(tmp_path / "a.html", fitted, faithful.values)
    assert first == page_of(tmp_path / "b.html", fitted, faithful.values)
    assert not re.search(r"20\d\d-\d\d-\d\d", first)


def test_hostile_names_are_text(tmp_path, fitted, faithful):
    page = page_of(
        tmp_path / "r.html",
        fitted,
        faithful.values,
        columns=[HOSTILE, '" onload="x'],
        source=f"{HOSTILE}.csv",
        command=f"latentia fit '{HOSTILE}'",
        title=f"</title>{HOSTILE}",
    )
    assert "script" not in Reader(page).tags
    assert "&lt;script&gt;" in page


def test_the_users_style_does_not_reach_the_report(tmp_path, fitted, faithful):
    from matplotlib import rc_context

    plain = page_of(tmp_path / "a.html", fitted, faithful.values)
    with rc_context({"font.size": 30, "axes.facecolor": "black"}):
        assert page_of(tmp_path / "b.html", fitted, faithful.values) == plain


@pytest.mark.parametrize(("d", "k"), [(1, 1), (1, 3), (2, 1), (4, 2), (8, 9)])
def test_any_number_of_columns_and_groups(tmp_path, blobs, d, k):
    X = blobs(80 * k, d, k)
    model = GaussianMixture(k, random_state=0, covariance_type="diag").fit(X)
    page = page_of(tmp_path / "r.html", model, X, standard_errors=k < 9)
    Reader(page)
    assert page.count("<article") == k
    folded = (d > 1) + (d > 2) + (k > 1 and model.n_parameters_ <= 60)
    assert page.count("<svg") == (1 if k == 1 else 3) + folded


def test_a_fit_that_did_not_converge_says_so_at_the_top(tmp_path, blobs):
    X = blobs(200, 2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GaussianMixture(5, random_state=0, max_iter=2).fit(X)
    page = page_of(tmp_path / "r.html", model, X)
    assert page.index("stopped at max_iter before it converged") < page.index("<section")


def test_many_rows_stay_a_small_file(tmp_path, blobs):
    X = blobs(100_000, 6, 4)
    model = GaussianMixture(4, random_state=0, covariance_type="diag").fit(X)
    page = page_of(tmp_path / "r.html", model, X, standard_errors=False)
    assert len(page) < 1_500_000
    assert "A random 5,000 of the 100,000 rows are drawn" in page


def test_a_data_frame_warns_of_nothing(tmp_path, faithful):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(faithful.values, columns=["体重", "x_1^2 $"])
    model = GaussianMixture(2, random_state=0).fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = page_of(tmp_path / "r.html", model, np.asarray(frame))
    assert "体重" in page


def test_without_a_command_the_call_in_python_is_given(tmp_path, fitted, faithful):
    page = page_of(tmp_path / "r.html", fitted, faithful.values)
    flat = re.sub(r"<[^>]*>", "", page)
    assert "from latentia import EM, GaussianMixture" in flat


def test_names_must_fit_the_columns(tmp_path, fitted, faithful):
    with pytest.raises(ValueError, match="got 1 names of columns, expected 2"):
        page_of(tmp_path / "r.html", fitted, faithful.values, columns=["only one"])


def test_an_estimator_that_did_not_win_is_refused(tmp_path, fitted, faithful, swept):
    assert swept.best_estimator.n_components != fitted.n_components
    with pytest.raises(ValueError, match="give the selection's best_estimator"):
        page_of(tmp_path / "r.html", fitted, faithful.values, selection=swept)


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_a_missing_package_is_one_sentence(tmp_path, monkeypatch, fitted, faithful, missing):
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"pip install 'latentia\[plot\]'"):
        page_of(tmp_path / "r.html", fitted, faithful.values)
    assert not (tmp_path / "r.html").exists()
