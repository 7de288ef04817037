"""Pictures of hidden Markov models: what they hold, and that they draw whatever comes."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from latentia import GaussianHMM, HiddenMarkov, HiddenSemiMarkov, datasets, select
from latentia.report import CriterionDisplay, Steps, TransitionGraphDisplay, write_report

YEARS, COUNTS = datasets.load("earthquakes").values.T


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def quakes():
    return HiddenMarkov("poisson", 3, tol=1e-6, n_init=3, random_state=0).fit(COUNTS)


@pytest.fixture(scope="module")
def vectors():
    """Several short sequences of many columns, cells and steps of which are missing."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(160, 6)), columns=list("abcdef"))
    frame.iloc[3:40, 0] += 4.0
    frame.iloc[7] = np.nan
    frame.iloc[9, 2] = np.nan
    frame["who"] = np.repeat(np.arange(8), 20)
    frame["t"] = np.tile(np.arange(20), 8)
    shuffled = frame.sample(frac=1, random_state=0)
    model = HiddenMarkov("gaussian(covariance_type='diag')", 2, n_init=1, random_state=0)
    return model.fit(shuffled, id="who", time="t"), shuffled


def drawn(display):
    display.figure_.savefig(io.BytesIO(), format="svg")
    return display


def test_every_plot_draws(quakes):
    drawn(quakes.plot.states(COUNTS, at=YEARS, axis="year"))
    ribbon = drawn(quakes.plot.probabilities(COUNTS, given="so-far"))
    np.testing.assert_allclose(
        ribbon.probabilities[0], quakes.predict_proba(COUNTS, given="so-far")
    )
    drawn(quakes.plot.transitions())
    drawn(quakes.plot.dwell())
    dwell = drawn(quakes.plot.dwell(COUNTS))
    path = quakes.predict(COUNTS)
    n_runs = 1 + (path[1:] != path[:-1]).sum()
    assert sum(map(len, dwell.lengths)) == n_runs - 2  # the first and the last are cut off
    drawn(quakes.plot.residuals(COUNTS, kind="forecast"))
    ahead = drawn(quakes.plot.forecast(COUNTS, steps=5))
    np.testing.assert_allclose(ahead.mean, quakes.forecast(COUNTS, steps=5).mean())
    drawn(quakes.plot.climb())


def test_sequences_are_drawn_in_their_order_and_named(vectors):
    model, frame = vectors
    asked = {"id": "who", "time": "t"}
    display = drawn(model.plot.states(frame, **asked))
    assert display.axes_[-1].get_xlabel() == "t"
    assert display.strips.left_out == "5 more sequences not drawn"
    first = frame["who"].unique()[:3]  # sequences come as they first appear
    assert [one.name for one in display.strips.series] == [f"who {i}" for i in first]
    for one in display.strips.series:
        np.testing.assert_array_equal(one.at, np.arange(20))
    frame = frame.assign(state=model.predict(frame, **asked))
    own = frame[frame["who"] == first[2]].sort_values("t")
    np.testing.assert_array_equal(display.states[2], own["state"])
    np.testing.assert_array_equal(display.strips.series[2].x[:, 0], own["a"])
    frame = frame.drop(columns="state")
    for display in (
        model.plot.probabilities(frame, **asked),
        model.plot.residuals(frame, **asked),
        model.plot.dwell(frame, **asked),
        model.plot.forecast(frame, sequence=3, **asked),
    ):
        drawn(display)


@pytest.mark.parametrize("k", [1, 2, 5, 12])
def test_graphs_of_few_and_of_many_states(k):
    moves = np.random.default_rng(k).dirichlet(np.full(k, 0.3), size=k)
    display = drawn(TransitionGraphDisplay(transitions=moves, shares=np.full(k, 1 / k)).plot())
    arrows = [p for p in display.ax_.patches if type(p).__name__ == "FancyArrowPatch"]
    off = moves[~np.eye(k, dtype=bool)]
    assert len(arrows) == (off >= 0.005).sum()


def test_codes_and_states_that_are_never_left_are_drawn():
    codes = np.array([0.0, 1, 0, 2, 2, 2, 1, 2])
    model = HiddenMarkov("categorical", 2, transitions="left-right", n_init=1, random_state=0)
    model.fit(codes)
    drawn(model.plot.states(codes))
    drawn(model.plot.dwell(codes))
    assert drawn(model.plot.forecast(codes)).ahead[0].shape == (10, 3)


def test_long_sequences_are_cut():
    x = np.random.default_rng(0).normal(size=5000)
    model = GaussianHMM(1).fit(x)
    display = drawn(model.plot.states(x))
    assert display.strips.left_out == "the first 2,000 steps of each"
    drawn(model.plot.residuals(x))
    with pytest.raises(ValueError, match=r"got at of shape \(3,\), expected \(5000,\)"):
        model.plot.states(x, at=[1, 2, 3])


def test_a_sweep_counts_states():
    swept = select(HiddenMarkov("poisson", n_init=1, random_state=0), COUNTS, {"n_states": [2, 3]})
    display = CriterionDisplay.from_selection(swept)
    assert display.ax_.get_xlabel() == "states"
    np.testing.assert_array_equal(display.n_components, [2, 3])


def test_a_report_of_sequences_from_python(vectors, tmp_path):
    model, frame = vectors
    ordered = frame.sort_values(["who", "t"])
    x = ordered[list("abcdef")].to_numpy()
    steps = Steps(np.full(8, 20), ordered["t"].to_numpy(), "t", [f"who {i}" for i in range(8)])
    write_report(
        tmp_path / "page.html", estimator=model, X=x, source="made", steps=steps,
        standard_errors=False,
    )  # fmt: skip
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "160 steps in 8 sequences" in page
    assert "5 more sequences not drawn" in page
    assert "2 more columns not drawn" in page


def test_transitions_on_the_edge_are_said_to_be_held(quakes, tmp_path):
    write_report(tmp_path / "page.html", estimator=quakes, X=COUNTS, source="made")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    i, j = np.argwhere(quakes.transmat_ == 0)[0]
    row = page.partition(f">{i} → {j}</td>")[2].partition("</tr>")[0]
    assert "tabular-nums'>0\u2008" in row  # padded to where the others have their point
    assert ">held</td>" in row


def test_families_without_columns_have_a_page_without_residuals(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal([3.0, 0, 0], size=(60, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    model = HiddenMarkov("von_mises_fisher", 1).fit(x)
    write_report(tmp_path / "page.html", estimator=model, X=x, source="made")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Whether the model fits" not in page
    assert "What the state looks like" in page


def test_states_that_last_by_a_law_of_their_own_are_drawn():
    model = HiddenSemiMarkov("poisson", 2, n_init=1, random_state=0).fit(COUNTS)
    display = drawn(model.plot.states(COUNTS, at=YEARS, axis="year"))
    np.testing.assert_array_equal(display.states[0], model.predict(COUNTS))
    drawn(model.plot.probabilities(COUNTS))
    drawn(model.plot.residuals(COUNTS))
    drawn(model.plot.forecast(COUNTS))
