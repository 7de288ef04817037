"""The pass by products of features against NumPy."""

from importlib import import_module

import numpy as np
import pytest
from scipy.special import logsumexp


def problem(n, d, k, kind):
    rng = np.random.default_rng(d)
    x = (rng.normal(size=(n, d)) * 2 + 5).astype(kind)
    factor = np.triu(rng.normal(size=(k, d, d)) * 0.2) + np.eye(d)
    offset = rng.normal(size=k)
    return x, rng.uniform(0, 2, n), np.full(d, 5.0), 0.5, offset, rng.normal(size=(k, d)), factor


def reference(x, weights, origin, unit, offset, means, factor):
    z = (x.astype(float) - origin) * unit
    y = np.einsum("nki,kij->nkj", z[:, None] - means, factor)
    joint = offset - (y**2).sum(axis=2) / 2
    log_sum = logsumexp(joint, axis=1)
    resp = np.exp(joint - log_sum[:, None]) * weights[:, None]
    second = np.einsum("nk,ni,nj->kij", resp, z, z)
    return weights @ log_sum, resp.sum(axis=0), resp.T @ z, second


def run(*given):
    return import_module("latentia.families.kernels.full_middle").run(*given)


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize("d", [9, 16, 27])
@pytest.mark.parametrize(("kind", "close"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_middle_equals_numpy(d, k, kind, close):
    given = problem(601, d, k, kind)
    for a, b in zip(run(*given), reference(*given), strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close * np.abs(b).max())


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_weightless_component_gets_nothing(kind):
    given = problem(300, 10, 3, kind)
    given[4][1] = -np.inf
    loglik, count, first, second = run(*given)
    assert np.isfinite(loglik)
    assert count[1] == 0
    assert not first[1].any()
    assert not second[1].any()


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_the_likelihood(kind, value):
    given = problem(300, 10, 3, kind)
    given[0][270, 4] = value
    assert not np.isfinite(run(*given)[0])


@pytest.mark.parametrize(
    ("kind", "close", "below"),
    [(np.float64, 1e-9, 706), (np.float32, 2e-5, 86), (np.float32, 2e-5, 102)],
)
@pytest.mark.parametrize("d", [9, 16])
def test_a_component_of_next_to_no_density_keeps_its_digits(d, kind, close, below):
    given = problem(300, d, 3, kind)
    given[0][:] = 5 + (given[0] - 5) / 100
    given[4][:], given[5][:] = [0, -below, 0], 0
    got, expected = run(*given), reference(*given)
    assert 0 < expected[1][1] < (1e-300 if below > 104 else 1e-34)
    for a, b in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a[1], b[1], rtol=0, atol=close * np.abs(b[1]).max())
