"""Shape parameters: moments to start from, Newton steps to their maxima, and collapses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from latentia.engine.space import DegenerateError

from .cells import BORROWED, counted, ratio, summed
from .counts import deviance, half_log, stirling_error

Array = NDArray[np.float64]

SHARPEST = 1e10
"""Above this shape (a spread of 1e-5 of the size) rows cannot be told from equal ones."""

_SERIES = 20.0
_LOG_MINUS_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_STEPS = 60


def over_cells(x: Array, each: Callable[[int, Array], Array]) -> Array:
    """sum_j each(j, values)[i, k] over the cells of row i that are known, shape (n, K).

    `each` is given a column's number and its cells (n, 1), and returns (n, K); of nan it may
    make anything.
    """
    total = 0.0
    for j in range(x.shape[1]):
        values = np.asarray(x[:, j, None], dtype=np.float64)
        total = total + np.where(np.isnan(values), 0.0, each(j, values))
    return np.asarray(total)


def moments(values: Array, resp: Array) -> tuple[Array, Array]:
    """Means and variances of each component and column, (K, d) each, over the known cells.

    Both are mixed with a row's worth of the pooled ones, so that a component with few rows
    borrows from the others.
    """
    known = counted(values, resp)
    everywhere = known.sum(axis=0)
    nothing = np.zeros(known.shape[1])
    pooled = ratio(summed(values, resp).sum(axis=0), everywhere, nothing)
    off = values - pooled
    spread = ratio(summed(off**2, resp).sum(axis=0), everywhere, nothing)
    first = summed(off, resp) / (known + BORROWED)
    second = (summed(off**2, resp) + BORROWED * spread) / (known + BORROWED)
    return pooled + first, np.maximum(second - first**2, 0.0)


def refuse_collapse(
    sharpness: Array, alive: NDArray[np.bool_], what: str, most: float = SHARPEST
) -> None:
    """Refuse shapes, (K, ...), that only rows that all but coincide have.

    Raises
    ------
    DegenerateError
        Where a component that has rows is sharper than `most`, naming it.
    """
    gone = alive & ~(sharpness <= most)
    if gone.any():
        k = int(np.argwhere(gone)[0][0])
        raise DegenerateError(
            f"the {what} of component {k} grew beyond {most:g}, expected rows that differ: "
            "they all but coincide there, and the likelihood has no maximum"
        )


def log_gamma_rest(a: Array) -> Array:
    """a log a - a - log Γ(a), without cancelling."""
    return np.log(a) - half_log(a) - stirling_error(a)


def log_dirichlet(alpha: Array, shares: Array) -> Array:
    """The log-density of shares (..., m) that add up to one; nothing cancels in large shapes."""
    total = alpha.sum(axis=-1)
    each = log_gamma_rest(alpha) - deviance(alpha, total[..., None] * shares) - np.log(shares)
    return each.sum(axis=-1) - log_gamma_rest(total)


def log_minus_digamma(a: Array) -> Array:
    """log a - ψ(a) for a > 0, without cancelling (Abramowitz & Stegun 1964, 6.3.18)."""
    small = a < _SERIES
    near, far = np.where(small, a, 1.0), np.where(small, _SERIES, a)
    series = np.zeros_like(far)
    for coefficient in reversed(_LOG_MINUS_DIGAMMA):
        series = series / far**2 + coefficient
    return np.where(small, np.log(near) - digamma(near), (0.5 + series / far) / far)


def trigamma(a: Array) -> Array:
    """ψ'(a)."""
    return np.asarray(polygamma(1, a), dtype=np.float64)


def gamma_shape(gap: Array) -> Array:
    """The shape a with log a - ψ(a) = gap > 0: that of a gamma whose log E x - E log x is known.

    Newton's method on the logarithm of both sides, which is nearly a straight line in log a from
    end to end; infinite where the gap is 0 or less.
    """
    positive = gap > 0
    gap = np.where(positive, gap, 1.0)
    a = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)  # within 2 % (Minka 2002)
    for _ in range(_STEPS):
        value = log_minus_digamma(a)
        slope = np.where(a < 1e6, (1 - a * trigamma(a)) / value, -1.0)
        step = np.log(gap / value) / slope
        a = a * np.exp(step)
        if (np.abs(step) < 1e-15).all():
            break
    return np.where(positive, a, np.inf)


def dirichlet_shapes(mean_logs: Array) -> Array:
    """The shapes, (..., m), of a Dirichlet with these E log x_j, (..., m); infinite if collapsed.

    Newton's method on the concave log-likelihood, whose Hessian is a diagonal and a constant
    (Minka 2000, sec. 1), halved where it would fall or leave what is allowed.
    """
    m = mean_logs.shape[-1]
    left = -np.expm1(np.logaddexp.reduce(mean_logs, axis=-1, keepdims=True))
    possible = left > (m - 1) / (20 * SHARPEST)  # else the sum is ten times beyond it
    safe = np.where(possible, mean_logs, -np.log(m) - 1.0)
    total = (m - 1) / (2 * np.where(possible, left, 0.5))
    alpha = 0.5 + total * np.exp(safe)  # exact to first order where rows nearly coincide
    height = _dirichlet_height(alpha, safe)
    for _ in range(_STEPS):
        step = _dirichlet_step(alpha, safe)
        near = (np.abs(step) < 0.01 * alpha).all(axis=-1)  # heights there differ by rounding
        size = np.ones(total.shape)
        for _ in range(_STEPS):
            new = np.maximum(alpha + size * step, alpha / 10)
            reached = _dirichlet_height(new, safe)
            worse = ~(near | (reached >= height))
            if not worse.any():
                break
            size = np.where(worse[..., None], size / 2, size)
        moved = np.abs(new - alpha) / alpha
        alpha, height = new, reached
        if (moved < 1e-14).all():
            break
    return np.where(possible, alpha, np.inf)


def _dirichlet_height(alpha: Array, mean_logs: Array) -> Array:
    return gammaln(alpha.sum(axis=-1)) + (alpha * mean_logs - gammaln(alpha)).sum(axis=-1)


def _dirichlet_step(alpha: Array, mean_logs: Array) -> Array:
    total = alpha.sum(axis=-1, keepdims=True)
    gradient = mean_logs - digamma_share(alpha)
    diagonal, common = trigamma(alpha), trigamma(total)
    weighted = (gradient / diagonal).sum(axis=-1, keepdims=True)
    rest = 1 / common - (1 / diagonal).sum(axis=-1, keepdims=True)
    return (gradient + weighted / rest) / diagonal


def digamma_share(alpha: Array) -> Array:
    """ψ(α_j) - ψ(sum α), E log x_j of a Dirichlet, without cancelling, (..., m)."""
    total = alpha.sum(axis=-1, keepdims=True)
    return np.log(alpha / total) - log_minus_digamma(alpha) + log_minus_digamma(total)
