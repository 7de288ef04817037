"""Merging components: the best pair by brute force, what a hierarchy must be, and refusals."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import xlogy

from latentia.mixture.merging import Merge, Merging, merge_components


class Known:
    """Stands for a fitted mixture with these memberships."""

    def __init__(self, resp):
        self.resp = np.asarray(resp, dtype=float)

    def predict_proba(self, X):
        return self.resp[np.asarray(X, dtype=int).ravel()]


def memberships(n=200, k=5, seed=0, sharp=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(k, 1 / sharp), size=n)


def entropy(resp, weights=1.0):
    return float(-(xlogy(resp, resp).sum(axis=1) * weights).sum())


@pytest.mark.parametrize("seed", range(5))
def test_each_merge_is_the_best_of_all_pairs(seed):
    resp = memberships(seed=seed, sharp=3.0)
    merging = merge_components(Known(resp), np.arange(len(resp)))
    for n_clusters in range(resp.shape[1], 1, -1):
        now = merging.probabilities(resp, n_clusters)
        heights = []
        for a, b in combinations(range(n_clusters), 2):
            rest = [c for c in range(n_clusters) if c not in (a, b)]
            heights.append(entropy(np.column_stack([now[:, rest], now[:, a] + now[:, b]])))
        reached = merging.entropies[resp.shape[1] - n_clusters + 1]
        assert reached == pytest.approx(min(heights), abs=1e-9)
        assert entropy(merging.probabilities(resp, n_clusters - 1)) == pytest.approx(
            reached, abs=1e-9
        )


def test_a_hierarchy_of_partitions():
    resp = memberships(k=7)
    merging = merge_components(Known(resp), np.arange(len(resp)))
    coarser = None
    for n_clusters in range(1, 8):
        groups = merging.groups(n_clusters)
        assert sorted(sum(groups, ())) == list(range(7))
        if coarser is not None:
            assert all(any(set(group) <= set(large) for large in coarser) for group in groups)
        coarser = groups
    assert (np.diff(merging.entropies) <= 1e-12).all()
    assert merging.entropies[-1] == pytest.approx(0, abs=1e-9)


def test_weights_count_as_repeated_rows():
    resp = memberships(n=60)
    times = np.random.default_rng(1).integers(0, 4, size=60)
    weighted = merge_components(Known(resp), np.arange(60), sample_weight=times)
    repeated = merge_components(Known(resp), np.repeat(np.arange(60), times))
    assert weighted.groups(3) == repeated.groups(3)
    np.testing.assert_allclose(weighted.entropies, repeated.entropies, rtol=1e-12, atol=1e-12)


def test_components_that_overlap_are_merged_and_the_bend_is_found():
    rng = np.random.default_rng(0)
    cluster = rng.integers(3, size=900)
    resp = np.zeros((900, 7))
    for c, members in enumerate([(0, 1, 2), (3, 4), (5, 6)]):
        here = cluster == c
        resp[np.ix_(here, members)] = rng.dirichlet(np.full(len(members), 3.0), size=here.sum())
    resp = 0.999 * resp + 0.001 / 7
    merging = merge_components(Known(resp), np.arange(900))
    assert merging.groups(3) == ((0, 1, 2), (3, 4), (5, 6))
    assert merging.suggested() == 3


def test_one_component_has_nothing_to_merge():
    merging = merge_components(Known(np.ones((4, 1))), np.arange(4))
    assert merging.groups(1) == ((0,),)
    assert merging.suggested() == 1
    with pytest.raises(ValueError, match="n_clusters=2, expected a whole number from 1 to 1"):
        merging.groups(2)


def test_four_points_have_a_bend_and_three_have_none():
    steep = Merge((0,), (1,), 40.0, 10.0)
    flat = [Merge((0, 1), (2,), 39.0, 10.0), Merge((0, 1, 2), (3,), 38.0, 10.0)]
    assert Merging(4, 90.0, (steep, *flat)).suggested() == 3
    assert Merging(3, 90.0, (steep, flat[0])).suggested() == 3
    straight = (Merge((0,), (1,), 60.0, 10.0), Merge((0, 1), (2,), 30.0, 10.0))
    assert Merging(4, 90.0, (*straight, Merge((0, 1, 2), (3,), 0.0, 10.0))).suggested() == 4
