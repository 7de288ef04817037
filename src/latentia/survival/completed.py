"""Covariates with holes: normal given those without, completed along one line a pattern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.families.incomplete import distinct

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FAR = 9.0
"""How far, in standard deviations, what is missing is followed."""

NODES = 160
"""Of the trapezoidal rule where errors are no smaller than a quarter of what is missing."""

BLOCK = 4096
"""Rows at a time."""


class Completed(NamedTuple):
    """Rows of one pattern of holes, completed as ``base + u * along`` and a rest.

    Their predictor depends on what is missing through u alone, which is standard normal given what
    was seen; the rest does not change it.

    Attributes
    ----------
    rows : array of int, shape (r,)
    missing : array of bool, shape (h,)
        Which of the covariates with holes are.
    base : array of shape (r, p)
        Designs with expected values where a covariate is missing.
    along : array of shape (p,)
    rest : array of shape (p, p)
        The covariance of what is left.
    log_density : array of shape (r,)
        Of what was seen of the covariates that have holes.
    nodes, shares : array of shape (m,)
        Of u, and the logarithms of their prior weights.
    """

    rows: NDArray[np.intp]
    missing: Mask
    base: Array
    along: Array
    rest: Array
    log_density: Array
    nodes: Array
    log_shares: Array


def completed(x: Array, gamma: Array, slopes: Array, covariance: Array) -> Iterator[Completed]:
    """Rows by pattern, in blocks.

    Parameters
    ----------
    x : array of shape (n, p)
        Designs: 1, covariates without holes, covariates that may be nan.
    gamma : array of shape (p,)
        Coefficients of the predictor, in units of the errors.
    slopes : array of shape (h, p - h)
        Of the covariates with holes on those without.
    covariance : array of shape (h, h)
        Given those.
    """
    h = len(slopes)
    p = x.shape[1]
    own, holed = x[:, : p - h], x[:, p - h :]
    expected = own @ slopes.T
    patterns, which = distinct(np.isnan(holed))
    for at, seen in enumerate(patterns):
        rows = np.flatnonzero(which == at)
        for begin in range(0, len(rows), BLOCK):
            part = rows[begin : begin + BLOCK]
            yield _one(x[part], part, expected[part], ~seen, gamma, covariance)


def _one(
    x: Array,
    rows: NDArray[np.intp],
    expected: Array,
    missing: Mask,
    gamma: Array,
    covariance: Array,
) -> Completed:
    p, h = x.shape[1], len(missing)
    seen = ~missing
    away = x[:, p - h :][:, seen] - expected[:, seen]
    within = covariance[np.ix_(seen, seen)]
    root = np.linalg.cholesky(within)
    half = np.linalg.solve(root, away.T)
    log_det = float(np.log(np.diagonal(root)).sum())
    density = -(half**2).sum(axis=0) / 2 - log_det - seen.sum() * np.log(2 * np.pi) / 2
    along, rest = np.zeros(p), np.zeros((p, p))
    if not missing.any():
        return Completed(rows, missing, x, along, rest, density, np.zeros(1), np.zeros(1))
    places = p - h + np.flatnonzero(missing)
    across = covariance[np.ix_(missing, seen)]
    weights = np.linalg.solve(within, across.T).T
    left = covariance[np.ix_(missing, missing)] - weights @ across.T
    base = np.array(x)
    base[:, places] = expected[:, missing] + away @ weights.T
    reach = left @ gamma[places]
    spread = float(np.sqrt(max(float(gamma[places] @ reach), 0.0)))
    line = reach / spread if spread > 0 else np.zeros(len(places))
    along[places] = line
    rest[np.ix_(places, places)] = left - np.outer(line, line)
    if spread == 0:
        return Completed(rows, missing, base, along, rest, density, np.zeros(1), np.zeros(1))
    nodes = np.linspace(-FAR, FAR, NODES * max(1, int(np.ceil(spread / 4))) + 1)
    shares = -(nodes**2) / 2
    return Completed(
        rows, missing, base, along, rest, density, nodes, shares - np.log(np.exp(shares).sum())
    )
