"""The sequential Monte Carlo test, run on uniform p-values."""

import numpy as np
import pytest

from latentia.engine.selection.sequential import enough_exceedances, p_value


@pytest.mark.parametrize("replicates", [19, 20, 50, 99, 100, 137, 199, 999])
@pytest.mark.parametrize("level", [0.05, 0.1, 0.29])
def test_stopping_never_changes_the_decision(replicates, level):
    enough = enough_exceedances(replicates, level)
    for made in range(enough, replicates):
        assert p_value(enough, made, replicates) > level
    assert p_value(enough, replicates, replicates) > level
    # and one fewer may still be a rejection, or the whole run's p-value cannot be hit
    assert (enough - 1) / (replicates + 1) <= level


def test_p_values_of_stopped_runs_are_valid_under_the_null():
    # P(p <= a) <= a (Besag & Clifford 1991): the statistic and its replicates are exchangeable
    rng = np.random.default_rng(0)
    runs, replicates = 20_000, 99
    exceeds = rng.random((runs, replicates)) >= rng.random((runs, 1))
    so_far = exceeds.cumsum(axis=1)
    enough = enough_exceedances(replicates, 0.05)
    found, made = [], []
    for row in so_far:
        hit = int(np.searchsorted(row, enough)) + 1
        n = min(hit, replicates)
        made.append(n)
        found.append(p_value(int(row[n - 1]), n, replicates))
    for a in (0.01, 0.05, 0.1, 0.3, 0.6):
        share = np.mean(np.array(found) <= a + 1e-12)
        assert share <= a + 3 * np.sqrt(a * (1 - a) / runs)
        if a <= 0.05:  # no power is lost where it matters
            assert share >= a - 3 * np.sqrt(a * (1 - a) / runs)
    assert np.mean(made) < 25  # h (1 + ln(B / h)) = 20 replicates instead of 99, about


def test_too_few_replicates_are_refused():
    assert enough_exceedances(19, 0.05) == 1
    with pytest.raises(ValueError, match=r"cannot reach level 0\.05; expected at least 19"):
        enough_exceedances(18, 0.05)
    with pytest.raises(ValueError, match="got level=1"):
        enough_exceedances(99, 1)
