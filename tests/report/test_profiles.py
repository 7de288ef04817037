"""Parallel coordinates and profiles of parameters."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from latentia import GaussianMixture, Mixture, datasets
from latentia.report import ParallelDisplay, ProfileDisplay
from latentia.report.displays import CriterionDisplay

IRIS = datasets.load("iris")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def iris():
    return GaussianMixture(3, random_state=0).fit(IRIS.values)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, size=300)
    made = {
        "$rare$": rng.poisson(1 + 2 * group).astype(float),
        "calls": rng.poisson(900 + 900 * group).astype(float),
        "region": rng.integers(0, 2 + group).astype(float),
    }
    frame = pd.DataFrame(made)
    frame.loc[::7, "calls"] = np.nan
    return frame


@pytest.fixture(scope="module")
def mixed(table):
    kinds = {("$rare$", "calls"): "poisson", "region": "categorical"}
    return Mixture(kinds, 2, random_state=0).fit(table)


def drawn(display):
    display.figure_.savefig(io.BytesIO(), format="svg")
    return display


def test_every_row_and_every_mean_is_a_line(iris):
    display = drawn(ParallelDisplay.from_estimator(iris, IRIS.values, columns=IRIS.columns))
    (lines,) = display.ax_.collections
    assert len(lines.get_segments()) == 150
    means = [line for line in display.ax_.lines if line.get_label().startswith("group")]
    low, high = IRIS.values.min(axis=0), IRIS.values.max(axis=0)
    for line, mean in zip(means, iris.means_, strict=True):
        np.testing.assert_allclose(line.get_ydata(), (mean - low) / (high - low), atol=2e-3)


def test_missing_cells_break_lines_and_leave_means_alone(mixed, table):
    display = drawn(ParallelDisplay.from_estimator(mixed, table))
    resp = mixed.predict_proba(table)
    known = table.calls.notna().to_numpy()
    expected = resp[known].T @ table.calls[known] / resp[known].sum(axis=0)
    np.testing.assert_allclose(display.centres[:, 1], expected)
    assert display.ax_.get_xticklabels()[0].get_text() == r"\$rare\$"


def test_a_constant_column_stands_in_the_middle():
    display = ParallelDisplay(
        rows=np.array([[1.0, 5.0], [2.0, 5.0]]),
        labels=np.array([0, 0]),
        sureness=np.ones(2),
        centres=np.array([[1.5, 5.0]]),
        ends=np.array([[1.0, 5.0], [2.0, 5.0]]),
        columns=["a", "b"],
    ).plot()
    for segment in display.ax_.collections[0].get_segments():
        assert segment[1, 1] == 0.5


def test_means_are_in_standard_deviations_of_the_mixture(iris):
    display = drawn(ProfileDisplay.from_estimator(iris, columns=IRIS.columns))
    (profile,) = display.profiles
    assert profile.places == list(IRIS.columns)
    # a maximum of full covariances has the mean and the variances of the data
    scaled = (iris.means_ - IRIS.values.mean(axis=0)) / IRIS.values.std(axis=0)
    np.testing.assert_allclose(profile.values, scaled, atol=2e-3)
    errors = iris.standard_errors().means / IRIS.values.std(axis=0)
    half = (profile.upper - profile.lower) / 2
    np.testing.assert_allclose(half, 1.959963984540054 * errors, rtol=2e-3)


def test_a_panel_for_each_kind_of_parameter(mixed):
    display = drawn(ProfileDisplay.from_estimator(mixed))
    rates, probabilities = display.profiles
    assert (rates.name, probabilities.name) == ("rate", "probability")
    np.testing.assert_array_equal(rates.values, mixed.params_[0].rates)
    assert probabilities.places == ["region, 0", "region, 1", "region, 2"]
    first, second = display.axes_
    assert first.get_yscale() == "log"  # 1 to 1800
    assert second.get_ylim() == (-0.03, 1.03)
    assert "95 % intervals" in display.figure_.get_supxlabel()


def test_without_standard_errors_there_are_no_bars(mixed):
    display = drawn(ProfileDisplay.from_estimator(mixed, standard_errors=False))
    assert np.isnan(display.profiles[0].lower).all()
    assert display.figure_.get_supxlabel() == "without intervals"


def test_a_criterion_tells_fourteen_kinds_apart(swept):
    kinds = [f"kind {j}" for j in range(14)]
    display = CriterionDisplay(
        n_components=np.ones(14),
        values=np.arange(14.0),
        kinds=kinds,
        proper=np.ones(14, dtype=bool),
        best=0,
        criterion="bic",
    ).plot()
    looks = {
        (line.get_marker(), line.get_color())
        for line in display.ax_.lines
        if line.get_label() in kinds
    }
    assert len(looks) == 14
    assert swept.plot.criterion().criterion == "bic"
