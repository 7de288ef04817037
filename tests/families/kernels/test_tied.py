"""The pass for one covariance of all components against NumPy, and where it is nearly singular."""

from importlib import import_module

import numpy as np
import pytest
from scipy.special import logsumexp

KINDS = [np.float64, np.float32]
FORMS = ["run", "run_careful"]


def problem(n, d, k, kind):
    rng = np.random.default_rng(d)
    x = (rng.normal(size=(n, d)) * 2 + 5).astype(kind)
    factor = np.triu(rng.normal(size=(d, d)) * 0.2) + np.eye(d)
    offset = rng.normal(size=k)
    return x, rng.uniform(0, 2, n), np.full(d, 5.0), 0.5, offset, rng.normal(size=(k, d)), factor


def reference(x, weights, origin, unit, offset, means, factor, kind=np.float64):
    z = (x.astype(kind) - origin) * unit
    y = np.einsum("nki,ij->nkj", z[:, None] - means, factor.astype(kind))
    joint = offset - (y**2).sum(axis=2) / 2
    log_sum = logsumexp(joint, axis=1)
    resp = np.exp(joint - log_sum[:, None]) * weights[:, None]
    return weights @ log_sum, resp.sum(axis=0), resp.T @ z, (z.T * weights) @ z


def room():
    return import_module("latentia.families.kernels.tied")


def assert_close(got, expected, close):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close * np.abs(b).max())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("k", [1, 2, 7])
@pytest.mark.parametrize("d", [1, 4, 19])
@pytest.mark.parametrize("kind", KINDS)
def test_pass_equals_numpy(d, k, kind, form):
    given = problem(601, d, k, kind)
    assert_close(getattr(room(), form)(*given), reference(*given), 1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 7, 256, 257, 520])
def test_every_number_of_rows(n, form):
    given = problem(n, 3, 2, np.float64)
    assert_close(getattr(room(), form)(*given), reference(*given), 1e-12)


@pytest.mark.parametrize("careful", [False, True])
def test_a_scatter_that_is_known_changes_no_bit(careful):
    given = problem(700, 7, 5, np.float64)
    scatter = room().scatter(*given[:4])
    expected = room().run(*given, careful=careful)
    for a, b in zip(room().run(*given, scatter=scatter, careful=careful), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weights", [np.linspace(0, 3, 555), np.broadcast_to(0.7, (555,))])
@pytest.mark.parametrize("d", [1, 5, 13])
@pytest.mark.parametrize("kind", KINDS)
def test_scatter_is_the_weighted_second_moment(d, kind, weights):
    x = (np.random.default_rng(1).normal(size=(555, d)) + 1e6).astype(kind)
    z = (x.astype(float) - 1e6) * 0.25
    got = room().scatter(x, weights, np.full(d, 1e6), 0.25)
    np.testing.assert_array_equal(got, got.T)
    np.testing.assert_allclose(got, (z.T * weights) @ z, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_memory_order_changes_no_bit(kind):
    x, *rest = problem(601, 5, 3, kind)
    wide = np.zeros((1202, 10), kind)
    wide[::2, ::2] = x
    expected = room().run(x, *rest)
    for other in (np.asfortranarray(x), wide[::2, ::2], x.copy()):
        for a, b in zip(room().run(other, *rest), expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("form", FORMS)
def test_weightless_component_gets_nothing(form):
    given = problem(300, 5, 3, np.float64)
    given[4][1] = -np.inf
    loglik, count, first, _ = getattr(room(), form)(*given)
    assert np.isfinite(loglik)
    assert count[1] == 0
    assert not first[1].any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_a_row_without_density_reaches_the_likelihood(value, form):
    given = problem(300, 5, 3, np.float64)
    given[0][270, 4] = value
    assert not np.isfinite(getattr(room(), form)(*given)[0])


def nearly_singular(condition, spread):
    """Rows around means that are `spread` deviations apart, off the origin."""
    rng = np.random.default_rng(2)
    n, d, k = 1_000, 6, 4
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    root = np.linalg.cholesky(axes * np.geomspace(1 / condition, 1, d) @ axes.T)
    means = rng.normal(size=d) + spread * rng.normal(size=(k, d)) @ root.T
    z = means[rng.integers(k, size=n)] + rng.normal(size=(n, d)) @ root.T
    factor = np.linalg.inv(root).T
    offset = np.full(k, np.log(np.diagonal(factor)).sum())
    return z, np.ones(n), np.zeros(d), 1.0, offset, means, factor


@pytest.mark.parametrize("spread", [1e-3, 2.0])
@pytest.mark.parametrize(
    ("form", "condition"),
    [("run", 1e3), ("run", 1e6), ("run_careful", 1e6), ("run_careful", 1e10)],
)
def test_nearly_singular_covariance(form, condition, spread):
    given = nearly_singular(condition, spread)
    expected = reference(*given, np.longdouble)
    assert_close(getattr(room(), form)(*given), expected, 1e-9)


def test_chunks_add_up():
    x, weights, *rest = problem(900, 6, 4, np.float64)
    parts = [room().run(x[a:b], weights[a:b], *rest) for a, b in ((0, 256), (256, 900))]
    assert_close(map(sum, zip(*parts, strict=True)), room().run(x, weights, *rest), 1e-12)
