"""Profile-likelihood intervals: how far a quantity can move before the likelihood protests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from .. import tree
from ..backend import Backend
from ..chart import arrays
from ..evaluator import FAILURES
from ..model import Chunk, Model, Source
from ..numerical import chart_score, differences
from ..tree import Array, Tree
from .delta import bounds_of, quantile
from .information import inverse_over
from .oakes import observed_matrix
from .site import Site, opened, refuse_random

FAR = 25.0
"""How far a logarithm or logit goes before its number is taken to be on its bound."""

FARTHEST = 1e3
"""How many standard errors a number without bounds goes before it is taken to be endless."""

EXACT = 1e-6
"""Of the ends, in standard errors."""


@dataclass(frozen=True)
class ProfileInterval:
    """A profile-likelihood interval.

    Attributes
    ----------
    name : str
    estimate, lower, upper : float
        An end that was not found is the bound of what is allowed, 0, 1, or infinite; where a
        note says that the other parameters could not be maximised over, it is how far the walk
        came.
    found : tuple of two bool
        Whether the lower and the upper end were found. Where one was not, the likelihood does
        not fall far enough on the way to the bound.
    note : str
        What went wrong on the way; empty where nothing did.
    path : array of shape (m, 2)
        The values that were visited, in order, and the highest objective at each.
    """

    name: str
    estimate: float
    lower: float
    upper: float
    found: tuple[bool, bool]
    note: str
    path: Array


class _Quantity(NamedTuple):
    """What is profiled, on a scale without ends."""

    name: str
    of: Callable[[Tree], float]
    low: float
    high: float

    def scaled(self, value: float) -> float:
        if np.isfinite(self.low) and np.isfinite(self.high):
            return float(logit((value - self.low) / (self.high - self.low)))
        if np.isfinite(self.low):
            return float(np.log(value - self.low))
        if np.isfinite(self.high):
            return -float(np.log(self.high - value))
        return value

    def back(self, u: float) -> float:
        if np.isfinite(self.low) and np.isfinite(self.high):
            return self.low + (self.high - self.low) * float(expit(u))
        if np.isfinite(self.low):
            return self.low + float(np.exp(u))
        if np.isfinite(self.high):
            return self.high - float(np.exp(-u))
        return u

    def on_bound(self, u: float) -> bool:
        """Whether a logit is so far out that its number is as good as one of its bounds."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high)) and abs(u) > FAR

    @property
    def bounded(self) -> bool:
        return bool(np.isfinite(self.low) or np.isfinite(self.high))


def profile_interval(
    model: Model[Any, Any],
    data: Source | Chunk,
    params: Tree,
    what: tuple[str, int | tuple[int, ...]] | str | int | Callable[[Tree], float],
    level: float = 0.95,
    backend: Backend | None = None,
) -> ProfileInterval:
    """Values at which the highest likelihood lies no deeper than half a chi-square quantile.

    The objective is maximised over all other directions with the quantity held, by sequential
    quadratic programming with Fisher's score as its gradient, in coordinates whitened by the
    observed information; each maximum starts from the one before. The ends are where twice the
    fall reaches the quantile of a chi-square with one degree of freedom (Venzon & Moolgavkar
    1988).

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        The maximum.
    what : (name, index), name, int, or callable
        An entry of a parameter, such as ``("rates", 0)`` or ``("components.means", (1, 0))``,
        an empty index or the bare name for a scalar; the number of a coordinate of the chart; or a
        smooth function of the parameters with a single value.
    level : float, default=0.95
    backend : Backend, optional
        Threads on all cores by default.

    Returns
    -------
    ProfileInterval

    Raises
    ------
    TypeError
        If `what` is none of these.
    ValueError
        If there is no such entry, if the entry cannot move, or if the observed information
        at `params` is not positive definite.
    """
    reach = quantile(level)
    refuse_random(model, "profile")
    with opened(model, data, params, backend) as site, np.errstate(all="ignore"):
        return _Profile(site, _quantity(site, what), reach).interval()


def _quantity(site: Site, what: Any) -> _Quantity:
    if callable(what):
        name = getattr(what, "__name__", "a function")

        def value_of(params: Tree) -> float:
            return _single(what(params))

        return _Quantity(name, value_of, -np.inf, np.inf)
    names = tree.names(site.model.space)
    if isinstance(what, str) and what in names:
        if arrays(site.chart.base)[names.index(what)].ndim:
            raise _unclear(what)
        what = (what, ())
    if isinstance(what, (int, np.integer)) and not isinstance(what, bool):
        i, labels = int(cast(Any, what)), site.chart.labels()
        if not 0 <= i < len(labels):
            raise ValueError(f"got coordinate {i}, expected one from 0 to {len(labels) - 1}")

        def coordinate(params: Tree) -> float:
            return float(site.chart.pack(params)[i])

        return _Quantity(f"coordinate {i}, {labels[i]}", coordinate, -np.inf, np.inf)
    pair = cast(tuple[Any, ...], what)
    if not isinstance(what, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        raise _unclear(what)
    name, index = cast(tuple[str, Any], pair)
    if name not in names:
        raise ValueError(f"got parameter {name!r}, expected one of {', '.join(map(repr, names))}")
    at = names.index(name)
    given = np.asarray(index)
    if given.ndim > 1 or (given.size and given.dtype.kind not in "iu"):
        raise _unclear(what)
    where = tuple(int(i) for i in np.atleast_1d(given))
    value = arrays(site.chart.base)[at]
    if len(where) != value.ndim or any(
        not 0 <= i < n for i, n in zip(where, value.shape, strict=True)
    ):
        raise ValueError(
            f"got the index {where} for parameter {name!r}, expected one inside its shape "
            f"{value.shape}"
        )
    low, high = bounds_of(tree.leaves(site.model.space)[at], value.shape)
    shown = f"{name}[{', '.join(map(str, where))}]" if where else name

    def entry(params: Tree) -> float:
        return float(arrays(params)[at][where])

    return _Quantity(shown, entry, float(low[where]), float(high[where]))


def _unclear(what: Any) -> TypeError:
    return TypeError(
        f'got what={what!r}, expected (name, index), as ("rates", 0) or ("pi", ()) for a scalar, a '
        "coordinate's number, or a function"
    )


def _single(value: Any) -> float:
    flat = np.asarray(value, dtype=np.float64).ravel()
    if len(flat) != 1:
        raise ValueError(f"got {len(flat)} values from the function to profile, expected one")
    return float(flat[0])


class _Profile:
    """The walk along one profile: what was visited serves what comes next."""

    def __init__(self, site: Site, quantity: _Quantity, reach: float) -> None:
        self.site, self.quantity, self.reach = site, quantity, reach
        covariance = inverse_over(observed_matrix(site), site.free, site.model.n_gauge)
        if not np.isfinite(covariance).all():
            raise ValueError(
                "the observed information is not positive definite, so this is no proper "
                "maximum; fit again from other starts, or ask for a simpler model"
            )
        inner = covariance[np.ix_(site.free, site.free)]
        if site.model.n_gauge:  # directions that the likelihood cannot see are not walked in
            eigenvalues, vectors = np.linalg.eigh(inner)
            seen = slice(site.model.n_gauge, None)
            factor = vectors[:, seen] * np.sqrt(eigenvalues[seen])
        else:
            factor = np.linalg.cholesky(inner)
        self.width = np.zeros((site.chart.size, factor.shape[1]))
        self.width[site.free] = factor
        origin = np.zeros(factor.shape[1])
        self.centre = self._height(origin)
        self.top = self._objective(origin)[0]
        slope = self._steepness(origin)
        self.se = float(np.sqrt(slope @ slope))
        if not (np.isfinite(self.centre) and np.isfinite(self.se) and self.se > 0):
            raise ValueError(
                f"{quantity.name} cannot move (it is held, fixed, or on its bound), so it has no "
                "profile"
            )
        self.visited: list[tuple[float, Array, float]] = [(self.centre, origin, self.top)]
        self.notes: list[str] = []

    def _params(self, y: Array) -> Tree:
        return self.site.chart.unpack(self.width @ y)

    def _height(self, y: Array) -> float:
        return self.quantity.scaled(self.quantity.of(self._params(y)))

    def _steepness(self, y: Array) -> Array:
        return differences(self._height, y)

    def _objective(self, y: Array) -> tuple[float, Array]:
        at = self._params(y)
        suff, _ = self.site.evaluator.suff(at)
        slope = chart_score(self.site.model, self.site.chart, at, suff)
        return self.site.evaluator.objective(at, suff), self.width.T @ slope

    def _cost(self, y: Array) -> tuple[float, Array]:
        try:
            objective, slope = self._objective(y)
        except FAILURES:
            objective, slope = np.nan, np.zeros(len(y))
        if not (np.isfinite(objective) and np.isfinite(slope).all()):
            return 1e8, np.zeros(len(y))  # a wall, which a line search backs away from
        return self.top - objective, -slope

    def _off(self, y: Array, u: float) -> float:
        try:
            off = (self._height(y) - u) / self.se
        except FAILURES:
            return 1e3
        return off if np.isfinite(off) else 1e3

    def fall(self, u: float) -> float:
        """Nats from the top to the highest point where the quantity is `u`; nan if not found."""
        near, y, _ = min(self.visited, key=lambda seen: abs(seen[0] - u))
        ahead = self._steepness(y)
        steep = float(ahead @ ahead)
        start = y + ahead * ((u - near) / steep) if steep > 0 else y
        if self._cost(start)[0] >= 1e8:
            start = y
        if len(y) == 1:
            point = self._only(u, start)
        else:
            found: Any = minimize(
                self._cost,
                start,
                jac=True,
                method="SLSQP",
                constraints=[
                    {
                        "type": "eq",
                        "fun": lambda y: self._off(y, u),
                        "jac": lambda y: self._steepness(y) / self.se,
                    }
                ],
                options={"ftol": 1e-10, "maxiter": 200},
            )
            point = np.asarray(found.x, dtype=np.float64)
        cost = self._cost(point)[0]
        if abs(self._off(point, u)) > 1e-4 or cost >= 1e8:
            return float("nan")
        self.visited.append((u, point, self.top - cost))
        return cost

    def _only(self, u: float, y: Array) -> Array:
        """With one coordinate there is nothing else to maximise over: Newton's steps to `u`."""
        for _ in range(50):
            off, steep = self._height(y) - u, float(self._steepness(y)[0])
            if not np.isfinite(off) or steep == 0 or abs(off) < 1e-12 * max(1.0, self.se):
                break
            y = y - off / steep
        return y

    def beyond(self, u: float) -> float:
        """The signed root of the fall less the quantile's: negative inside the interval."""
        fall = self.fall(u)
        if fall < -1e-2:
            self._say("A higher point was found on the way: fit again from other starts.")
        return float(np.sqrt(2 * max(fall, 0.0))) - self.reach if np.isfinite(fall) else np.nan

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def end(self, side: int) -> tuple[float, bool]:
        """One end of the interval, on the quantity's own scale, and whether it was found."""
        bound = self.quantity.high if side > 0 else self.quantity.low
        inner, inside, step = self.centre, -self.reach, self.reach * self.se
        farthest = FAR if self.quantity.bounded else FARTHEST * self.se
        refusals = 0
        while True:
            outer = inner + side * step
            if abs(outer - self.centre) > farthest or self.quantity.on_bound(outer):
                return bound, False
            outside = self.beyond(outer)
            if np.isfinite(outside) and outside > 0:
                break
            if np.isfinite(outside):
                slope = (outside - inside) / step  # go on along the secant, not too far
                further = -1.05 * outside / slope if slope > 0 else 2 * step
                inner, inside = outer, outside
                step = min(max(further, 0.05 * step), 2 * step)
                continue
            refusals, step = refusals + 1, step / 2
            if refusals > 8:
                self._say("The other parameters could not be maximised over all the way.")
                return self.quantity.back(inner), False
        try:
            root = brentq(self._finite, inner, outer, xtol=EXACT * self.se, rtol=1e-14)
        except ValueError:
            self._say("The other parameters could not be maximised over all the way.")
            return self.quantity.back(inner), False
        return self.quantity.back(root), True

    def _finite(self, u: float) -> float:
        if u == self.centre:
            return -self.reach
        beyond = self.beyond(u)
        if not np.isfinite(beyond):
            raise ValueError("no maximum was found")
        return beyond

    def interval(self) -> ProfileInterval:
        ends = [self.end(side) for side in (-1, 1)]
        back = self.quantity.back
        path = sorted((back(u), objective) for u, _, objective in self.visited)
        return ProfileInterval(
            name=self.quantity.name,
            estimate=back(self.centre),
            lower=ends[0][0],
            upper=ends[1][0],
            found=(ends[0][1], ends[1][1]),
            note=" ".join(self.notes),
            path=np.array(path, dtype=np.float64),
        )
