"""Constraints: coordinates go round, gradients are right, violations are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.engine.space import (
    DegenerateError,
    Fixed,
    Interval,
    Masked,
    Orthogonal,
    OutOfChartError,
    Positive,
    PositiveDefinite,
    Real,
    Simplex,
    Tied,
    UnitProduct,
)


def _definite(rng, *lead):
    a = rng.normal(size=(*lead, 3, 5))
    return a @ np.swapaxes(a, -1, -2)


def _row(rng, *shape):
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1] or None)


CASES = {
    "real": (Real(scale=3.0), lambda rng: rng.normal(size=(2, 3)), 6),
    "positive": (Positive(), lambda rng: rng.gamma(2.0, size=4), 4),
    "interval": (Interval(-1.0, 2.0), lambda rng: rng.uniform(-0.9, 1.9, size=3), 3),
    "above": (Interval(1.0), lambda rng: 1 + rng.gamma(2.0, size=3), 3),
    "below": (Interval(-np.inf, 1.0), lambda rng: 1 - rng.gamma(2.0, size=3), 3),
    "simplex": (Simplex(), lambda rng: _row(rng, 2, 4), 6),
    "definite": (PositiveDefinite(), lambda rng: _definite(rng, 2), 12),
    "orthogonal": (Orthogonal(), lambda rng: np.linalg.qr(rng.normal(size=(3, 3)))[0], 3),
    "product": (
        UnitProduct(),
        lambda rng: (lambda a: a / np.prod(a) ** 0.25)(rng.gamma(2.0, size=4)),
        3,
    ),
    "fixed": (Fixed(), lambda rng: rng.normal(size=3), 0),
    "masked": (
        Masked(Positive(), [True, False, True]),
        lambda rng: rng.gamma(2.0, size=3),
        2,
    ),
    "masked simplex": (
        Masked(Simplex(), [True, True, False, True]),
        lambda rng: _row(rng, 4),
        2,
    ),
    "tied": (Tied(Real(), [0, 1, 0]), lambda rng: rng.normal(size=2)[[0, 1, 0]], 2),
    "tied matrices": (
        Tied(PositiveDefinite(), [0, 0]),
        lambda rng: np.repeat(_definite(rng, 1), 2, axis=0),
        6,
    ),
}


@pytest.mark.parametrize("name", CASES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_coordinates_go_round_and_gradients_are_right(name, seed):
    constraint, make, free = CASES[name]
    rng = np.random.default_rng(seed)
    base = make(rng)
    chart = constraint.chart(base)
    assert chart.size == constraint.n_free(base.shape) == free
    np.testing.assert_allclose(chart.pack(base), np.zeros(free), atol=1e-9)
    x = 0.3 * rng.normal(size=free)
    value = chart.unpack(x)
    assert constraint.violation(value, base) is None
    np.testing.assert_allclose(chart.pack(value), x, atol=1e-6)
    slope = rng.normal(size=base.shape)
    if "definite" in name or "matrices" in name:
        slope = slope + np.swapaxes(slope, -1, -2)
    got = chart.pull(value, slope)
    for i in range(free):
        step = np.zeros(free)
        step[i] = 1e-5
        ahead, behind = chart.unpack(x + step), chart.unpack(x - step)
        expected = float((slope * (ahead - behind)).sum()) / 2e-5
        assert got[i] == pytest.approx(expected, rel=1e-5, abs=1e-5 * np.abs(value).max())


def test_exact_zeros_keep_their_value_and_are_counted_by_declaration():
    base = np.array([0.5, 0.0, 0.5])
    chart = Simplex().chart(base)
    assert chart.size == 1
    assert Simplex().n_free((3,)) == 2
    assert chart.unpack(np.array([0.7]))[1] == 0
    with pytest.raises(OutOfChartError):
        chart.pack(np.array([1.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("constraint", "value", "wrong"),
    [
        (Real(), [np.nan], "finite"),
        (Positive(), [-1.0], "at least 0"),
        (Interval(0.0, 1.0), [1.5], "from 0 to 1"),
        (Simplex(), [0.5, 0.6], "sums to"),
        (Simplex([True, False]), [0.5, 0.5], "outside its support"),
        (PositiveDefinite(), [[1.0, 2.0], [0.0, 1.0]], "not symmetric"),
        (PositiveDefinite(), [[1.0, 2.0], [2.0, 1.0]], "eigenvalue"),
        (Orthogonal(), [[1.0, 1.0], [0.0, 1.0]], "not orthogonal"),
        (UnitProduct(), [1.0, 2.0], "product"),
        (Tied(Real(), [0, 0]), [1.0, 2.0], "tied group"),
    ],
)
def test_violations_are_named(constraint, value, wrong):
    value = np.array(value)
    assert wrong in constraint.violation(value, value)


def test_held_entries_must_not_move():
    base = np.array([1.0, 2.0])
    assert "held" in Masked(Real(), [True, False]).violation(np.array([1.0, 3.0]), base)
    assert "Fixed" in Fixed().violation(np.array([1.0, 3.0]), base)


def test_singular_is_degenerate():
    with pytest.raises(DegenerateError, match="singular"):
        PositiveDefinite().chart(np.ones((2, 2)))


def test_a_floor_holds_from_below():
    constraint = PositiveDefinite(floor=0.1)
    raised = constraint.project(np.diag([1.0, 0.01]))
    np.testing.assert_allclose(raised, np.diag([1.0, 0.1]))
    assert constraint.at_floor(raised)
