"""Reports and plots of mixtures whose components are not normal."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from latentia import Mixture, select
from latentia.report import write_report
from latentia.report.displays import MarginalsDisplay
from latentia.report.summary import summarise_mixture, summarise_selection

DAYS = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
DEATHS = np.repeat(np.arange(10.0), DAYS)[:, None]


@pytest.fixture(scope="module")
def deaths():
    return Mixture("poisson", 2, random_state=0).fit(DEATHS)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, size=200)
    frame = pd.DataFrame(
        {
            "visits": rng.poisson(1 + 6 * group).astype(float),
            "height": rng.normal(4 * group),
            "weight": rng.normal(-group),
            "region": rng.integers(0, 1 + 2 * group).astype(float),
            "calls": rng.poisson(900 + 900 * group).astype(float),
            "<b>time</b>": rng.gamma(2, 1 + group),
            "more": rng.gamma(2, 1 + group),
        }
    )
    frame.loc[::9, "visits"] = np.nan
    return frame


@pytest.fixture(scope="module")
def mixed(table):
    kinds = {
        ("visits", "calls"): "poisson",
        ("height", "weight"): "gaussian",
        "region": "categorical",
        ("<b>time</b>", "more"): "gamma",
    }
    return Mixture(kinds, 2, random_state=0).fit(table)


def test_a_summary_names_the_family_and_every_parameter(deaths, mixed):
    text = str(deaths.summary())
    assert text.startswith("Mixture of 2 components (Poisson)\n")
    assert "rate[1, x0]" in text
    text = str(mixed.summary())
    assert "visits, calls: Poisson; height, weight: Gaussian" in text
    for estimate in mixed.parameter_table():
        assert estimate.name in text


def test_columns_may_have_other_names(deaths):
    told = str(summarise_mixture(deaths, columns=["deaths"]))
    assert "rate[0, deaths]" in told
    assert "x0" not in told


def test_a_long_summary_says_what_it_leaves_out():
    x = np.random.default_rng(0).poisson(3, size=(100, 40)).astype(float)
    text = str(Mixture("poisson", 2, random_state=0).fit(x).summary())
    assert "22 more parameters are not listed; parameter_table() has them." in text


def test_a_sweep_names_families():
    grid = {"family": ["poisson", "negative_binomial"], "n_components": [1, 2]}
    chosen = select(Mixture("poisson", random_state=0), DEATHS, grid)
    text = str(summarise_selection(chosen))
    assert text.startswith("Mixtures compared by BIC: 4 candidates")
    assert "1 negative_binomial component" in text


def test_bars_and_points_are_shares(deaths):
    display = deaths.plot.density(DEATHS)
    (ax,) = display.axes_
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(heights, np.array(DAYS) / sum(DAYS))
    total, *shares = ax.lines
    expected = poisson.pmf(np.arange(10)[:, None], deaths.params_.rates[:, 0]) * deaths.weights_
    np.testing.assert_allclose(total.get_ydata(), expected.sum(axis=1), rtol=1e-9)
    for k, line in enumerate(shares):
        np.testing.assert_allclose(line.get_ydata(), expected[:, k], rtol=1e-9)


def test_every_plot_runs_on_any_mixture(mixed, table):
    pairs = mixed.plot.pairs(table)
    assert isinstance(pairs, MarginalsDisplay)
    assert len(pairs.axes_) == 6
    assert "more" in pairs.figure_.get_supxlabel()
    assert [len(ax.lines) for ax in pairs.axes_] == [3] * 6
    assert len(mixed.plot.density(table, column=6).axes_) == 1
    mixed.plot.climb()
    mixed.plot.membership(table)


def test_a_column_without_a_marginal_shows_its_data_alone():
    x = np.random.default_rng(0).multinomial(9, [0.2, 0.3, 0.5], size=60).astype(float)
    mixture = Mixture("multinomial", 2, random_state=0).fit(x)
    assert mixture.marginal(1) is None
    assert [len(ax.lines) for ax in mixture.plot.pairs(x).axes_] == [0, 0, 0]


def test_marginals_integrate_to_one(mixed):
    for column, at in ((0, np.arange(100)), (3, np.arange(3)), (4, np.arange(4000))):
        marginal = mixed.marginal(column)
        assert marginal.discrete
        np.testing.assert_allclose(np.exp(marginal.log_density(at)).sum(axis=0), 1, rtol=1e-9)
    for column, end in ((1, 30.0), (2, 30.0), (5, 200.0)):
        marginal = mixed.marginal(column)
        assert not marginal.discrete
        at = np.linspace(-30.0, end, 200_001)
        heights = np.exp(marginal.log_density(at))
        np.testing.assert_allclose(np.trapezoid(heights, at, axis=0), 1, rtol=1e-4)


@pytest.mark.parametrize("n_components", [1, 2])
def test_a_page(tmp_path, deaths, n_components):
    fitted = deaths if n_components == 2 else Mixture("poisson", 1).fit(DEATHS)
    path = tmp_path / "report.html"
    write_report(path, estimator=fitted, X=DEATHS, columns=["deaths"], source="deaths.csv")
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "rate (deaths)" in page
    assert "std. dev." not in page
    assert "Gaussian" not in page
    assert "Mixture(" in page


def test_a_page_of_columns_of_all_kinds_after_a_sweep(tmp_path, table, mixed):
    chosen = select(mixed, table, {"n_components": [1, 2]})
    path = tmp_path / "report.html"
    write_report(
        path, estimator=chosen.best_estimator, X=table, source="table.csv", selection=chosen
    )
    page = path.read_text(encoding="utf-8")
    assert "probability (region, 2)" in page
    assert "<b>time" not in page
