"""Directions: unit vectors around a mean direction."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, cast, final

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from scipy.special import gammaln, ive
from scipy.stats import uniform_direction, vonmises_fisher

from latentia.engine.space import Real

from .cells import first_fault
from .family import Family
from .shapes import refuse_collapse

Array = NDArray[np.float64]

CLOSE = 1e-6
"""By how much the square of a row's length may differ from one: rounding in single precision."""

_NEAR = 20.0
_MANY = 30.0
_TERMS = 12
_STEPS = 60
_SMALLEST = 1e-150


class VonMisesFisherParams(NamedTuple):
    """Mean direction times concentration of each component, (K, d); 0 is the uniform one."""

    vectors: Array


class VonMisesFisherStats(NamedTuple):
    """Of each component.

    Attributes
    ----------
    count : array of shape (K,)
        sum_i r_ik.
    total : array of shape (K, d)
        sum_i r_ik x_i.
    """

    count: Array
    total: Array


def log_bessel_rest(half: float, kappa: Array) -> Array:
    """log 0F1(half; κ²/4) - κ for κ >= 0, half >= 1/2: log I with its power and growth taken out.

    With half = ν + 1, 0F1(half; κ²/4) = Γ(ν + 1) (κ/2)^-ν I_ν(κ), which is 1 at κ = 0, whatever
    ν is. By its series up to κ = 20; beyond, from the scaled Bessel function, or by the uniform
    expansion for large orders (Abramowitz & Stegun 1964, 9.6.47 and 9.7.7).
    """
    kappa = np.asarray(kappa, dtype=np.float64)
    far = kappa > _NEAR
    near = np.where(far, 0.0, kappa)
    term = total = np.ones(kappa.shape)
    for k in range(1, 200):
        term = term * (near / 2) ** 2 / (k * (half + k - 1))
        total = total + term
        if (term <= 1e-17 * total).all():
            break
    made = np.log(total) - near
    if far.any():
        nu, large = half - 1, np.where(far, kappa, _NEAR)
        scaled = _by_order(nu, large) if nu > _MANY else np.log(ive(nu, large))
        made = np.where(far, gammaln(half) - nu * np.log(large / 2) + scaled, made)
    return made


def _by_order(nu: float, kappa: Array) -> Array:
    """log I_ν(κ) - κ for large ν."""
    z = kappa / nu
    root = np.hypot(1.0, z)
    p = 1 / root
    series = sum(u(p) / nu**k for k, u in enumerate(_debye()))
    growth = nu * (1 / (z + root) + np.log(z / (1 + root)))
    return growth - np.log(2 * np.pi * nu * root) / 2 + np.log(series)


@cache
def _debye() -> list[Polynomial]:
    """The polynomials u_k of the expansion (Abramowitz & Stegun 1964, 9.3.9-9.3.10)."""
    made, t = [Polynomial([1.0])], Polynomial([0.0, 1.0])
    for _ in range(_TERMS):
        u = made[-1]
        made.append(t**2 * (1 - t**2) * u.deriv() / 2 + ((1 - 5 * t**2) * u).integ() / 8)
    return made


def log_mean_length(half: float, kappa: Array) -> Array:
    """log of I_{d/2}(κ) / I_{d/2-1}(κ), the mean of a row along its direction, less log(κ/d).

    With half = d / 2; 0 at κ = 0.
    """
    return log_bessel_rest(half + 1, kappa) - log_bessel_rest(half, kappa)


def concentration(half: float, length: Array) -> Array:
    """The κ at which the mean of rows has this length in [0, 1); infinite from 1 on.

    Newton's method in the coordinate R (d - R²) / (1 - R²) of a length R, which is nearly κ
    itself (Banerjee, Dhillon, Ghosh & Sra 2005, eq. 4.4).
    """
    d = 2 * half
    inside = length < 1
    target = np.where(inside, length, 0.0)
    aim = target * (d - target**2) / ((1 - target) * (1 + target))
    kappa = aim
    for _ in range(_STEPS):
        log_length = np.log(np.maximum(kappa, _SMALLEST) / d) + log_mean_length(half, kappa)
        mean, rest = np.exp(log_length), -np.expm1(log_length)
        here = mean * (d - mean**2) / (rest * (1 + mean))
        step = np.where(target > 0, aim / np.maximum(here, _SMALLEST), 1.0)
        kappa = kappa * step
        if (np.abs(step - 1) < 1e-15).all():
            break
    return np.where(inside, kappa, np.inf)


@final
class VonMisesFisher(Family[VonMisesFisherParams, VonMisesFisherStats]):
    """Unit vectors with density proportional to exp(κ μᵀx) (Mardia & Jupp 2000, eq. 9.3.4).

    The parameter is κμ, in which the uniform distribution is an ordinary point, 0. On the circle
    (two columns, cosine and sine) it is von Mises'. No cell can be missing.

    Parameters
    ----------
    n_components : int
    n_features : int
        The number of coordinates, at least 2.

    Raises
    ------
    ValueError
        If there are fewer than two coordinates.

    Examples
    --------
    >>> import numpy as np
    >>> from latentia.families import VonMisesFisher
    >>> at = np.deg2rad([10.0, 30.0, 50.0])
    >>> rows, resp = np.stack([np.cos(at), np.sin(at)], axis=1), np.ones((3, 1))
    >>> family = VonMisesFisher(1, 2)
    >>> params = family.start(rows, resp)
    >>> params = family.m_step(family.stats(params, rows, resp), params)
    >>> kappa = family.concentrations(params)
    >>> direction = np.rad2deg(np.arctan2(*family.directions(params)[0, ::-1]))
    >>> print(f"{direction:.4f} {kappa[0]:.4f}")
    30.0000 12.7032
    """

    def __init__(self, n_components: int, n_features: int) -> None:
        if n_features < 2:
            raise ValueError(f"got n_features={n_features}, expected at least 2 coordinates")
        self.n_components, self.n_features, self.half = n_components, n_features, n_features / 2

    @property
    def space(self) -> VonMisesFisherParams:
        return VonMisesFisherParams(cast(Any, Real(exchangeable=(0,))))

    def concentrations(self, params: VonMisesFisherParams) -> Array:
        """κ of each component, (K,)."""
        return np.linalg.norm(params.vectors, axis=1)

    def directions(self, params: VonMisesFisherParams) -> Array:
        """Mean directions μ, (K, d); those of a component with κ = 0 are 0."""
        kappa = self.concentrations(params)[:, None]
        return params.vectors / np.where(kappa > 0, kappa, 1.0)

    def start(self, x: Array, resp: Array) -> VonMisesFisherParams:
        x = np.asarray(x, dtype=np.float64)
        pooled = resp.sum(axis=1) @ x / resp.sum()
        means = (resp.T @ x + pooled) / (resp.sum(axis=0)[:, None] + 1)
        length = np.linalg.norm(means, axis=1, keepdims=True)
        kappa = concentration(self.half, np.minimum(length, 0.999))
        return VonMisesFisherParams(kappa * means / np.maximum(length, _SMALLEST))

    def _log_constant(self, kappa: Array) -> Array:
        """The log-density where x is the mean direction, (K,)."""
        log_area = np.log(2) + self.half * np.log(np.pi) - gammaln(self.half)
        return -log_area - log_bessel_rest(self.half, kappa)

    def _wrong(self, x: Array) -> NDArray[np.bool_]:
        square = (np.asarray(x, dtype=np.float64) ** 2).sum(axis=1, keepdims=True)
        return ~(np.abs(square - 1) <= 2 * CLOSE)

    def log_density(self, params: VonMisesFisherParams, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        kappa = self.concentrations(params)
        made = x @ params.vectors.T - kappa + self._log_constant(kappa)
        return np.where(self._wrong(x), -np.inf, made)

    def stats(self, params: VonMisesFisherParams, x: Array, resp: Array) -> VonMisesFisherStats:
        return VonMisesFisherStats(resp.sum(axis=0), resp.T @ np.asarray(x, dtype=np.float64))

    def m_step(
        self, stats: VonMisesFisherStats, params: VonMisesFisherParams
    ) -> VonMisesFisherParams:
        alive = (stats.count > 0)[:, None]
        means = np.where(alive, stats.total / np.where(alive, stats.count[:, None], 1.0), 0.0)
        length = np.linalg.norm(means, axis=1, keepdims=True)
        kappa = concentration(self.half, length)
        refuse_collapse(kappa, alive, "concentration")
        vectors = kappa * means / np.maximum(length, _SMALLEST)
        return VonMisesFisherParams(np.where(alive, vectors, params.vectors))

    def q(self, params: VonMisesFisherParams, stats: VonMisesFisherStats) -> float:
        kappa = self.concentrations(params)
        along = (params.vectors * stats.total).sum(axis=1) - kappa * stats.count
        return float((along + stats.count * self._log_constant(kappa)).sum())

    def score(
        self, params: VonMisesFisherParams, stats: VonMisesFisherStats
    ) -> VonMisesFisherParams:
        kappa = self.concentrations(params)
        share = np.exp(log_mean_length(self.half, kappa)) / self.n_features  # length over κ
        return VonMisesFisherParams(stats.total - (stats.count * share)[:, None] * params.vectors)

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        return first_fault(self._wrong(x), "expected a row of length 1")

    def draw(
        self, params: VonMisesFisherParams, labels: NDArray[np.intp], rng: np.random.Generator
    ) -> Array:
        rows = np.empty((len(labels), self.n_features))
        kappa, directions = self.concentrations(params), self.directions(params)
        for k in range(self.n_components):
            own = labels == k
            n = int(own.sum())
            if not n:
                continue
            if kappa[k] > 0:
                law: Any = vonmises_fisher(directions[k], kappa[k])
            else:
                law = uniform_direction(self.n_features)
            rows[own] = law.rvs(n, random_state=rng).reshape(n, self.n_features)
        return rows
