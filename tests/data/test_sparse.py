import numpy as np
import pytest
from scipy import sparse

from latentia.data.sparse import SparseRows, SparseSource
from latentia.engine.model import Chunk, Source

X = np.array([[0, 2, 0], [1, 0, 0], [0, 2, 0], [0, 0, 0]], float)


def test_rows_are_a_chunk_and_take_and_reweight_act_on_units():
    rows = SparseRows.of(sparse.csc_matrix(X), [1, 2, 3, 4])
    assert isinstance(rows, Chunk)
    assert len(rows) == 4
    taken = rows.take(np.array([2, 0, 2])).reweight(np.array([10.0, 1.0, 0.5]))
    np.testing.assert_array_equal(taken.x.toarray(), X[[2, 0, 2]])
    np.testing.assert_array_equal(taken.weights, [30, 1, 1.5])


def test_chunks_together_are_the_rows():
    source = SparseSource(SparseRows.of(sparse.csr_array(X)), block=3)
    assert isinstance(source, Source)
    assert [len(chunk) for chunk in source.chunks()] == [3, 1]
    np.testing.assert_array_equal(np.vstack([chunk.x.toarray() for chunk in source.chunks()]), X)


def test_sample_is_the_same_for_repeats_weights_and_stored_zeros():
    rng = np.random.default_rng(0)
    counts = np.array([2, 1, 0, 3])
    x = np.array([[0, 2, 0], [1, 0, 0], [5, 5, 5], [0, 0, 0]], float)
    repeated = SparseRows.of(sparse.csr_matrix(np.repeat(x, counts, axis=0)[::-1]))
    explicit = sparse.csr_matrix((np.r_[x.ravel()], (*np.indices(x.shape).reshape(2, -1),)), (4, 3))
    assert explicit.nnz == 12
    weighted = SparseRows.of(explicit, counts)
    one, other = (SparseSource(rows).sample(rng) for rows in (repeated, weighted))
    np.testing.assert_array_equal(one.x.toarray(), other.x.toarray())
    np.testing.assert_array_equal(one.weights, other.weights)
    assert sorted(one.weights) == [1, 2, 3]


def test_a_large_sample_keeps_the_total_weight():
    n = 25_000
    x = sparse.csr_matrix((np.arange(1.0, n + 1), (np.arange(n), np.zeros(n, int))), (n, 2))
    sample = SparseSource(SparseRows.of(x)).sample(np.random.default_rng(1))
    assert len(sample) < 20_000
    np.testing.assert_allclose(sample.weights.sum(), n)


def test_what_is_not_sparse_or_no_weight_is_refused():
    with pytest.raises(TypeError, match="expected a SciPy sparse matrix"):
        SparseRows.of(X)
    with pytest.raises(ValueError, match="one weight a row"):
        SparseRows.of(sparse.csr_matrix(X), [1, 2])
    with pytest.raises(ValueError, match="at least 0"):
        SparseRows.of(sparse.csr_matrix(X), [1, 2, -1, 0])
