"""Constraints: coordinates go round, gradients are right, violations are named."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.engine.space import (
    Coefficients,
    Contrasts,
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
    contains,
)


def _definite(rng, *lead, d=3, unit=1.0):
    a = rng.normal(size=(*lead, d, d + 3)) * np.broadcast_to(unit, d)[:, None]
    return a @ np.swapaxes(a, -1, -2)


def _rows(rng, *shape):
    return rng.dirichlet(np.full(shape[-1], 2.0), size=shape[:-1] or None)


def _supported(rng, support):
    value = rng.gamma(2.0, size=np.shape(support)) * np.asarray(support)
    return value / value.sum(axis=-1, keepdims=True)


def _product(rng, *shape):
    value = rng.gamma(2.0, size=shape) + 0.05
    return value / np.exp(np.log(value).mean(axis=-1, keepdims=True))


def _turned(rng, *lead, d=3):
    return np.linalg.qr(rng.normal(size=(*lead, d, d)))[0]


class Case(NamedTuple):
    """A constraint, a maker of values it allows, and what should be counted and moved."""

    constraint: Any
    make: Any
    free: int
    symmetric: bool = False


UNIT = np.array([1e-3, 1.0, 1e4])
BASIS = [[1.0, -300.0, 0.0], [0.0, 2.0, 0.5], [0.0, 0.0, 1e-3]]
BAND = [[True, True, False, False], [False, True, True, True], [True, True, True, True]]
CASES = {
    "Real": Case(Real(), lambda r: r.normal(size=()), 1),
    "Real with scales": Case(Real(scale=UNIT), lambda r: UNIT * r.normal(size=(2, 3)), 6),
    "Coefficients": Case(Coefficients(BASIS), lambda r: r.normal(size=(2, 3)), 6),
    "Contrasts": Case(Contrasts(BASIS), lambda r: r.normal(size=(3, 3)) * [[0], [1], [1]], 6),
    "Contrasts of moves": Case(
        Contrasts(BASIS, axes=2), lambda r: r.normal(size=(2, 2, 3)) * [[0], [1]], 6
    ),
    "Positive": Case(Positive(), lambda r: r.gamma(2.0, size=(2, 2)), 4),
    "Positive, tiny": Case(Positive(), lambda r: 1e-200 * r.gamma(2.0, size=2), 2),
    "Positive with a floor": Case(Positive(0.01), lambda r: 0.1 + r.gamma(2.0, size=2), 2),
    "Interval": Case(Interval(-1.0, 2.0), lambda r: r.uniform(-0.95, 1.95, size=3), 3),
    "Interval above": Case(Interval(1.0), lambda r: 1 + r.gamma(2.0, size=3), 3),
    "Interval below": Case(Interval(-np.inf, 1.0), lambda r: 1 - r.gamma(2.0, size=3), 3),
    "Simplex": Case(Simplex(), lambda r: _rows(r, 4), 3),
    "Simplex of one": Case(Simplex(), lambda r: np.ones(1), 0),
    "Simplex in rows": Case(Simplex(), lambda r: _rows(r, 2, 3, 4), 18),
    "Simplex with support": Case(Simplex(BAND), lambda r: _supported(r, BAND), 1 + 2 + 3),
    "PositiveDefinite": Case(PositiveDefinite(), lambda r: _definite(r), 6, True),
    "PositiveDefinite, one by one": Case(PositiveDefinite(), lambda r: _definite(r, 2, d=1), 2),
    "PositiveDefinite, many": Case(PositiveDefinite(), lambda r: _definite(r, 2, 2), 24, True),
    "PositiveDefinite in units": Case(
        PositiveDefinite(unit=UNIT), lambda r: _definite(r, 2, unit=UNIT), 12, True
    ),
    "Orthogonal": Case(Orthogonal(), lambda r: _turned(r), 3),
    "Orthogonal, many": Case(Orthogonal(), lambda r: _turned(r, 2, d=4), 12),
    "UnitProduct": Case(UnitProduct(), lambda r: _product(r, 4), 3),
    "UnitProduct in rows": Case(UnitProduct(), lambda r: _product(r, 2, 3), 4),
    "Fixed": Case(Fixed(), lambda r: r.normal(size=(2, 3)), 0),
    "Masked Real": Case(
        Masked(Real(scale=3.0), [[True, False], [False, True]]), lambda r: r.normal(size=(2, 2)), 2
    ),
    "Masked Positive": Case(
        Masked(Positive(), [True, False, True]), lambda r: r.gamma(2.0, size=3), 2
    ),
    "Masked Interval": Case(
        Masked(Interval(0.0, 1.0), [False, True, True]), lambda r: r.uniform(0.1, 0.9, size=3), 2
    ),
    "Masked Simplex": Case(
        Masked(Simplex(), [[True, True, False, True], [True] * 4]), lambda r: _rows(r, 2, 4), 5
    ),
    "Masked Simplex, one left": Case(
        Masked(Simplex(), [False, False, True]), lambda r: _rows(r, 3), 0
    ),
    "Masked Simplex with support": Case(
        Masked(Simplex([True, True, True, False]), [False, True, True, True]),
        lambda r: _supported(r, [True, True, True, False]),
        1,
    ),
    "Masked by a broadcast row": Case(
        Masked(Real(), [True, False, True]), lambda r: r.normal(size=(2, 3)), 4
    ),
    "Tied numbers": Case(Tied(Real(), [0, 1, 0]), lambda r: r.normal(size=2)[[0, 1, 0]], 2),
    "Tied in a table": Case(
        Tied(Positive(), [[0, 1], [1, 2]]), lambda r: r.gamma(2.0, size=3)[[[0, 1], [1, 2]]], 3
    ),
    "Tied rows": Case(Tied(Simplex(), [1, 0, 1]), lambda r: _rows(r, 2, 4)[[1, 0, 1]], 6),
    "Tied matrices": Case(
        Tied(PositiveDefinite(), [0, 1, 0]), lambda r: _definite(r, 2)[[0, 1, 0]], 12, True
    ),
    "Tied to one": Case(
        Tied(Interval(0.0), [0, 0, 0]), lambda r: np.repeat(r.gamma(2.0, size=1), 3), 1
    ),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
seeds = st.integers(0, 2**32 - 1)


def _point(case, seed, width=0.5):
    rng = np.random.default_rng(seed)
    base = case.make(rng)
    chart = case.constraint.chart(base)
    return rng, base, chart, width * rng.normal(size=chart.size)


@every_case
@given(seed=seeds)
@settings(max_examples=15)
def test_coordinates_go_round(case, seed):
    rng, base, chart, x = _point(case, seed)
    np.testing.assert_allclose(chart.pack(base), np.zeros(chart.size), atol=1e-9)
    np.testing.assert_allclose(chart.unpack(np.zeros(chart.size)), base, rtol=1e-9, atol=1e-12)
    value = case.constraint.project(chart.unpack(x))
    np.testing.assert_allclose(chart.pack(value), x, atol=1e-6)
    # and the other way, from a value that has nothing to do with the base
    other = case.make(rng)
    held = isinstance(case.constraint, (Fixed, Masked, Orthogonal))
    if not held:  # a chart of these does not reach every value
        np.testing.assert_allclose(chart.unpack(chart.pack(other)), other, rtol=1e-7, atol=1e-7)


@every_case
@given(seed=seeds)
@settings(max_examples=10)
def test_every_vector_is_allowed(case, seed):
    _, base, chart, x = _point(case, seed, width=3.0)
    value = case.constraint.project(chart.unpack(x))
    assert value.shape == base.shape
    assert case.constraint.violation(value, base) is None
    assert contains(case.constraint, value, base)


@every_case
@given(seed=seeds)
@settings(max_examples=10)
def test_free_parameters_are_counted(case, seed):
    _, base, chart, _ = _point(case, seed)
    assert case.constraint.n_free(base.shape) == case.free
    assert chart.size == case.free  # no entry of these is zero


@every_case
@given(seed=seeds)
@settings(max_examples=10)
def test_gradients_are_pulled_back(case, seed):
    rng, base, chart, x = _point(case, seed)
    value = chart.unpack(x)
    slope = rng.normal(size=base.shape) / np.maximum(np.abs(value), 1e-3 * np.abs(value).max())
    if case.symmetric:
        slope = slope + np.swapaxes(slope, -1, -2)
    got = chart.pull(value, slope)
    assert got.shape == (chart.size,)
    together = chart.pack_and_pull(value, slope)
    np.testing.assert_allclose(together[0], chart.pack(value), atol=1e-12)
    np.testing.assert_allclose(
        together[1], got, rtol=1e-12, atol=1e-12 * np.abs(got).max(initial=0)
    )

    def difference(i, h):
        step = np.zeros(chart.size)
        step[i] = h
        return float((slope * (chart.unpack(x + step) - chart.unpack(x - step))).sum()) / (2 * h)

    expected = np.array(
        [(4 * difference(i, 1e-3) - difference(i, 2e-3)) / 3 for i in range(chart.size)]
    )
    size = np.abs(slope * value).sum() + 1e-300
    np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-8 * size)


# -- what is held ------------------------------------------------------------------------------


@given(seed=seeds)
@settings(max_examples=20)
def test_exact_zeros_of_a_simplex_stay_and_are_counted(seed):
    rng = np.random.default_rng(seed)
    base = _rows(rng, 2, 4)
    base[0, int(rng.integers(4))] = 0
    base /= base.sum(axis=-1, keepdims=True)
    chart = Simplex().chart(base)
    assert chart.size == 2 + 3
    assert Simplex().n_free(base.shape) == 6  # by declaration, not by value
    moved = chart.unpack(2 * rng.normal(size=5))
    np.testing.assert_array_equal(moved == 0, base == 0)
    np.testing.assert_allclose(moved.sum(axis=-1), 1)
    assert Simplex().at_boundary(base) == [tuple(map(int, np.argwhere(base == 0)[0]))]


@pytest.mark.parametrize(
    ("constraint", "base", "boundary"),
    [
        (Positive(), [1.0, 0.0, 2.0], [(1,)]),
        (Interval(0.0, 1.0), [0.5, 0.0, 1.0], [(1,), (2,)]),
        (Interval(-2.0), [-2.0, 4.0, 5.0], [(0,)]),
        (Interval(-np.inf, 3.0), [3.0, 2.0, 1.0], [(0,)]),
    ],
)
def test_values_on_a_bound_stay_and_are_counted(constraint, base, boundary):
    base = np.array(base)
    chart = constraint.chart(base)
    assert chart.size == 3 - len(boundary)
    assert constraint.n_free((3,)) == 3
    moved = chart.unpack(np.full(chart.size, 0.7))
    on_bound = [index[0] for index in boundary]
    np.testing.assert_array_equal(moved[on_bound], base[on_bound])
    free = np.setdiff1d(np.arange(3), on_bound)
    assert (moved[free] != base[free]).all()
    assert constraint.at_boundary(base) == boundary
    np.testing.assert_allclose(chart.pack(moved), np.full(chart.size, 0.7))
    assert chart.pull(moved, np.ones(3)).shape == (chart.size,)


def test_declared_zeros_are_no_boundary():
    constraint = Simplex([True, True, False])
    assert constraint.at_boundary(np.array([0.4, 0.6, 0.0])) == []
    assert constraint.at_boundary(np.array([1.0, 0.0, 0.0])) == [(1,)]


@pytest.mark.parametrize(
    ("constraint", "base", "value"),
    [
        (Simplex(), [0.2, 0.8], [0.0, 1.0]),
        (Simplex(), [0.0, 0.2, 0.8], [0.1, 0.1, 0.8]),
        (Positive(), [1.0, 2.0], [0.0, 2.0]),
        (Positive(), [0.0, 2.0], [1.0, 2.0]),
        (Interval(0.0, 1.0), [0.5], [1.0]),
        (Masked(Positive(), [True, False]), [1.0, 2.0], [0.0, 2.0]),
        (Orthogonal(), np.eye(2), -np.eye(2)),
        (Orthogonal(), np.eye(2), np.diag([1.0, -1.0])),
    ],
)
def test_what_a_chart_does_not_reach_is_said(constraint, base, value):
    with pytest.raises(OutOfChartError):
        constraint.chart(np.array(base)).pack(np.array(value))


@given(seed=seeds)
@settings(max_examples=20)
def test_masked_entries_do_not_move_by_a_bit(seed):
    rng = np.random.default_rng(seed)
    for case in (value for name, value in CASES.items() if name.startswith("Masked")):
        base = case.make(rng)
        chart = case.constraint.chart(base)
        moved = case.constraint.project(chart.unpack(rng.normal(size=chart.size)))
        held = ~np.broadcast_to(case.constraint.free, base.shape)
        np.testing.assert_array_equal(moved[held], base[held])


@given(seed=seeds)
@settings(max_examples=20)
def test_tied_entries_are_equal_to_the_bit(seed):
    rng = np.random.default_rng(seed)
    for case in (value for name, value in CASES.items() if name.startswith("Tied")):
        base = case.make(rng)
        chart = case.constraint.chart(base)
        moved = case.constraint.project(chart.unpack(rng.normal(size=chart.size)))
        groups = case.constraint.groups
        for group in range(case.constraint.n_groups):
            members = moved[groups == group]
            assert all(np.array_equal(member, members[0]) for member in members)


# -- violations --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "value", "wrong"),
    [
        (Real(), [1.0, np.nan], r"is nan at [1], expected a finite number"),
        (Real(), np.inf, "is inf, expected a finite number"),
        (Positive(), [[1.0, -2.0]], "is -2.0 at [0, 1], expected a finite number of at least 0"),
        (Positive(floor=0.5), [0.4], "is 0.4 at [0], expected a finite number of at least 0.5"),
        (Positive(), [np.inf], "is inf at [0]"),
        (Interval(0.0, 1.0), [0.5, 1.5], "is 1.5 at [1], expected a number from 0 to 1"),
        (Interval(0.0), [-1.0], "is -1.0 at [0], expected a number from 0 to inf"),
        (Interval(-np.inf, 1.0), [np.nan], "is nan at [0]"),
        (Simplex(), [0.5, 0.6], "sums to 1.1 along the last axis, expected 1"),
        (Simplex(), [[0.5, 0.5], [0.5, 0.25]], "sums to 0.75 along the last axis"),
        (Simplex(), [-0.5, 1.5], "negative or non-finite"),
        (Simplex(), [np.nan, 1.0], "negative or non-finite"),
        (Simplex([True, False]), [0.5, 0.5], "is positive outside its support"),
        (PositiveDefinite(), [[1.0, 2.0], [0.0, 1.0]], "is not symmetric"),
        (PositiveDefinite(), [[1.0, 2.0], [2.0, 1.0]], "has the eigenvalue -1.0"),
        (PositiveDefinite(), [np.eye(2), -np.eye(2)], "has the eigenvalue -1.0"),
        (PositiveDefinite(), [[np.nan, 0.0], [0.0, 1.0]], "non-finite"),
        (PositiveDefinite(floor=0.5), np.diag([1.0, 0.4]), "expected none below 0.5"),
        (Orthogonal(), [[1.0, 1.0], [0.0, 1.0]], "is not orthogonal"),
        (Orthogonal(), [np.eye(2), [[1.0, 0.0], [0.0, np.nan]]], "is not orthogonal"),
        (UnitProduct(), [1.0, 2.0], "has the product 2.0"),
        (UnitProduct(), [[1.0, 1.0], [1.0, 4.0]], "has the product 4.0"),
        (UnitProduct(), [-1.0, -1.0], "not positive and finite"),
        (Tied(Real(), [0, 0]), [1.0, 2.0], "differs within a tied group"),
        (Tied(Positive(), [0, 0]), [-1.0, -1.0], "is -1.0 at [0]"),
        (Tied(Real(), [0, 1]), [1.0, np.nan], "is nan at [1]"),
        (Tied(Simplex(), [0, 0]), [[0.5, 0.5], [0.4, 0.6]], "differs within a tied group"),
        (Masked(Positive(), [True, False]), [-1.0, 1.0], "is -1.0 at [0]"),
    ],
)
def test_violations_are_named(constraint, value, wrong):
    value = np.array(value, float)
    found = constraint.violation(value, value)
    assert wrong in (found or "")
    assert not contains(constraint, value, value)


def test_held_entries_must_not_move():
    base, moved = np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)])
    assert "changed at [1] where it is held" in Masked(Real(), [True, False]).violation(moved, base)
    assert Masked(Real(), [False, True]).violation(moved, base) is None
    assert "Fixed" in Fixed().violation(moved, base)
    assert Fixed().violation(base.copy(), base) is None


def test_tied_entries_that_are_tiny_are_compared_by_their_own_size():
    value = np.array([1e-12, 3e-12])  # they differ threefold
    assert Tied(Positive(), [0, 0]).violation(value, value) is not None


@pytest.mark.parametrize("name", ["Simplex with support", "Masked Simplex with support"])
def test_declared_zeros_are_packed_without_a_warning(name):
    constraint, make, *_ = CASES[name]
    base = make(np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(constraint.chart(base).pack(base), 0)


# -- singular values and floors ----------------------------------------------------------------


@pytest.mark.parametrize("matrix", [np.ones((2, 2)), np.zeros((2, 2)), np.diag([1.0, 1e-16])])
def test_singular_matrices_are_degenerate_but_no_violation(matrix):
    assert PositiveDefinite().violation(matrix, matrix) is None
    with pytest.raises(DegenerateError, match="singular"):
        PositiveDefinite().chart(matrix)
    with pytest.raises(DegenerateError, match=r"matrix \[1\] is singular"):
        PositiveDefinite().chart(np.eye(2)[None]).pack(np.stack([np.eye(2), matrix]))


@given(scale=st.floats(-100, 100), seed=seeds)
@settings(max_examples=20)
def test_singularity_does_not_depend_on_the_unit_of_the_data(scale, seed):
    unit = 10.0**scale
    base = 0.05 * unit**2 * _definite(np.random.default_rng(seed))
    assert PositiveDefinite(unit=unit).chart(base).size == 6
    flat = base.copy()
    flat[0] = flat[1]  # two columns of data that are the same
    flat[:, 0] = flat[:, 1]
    with pytest.raises(DegenerateError, match="singular"):
        PositiveDefinite(unit=unit).chart(flat)


def test_vanishing_variances_are_degenerate():
    constraint = Positive(singular_below=np.array([1e-10, 1e-4]))
    assert constraint.chart(np.array([1e-5, 1.0])).size == 2
    with pytest.raises(DegenerateError, match=r"entry \[1\] fell to 1e-05"):
        constraint.chart(np.array([1e-5, 1e-5]))


@given(seed=seeds, floor=st.floats(0.01, 3.0))
@settings(max_examples=30)
def test_a_floor_is_the_nearest_allowed_matrix(seed, floor):
    rng = np.random.default_rng(seed)
    constraint = PositiveDefinite(floor=floor)
    matrix = _definite(rng, 2)
    raised = constraint.project(matrix)
    assert constraint.violation(raised, matrix) is None
    np.testing.assert_allclose(constraint.project(raised), raised, atol=1e-9)
    # nearest: the way there is at right angles to every other allowed matrix
    for _ in range(5):
        other = constraint.project(_definite(rng, 2))
        inner = ((matrix - raised) * (other - raised)).sum(axis=(-2, -1))
        assert (inner <= 1e-8 * np.abs(matrix).max() ** 2).all()


def test_active_floors_are_found():
    matrices = np.stack([np.diag([1.0, 0.01]), np.eye(2)])
    constraint = PositiveDefinite(floor=0.1)
    raised = constraint.project(matrices)
    np.testing.assert_allclose(raised[0], np.diag([1.0, 0.1]))
    np.testing.assert_array_equal(raised[1], np.eye(2))
    assert constraint.at_floor(raised) == [(0,)]
    assert constraint.at_floor(np.eye(2)) == []
    assert PositiveDefinite().at_floor(matrices) == []
    assert Positive(floor=0.1).at_floor(np.array([0.2, 0.1])) == [(1,)]
    np.testing.assert_array_equal(Positive(floor=0.1).project(np.array([0.2, 0.0])), [0.2, 0.1])
    masked = Masked(Positive(floor=0.1), [True, False])
    assert masked.at_floor(np.array([0.1, 0.1])) == [(0,)]
    tied = Tied(Positive(floor=0.1), [0, 0])
    np.testing.assert_array_equal(tied.project(np.array([0.0, 0.0])), [0.1, 0.1])
    assert tied.at_floor(np.array([0.1, 0.1]))


def test_a_floor_under_a_single_matrix_has_no_index():
    assert PositiveDefinite(floor=0.1).at_floor(0.1 * np.eye(2)) == [()]


# -- declarations that make no sense -----------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: Real(scale=0.0), "got scale="),
        (lambda: Real(scale=[1.0, np.nan]), "got scale="),
        (lambda: Interval(1.0, 1.0), "expected lower < upper"),
        (lambda: Interval(-np.inf, np.inf), "use Real"),
        (lambda: Positive(floor=-1.0), "got floor="),
        (lambda: Positive(floor=np.nan), "got floor="),
        (lambda: PositiveDefinite(floor=-1.0), "got floor="),
        (lambda: Simplex([[True, False], [False, False]]), "without any True"),
        (lambda: Tied(Real(), [0, 2]), "without gaps"),
        (lambda: Tied(Real(), [-1, 0]), "without gaps"),
    ],
)
def test_senseless_declarations_are_refused(make, wrong):
    with pytest.raises(ValueError, match=wrong):
        make()


@pytest.mark.parametrize("inner", [PositiveDefinite(), Orthogonal(), UnitProduct(), Fixed()])
def test_whole_matrices_cannot_be_masked(inner):
    with pytest.raises(TypeError, match="use Fixed"):
        Masked(inner, [True])


def test_the_chart_of_a_matrix_has_no_unit_even_where_units_are_far_apart():
    rng = np.random.default_rng(1)
    base, value = _definite(rng, d=4), _definite(rng, d=4)
    unit = 10.0 ** np.array([-6.0, 0.0, 3.0, 8.0])
    there = PositiveDefinite(unit=unit).chart(base * np.outer(unit, unit))
    found = there.pack(value * np.outer(unit, unit))
    np.testing.assert_allclose(found, PositiveDefinite().chart(base).pack(value), rtol=1e-10)


def test_only_what_is_below_a_floor_is_raised():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    constraint = PositiveDefinite(floor=0.5)
    above = (turn * [0.5001, 2.0, 7.0]) @ turn.T
    above = (above + above.T) / 2
    np.testing.assert_array_equal(constraint.project(above[None])[0], above)
    assert constraint.at_floor(above[None]) == []
    assert constraint.violation(above[None], above[None]) is None
    below = (turn * [0.4999, 2.0, 7.0]) @ turn.T
    raised = constraint.project(np.stack([above, (below + below.T) / 2]))
    np.testing.assert_allclose(np.linalg.eigvalsh(raised[1]), [0.5, 2.0, 7.0], rtol=1e-12)
    assert constraint.at_floor(raised) == [(1,)]
    assert "eigenvalue" in (constraint.violation(below[None], below[None]) or "")


@pytest.mark.parametrize("basis", [np.zeros((2, 2)), np.ones((2, 3)), [[1.0, np.nan], [0.0, 1.0]]])
def test_a_basis_has_full_rank(basis):
    for kind in (Coefficients, Contrasts):
        with pytest.raises(ValueError, match="expected a square matrix of full rank"):
            kind(basis)


def test_contrasts_are_against_the_first_component():
    space, value = Contrasts(np.eye(2)), np.array([[0.0, 0.0], [1.0, 2.0], [-1.0, 0.5]])
    moved = space.renumbered(value, np.array([2, 0, 1]))
    np.testing.assert_array_equal(moved, [[0, 0], [1, -0.5], [2, 1.5]])
    np.testing.assert_array_equal(space.renumbered(moved, np.array([1, 2, 0])), value)
    # what is compared of a component does not depend on how the others are numbered
    np.testing.assert_allclose(space.told_apart(moved), space.told_apart(value)[[2, 0, 1]])
    assert "0 for the first component" in str(space.violation(value + 1, value))


def test_contrasts_of_moves_are_renumbered_at_both_ends():
    space, rng = Contrasts(np.eye(2), axes=2), np.random.default_rng(0)
    value, order = rng.normal(size=(3, 3, 2)), np.array([2, 0, 1])
    value[:, 0] = 0
    moved = space.renumbered(value, order)
    assert space.violation(moved, moved) is None
    for i in range(3):  # the same differences between ends, under their new numbers
        for j in range(3):
            expected = value[order[i], order[j]] - value[order[i], order[0]]
            np.testing.assert_allclose(moved[i, j], expected)
    np.testing.assert_allclose(space.renumbered(moved, np.argsort(order)), value, atol=1e-15)


def test_a_basis_of_unequal_units_is_no_matter():
    basis = np.array([[1.0, -1e8], [0.0, 1.0]]) * [1.0, 1e-9]
    chart = Coefficients(basis).chart(np.zeros((1, 2)))
    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(chart.pack(chart.unpack(x)), x, rtol=1e-7)


def test_a_number_at_its_edge_is_lifted_by_a_share_of_the_room_there_is():
    lifted, which = Interval(2.0, 12.0).lifted(
        np.array([2.0, 12.0, 7.0, 2.0]), np.array([3.0, 3.0, 7.0, 2.0]), 0.01
    )
    np.testing.assert_allclose(lifted, [2.1, 11.9, 7.0, 2.0], rtol=1e-15)
    np.testing.assert_array_equal(which, [True, True, False, False])


def test_probabilities_that_are_all_put_somewhere_leave_nothing_to_share_out():
    chart = Simplex().chart(np.array([[0.5, 0.5], [0.25, 0.75]]))
    which = np.array([[True, True], [False, False]]).ravel()
    put = chart.settle(np.array([[0.5, 0.5], [0.25, 0.75]]), which, np.array([1.0, 0, 0, 0]))
    np.testing.assert_array_equal(put, [[1.0, 0.0], [0.25, 0.75]])


def test_a_row_of_probabilities_that_is_held_comes_back_beside_others_that_move():
    base = np.array([[0.5, 0.5], [0.25, 0.75]])
    held = np.array([[True, True], [False, False]])
    chart = Masked(Simplex(), held).chart(base)
    assert chart.size == 1
    np.testing.assert_allclose(chart.unpack(np.log([3.0]))[0].max(), 0.75, rtol=1e-15)
    np.testing.assert_array_equal(chart.unpack(np.log([3.0]))[1], base[1])
