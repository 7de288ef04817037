import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from latentia import FactorAnalysis, GaussianMixture, ProbabilisticPCA, datasets
from latentia.engine import Status
from latentia.report import (
    ClimbDisplay,
    CriterionDisplay,
    DensityDisplay,
    MembershipDisplay,
    PairsDisplay,
)
from latentia.report.displays import canvas
from latentia.report.displays.loadings import LoadingsDisplay
from latentia.report.displays.pairs import telling_columns


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def drawn(display):
    display.figure_.savefig(io.BytesIO(), format="svg")
    return display


@pytest.mark.parametrize(("d", "k"), [(1, 1), (1, 4), (2, 1), (2, 9), (3, 2), (4, 3), (8, 2)])
def test_every_plot_draws(blobs, d, k):
    X = blobs(60 * k, d, k)
    model = GaussianMixture(k, random_state=0, covariance_type="diag").fit(X)
    pairs = drawn(model.plot.pairs(X))
    shown = min(d, 6)
    assert len(pairs.axes_) == (1 if d < 3 else shown * (shown + 1) // 2 + 1)
    assert len(pairs.left_out) == d - shown
    drawn(model.plot.membership(X))
    drawn(model.plot.climb())
    drawn(model.plot.density(X, column=d - 1))


def test_components_beyond_the_palette_differ_in_their_marks():
    looks = {(canvas.colour(k), canvas.mark(k)) for k in range(49)}
    assert len(looks) == 49


def test_colours_are_dark_enough_to_be_seen_on_white():
    for colour in canvas.PALETTE:
        red, green, blue = to_rgb(colour)
        assert 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.75


def test_ellipses_have_the_axes_of_the_covariance():
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])
    display = PairsDisplay(
        rows=np.zeros((1, 2)),
        labels=np.zeros(1, int),
        sureness=np.ones(1),
        weights=np.ones(1),
        means=np.zeros((1, 2)),
        covariances=covariance[None],
        columns=["a", "b"],
    ).plot(figure=Figure())
    for patch, radius in zip(display.axes_[0].patches, (1, 2), strict=True):
        nodes = patch.get_path().vertices[0:25:3]  # between them are the handles of the curves
        outline = patch.get_patch_transform().transform(nodes)
        squares = np.einsum("ij,jk,ik->i", outline, np.linalg.inv(covariance), outline)
        np.testing.assert_allclose(np.sqrt(squares), radius, rtol=1e-9)


def test_bells_hold_their_weight(fitted, faithful):
    ax = DensityDisplay.from_estimator(fitted, faithful.values, column=1).axes_[0]
    total = next(line for line in ax.lines if line.get_label() == "sum")
    assert np.trapezoid(total.get_ydata(), total.get_xdata()) == pytest.approx(1, abs=0.02)


def test_the_columns_that_tell_components_apart_are_kept():
    means = np.zeros((2, 8))
    means[1, [2, 7]] = 10
    kept = telling_columns(np.array([0.5, 0.5]), means, np.stack([np.eye(8)] * 2), 2)
    assert kept == [2, 7]


def test_many_rows_are_thinned_the_same_way_each_time():
    some = canvas.sample(100_000, 5000)
    assert len(set(some)) == 5000
    assert (np.diff(some) > 0).all()
    assert (some == canvas.sample(100_000, 5000)).all()


def test_names_with_dollar_signs_are_not_typeset(fitted, faithful):
    names = ["cost $US$ \\frac", "_hidden_ ^{x"]
    display = drawn(PairsDisplay.from_estimator(fitted, faithful.values, columns=names))
    assert display.axes_[0].get_xlabel() == names[0]


def test_groups_of_next_to_no_rows_have_no_number_below_them():
    labels = np.repeat([0, 1, 2, 3], [300, 100, 2, 1])
    display = MembershipDisplay(labels=labels, sureness=np.ones(403), n_components=6).plot()
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0", "1"]


def test_a_map_says_whether_it_is_of_factors_or_of_components():
    x = datasets.load("iris").values
    for estimator, noun in ((FactorAnalysis(1), "factor"), (ProbabilisticPCA(1), "component")):
        assert LoadingsDisplay.from_estimator(estimator.fit(x)).ax_.get_xlabel() == noun


def test_unsure_rows_are_counted():
    labels, sureness = np.array([0, 0, 1, 1]), np.array([0.95, 0.85, 0.6, 0.9])
    display = MembershipDisplay(labels=labels, sureness=sureness, n_components=3)
    assert display.n_unsure.tolist() == [1, 1, 0]
    assert display.n_rows.tolist() == [2, 2, 0]
    drawn(display.plot())


def test_a_climb_ends_where_the_certificate_says(fitted):
    display = ClimbDisplay.from_estimator(fitted)
    left = display.gaps[display.best][display.accepted[display.best]][-1]
    assert left == pytest.approx(fitted.certificate_.remaining_gain, abs=1e-9)
    assert len(display.gaps) == 3


def test_a_start_that_collapsed_is_drawn_and_named():
    display = ClimbDisplay(
        gaps=[np.array([9.0, 1.0, 1e-3]), np.array([8.0, np.nan]), np.array([np.nan])],
        accepted=[np.array([True, False, True]), np.array([True, True]), np.array([True])],
        collapsed=[False, True, True],
        best=0,
        tol=1e-3,
        floor=1e-5,
    ).plot()
    words = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert set(words) == {"other starts", "collapsed", "the start that won", "refused proposals"}


def test_candidates_that_cannot_win_are_hollow_and_failed_ones_absent(swept):
    def face(display):
        return {
            float(line.get_xdata()[0]): line.get_markerfacecolor()
            for line in display.ax_.lines
            if len(line.get_xdata()) == 1
        }

    early = replace(swept.candidates[0], status=Status.MAX_ITER, note="early")
    gone = replace(swept.candidates[1], loglik=np.nan, bic=np.nan)
    changed = replace(swept, candidates=(early, gone, *swept.candidates[2:]))
    display = drawn(CriterionDisplay.from_selection(changed))
    assert face(display)[1.0] == "white"
    drawn_points = sum(
        len(line.get_xdata()) for line in display.ax_.lines if line.get_linestyle() != "None"
    )
    assert drawn_points == len(swept.candidates) - 1


def test_hopeless_candidates_do_not_flatten_the_rest():
    values = np.array([1e6, 105.0, 100.0, 101.0, 103.0, 104.0])
    display = CriterionDisplay(
        n_components=np.arange(1.0, 7),
        values=values,
        kinds=["full"] * 6,
        proper=np.ones(6, bool),
        best=2,
        criterion="bic",
    ).plot()
    assert display.ax_.get_ylim()[1] < 1000
    assert "1 worse candidate" in display.ax_.get_title(loc="left")


def test_another_criterion_marks_its_own_winner(swept):
    display = CriterionDisplay.from_selection(swept, criterion="aic")
    assert display.best == int(np.argmin([c.aic for c in swept.candidates]))
    assert "AIC" in display.ax_.get_ylabel()


def test_a_call_of_plot_itself_names_the_plots(fitted):
    with pytest.raises(TypeError, match=r"expected one of its plots: .*plot\.pairs"):
        fitted.plot()
    with pytest.raises(TypeError, match=r"plot\.loadings"):
        FactorAnalysis(1).fit(datasets.load("iris").values).plot(1)
