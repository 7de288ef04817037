"""The stopping rule on hills whose remaining gain is known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.engine.accelerate import Here
from latentia.engine.stopping import CONFIRMATIONS, LONGEST_WAIT, PAIRS, SETTLED, Progress


class Hill:
    """-x'Ax/2, where plain EM is x -> x - C⁻¹Ax with C >= A."""

    def __init__(self, rates, curvatures, turn):
        self.observed = turn @ np.diag(curvatures) @ turn.T
        self.shares = turn @ np.diag(1 - np.asarray(rates)) @ turn.T  # C⁻¹A

    def at(self, x):
        score = -self.observed @ x
        return Here(x, self.left(x) * -1, -self.shares @ x, score)

    def left(self, x):
        return float(x @ self.observed @ x) / 2


@given(rate=st.floats(0.0, 0.9999), start=st.floats(0.1, 1e3), curvature=st.floats(1e-3, 1e6))
def test_one_slow_direction_is_estimated_exactly(rate, start, curvature):
    hill = Hill([rate], [curvature], np.eye(1))
    x = np.array([start])
    progress, here = Progress(), hill.at(x)
    for _ in range(2):
        there = hill.at(here.x + here.em_step)
        progress, here = progress.after(here, there, 1e-300, em=True), there
    if hill.left(here.x) > 1e-200:
        assert progress.em_rate == pytest.approx(rate, rel=1e-6, abs=1e-6)
        estimate = progress.remaining(here, float("nan"), 1e-300)
        assert estimate == pytest.approx(hill.left(here.x), rel=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_estimate_is_seldom_far_below_what_is_left(seed):
    rng = np.random.default_rng(seed)
    d = 4
    rates = np.sort(rng.uniform(0, 0.99, size=d))
    curvatures = np.full(d, 10.0 ** rng.uniform(-2, 4))  # so that EM and A share their axes
    hill = Hill(rates, curvatures, np.linalg.qr(rng.normal(size=(d, d)))[0])
    x = rng.normal(size=d)
    progress, here = Progress(), hill.at(x)
    for _ in range(300):
        there = hill.at(here.x + here.em_step)
        progress, here = progress.after(here, there, 1e-9, em=True), there
        left = hill.left(here.x)
        if left < 1e-9:
            break
        # rates rise to the slowest from below; while they rise, they are followed beyond
        estimate = progress.remaining(here, float("nan"), 1e-9)
        rise = np.diff(progress.rates[-2:], prepend=0.0)[-1]
        if len(progress.rates) > 1 and rise <= SETTLED * (1 - progress.rates[-1]):
            assert estimate <= 1.001 * left / (1 - rates[-1])
        elif len(progress.rates) > 1:
            assert estimate >= here.em_gain / (1 - progress.em_rate)
    if left > 1e-9 and progress.plain > 200:
        assert progress.remaining(here, float("nan"), 1e-9) >= 0.5 * left


def test_the_largest_recent_rate_counts():
    here = [Here(np.zeros(1), 0.0, np.ones(1), np.full(1, 2 * gain)) for gain in (8, 6, 1, 0.16)]
    progress = Progress()
    for before, after in pairwise(here):
        progress = progress.after(before, after, 1e-9, em=True)
    assert progress.em_rate == pytest.approx(np.sqrt(6 / 8))
    assert progress.remaining(here[-1], 0.0, 1e-9) == pytest.approx(0.16 / (1 - np.sqrt(6 / 8)))


def test_only_the_last_pairs_are_kept():
    a, b = (Here(np.zeros(1), 0.0, np.ones(1), np.full(1, g)) for g in (2.0, 1.0))
    progress = Progress().after(a, b, 1e-9, em=True)
    fast = Here(np.zeros(1), 0.0, np.ones(1), np.full(1, 0.02))
    for _ in range(PAIRS):
        progress = progress.after(a, fast, 1e-9, em=True)
    assert len(progress.rates) == PAIRS
    assert progress.em_rate == pytest.approx(0.1)


def test_a_rate_of_one_or_more_means_no_end_in_sight():
    slow, fast = (Here(np.zeros(1), 0.0, np.ones(1), np.full(1, g)) for g in (1.0, 2.0))
    progress = Progress().after(slow, fast, 1e-9, em=True)
    assert progress.remaining(fast, 0.0, 1e-9) == np.inf
    assert Progress().remaining(fast, 0.0, 1e-9) == np.inf  # nothing known yet


def test_the_accelerators_own_prediction_counts_if_it_is_larger():
    a, b = (Here(np.zeros(1), 0.0, np.ones(1), np.full(1, g)) for g in (2.0, 0.02))
    progress = Progress().after(a, b, 1e-9, em=True)
    alone = progress.remaining(b, float("nan"), 1e-9)
    assert progress.remaining(b, 100 * alone, 1e-9) == 100 * alone
    assert progress.remaining(b, alone / 100, 1e-9) == alone
    assert progress.remaining(b, np.inf, 1e-9) == alone  # the method knows nothing yet


def test_an_accelerated_step_ends_a_row_of_plain_ones():
    a, b = (Here(np.zeros(1), 0.0, np.ones(1), np.full(1, g)) for g in (2.0, 1.0))
    progress = Progress(confirming=CONFIRMATIONS)
    for n in range(1, CONFIRMATIONS + 1):
        progress = progress.after(a, b, 1e-9, em=True)
        assert (progress.plain, progress.confirming) == (n, CONFIRMATIONS - n)
    assert progress.after(a, b, 1e-9, em=True).confirming == 0
    assert progress.after(a, b, 1e-9, em=False).plain == 0


def test_rates_that_still_rise_are_followed_to_their_limit():
    # 0.5, 0.7, 0.8: the rise halves, so the limit is 0.9
    gains = np.cumprod([1.0, 0.5**2, 0.7**2, 0.8**2])
    here = [Here(np.zeros(1), 0.0, np.ones(1), np.full(1, 2 * gain)) for gain in gains]
    progress = Progress()
    for before, after in pairwise(here):
        progress = progress.after(before, after, 1e-9, em=True)
    assert progress.em_rate == pytest.approx(0.8)
    estimate = progress.remaining(here[-1], float("nan"), 1e-9)
    assert estimate == pytest.approx(gains[-1] / (1 - 0.9))
    # and where the rise grows there is no limit in sight
    faster = here[-1]._replace(score=here[-1].score * 0.95**2)
    assert progress.after(here[-1], faster, 1e-9, em=True).remaining(faster, 0.0, 1e-9) == np.inf


def test_confirmations_are_asked_for_ever_more_rarely():
    a, b = (Here(np.zeros(1), 0.0, np.ones(1), np.full(1, g)) for g in (2.0, 1.0))
    progress, waits = Progress(), []
    for _ in range(6):
        progress = progress.confirm()
        for _ in range(CONFIRMATIONS):
            progress = progress.after(a, b, 1e-9, em=True)
        assert progress.confirming == 0
        waited = 0
        progress = progress.after(a, b, 1e-9, em=False)
        while not progress.confirm().confirming:
            progress, waited = progress.after(a, b, 1e-9, em=False), waited + 1
        waits.append(waited + 1)
    assert waits == [1, 2, 4, 8, LONGEST_WAIT, LONGEST_WAIT]


@given(rate=st.floats(0.5, 0.9999), length=st.floats(1e-3, 1e3))
def test_a_step_of_any_kind_shows_the_rate_along_it(rate, length):
    hill = Hill([0.1, rate], [1.0, 1.0], np.eye(2))
    before, after = hill.at(np.array([0.0, -length])), hill.at(np.array([0.0, length]))
    progress = Progress().after(before, after, 1e-9, em=False)
    assert progress.em_rate == pytest.approx(rate, rel=1e-9)
