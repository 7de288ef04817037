"""What fitted principal components say of rows: densities, and cells that are missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import ones
from latentia.missing.patterns import RowsByPattern

from .posterior import Posterior, posterior, square, worth_compiling
from .principal_model import PrincipalParams

Array = NDArray[np.float64]

BLOCK = 8_192
"""Rows that are looked at at once."""


def _blocks(params: PrincipalParams, x: Any) -> Iterator[tuple[slice, RowsByPattern, Posterior]]:
    """Blocks of rows by pattern, about the mean, and the numbers behind them."""
    mean, loadings, noise = params
    psi = np.full(len(mean), float(noise))
    compiled = worth_compiling(len(x), loadings.shape[1])
    for at in range(0, len(x), BLOCK):
        part = slice(at, at + BLOCK)
        own = np.array(x[part], dtype=np.float64)
        own -= mean  # about it, so that nothing cancels
        rows = RowsByPattern.of(own, ones(len(own)))
        yield part, rows, posterior(loadings, psi, np.zeros(len(mean)), rows, compiled)


def completed(
    params: PrincipalParams, x: Any, rng: np.random.Generator | None = None
) -> Iterator[tuple[slice, Array]]:
    """Blocks of rows with what is missing expected, or drawn where there is a generator."""
    mean, loadings, noise = params
    for part, rows, known in _blocks(params, x):
        own = np.array(x[part], dtype=np.float64)
        hidden = np.isnan(own)
        if hidden.any():
            z = known.mean if rng is None else _drawn(known, rows, rng)
            guess = mean + z @ loadings.T
            if rng is not None:
                guess += np.sqrt(noise) * rng.standard_normal(own.shape)
            own[hidden] = guess[hidden]
        yield part, own


def _drawn(known: Posterior, rows: RowsByPattern, rng: np.random.Generator) -> Array:
    """Standard normal numbers behind rows, drawn given what was seen, (n, q)."""
    q = known.mean.shape[1]
    roots = np.linalg.cholesky(square(known.covariance, q))
    noise = rng.standard_normal(known.mean.shape)
    return known.mean + np.einsum("nij,nj->ni", roots[rows.which], noise)


def log_densities(params: PrincipalParams, x: Any) -> Array:
    """The log-density of what was seen of each row, (n,)."""
    made = np.empty(len(x))
    for part, _, known in _blocks(params, x):
        made[part] = known.log_density
    return made
