"""A family of nothing but a log-density that the user writes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from latentia.engine import tree
from latentia.engine.chart import Chart, check
from latentia.engine.numerical import differences
from latentia.engine.space import Constraint

from .family import Family

Array = NDArray[np.float64]

STEP = float(np.finfo(np.float64).eps ** (1 / 3))
"""Of central differences of a log-density, in the chart's coordinates."""

ENOUGH = 3.0
"""Rows a parameter that a component needs to start without borrowing from the pooled ones."""

CLIMBS = 100
"""Steps that a start takes from the user's values, at most."""


class Quadratics(NamedTuple):
    """q of each component as a quadratic in the entries z of its parameters, end to end.

    Attributes
    ----------
    constant : array of shape (K,)
    linear : array of shape (K, p)
        Gradient plus curvature times z.
    curvature : array of shape (K, p, p)
        The sum of outer products of the gradients of the rows.
    """

    constant: Array
    linear: Array
    curvature: Array


class _Local(NamedTuple):
    """One component's parameters: their chart, their entries, and how these move in it."""

    chart: Chart
    entries: Array  # (p,)
    jacobian: Array  # (p, m)


@final
class FromLogDensity(Family[Any, Quadratics]):
    """Components whose log-density is given as a function, and nothing else.

    Gradients are differenced along coordinates in which every step is allowed. The statistics
    are value, gradient and, as curvature, the outer product of the gradients of the rows, which
    is the information where the family fits (Berndt, Hall, Hall & Hausman 1974); the M-step is
    a Newton step. A family with formulas of its own is faster.

    Parameters
    ----------
    n_components : int
    log_density : callable
        f(theta, x) -> array of shape (n,), with theta one component's parameters, a NamedTuple
        like `space`, and rows x of shape (n, d). Constants count; -inf is no density.
    space : NamedTuple of Constraint
        What each parameter of a component may be.
    start : NamedTuple, or callable
        Values to start from, the same for all components, which then climb from there on the
        rows they begin with; or a function of rows (n, d) and weights (n,) that returns such.
    draw : callable, optional
        draw(theta, n, rng) -> array of shape (n, d): new rows of one component.
    takes_missing : bool, default=False
        Whether `log_density` knows what to do with nan.

    Raises
    ------
    ValueError
        If `log_density` returns anything but one number a row.
    TypeError
        If `space` and the values to start from are not of one kind.

    Examples
    --------
    Two Gumbel components:

    >>> from typing import NamedTuple
    >>> import numpy as np
    >>> from latentia import EM
    >>> from latentia.data.arrays import Rows
    >>> from latentia.engine.space import Positive, Real
    >>> from latentia.families import FromLogDensity
    >>> from latentia.mixture import MixtureModel
    >>> from latentia.mixture.start import guesses
    >>> class Gumbel(NamedTuple):
    ...     location: object
    ...     scale: object
    >>> def log_density(theta, x):
    ...     z = (x[:, 0] - theta.location) / theta.scale
    ...     return -z - np.exp(-z) - np.log(theta.scale)
    >>> family = FromLogDensity(2, log_density, Gumbel(Real(), Positive()), Gumbel(0.0, 1.0))
    >>> rng = np.random.default_rng(0)
    >>> rows = Rows.of(np.append(rng.gumbel(0, 1, 300), rng.gumbel(12, 2, 200)))
    >>> model = MixtureModel(family, 2, lambda rows, rng: guesses(rows, 2, "kmeans", rng))
    >>> fit = EM().fit(model, rows, rng=0)
    >>> np.sort(fit.params.components.location).round(1)
    array([-0.2, 11.9])
    """

    m_step_exact = False

    def __init__(
        self,
        n_components: int,
        log_density: Callable[[Any, Array], Array],
        space: Any,
        start: Any,
        *,
        draw: Callable[[Any, int, np.random.Generator], Array] | None = None,
        takes_missing: bool = False,
    ) -> None:
        self.n_components, self.takes_missing = n_components, takes_missing
        self._function, self._each, self._start, self._draw = log_density, space, start, draw
        if not callable(start):
            self._checked(start)

    def _checked(self, start: Any) -> Any:
        """Values to start from as arrays, if they are of the kind of the space and allowed."""
        if not tree.same_structure(self._each, start):
            raise TypeError(
                f"got a start {start!r} for a space {type(self._each).__name__}"
                f"{getattr(self._each, '_fields', '')}, expected a value for each of its parameters"
            )
        values = tree.transform(lambda leaf: np.asarray(leaf, dtype=np.float64), start)
        check(self._each, values, values)
        return values

    @property
    def space(self) -> Any:
        return tree.transform(_of_all, self._each)

    def _own(self, params: Any, k: int) -> Any:
        """The parameters of component k."""
        return tree.transform(lambda leaf: leaf[k], params)

    def _heights(self, theta: Any, x: Array) -> Array:
        heights = np.asarray(self._function(theta, x), dtype=np.float64)
        if heights.shape == () and len(x) == 1:  # as SciPy's logpdf of a single vector
            heights = heights[None]
        if heights.shape != (len(x),):
            raise ValueError(
                f"got {heights.shape} from log_density for {len(x)} rows, expected ({len(x)},): "
                "return one number a row"
            )
        return heights

    def start(self, x: Array, resp: Array) -> Any:
        x = np.asarray(x, dtype=np.float64)
        pooled, enough = resp.sum(axis=1) / resp.sum(), ENOUGH * len(tree.leaves(self._each))
        made: list[Any] = []
        for weight in resp.T:
            mixed = weight + max(enough - weight.sum(), 0.0) * pooled
            values = self._start(x, mixed) if callable(self._start) else self._start
            made.append(self._climbed(self._checked(values), x, mixed))
        return _stacked(made)

    def _climbed(self, theta: Any, x: Array, weight: Array) -> Any:
        """Where one component's weighted log-likelihood is about highest."""
        chart, total = Chart(self._each, theta), weight.sum()

        def cost(u: Array) -> float:
            with np.errstate(all="ignore"):
                height = _total(weight, self._heights(chart.unpack(u), x)) / total
            return -height if np.isfinite(height) else 1e300

        def slope(u: Array) -> Array:
            return -(weight @ self._gradients(chart, x, u)) / total

        at = np.zeros(chart.size)
        found: Any = minimize(cost, at, jac=slope, method="L-BFGS-B", options={"maxiter": CLIMBS})
        return _reached(chart, found.x) if found.fun < cost(at) else theta

    def _gradients(self, chart: Chart, x: Array, at: Array) -> Array:
        """Of each row's log-density in the chart's coordinates, (n, m)."""
        with np.errstate(all="ignore"):
            rows = differences(lambda u: self._heights(chart.unpack(u), x), at, STEP)
        rows = rows.reshape(chart.size, len(x))
        return np.where(np.isfinite(rows), rows, 0.0).T  # at a bound of the support

    def log_density(self, params: Any, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        each = [self._heights(self._own(params, k), x) for k in range(self.n_components)]
        return np.stack(each, axis=1)

    def stats(self, params: Any, x: Array, resp: Array) -> Quadratics:
        x = np.asarray(x, dtype=np.float64)
        each = [self._quadratic(self._own(params, k), x, r) for k, r in enumerate(resp.T)]
        return Quadratics(*(np.stack(part) for part in zip(*each, strict=True)))

    def _quadratic(self, theta: Any, x: Array, weight: Array) -> tuple[Any, Array, Array]:
        _, z, jacobian = local = _local(self._each, theta)
        gradients = self._gradients(local.chart, x, np.zeros(local.chart.size))
        gradients = gradients @ np.linalg.pinv(jacobian)
        gradient = weight @ gradients
        curvature = gradients.T @ (weight[:, None] * gradients)
        linear = gradient + curvature @ z
        height = _total(weight, self._heights(theta, x))
        return height - linear @ z + z @ curvature @ z / 2, linear, curvature

    def m_step(self, stats: Quadratics, params: Any) -> Any:
        made: list[Any] = []
        for k in range(self.n_components):
            chart, z, jacobian = _local(self._each, self._own(params, k))
            curvature = stats.curvature[k]
            gradient = stats.linear[k] - curvature @ z
            step = _newton(jacobian.T @ gradient, jacobian.T @ curvature @ jacobian)
            made.append(_reached(chart, step))
        return _stacked(made)

    def q(self, params: Any, stats: Quadratics) -> float:
        z = self._entries(params)
        quadratic = np.einsum("ki,kij,kj->", z, stats.curvature, z)
        return float(stats.constant.sum() + (stats.linear * z).sum() - quadratic / 2)

    def score(self, params: Any, stats: Quadratics) -> Any:
        z = self._entries(params)
        gradient = stats.linear - np.einsum("kij,kj->ki", stats.curvature, z)
        parts: list[Array] = []
        at = 0
        for leaf in tree.leaves(params):
            width = leaf[0].size
            parts.append(gradient[:, at : at + width].reshape(leaf.shape))
            at += width
        return tree.rebuild(params, parts)

    def _entries(self, params: Any) -> Array:
        """All entries of each component end to end, (K, p)."""
        flat = [np.reshape(leaf, (self.n_components, -1)) for leaf in tree.leaves(params)]
        return np.concatenate(flat, axis=1)

    def draw(self, params: Any, labels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        if self._draw is None:
            raise TypeError("FromLogDensity was given no draw, which makes new rows")
        drawn = [
            self._draw(self._own(params, k), int((labels == k).sum()), rng)
            for k in range(self.n_components)
        ]
        rows = np.empty((len(labels), drawn[0].shape[1]))
        for k, own in enumerate(drawn):
            rows[labels == k] = own
        return rows


def _of_all(constraint: Constraint) -> Constraint:
    """The constraint on a parameter of all components, given that on one's."""
    stacked = copy.copy(constraint)
    stacked.exchangeable = (0,)
    return stacked


def _stacked(made: list[Any]) -> Any:
    return tree.transform(lambda *leaves: np.stack(leaves), *made)


def _local(space: Any, theta: Any) -> _Local:
    chart = Chart(space, theta)

    def entries(u: Array) -> Array:
        return np.concatenate([np.ravel(leaf) for leaf in tree.leaves(chart.unpack(u))])

    at = np.zeros(chart.size)
    return _Local(chart, entries(at), differences(entries, at, STEP).T.reshape(-1, chart.size))


def _newton(gradient: Array, curvature: Array) -> Array:
    """The Newton step in the directions that have curvature."""
    unit = np.sqrt(np.diagonal(curvature))
    unit = np.where(unit > 0, unit, np.inf)
    scaled = curvature / np.outer(unit, unit)
    return np.linalg.pinv(scaled, rcond=1e-10, hermitian=True) @ (gradient / unit) / unit


def _reached(chart: Chart, step: Array) -> Any:
    """The parameters a step away, or half of it, and so on, where those are not finite."""
    for _ in range(60):
        with np.errstate(over="ignore", invalid="ignore"):
            theta = chart.unpack(step)
        if all(np.isfinite(leaf).all() for leaf in tree.leaves(theta)):
            return theta
        step = step / 2
    return chart.base


def _total(weight: Array, heights: Array) -> float:
    """The weighted sum, where rows of no weight may have no density."""
    return float(np.where(weight > 0, weight * heights, 0.0).sum())
