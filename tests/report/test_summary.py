import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from latentia import GaussianMixture, load
from latentia.engine import Status
from latentia.report import Summary, Table, summarise_mixture, summarise_selection


def numbers_of(text):
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            continue
    return np.array(found)


def test_every_estimate_and_error_is_in_the_text(fitted):
    shown = numbers_of(str(summarise_mixture(fitted)))
    for estimate in fitted.parameter_table():
        for value in (estimate.value, estimate.se, estimate.lower, estimate.upper):
            assert np.abs(shown - value).min() <= estimate.se / 100


def test_likelihood_criteria_and_certificate_are_in_the_text(fitted):
    text = str(summarise_mixture(fitted))
    assert f"{fitted.loglik_:.4f}" in text
    for name in ("bic", "aic", "icl"):
        assert name.upper() in text
        assert f"{fitted.criteria()[name]:.4f}" in text
    flat = " ".join(text.split())
    for sentence in fitted.certificate_.sentences():
        assert sentence in flat


def test_columns_of_a_text_table_are_aligned():
    table = Table("T", ("name", "value"), (("a", "1.5"), ("体重", "-20.25"), ("c", "")), "lr")
    lines = str(Summary("S", (), (table,), ())).splitlines()
    assert lines[0] == "S"
    # each of the two letters takes two columns of a terminal
    assert len({line.find(".") + 2 * ("体重" in line) for line in lines if "." in line}) == 1


def test_names_of_columns_replace_those_of_an_array(fitted):
    text = str(summarise_mixture(fitted, columns=["eruptions", "waiting"]))
    assert "mean[0, eruptions]" in text
    assert "covariance[1, eruptions, waiting]" in text
    assert "x0" not in text


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_every_covariance_type_is_listed_by_name(faithful, kind):
    model = GaussianMixture(2, covariance_type=kind, random_state=0).fit(faithful.values)
    text = str(summarise_mixture(model, columns=["[red]", "waiting"]))
    known = [
        e.name.replace("x0", "[red]").replace("x1", "waiting") for e in model.parameter_table()
    ]
    assert all(name in text for name in known)


def test_many_covariances_are_left_out_and_counted(blobs):
    model = GaussianMixture(3, random_state=0).fit(blobs(300, 6, 3))
    text = str(summarise_mixture(model, standard_errors=False))
    assert "variance[0, x0]" not in text
    assert f"{3 * 21} variances and covariances are not listed" in text


def test_a_model_without_its_data_is_summarised_all_the_same(faithful, tmp_path):
    path = tmp_path / "model.safetensors"
    GaussianMixture(2, random_state=0).fit(faithful.values).save(path)
    assert "weight[0]" in str(load(path).summary())


def test_rich_does_not_read_names_as_markup(fitted):
    summary = summarise_mixture(fitted, columns=["[bold red]", "[/]"])
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(summary)
    shown = console.export_text()
    assert "[bold red]" in shown
    assert "[/]" in shown


def test_notebooks_get_names_escaped(fitted):
    page = summarise_mixture(fitted, columns=["<script>alert(1)</script>", "b"])._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_winner_is_first_and_marked(swept):
    summary = summarise_selection(swept)
    (table,) = summary.tables
    best = swept.candidates[swept.best]
    assert table.marked == frozenset({0})
    assert table.rows[0][0] == str(best.settings["n_components"])
    assert f"{best.bic:.2f}" in table.rows[0]
    assert len(table.rows) == len(swept.candidates)
    worse = [float(row[table.columns.index("worse by")]) for row in table.rows]
    assert worse == sorted(worse)


def changed(selection, **changes):
    """The selection with some candidates (by position) changed."""
    candidates = list(selection.candidates)
    for at, change in changes.items():
        candidates[int(at[1:])] = replace(candidates[int(at[1:])], **change)
    return replace(selection, candidates=tuple(candidates))


FAILED = {
    "loglik": np.nan,
    "bic": np.nan,
    "aic": np.nan,
    "icl": np.nan,
    "status": Status.DEGENERATE,
    "note": "a component collapsed",
}


def test_failures_and_early_stops_are_named_and_come_last(swept):
    others = [i for i in range(len(swept.candidates)) if i != swept.best]
    early = {"status": Status.MAX_ITER, "note": str(Status.MAX_ITER), "bic": -1e9}
    selection = changed(swept, **{f"i{others[0]}": FAILED, f"i{others[1]}": early})
    summary = summarise_selection(selection)
    endings = [row[-1] for row in summary.tables[0].rows]
    assert endings[-2:] == ["at max_iter", "failed"]
    assert any("a component collapsed" in note for note in summary.notes)
    assert any("not converged" in note for note in summary.notes)
    assert "4 candidates (of 6)" in dict(summary.facts)["why"]
    assert "-" in summary.tables[0].rows[-1]


def test_the_same_model_under_another_name_is_no_rival(faithful):
    from latentia import select

    grid = {"n_components": [1], "covariance_type": ["full", "tied"]}
    selection = select(GaussianMixture(random_state=0), faithful.values, grid)
    assert "worse by" not in dict(summarise_selection(selection).facts)["why"]


def test_the_only_proper_candidate_is_not_the_lowest_of_one(swept):
    n = len(swept.candidates)
    others = [i for i in range(n) if i != swept.best]
    why = dict(summarise_selection(changed(swept, **{f"i{i}": FAILED for i in others})).facts)[
        "why"
    ]
    assert f"the only candidate (of {n}) that ended at a proper maximum" in why
    assert "candidates" not in why
