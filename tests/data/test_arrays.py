"""Rows, where they come from, and the frame in which moments do not cancel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentia.data import arrays
from latentia.data.arrays import SAMPLE, Frame, Rows, RowSource, distinct_rows, ones, total_of
from latentia.engine import Chunk, Source

tables = hnp.arrays(
    float,
    st.tuples(st.integers(1, 30), st.integers(1, 3)),
    elements=st.sampled_from([-1.5, -0.0, 0.0, 1e-300, 1.0, 2.0, 3e200]),
)


def test_rows_are_chunks_and_their_source_is_one():
    rows = Rows.of([[1, 2], [3, 4]])
    assert isinstance(rows, Chunk)
    assert isinstance(RowSource(rows), Source)
    assert rows.x.dtype == rows.weights.dtype == np.float64
    np.testing.assert_array_equal(rows.weights, [1, 1])
    assert Rows.of([1, 2, 3]).x.shape == (3, 1)


def test_take_and_reweight():
    rows = Rows.of([[1.0], [2.0], [3.0]], [1.0, 2.0, 0.5])
    taken = rows.take(np.array([2, 0, 2]))
    np.testing.assert_array_equal(taken.x[:, 0], [3, 1, 3])
    np.testing.assert_array_equal(taken.weights, [0.5, 1, 0.5])
    again = rows.reweight(np.array([2.0, 0.0, 1.0])).reweight(np.array([1.0, 1.0, 4.0]))
    np.testing.assert_array_equal(again.weights, [2, 0, 2])
    np.testing.assert_array_equal(rows.weights, [1, 2, 0.5])


@given(n=st.integers(1, 50), block=st.integers(1, 60))
def test_chunks_are_all_rows_in_order(n, block):
    rows = Rows.of(np.arange(n), np.arange(n) + 0.5)
    chunks = RowSource(rows, block).chunks()
    np.testing.assert_array_equal(np.concatenate([c.x for c in chunks]), rows.x)
    np.testing.assert_array_equal(np.concatenate([c.weights for c in chunks]), rows.weights)
    assert all(len(c) == block for c in chunks[:-1])
    assert 1 <= len(chunks[-1]) <= block


# -- distinct rows -----------------------------------------------------------------------------


@given(tables, st.data())
def test_distinct_rows_are_numpys_with_their_weights(x, data):
    counts = data.draw(hnp.arrays(int, len(x), elements=st.integers(0, 3)))
    got = distinct_rows(Rows.of(x, counts))
    kept = x[counts > 0]
    assert len(got) == len(np.unique(kept, axis=0))
    for row, weight in zip(*got, strict=True):
        assert weight == counts[(x == row).all(axis=1)].sum()


@given(tables, st.data())
def test_weights_repeats_and_order_make_no_difference_to_a_bit(x, data):
    counts = data.draw(hnp.arrays(int, len(x), elements=st.integers(0, 3)))
    order = np.array(data.draw(st.permutations(range(counts.sum()))), dtype=int)
    weighted = distinct_rows(Rows.of(x, counts))
    repeated = distinct_rows(Rows.of(np.repeat(x, counts, axis=0)[order]))
    np.testing.assert_array_equal(weighted.x, repeated.x)
    np.testing.assert_array_equal(weighted.weights, repeated.weights)


@pytest.mark.parametrize("most", [None, 5])
def test_rows_that_share_a_key_are_kept_apart(monkeypatch, most):
    monkeypatch.setattr(arrays, "_keys", lambda x: (x[:, 0] % 2).astype(np.uint64))
    x = np.array([3.0, 1.0, 2.0, 3.0, 0.0, 1.0])[:, None]
    got = distinct_rows(Rows.of(x), most)
    assert dict(zip(got.x[:, 0], got.weights, strict=True)) == {0: 1, 1: 2, 2: 1, 3: 2}


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_smallest_keys_are_the_same_however_many_rows_wait(seed, most):
    rng = np.random.default_rng(seed)
    x, w = rng.integers(60, size=(20_000, 1)).astype(float), rng.integers(1, 4, size=20_000)
    everything, kept = distinct_rows(Rows.of(x, w)), distinct_rows(Rows.of(x, w), most)
    np.testing.assert_array_equal(kept.x, everything.x[:most])
    share = everything.weights[:most] / everything.weights[:most].sum()
    np.testing.assert_allclose(kept.weights, share * w.sum(), rtol=1e-14)


def test_rows_are_kept_apart_by_one_bit():
    x = np.array([[1.0, 2.0], [1.0, np.nextafter(2.0, 3.0)], [2.0, 1.0]])
    assert len(distinct_rows(Rows.of(x))) == 3


def test_large_data_are_sampled_by_weight_and_keep_their_total():
    rng = np.random.default_rng(0)
    n = 2 * SAMPLE
    x = np.arange(n, dtype=float)
    weights = np.where(x < n / 2, 3.0, 1.0)
    sample = RowSource(Rows.of(x, weights)).sample(rng)
    assert len(sample) <= SAMPLE
    assert sample.weights.sum() == pytest.approx(weights.sum())
    low = sample.weights[sample.x[:, 0] < n / 2].sum() / sample.weights.sum()
    assert low == pytest.approx(0.75, abs=0.02)  # six standard errors
    repeated = Rows.of(np.repeat(x, weights.astype(int)))
    again = RowSource(repeated).sample(np.random.default_rng(0))
    np.testing.assert_array_equal(again.x, sample.x)
    np.testing.assert_array_equal(again.weights, sample.weights)


def test_small_data_are_taken_whole():
    rows = Rows.of([3.0, 1.0, 3.0])
    sample = RowSource(rows).sample(np.random.default_rng(0))
    assert sorted(zip(sample.x[:, 0], sample.weights, strict=True)) == [(1, 1), (3, 2)]


# -- frames ------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32 - 1),
    shift=st.sampled_from([0.0, 1.0, -1e8]),
    scale=st.sampled_from([1e-100, 1e-6, 1.0, 1e6, 1e100, 1e150]),
)
@settings(max_examples=30)
def test_a_frame_is_mean_and_spread(seed, shift, scale):
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(size=(20, 3)) * [1, 64, 1 / 64], 8)
    w = rng.gamma(2.0, size=20)
    frame = Frame.of(Rows.of(scale * (z + shift), w))
    z = (z + shift) - shift  # what rounding leaves
    mean = np.average(z, axis=0, weights=w)
    spread = np.sqrt(np.average((z - mean) ** 2, axis=0, weights=w))
    left = 4e-16 * scale * np.abs(z + shift).max()  # of a sum that cancels
    np.testing.assert_allclose(frame.origin, scale * (mean + shift), rtol=1e-12, atol=left)
    slack = 1e-9 + 1e-15 * abs(shift)
    np.testing.assert_allclose(frame.spread / scale, spread, rtol=1e-9, atol=slack)
    typical = np.sqrt((spread**2).mean())
    assert 0.7 * typical - slack <= frame.scale / scale <= 1.42 * typical + slack
    assert np.frexp(frame.scale)[0] == 0.5  # a power of two, by which nothing is rounded


def test_weights_are_replication_in_a_frame():
    rng = np.random.default_rng(0)
    x, counts = rng.normal(size=(20, 2)), rng.integers(0, 4, size=20)
    one, other = Frame.of(Rows.of(x, counts)), Frame.of(Rows.of(np.repeat(x, counts, axis=0)))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_constant_columns_have_a_unit_all_the_same():
    frame = Frame.of(Rows.of(np.full((5, 2), 7.0)))
    np.testing.assert_array_equal(frame.origin, [7, 7])
    np.testing.assert_array_equal(frame.spread, [1, 1])
    assert frame.scale == 1


@pytest.mark.parametrize("scale", [1e200, 5e307, 1e-200])
def test_columns_whose_squares_no_float_holds_are_refused(scale):
    x = np.column_stack([[1.0, 2.0, -3.0], [0.5, -1.0, 2.0]]) * scale
    with pytest.raises(ValueError, match="beyond what a float can hold; give them in another unit"):
        Frame.of(Rows.of(x))


def test_rows_of_no_weight_do_not_count():
    x = np.array([[1.0], [2.0], [3.0], [1e30]])
    frame = Frame.of(Rows.of(x, [1.0, 1.0, 1.0, 0.0]))
    assert frame.origin[0] == pytest.approx(2)
    assert frame.spread[0] == pytest.approx(np.sqrt(2 / 3))


@pytest.mark.parametrize(
    ("x", "weights", "said"),
    [
        (np.zeros((2, 2, 2)), None, r"shape \(2, 2, 2\), expected rows and columns"),
        (np.arange(4), [2.0], r"weights of shape \(1,\), expected \(4,\): one weight a row"),
        (np.arange(3), [1, -1, 2], r"weights\[1\] = -1, expected a finite number of at least 0"),
        (np.arange(3), [1, 1, np.nan], r"weights\[2\] = nan"),
    ],
)
def test_rows_that_cannot_be_get_one_sentence(x, weights, said):
    with pytest.raises(ValueError, match=said):
        Rows.of(x, weights)


def test_holes_are_for_the_model_to_judge():
    assert np.isnan(Rows.of([1.0, np.nan]).x[1, 0])


def test_the_frame_of_rows_with_holes_is_that_of_each_columns_cells():
    rng = np.random.default_rng(0)
    x, w = rng.normal(3.0, 2.0, size=(40, 3)), rng.gamma(2.0, size=40)
    x[rng.uniform(size=x.shape) < 0.3] = np.nan
    x[0, 0] = np.nan
    frame = Frame.of(Rows.of(x, w))
    for j, column in enumerate(x.T):
        known = ~np.isnan(column)
        alone = Frame.of(Rows.of(column[known], w[known]))
        assert frame.origin[j] == pytest.approx(alone.origin[0], rel=1e-13)
        assert frame.spread[j] == pytest.approx(alone.spread[0], rel=1e-13)
    x[:, 1] = np.nan
    origin, scale, spread = Frame.of(Rows.of(x, w))
    assert (origin[1], spread[1]) == (0, 1)
    assert np.isfinite([*origin, scale, *spread]).all()


def test_the_total_of_weights_is_their_sum_however_they_are_kept():
    for n in (0, 1, 10, 1_000_000):
        assert total_of(ones(n)) == n
        assert total_of(np.broadcast_to(np.float64(0.1), (n,))) == pytest.approx(0.1 * n, rel=1e-15)
    weights = np.random.default_rng(0).uniform(size=1_000)
    assert total_of(weights) == weights.sum()
    assert total_of(weights[::-3]) == weights[::-3].sum()


@given(n=st.integers(1, 10**8), columns=st.integers(1, 200))
def test_chunks_are_neither_small_nor_larger_than_a_block_and_threads_share_few_evenly(n, columns):
    each = arrays.rows_in_a_chunk(n, columns)
    chunks = -(-n // each)
    least = min(max(arrays.WIDE // columns, arrays.LEAST[0]), arrays.LEAST[1])
    assert each % arrays.TILE == 0
    assert each <= arrays.BLOCK
    assert chunks == 1 or each >= least
    assert chunks >= arrays.CHUNKS or chunks.bit_count() == 1 or each == arrays.TILE
    if n >= arrays.CHUNKS * arrays.LEAST[1]:
        assert chunks >= arrays.CHUNKS // 2  # enough for several threads
