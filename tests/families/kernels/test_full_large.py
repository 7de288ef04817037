"""Centred passes for many features or ill conditions, against NumPy and long doubles."""

import numpy as np
import pytest

from latentia.families.covariance import STRUCTURES
from latentia.families.kernels import full_large

NAMES = ("loglik", "count", "first", "second")


def problem(n, n_features, n_components, separation=0.3, kind=np.float64, seed=0):
    """Rows of a mixture and parameters near it, in the order in which `run` takes them."""
    rng = np.random.default_rng(seed)
    centres = separation * rng.normal(size=(n_components, n_features))
    roots = 0.5 * rng.normal(size=(n_components, n_features, n_features)) / np.sqrt(n_features)
    roots += np.eye(n_features)
    label = rng.integers(n_components, size=n)
    x = centres[label] + np.einsum("nij,nj->ni", roots[label], rng.normal(size=(n, n_features)))
    origin, unit = rng.normal(size=n_features), 0.7
    factor = STRUCTURES["full"].precision(roots @ np.swapaxes(roots, 1, 2)) / unit
    means = (centres + 0.05 * rng.normal(size=centres.shape) - origin) * unit
    offset = np.log(rng.dirichlet(np.full(n_components, 5.0)))
    offset += np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    offset -= n_features / 2 * np.log(2 * np.pi)
    return x.astype(kind), np.broadcast_to(1.0, (n,)), origin, unit, offset, means, factor


def expected(x, weights, origin, unit, offset, means, factor, kind=np.float64):
    """The pass written out, in float64 or in long doubles."""
    offset, means, factor = (a.astype(kind) for a in (offset, means, factor))
    z = (x.astype(kind) - origin.astype(kind)) * kind(unit)
    centred = [z - mean for mean in means]
    joint = np.stack(
        [
            o - np.sum((d @ u) ** 2, axis=1) / 2
            for o, d, u in zip(offset, centred, factor, strict=True)
        ],
        axis=1,
    )
    top = joint.max(axis=1, keepdims=True)
    density = np.exp(joint - top)
    total = density.sum(axis=1, keepdims=True)
    resp = weights[:, None] * density / total
    loglik = np.sum(weights * (top + np.log(total))[:, 0])
    first = np.stack([r @ d for r, d in zip(resp.T, centred, strict=True)])
    second = np.stack([(d * r[:, None]).T @ d for r, d in zip(resp.T, centred, strict=True)])
    return loglik, resp.sum(axis=0), first, second


def agree(got, wanted, tolerance):
    """Each output within `tolerance` of its own largest entry."""
    for name, a, b in zip(NAMES, got, wanted, strict=True):
        error = np.max(np.abs(a - b)) / np.max(np.abs(b))
        assert error <= tolerance, (name, error)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 24, 50, 100])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_equals_numpy(n_features, kind):
    case = problem(700, n_features, 3, kind=kind)
    agree(full_large.run(*case), expected(*case), 1e-12 if kind is np.float64 else 2e-6)


def test_several_hundred_features():
    case = problem(500, 403, 2)
    agree(full_large.run(*case), expected(*case), 1e-12)


@pytest.mark.parametrize("n", [1, 7, 191, 319, 320, 321, 641])
def test_tails(n):
    case = problem(n, 6, 2)
    agree(full_large.run(*case), expected(*case), 1e-12)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_layout_of_rows_does_not_matter(kind):
    x, *rest = problem(500, 9, 3, kind=kind)
    plain = full_large.run(x, *rest)
    spread = np.empty((1000, 18), kind)
    spread[::2, ::2] = x
    for rows in (np.asfortranarray(x), spread[::2, ::2], x[:, ::-1].copy()[:, ::-1]):
        for a, b in zip(plain, full_large.run(rows, *rest), strict=True):
            np.testing.assert_array_equal(a, b)


def test_weights_count_rows():
    x, _, *rest = problem(400, 7, 3)
    weights = np.random.default_rng(1).integers(0, 4, size=len(x)).astype(float)
    got = full_large.run(x, weights, *rest)
    agree(got, expected(x, weights, *rest), 1e-12)
    repeated = np.repeat(x, weights.astype(int), axis=0)
    agree(got, full_large.run(repeated, np.broadcast_to(1.0, (len(repeated),)), *rest), 1e-12)
    half = full_large.run(x, np.broadcast_to(0.5, (len(x),)), *rest)
    agree(half, [a / 2 for a in full_large.run(x, np.broadcast_to(1.0, (len(x),)), *rest)], 1e-13)


def test_component_of_weight_zero_gets_nothing():
    case = list(problem(400, 5, 3))
    case[4] = case[4].copy()
    case[4][1] = -np.inf
    _, count, first, second = got = full_large.run(*case)
    assert count[1] == 0
    assert not first[1].any()
    assert not second[1].any()
    agree(got, expected(*case), 1e-12)


def test_component_far_from_every_row():
    case = list(problem(400, 5, 3))
    case[5] = case[5].copy()
    case[5][2] += 1e6
    _, count, first, second = got = full_large.run(*case)
    assert count[2] == 0
    assert not first[2].any()
    assert not second[2].any()
    agree(got, expected(*case), 1e-12)


@pytest.mark.parametrize("separation", [1.0, 2.0, 4.0])
def test_rows_left_out_of_moments_are_not_missed(separation):
    case = problem(3000, 12, 5, separation)
    agree(full_large.run(*case), expected(*case, kind=np.longdouble), 1e-13)


def test_component_whose_rows_are_all_slight_keeps_its_moments():
    case = list(problem(2000, 4, 2))
    case[4] = case[4] - np.array([0.0, 100.0])
    got, wanted = full_large.run(*case), expected(*case, kind=np.longdouble)
    assert wanted[1][1] < 1e-15
    for a, b in zip(got[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(
            a[1], b[1].astype(float), rtol=1e-9, atol=1e-12 * abs(b[1]).max()
        )


@pytest.mark.parametrize("below", [86, 102, 200, 600])
@pytest.mark.parametrize(("kind", "close"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_copy_of_a_component_has_its_share_of_the_moments_however_small(kind, close, below):
    case = list(problem(1000, 9, 3, kind=kind))
    for given in case[4:]:
        given[1] = given[0]
    case[4][1] -= below
    _, *sums = full_large.run(*case)
    for each in sums:
        share = each[1] / np.exp(-float(below))
        np.testing.assert_allclose(share, each[0], rtol=0, atol=close * abs(each[0]).max())


@pytest.mark.parametrize("n_features", [1, 2, 5, 30])
def test_condition_of_ten_to_the_tenth(n_features):
    rng = np.random.default_rng(n_features)
    n, scales = 900, np.logspace(0, -5, n_features) if n_features > 1 else np.array([1e-5])
    turn = np.linalg.qr(rng.normal(size=(n_features, n_features)))[0]
    thin = (rng.normal(size=(n, n_features)) * scales) @ turn.T
    x = np.where(rng.random((n, 1)) < 0.5, thin + 0.5, rng.normal(size=(n, n_features)))
    # U Uᵀ is the thin precision: R of a QR of the root, turned to be upper on the left.
    root = (turn / scales)[::-1]
    upper = np.linalg.qr(root.T)[1].T[::-1, ::-1]
    upper = upper * np.sign(np.diag(upper))
    np.testing.assert_array_equal(upper, np.triu(upper))
    factor = np.stack([upper, np.eye(n_features)])
    offset = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    means = np.stack([np.full(n_features, 0.5), np.zeros(n_features)])
    case = (x, np.broadcast_to(1.0, (n,)), np.zeros(n_features), 1.0, offset, means, factor)
    got, wanted = full_large.run(*case), expected(*case, kind=np.longdouble)
    # The factor's condition is 1e5, so a whitened coordinate is good to 1e5 eps.
    agree(got, wanted, 1e-10)
    whiten = upper.astype(np.longdouble)
    white = [whiten.T @ s[3][0].astype(np.longdouble) @ whiten / s[1][0] for s in (got, wanted)]
    # Entries of the scatter are good to eps of the largest: 1e10 eps in the thinnest direction.
    assert np.max(np.abs(white[0] - white[1])) < 1e10 * np.finfo(float).eps * n_features


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_reaches_the_log_likelihood(kind, value):
    case = problem(400, 6, 3, kind=kind)
    case[0][333, 2] = value
    assert not np.isfinite(full_large.run(*case)[0])


def test_same_bits_again_and_symmetric():
    case = problem(900, 30, 4)
    once, again = full_large.run(*case), full_large.run(*case)
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(once[3], np.swapaxes(once[3], 1, 2))
