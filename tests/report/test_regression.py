"""Mixtures of regressions as people read them: tables of coefficients, rows and lines."""

import io

import numpy as np
import pytest
from matplotlib import pyplot

import latentia
from latentia import MixtureRegression, datasets
from latentia.report import LinesDisplay, summarise_mixture
from latentia.report.regression import p_value

DATA = datasets.load("npreg")
FRAME = dict(zip(DATA.columns, DATA.values.T, strict=True))
FRAME["kind"] = np.where(FRAME["yb"] > 0, "one", "none")
CURVES = MixtureRegression("yn ~ x + I(x**2)", random_state=0).fit(FRAME)
COUNTS = MixtureRegression("yp ~ x", family="poisson", concomitant="~ kind", random_state=0)
COUNTS.fit(FRAME, groups="id2")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def test_a_summary_has_every_coefficient_with_its_test():
    text = str(CURVES.summary())
    assert text.startswith("Mixture of 2 linear regressions, yn ~ x + I(x**2)\n")
    table = CURVES.summary().tables[0]
    assert len(table.rows) == 6
    for row, told in zip(table.rows, CURVES.coefficient_table(), strict=True):
        assert row[:2] == (str(told.component), told.name)
        assert float(row[2]) == pytest.approx(told.value, rel=0.01, abs=0.1)
        assert float(row[4]) == pytest.approx(told.z, abs=0.006)
        assert row[5] == p_value(told.p)
    assert [row[0] for row in CURVES.summary().tables[1].rows] == [
        *("weight[0]", "weight[1]", "variance[0]", "variance[1]")
    ]


def test_logits_have_a_table_of_their_own_and_subjects_are_counted():
    summary = COUNTS.summary()
    assert summary.title == "Mixture of 2 Poisson regressions, yp ~ x, weights ~ kind"
    assert summary.facts[0] == ("data", "200 rows, 2 columns, 50 subjects")
    _, logits = summary.tables
    assert [row[:2] for row in logits.rows] == [("1", "Intercept"), ("1", "kind[T.one]")]


def test_without_standard_errors():
    summary = summarise_mixture(CURVES, standard_errors=False)
    assert all(len(table.columns) <= 3 for table in summary.tables)


def test_a_model_from_a_file_says_why_it_has_no_errors(tmp_path):
    fresh = MixtureRegression("yn ~ x", 1).fit(FRAME)
    fresh.save(tmp_path / "m.safetensors")
    summary = latentia.load(tmp_path / "m.safetensors").summary()
    assert summary.title == "Linear regression, yn ~ x"
    assert summary.notes[0].startswith("There are no standard errors")


@pytest.mark.parametrize(("p", "text"), [(0.5, "0.500"), (0.0005, "0.001"), (0.0004, "<0.001")])
def test_p_values(p, text):
    assert p_value(p) == text


def test_rows_and_lines():
    display = CURVES.plot.lines(FRAME)
    display.figure_.savefig(io.BytesIO(), format="svg")
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("x", "yn")
    for k, line in enumerate(display.ax_.get_lines()):
        x, y = line.get_data()
        a, b, c = CURVES.coefficients_[k]
        np.testing.assert_allclose(y, a + b * x + c * x**2, rtol=1e-9)
    drawn = sum(len(dots.get_offsets()) for dots in display.ax_.collections)
    assert drawn == len(FRAME["x"])


def test_other_covariates_stand_at_their_mean_or_most_frequent_level():
    fitted = MixtureRegression("yn ~ x*kind + id1", 1).fit(FRAME)
    lines = fitted.lines(FRAME, column="x")
    kind = max(("none", "one"), key=lambda level: (FRAME["kind"] == level).sum())
    there = {"x": lines.at, "kind": np.repeat(kind, len(lines.at))}
    there["id1"] = np.full(len(lines.at), FRAME["id1"].mean())
    np.testing.assert_allclose(lines.means, fitted.predict_by_component(there), rtol=1e-12)
    with pytest.raises(ValueError, match="got column='kind', expected a covariate of numbers: 'x'"):
        fitted.lines(FRAME, column="kind")


def test_binomial_responses_are_shares():
    frame = {**FRAME, "wins": 3 * FRAME["yb"], "of": np.full(200, 3)}
    fitted = MixtureRegression("wins ~ x", 1, family="binomial").fit(frame, trials="of")
    lines = fitted.lines(frame)
    np.testing.assert_array_equal(lines.y, FRAME["yb"])
    assert lines.means.max() <= 1


def test_arrays_and_other_plots():
    x, y = FRAME["x"][:, None], FRAME["yn"]
    fitted = MixtureRegression(random_state=0).fit(x, y)
    display = LinesDisplay.from_estimator(fitted, x, y)
    assert (display.column, display.response) == ("x0", "response")
    assert CURVES.plot.membership(FRAME).n_rows.sum() == 200
    CURVES.plot.climb()
    assert isinstance(CURVES.plot.pairs(FRAME), LinesDisplay)
