"""Summaries and plots of switching regressions and of states that last by laws of their own."""

import matplotlib as mpl
import numpy as np
import pytest

from latentia import HiddenSemiMarkov, MarkovRegression, datasets

mpl.use("Agg")
SPEED = datasets.load("speed")
FRAME = dict(zip(SPEED.columns, SPEED.values.T, strict=True))


@pytest.fixture(scope="module")
def model():
    fitted = MarkovRegression("rt ~ 1", transitions="~ payoff", n_init=3, random_state=0)
    return fitted.fit(FRAME, id="series")


def test_a_summary_tests_every_coefficient(model):
    shown = str(model.summary())
    assert "Markov-switching regression of 2 states: rt ~ 1 (gaussian)" in shown
    assert "439 steps in 3 sequences" in shown
    rows = [line.split() for line in shown.splitlines() if "payoff" in line and "±" not in line]
    told = {tuple(row[:3]): float(row[3]) for row in rows if row[0] in ("0,", "1,")}
    for i in range(2):
        value = model.transition_coefficients_[i, 1, 1]
        assert told[f"{i},", "1,", "payoff"] == pytest.approx(value, abs=0.006)
    by_name = {row.name: row for row in model.tested()}
    one = by_name["transition_logit[0, 1, payoff]"]
    assert one.z == pytest.approx(one.value / one.se)
    assert one.part == "transition"


def test_states_are_drawn_over_the_responses(model):
    display = model.plot.states(FRAME, id="series")
    assert len(display.axes_) == 3
    assert display.axes_[0].get_ylabel() == "rt"
    path = model.predict(FRAME, id="series")
    drawn = np.concatenate(display.states)
    np.testing.assert_array_equal(drawn, path)
    ribbon = model.plot.probabilities(FRAME, id="series")
    np.testing.assert_allclose(
        np.concatenate(ribbon.probabilities), model.predict_proba(FRAME, id="series")
    )
    model.plot.transitions()
    model.plot.climb()
    with pytest.raises(TypeError, match="MarkovRegression, which has no pseudo_residuals"):
        model.plot.residuals(FRAME)


def test_responses_to_come_are_drawn(model):
    coming = {"payoff": [0.1, 0.9] * 3, "series": [1, 1, 2, 2, 3, 3]}
    shown = model.plot.forecast(FRAME, id="series", ahead=coming, sequence=1)
    law = model.forecast(FRAME, id="series", ahead=coming)
    np.testing.assert_allclose(shown.mean, law.mean()[2:4])
    np.testing.assert_array_equal(shown.past[-1, 0], FRAME["rt"][FRAME["series"] == 2][-1])
    assert [ax.get_ylabel() for ax in shown.axes_] == model.response_names_


def test_laws_of_durations_are_drawn_over_decoded_segments():
    lengths = [168, 134, 137]
    semi = HiddenSemiMarkov("gaussian", 2, durations="poisson", n_init=2, random_state=0)
    semi.fit(FRAME["rt"], lengths)
    display = semi.plot.dwell(FRAME["rt"], lengths)
    path, first = semi.predict(FRAME["rt"], lengths), 0
    counted = [[], []]
    for size in lengths:
        own = path[first : first + size]
        ends = np.flatnonzero(np.diff(own)) + 1
        for begin, end in zip([0, *ends[:-1]], ends, strict=False):
            counted[own[begin]].append(end - begin)
        first += size
    for k in range(2):
        assert sorted(display.lengths[k]) == sorted(counted[k])
        line = display.axes_[k].lines[0].get_xydata()
        np.testing.assert_allclose(line[:, 1], semi.duration_probabilities()[: len(line), k])
        assert f"{semi.mean_durations_[k]:.1f} on average" in display.axes_[k].get_title("left")
