"""Rows of any kind as numbers for first guesses."""

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from latentia.data.arrays import Rows
from latentia.mixture import start
from latentia.mixture.start_general import GeneralGuesses, features

RNG = np.random.default_rng(0)
NUMBERS = RNG.lognormal(0, 2, size=(200, 2)) * [1, 1e6]
CODES = RNG.integers(0, 3, size=200).astype(float)
X = np.column_stack([NUMBERS, CODES])
ONES = np.ones(200)


def test_columns_have_mean_zero_and_variance_one_codes_together():
    for ranks in (False, True):
        made = features(X, ONES, (2,), ranks)
        assert made.shape == (200, 5)
        np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(made[:, :2].var(axis=0), 1)
        assert made[:, 2:].var(axis=0).sum() == pytest.approx(1)


def test_ranks_are_normal_scores():
    made = features(NUMBERS, ONES, ranks=True)
    scores = norm.ppf((rankdata(NUMBERS[:, 0]) - 0.5) / 200)
    assert np.corrcoef(made[:, 0], scores)[0, 1] == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(made, features(np.log(NUMBERS), ONES, ranks=True))


def test_missing_and_infinite_cells_stand_at_the_mean():
    holes = X.copy()
    holes[::3, 0], holes[1::3, 1], holes[2::3, 2] = np.nan, np.inf, np.nan
    for ranks in (False, True):
        made = features(holes, ONES, (2,), ranks)
        assert np.isfinite(made).all()
        assert (made[::3, 0] == 0).all()
        assert (made[1::3, 1] == 0).all()
        assert (made[2::3, 2:] == 0).all()
    np.testing.assert_array_equal(features(np.full((4, 2), np.nan), np.ones(4)), np.zeros((4, 2)))


@pytest.mark.parametrize("ranks", [False, True])
def test_weights_are_replication(ranks):
    times = RNG.integers(1, 4, size=200)
    weighted = features(X, times.astype(float), (2,), ranks)
    repeated = features(np.repeat(X, times, axis=0), np.ones(times.sum()), (2,), ranks)
    np.testing.assert_allclose(np.repeat(weighted, times, axis=0), repeated, atol=1e-9)


def test_units_do_not_matter():
    np.testing.assert_allclose(features(NUMBERS, ONES), features(NUMBERS * 1e200 / 7, ONES))
    assert (features(np.full((5, 1), 3.0), np.ones(5)) == 0).all()


@pytest.mark.parametrize("method", [*start.METHODS, *start.PORTFOLIO])
def test_every_method_makes_memberships(method):
    for resp in GeneralGuesses(3, method, (2,))(Rows.of(X), np.random.default_rng(0)):
        assert resp.shape == (200, 3)
        np.testing.assert_allclose(resp.sum(axis=1), 1)


def test_k_means_also_sees_ranks():
    x = np.concatenate([RNG.lognormal(0, 1, 100), RNG.lognormal(5, 1, 100)])[:, None]
    truth = np.repeat([0, 1], 100)
    found = GeneralGuesses(2, "kmeans")(Rows.of(x), np.random.default_rng(0))
    agreement = [max((r.argmax(1) == truth).mean(), (r.argmax(1) != truth).mean()) for r in found]
    assert max(agreement) > 0.95
    assert min(agreement) < 0.8
