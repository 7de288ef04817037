"""Moments in twice the precision, against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentia.engine import tree
from latentia.families import twofold
from latentia.families.gaussian import GaussianStats

seeds = st.integers(0, 2**32 - 1)


def _case(seed, thickness, k=2, d=3, n=20):
    """Weighted rows of thin components far from the origin, and centres near their means."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(k, d)) * 3
    z = middle[:, None, :] + thickness * rng.normal(size=(k, n, d))
    resp = rng.uniform(size=(k, n))
    centre = middle + thickness * rng.normal(size=(k, d))
    return z, resp, centre


def _moments(z, resp, centre):
    y = z - centre[:, None, :]
    return (
        resp.sum(axis=1),
        np.einsum("kn,kni->ki", resp, y),
        np.einsum("kn,kni,knj->kij", resp, y, y),
    )


def _rounding(centre):
    """What a few roundings of low parts, moved by `centre`, may come to."""
    return 8 * twofold.QUANTUM * 2**-54 * (1 + np.abs(centre).max()) ** 2


def _exact_scatter(count, first, second, centre, means):
    """What the moments about `centre` say about `means`, in rational numbers."""
    k, d = centre.shape
    out = np.empty((k, d, d))
    for c in range(k):
        n = Fraction(float(count[c]))
        gap = [Fraction(float(centre[c, i])) - Fraction(float(means[c, i])) for i in range(d)]
        a = [Fraction(float(value)) for value in first[c]]
        for i in range(d):
            for j in range(d):
                s = Fraction(float(second[c, i, j]))
                out[c, i, j] = float(s + a[i] * gap[j] + gap[i] * a[j] + n * gap[i] * gap[j])
    return out


@given(seed=seeds, thickness=st.sampled_from([1.0, 1e-3, 1e-6, 1e-9]))
@settings(max_examples=60, deadline=None)
def test_moments_survive_the_way_to_the_origin_and_back(seed, thickness):
    z, resp, centre = _case(seed, thickness)
    parts = _moments(z, resp, centre)
    stats = GaussianStats(*twofold.about_zero(*parts, centre))
    means = centre + thickness * np.random.default_rng(seed + 1).normal(size=centre.shape)
    expected = _exact_scatter(*parts, centre, means)
    got = twofold.scatter(*stats[:4], means)
    size = np.abs(expected).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * size + _rounding(centre))


@given(seed=seeds, thickness=st.sampled_from([1e-3, 1e-6]), n_parts=st.integers(2, 40))
@settings(max_examples=40, deadline=None)
def test_sums_of_parts_with_other_centres_lose_nothing(seed, thickness, n_parts):
    rng = np.random.default_rng(seed)
    z, resp, centre = _case(seed, thickness, n=n_parts)
    parts = []
    for i in range(n_parts):  # one row each, each about a centre of its own
        near = centre + thickness * rng.normal(size=centre.shape)
        parts.append(
            GaussianStats(
                *twofold.about_zero(*_moments(z[:, i : i + 1], resp[:, i : i + 1], near), near)
            )
        )
    total = tree.reduce_in_order(parts)
    direct = _moments(z, resp, centre)
    got = twofold.scatter(*total[:4], centre)
    size = np.abs(direct[2]).max()
    np.testing.assert_allclose(
        got, direct[2], rtol=0, atol=1e-12 * size + n_parts * _rounding(centre)
    )


def test_high_and_low_add_up_to_the_moment():
    z, resp, centre = _case(0, 0.5)
    count, first, second, low = twofold.about_zero(*_moments(z, resp, centre), centre)
    plain = _moments(z, resp, np.zeros_like(centre))
    assert count + low.count == pytest.approx(plain[0])
    np.testing.assert_allclose(first + low.first, plain[1], rtol=1e-12)
    np.testing.assert_allclose(second + low.second, plain[2], rtol=1e-12)
    assert (np.abs(low.second) <= twofold.QUANTUM).all()


def test_no_low_parts_is_the_plain_formula():
    z, resp, centre = _case(1, 1.0)
    count, first, second = _moments(z, resp, np.zeros_like(centre))
    got = twofold.scatter(count, first, second, twofold.nothing(2, 3), centre)
    np.testing.assert_allclose(got, _moments(z, resp, centre)[2], rtol=1e-11)
