"""Value, gradient and curvature of q where no finite statistics exist, and the Newton step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FLAT = 1e-12
"""Curvature, relative to that along the axes, below which a direction counts as straight."""

LONGEST = 2.0
"""Of a step in the logarithm of a parameter, where the parabola is no guide any more."""


class Slopes(ABC):
    """How the log-density of an exact time depends on a family's two parameters.

    Through coordinates z, (K, 2) or (K, d, 2), in which every pair of numbers is allowed.
    """

    @abstractmethod
    def coordinates(self, params: Any) -> Array:
        """The coordinates of parameters (K,) or (K, d)."""

    @abstractmethod
    def parameters(self, z: Array, counted: NDArray[np.bool_], params: Any) -> Any:
        """The parameters at coordinates (K, d, 2); those given where nothing was counted.

        Raises
        ------
        DegenerateError
            If they are those of rows that all but coincide.
        """

    @abstractmethod
    def chain(self, params: Any, gradient: Array) -> Any:
        """A gradient in the coordinates as one in the parameters."""

    @abstractmethod
    def of(self, theta: Any, y: Array) -> Array:
        """The gradient of log f in the coordinates, (..., 2), of times t = exp(y)."""

    @abstractmethod
    def longest(self, params: Any) -> Array:
        """How long a step in each coordinate may be."""

    def curvature(self, theta: Any, y: Array, weight: Array) -> Array | None:
        """Minus the Hessian of exact times without a window, weights (m, K, N), shape (K, 2, 2).

        About, but positive definite. None: the information takes its place.
        """
        return None


class Parabola(NamedTuple):
    """q of each component and column, as a quadratic in coordinates z.

    Attributes
    ----------
    constant : array of shape (K, d)
    linear : array of shape (K, d, 2)
        Gradient plus curvature times z.
    curvature : array of shape (K, d, 2, 2)
        Minus the Hessian, or the information.
    """

    constant: Array
    linear: Array
    curvature: Array

    @classmethod
    def around(cls, z: Array, value: Array, score: Array, curvature: Array) -> Parabola:
        """The parabola that has this value and gradient at z."""
        linear = score + np.einsum("...ij,...j->...i", curvature, z)
        bend = np.einsum("...i,...ij,...j->...", z, curvature, z) / 2
        return cls(value - np.einsum("...i,...i->...", linear, z) + bend, linear, curvature)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Where there were rows, (K, d)."""
        return np.asarray(self.curvature[..., 0, 0] > 0)


def height(stats: Parabola, z: Array) -> Array:
    """q of each component and column at coordinates (K, d, 2)."""
    bend = np.einsum("...i,...ij,...j->...", z, stats.curvature, z) / 2
    return stats.constant + np.einsum("...i,...i->...", stats.linear, z) - bend


def gradient(stats: Parabola, z: Array) -> Array:
    """Its gradient in the coordinates."""
    return stats.linear - np.einsum("...ij,...j->...i", stats.curvature, z)


def newton(stats: Parabola, z: Array, longest: Array) -> Array:
    """Where the parabola is highest, or as far towards it as a step may reach."""
    unit = np.sqrt(np.diagonal(stats.curvature, axis1=-2, axis2=-1))
    unit = np.where(unit > 0, unit, 1.0)
    scaled = stats.curvature / (unit[..., :, None] * unit[..., None, :])
    bend, axes = np.linalg.eigh(scaled)
    along = np.einsum("...ij,...i->...j", axes, gradient(stats, z) / unit)
    step = np.einsum("...ij,...j->...i", axes, along / np.maximum(bend, FLAT)) / unit
    excess = np.max(np.abs(step) / longest, axis=-1, keepdims=True)
    return z + step / np.maximum(excess, 1.0)
