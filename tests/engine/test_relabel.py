"""Components matched: known permutations undone, two axes together, distances up to order."""

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import pytest

from latentia.engine.relabel import align, best_order, distance, permute
from latentia.engine.space import Fixed, Masked, Positive, Real, Simplex


class Mixture(NamedTuple):
    weights: Any
    means: Any
    scale: Any


class Chain(NamedTuple):
    start: Any
    transition: Any
    means: Any


MIXTURE = Mixture(Simplex(exchangeable=(0,)), Real(exchangeable=(0,)), Positive())
CHAIN = Chain(Simplex(exchangeable=(0,)), Simplex(exchangeable=(0, 1)), Real(exchangeable=(0,)))


def _mixture(k, seed=0):
    rng = np.random.default_rng(seed)
    return Mixture(rng.dirichlet(np.ones(k)), rng.normal(0, 3, (k, 2)), np.array(2.0))


def _chain(k, seed=0, apart=True):
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.ones(k), size=k)
    means = rng.normal(0, 3, k) if apart else np.zeros(k)
    start = rng.dirichlet(np.ones(k)) if apart else np.full(k, 1 / k)
    return Chain(start, transition, means)


def _near(params, seed, size):
    rng = np.random.default_rng(seed)
    moved = [np.abs(leaf + size * rng.normal(size=np.shape(leaf))) for leaf in params]
    return type(params)(*moved)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_every_renumbering_of_a_mixture_is_undone(k):
    here = _mixture(k)
    orders = list(permutations(range(k)))
    for order in orders if k <= 4 else orders[:: len(orders) // 20]:
        turned = permute(MIXTURE, here, np.array(order))
        back = align(MIXTURE, turned, here)
        for leaf, wanted in zip(back, here, strict=True):
            np.testing.assert_array_equal(leaf, wanted)
        assert distance(MIXTURE, turned, here) == 0


@pytest.mark.parametrize("k", [2, 3, 5, 7])
def test_every_renumbering_of_a_chain_is_undone(k):
    here = _chain(k)
    rng = np.random.default_rng(1)
    for _ in range(20):
        turned = permute(CHAIN, here, rng.permutation(k))
        back = align(CHAIN, turned, here)
        for leaf, wanted in zip(back, here, strict=True):
            np.testing.assert_array_equal(leaf, wanted)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_transitions_alone_tell_states_apart(k):
    here = _chain(k, apart=False)
    rng = np.random.default_rng(2)
    for _ in range(10):
        turned = permute(CHAIN, here, rng.permutation(k))
        np.testing.assert_array_equal(align(CHAIN, turned, here).transition, here.transition)


def test_both_axes_of_a_transition_move_together():
    here = Chain(np.array([0.8, 0.2]), np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0.0, 5.0]))
    turned = Chain(here.start[::-1], here.transition[::-1, ::-1], here.means[::-1])
    got = permute(CHAIN, here, np.array([1, 0]))
    for leaf, wanted in zip(got, turned, strict=True):
        np.testing.assert_array_equal(leaf, wanted)


def test_noise_does_not_confuse():
    here = _mixture(5)
    for seed in range(20):
        noisy = _near(here, seed, 0.0)._replace(
            means=here.means + 0.1 * np.random.default_rng(seed).normal(size=(5, 2))
        )
        order = np.random.default_rng(seed).permutation(5)
        back = align(MIXTURE, permute(MIXTURE, noisy, order), here)
        np.testing.assert_array_equal(back.means, noisy.means)


def test_the_order_is_the_best_of_all():
    # with errors given the cost is a sum of squares that can be written down again
    here, there = _mixture(5, 3), _mixture(5, 4)
    errors = Mixture(np.full(5, 0.1), np.full((5, 2), 0.7), np.array(1.0))

    def cost(order):
        i = list(order)
        weights = np.mean((there.weights[i] - here.weights) ** 2) / 0.1**2
        return weights + np.mean((there.means[i] - here.means) ** 2) / 0.7**2

    best = min(permutations(range(5)), key=cost)
    np.testing.assert_array_equal(best_order(MIXTURE, there, here, errors), best)


def test_a_leaf_in_other_units_does_not_dominate():
    here, there = _mixture(4, 5), _mixture(4, 6)
    order = best_order(MIXTURE, there, here)
    large = [p._replace(means=1e6 * p.means) for p in (there, here)]
    np.testing.assert_array_equal(best_order(MIXTURE, *large), order)


def test_nearly_equal_weights_have_no_say():
    here = Mixture(np.array([0.5001, 0.4999]), np.array([0.0, 4.0]), np.array(1.0))
    there = Mixture(np.array([0.45, 0.55]), np.array([0.2, 3.9]), np.array(1.0))
    assert align(MIXTURE, there, here) is there


def test_held_components_keep_their_places():
    space = Mixture(
        Simplex(exchangeable=(0,)),
        Masked(Real(exchangeable=(0,)), np.array([False, True])),
        Positive(),
    )
    here = Mixture(np.array([0.3, 0.7]), np.array([0.0, 2.0]), np.array(1.0))
    there = Mixture(np.array([0.7, 0.3]), np.array([0.0, -0.5]), np.array(1.0))
    assert align(space, there, here) is there


def test_without_components_nothing_moves():
    space = Mixture(Real(), Fixed(), Positive())
    here = Mixture(np.array([1.0, 2.0]), np.array([3.0]), np.array(1.0))
    there = here._replace(weights=np.array([2.0, 1.0]))
    assert best_order(space, there, here) is None
    assert align(space, there, here) is there
    assert distance(space, there, here) > 0.5


def test_distance_grows_with_the_difference_and_knows_its_unit():
    here = _mixture(3)
    small, large = (here._replace(means=here.means + step) for step in (1e-6, 1e-2))
    assert distance(MIXTURE, here, here) == 0
    assert 0 < distance(MIXTURE, small, here) < 1e-5
    assert distance(MIXTURE, large, here) > 1e-3
    errors = Mixture(np.full(3, 0.1), np.full((3, 2), 0.02), np.array(1.0))
    assert distance(MIXTURE, large, here, errors) == pytest.approx(0.5)
    assert distance(MIXTURE, _mixture(2), here) == np.inf
