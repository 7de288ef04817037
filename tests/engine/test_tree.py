"""Trees: leaves, names, and sums whose bits depend on the number of parts alone."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentia.engine import Suff, tree


class Inner(NamedTuple):
    means: Any
    spread: Any


class Outer(NamedTuple):
    weights: Any
    components: Inner


def _tree(rng):
    return Outer(rng.normal(size=3), Inner(rng.normal(size=(3, 2)), rng.normal()))


def test_names_are_dotted_paths_in_the_order_of_the_leaves():
    made = Outer("w", Inner("m", "s"))
    assert tree.names(made) == ["weights", "components.means", "components.spread"]
    assert tree.leaves(made) == ["w", "m", "s"]


def test_none_is_a_leaf():
    made = Outer(None, Inner(1.0, None))
    assert tree.leaves(made) == [None, 1.0, None]
    assert tree.names(made) == ["weights", "components.means", "components.spread"]


def test_rebuild_is_the_inverse_of_leaves():
    made = _tree(np.random.default_rng(0))
    back = tree.rebuild(made, tree.leaves(made))
    assert type(back) is Outer
    assert type(back.components) is Inner
    assert all(a is b for a, b in zip(tree.leaves(back), tree.leaves(made), strict=True))


def test_add_and_scale_work_leaf_by_leaf():
    rng = np.random.default_rng(0)
    a, b = _tree(rng), _tree(rng)
    got = tree.add(tree.scale(a, 2.5), b)
    for x, y, z in zip(tree.leaves(got), tree.leaves(a), tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, 2.5 * y + z)


def test_a_filled_tree_has_the_shapes_of_the_other():
    made = _tree(np.random.default_rng(0))
    full = tree.filled(made, np.nan)
    assert tree.alike(full, made)
    assert all(np.isnan(leaf).all() for leaf in tree.leaves(full))


def test_transform_refuses_trees_of_different_structure():
    with pytest.raises(ValueError, match="Inner"):
        tree.add(Outer(1.0, Inner(1.0, 1.0)), Inner(1.0, 1.0))


def _pairwise(parts):
    """The definition: neighbours first, then neighbours of those; an odd one waits."""
    if len(parts) == 1:
        return parts[0]
    halves = [parts[i : i + 2] for i in range(0, len(parts), 2)]
    return _pairwise([pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in halves])


@given(hnp.arrays(float, st.integers(1, 40), elements=st.floats(-1e12, 1e12)))
def test_the_order_of_a_sum_is_that_of_a_binary_tree_over_positions(values):
    got = tree.reduce_in_order([Suff(v, 1.0, 1.0, Inner(v, np.array([v, -v]))) for v in values])
    assert got.loglik == _pairwise(list(values))
    assert got.n_units == len(values)
    assert got.stats.means == -got.stats.spread[1] == got.loglik


@given(hnp.arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6)))
def test_the_sum_is_the_sum(values):
    got = tree.reduce_in_order([Inner(v, 0.0) for v in values])
    assert got.means == pytest.approx(np.sum(values), rel=1e-12, abs=1e-7)


def test_parts_are_not_changed():
    parts = [Inner(np.ones(2), np.ones(2)) for _ in range(5)]
    tree.reduce_in_order(parts)
    assert all((part.means == 1).all() for part in parts)


def test_nothing_to_add_is_said():
    with pytest.raises(ValueError, match="no statistics"):
        tree.reduce_in_order([])
