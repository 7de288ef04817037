"""Trees that fits of one sample share."""

import numpy as np
import pytest

from latentia.data.arrays import Rows
from latentia.mixture import trees
from latentia.mixture.agglomerate import agglomerate


@pytest.mark.parametrize("criterion", ["VVV", "EII"])
def test_they_are_the_trees_that_are_asked_for(criterion):
    for seed in range(6):  # more than are kept
        x = np.random.default_rng(seed).normal(size=(90, 2))
        sample = Rows.of(x, 1.0 + np.arange(90) % 3)
        for k in (3, 70, 5):
            expected = agglomerate(x, sample.weights, k, criterion).labels(k)
            np.testing.assert_array_equal(trees.tree(sample, k, criterion).labels(k), expected)
    assert len(trees._trees) <= trees.KEPT


def test_what_is_kept_is_used_and_other_rows_are_others():
    sample = Rows.of(np.random.default_rng(0).normal(size=(50, 2)))
    assert trees.tree(sample, 2, "VVV") is trees.tree(Rows.of(sample.x.copy()), 9, "VVV")
    assert trees.tree(sample, 2, "EII") is not trees.tree(sample, 2, "VVV")
    weighted = sample.reweight(np.arange(1.0, 51.0))
    assert trees.tree(weighted, 2, "VVV") is not trees.tree(sample, 2, "VVV")


def test_few_rows_have_small_trees():
    sample = Rows.of(np.repeat([[0.0], [1.0], [5.0]], 4, axis=0))
    made = trees.tree(sample, 2, "VVV")
    assert made is trees.tree(sample, 3, "VVV")
    assert made.labels(2).tolist() == [0] * 8 + [1] * 4
