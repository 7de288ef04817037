"""Rows of which most entries are zero, such as counts of words."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.arrays import BLOCK, SAMPLE


class SparseRows(NamedTuple):
    """Independent sparse rows with a weight each.

    Attributes
    ----------
    x : csr_matrix or csr_array of shape (n, d)
    weights : array of shape (n,)
    """

    x: Any
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, x: Any, weights: object = None) -> Self:
        """Rows of any SciPy sparse matrix; weights default to one.

        Raises
        ------
        TypeError
            `x` is not sparse.
        ValueError
            The weights are not one for each row, finite and at least zero.
        """
        if not sparse.issparse(x):
            raise TypeError(f"got x of type {type(x).__qualname__}, expected a SciPy sparse matrix")
        rows: Any = cast(Any, x).tocsr()
        w = np.ones(rows.shape[0]) if weights is None else np.asarray(weights, dtype=np.float64)
        if w.shape != (rows.shape[0],) or not (np.isfinite(w) & (w >= 0)).all():
            raise ValueError(
                f"got weights of shape {w.shape}, expected {rows.shape[0]} finite numbers of at "
                "least 0: one weight a row"
            )
        return cls(rows, w)

    def __len__(self) -> int:
        return self.x.shape[0]

    def take(self, idx: NDArray[np.intp]) -> Self:
        return type(self)(self.x[idx], self.weights[idx])

    def reweight(self, w: NDArray[np.float64]) -> Self:
        return type(self)(self.x, self.weights * w)


@final
class SparseSource:
    """Sparse rows in memory, handed out in chunks.

    Parameters
    ----------
    rows : SparseRows
    block : int, default=BLOCK
        Rows in a chunk.
    """

    def __init__(self, rows: SparseRows, block: int = BLOCK) -> None:
        self.rows, self.block = rows, block

    def chunks(self) -> Sequence[SparseRows]:
        x, w = self.rows
        starts = range(0, len(w), self.block)
        return [SparseRows(x[at : at + self.block], w[at : at + self.block]) for at in starts]

    def sample(self, rng: np.random.Generator) -> SparseRows:
        """Distinct rows with their summed weights, in an order that only the rows decide.

        Rows of weight zero are left out. If there are more than `SAMPLE`, that many are drawn
        by weight.
        """
        distinct = distinct_sparse_rows(self.rows)
        if len(distinct) <= SAMPLE:
            return distinct
        total = float(distinct.weights.sum())
        drawn = rng.choice(len(distinct), SAMPLE, replace=True, p=distinct.weights / total)
        idx, counts = np.unique(drawn, return_counts=True)
        return SparseRows(distinct.x[idx], np.asarray(counts * (total / SAMPLE), np.float64))


def distinct_sparse_rows(rows: SparseRows) -> SparseRows:
    """Each different row once, with the sum of its weights, sorted by its bytes."""
    x = rows.x.copy()
    x.sum_duplicates()
    x.eliminate_zeros()
    x.sort_indices()
    first: dict[bytes, int] = {}
    total: dict[bytes, float] = {}
    indices, data = x.indices.astype(np.int64), x.data
    for i, weight in enumerate(rows.weights):
        if weight > 0:
            part = slice(x.indptr[i], x.indptr[i + 1])
            key = indices[part].tobytes() + data[part].tobytes()
            first.setdefault(key, i)
            total[key] = total.get(key, 0.0) + float(weight)
    keys = sorted(first)
    return SparseRows(x[[first[key] for key in keys]], np.array([total[key] for key in keys]))
