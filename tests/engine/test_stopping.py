"""The stopping rule on hills whose remaining gain is known."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.engine.accelerate import Here
from latentia.engine.stopping import CONFIRMATIONS, PAIRS, Progress


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
        # rates rise to the slowest from below, so the estimate does too
        assert progress.remaining(here, float("nan"), 1e-9) <= 1.001 * left / (1 - rates[-1])
    if left > 1e-9 and progress.plain > 200:
        assert progress.remaining(here, float("nan"), 1e-9) >= 0.5 * left


def test_the_largest_recent_rate_counts():
    here = [Here(np.zeros(1), 0.0, np.ones(1), np.full(1, 2 * gain)) for gain in (8, 6, 1, 0.5)]
    progress = Progress()
    for before, after in pairwise(here):
        progress = progress.after(before, after, 1e-9, em=True)
    assert progress.em_rate == pytest.approx(np.sqrt(6 / 8))
    assert progress.remaining(here[-1], 0.0, 1e-9) == pytest.approx(0.5 / (1 - np.sqrt(6 / 8)))


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
