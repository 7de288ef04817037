"""Cells with probabilities by a log-linear model, and numbers that are normal in each cell."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from latentia.data.arrays import Frame, Rows
from latentia.engine import Model, Suff
from latentia.engine.space import Fixed, PositiveDefinite, Real, Simplex

from .cells import LOG_2PI, GroupedRows, groups, told

Array = NDArray[np.float64]

MOST_STEPS = 100
"""Of Newton's method within an M-step."""

FLAT = 1e-10
"""Curvature, relative to that of a direction by itself, below which it counts as straight."""


class CellParams(NamedTuple):
    """Parameters of cells and of the numbers in them.

    Attributes
    ----------
    effects : array of shape (D,) or (k,)
        Probabilities of the cells where the table is saturated, else log-linear parameters.
    coefficients : array of shape (r, p)
        Of the means on the cells' design, in the user's units.
    covariance : array of shape (p, p)
        Within cells.
    """

    effects: Any
    coefficients: Any
    covariance: Any


class CellStats(NamedTuple):
    """Expected counts and sums, numbers in the frame.

    Attributes
    ----------
    count : array of shape (D,)
    first : array of shape (D, p)
    second : array of shape (p, p)
    """

    count: Any
    first: Any
    second: Any


@final
class CellModel(Model[CellParams, Any]):
    """Rows of categories and numbers, cells missing at random.

    Categories make a cell of a table, whose probabilities are free or follow a log-linear model;
    numbers are normal in each cell, with means that are linear in the cells' design and one
    covariance: the general location model (Olkin & Tate 1961; Little & Schluchter 1985). Without
    numbers it is the log-linear model of an incomplete table (Fuchs 1982).

    Rows hold codes of the categories from 0 and the numbers, nan where a cell is missing.

    Parameters
    ----------
    levels : tuple of int
        How many categories each column has.
    frame : Frame or None
        Of the numbers, None where there is none.
    design : array of shape (D, k) or None
        Of the log-linear model, without a constant; None: the table is saturated.
    means : array of shape (D, r)
        Of the cells' means, with a constant.
    prior : float, default=0
        Rows that are added to each cell, whose probabilities are then those of the posterior mode.
    """

    def __init__(
        self,
        levels: tuple[int, ...],
        frame: Frame | None,
        design: Array | None,
        means: Array,
        prior: float = 0.0,
    ) -> None:
        self.levels, self.frame, self.design = levels, frame, design
        self.means, self.prior = means, prior
        self.n_cells = int(np.prod(levels))
        self.n_numbers = 0 if frame is None else len(frame.spread)

    @property
    def space(self) -> CellParams:
        cells = Simplex() if self.design is None else Real()
        if self.frame is None:
            return CellParams(cells, Fixed(), Fixed())
        spread = self.frame.spread
        scale = np.broadcast_to(spread, (self.means.shape[1], len(spread)))
        return CellParams(cells, Real(scale=scale), PositiveDefinite(unit=spread))

    def log_mass(self, effects: Array) -> Array:
        """Logarithms of the cells' probabilities, (D,)."""
        if self.design is None:
            with np.errstate(divide="ignore"):
                return np.log(effects)
        raised = self.design @ effects
        return raised - float(logsumexp(raised))

    def inside(self, params: CellParams) -> tuple[Array, Array]:
        """Means of the cells, (D, p), and their covariance, in the frame."""
        if self.frame is None:
            return np.zeros((self.n_cells, 0)), np.zeros((0, 0))
        origin, scale, _ = self.frame
        mean = (self.means @ params.coefficients - origin) / scale
        return mean, params.covariance / scale**2

    def parts(self, chunk: Rows) -> tuple[Array, Array]:
        """Codes, and numbers in the frame."""
        x = np.asarray(chunk.x, dtype=np.float64)
        q = len(self.levels)
        z = x[:, q:] if self.frame is None else self.frame.into(x[:, q:])
        return x[:, :q], z

    def prepare(self, chunk: Any) -> Any:
        codes, z = self.parts(chunk)
        return GroupedRows(chunk, z, tuple(groups(codes, z, self.levels)))

    def start(self, sample: Any, rng: np.random.Generator, given: Any = None) -> CellParams:
        """The columns by themselves: categories independent, numbers the same in all cells."""
        if given is not None:
            return given
        codes, _ = self.parts(sample.rows if isinstance(sample, GroupedRows) else sample)
        mass = np.ones(1)
        for j, n in enumerate(self.levels):
            known = ~np.isnan(codes[:, j])
            at = codes[known, j].astype(np.intp)
            count = np.bincount(at, sample.weights[known], n) + 0.5
            mass = np.outer(mass, count / count.sum()).ravel()
        if self.design is None:
            effects = mass
        else:
            flat = np.log(mass) - np.log(mass).mean()
            effects = np.linalg.lstsq(self.design, flat, rcond=None)[0]
        if self.frame is None:
            return CellParams(effects, np.zeros((self.means.shape[1], 0)), np.zeros((0, 0)))
        origin, _, spread = self.frame
        ones = np.ones(self.n_cells)
        share = np.linalg.lstsq(self.means, ones, rcond=None)[0]
        return CellParams(effects, np.outer(share, origin), np.diag(spread**2))

    def e_step(self, params: CellParams, chunk: Any) -> Suff:
        grouped = chunk if isinstance(chunk, GroupedRows) else self.prepare(chunk)
        z = grouped.z
        log_mass = self.log_mass(params.effects)
        means, covariance = self.inside(params)
        loglik = 0.0
        count = np.zeros(self.n_cells)
        first, second = np.zeros_like(means), np.zeros_like(covariance)
        cells_seen = 0.0
        for group in grouped.groups:
            known = told(group, z, log_mass, means, covariance)
            w = chunk.weights[group.rows]
            counted = w > 0
            loglik += float(w[counted] @ known.log_density[counted])
            share = w[:, None] * known.share
            own = np.bincount(known.cells.ravel(), share.ravel(), self.n_cells)
            count += own
            seen, missing = group.seen, ~group.seen
            cells_seen += float(w.sum() * seen.sum())
            if not self.n_numbers:
                continue
            y = z[np.ix_(group.rows, seen)]
            sums = np.empty((self.n_cells, y.shape[1]))
            for j in range(y.shape[1]):
                each = (share * y[:, j : j + 1]).ravel()
                sums[:, j] = np.bincount(known.cells.ravel(), each, self.n_cells)
            square = y.T @ (w[:, None] * y)
            # what is missing is ``slopes @ y`` and what the cell adds
            added = means[:, missing] - means[:, seen] @ known.slopes.T
            cross = square @ known.slopes.T + sums.T @ added
            both = known.slopes @ (sums.T @ added)
            rest = known.slopes @ square @ known.slopes.T + both + both.T
            rest += added.T @ (own[:, None] * added) + own.sum() * known.left
            first[:, seen] += sums
            first[:, missing] += sums @ known.slopes.T + own[:, None] * added
            second[np.ix_(seen, seen)] += square
            second[np.ix_(seen, missing)] += cross
            second[np.ix_(missing, seen)] += cross.T
            second[np.ix_(missing, missing)] += rest
        n = float(chunk.weights.sum())
        if self.frame is not None:
            loglik -= cells_seen * float(np.log(self.frame.scale))
        return Suff(loglik, n, n, CellStats(count, first, second))

    def unit_logliks(self, params: CellParams, chunk: Any) -> Array:
        """The log-likelihood of what was seen of each row, (n,)."""
        grouped = chunk if isinstance(chunk, GroupedRows) else self.prepare(chunk)
        log_mass, (means, covariance) = self.log_mass(params.effects), self.inside(params)
        unit = 0.0 if self.frame is None else float(np.log(self.frame.scale))
        found = np.zeros(len(grouped))
        for group in grouped.groups:
            known = told(group, grouped.z, log_mass, means, covariance)
            found[group.rows] = known.log_density - unit * group.seen.sum()
        return found

    def m_step(self, suff: Suff, params: CellParams) -> CellParams:
        stats: CellStats = suff.stats
        count = stats.count + self.prior
        if self.design is None:
            effects = count / count.sum()
        else:
            effects = fitted_effects(self.design, count, params.effects)
        if self.frame is None:
            return CellParams(effects, params.coefficients, params.covariance)
        origin, scale, _ = self.frame
        gram = self.means.T @ (stats.count[:, None] * self.means)
        inside = _solved(gram, self.means.T @ stats.first)
        fitted = self.means @ inside
        scatter = _scatter(fitted, stats)
        covariance = scale**2 * scatter / stats.count.sum()
        # the constant is among the design's columns, so the origin is a combination of them
        share = np.linalg.lstsq(self.means, np.ones(self.n_cells), rcond=None)[0]
        coefficients = scale * inside + np.outer(share, origin)
        return CellParams(effects, coefficients, (covariance + covariance.T) / 2)

    def q(self, params: CellParams, suff: Suff) -> float:
        stats: CellStats = suff.stats
        height = _multinomial(self.log_mass(params.effects), stats.count)
        if self.frame is None:
            return height
        means, covariance = self.inside(params)
        n, p = float(stats.count.sum()), self.n_numbers
        _, log_det = np.linalg.slogdet(covariance)
        trace = float(np.trace(np.linalg.solve(covariance, _scatter(means, stats))))
        unit = LOG_2PI + 2 * float(np.log(self.frame.scale))
        return height - (n * (log_det + p * unit) + trace) / 2

    def score(self, params: CellParams, suff: Suff) -> CellParams:
        stats: CellStats = suff.stats
        effects = self._slope(params.effects, stats.count)
        if self.frame is None:
            return CellParams(effects, params.coefficients, params.covariance)
        scale = self.frame.scale
        means, covariance = self.inside(params)
        precision = np.linalg.inv(covariance)
        off = stats.first - stats.count[:, None] * means
        coefficients = self.means.T @ off @ precision / scale
        scatter, n = _scatter(means, stats), float(stats.count.sum())
        bend = (precision @ scatter @ precision - n * precision) / 2
        return CellParams(effects, coefficients, bend / scale**2)

    def _slope(self, effects: Array, count: Array) -> Array:
        if self.design is None:
            return count / np.where(effects > 0, effects, 1.0)
        mass = np.exp(self.log_mass(effects))
        return self.design.T @ (count - count.sum() * mass)

    @property
    def has_prior(self) -> bool:
        return self.prior > 0

    def log_prior(self, params: CellParams) -> float:
        if not self.prior:
            return 0.0
        return _multinomial(self.log_mass(params.effects), np.full(self.n_cells, self.prior))

    def prior_score(self, params: CellParams) -> CellParams:
        effects = self._slope(params.effects, np.full(self.n_cells, self.prior))
        nothing = (np.zeros_like(params.coefficients), np.zeros_like(params.covariance))
        return CellParams(effects, *nothing)

    def simulate(self, params: CellParams, chunk: Rows, rng: np.random.Generator) -> Rows:
        """Rows with the holes that are there, drawn anew."""
        x = np.asarray(chunk.x, dtype=np.float64)
        mass = np.exp(self.log_mass(params.effects))
        cell = rng.choice(self.n_cells, size=len(x), p=mass / mass.sum())
        drawn = np.stack(np.unravel_index(cell, self.levels), axis=1).astype(np.float64)
        if self.frame is not None:
            root = np.linalg.cholesky(params.covariance)
            z = (self.means @ params.coefficients)[cell]
            drawn = np.hstack([drawn, z + rng.standard_normal(z.shape) @ root.T])
        return Rows(np.where(np.isnan(x), np.nan, drawn), chunk.weights)


def _multinomial(log_mass: Array, count: Array) -> float:
    """Sum of counts times logarithms, where nothing times minus infinity is nothing."""
    return (
        float(xlogy(count, np.exp(log_mass)).sum())
        if np.isneginf(log_mass).any()
        else float(count @ log_mass)
    )


def _scatter(means: Array, stats: CellStats) -> Array:
    """Expected squares and products about the cells' means."""
    cross = stats.first.T @ means
    made = stats.second - cross - cross.T + means.T @ (stats.count[:, None] * means)
    return (made + made.T) / 2


def _solved(gram: Array, right: Array) -> Array:
    """Coefficients; of directions in which there are no rows, none."""
    unit = np.sqrt(np.maximum(np.diagonal(gram), 0.0))
    unit = np.where(unit > 0, unit, 1.0)
    values, axes = np.linalg.eigh(gram / np.outer(unit, unit))
    kept = values > FLAT * max(float(values.max()), 1.0)
    axes = axes[:, kept]
    return (axes @ ((axes.T @ (right / unit[:, None])) / values[kept][:, None])) / unit[:, None]


def fitted_effects(design: Array, count: Array, start: Array) -> Array:
    """Log-linear parameters of highest likelihood for counts, by Newton's method.

    The likelihood is concave; steps are halved until it does not fall. Where a margin has no
    counts parameters run away, until what they could still gain is none to rounding.

    Parameters
    ----------
    design : array of shape (D, k)
    count : array of shape (D,)
    start : array of shape (k,)
    """
    total = float(count.sum())
    target = design.T @ count

    def height(effects: Array) -> float:
        raised = design @ effects
        return float(target @ effects) - total * float(logsumexp(raised))

    effects, best = start, height(start)
    for _ in range(MOST_STEPS):
        raised = design @ effects
        mass = np.exp(raised - logsumexp(raised))
        slope = target - total * (design.T @ mass)
        mean = design.T @ mass
        bend = total * (design.T @ (mass[:, None] * design) - np.outer(mean, mean))
        unit = np.sqrt(np.maximum(np.diagonal(bend), 1e-300))
        values, axes = np.linalg.eigh(bend / np.outer(unit, unit))
        along = (axes.T @ (slope / unit)) / np.maximum(values, FLAT)
        step = (axes @ along) / unit
        gain = float(slope @ step)
        if not gain > 1e-16 * max(1.0, total):
            break
        reach = float(np.abs(design @ step).max(initial=0.0))
        share = min(1.0, 4.0 / reach) if reach > 0 else 1.0
        for _ in range(40):
            tried = effects + share * step
            now = height(tried)
            if now >= best:
                break
            share /= 2
        if not now > best:
            break
        effects, best = tried, now
    return effects
