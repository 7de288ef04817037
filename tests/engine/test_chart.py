"""Charts over whole trees, the check that a model keeps to its space, and counts by name."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.engine.chart import (
    Chart,
    ConstraintError,
    at_boundaries,
    at_floors,
    check,
    n_free,
)
from latentia.engine.space import (
    DegenerateError,
    Fixed,
    Interval,
    Masked,
    OutOfChartError,
    Positive,
    PositiveDefinite,
    Real,
    Simplex,
)


class Parts(NamedTuple):
    means: Any
    covariances: Any


class Whole(NamedTuple):
    weights: Any
    parts: Parts
    shift: Any
    held: Any


SPACE = Whole(
    Simplex(),
    Parts(Real(scale=[1.0, 100.0]), PositiveDefinite()),
    Masked(Interval(0.0, 1.0), [True, False]),
    Fixed(),
)


def _params(rng):
    a = rng.normal(size=(3, 2, 4))
    return Whole(
        rng.dirichlet([2.0] * 3),
        Parts(rng.normal(size=(3, 2)), a @ np.swapaxes(a, 1, 2)),
        rng.uniform(0.1, 0.9, size=2),
        rng.normal(),
    )


seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds)
@settings(max_examples=20)
def test_whole_trees_go_round(seed):
    rng = np.random.default_rng(seed)
    base = _params(rng)
    chart = Chart(SPACE, base)
    assert chart.size == 2 + 6 + 9 + 1 == n_free(SPACE, base)
    x = 0.5 * rng.normal(size=chart.size)
    moved = chart.unpack(x)
    assert type(moved) is Whole
    assert type(moved.parts) is Parts
    check(SPACE, moved, base)
    np.testing.assert_allclose(chart.pack(moved), x, atol=1e-9)
    np.testing.assert_allclose(chart.pack(base), 0, atol=1e-9)


@given(seed=seeds)
@settings(max_examples=10)
def test_gradients_of_a_function_of_all_parameters(seed):
    rng = np.random.default_rng(seed)
    chart = Chart(SPACE, _params(rng))

    def function(p):
        inverse = np.linalg.inv(p.parts.covariances)
        distance = np.einsum("ki,kij,kj->k", p.parts.means, inverse, p.parts.means)
        return float(p.weights @ distance + np.log(p.shift).sum() * p.held)

    def gradient(p):
        inverse = np.linalg.inv(p.parts.covariances)
        direction = np.einsum("kij,kj->ki", inverse, p.parts.means)
        outer = direction[:, :, None] * direction[:, None, :]
        weights = p.weights
        return Whole(
            (p.parts.means * direction).sum(axis=1),
            Parts(2 * weights[:, None] * direction, -weights[:, None, None] * outer),
            p.held / p.shift,
            np.log(p.shift).sum(),
        )

    x = 0.3 * rng.normal(size=chart.size)
    got = chart.pull(chart.unpack(x), gradient(chart.unpack(x)))
    for i in range(chart.size):
        step = np.zeros(chart.size)
        step[i] = 1e-5
        ahead, behind = function(chart.unpack(x + step)), function(chart.unpack(x - step))
        assert got[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-4, abs=1e-4)


def test_coordinates_are_labelled_by_leaf():
    chart = Chart(SPACE, _params(np.random.default_rng(0)))
    labels = chart.labels()
    assert len(labels) == chart.size
    assert labels[:3] == ["weights[0]", "weights[1]", "parts.means[0]"]
    assert labels[-1] == "shift[0]"


def test_a_space_without_freedom_has_no_coordinates():
    chart = Chart(Parts(Fixed(), Fixed()), Parts(np.ones(2), np.ones(3)))
    assert chart.size == 0
    assert chart.pack(Parts(np.ones(2), np.ones(3))).shape == (0,)
    np.testing.assert_array_equal(chart.unpack(np.empty(0)).means, np.ones(2))


def test_failures_name_the_parameter():
    rng = np.random.default_rng(0)
    good = _params(rng)
    flat = good.parts._replace(covariances=np.stack([np.eye(2), np.ones((2, 2)), np.eye(2)]))
    with pytest.raises(DegenerateError, match=r"^parts.covariances: matrix \[1\] is singular"):
        Chart(SPACE, good._replace(parts=flat))
    with pytest.raises(DegenerateError, match=r"^parts.covariances: matrix \[1\] is singular"):
        Chart(SPACE, good).pack(good._replace(parts=flat))
    gone = good._replace(weights=np.array([0.5, 0.5, 0.0]))
    with pytest.raises(OutOfChartError, match=r"^weights: "):
        Chart(SPACE, good).pack(gone)


def test_leaves_may_be_of_any_number_type():
    base = Parts(np.array([1, 2]), np.eye(2, dtype=np.float32))
    chart = Chart(Parts(Real(), PositiveDefinite()), base)
    assert chart.unpack(np.zeros(5)).means.dtype == np.float64


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"held": np.array(8.0)}, "parameter `held` changed although it is Fixed"),
        ({"shift": np.array([0.5, 0.6])}, r"`shift` changed at \[1\] where it is held"),
        ({"shift": np.array([1.5, 0.5])}, r"`shift` is 1\.5 at \[0\]"),
        ({"weights": np.array([0.5, 0.6])}, r"`weights` has shape \(2,\), expected the \(3,\)"),
        ({"weights": np.array([0.5, 0.5, 0.5])}, r"`weights` sums to 1\.5"),
        ({"parts": Parts(np.zeros((3, 2)), -np.ones((3, 2, 2)))}, r"`parts\.covariances` has"),
        ({"parts": Parts(np.full((3, 2), np.nan), np.eye(2))}, r"`parts\.means` is nan"),
    ],
)
def test_leaving_the_space_is_refused_by_name(change, wrong):
    base = _params(np.random.default_rng(0))._replace(
        shift=np.array([0.5, 0.5]), held=np.array(7.0)
    )
    check(SPACE, base, base)
    with pytest.raises(ConstraintError, match=wrong):
        check(SPACE, base._replace(**change), base)


def test_another_structure_is_refused():
    base = _params(np.random.default_rng(0))
    with pytest.raises(ConstraintError, match="have 2 leaves, expected the 5"):
        check(SPACE, base.parts, base)


def test_floors_and_boundaries_are_named():
    space = Parts(Positive(), PositiveDefinite(floor=0.1))
    params = Parts(np.array([[1.0, 0.0]]), np.stack([np.eye(2), 0.1 * np.eye(2)]))
    assert at_boundaries(space, params) == ("means[0, 1]",)
    assert at_floors(space, params) == ("covariances[1]",)
    single = Parts(Positive(floor=2.0), Real())
    assert at_floors(single, Parts(np.array(2.0), np.array(0.0))) == ("means",)
