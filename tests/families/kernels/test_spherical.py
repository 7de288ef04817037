"""The pass for spherical covariances against NumPy, and where components are thin."""

from importlib import import_module

import numpy as np
import pytest
from scipy.special import logsumexp

KINDS = [(np.float64, 1e-12), (np.float32, 2e-6)]


def problem(n, d, k, kind):
    rng = np.random.default_rng(d)
    x = (rng.normal(size=(n, d)) * 2 + 5).astype(kind)
    factor = rng.uniform(0.5, 2, k)
    offset = rng.normal(size=k)
    return x, rng.uniform(0, 2, n), np.full(d, 5.0), 0.5, offset, rng.normal(size=(k, d)), factor


def reference(x, weights, origin, unit, offset, means, factor, kind=np.float64):
    z = (x.astype(kind) - origin) * unit
    y = (z[:, None] - means) * factor[:, None]
    joint = offset - (y**2).sum(axis=2) / 2
    log_sum = logsumexp(joint, axis=1)
    resp = np.exp(joint - log_sum[:, None]) * weights[:, None]
    return weights @ log_sum, resp.sum(axis=0), resp.T @ z, resp.T @ (z**2).sum(axis=1)


def run(*given, **more):
    return import_module("latentia.families.kernels.spherical").run(*given, **more)


def assert_close(got, expected, close):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close * np.abs(b).max())


@pytest.mark.parametrize("k", [1, 2, 7])
@pytest.mark.parametrize("d", [1, 4, 19])
@pytest.mark.parametrize(("kind", "close"), KINDS)
def test_pass_equals_numpy(d, k, kind, close):
    given = problem(601, d, k, kind)
    assert_close(run(*given), reference(*given), close)


@pytest.mark.parametrize("n", [1, 7, 256, 257, 520])
def test_every_number_of_rows(n):
    given = problem(n, 3, 2, np.float64)
    assert_close(run(*given), reference(*given), 1e-12)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_memory_order_changes_no_bit(kind):
    x, *rest = problem(601, 5, 3, kind)
    wide = np.zeros((1202, 10), kind)
    wide[::2, ::2] = x
    expected = run(x, *rest)
    for other in (np.asfortranarray(x), wide[::2, ::2], x.copy()):
        for a, b in zip(run(other, *rest), expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("kind", "close"), KINDS)
def test_one_weight_for_all_rows(kind, close):
    x, _, *rest = problem(601, 5, 3, kind)
    expected = reference(x, np.full(601, 0.7), *rest)
    assert_close(run(x, np.broadcast_to(0.7, (601,)), *rest), expected, close)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_weightless_component_gets_nothing(kind):
    given = problem(300, 5, 3, kind)
    given[4][1] = -np.inf
    loglik, count, first, second = run(*given)
    assert np.isfinite(loglik)
    assert count[1] == 0
    assert not first[1].any()
    assert not second[1].any()


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_the_likelihood(kind, value, careful):
    given = problem(300, 5, 3, kind)
    given[0][270, 4] = value
    assert not np.isfinite(run(*given, careful=careful)[0])


@pytest.mark.parametrize(("kind", "value"), [(np.float64, 1e200), (np.float32, 1e30)])
def test_a_row_where_no_component_has_density_reaches_the_likelihood(kind, value):
    given = problem(300, 5, 3, kind)
    given[0][270, 4] = value
    assert not np.isfinite(run(*given)[0])


@pytest.mark.parametrize("precision", [1e4, 1e8, 1e12, 1e16])
@pytest.mark.parametrize(("kind", "careful"), [(np.float64, False), (np.float32, True)])
def test_thin_components_far_from_the_origin(precision, kind, careful):
    rng = np.random.default_rng(0)
    root, k, d = np.sqrt(precision), 3, 4
    means = 1 + 2 / root * rng.normal(size=(k, d))
    z = (means[rng.integers(k, size=500)] + rng.normal(size=(500, d)) / root).astype(kind)
    offset = np.full(k, d * np.log(root))
    given = z, np.ones(500), np.zeros(d), 1.0, offset, means, np.full(k, root)
    expected = reference(*given, np.longdouble)
    assert_close(run(*given, careful=careful), expected, 1e-11)


@pytest.mark.parametrize(("kind", "close"), KINDS)
def test_components_far_apart_keep_their_smallest_counts(kind, close):
    rng = np.random.default_rng(3)
    means = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 11.0]])
    x = (rng.normal(size=(400, 2)) * 0.01).astype(kind)
    given = x, np.ones(400), np.zeros(2), 1.0, np.zeros(3), means, np.ones(3)
    got, expected = run(*given), reference(*given)
    assert expected[1][2] < 1e-20
    for a, b in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a[..., 0], b[..., 0], rtol=40 * close)


def test_chunks_add_up():
    x, weights, *rest = problem(900, 6, 4, np.float64)
    parts = [run(x[a:b], weights[a:b], *rest) for a, b in ((0, 256), (256, 900))]
    assert_close(map(sum, zip(*parts, strict=True)), run(x, weights, *rest), 1e-13)
