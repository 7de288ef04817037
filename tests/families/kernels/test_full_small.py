"""The unrolled passes against NumPy."""

from importlib import import_module

import numpy as np
import pytest
from scipy.special import logsumexp

from latentia.families.kernels import full_small_write


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


@pytest.mark.parametrize("d", full_small_write.FEATURES)
def test_modules_are_what_the_generator_writes(d):
    assert full_small_write.path(d).read_text(encoding="utf-8") == full_small_write.source(d)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize(("d", "k"), [(1, 3), (2, 1), (2, 40), (4, 3), (8, 3)])
def test_small_equals_numpy(d, k, kind):
    given = problem(601, d, k, kind)
    got = import_module("latentia.families.kernels.full_small").run(*given)
    for a, b in zip(got, reference(*given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize(
    ("kind", "close", "below"), [(np.float64, 1e-9, 706), (np.float32, 1e-9, 706)]
)
@pytest.mark.parametrize("d", [1, 4, 8])
def test_a_component_of_next_to_no_density_keeps_its_digits(d, kind, close, below):
    given = problem(300, d, 3, kind)
    given[0][:] = 5 + (given[0] - 5) / 100
    given[4][:], given[5][:] = [0, -below, 0], 0
    got, expected = (
        import_module("latentia.families.kernels.full_small").run(*given),
        reference(*given),
    )
    assert 0 < expected[1][1] < (1e-300 if below > 104 else 1e-34)
    for a, b in zip(got[1:], expected[1:], strict=True):
        np.testing.assert_allclose(a[1], b[1], rtol=0, atol=close * np.abs(b[1]).max())
