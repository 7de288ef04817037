"""Held-out log-likelihoods."""

import numpy as np
import pytest
from scipy.stats import poisson
from tests.engine.models import DEATHS
from tests.engine.selection.poissons import Poissons

from latentia import EM, GaussianMixture, datasets
from latentia.data.arrays import Rows, RowSource
from latentia.engine import Status
from latentia.engine.selection import cross_validate
from latentia.engine.space import DegenerateError

COUNTS = DEATHS.weights.astype(int)
DEATHS_ALONE = Rows(np.repeat(DEATHS.x, COUNTS, axis=0), np.ones(COUNTS.sum()))


def test_leaving_one_out_by_hand():
    x = np.array([0.0, 2, 3, 3, 7])
    found = cross_validate(Poissons(1), Rows.of(x), EM(tol=1e-9), 0, folds=5)
    by_hand = [poisson.logpmf(x[i], np.delete(x, i).mean()) for i in range(5)]
    np.testing.assert_allclose(np.sort(found.logliks), np.sort(by_hand), rtol=1e-9)
    assert found.loglik == pytest.approx(sum(by_hand))
    assert found.mean == pytest.approx(np.mean(by_hand))
    # folds of one unit each: the standard error of a mean of five numbers
    assert found.standard_error == pytest.approx(np.std(by_hand, ddof=1) / np.sqrt(5))
    assert found.statuses == (Status.CONVERGED,) * 5


def test_weights_multiply_and_units_stay_whole():
    x, w = np.array([0.0, 2, 3, 9]), np.array([1.0, 3, 2, 0.5])
    found = cross_validate(Poissons(1), Rows.of(x, w), EM(tol=1e-9), 0, folds=4)
    by_hand = [
        w[i] * poisson.logpmf(x[i], np.average(np.delete(x, i), weights=np.delete(w, i)))
        for i in range(4)
    ]
    np.testing.assert_allclose(np.sort(found.logliks), np.sort(by_hand), rtol=1e-9)
    assert sorted(found.n_units) == sorted(w)


@pytest.mark.parametrize("folds", [2, 5])
def test_counts_are_replication(folds):
    em = EM(tol=1e-9)
    counted = cross_validate(Poissons(2), DEATHS, em, 3, folds, counts=COUNTS)
    repeated = cross_validate(Poissons(2), DEATHS_ALONE, em, 3, folds)
    np.testing.assert_array_equal(counted.n_units, repeated.n_units)
    np.testing.assert_allclose(counted.logliks, repeated.logliks, atol=1e-4)
    assert counted.n_units.max() - counted.n_units.min() <= 1


def test_chunks_do_not_matter():
    em = EM(tol=1e-9)
    whole = cross_validate(Poissons(2), DEATHS_ALONE, em, 3)
    parts = cross_validate(Poissons(2), RowSource(DEATHS_ALONE, block=300), em, 3)
    np.testing.assert_allclose(parts.logliks, whole.logliks, atol=1e-4)
    # a chunk of which nothing is left to train on is left out
    tiny = Rows.of([0.0, 2, 3, 3])
    parts = cross_validate(Poissons(1), RowSource(tiny, block=1), em, 0, folds=4)
    whole = cross_validate(Poissons(1), tiny, em, 0, folds=4)
    np.testing.assert_allclose(parts.logliks, whole.logliks)


def test_two_poissons_foretell_better_than_one_and_three_no_better_than_two():
    one, two, three = (
        cross_validate(Poissons(k), DEATHS, EM(starts=2), 0, counts=COUNTS) for k in (1, 2, 3)
    )
    gain, error = two.difference(one)
    assert gain == pytest.approx(two.mean - one.mean)
    assert gain > 0
    assert abs(three.difference(two)[0]) < gain / 4
    assert 0 < error < two.standard_error  # pairing takes out what the folds have in common
    with pytest.raises(ValueError, match="got other folds"):
        two.difference(cross_validate(Poissons(1), DEATHS, EM(), 0, folds=4, counts=COUNTS))


def test_only_the_same_folds_are_compared():
    x = np.array([0.0, 2, 3, 3, 7, 4])
    em = EM(tol=1e-9)
    one = cross_validate(Poissons(1), Rows.of(x), em, 0, folds=3)
    again = cross_validate(Poissons(1), Rows.of(x), em, 0, folds=3)
    assert one.difference(again) == (0.0, 0.0)
    # cut otherwise the units and their folds are the same
    cut = cross_validate(Poissons(1), RowSource(Rows.of(x), block=4), em, 0, folds=3)
    assert one.difference(cut)[0] == pytest.approx(0)
    others = [
        cross_validate(Poissons(1), Rows.of(x), em, 1, folds=3),  # dealt otherwise
        cross_validate(Poissons(1), Rows.of(x + 1), em, 0, folds=3),  # other data
        cross_validate(Poissons(1), Rows.of(x[::-1]), em, 0, folds=3),  # in another order
    ]
    for other in others:
        np.testing.assert_array_equal(other.n_units, one.n_units)
        with pytest.raises(ValueError, match="got other folds, expected those of the same data"):
            one.difference(other)


def test_a_gaussian_mixture_by_its_own_score():
    x = datasets.load("faithful").values
    mixture = GaussianMixture(2, random_state=0).fit(x)
    model = mixture._model(mixture._frame)
    found = cross_validate(model, RowSource(Rows.of(x)), EM(tol=1e-8), 0, folds=4)
    fold = np.random.default_rng(0).spawn(1)[0].permutation(np.arange(272) % 4)
    by_hand = [
        GaussianMixture(2, random_state=0, em=EM(tol=1e-8))
        .fit(x[fold != i])
        .score_samples(x[fold == i])
        .sum()
        for i in range(4)
    ]
    np.testing.assert_allclose(found.logliks, by_hand, atol=1e-2)


class Collapsing(Poissons):
    """Cannot do without the largest count."""

    def m_step(self, suff, params):
        if suff.stats.total.sum() < 11:
            raise DegenerateError("too few deaths")
        return super().m_step(suff, params)


def test_a_fold_whose_fit_collapsed_is_nan():
    found = cross_validate(Collapsing(1), Rows.of([1.0, 2, 2, 9]), EM(), 0, folds=4)
    assert np.isnan(found.logliks).sum() == 1
    assert found.statuses.count(Status.DEGENERATE) == 1
    assert np.isnan(found.mean)


@pytest.mark.parametrize(
    ("n", "folds", "counts", "sentence"),
    [
        (3, 5, None, "got 3 units, expected at least one for each of the 5 folds"),
        (1, 2, None, "got 1 unit, expected at least one for each of the 2 folds"),
        (3, 1, None, "got folds=1, expected a whole number of at least 2"),
        (3, 2, [1, 2], "got counts of shape .2,., expected 3 whole numbers"),
        (3, 2, [1, 2, 0.5], "expected 3 whole numbers of at least 1"),
    ],
)
def test_what_cannot_be_held_out_is_refused(n, folds, counts, sentence):
    with pytest.raises(ValueError, match=sentence):
        cross_validate(Poissons(1), Rows.of(np.arange(n)), EM(), 0, folds, counts=counts)


def test_folds_are_a_whole_number():
    with pytest.raises(TypeError, match=r"got folds=2\.5, expected a whole number of at least 2"):
        cross_validate(Poissons(1), Rows.of(np.arange(9)), EM(), 0, 2.5)
