"""Loadings and uniquenesses that maximise the likelihood of normal rows, given their scatter.

A covariance is Λ Λᵀ + Ψ with Λ (d, q) and Ψ diagonal. Given Ψ the best Λ is known from the
eigenvectors of Ψ^(-1/2) S Ψ^(-1/2); what is left depends on log Ψ alone, and its Hessian is known
too (Jöreskog 1967; Clarke 1970).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEPS = 100
"""Newton steps, at most."""

LONGEST = 2.0
"""Of a step in log Ψ."""

NEAR = 0.1
"""How far from its bound, in log Ψ, a number is near it."""

ENOUGH = 1e-11
"""What a step promises, per row, where values are too close to be compared."""

CYCLES = 30
"""Rounds of conditional maximisation where loadings are shared and uniquenesses are not."""


class Level(NamedTuple):
    """Minus twice the log-likelihood a row and its derivatives in log Ψ, where Λ is the best.

    Attributes
    ----------
    value : float
    slope : array of shape (d,)
    curvature : array of shape (d, d)
    sure : array of shape (d, d)
        The part of the curvature that is never negative.
    """

    value: float
    slope: Array
    curvature: Array
    sure: Array


def _eigen(log_psi: Array, scatter: Array, n_factors: int) -> tuple[Array, Array, int]:
    """Eigenvalues of Ψ^(-1/2) S Ψ^(-1/2), largest first, vectors, and how many make factors."""
    unit = np.exp(-log_psi / 2)
    theta, omega = np.linalg.eigh(scatter * unit[:, None] * unit)
    theta, omega = np.maximum(theta[::-1], 0.0), omega[:, ::-1]
    return theta, omega, int((theta[:n_factors] > 1).sum())


def level(log_psi: Array, scatter: Array, n_factors: int) -> Level:
    """How well uniquenesses fit the scatter a row, (d, d)."""
    theta, omega, kept = _eigen(log_psi, scatter, n_factors)
    rest, head = slice(kept, None), slice(0, kept)
    value = log_psi.sum() + np.sum(np.log(theta[head]) + 1) + theta[rest].sum()
    left, used = omega[:, rest], omega[:, head]
    slope = left**2 @ (1 - theta[rest])
    sure = ((left * theta[rest]) @ left.T) * (left @ left.T)
    apart = np.maximum(theta[head, None] - theta[rest], 1e-8 * theta[:1])
    factor = (1 - theta[rest]) * (theta[head, None] + theta[rest]) / apart
    pairs = used[:, :, None] * left[:, None, :]  # (d, kept, rest)
    flat = pairs.reshape(len(log_psi), -1)
    return Level(float(value), slope, sure + (flat * factor.ravel()) @ flat.T, sure)


def best_loadings(log_psi: Array, scatter: Array, n_factors: int) -> Array:
    """The loadings (d, q) that fit best, given the uniquenesses; columns of zeros if need be."""
    theta, omega, kept = _eigen(log_psi, scatter, n_factors)
    made = np.zeros((len(log_psi), n_factors))
    made[:, :kept] = omega[:, :kept] * np.sqrt(theta[:kept] - 1)
    return made * np.exp(log_psi / 2)[:, None]


def best_uniquenesses(
    psi: Array, share: Array, scatter: Array, n_factors: int, isotropic: bool, floor: float
) -> Array:
    """Uniquenesses (d,) of one or several scatters, from `psi` on; each with its best loadings.

    Parameters
    ----------
    psi : array of shape (d,)
        Where to start; all alike if isotropic.
    share : array of shape (G,)
        How many of the rows each scatter is of, the sum being 1.
    scatter : array of shape (G, d, d)
        A row.
    n_factors : int
    isotropic : bool
        Whether all are alike.
    floor : float
        A bound under each.
    """
    d = len(psi)
    spread = np.ones((d, 1)) if isotropic else np.eye(d)
    with np.errstate(divide="ignore"):
        low = np.log(floor)
    x = np.log(psi)[:1] if isotropic else np.log(psi)

    def seen(x: Array) -> Level:
        each = [level(spread @ x, s, n_factors) for s in scatter]
        mixed = [
            sum(w * part for w, part in zip(share, parts, strict=True))
            for parts in zip(*each, strict=True)
        ]
        value, slope, curvature, sure = mixed
        turned = spread.T @ curvature @ spread, spread.T @ sure @ spread
        return Level(float(value), spread.T @ slope, *turned)

    here = seen(x)
    for _ in range(STEPS):
        step = _step(x, here, float(low))
        longest = float(np.abs(np.maximum(x + step, low) - x).max(initial=0.0))
        step *= min(LONGEST / max(longest, 1e-300), 1.0)
        found = _searched(x, step, float(low), here, seen)
        if found is None:
            break
        x, here = found
    return np.exp(spread @ x)


def _step(x: Array, here: Level, low: float) -> Array:
    """A Newton step, but down the slope for what is near its bound and pushed there.

    Cut off at the bound it still leads down (Bertsekas 1982).
    """
    near = (x < low + NEAR) & (here.slope > 0)
    step = -here.slope / np.maximum(np.diag(here.sure), 1e-8)
    free = ~near
    for _ in range(len(x)):
        newton = _newton(here, free)
        blocked = (x <= low) & (newton < 0)
        if not blocked.any():
            break
        free &= ~blocked
    step[free] = newton[free]
    step[~free & (~near | (x <= low))] = 0.0
    return step


def _newton(here: Level, free: NDArray[np.bool_]) -> Array:
    """The Newton step in what is free, along each axis of the curvature towards lower values."""
    step = np.zeros(len(free))
    if free.any():
        bend, axes = np.linalg.eigh(here.curvature[np.ix_(free, free)])
        bend = np.maximum(np.abs(bend), 1e-9 * np.abs(bend).max() + 1e-300)
        step[free] = -axes @ (axes.T @ here.slope[free] / bend)
    return step


def _searched(
    x: Array, step: Array, low: float, here: Level, seen: Callable[[Array], Level]
) -> tuple[Array, Level] | None:
    """The first of the step, its half, and so on that lowers the value, and what is seen there.

    Where values cannot tell any more, slopes do.
    """
    if -here.slope @ step <= ENOUGH:
        ahead = np.maximum(x + step, low)
        there = seen(ahead)
        return (ahead, there) if _steep(ahead, there, low) < _steep(x, here, low) / 2 else None
    for _ in range(30):
        ahead = np.maximum(x + step, low)
        there = seen(ahead)
        if there.value < here.value:
            return ahead, there
        step = step / 2
    return None


def _steep(x: Array, here: Level, low: float) -> float:
    """The largest slope that no bound bars the way of."""
    return float(np.abs(here.slope[(x > low) | (here.slope < 0)]).max(initial=0.0))


def turned_to(loadings: Array, reference: Array) -> Array:
    """Loadings rotated as near as possible to others, (..., d, q): Procrustes (Schönemann 1966).

    The likelihood does not see rotations; a climb whose steps have none is not misled by them.
    """
    left, _, right = np.linalg.svd(np.swapaxes(loadings, -1, -2) @ reference)
    return loadings @ (left @ right)


def common_loadings(
    loadings: Array,
    psi: Array,
    count: Array,
    scatter: Array,
    isotropic: bool,
    floor: float,
    cycles: int = CYCLES,
) -> tuple[Array, Array]:
    """Loadings that K components share, and uniquenesses (K, d) of their own, some steps on.

    Each cycle is an EM step with the factors latent, loadings first, then uniquenesses given
    them (McNicholas & Murphy 2008, sec. 3, CUU and CUC); the likelihood rises in each.

    Parameters
    ----------
    loadings : array of shape (d, q)
    psi : array of shape (K, d)
    count : array of shape (K,)
    scatter : array of shape (K, d, d)
        A row.
    """
    identity = np.eye(loadings.shape[1])
    for _ in range(cycles):
        scaled = loadings / psi[:, :, None]  # (K, d, q)
        inner = np.linalg.inv(identity + np.swapaxes(scaled, 1, 2) @ loadings)
        beta = inner @ np.swapaxes(scaled, 1, 2)  # (K, q, d)
        across = scatter @ np.swapaxes(beta, 1, 2)  # (K, d, q)
        factors = inner + beta @ across  # (K, q, q)
        weight = count[:, None] / psi  # (K, d)
        normal = np.einsum("kd,kqr->dqr", weight, factors)
        pull = np.einsum("kd,kdq->dq", weight, across)
        loadings = np.linalg.solve(normal, pull[:, :, None])[:, :, 0]
        explained = np.einsum("kdq,dq->kd", across, loadings)
        squares = np.einsum("dq,kqr,dr->kd", loadings, factors, loadings)
        psi = np.einsum("kdd->kd", scatter) - 2 * explained + squares
        if isotropic:
            psi = np.repeat(psi.mean(axis=1, keepdims=True), psi.shape[1], axis=1)
        psi = np.maximum(psi, floor)
    return loadings, psi
