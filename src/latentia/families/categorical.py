"""Columns of codes, each with its own number of levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, cast, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import xlogy

from latentia.data.arrays import Rows
from latentia.engine.space import Simplex

from .cells import BORROWED, first_fault, ratio, slope
from .counts import is_count
from .family import Family, GatedPass, MixturePass
from .predictor import MOST_PAIRED, Gate, GateSums

Array = NDArray[np.float64]


class CategoricalParams(NamedTuple):
    """Probabilities of the levels of each component and column, (K, d, L).

    L is the largest number of levels; a column with fewer has exact zeros behind them.
    """

    probabilities: Array


class CategoricalStats(NamedTuple):
    """sum_i r_ik [x_ij = l] over the cells that are known, (K, d, L)."""

    counts: Array


MOST_TOGETHER = 256
"""Combinations of the levels of neighbouring columns that are looked up at once, at most."""

WORTH_COMPILING = 8000
"""Rows of a chunk times components from which a pass is compiled: a fit makes it many times."""


class Blocks(NamedTuple):
    """Neighbouring columns taken together, so that a row has a few combinations of levels.

    A sum over the columns of a row is then one over fewer blocks, of sums that are made once.

    Attributes
    ----------
    first : list of int
        The first column of each block.
    block : array of int, shape (d,)
        The block that each column is in.
    stride : array of int, shape (d,)
        What a level of a column adds to the number of its block's combination.
    before : array of int, shape (B + 1,)
        Combinations of earlier blocks.
    members : sparse array of shape (C, M)
        The levels, those of all columns side by side, in each combination; a missing cell has
        none, and is numbered after the levels of its column.
    transposed : sparse array of shape (M, C)
        The same; to transpose takes longer than a product.
    """

    first: list[int]
    block: NDArray[np.int32]
    stride: NDArray[np.int32]
    before: NDArray[np.int32]
    members: Any
    transposed: Any

    @classmethod
    def of(cls, n_levels: NDArray[np.intp]) -> Blocks:
        """As many columns in each block as `MOST_TOGETHER` allows, one at least."""
        first: list[int] = []
        stride, sizes = np.ones(len(n_levels), dtype=np.int32), np.empty(0, dtype=np.int64)
        for j, levels in enumerate(n_levels):
            if first and sizes[-1] * (levels + 1) <= MOST_TOGETHER:
                stride[j] = sizes[-1]
                sizes[-1] *= levels + 1
            else:
                first.append(j)
                sizes = np.append(sizes, levels + 1)
        before = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        levels_before = np.concatenate([[0], np.cumsum(n_levels)])
        block = np.searchsorted(first, np.arange(len(n_levels)), side="right").astype(np.int32) - 1
        rows, columns = [], []
        for j, (levels, b) in enumerate(zip(n_levels, block, strict=True)):
            each = np.arange(int(sizes[b]))
            level = each // stride[j] % (levels + 1)
            there = level < levels
            rows.append(before[b] + each[there])
            columns.append(levels_before[j] + level[there])
        rows, columns = np.concatenate(rows), np.concatenate(columns)
        shape = (int(before[-1]), int(levels_before[-1]))
        members = csr_array((np.ones(len(rows)), (rows, columns)), shape)
        return cls(first, block, stride, before, members, members.T)


class CodedRows(NamedTuple):
    """Rows of codes with a sparse indicator of each combination of levels beside them.

    Attributes
    ----------
    x : array of shape (n, d)
    weights : array of shape (n,)
    places : array of int, shape (B, n)
        The combination of each block that row i has, by number.
    indicators : sparse array of shape (n, C)
        The same, as ones.
    transposed : sparse array of shape (C, n)
        The same.
    impossible : array of bool, shape (n,)
        Rows with a cell that is no code of its column.
    """

    x: Any
    weights: Array
    places: NDArray[np.int32]
    indicators: Any
    transposed: Any
    impossible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.x)

    def take(self, idx: NDArray[np.intp]) -> Self:
        places, some = np.ascontiguousarray(self.places[:, idx]), self.indicators[idx]
        impossible = self.impossible[idx]
        return type(self)(self.x[idx], self.weights[idx], places, some, some.T, impossible)

    def reweight(self, w: Array) -> Self:
        x, weights, places, some, transposed, impossible = self
        return type(self)(x, weights * w, places, some, transposed, impossible)


@final
class Categorical(Family[CategoricalParams, CategoricalStats]):
    """Codes 0, 1, ..., L - 1 in each column, independent given the component.

    With a mixture this is the latent class model (Goodman 1974). Missing cells (nan) are
    left out. A probability may be exactly 0.

    Parameters
    ----------
    n_components : int
    n_levels : int or array of shape (d,)
        How many levels each column has; a single number is one column.

    Raises
    ------
    ValueError
        If a number of levels is no whole number of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import Categorical
    >>> answers = np.array([[0, 2], [1, 2], [1, np.nan]])
    >>> family = Categorical(1, [2, 3])
    >>> params = family.start(answers, np.ones((3, 1)))
    >>> family.m_step(family.stats(params, answers, np.ones((3, 1))), params)[0].round(3)
    array([[[0.333, 0.667, 0.   ],
            [0.   , 0.   , 1.   ]]])
    """

    takes_missing = True

    def __init__(self, n_components: int, n_levels: ArrayLike) -> None:
        given = np.atleast_1d(np.asarray(n_levels, dtype=np.float64))
        if given.ndim != 1 or not len(given) or not (is_count(given) & (given > 0)).all():
            raise ValueError(
                f"got n_levels={n_levels!r}, expected a whole number of at least 1 for each column"
            )
        self.n_components, self.n_features = n_components, len(given)
        self.n_levels = given.astype(np.intp)
        self.support = np.arange(self.n_levels.max()) < self.n_levels[:, None]
        self.blocks = Blocks.of(self.n_levels)

    @property
    def space(self) -> CategoricalParams:
        return CategoricalParams(cast(Any, Simplex(self.support, exchangeable=(0,))))

    def _codes(self, x: Array) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Codes of cells that are known and possible, 0 for others, and which those are."""
        possible = is_count(x) & (x < self.n_levels)
        return np.where(possible, x, 0.0).astype(np.intp), possible

    def prepare(self, rows: Rows) -> CodedRows:
        """Each row's combinations by their numbers, found once a fit."""
        n, (first, block, stride, before, members, _) = len(rows), self.blocks
        if self._compiles(n):
            from .kernels import coded

            levels = self.n_levels.astype(np.int32)
            places, impossible = coded.numbered(rows.x, levels, block, stride, before)
        else:
            codes, possible = self._codes(rows.x)
            digits = np.where(possible, codes, self.n_levels).astype(np.int32) * stride
            by_row = np.add.reduceat(digits, first, axis=1, dtype=np.int32) + before[:-1]
            places = np.ascontiguousarray(by_row.T)
            impossible = ~(possible | np.isnan(rows.x)).all(axis=1)
        ends = np.arange(n + 1, dtype=np.int32) * len(first)
        parts = (np.ones(places.size), places.T.ravel(), ends)
        indicators = csr_array(parts, shape=(n, members.shape[0]))
        return CodedRows(rows.x, rows.weights, places, indicators, indicators.T, impossible)

    def _compiles(self, n_rows: int) -> bool:
        return n_rows * self.n_components >= WORTH_COMPILING

    def _prepared(self, x: Array) -> CodedRows:
        return self.prepare(Rows(x, np.ones(len(x))))

    def start(self, x: Array, resp: Array) -> CategoricalParams:
        counts = self._counts(self._prepared(x), resp)
        pooled = counts.sum(axis=0) + self.support / self.n_levels[:, None]
        mixed = counts + BORROWED * pooled / pooled.sum(axis=-1, keepdims=True)
        return CategoricalParams(mixed / mixed.sum(axis=-1, keepdims=True))

    def _counts(self, rows: CodedRows, resp: Array) -> Array:
        return self._placed((self.blocks.transposed @ (rows.transposed @ resp)).T)

    def _placed(self, of_levels: Array) -> Array:
        """(K, d, L) of (K, M), the levels of all columns side by side."""
        counts = np.zeros((self.n_components, *self.support.shape))
        counts[:, self.support] = of_levels
        return counts

    def _logs(self, params: CategoricalParams) -> Array:
        """Log-probabilities of the levels of all columns, side by side, (K, M)."""
        with np.errstate(divide="ignore"):
            return np.log(params.probabilities[:, self.support])

    def _log_density(self, params: CategoricalParams, rows: CodedRows) -> Array:
        made = rows.indicators @ (self.blocks.members @ np.ascontiguousarray(self._logs(params).T))
        made[rows.impossible] = -np.inf
        return made

    def log_density(self, params: CategoricalParams, x: Array) -> Array:
        return self._log_density(params, self._prepared(x))

    def stats(self, params: CategoricalParams, x: Array, resp: Array) -> CategoricalStats:
        return CategoricalStats(self._counts(self._prepared(x), resp))

    def at(
        self, params: CategoricalParams, x: Array
    ) -> tuple[Array, Callable[[Array], CategoricalStats]]:
        rows = self._prepared(x)
        made = self._log_density(params, rows)
        return made, lambda resp: CategoricalStats(self._counts(rows, resp))

    def mixture_pass(self, params: CategoricalParams, weights: Array, rows: Any) -> MixturePass:
        """Compiled, or two products with the indicators; chunks not prepared are now."""
        coded = rows if isinstance(rows, CodedRows) else self.prepare(rows)
        if self._compiles(len(coded)) and not coded.impossible.any():
            made = self._compiled(params, weights, coded)
            if np.isfinite(made.loglik):  # else a row is impossible in all components
                return made
        with np.errstate(divide="ignore"):
            joint = self._log_density(params, coded) + np.log(weights)
        joint = np.ascontiguousarray(joint.T)  # components first: long rows are summed fast
        top = joint.max(axis=0)
        top = np.where(np.isfinite(top), top, 0.0)
        resp = np.exp(joint - top)
        total = resp.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            resp *= coded.weights / total
            loglik = float(coded.weights @ (top + np.log(total)))
        stats = CategoricalStats(self._counts(coded, np.ascontiguousarray(resp.T)))
        return MixturePass(loglik, resp.sum(axis=1), stats)

    def _compiled(self, params: CategoricalParams, weights: Array, rows: CodedRows) -> MixturePass:
        from .kernels import coded

        with np.errstate(divide="ignore"):
            offset = np.log(weights)
        levels, (_, block, _, before, _, _) = self.n_levels.astype(np.int32), self.blocks
        loglik, count, of_levels = coded.run(
            rows.places, rows.weights, self._logs(params), offset, levels, block, before
        )
        return MixturePass(loglik, count, CategoricalStats(self._placed(of_levels)))

    def gates(self, n_rows: int, n_covariates: int) -> bool:
        return self._compiles(n_rows) and n_covariates <= MOST_PAIRED

    def gated_pass(
        self, params: CategoricalParams, gate: Gate, z: Array, rows: CodedRows
    ) -> GatedPass | None:
        from .kernels import coded

        if rows.impossible.any():
            return None
        levels, (_, block, _, before, _, _) = self.n_levels.astype(np.int32), self.blocks
        loglik, of_levels, value, slope, curvature, gram = coded.run_gated(
            rows.places,
            rows.weights,
            self._logs(params),
            z,
            gate.basis,
            gate.coefficients,
            levels,
            block,
            before,
        )
        if not np.isfinite(loglik):  # a row is impossible in all components
            return None
        sums = GateSums(value, slope, curvature, gram, float(rows.weights.sum()))
        return GatedPass(loglik, sums, CategoricalStats(self._placed(of_levels)))

    def m_step(self, stats: CategoricalStats, params: CategoricalParams) -> CategoricalParams:
        total = stats.counts.sum(axis=-1, keepdims=True)
        return CategoricalParams(ratio(stats.counts, total, params.probabilities))

    def q(self, params: CategoricalParams, stats: CategoricalStats) -> float:
        return float(xlogy(stats.counts, params.probabilities).sum())

    def score(self, params: CategoricalParams, stats: CategoricalStats) -> CategoricalParams:
        return CategoricalParams(slope(stats.counts, params.probabilities))

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        wrong = ~(self._codes(x)[1] | np.isnan(x))
        return first_fault(wrong, lambda j: f"expected a code from 0 to {self.n_levels[j] - 1}")

    def draw(
        self, params: CategoricalParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        below = params.probabilities.cumsum(axis=-1)[labels]  # (n, d, L)
        at = rng.uniform(size=(len(labels), self.n_features, 1)) * below[:, :, -1:]
        return (at >= below).sum(axis=-1).astype(np.float64)
