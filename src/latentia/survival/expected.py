"""What a regression expects of rows, also where covariates are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .censored import CensoredModel, CensoredParams
from .completed import completed

Array = NDArray[np.float64]

HALVINGS = 60
"""Of the interval that has a quantile."""


def _predictors(
    model: CensoredModel, params: CensoredParams, x: Array
) -> list[tuple[NDArray[np.intp], Array, Array]]:
    """Rows, their predictors at some nodes (r, m), and the nodes' shares (m,)."""
    bounds = np.zeros((len(x), 2))
    rows: Any = _Bare(np.column_stack([x, bounds]))
    design = model.designs(rows)[0]
    beta, _, slopes, covariance = model.inside(params)
    found: list[tuple[NDArray[np.intp], Array, Array]] = []
    for part in completed(design, beta, slopes, covariance):
        eta = (part.base @ beta)[:, None] + (part.along @ beta) * part.nodes
        found.append((part.rows, eta, np.exp(part.log_shares)))
    return found


class _Bare:
    """Rows of which only the cells are asked for."""

    def __init__(self, x: Array) -> None:
        self.x = x


def survival(model: CensoredModel, params: CensoredParams, x: Array, at: Array) -> Array:
    """P(y > at) of rows (n, d), for values (m,), shape (n, m)."""
    scale, law = float(model.inside(params).scale), model.distribution.law
    z = (at - model.units.middle) / model.units.unit
    out = np.empty((len(x), len(at)))
    for rows, eta, shares in _predictors(model, params, x):
        for j, value in enumerate(z):
            if value == np.inf:
                out[rows, j] = 0.0
                continue
            out[rows, j] = np.exp(law.log_survival((value - eta) / scale)) @ shares
    return out


def quantiles(
    model: CensoredModel, params: CensoredParams, x: Array, share: float | Array
) -> Array:
    """The values below which a share, or one for each row, of its responses lies, (n,)."""
    scale, law = float(model.inside(params).scale), model.distribution.law
    below = np.broadcast_to(np.asarray(share, dtype=np.float64), len(x))
    out = np.empty(len(x))
    for rows, eta, shares in _predictors(model, params, x):
        p = below[rows]
        error = scale * law.quantile(p)
        low, high = eta.min(axis=1) + error, eta.max(axis=1) + error
        if eta.shape[1] > 1:
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                above = np.exp(law.log_survival((middle[:, None] - eta) / scale)) @ shares
                low, high = (
                    np.where(above > 1 - p, middle, low),
                    np.where(above > 1 - p, high, middle),
                )
        out[rows] = (low + high) / 2
    return model.units.middle + model.units.unit * out


def drawn(
    model: CensoredModel, params: CensoredParams, x: Array, rng: np.random.Generator
) -> Array:
    """A response of each row, (n,): its quantile at a share drawn evenly."""
    share = rng.uniform(np.finfo(np.float64).tiny, 1.0, size=len(x))
    return quantiles(model, params, x, share)
