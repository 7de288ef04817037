"""Hierarchical clustering beside SciPy and brute force, and what must not change its result."""

import itertools

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score

from latentia.mixture import agglomerate as room
from latentia.mixture.agglomerate import CRITERIA, agglomerate, scaled

every_criterion = pytest.mark.parametrize("criterion", CRITERIA)


def blobs(n, d, seed=0):
    rng = np.random.default_rng(seed)
    means, roots = 2 * rng.normal(size=(4, d)), rng.normal(size=(4, d, d)) / 2
    z = rng.integers(4, size=n)
    return means[z] + np.einsum("nij,nj->ni", roots[z], rng.normal(size=(n, d)))


def same(left, right):
    return adjusted_rand_score(left, right) == 1


def gaussian_term(x, weights, alpha):
    """A cluster's term of the criterion as its formula stands, of rows that differ."""
    n = weights.sum()
    apart = x - weights @ x / n
    within = apart.T @ (weights[:, None] * apart)
    determinant = np.linalg.det(within / n) if len(x) > x.shape[1] > 1 else 0.0
    return n * np.log(determinant + (np.trace(within) + alpha) / n)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (300, 2), (1500, 5), (200, 12)])
def test_ward_is_scipys(n, d):
    x = blobs(n, d)
    merges = agglomerate(x, None, n, "EII", scale=False)
    tree = linkage(x, "ward")
    np.testing.assert_allclose(merges.heights, tree[:, 2] ** 2 / 2, rtol=1e-9, atol=1e-12)
    for k in range(1, min(n, 40) + 1):
        assert same(merges.labels(k), fcluster(tree, k, "maxclust"))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_each_gaussian_merge_is_the_best_of_all_pairs(d):
    n = 25
    x, weights = blobs(n, d), np.random.default_rng(1).integers(1, 4, size=n).astype(float)
    centred = x - np.average(x, axis=0, weights=weights)
    alpha = np.average(centred**2, axis=0, weights=weights).mean()
    merges = agglomerate(x, weights, n, scale=False)

    def term(rows):
        return gaussian_term(x[rows], weights[rows], alpha)

    for k in range(n, 1, -1):
        now, then = merges.labels(k), merges.labels(k - 1)
        terms = [term(now == a) for a in range(k)]
        costs = [
            term((now == a) | (now == b)) - terms[a] - terms[b]
            for a, b in itertools.combinations(range(k), 2)
        ]
        reached = sum(term(then == a) for a in range(k - 1)) - sum(terms)
        assert reached == pytest.approx(min(costs), abs=1e-9)
        assert merges.heights[n - k] == pytest.approx(reached, abs=1e-9)


@every_criterion
def test_partitions_are_nested_and_numbered_by_weight(criterion):
    x, weights = blobs(300, 3), np.random.default_rng(1).uniform(0.5, 3, size=300)
    merges = agglomerate(x, weights, 12, criterion)
    for k in range(1, 13):
        labels = merges.labels(k)
        weight = np.bincount(labels, weights=weights)
        assert len(weight) == k
        assert (np.diff(weight) <= 0).all()
        if k > 1:
            coarser = merges.labels(k - 1)
            assert len(np.unique(np.stack([labels, coarser]), axis=1).T) == k


@every_criterion
def test_a_finer_tree_has_the_same_upper_part(criterion):
    x = blobs(200, 3)
    coarse, fine = agglomerate(x, None, 6, criterion), agglomerate(x, None, 200, criterion)
    np.testing.assert_array_equal(coarse.heights, fine.heights[-5:])
    for k in range(1, 7):
        np.testing.assert_array_equal(coarse.labels(k), fine.labels(k))


@pytest.fixture
def few_at_once(monkeypatch):
    """Ward's criterion makes 60 clusters first."""
    monkeypatch.setattr(room, "EXACT", 60)


@every_criterion
@pytest.mark.parametrize("first", ["rows", "clusters"])
def test_weights_are_replication_and_order_does_not_matter(criterion, first, request):
    if first == "clusters":
        request.getfixturevalue("few_at_once")
    rng = np.random.default_rng(2)
    x = np.round(blobs(200, 3), 1)  # with ties
    weights = rng.integers(0, 4, size=len(x))
    once = agglomerate(x, weights, 8, criterion)
    copies = np.repeat(np.arange(len(x)), weights)
    shuffled = rng.permutation(copies)
    again = agglomerate(x[shuffled], None, 8, criterion)
    np.testing.assert_array_equal(once.heights, again.heights)
    for k in (2, 5, 8):
        np.testing.assert_array_equal(once.labels(k)[shuffled], again.labels(k))
    assert (once.labels(3)[weights == 0] == -1).all()


@every_criterion
def test_copies_stay_together(criterion):
    x = np.repeat([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.0, 5.2]], [50, 1, 2, 3], axis=0)
    merges = agglomerate(x, None, 9, criterion)
    assert same(merges.labels(4), np.repeat([0, 1, 2, 3], [50, 1, 2, 3]))
    assert same(merges.labels(2), np.repeat([0, 1], [51, 5]))
    with pytest.raises(ValueError, match="got k=5, expected 1 to 4"):
        merges.labels(5)


@every_criterion
def test_all_rows_alike(criterion):
    merges = agglomerate(np.full((7, 2), 3.0), None, 4, criterion)
    assert (merges.labels(1) == 0).all()


@every_criterion
def test_columns_that_say_nothing_new_change_nothing(criterion):
    x = blobs(150, 2)
    merges = agglomerate(x, None, 6, criterion)
    constant = agglomerate(np.column_stack([x, np.full(150, 7.0)]), None, 6, criterion)
    unit = agglomerate(x * [1e-6, 1e8] + [1e-3, 1e9], None, 6, criterion)
    for other in (constant, unit):
        assert all(same(merges.labels(k), other.labels(k)) for k in range(2, 7))


@every_criterion
def test_collinear_columns_leave_rank(criterion):
    x = blobs(150, 2)
    x = np.column_stack([x, x @ [1.0, -2.0]])
    assert scaled(x, np.ones(150)).shape == (150, 2)
    assert len(np.unique(agglomerate(x, None, 5, criterion).labels(5))) == 5


@pytest.mark.parametrize("n", [300, 4000])
def test_scaled_variances_are_roots_of_the_correlations_eigenvalues(n):
    x = blobs(n, 4)
    z = scaled(x, np.ones(n))
    found = np.cov(z.T) * np.sqrt(min(n, room.UNIT))
    roots = np.sqrt(np.sort(np.linalg.eigvalsh(np.corrcoef(x.T)))[::-1])
    np.testing.assert_allclose(found, np.diag(roots), rtol=0.01, atol=1e-12)


def test_clusters_first_find_what_rows_find(few_at_once):
    rng = np.random.default_rng(3)
    truth = np.repeat([0, 1, 2], [300, 200, 100])
    spread = np.array([[3.0, 0.2], [0.2, 3.0], [0.5, 0.5]])[truth]
    x = np.array([[0.0, 0.0], [25.0, 0.0], [0.0, 25.0]])[truth] + spread * rng.normal(size=(600, 2))
    assert same(agglomerate(x, None, 3).labels(3), truth)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"most": 0}, "got most=0"),
        ({"criterion": "EEE"}, "got criterion='EEE', expected one of VVV, EII"),
        ({"x": [[1.0], [np.nan]]}, "expected finite numbers"),
        ({"weights": [0.0, 0.0]}, "0 rows of positive weight"),
        ({"weights": [1.0]}, "one weight a row"),
    ],
)
def test_refusals(given, said):
    usual = {"x": [[1.0], [2.0]], "weights": None, "most": 2}
    with pytest.raises(ValueError, match=said):
        agglomerate(**{**usual, **given})
