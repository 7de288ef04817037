"""Classification, uncertainty and contours: what is drawn is what the model says."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from scipy.stats import gamma, norm

from latentia import GaussianMixture, LatentClass, Mixture
from latentia.report import ClassificationDisplay, ContoursDisplay, UncertaintyDisplay
from latentia.report.displays.contours import region_bounds


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, size=200)
    made = {"visits": rng.poisson(1 + 6 * group), "calls": rng.poisson(2 + 2 * group)}
    return pd.DataFrame(made, dtype=float)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, size=200)
    made = {
        "visits": rng.poisson(1 + 6 * group).astype(float),
        "height": rng.normal(4 * group),
        "weight": rng.normal(-group),
        "time": rng.gamma(2, 1 + group),
    }
    return pd.DataFrame(made)


@pytest.fixture(scope="module")
def mixed(table):
    kinds = {"visits": "poisson", ("height", "weight"): "gaussian", "time": "gamma"}
    return Mixture(kinds, 2, random_state=0).fit(table)


def drawn(display):
    display.figure_.savefig(io.BytesIO(), format="svg")
    return display


def test_regions_are_what_predict_says(fitted, faithful):
    plane = drawn(ClassificationDisplay.from_estimator(fitted, faithful.values)).plane
    x, y = np.meshgrid(plane.across, plane.up)
    told = fitted.predict(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
    np.testing.assert_array_equal(plane.resp.argmax(axis=2), told)
    np.testing.assert_array_equal(plane.labels, fitted.predict(faithful.values))


def test_columns_may_stand_the_other_way_round(fitted, faithful):
    plane = ClassificationDisplay.from_estimator(fitted, faithful.values, pair=(1, 0)).plane
    np.testing.assert_array_equal(plane.rows, faithful.values[:, ::-1])
    at = np.array([[plane.up[3], plane.across[7]]])
    np.testing.assert_allclose(plane.resp[3, 7], fitted.predict_proba(at)[0], rtol=1e-9)


def test_borders_run_where_two_components_are_equally_probable(fitted, faithful):
    ax = ClassificationDisplay.from_estimator(fitted, faithful.values).ax_
    paths = [p.vertices for lines in ax.collections for p in lines.get_paths() if len(p) > 20]
    on_border = [p for p in paths if np.ptp(p, axis=0).max() > 1 and len(p) < 2000]
    sure = np.concatenate([fitted.predict_proba(p)[:, 0] for p in on_border])
    assert abs(np.median(sure) - 0.5) < 0.02


def test_whole_numbers_are_drawn_apart_and_asked_at_whole_numbers(counts):
    mixture = Mixture("poisson", 2, random_state=0).fit(counts)
    display = drawn(mixture.plot.classification(counts))
    assert display.plane.discrete == (True, True)
    np.testing.assert_array_equal(display.plane.across, np.arange(counts.visits.max() + 1))
    shown = np.concatenate([c.get_offsets() for c in display.ax_.collections[1:]])
    assert len(np.unique(shown, axis=0)) == len(counts)
    assert np.abs(np.sort(shown[:, 0].round()) - np.sort(counts.visits)).max() == 0
    drawn(mixture.plot.uncertainty(counts))


def test_answers_to_items_are_drawn_apart():
    items = np.random.default_rng(0).integers(0, 3, size=(60, 2)).astype(float)
    display = drawn(LatentClass(2, random_state=0).fit(items).plot.classification(items))
    assert display.plane.discrete == (True, True)
    assert display.plane.resp is None


def test_a_plane_of_many_columns_has_rows_alone(mixed, table):
    display = drawn(ClassificationDisplay.from_estimator(mixed, table, pair=("time", 0)))
    assert display.plane.resp is None
    assert display.plane.columns == ("time", "visits")
    assert display.plane.discrete == (False, True)


def test_columns_that_are_none_are_refused(mixed, table, faithful):
    for pair in (("time", "nobody"), (0, 0), (0, 9), "time", (1,)):
        with pytest.raises(ValueError, match=r"got pair=.*, expected two different columns"):
            mixed.plot.uncertainty(table, pair=pair)
    one = GaussianMixture(2, random_state=0).fit(faithful.values[:, :1])
    for draw in (one.plot.classification, one.plot.uncertainty, one.plot.parallel):
        with pytest.raises(ValueError, match=r"got a mixture of one column, expected at least two"):
            draw(faithful.values[:, :1])


def test_marks_grow_with_the_uncertainty(fitted, faithful):
    display = drawn(UncertaintyDisplay.from_estimator(fitted, faithful.values))
    largest = fitted.predict_proba(faithful.values).max(axis=1)
    np.testing.assert_allclose(display.uncertainty, 1 - largest)
    areas = np.concatenate([c.get_sizes() for c in display.ax_.collections[1:]])
    np.testing.assert_allclose(np.sort(areas), np.sort(5 + 70 * 2 * (1 - largest)), rtol=1e-6)
    words = {text.get_text() for text in display.ax_.get_legend().get_texts()}
    assert words == {"group 0", "group 1"}


@pytest.mark.parametrize("share", [0.25, 0.5, 0.95])
def test_a_region_of_one_normal_is_bounded_where_it_should_be(share):
    # of two columns the squared distance is chi-squared with 2 degrees of freedom, so the density
    # at the border of the region that holds a share is the peak's times 1 - share
    x = np.random.default_rng(0).normal(size=(400, 2)) @ np.array([[2.0, 0.3], [0.0, 0.5]])
    one = GaussianMixture(1).fit(x)
    display = ContoursDisplay.from_estimator(one, x)
    peak = 1 / (2 * np.pi * np.sqrt(np.linalg.det(one.covariances_[0])))
    (bound,) = region_bounds(display.pairs[0, 1].heights, [share])
    assert bound / peak == pytest.approx(1 - share, abs=0.01)


def test_contours_are_at_the_bounds(fitted, faithful):
    display = drawn(ContoursDisplay.from_estimator(fitted, faithful.values, shares=(0.5, 0.9)))
    lines = display.axes_[0].collections[1]
    bounds = region_bounds(display.pairs[0, 1].heights, (0.5, 0.9))
    np.testing.assert_allclose(lines.levels, np.sort(bounds))
    for bound, path in zip(lines.levels, lines.get_paths(), strict=True):
        there = np.exp(fitted.score_samples(path.vertices[:-1]))
        np.testing.assert_allclose(np.median(there), bound, rtol=0.02)


def test_densities_of_pairs_are_those_of_scipy(mixed, table):
    display = drawn(ContoursDisplay.from_estimator(mixed, table))
    assert display.left_out == ["visits"]
    assert display.columns == ["height", "weight", "time"]
    (x, y), heights = display.pairs[0, 2]
    _, body, times = mixed.params_
    expected = sum(
        w * norm.pdf(x, m[0], np.sqrt(c[0, 0])) * gamma.pdf(y[:, None], a[0], scale=s[0])
        for w, m, c, a, s in zip(
            mixed.weights_, body.means, body.covariances, times.shapes, times.scales, strict=True
        )
    )
    np.testing.assert_allclose(heights, expected, rtol=1e-8)
    (x, y), heights = display.pairs[0, 1]
    single = display.singles[0].heights
    np.testing.assert_allclose(np.trapezoid(heights, y, axis=0), single, rtol=0.02, atol=1e-4)


def test_contours_need_two_continuous_columns(counts):
    mixture = Mixture("poisson", 2, random_state=0).fit(counts)
    with pytest.raises(ValueError, match="got a mixture with 0 continuous columns to draw"):
        mixture.plot.contours(counts)
    with pytest.raises(ValueError, match="expected numbers between 0 and 1"):
        mixture.plot.contours(counts, shares=(0.5, 1.0))
