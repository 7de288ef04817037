"""Forecasts and residuals of semi-Markov chains are ratios of likelihoods."""

import numpy as np
import pytest
from scipy import stats

from latentia import HiddenSemiMarkov

COUNTS = np.array([0, 1, 0, 7, 5, 9, 6, 0, 0, 1, 8, 6, 7, 1, 0, 2, 0, 6, 9, 7], dtype=float)[
    :, None
]


@pytest.fixture(scope="module", params=["poisson", "free"])
def model(request):
    made = HiddenSemiMarkov("poisson", 2, durations=request.param, n_init=1, random_state=0)
    return made.fit([COUNTS, COUNTS[3:]])


def test_forecasts_are_what_longer_sequences_score(model):
    ahead = model.forecast(COUNTS, steps=2)
    for first in (0.0, 6.0):
        longer = np.append(COUNTS, [[first]], axis=0)
        gained = model.score(longer) - model.score(COUNTS)
        assert np.log(ahead.density([first])[0, 0]) == pytest.approx(gained, abs=1e-9)
    skipped = np.append(COUNTS, [[np.nan], [3.0]], axis=0)
    gained = model.score(skipped) - model.score(COUNTS)
    assert np.log(ahead.density([3.0])[1, 0]) == pytest.approx(gained, abs=1e-9)
    both = model.forecast([COUNTS, COUNTS[:7]], steps=2)
    np.testing.assert_allclose(both.states[2:], model.forecast(COUNTS[:7], steps=2).states)
    with pytest.raises(ValueError, match="got steps=0"):
        model.forecast(COUNTS, steps=0)


def test_residuals_are_those_of_a_step_given_the_others(model):
    found = model.pseudo_residuals(COUNTS)
    for t in (0, 4, 9, 19):
        hidden = COUNTS.copy()
        hidden[t] = np.nan
        chances = []
        for x in np.arange(40.0):
            whole = COUNTS.copy()
            whole[t] = x
            chances.append(np.exp(model.score(whole) - model.score(hidden)))
        below = np.cumsum(chances)
        at = int(COUNTS[t, 0])
        assert found.upper[t, 0] == pytest.approx(below[at], abs=1e-9)
        assert found.upper[t, 0] - found.lower[t, 0] == pytest.approx(chances[at], abs=1e-9)


def test_residuals_are_normal_under_the_true_model(model):
    x, _ = model.sample(800, random_state=1)
    z = model.pseudo_residuals(x).randomised(random_state=0)[:, 0]
    assert stats.kstest(z, "norm").pvalue > 1e-3
