"""First guesses of lines: found without noise, weights as repeats, groups as wholes."""

import numpy as np
import pytest

from latentia.data.arrays import Rows, RowSource
from latentia.families.regression import GaussianRegression, PoissonRegression
from latentia.mixture.groups import grouped
from latentia.regression.start import KEPT, LineGuesses

LABEL = np.repeat([0, 1, 1], 40)
X = np.random.default_rng(0).uniform(-1, 1, 120)
ROWS = np.column_stack([np.ones(120), X, np.zeros(120), np.where(LABEL == 0, 3 - 2 * X, X - 4)])


def guesses(rows, k=2, method="lines", seed=0, family=None, skip=0):
    family = GaussianRegression(k, 2) if family is None else family
    return LineGuesses(family, k, skip, method)(rows, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_lines_without_noise_are_found_and_numbered_by_size(seed):
    first = guesses(Rows.of(ROWS), seed=seed)[0]
    np.testing.assert_array_equal(first.argmax(axis=1), 1 - LABEL)


def test_responses_are_taken_on_the_scale_of_the_predictor():
    rows = ROWS.copy()
    rows[:, -1] = np.round(np.exp(6 + 0.3 * ROWS[:, -1]))
    first = guesses(Rows.of(rows), family=PoissonRegression(2, 2))[0]
    np.testing.assert_array_equal(first.argmax(axis=1), 1 - LABEL)


def test_covariates_of_the_weights_are_left_out():
    rows = np.column_stack([np.arange(120.0), ROWS])
    first = guesses(Rows.of(rows), skip=1)[0]
    np.testing.assert_array_equal(first.argmax(axis=1), 1 - LABEL)


def test_groups_are_units():
    rng = np.random.default_rng(1)
    noisy = ROWS + [0, 0, 0, 1] * rng.normal(0, 3, (120, 1))
    rows, group = grouped(noisy, np.ones(120), np.arange(120) // 10)
    first = guesses(rows)[0]
    assert first.shape == (12, 2)
    assert (first[group].argmax(axis=1) == 1 - LABEL).mean() > 0.9


def test_starts_are_by_turns_of_either_kind():
    made = [guesses(Rows.of(ROWS), method="alternate", seed=seed)[0] for seed in range(20)]
    certain = sum(bool(np.isin(resp, [0, 1]).all()) for resp in made)
    assert 4 < certain < 16


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("method", ["lines", "random", "alternate"])
def test_guesses_are_memberships(k, method):
    made = guesses(Rows.of(ROWS), k, method)
    assert 1 <= len(made) <= KEPT
    for resp in made:
        assert resp.shape == (120, k)
        np.testing.assert_allclose(resp.sum(axis=1), 1)
        assert (np.diff(resp.sum(axis=0)) <= 1e-9).all() or method != "lines"


def test_fewer_rows_than_a_line_has_coefficients():
    for n in (1, 2, 3):
        assert np.isfinite(guesses(Rows.of(ROWS[:n]), 3)).all()


def test_many_rows_are_all_given_a_line():
    rows = np.repeat(ROWS, 40, axis=0)
    rows[:, -1] += 1e-6 * np.arange(len(rows))
    first = guesses(Rows.of(rows))[0]
    np.testing.assert_array_equal(first.argmax(axis=1), np.repeat(1 - LABEL, 40))


def test_weights_are_replication():
    times = np.random.default_rng(2).integers(1, 4, 120)
    repeated = RowSource(Rows.of(np.repeat(ROWS, times, axis=0)))
    weighted = RowSource(Rows.of(ROWS, times.astype(float)))
    made = [guesses(s.sample(np.random.default_rng(0)), 3) for s in (repeated, weighted)]
    for a, b in zip(*made, strict=True):
        np.testing.assert_array_equal(a, b)
