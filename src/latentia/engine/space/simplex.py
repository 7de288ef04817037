"""Probabilities that add up to one."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from .constraint import (
    Array,
    Constraint,
    Index,
    LeafChart,
    Mask,
    OutOfChartError,
    Rebinding,
    Running,
    finite,
    indices,
)


@final
class Simplex(Constraint):
    """Non-negative numbers that sum to one along the last axis.

    The chart is the logarithm of the ratio to the largest entry of the base. Entries that
    are exactly zero stay so.

    Parameters
    ----------
    support : array of bool, optional
        False where the probability is zero by declaration (a forbidden transition). Such
        entries are not counted.
    exchangeable : tuple of int, default=()
        Axes over interchangeable components.
    """

    def __init__(self, support: Mask | None = None, exchangeable: tuple[int, ...] = ()) -> None:
        self.support = None if support is None else np.asarray(support, dtype=np.bool_)
        if self.support is not None and not self.support.any(axis=-1).all():
            raise ValueError("got a support without any True in a row, expected at least one each")
        self.exchangeable = exchangeable

    def n_free(self, shape: tuple[int, ...]) -> int:
        allowed = self._allowed(shape)
        return int(allowed.sum() - np.prod(shape[:-1]))

    def _allowed(self, shape: tuple[int, ...]) -> Mask:
        support = np.ones(shape, bool) if self.support is None else self.support
        return np.broadcast_to(support, shape)

    def violation(self, value: Array, base: Array) -> str | None:
        if self.support is None and _adds_up(value):
            return None
        if not finite(value) or (value < 0).any():
            return "has a negative or non-finite entry, expected probabilities"
        total = value.sum(axis=-1)
        if (np.abs(total - 1) > 1e-8).any():
            worst = float(total.flat[int(np.argmax(np.abs(total - 1)))])
            return f"sums to {worst!r} along the last axis, expected 1"
        if self.support is not None and (value[~self._allowed(value.shape)] != 0).any():
            return "is positive outside its support, expected exact zeros there"
        return None

    def chart(self, base: Array) -> LeafChart:
        return SimplexChart(base, np.ones(base.shape, bool))

    def at_boundary(self, value: Array) -> list[Index]:
        return indices((value == 0) & self._allowed(value.shape))

    def lifted(self, value: Array, base: Array, share: float) -> tuple[Array, Mask] | None:
        gone = (value == 0) & (base > 0) & self._allowed(value.shape)
        if not gone.any():
            return None
        raised = np.where(gone, share, value)
        return raised / raised.sum(axis=-1, keepdims=True), gone


def _adds_up(value: Array) -> bool:
    """Whether all is well, in two passes; nan is not."""
    if not value.size or not value.min() >= 0:
        return False
    return bool(np.abs(value.sum(axis=-1) - 1).max() <= 1e-8)


@final
class SimplexChart(LeafChart):
    """Log-ratios to each row's largest movable entry; what is not movable is held at the base."""

    def __init__(self, base: Array, movable: Mask) -> None:
        moving = movable & (base > 0)
        self.base, self.moving, self.movable = base, moving, movable
        self.whole = bool(moving.all())  # the common case, which needs no masks
        width = base.shape[-1]
        flat = np.where(moving, base, -1.0).reshape(-1, width)
        reference = np.zeros(flat.shape, bool)
        reference[np.arange(len(flat)), flat.argmax(axis=1)] = True
        self.reference: Mask = reference.reshape(base.shape) & moving
        self.free: Mask = moving & ~self.reference
        self._free, self._reference = np.flatnonzero(self.free), np.flatnonzero(self.reference)
        self.size = len(self._free)
        self.held = np.where(moving, 0.0, base)
        self.total = np.where(moving, base, 0.0).sum(axis=-1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.log_base = np.where(moving, np.log(base), -np.inf)

    def pack(self, value: Array) -> Array:
        if self.whole and value.min(initial=np.inf) > 0:
            ratio = np.log(value) - self.log_base
            anchor = ratio.take(self._reference).reshape(self.total.shape)
            return (ratio - anchor).take(self._free)
        if not np.array_equal((value > 0) & self.moving, self.moving):
            raise OutOfChartError("a probability became exactly zero")
        held = np.where(self.moving, 0.0, value)
        if (np.abs(held - self.held) > 1e-9).any():
            raise OutOfChartError("a probability that was held moved")
        with np.errstate(divide="ignore"):
            logs = np.log(value, where=self.moving, out=np.zeros_like(value))
            ratio = logs - np.where(self.moving, self.log_base, 0.0)
        anchor = np.where(self.reference, ratio, 0.0).sum(axis=-1, keepdims=True)
        return (ratio - anchor)[self.free]

    def unpack(self, x: Array) -> Array:
        logits = self.log_base.copy()
        logits.reshape(-1)[self._free] += x
        top = logits.max(axis=-1, keepdims=True)
        if self.whole:
            weight = np.exp(logits - top)
            return self.total * weight / weight.sum(axis=-1, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)
        weight = np.exp(logits - top)
        norm = weight.sum(axis=-1, keepdims=True)
        return self.held + self.total * weight / np.where(norm > 0, norm, 1.0)

    def pull(self, value: Array, gradient: Array) -> Array:
        if self.whole:
            mean = (value * gradient).sum(axis=-1, keepdims=True) / self.total
            return (value * (gradient - mean)).take(self._free)
        moving = np.where(self.moving, value, 0.0)
        slope = np.where(self.moving, gradient, 0.0)
        total = np.where(self.total > 0, self.total, 1.0)
        mean = (moving * slope).sum(axis=-1, keepdims=True) / total
        return (moving * (slope - mean))[self.free]

    def running(self, value: Array, ahead: Array, slope: Array) -> Running | None:
        full = np.zeros(value.shape)
        full.reshape(-1)[self._free] = slope
        if self.whole:
            full.reshape(-1)[self._reference] = -full.sum(axis=-1).ravel()
            with np.errstate(divide="ignore", invalid="ignore"):
                shrinking = np.log(ahead) - np.log(value)
            bound = np.zeros(value.size)
            return Running(bound, value.ravel(), shrinking.ravel(), full.ravel())
        reference = np.where(self.reference, -full.sum(axis=-1, keepdims=True), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            shrinking = np.where(self.moving, np.log(ahead) - np.log(value), 0.0)
        bound = np.where(self.moving, 0.0, np.nan)
        return Running(bound.ravel(), value.ravel(), shrinking.ravel(), (full + reference).ravel())

    def settle(self, value: Array, which: Mask, target: Array) -> Array:
        chosen = which.reshape(value.shape) & self.moving
        put = np.where(chosen, target.reshape(value.shape), 0.0)
        rest = np.where(self.moving & ~chosen, value, 0.0)
        room = self.total - put.sum(axis=-1, keepdims=True)
        total = rest.sum(axis=-1, keepdims=True)
        if ((room < 0) | ((total <= 0) & (room > 0))).any():
            raise OutOfChartError("a row of probabilities could not be kept")
        return self.held + put + rest * room / np.where(total > 0, total, 1.0)

    def rebinding(self, new: Any) -> Rebinding:
        """Where the old reference is gone the new one takes its place in every ratio."""
        number = np.full(self.base.shape, -1, dtype=np.intp)
        number[self.free] = np.arange(self.size)
        became = np.where(new.reference, number, -1).max(axis=-1, keepdims=True)
        less = np.broadcast_to(became, self.base.shape)
        return Rebinding(number[new.free], less[new.free])
