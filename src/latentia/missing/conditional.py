"""What is expected of rows of a multivariate normal with holes, given what was seen."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Frame, Rows, ones
from latentia.families import incomplete
from latentia.families.covariance import STRUCTURES
from latentia.families.gaussian import Gaussian, GaussianParams
from latentia.families.incomplete import RowsInPatterns
from latentia.families.kernels.ready import waiting

from . import measured
from .measured import MeasuredRows
from .patterns import RowsByPattern

Array = NDArray[np.float64]

WORTH_COMPILING = 1_000_000
"""Below this many rows times squared columns, NumPy does without compiled code."""

BLOCK = 16_384
"""Rows that are completed at once."""

LOG_2PI = float(np.log(2 * np.pi))

ILL = 1e8
"""Condition of a correlation matrix from which on its inverse is not used."""


class Normal(NamedTuple):
    """A multivariate normal distribution.

    Attributes
    ----------
    mean : array of shape (d,)
    covariance : array of shape (d, d)
    """

    mean: Any
    covariance: Any


class Expected(NamedTuple):
    """The log-likelihood of what was seen, and expected sums about the mean.

    Attributes
    ----------
    loglik : float
    weight : float
    first : array of shape (d,)
    second : array of shape (d, d)
    """

    loglik: float
    weight: float
    first: Array
    second: Array


class PartlyMeasured(NamedTuple):
    """Rows sorted by what was seen of them, and beside them those of which cells are believed.

    Attributes
    ----------
    whole : MeasuredRows
        All of them, as they are.
    plain : RowsByPattern or RowsInPatterns
    believed : MeasuredRows
        In the frame.
    """

    whole: MeasuredRows
    plain: Any
    believed: MeasuredRows

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, idx: Any) -> MeasuredRows:
        return self.whole.take(idx)

    def reweight(self, w: Array) -> MeasuredRows:
        return self.whole.reweight(w)


Prepared = RowsByPattern | RowsInPatterns | PartlyMeasured
"""Rows as `expected` takes them."""


def worth_compiling(n_rows: int, n_columns: int) -> bool:
    """Whether a fit of so many rows is to use compiled code."""
    return n_rows * n_columns**2 >= WORTH_COMPILING


def prepared(frame: Frame, rows: Rows | MeasuredRows, compiled: bool) -> Prepared:
    """Rows sorted by what was seen of them; those of which nothing was have no weight."""
    if isinstance(rows, MeasuredRows):
        plain = prepared(frame, rows.plain, compiled)
        return PartlyMeasured(rows, plain, rows.believed(frame))
    if compiled:
        _kernel()  # before several threads ask for it at once
        return RowsByPattern.of(frame.into(rows.x), rows.weights)
    telling = ~np.isnan(rows.x).all(axis=1)
    return RowsInPatterns(rows.x, rows.weights * telling, incomplete.batches(rows.x, 1))


def n_cells(rows: Prepared) -> float:
    """How many cells were seen, by weight."""
    if isinstance(rows, PartlyMeasured):
        return n_cells(rows.plain) + rows.believed.n_cells
    if isinstance(rows, RowsByPattern):
        return float(rows.weights @ rows.seen.sum(axis=1)[rows.which])
    return sum(
        float((rows.weights[b.rows] * b.real).sum(axis=1) @ b.seen.sum(axis=1))
        for b in rows.batches
    )


def expected(normal: Normal, frame: Frame, rows: Prepared) -> Expected:
    """The E-step (Little & Rubin 2002, sec. 11.2.1), about the mean, all in the frame.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the covariance is not positive definite.
    """
    if isinstance(rows, PartlyMeasured):
        return _added(expected(normal, frame, rows.plain), _measured(normal, rows.believed))
    if isinstance(rows, RowsByPattern):
        return _compiled(normal, rows)
    mean, covariance = normal
    d = len(mean)
    loglik, first, second = 0.0, np.zeros(d), np.zeros((d, d))
    for batch in rows.batches:
        z = frame.into(rows.x[batch.rows])
        given = incomplete.seen(batch, z, mean[None], covariance[None])
        w = (rows.weights[batch.rows] * batch.real)[:, None]
        constant = given.log_det + given.number[:, None] * np.log(2 * np.pi)
        loglik -= float((w * (given.distance + constant[..., None])).sum()) / 2
        one, two = incomplete.expected_moments(given, w, w)
        first, second = first + one[0], second + two[0]
    return Expected(loglik, float(rows.weights.sum()), first, second)


def _added(one: Expected, other: Expected) -> Expected:
    both: Any = [a + b for a, b in zip(one, other, strict=True)]
    return Expected(*both)


def _measured(normal: Normal, rows: MeasuredRows) -> Expected:
    d = len(normal.mean)
    made = Expected(0.0, float(rows.weights.sum()), np.zeros(d), np.zeros((d, d)))
    for part in rows.blocks(measured.BLOCK):
        found = measured.completed(*normal, part)
        w = part.weights
        loglik = -float(w @ (found.distance + found.log_det)) / 2 - part.n_cells * LOG_2PI / 2
        weighted = found.away * w[:, None]
        second = weighted.T @ found.away + np.einsum("n,nij->ij", w, found.left)
        made = _added(made, Expected(loglik, 0.0, weighted.sum(axis=0), second))
    return made


def _compiled(normal: Normal, rows: RowsByPattern) -> Expected:
    away, total, _, second = _completed(normal, rows, rows.weights, None)
    weighted = away * rows.weights[:, None]
    second += weighted.T @ away
    loglik = -float(total[0] + total[1] + total[2] * np.log(2 * np.pi)) / 2
    return Expected(loglik, float(rows.weights.sum()), weighted.sum(axis=0), second)


def drawn_moments(
    normal: Normal, rows: RowsByPattern | MeasuredRows, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Sums and products about the mean, in the frame, of rows with hidden cells drawn."""
    if isinstance(rows, MeasuredRows):
        away = measured.drawn(*normal, rows, rng)
    else:
        away, *_ = _completed(normal, rows, rows.weights, rng.standard_normal(rows.z.shape))
    weighted = away * rows.weights[:, None]
    return weighted.sum(axis=0), weighted.T @ away


@cache
def _kernel() -> Any:
    """The compiled code, loaded where rows are many, and made ready before it is used."""
    with waiting("missing cells'"):
        from .kernels import complete

        one, none = np.eye(1), np.zeros(1, dtype=np.intp)
        seen, begin = np.ones((1, 1), dtype=np.bool_), np.array([0, 1], dtype=np.intp)
        rows = (np.zeros((1, 1)), np.zeros((1, 1)), none, begin, seen)
        complete(*rows, one, one, 0.0, np.ones(1), np.empty((0, 1)), np.zeros((1, 1)), False)
    return complete


def _completed(
    normal: Normal, rows: RowsByPattern, weights: Array, noise: Array | None
) -> tuple[Array, Array, Array, Array]:
    """Deviations with hidden cells filled, sums, log-densities, and covariances left over."""
    complete, (mean, covariance) = _kernel(), normal
    covariance = np.ascontiguousarray(covariance)
    lower = np.linalg.cholesky(covariance)
    half = np.linalg.inv(lower)
    precision = half.T @ half
    log_det = 2 * float(np.log(np.diagonal(lower)).sum())
    variance = np.diagonal(covariance)
    norm = np.linalg.norm(covariance / np.sqrt(np.outer(variance, variance)))
    inverse = np.linalg.norm(precision * np.sqrt(np.outer(variance, variance)))
    away = rows.z - mean * rows.seen[rows.which]
    second = np.zeros_like(covariance)
    total, density = complete(
        away,
        away @ precision,
        rows.order,
        rows.begin,
        rows.seen,
        covariance,
        precision,
        log_det,
        np.array(weights),  # writable, so that there is one compiled form
        np.empty((0, len(mean))) if noise is None else noise,
        second,
        bool(norm * inverse >= ILL),
    )
    if not np.isfinite(total).all():
        raise np.linalg.LinAlgError("a covariance of what is seen is not positive definite")
    return away, total, density, second


def filled(
    normal: Normal, x: Array, rng: np.random.Generator | None = None, compiled: bool | None = None
) -> Array:
    """Rows (n, d) with what is missing expected, or drawn where there is a generator.

    What was seen is kept to the bit.

    Examples
    --------
    >>> normal = Normal(np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]]))
    >>> filled(normal, np.array([[2.0, np.nan], [np.nan, np.nan]]))
    array([[2., 1.],
           [0., 0.]])
    """
    if compiled is None:
        compiled = worth_compiling(*x.shape)
    if compiled:
        return _filled(normal, x, rng)
    family, params = _one_component(normal)
    if rng is None:
        return family.expected(params, x)[:, 0]
    return family.completed(params, x, np.zeros(len(x), dtype=np.intp), rng)


def _one_component(normal: Normal) -> tuple[Gaussian, GaussianParams]:
    """The distribution as the only component of a family."""
    frame = Frame(normal.mean, 1.0, np.sqrt(np.diagonal(normal.covariance)))
    params = GaussianParams(normal.mean[None], normal.covariance[None])
    return Gaussian(1, STRUCTURES["full"], frame, compiled=False), params


def _filled(normal: Normal, x: Array, rng: np.random.Generator | None) -> Array:
    out = np.empty(x.shape)
    for at in range(0, len(x), BLOCK):
        z = np.array(x[at : at + BLOCK], dtype=np.float64)
        hidden = np.isnan(z)
        noise = None if rng is None else rng.standard_normal(z.shape)
        rows = RowsByPattern.of(z, ones(len(z)))
        away, *_ = _completed(normal, rows, ones(len(z)), noise)
        out[at : at + BLOCK] = np.where(hidden, away + normal.mean, z)
    return out


def log_density(normal: Normal, x: Array) -> Array:
    """The log-density of what was seen of each row, (n,); 0 where that is nothing."""
    family, params = _one_component(normal)
    return family.log_density(params, x)[:, 0]
