"""Regressions of times known up to intervals as the engine sees them, covariates with holes."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from latentia.data.arrays import Rows
from latentia.engine import Model, Suff
from latentia.engine.space import DegenerateError, Fixed, Positive, PositiveDefinite, Real

from .completed import completed
from .laws import Distribution, Known

Array = NDArray[np.float64]

THINNEST = 1e-7
"""Of the scale, against the spread of the responses: below, all of them are on the line."""


class CensoredParams(NamedTuple):
    """Parameters of a regression, in the user's units.

    Attributes
    ----------
    coefficients : array of shape (p,)
        Of the constant, the covariates without holes, those with holes.
    scale : array of shape ()
    slopes : array of shape (h, p - h)
        Of the covariates with holes on the constant and those without.
    covariance : array of shape (h, h)
        Of the covariates with holes given the others.
    """

    coefficients: Any
    scale: Any
    slopes: Any
    covariance: Any


class CensoredStats(NamedTuple):
    """Value, gradient and curvature of q in (γ, λ), and second moments of completed designs.

    Attributes
    ----------
    weight : float
    constant : float
    linear : array of shape (p + 1,)
    curvature : array of shape (p + 1, p + 1)
    second : array of shape (p, p)
    """

    weight: Any
    constant: Any
    linear: Any
    curvature: Any
    second: Any


class Units(NamedTuple):
    """Origins and units in which designs and responses are worked on.

    Attributes
    ----------
    centre, spread : array of shape (p - 1,)
        Of the covariates.
    middle, unit : float
        Of the responses, after their logarithm.
    """

    centre: Array
    spread: Array
    middle: float
    unit: float


@final
class CensoredModel(Model[CensoredParams, Rows]):
    """y = x'β + σ e, of which an interval is known, e from a law with a log-concave density.

    Rows are (covariates without holes, covariates that may be nan, lower, upper), bounds after the
    logarithm where the distribution has one. Covariates with holes are normal given the others,
    and missing at random. Statistics are a quadratic in γ = β / σ and λ = 1 / σ, in which the
    likelihood of rows without holes is concave (Olsen 1978; Burridge 1981), so that the M-step is a
    Newton step; what a missing covariate does to a row is summed over a grid along the one
    direction that the response depends on (Lange 1995, on such gradient steps; Ibrahim 1990,
    on weights for missing covariates).

    Parameters
    ----------
    distribution : Distribution
    units : Units
    n_holed : int, default=0
        Covariates that may be nan, the last ones.
    """

    m_step_exact = False

    def __init__(self, distribution: Distribution, units: Units, n_holed: int = 0) -> None:
        self.distribution, self.units, self.n_holed = distribution, units, n_holed
        self.one_maximum = n_holed == 0

    @property
    def space(self) -> CensoredParams:
        units, h = self.units, self.n_holed
        sizes = np.concatenate([[1.0], units.unit / units.spread])
        sizes[0] = units.unit
        tail = units.spread[len(units.spread) - h :]
        own = np.concatenate([[1.0], 1 / units.spread[: len(units.spread) - h]])
        return CensoredParams(
            Real(scale=sizes),
            Positive() if self.distribution.scale is None else Fixed(),
            Real(scale=np.outer(tail, own)) if h else Fixed(),
            PositiveDefinite(unit=tail) if h else Fixed(),
        )

    # -- units -------------------------------------------------------------------------------

    def inside(self, params: CensoredParams) -> CensoredParams:
        """Parameters for designs and responses in this model's units."""
        centre, spread, middle, unit = self.units
        beta, h = params.coefficients, self.n_holed
        c = len(centre) - h
        first = (beta[0] + beta[1:] @ centre - middle) / unit
        coefficients = np.concatenate([[first], beta[1:] * spread / unit])
        own, tail = params.slopes[:, 1:], spread[c:]
        start = (params.slopes[:, 0] + own @ centre[:c] - centre[c:]) / tail
        slopes = np.column_stack([start, own * spread[:c] / tail[:, None]])
        covariance = params.covariance / np.outer(tail, tail)
        return CensoredParams(coefficients, params.scale / unit, slopes, covariance)

    def outside(self, params: CensoredParams) -> CensoredParams:
        """Parameters in the user's units: the inverse of `inside`."""
        centre, spread, middle, unit = self.units
        c = len(centre) - self.n_holed
        beta = params.coefficients[1:] * unit / spread
        first = params.coefficients[0] * unit + middle - beta @ centre
        tail = spread[c:]
        own = params.slopes[:, 1:] * tail[:, None] / spread[:c]
        start = params.slopes[:, 0] * tail + centre[c:] - own @ centre[:c]
        return CensoredParams(
            np.concatenate([[first], beta]),
            np.asarray(params.scale * unit),
            np.column_stack([start, own]),
            params.covariance * np.outer(tail, tail),
        )

    def _chain(self, slope: CensoredParams) -> CensoredParams:
        """A gradient in the parameters inside as one in the user's."""
        centre, spread, _, unit = self.units
        c = len(centre) - self.n_holed
        first = slope.coefficients[0] / unit
        beta = slope.coefficients[1:] * spread / unit + first * centre
        tail = spread[c:]
        start = slope.slopes[:, 0] / tail
        own = slope.slopes[:, 1:] * spread[:c] / tail[:, None] + np.outer(start, centre[:c])
        return CensoredParams(
            np.concatenate([[first], beta]),
            np.asarray(slope.scale / unit),
            np.column_stack([start, own]),
            slope.covariance / np.outer(tail, tail),
        )

    def designs(self, chunk: Rows) -> tuple[Array, Array, Array]:
        """Designs (n, p) and bounds (n,), (n,) in this model's units."""
        x = np.asarray(chunk.x, dtype=np.float64)
        centre, spread, middle, unit = self.units
        design = np.ones((len(x), len(centre) + 1))
        design[:, 1:] = (x[:, :-2] - centre) / spread
        return design, (x[:, -2] - middle) / unit, (x[:, -1] - middle) / unit

    # -- the contract ------------------------------------------------------------------------

    def start(
        self, sample: Any, rng: np.random.Generator, given: CensoredParams | None = None
    ) -> CensoredParams:
        """Least squares through one value of each interval, holes filled with means."""
        if given is not None:
            return given
        design, low, high = self.designs(sample)
        known = np.where(np.isinf(low), high, np.where(np.isinf(high), low, (low + high) / 2))
        telling = np.isfinite(known)
        filled, w = np.nan_to_num(design), sample.weights * telling
        root = np.sqrt(w)[:, None]
        y = np.where(telling, known, 0.0)
        beta = np.linalg.lstsq(root * filled, root[:, 0] * y, rcond=None)[0]
        square = float(w @ (y - filled @ beta) ** 2 / w.sum())
        fixed = self.distribution.scale
        scale = max(np.sqrt(square), 0.1) if fixed is None else fixed / self.units.unit
        h, p = self.n_holed, design.shape[1]
        slopes = np.zeros((h, p - h))
        return self.outside(CensoredParams(beta, np.asarray(scale), slopes, np.eye(h)))

    def e_step(self, params: CensoredParams, chunk: Rows) -> Suff:
        beta, scale, slopes, covariance = self.inside(params)
        _require_spread(float(scale))
        design, low, high = self.designs(chunk)
        gamma, lam = beta / scale, 1 / float(scale)
        p, logs = design.shape[1], self._log_spreads()
        loglik = value = 0.0
        score, curvature = np.zeros(p + 1), np.zeros((p + 1, p + 1))
        second = np.zeros((p, p))
        for part in completed(design, gamma, slopes, covariance):
            w, start, end = chunk.weights[part.rows], low[part.rows], high[part.rows]
            eta = (part.base @ gamma)[:, None] + (part.along @ gamma) * part.nodes
            known = self._known(lam * start[:, None] - eta, lam * end[:, None] - eta, lam)
            joint = known.value + part.log_shares
            total = logsumexp(joint, axis=1)
            share = w[:, None] * np.exp(joint - total[:, None])
            cells = part.log_density - float(logs[~part.missing].sum())
            beside = self._jacobian(start, end) + cells
            loglik += float(w @ (total + beside))
            seen = np.where(share > 0, known.value, 0.0)
            value += float((share * seen).sum() + w @ self._jacobian(start, end))
            powers = part.nodes, part.nodes**2
            slope = share * -(known.at_a + known.at_b)
            score[:p] += _first(part, slope, *powers)
            bend = share * (known.bend_a + 2 * known.bend_ab + known.bend_b)
            curvature[:p, :p] -= _second(part, bend, *powers)
            lo, up = (np.where(np.isinf(edge), 0.0, edge)[:, None] for edge in (start, end))
            score[p] += float((share * (known.at_a * lo + known.at_b * up)).sum())
            mixed = known.bend_a * lo + known.bend_ab * (lo + up) + known.bend_b * up
            cross = _first(part, share * mixed, *powers)
            curvature[:p, p] += cross
            curvature[p, :p] += cross
            own = known.bend_a * lo**2 + 2 * known.bend_ab * lo * up + known.bend_b * up**2
            curvature[p, p] -= float((share * own).sum())
            exact = float(w @ (start == end))
            score[p] += exact / lam
            curvature[p, p] += exact / lam**2
            second += _second(part, share, *powers)
        z = np.append(gamma, lam)
        linear = score + curvature @ z
        constant = value - linear @ z + z @ curvature @ z / 2
        n = float(chunk.weights.sum())
        return Suff(loglik, n, n, CensoredStats(n, constant, linear, curvature, second))

    def _known(self, a: Array, b: Array, lam: float) -> Known:
        """What is known of errors between a and b, of densities in the response's unit."""
        law = self.distribution.law
        exact = (a == b).any(axis=1)
        found = [np.empty_like(a) for _ in Known._fields]
        if exact.any():
            _put(found, exact, law.exactly(b[exact]))
        if not exact.all():
            _put(found, ~exact, law.between(a[~exact], b[~exact]))
        found[0][exact] += np.log(lam)
        return Known(*found)

    def _jacobian(self, low: Array, high: Array) -> Array:
        """What the units, and the logarithm, add to log-densities of exact responses."""
        exact = low == high
        middle, unit = self.units.middle, self.units.unit
        back = middle + unit * np.where(exact, low, 0.0) if self.distribution.log else 0.0
        return np.where(exact, -np.log(unit) - back, 0.0)

    def m_step(self, suff: Suff, params: CensoredParams) -> CensoredParams:
        beta, scale, _, _ = self.inside(params)
        stats: CensoredStats = suff.stats
        z = np.append(beta / scale, 1 / float(scale))
        free = np.ones(len(z), dtype=np.bool_)
        free[-1] = self.distribution.scale is None
        gradient = (stats.linear - stats.curvature @ z)[free]
        step = _newton(gradient, stats.curvature[np.ix_(free, free)])
        if free[-1]:  # λ stays positive, and does not more than quadruple
            ahead = step[-1] / z[-1]
            step = step * min(1.0, 0.75 / max(-ahead, 1e-300), 3.0 / max(ahead, 1e-300))
        z[free] += step
        _require_spread(1 / z[-1])
        h = self.n_holed
        p = len(z) - 1
        own, across = stats.second[: p - h, : p - h], stats.second[p - h :, : p - h]
        slopes = np.linalg.solve(own, across.T).T if h else np.zeros((0, p))
        left = stats.second[p - h :, p - h :] - slopes @ across.T
        covariance = (left + left.T) / 2 / stats.weight
        new_scale = np.asarray(1 / z[-1])
        return self.outside(CensoredParams(z[:-1] / z[-1], new_scale, slopes, covariance))

    def q(self, params: CensoredParams, suff: Suff) -> float:
        beta, scale, slopes, covariance = self.inside(params)
        stats: CensoredStats = suff.stats
        z = np.append(beta / scale, 1 / float(scale))
        height = float(stats.constant + stats.linear @ z - z @ stats.curvature @ z / 2)
        h = self.n_holed
        if not h:
            return height
        scatter = self._scatter(slopes, stats)
        _, log_det = np.linalg.slogdet(covariance)
        trace = float(np.trace(np.linalg.solve(covariance, scatter)))
        log_det += h * np.log(2 * np.pi) + 2 * self._log_spreads().sum()
        return height - float(stats.weight * log_det + trace) / 2

    def _log_spreads(self) -> Array:
        """What the units take from log-densities of covariates with holes, (h,)."""
        return np.log(self.units.spread[len(self.units.spread) - self.n_holed :])

    def _scatter(self, slopes: Array, stats: CensoredStats) -> Array:
        c = slopes.shape[1]
        own, across, tail = stats.second[:c, :c], stats.second[c:, :c], stats.second[c:, c:]
        both = slopes @ across.T
        return np.asarray(tail - both - both.T + slopes @ own @ slopes.T)

    def score(self, params: CensoredParams, suff: Suff) -> CensoredParams:
        beta, scale, slopes, covariance = self.inside(params)
        stats: CensoredStats = suff.stats
        z = np.append(beta / scale, 1 / float(scale))
        slope = stats.linear - stats.curvature @ z
        by_scale = -float(slope @ z) / float(scale)
        c = slopes.shape[1]
        precision = np.linalg.inv(covariance) if self.n_holed else covariance
        off = stats.second[c:, :c] - slopes @ stats.second[:c, :c]
        bend = precision @ self._scatter(slopes, stats) @ precision - stats.weight * precision
        return self._chain(
            CensoredParams(slope[:-1] / scale, np.asarray(by_scale), precision @ off, bend / 2)
        )


def _put(found: list[Array], some: NDArray[np.bool_], known: Known) -> None:
    for whole, part in zip(found, known, strict=True):
        whole[some] = part


def _require_spread(scale: float) -> None:
    if not scale >= THINNEST:
        raise DegenerateError(
            "the scale falls to 0: all responses that are known exactly lie on the line; give more "
            "rows or fewer covariates"
        )


def _first(part: Any, share: Array, u: Array, _: Array) -> Array:
    """Sums over rows and nodes of share times the completed design, (p,)."""
    return share.sum(axis=1) @ part.base + float((share @ u).sum()) * part.along


def _second(part: Any, share: Array, u: Array, square: Array) -> Array:
    """Sums of share times the design's squares and products, (p, p)."""
    plain = share.sum(axis=1)
    once = (share @ u) @ part.base
    line = part.along
    twice = float((share @ square).sum())
    made = part.base.T @ (plain[:, None] * part.base) + np.outer(once, line) + np.outer(line, once)
    return np.asarray(made + twice * np.outer(line, line) + float(plain.sum()) * part.rest)


def _newton(gradient: Array, curvature: Array) -> Array:
    """The Newton step, with directions of no curvature followed as if bent a little."""
    unit = np.sqrt(np.maximum(np.diagonal(curvature), 0.0))
    unit = np.where(unit > 0, unit, 1.0)
    bend, axes = np.linalg.eigh(curvature / np.outer(unit, unit))
    along = axes.T @ (gradient / unit)
    return np.asarray(axes @ (along / np.maximum(bend, 1e-12)) / unit)
