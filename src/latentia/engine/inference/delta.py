"""From a covariance in the chart to errors and intervals of whatever depends on parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from .. import tree
from ..chart import Chart, arrays
from ..numerical import differences
from ..space import (
    Constraint,
    Interval,
    LastApart,
    Masked,
    Positive,
    PositiveDefinite,
    Simplex,
    Tied,
    UnitProduct,
)
from ..tree import Array, Tree
from .asked import probability


class Derived(NamedTuple):
    """A named function of the parameters: its value, standard error, and Wald interval."""

    name: str
    value: float
    se: float
    lower: float
    upper: float


def delta_errors(
    chart: Chart, covariance: Array, free: NDArray[np.bool_], function: Callable[[Tree], Any]
) -> Array:
    """Standard errors of a smooth function of the parameters, shape (m,)."""

    def at(x: Array) -> Array:
        return np.atleast_1d(np.asarray(function(chart.unpack(x)), dtype=np.float64))

    size = chart.size
    if not size:
        return np.zeros(at(np.zeros(0)).shape)
    jacobian = differences(at, np.zeros(size)).T
    jacobian = np.where(free, jacobian, 0.0)  # a held coordinate may have a one-sided derivative
    # in powers of two near 1, since squares in a unit far from it may be beyond what a float holds
    power = np.frexp(np.abs(jacobian).max(axis=1))[1]
    jacobian = np.ldexp(jacobian, -power[:, None])
    variance = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian, optimize=True)
    return np.ldexp(np.sqrt(np.maximum(variance, 0.0)), power)


def parameter_errors(chart: Chart, covariance: Array, free: NDArray[np.bool_]) -> Tree:
    """Standard errors of all parameters, shaped like them."""

    def flat(params: Tree) -> Array:
        return np.concatenate([leaf.ravel() for leaf in arrays(params)])

    return shaped_like(chart.base, delta_errors(chart, covariance, free, flat))


def shaped_like(params: Tree, flat: Array) -> Tree:
    """A vector cut into the shapes of the leaves of `params`."""
    values: list[Array] = []
    at = 0
    for leaf in arrays(params):
        values.append(flat[at : at + leaf.size].reshape(leaf.shape))
        at += leaf.size
    return tree.rebuild(params, values)


def wald(space: Tree, params: Tree, errors: Tree, level: float = 0.95) -> tuple[Tree, Tree]:
    """Wald intervals that stay inside what each parameter may be.

    On the logarithm's scale for what has one bound (variances, rates), on the logit's for what
    has two (probabilities), on the parameter's own otherwise; there the errors follow by the
    delta method, and the ends are transformed back.

    Parameters
    ----------
    space : NamedTuple of Constraint
    params, errors : NamedTuple of arrays
        Estimates and their standard errors.
    level : float, default=0.95

    Returns
    -------
    lower, upper : NamedTuple of arrays
        nan where the error is nan or the estimate sits on its bound.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> import numpy as np
    >>> from latentia.engine.space import Positive
    >>> class P(NamedTuple):
    ...     rate: object
    >>> low, high = wald(P(Positive()), P(np.array(2.0)), P(np.array(0.5)))
    >>> print(round(float(low.rate), 3), round(float(high.rate), 3))
    1.225 3.265
    """
    z = quantile(level)
    ends = [
        _interval(value, error, *bounds_of(constraint, value.shape), z)
        for constraint, value, error in zip(
            tree.leaves(space), arrays(params), arrays(errors), strict=True
        )
    ]
    return (
        tree.rebuild(params, [low for low, _ in ends]),
        tree.rebuild(params, [high for _, high in ends]),
    )


def quantile(level: float) -> float:
    """How many standard errors reach to either side of an interval."""
    return float(norm.ppf((1 + probability("level", level)) / 2))


def derived(
    params: Tree,
    errors_of: Callable[[Callable[[Tree], Any]], Array],
    functions: Mapping[str, Callable[[Tree], Any]],
    level: float,
) -> tuple[Derived, ...]:
    """Named functions, each of a single value, with the errors that `errors_of` gives them."""
    z = quantile(level)
    rows: list[Derived] = []
    for name, function in functions.items():
        value = np.asarray(function(params), dtype=np.float64)
        if value.size != 1:
            raise ValueError(
                f"got {value.size} values from the function {name!r}, expected one; give each "
                "value a function and a name of its own"
            )
        centre = float(value.ravel()[0])
        if not np.isfinite(centre):
            raise ValueError(
                f"got {centre} from the function {name!r} at the estimate, expected a finite number"
            )
        se = float(errors_of(function)[0])
        rows.append(Derived(name, centre, se, centre - z * se, centre + z * se))
    return tuple(rows)


def bounds_of(constraint: Constraint, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """The bounds of each entry of a parameter."""
    if isinstance(constraint, (Masked, Tied)):
        return bounds_of(constraint.inner, shape)
    low, high = np.full(shape, -np.inf), np.full(shape, np.inf)
    if isinstance(constraint, Interval):
        low[...], high[...] = constraint.lower, constraint.upper
    elif isinstance(constraint, (Simplex, LastApart)):
        low[...], high[...] = 0.0, 1.0
    elif isinstance(constraint, (Positive, UnitProduct)):
        low[...] = 0.0
    elif isinstance(constraint, PositiveDefinite):
        diagonal = np.arange(shape[-1])
        low[..., diagonal, diagonal] = 0.0
    return low, high


def _interval(value: Array, error: Array, low: Array, high: Array, z: float) -> tuple[Array, Array]:
    with np.errstate(all="ignore"):
        below, above = value - low, high - value
        on_log = np.isfinite(below) & ~np.isfinite(above)
        on_mirror = ~np.isfinite(below) & np.isfinite(above)
        on_logit = np.isfinite(below) & np.isfinite(above)
        ends: list[Array] = []
        for side in (-z, z):
            end = value + side * error
            end = np.where(on_log, low + below * np.exp(side * error / below), end)
            end = np.where(on_mirror, high - above * np.exp(-side * error / above), end)
            width = high - low
            logit = np.log(below / above) + side * error * width / (below * above)
            end = np.where(on_logit, low + width / (1 + np.exp(-logit)), end)
            ends.append(end)
        inside = (below > 0) & (above > 0)
        certain = inside | (error == 0)  # what is held has no width
        settled = np.isfinite(error) & certain
        first, last = (np.where(error == 0, value, end) for end in ends)
        return np.where(settled, first, np.nan), np.where(settled, last, np.nan)
