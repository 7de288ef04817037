"""What was worked out of an array a moment ago."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentia.engine.space import PositiveDefinite
from latentia.engine.space.recent import LARGEST, PLACES, Recent, inverse_lower, lower


def counting():
    seen = []

    def doubled(value):
        seen.append(value.copy())
        return 2 * value

    return Recent(doubled), seen


def test_equal_arrays_are_worked_on_once():
    recent, seen = counting()
    first = recent(np.arange(3.0))
    assert recent(np.arange(3.0)) is first
    assert len(seen) == 1


def test_an_array_written_to_in_place_is_another():
    recent, _ = counting()
    value = np.arange(3.0)
    recent(value)
    value[0] = 5.0
    np.testing.assert_array_equal(recent(value), [10.0, 2.0, 4.0])


def test_the_same_bits_in_another_shape_are_another():
    recent, _ = counting()
    assert recent(np.ones(4)).shape == (4,)
    assert recent(np.ones((2, 2))).shape == (2, 2)


def test_the_last_few_are_kept_and_large_ones_are_not():
    recent, seen = counting()
    for i in range(PLACES + 1):
        recent(np.full(2, float(i)))
    recent(np.zeros(2))
    assert len(seen) == PLACES + 2
    many = np.zeros(LARGEST // 8 + 1)
    recent(many)
    recent(many)
    assert len(seen) == PLACES + 4


def test_what_is_kept_cannot_be_written_to():
    made = lower(np.eye(2)[None])
    with pytest.raises(ValueError, match="read-only"):
        made[0, 0, 0] = 3.0


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.3, 3.0), spread=st.floats(0.0, 4.0))
def test_a_floor_is_seen_whatever_shows_it(seed, share, spread):
    """What determinants and inverses of factors show agrees with the eigenvalues."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 4, 4)))[0]
    values = 10.0 ** rng.uniform(-spread, spread, size=(3, 4))
    matrices = (axes * values[:, None]) @ np.swapaxes(axes, 1, 2)
    matrices = (matrices + np.swapaxes(matrices, 1, 2)) / 2
    lowest = float(values.min())
    floor = share * lowest
    constraint = PositiveDefinite(floor)
    kept = constraint.project(matrices) is matrices
    wrong = constraint.violation(matrices, matrices)
    if share < 0.999:
        assert kept
        assert wrong is None
    elif share > 1.001 and floor - lowest > 1e-8 * max(values.max(), 1.0):
        assert not kept
        assert wrong is not None
    made = np.linalg.eigvalsh(constraint.project(matrices))
    assert (made[:, 0] >= floor * (1 - 1e-9) - 1e-14 * made[:, -1]).all()
    np.testing.assert_allclose(
        inverse_lower(matrices) @ lower(matrices), np.eye(4)[None].repeat(3, 0), atol=1e-6
    )
