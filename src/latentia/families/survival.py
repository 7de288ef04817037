"""Times until an event: seen exactly or up to an interval, perhaps only within a window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentia.engine import tree

from .cells import Mask, distinct, first_fault, spread_over
from .family import Family
from .intervals import Standard, Within, within
from .parabola import Parabola, Slopes, gradient, height, newton
from .shapes import moments

Array = NDArray[np.float64]
P = TypeVar("P", bound=tuple[Any, ...])

STEADY = (1e-6, 50.0)
"""Variances of log times that a component may start with."""

LARGEST = 709.0
"""Logarithms of times beyond are cut, so that these are finite numbers."""


class Sums(ABC):
    """Finite statistics of exact times, and their maximum.

    Statistics are a NamedTuple of arrays of shape (K,) or (K, d), the last of which, `constant`,
    is what q has beyond them.
    """

    @abstractmethod
    def of(self, t: Array, y: Array, weight: Array) -> Any:
        """Statistics of one column: times t and y = log t of shape (m, 1 or K, N), constant 0.

        `weight` has shape (m, K, N).
        """

    @abstractmethod
    def height(self, params: Any, stats: Any) -> Array:
        """q of each component and column but for the constant."""

    @abstractmethod
    def slope(self, params: Any, stats: Any) -> Any:
        """The gradient of q in the parameters."""

    @abstractmethod
    def maximum(self, params: Any, stats: Any) -> Any:
        """The parameters that maximise q; those given where nothing was counted."""


class Cells(NamedTuple):
    """The cells of one column, by what is known of them.

    Attributes
    ----------
    seen : array of int, shape (a,)
        Rows whose time is known.
    t : array of shape (a,)
        That time.
    between : array of int, shape (b,)
        Rows of whose time an interval is known.
    low, high : array of shape (c,)
        The different intervals.
    which : array of int, shape (b,)
        The interval of each such row.
    never : array of bool, shape (n,)
        Rows that no component could make.
    """

    seen: NDArray[np.intp]
    t: Array
    between: NDArray[np.intp]
    low: Array
    high: Array
    which: NDArray[np.intp]
    never: Mask


class Survival(Family[P, Any]):
    """What the families of times share: columns, censoring, truncation, missing cells.

    Expectations over times of which only an interval is known are taken given the present
    parameters (Dempster, Laird & Rubin 1977, sec. 4.2). A family of exact times with finite
    statistics keeps these; without, or within a window, statistics are value, gradient and
    curvature of q.

    Parameters
    ----------
    n_components : int
    n_features : int, default=1
        The number of times in a row.
    censored : bool, default=False
        Whether each time takes two columns, the lower and the upper bound of what is known of
        it. Equal bounds are an exact time, an upper bound of infinity a right-censored one, a
        lower bound of 0 a left-censored one. A bound that is nan is not known.
    truncated : tuple of float, default=(0, inf)
        The window outside which no time is recorded, the same for all rows: densities are
        given that the time fell into it.

    Raises
    ------
    ValueError
        If the window is none.
    """

    takes_missing = True
    zero_is_possible = False

    def __init__(
        self,
        n_components: int,
        n_features: int = 1,
        *,
        censored: bool = False,
        truncated: tuple[float, float] = (0.0, np.inf),
    ) -> None:
        lower, upper = (float(bound) for bound in truncated)
        if not 0 <= lower < upper:
            raise ValueError(
                f"got truncated={truncated!r}, expected a lower bound of at least 0 and an upper "
                "bound above it"
            )
        self.n_components, self.n_features, self.censored = n_components, n_features, censored
        self.window = (lower, upper)
        self.whole = lower == 0 and np.isinf(upper)
        self.m_step_exact = self._sums is not None

    @property
    @abstractmethod
    def _sums(self) -> Sums | None:
        """The finite statistics of this family in its window, if there are such."""

    @property
    @abstractmethod
    def _slopes(self) -> Slopes | None:
        """How log-densities of exact times depend on the parameters; needed without `_sums`."""

    @abstractmethod
    def _standard(self, theta: P) -> Standard:
        """How log times of one column are standardised, given parameters (K,)."""

    @abstractmethod
    def _log_pdf(self, theta: P, t: Array) -> Array:
        """The log-density of exact times (m, 1), without a window, shape (m, K)."""

    @abstractmethod
    def _begin(self, mean: Array, variance: Array) -> P:
        """Parameters whose log times have these moments, (K, d)."""

    @abstractmethod
    def _between(self, theta: P, p: Array, low: float, high: float) -> Array:
        """The quantiles p (n,) of times given low < t < high, parameters (n,) row by row."""

    def _bounds(self, x: Array) -> Iterator[tuple[Array, Array]]:
        """Lower and upper bounds of each time, (n,); nan where there is none."""
        x = np.asarray(x, dtype=np.float64)
        for j in range(self.n_features):
            yield (x[:, 2 * j], x[:, 2 * j + 1]) if self.censored else (x[:, j], x[:, j])

    def _known(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Bounds without nan; a time of which nothing is known is in (0, inf)."""
        return np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), np.inf, high)

    def _possible(self, t: Array) -> Mask:
        """Which exact times the window and the support have."""
        lower, upper = self.window
        above = (t >= lower) & ((t > 0) | self.zero_is_possible)
        return above & (t <= upper) & (t < np.inf)

    def _cells(self, x: Array) -> Iterator[Cells]:
        for given in self._bounds(x):
            low, high = self._known(*given)
            exact = low == high
            start, end = np.maximum(low, self.window[0]), np.minimum(high, self.window[1])
            wrong = np.where(exact, ~self._possible(low), ~(start < end))
            silent = (start == self.window[0]) & (end == self.window[1])
            seen = np.flatnonzero(exact & ~wrong)
            between = np.flatnonzero(~exact & ~wrong & ~silent)
            pairs, which = np.stack([start, end], axis=1)[between], between
            if len(between):
                pairs, which = np.unique(pairs, axis=0, return_inverse=True)
            yield Cells(seen, low[seen], between, pairs[:, 0], pairs[:, 1], which.ravel(), wrong)

    def _own(self, params: P, j: int) -> Any:
        """Parameters of one column, (K,) each."""
        return tree.transform(lambda leaf: leaf[:, j], params)

    def _log_window(self, theta: Any) -> Array:
        """The logarithm of the probability of the window, (K,)."""
        if self.whole:
            return np.zeros(self.n_components)
        return self._in_window(theta).log_mass[0]

    def _in_window(self, theta: Any) -> Within:
        lower, upper = self.window
        return within(self._standard(theta), np.array([lower]), np.array([upper]))

    def start(self, x: Array, resp: Array) -> P:
        """Times seen up to an interval stand somewhere in it."""
        logs: list[Array] = []
        for low, high in (self._known(*given) for given in self._bounds(x)):
            middle = np.where(np.isinf(high), low * np.exp(0.5), (low + high) / 2)
            with np.errstate(divide="ignore"):
                logs.append(np.where(middle > 0, np.log(middle), np.nan))
        mean, variance = moments(np.stack(logs, axis=1), resp)
        return self._begin(mean, np.clip(variance, *STEADY))

    def log_density(self, params: P, x: Array) -> Array:
        total = np.zeros((len(x), self.n_components))
        for j, cells in enumerate(self._cells(x)):
            theta = self._own(params, j)
            window = self._log_window(theta)
            total[cells.seen] += self._log_pdf(theta, cells.t[:, None]) - window
            if len(cells.between):
                made = within(self._standard(theta), cells.low, cells.high).log_mass
                total[cells.between] += (made - window)[cells.which]
            total[cells.never] = -np.inf
        return total

    def stats(self, params: P, x: Array, resp: Array) -> Any:
        make = self._summed if self._sums is not None else self._parabola
        each = [make(self._own(params, j), c, resp) for j, c in enumerate(self._cells(x))]
        return tree.transform(lambda *parts: np.stack(parts, axis=1), *each)

    def _parts(
        self, theta: Any, cells: Cells, resp: Array
    ) -> Iterator[tuple[Array, Array, Array, Array]]:
        """Times, their logarithms, weights (m, K, N), and the sum of log-densities, (K,).

        Of the exact times first, then those that others may have had.
        """
        window = self._log_window(theta)
        weight, t = resp[cells.seen], cells.t[:, None]
        with np.errstate(divide="ignore"):
            logs = np.log(t)
        value = _total(weight, self._log_pdf(theta, t) - window)
        yield t[..., None], logs[..., None], weight[..., None], value
        if len(cells.between):
            weight = spread_over(cells.which, resp[cells.between], len(cells.low))
            law = within(self._standard(theta), cells.low, cells.high)
            value = _total(weight, law.log_mass - window)
            yield np.exp(np.minimum(law.y, LARGEST)), law.y, weight[..., None] * law.share, value

    def _summed(self, theta: Any, cells: Cells, resp: Array) -> Any:
        sums = self._sums
        assert sums is not None
        made: list[Any] = []
        for t, y, weight, value in self._parts(theta, cells, resp):
            stats = sums.of(t, y, weight)
            if made:  # what is only known up to an interval: q is its log-likelihood here
                stats = stats._replace(constant=value - sums.height(theta, stats))
            made.append(stats)
        return tree.reduce_in_order(made)

    def _parabola(self, theta: Any, cells: Cells, resp: Array) -> Parabola:
        slopes = self._slopes
        assert slopes is not None
        wide = tree.transform(lambda leaf: leaf[:, None], theta)  # beside the nodes
        value, count = np.zeros(self.n_components), np.zeros(self.n_components)
        score, curvature = np.zeros((len(value), 2)), None
        for _, y, weight, height_here in self._parts(theta, cells, resp):
            value, count = value + height_here, count + weight.sum(axis=(0, 2))
            score += np.einsum("mkn,mknp->kp", weight, slopes.of(wide, y))
            bend = slopes.curvature(wide, y, weight) if self.whole else None
            if bend is not None:
                curvature = bend if curvature is None else curvature + bend
        if curvature is None:
            law = self._in_window(theta)
            each, share = slopes.of(wide, law.y)[0], law.share[0]
            mean = np.einsum("kn,knp->kp", share, each)
            off = each - mean[:, None]
            score -= count[:, None] * mean
            information = np.einsum("kn,knp,knr->kpr", share, off, off)
            curvature = count[:, None, None] * information
        return Parabola.around(slopes.coordinates(theta), value, score, curvature)

    def m_step(self, stats: Any, params: P) -> P:
        if self._sums is not None:
            return self._sums.maximum(params, stats)
        slopes = self._slopes
        assert slopes is not None
        z = newton(stats, slopes.coordinates(params), slopes.longest(params))
        return slopes.parameters(z, stats.counted, params)

    def q(self, params: P, stats: Any) -> float:
        if self._sums is not None:
            return float((self._sums.height(params, stats) + stats.constant).sum())
        assert self._slopes is not None
        return float(height(stats, self._slopes.coordinates(params)).sum())

    def score(self, params: P, stats: Any) -> P:
        if self._sums is not None:
            return self._sums.slope(params, stats)
        slopes = self._slopes
        assert slopes is not None
        return slopes.chain(params, gradient(stats, slopes.coordinates(params)))

    def fault(self, x: Array) -> tuple[int, int, str] | None:
        lower, upper = self.window
        low_end = f"of at least {lower:g}" if lower or self.zero_is_possible else "above 0"
        high_end = "" if np.isinf(upper) else f" and at most {upper:g}"
        wrong = np.zeros(np.shape(x), dtype=np.bool_)
        for j, (given, cells) in enumerate(zip(self._bounds(x), self._cells(x), strict=True)):
            at = 2 * j if self.censored else j
            wrong[:, at] = cells.never
            if self.censored:
                low, high = self._known(*given)
                wrong[:, at + 1] = ~(low <= high) | (cells.never & (low < high))
                wrong[:, at] = (cells.never & (low == high)) | (low < 0)
        return first_fault(
            wrong,
            lambda j: (
                f"expected a finite number {low_end}{high_end}"
                if not (self.censored and j % 2)
                else f"expected a number of at least the lower bound and above {lower:g}"
            ),
        )

    def cdf(self, params: P, x: Array) -> Array:
        theta = self._own(params, 0)
        t = np.asarray(x, dtype=np.float64)[:, 0]
        lower, upper = self.window
        inside = (t > lower) & (t < upper)
        at, where = distinct(t[inside])
        made = within(self._standard(theta), np.full(len(at), lower), at).log_mass
        below = np.where(t[:, None] >= upper, 1.0, np.where(np.isnan(t)[:, None], np.nan, 0.0))
        below = np.repeat(below, self.n_components, axis=1)
        below[inside] = np.minimum(np.exp(made - self._log_window(theta)), 1.0)[where]
        return below

    def draw(self, params: P, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        lower, upper = self.window
        columns: list[Array] = []
        for j in range(self.n_features):
            theta = tree.transform(lambda leaf, j=j: leaf[labels, j], params)
            p = 1 - rng.uniform(size=len(labels))  # above 0
            t = np.clip(self._between(theta, p, lower, upper), lower, upper)
            tiny = 0.0 if self.zero_is_possible else np.finfo(np.float64).tiny
            t = np.clip(t, tiny, np.finfo(np.float64).max)
            columns += [t, t] if self.censored else [t]
        return np.stack(columns, axis=1)


def _total(weight: Array, heights: Array) -> Array:
    """Weighted sums of log-densities, (K,), where rows of no weight may have none."""
    return (weight * np.where(weight > 0, heights, 0.0)).sum(axis=0)
