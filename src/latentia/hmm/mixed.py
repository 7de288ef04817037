"""States that are mixtures of normal densities: their densities and statistics, compiled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from latentia.engine.tree import add
from latentia.families.gaussian import LOG_2PI, GaussianStats
from latentia.families.gaussian_mixtures import (
    GaussianMixtures,
    GaussianMixturesParams,
    GaussianMixturesStats,
)
from latentia.families.kernels.rule import ILL
from latentia.families.kernels.tile import strided
from latentia.families.moments import plain

from . import gaussian_kernels

Array = NDArray[np.float64]

WIDEST = 8
"""Columns up to which matrices are compiled; beyond, products of matrices are as fast."""

BLOCK = 4096
"""Steps whose densities are in the caches at a time."""


@njit(nogil=True, cache=True, fastmath={"contract"})
def log_densities_of_matrices(flat, row, column, origin, unit, means, roots, offset, out):
    """Fill `out` (n, L) with offset_l - |(z - m_l) R_l|²; z is (x - origin) · unit.

    `means` (L, d) are in the unit of z; `roots` (L, d, d) are upper triangles.
    """
    n, many = out.shape
    d = origin.size
    away = np.empty(d)
    for t in range(n):
        for each in range(many):
            for i in range(d):
                z = (np.float64(flat[t * row + i * column]) - origin[i]) * unit
                away[i] = z - means[each, i]
            far = 0.0
            for j in range(d):
                along = 0.0
                for i in range(j + 1):
                    along += away[i] * roots[each, i, j]
                far += along * along
            out[t, each] = offset[each] - far


@njit(nogil=True, cache=True, fastmath={"contract"})
def moments_of_matrices(flat, row, column, origin, unit, weights, count, first, second):
    """Add sums of w, w z and w z zᵀ to `count` (L,), `first` (L, d) and `second` (L, d, d)."""
    n, many = weights.shape
    d = origin.size
    z = np.empty(d)
    for t in range(n):
        for i in range(d):
            z[i] = (np.float64(flat[t * row + i * column]) - origin[i]) * unit
        for each in range(many):
            w = weights[t, each]
            if w == 0.0:
                continue
            count[each] += w
            for i in range(d):
                wz = w * z[i]
                first[each, i] += wz
                for j in range(i + 1):
                    second[each, i, j] += wz * z[j]
    for each in range(many):
        for i in range(d):
            for j in range(i):
                second[each, j, i] = second[each, i, j]


@njit(nogil=True, cache=True)
def of_states(joint, out):
    """Fill `out` (n, K) with the logarithm of sums of exp(joint), (n, K M), over each state's M."""
    n, n_states = out.shape
    n_mix = joint.shape[1] // n_states
    for t in range(n):
        for k in range(n_states):
            at = k * n_mix
            top = joint[t, at]
            for m in range(1, n_mix):
                top = max(top, joint[t, at + m])
            if top == -np.inf:
                out[t, k] = top
                continue
            total = 0.0
            for m in range(n_mix):
                total += np.exp(joint[t, at + m] - top)
            out[t, k] = top + np.log(total)


@njit(nogil=True, cache=True)
def shared_out(joint, resp, weights):
    """Put P(state k, density m at t) in place of `joint`; return the entropy of m given k."""
    n, n_states = resp.shape
    n_mix = joint.shape[1] // n_states
    entropy = 0.0
    for t in range(n):
        for k in range(n_states):
            at, r = k * n_mix, resp[t, k]
            if r == 0.0:
                for m in range(n_mix):
                    joint[t, at + m] = 0.0
                continue
            top = joint[t, at]
            for m in range(1, n_mix):
                top = max(top, joint[t, at + m])
            total, lost = 0.0, 0.0
            for m in range(n_mix):
                if top == -np.inf:
                    share, below = weights[k, m], 0.0
                else:
                    below = joint[t, at + m] - top
                    share = np.exp(below)
                if share > 0.0:
                    lost += share * below
                joint[t, at + m] = share
                total += share
            if top > -np.inf:
                entropy += r * (np.log(total) - lost / total)
            for m in range(n_mix):
                joint[t, at + m] *= r / total
    return entropy


@final
class MixedStates:
    """Mixtures of normal densities at given parameters, for steps without missing cells.

    Parameters
    ----------
    family : GaussianMixtures
    params : GaussianMixturesParams
    """

    def __init__(self, family: GaussianMixtures, params: GaussianMixturesParams) -> None:
        self.family, self.params = family, params
        self.flat = family.flat(params)
        normal = family.normal
        self.apart = normal.covariance.form in ("diag", "spherical")
        self.means, covariances = normal.inside(self.flat)
        precision = normal.covariance.precision(covariances)
        many, d = self.means.shape
        self.careful = not (self.apart or normal.covariance.largest(precision) < ILL[False])
        log_det = normal.covariance.log_det_precision(precision, many, d)
        constant = d * (LOG_2PI + 2 * float(np.log(normal.frame.scale)))
        with np.errstate(divide="ignore"):
            weights = np.log(np.ravel(params.weights))
        self.offset = 0.5 * (np.asarray(log_det) - constant) + weights
        if self.apart:
            precision = np.broadcast_to(precision.reshape(many, -1), (many, d)).T
            self.means = np.ascontiguousarray(self.means.T)
        self.roots = np.ascontiguousarray(np.sqrt(0.5) * precision)

    def _joint(self, x: Any) -> Array:
        """log of weight times density of each density at each step, (n, K M)."""
        made = np.empty((len(x), len(self.offset)))
        frame = self.family.frame
        fill = gaussian_kernels.log_densities if self.apart else log_densities_of_matrices
        given = np.asarray(frame.origin), 1 / frame.scale, self.means, self.roots, self.offset
        fill(*strided(x), *given, made)
        return made

    def log_density(self, x: Any) -> Array:
        """log f(x_t | state), (n, K)."""
        made = np.empty((len(x), self.family.n_components))
        for part in _blocks(len(x)):
            of_states(self._joint(x[part]), made[part])
        return made

    def statistics(self, x: Any, resp: Array) -> GaussianMixturesStats:
        """The family's statistics, steps weighted by `resp` (n, K)."""
        made = None
        for part in _blocks(len(x)):
            one = self._counted(x[part], resp[part])
            made = one if made is None else add(made, one)
        return self._counted(x, resp) if made is None else made

    def _counted(self, x: Any, resp: Array) -> GaussianMixturesStats:
        each, family = self._joint(x), self.family
        k, m, d = family.n_components, family.n_mix, family.n_features
        hidden = float(shared_out(each, resp, self.params.weights))
        if self.careful:
            normal = family.normal.stats(self.flat, x, each)
            return GaussianMixturesStats(each.sum(axis=0).reshape(k, m), normal, hidden)
        place = np.asarray(family.frame.origin), 1 / family.frame.scale
        count = np.zeros(k * m)
        if self.apart:
            first, second = np.zeros((d, k * m)), np.zeros((d, k * m))
            gaussian_kernels.moments(*strided(x), *place, each, count, first, second)
            one = family.covariance.form == "spherical"
            first, second = first.T.copy(), second.sum(axis=0) if one else second.T.copy()
        else:
            first, second = np.zeros((k * m, d)), np.zeros((k * m, d, d))
            moments_of_matrices(*strided(x), *place, each, count, first, second)
        normal = GaussianStats(*plain(family.covariance, count, first, second))
        return GaussianMixturesStats(count.reshape(k, m).copy(), normal, hidden)


def mixed(family: Any, params: Any, complete: bool) -> MixedStates | None:
    """The compiled form of a family, where it has one."""
    if not (complete and isinstance(family, GaussianMixtures)):
        return None
    apart = family.covariance.form in ("diag", "spherical")
    return MixedStates(family, params) if apart or family.n_features <= WIDEST else None


def _blocks(n: int) -> Iterator[slice]:
    for begin in range(0, n, BLOCK):
        yield slice(begin, min(begin + BLOCK, n))
