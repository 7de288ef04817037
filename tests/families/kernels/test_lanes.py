"""Vector exp, log and softmax against NumPy's; rows of any layout against indexing."""

import numpy as np
import pytest
from numba import njit
from scipy.special import logsumexp, softmax

from latentia.families.kernels import lanes, tile

EPS = np.finfo(float).eps


def along(function):
    """The function applied to each number of a line."""

    @njit
    def apply(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    def applied(x):
        y = np.empty_like(x)
        apply(x, y)
        return y

    return applied


exp, exp_32, log = along(lanes.exp), along(lanes.exp_32), along(lanes.log)


def test_exp_is_right_to_an_eps_over_its_range():
    x = np.concatenate([np.linspace(-708, 0, 20_001), np.linspace(0, 700, 5_001), [-1e-300, 1e-17]])
    exact = np.exp(x.astype(np.longdouble))
    assert np.max(np.abs(exp(x) / exact - 1)) < EPS


def test_exp_in_float32_is_right_to_an_eps_over_its_range():
    x = np.linspace(-104, 60, 20_001, dtype=np.float32)
    assert exp_32(x).dtype == np.float32
    exact = 2.0**40 * np.exp(x.astype(float))
    assert np.max(np.abs(exp_32(x) / exact - 1)) < np.finfo(np.float32).eps


@pytest.mark.parametrize(
    ("function", "kind", "one"), [(exp, np.float64, 1), (exp_32, np.float32, 2**40)]
)
def test_exp_vanishes_far_out_and_keeps_nan(function, kind, one):
    assert np.all(function(np.array([-708.5, -1e30, -np.inf], kind)) == 0)
    assert np.isnan(function(np.array([np.nan], kind))[0])
    assert function(np.zeros(1, kind))[0] == one


def test_log_is_right_to_an_eps_and_hides_nothing_infinite():
    x = np.exp(np.linspace(-20, 300, 20_001))
    exact = np.log(x.astype(np.longdouble))
    assert np.max(np.abs(log(x) - exact) / (1 + np.abs(exact))) < EPS
    near_one = 1 + np.linspace(-1e-3, 1e-3, 1_001)
    assert np.max(np.abs(log(near_one) - np.log1p(near_one - 1))) < 1e-18
    assert np.all(np.isnan(log(np.array([np.nan, np.inf]))))


@pytest.mark.parametrize("n_components", [1, 2, 7, 40])
@pytest.mark.parametrize(
    ("tiled", "kind", "eps"),
    [(lanes.softmax, np.float64, EPS), (lanes.softmax_32, np.float32, 6e-7)],
)
def test_softmax_of_a_tile(tiled, kind, eps, n_components):
    rng = np.random.default_rng(n_components)
    joint = (10 * rng.normal(size=(n_components, 64)) - 500).astype(kind)
    weight = rng.uniform(0, 3, 64)
    weight[50:] = 0
    exact = joint.astype(float)
    count = np.ones(n_components)
    loglik = tiled(joint, weight, count, np.empty((2, 64), kind))
    resp = softmax(exact, axis=0) * weight
    np.testing.assert_allclose(joint, resp, rtol=20 * eps, atol=1e-30)
    np.testing.assert_allclose(count, 1 + resp.sum(axis=1), rtol=20 * eps)
    np.testing.assert_allclose(loglik, logsumexp(exact, axis=0) @ weight, rtol=4 * eps)


def test_softmax_in_float32_has_all_digits_where_its_exponentials_would_be_subnormal():
    joint = np.zeros((3, 256), np.float32)
    joint[1] = -np.linspace(80, 103.9, 256)
    exact = softmax(joint.astype(float), axis=0) * 2.0**40
    lanes.softmax_32(joint, np.full(256, 2.0**40), np.zeros(3), np.empty((2, 256), np.float32))
    np.testing.assert_allclose(joint, exact, rtol=4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize(("tiled", "kind"), [(lanes.softmax, "f8"), (lanes.softmax_32, "f4")])
def test_softmax_gives_nothing_to_a_component_of_weight_zero(tiled, kind):
    joint = np.array([[-3.0, -900.0], [-np.inf, -np.inf], [-4.0, 5.0]]).astype(kind)
    count = np.zeros(3)
    assert np.isfinite(tiled(joint, np.ones(2), count, np.empty((2, 2), kind)))
    assert np.all(joint[1] == 0)
    assert count[1] == 0


@pytest.mark.parametrize(("tiled", "kind"), [(lanes.softmax, "f8"), (lanes.softmax_32, "f4")])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_softmax_hides_nothing(tiled, kind, bad):
    for k in range(3):
        joint = np.zeros((3, 8), kind)
        joint[k, 5] = bad
        assert np.isnan(tiled(joint, np.ones(8), np.zeros(3), np.empty((2, 8), kind)))
    joint = np.zeros((3, 8), kind)
    joint[:, 2] = -np.inf
    assert np.isnan(tiled(joint, np.ones(8), np.zeros(3), np.empty((2, 8), kind)))


def layouts(x):
    """The same rows, laid out in memory in eight ways."""
    wide = np.zeros((2 * len(x), 3 * x.shape[1]), x.dtype)
    wide[::2, 1::3] = x
    records = np.zeros(len(x), [("odd", "i1"), ("row", x.dtype, (x.shape[1],))])
    records["row"] = x
    locked = x.copy()
    locked.flags.writeable = False
    return {
        "rows": x,
        "columns": np.asfortranarray(x),
        "strided": wide[::2, 1::3],
        "some columns": np.hstack([x, x])[:, : x.shape[1]],
        "reversed": x[::-1].copy()[::-1],
        "records": records["row"],
        "other byte order": x.astype(x.dtype.newbyteorder(">")),
        "read only": locked,
    }


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(11, 3), (11, 1), (1, 3), (1, 1)])
def test_rows_of_any_layout(kind, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(kind)
    origin, unit = np.arange(shape[1]) + 0.5, 0.25
    expected = (x.astype(float) - origin).T * unit
    kinds = set()
    for name, laid in layouts(x).items():
        flat, row, column = tile.strided(laid)
        kinds.add((flat.dtype, flat.flags.writeable, flat.flags.c_contiguous))
        z = np.full((shape[1], 8), np.nan)
        rows = min(8, shape[0])
        tile.load(flat, row, column, 0, rows, origin, unit, z)
        np.testing.assert_array_equal(z[:, :rows], expected[:, :rows], err_msg=name)
        rest = shape[0] - rows
        if rest:
            tile.load(flat, row, column, 8, rest, origin, unit, z)
            np.testing.assert_array_equal(z[:, :rest], expected[:, 8:], err_msg=name)
        last = expected[:, -1:] if rest else expected[:, rows - 1 : rows]
        short = rest or rows
        np.testing.assert_array_equal(z[:, short:], np.repeat(last, 8 - short, 1), err_msg=name)
    assert len(kinds) == 1


def test_no_copy_of_plain_layouts():
    x = np.zeros((10, 4))
    for view in (x, np.asfortranarray(x), x[::2], x[:, 1:3]):
        assert np.shares_memory(tile.strided(view).flat, view)


def test_float32_tiles_are_rounded_after_centring():
    x = np.float32([[1e7 + 1], [1e7 + 3]])
    z = np.empty((1, 2), np.float32)
    tile.load(*tile.strided(x), 0, 2, np.array([1e7 + 1.25]), 1.0, z)
    np.testing.assert_array_equal(z, [[-0.25, 1.75]])


def test_one_weight_for_all_is_one_number():
    common = tile.line(np.broadcast_to(2.5, (100,)))
    assert common.shape == (1,)
    weight = np.empty(8)
    tile.load_weights(common, 96, 4, weight)
    np.testing.assert_array_equal(weight, [2.5] * 4 + [0] * 4)
    own = tile.line(np.arange(100.0)[::2])
    tile.load_weights(own, 48, 2, weight)
    np.testing.assert_array_equal(weight, [96, 98] + [0] * 6)
