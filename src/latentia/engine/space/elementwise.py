"""Constraints on single numbers: `Real`, `Positive`, `Interval`, and `Fixed`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, final

import numpy as np

from .constraint import (
    Array,
    Constraint,
    DegenerateError,
    Index,
    LeafChart,
    Mask,
    OutOfChartError,
    Rebinding,
    Running,
    finite,
    first_wrong,
    indices,
)


class ElementChart(LeafChart):
    """A chart with one coordinate for each entry that can move, in order.

    Attributes
    ----------
    free : array of bool, of the parameter's shape
        True where the entry can move: not where it sits exactly on a bound.
    """

    free: Mask


class ElementConstraint(Constraint):
    """A constraint on each entry by itself."""

    @abstractmethod
    def chart(self, base: Array) -> ElementChart: ...


@final
class Real(ElementConstraint):
    """Any finite number.

    Parameters
    ----------
    scale : float or array, default=1.0
        The unit in which a step is measured, broadcast against the parameter: about a
        standard deviation of the data. It changes no maximum, only the conditioning of the
        methods that accelerate.
    exchangeable : tuple of int, default=()
        Axes over interchangeable components.
    """

    def __init__(self, scale: float | Array = 1.0, exchangeable: tuple[int, ...] = ()) -> None:
        self.scale = np.asarray(scale, dtype=np.float64)
        if not (np.isfinite(self.scale).all() and (self.scale > 0).all()):
            raise ValueError(f"got scale={scale!r}, expected positive finite numbers")
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        return int(np.prod(shape))

    def violation(self, value: Array, base: Array) -> str | None:
        return None if finite(value) else first_wrong(value, ~np.isfinite(value), "a finite number")

    def chart(self, base: Array) -> ElementChart:
        return _Affine(base, np.broadcast_to(self.scale, base.shape))


@final
class _Affine(ElementChart):
    def __init__(self, base: Array, scale: Array) -> None:
        self.base, self.scale, self.size = base, scale, base.size
        self.free: Mask = np.ones(base.shape, bool)

    def pack(self, value: Array) -> Array:
        return ((value - self.base) / self.scale).ravel()

    def unpack(self, x: Array) -> Array:
        return self.base + self.scale * x.reshape(self.base.shape)

    def pull(self, value: Array, gradient: Array) -> Array:
        return (gradient * self.scale).ravel()


@final
class Interval(ElementConstraint):
    """A number between two bounds, either of which may be infinite.

    The chart is the logit, or the logarithm where one bound is infinite. Values that sit
    exactly on a bound stay there (expectation-maximization keeps an exact zero).

    Parameters
    ----------
    lower, upper : float
        The bounds, allowed themselves.
    exchangeable : tuple of int, default=()
        Axes over interchangeable components.
    """

    def __init__(
        self, lower: float, upper: float = np.inf, exchangeable: tuple[int, ...] = ()
    ) -> None:
        if not lower < upper or (np.isinf(lower) and np.isinf(upper)):
            raise ValueError(
                f"got Interval({lower!r}, {upper!r}), expected lower < upper and one of them "
                "finite; use Real() for a number without bounds"
            )
        self.lower, self.upper = float(lower), float(upper)
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        return int(np.prod(shape))

    def violation(self, value: Array, base: Array) -> str | None:
        with np.errstate(invalid="ignore"):
            outside = ~(np.isfinite(value) & (value >= self.lower) & (value <= self.upper))
        return first_wrong(value, outside, f"a number from {self.lower:g} to {self.upper:g}")

    def chart(self, base: Array) -> ElementChart:
        return _Bounded(base, self.lower, self.upper)

    def at_boundary(self, value: Array) -> list[Index]:
        return indices((value == self.lower) | (value == self.upper))

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        width = self.upper - self.lower
        low = (value == self.lower) & (base != self.lower)
        high = (value == self.upper) & (base != self.upper)
        if not (low | high).any():
            return None
        step = share * (width if np.isfinite(width) else _unit_of(value))
        raised = np.where(low, self.lower + step, np.where(high, self.upper - step, value))
        return raised, low | high


@final
class _Bounded(ElementChart):
    """Logit or logarithm relative to the base, over the entries strictly inside."""

    def __init__(self, base: Array, lower: float, upper: float) -> None:
        self.base, self.lower, self.upper = base, lower, upper
        self.free: Mask = (base > lower) & (base < upper)
        self.size = int(self.free.sum())
        self.origin = self._raw(base[self.free])

    def _raw(self, value: Array) -> Array:
        if np.isinf(self.upper):
            return np.log(value - self.lower)
        if np.isinf(self.lower):
            return -np.log(self.upper - value)
        return np.log(value - self.lower) - np.log(self.upper - value)

    def pack(self, value: Array) -> Array:
        inside = (value > self.lower) & (value < self.upper)
        if not np.array_equal(inside, self.free):
            raise OutOfChartError("a parameter reached or left its bound")
        return self._raw(value[self.free]) - self.origin

    def unpack(self, x: Array) -> Array:
        raw = self.origin + x
        value = self.base.copy()
        with np.errstate(over="ignore"):
            if np.isinf(self.upper):
                value[self.free] = self.lower + np.exp(raw)
            elif np.isinf(self.lower):
                value[self.free] = self.upper - np.exp(-raw)
            else:
                value[self.free] = self.lower + (self.upper - self.lower) / (1 + np.exp(-raw))
        return value

    def running(self, value: Array, ahead: Array, slope: Array) -> Running | None:
        lower = np.abs(value - self.lower) <= np.abs(self.upper - value)
        bound = np.where(lower, self.lower, self.upper)
        distance, left = np.abs(value - bound), np.abs(ahead - bound)
        full = np.zeros(value.shape)
        full[self.free] = np.where(lower[self.free], slope, -slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            shrinking = np.where(self.free, np.log(left) - np.log(distance), 0.0)
        bound = np.where(self.free, bound, np.nan)
        return Running(bound.ravel(), distance.ravel(), shrinking.ravel(), full.ravel())

    def settle(self, value: Array, which: Mask, target: Array) -> Array:
        return np.where(which, target, value.ravel()).reshape(value.shape)

    def rebinding(self, new: Any) -> Rebinding:
        return _kept(self.free, new.free)

    def pull(self, value: Array, gradient: Array) -> Array:
        inside = value[self.free]
        if np.isinf(self.upper):
            slope = inside - self.lower
        elif np.isinf(self.lower):
            slope = self.upper - inside
        else:
            slope = (inside - self.lower) * (self.upper - inside) / (self.upper - self.lower)
        return gradient[self.free] * slope


@final
class Positive(ElementConstraint):
    """A number of at least zero, such as a rate or a variance.

    The chart is the logarithm; an exact zero stays.

    Parameters
    ----------
    floor : float, default=0.0
        A bound above zero that was set to keep the likelihood finite; where it is active the
        certificate says so.
    singular_below : float or array, default=-1.0
        A value at or below this is degenerate: a variance that cannot be told from rounding.
    exchangeable : tuple of int, default=()
        Axes over interchangeable components.
    """

    def __init__(
        self,
        floor: float = 0.0,
        singular_below: float | Array = -1.0,
        exchangeable: tuple[int, ...] = (),
    ) -> None:
        if not floor >= 0:
            raise ValueError(f"got floor={floor!r}, expected a number of at least 0")
        self.floor = float(floor)
        self.singular_below = np.asarray(singular_below, dtype=np.float64)
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        return int(np.prod(shape))

    def violation(self, value: Array, base: Array) -> str | None:
        if finite(value) and value.min(initial=np.inf) >= self.floor * (1 - 1e-9):
            return None
        with np.errstate(invalid="ignore"):
            outside = ~(np.isfinite(value) & (value >= self.floor * (1 - 1e-9)))
        return first_wrong(value, outside, f"a finite number of at least {self.floor:g}")

    def chart(self, base: Array) -> ElementChart:
        return _Logarithm(self, base)

    def refuse_singular(self, value: Array) -> None:
        """DegenerateError where a value cannot be told from rounding."""
        singular = value <= self.singular_below
        if singular.any():
            where = list(indices(singular)[0])
            raise DegenerateError(f"entry {where} fell to {float(value[singular][0]):.3g}")

    def project(self, value: Array) -> Array:
        if not self.floor or (value >= self.floor).all():
            return value
        return np.maximum(value, self.floor)

    def at_floor(self, value: Array) -> list[Index]:
        return indices(value <= self.floor * (1 + 1e-9)) if self.floor else []

    def at_boundary(self, value: Array) -> list[Index]:
        return indices(value == 0)

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        gone = (value == 0) & (base > 0)
        return (np.where(gone, share * _unit_of(value), value), gone) if gone.any() else None


@final
class _Logarithm(ElementChart):
    def __init__(self, constraint: Positive, base: Array) -> None:
        self.constraint = constraint
        constraint.refuse_singular(base)
        vanishing = (constraint.singular_below < 0) & (constraint.floor <= 0)
        self.may_vanish: Mask = np.broadcast_to(vanishing, base.shape)
        self.bounded = _Bounded(base, 0.0, np.inf)
        self.size, self.free = self.bounded.size, self.bounded.free

    def pack(self, value: Array) -> Array:
        self.constraint.refuse_singular(value)
        return self.bounded.pack(value)

    def unpack(self, x: Array) -> Array:
        return self.bounded.unpack(x)

    def pull(self, value: Array, gradient: Array) -> Array:
        return self.bounded.pull(value, gradient)

    def running(self, value: Array, ahead: Array, slope: Array) -> Running | None:
        if not self.may_vanish.any():
            return None
        found = self.bounded.running(value, ahead, slope)
        if found is None:
            return None
        return found._replace(bound=np.where(self.may_vanish.ravel(), found.bound, np.nan))

    def settle(self, value: Array, which: Mask, target: Array) -> Array:
        return self.bounded.settle(value, which, target)

    def rebinding(self, new: Any) -> Rebinding:
        return _kept(self.free, new.free)


def _kept(old: Mask, new: Mask) -> Rebinding:
    """Of entries that were free, those that still are."""
    kept = np.flatnonzero(new[old]).astype(np.intp)
    return Rebinding(kept, np.full(len(kept), -1, dtype=np.intp))


def _unit_of(value: Array) -> float:
    """What is of the size of a parameter some of which vanished."""
    largest = float(np.max(np.abs(value), initial=0.0))
    return largest if 0 < largest < np.inf else 1.0


@final
class Fixed(Constraint):
    """A parameter that stays where it started and is not counted."""

    def __init__(self, exchangeable: tuple[int, ...] = ()) -> None:
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        return 0

    def violation(self, value: Array, base: Array) -> str | None:
        if value.shape == base.shape and np.array_equal(value, base):
            return None
        return "changed although it is Fixed, expected the value it started from"

    def chart(self, base: Array) -> LeafChart:
        return _Constant(base)


@final
class _Constant(LeafChart):
    size = 0

    def __init__(self, base: Array) -> None:
        self.base = base

    def pack(self, value: Array) -> Array:
        return np.empty(0)

    def unpack(self, x: Array) -> Array:
        return self.base

    def pull(self, value: Array, gradient: Array) -> Array:
        return np.empty(0)
