"""An information matrix in the coordinates of a chart, what follows from it, and its faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..certificate import listed
from ..chart import Chart, at_boundaries, at_floors
from ..tree import Array, Tree
from .delta import delta_errors, parameter_errors
from .site import Site

NEARLY_SINGULAR = 1e6
"""Condition number, diagonal scaled to one, beyond which differences leave few digits."""

NOT_THERE = 0.1
"""Nats left to gain that are said aloud: some combination is half a standard error off."""


@dataclass(frozen=True)
class Information:
    """The information at some parameters, in a chart's coordinates.

    Attributes
    ----------
    chart : Chart
        Around the parameters, so its coordinates are zero there.
    matrix : array of shape (size, size)
        Minus the Hessian of the objective, or an estimate of it.
    free : array of bool, shape (size,)
        False where a floor bars the way; such coordinates are held.
    note : str
        Why standard errors are missing or conditional; empty where all is well.
    n_gauge : int, default=0
        Directions that the likelihood cannot see.
    """

    chart: Chart
    matrix: Array
    free: NDArray[np.bool_]
    note: str
    n_gauge: int = 0

    @property
    def covariance(self) -> Array:
        """The inverse over the free coordinates, zero over held ones; nan if not definite."""
        return inverse_over(self.matrix, self.free, self.n_gauge)

    @property
    def condition(self) -> float:
        """The condition number over the free coordinates, the diagonal scaled to one.

        Infinite where the matrix is not positive definite.
        """
        return condition_number(self.matrix, self.free, self.n_gauge)

    def standard_errors(self) -> Tree:
        """Standard errors of all parameters, by the delta method, shaped like them."""
        return parameter_errors(self.chart, self.covariance, self.free)

    def delta(self, function: Callable[[Tree], Any]) -> Array:
        """Standard errors of any smooth function of the parameters, shape (m,)."""
        return delta_errors(self.chart, self.covariance, self.free, function)


def inverse_over(matrix: Array, free: NDArray[np.bool_], n_gauge: int = 0) -> Array:
    """The inverse of the free block, zero elsewhere; nan throughout if it is not definite.

    Where the likelihood cannot see `n_gauge` directions it is a generalised inverse, which is
    right for whatever does not depend on them.
    """
    size = len(matrix)
    out = np.zeros((size, size))
    if not free.any():
        return out
    if not np.isfinite(condition_number(matrix, free, n_gauge)):
        return np.full((size, size), np.nan)
    scaled, scale = _scaled(matrix, free)
    if n_gauge:
        eigenvalues, vectors = np.linalg.eigh(scaled)
        seen = vectors[:, n_gauge:]
        inverse = (seen / eigenvalues[n_gauge:]) @ seen.T / scale / scale[:, None]
    else:
        inverse = np.linalg.inv(scaled) / scale / scale[:, None]
    out[np.ix_(free, free)] = (inverse + inverse.T) / 2
    return out


def condition_number(matrix: Array, free: NDArray[np.bool_], n_gauge: int = 0) -> float:
    """Of the free block with its diagonal scaled to one; infinite if it is not definite.

    The `n_gauge` smallest eigenvalues are left out.
    """
    if int(free.sum()) <= n_gauge:
        return 1.0
    scaled, _ = _scaled(matrix, free)
    if not np.isfinite(scaled).all() or (np.diagonal(scaled) <= 0).any():
        return np.inf
    eigenvalues = np.linalg.eigvalsh(scaled)
    lowest = float(eigenvalues[n_gauge])
    eps = len(scaled) * float(np.finfo(np.float64).eps)
    return float(eigenvalues[-1]) / lowest if lowest > eps else np.inf


def _scaled(matrix: Array, free: NDArray[np.bool_]) -> tuple[Array, Array]:
    inner = matrix[np.ix_(free, free)]
    scale = np.sqrt(np.abs(np.diagonal(inner)))
    scale = np.where(scale > 0, scale, 1.0)
    return inner / scale / scale[:, None], scale


NO_MAXIMUM = "this is not a proper maximum (or two components coincide)"


def judged(
    site: Site, matrix: Array, name: str = "observed information", why: str = NO_MAXIMUM
) -> Information:
    """An information with what has to be said of it; `why` is what it means if not definite."""
    note = note_on(site, matrix, name, why)
    return Information(site.chart, matrix, site.free, note, site.model.n_gauge)


def note_on(site: Site, matrix: Array, name: str, why: str = NO_MAXIMUM) -> str:
    """What is wrong with a matrix, and which parameters are held; empty where all is well."""
    notes: list[str] = []
    condition = condition_number(matrix, site.free, site.model.n_gauge)
    if not np.isfinite(condition):
        notes.append(
            f"The {name} is not positive definite, so {why} and there are no standard errors."
        )
    elif condition > NEARLY_SINGULAR:
        notes.append(
            f"The {name} is nearly singular (condition number {condition:.1e}): some combination "
            "of parameters is hardly determined, and standard errors that it enters are rough."
        )
    left = _left_to_gain(site, matrix) if np.isfinite(condition) else 0.0
    if left > NOT_THERE:
        notes.append(
            f"The parameters are not at a maximum: about {left:.2g} nats are left to gain, so fit "
            "to the end before standard errors are believed."
        )
    if not site.model.exact_e_step:
        notes.append("The E-step is approximate, so these are of the bound, not the likelihood.")
    if site.model.n_gauge:
        notes.append(
            f"The likelihood cannot see {site.model.n_gauge} of the directions: only what does not "
            "depend on them has a standard error of its own."
        )
    return " ".join([*notes, *held_notes(site.model.space, site.chart.base)])


def _left_to_gain(site: Site, matrix: Array) -> float:
    """Nats between here and the top, if the objective were the parabola that it looks like."""
    slope = site.score(np.zeros(site.chart.size)) * site.free
    gain = float(slope @ inverse_over(matrix, site.free, site.model.n_gauge) @ slope) / 2
    return gain if np.isfinite(gain) else 0.0


def held_notes(space: Tree, params: Tree) -> list[str]:
    """Which parameters have no error because they cannot move."""
    notes: list[str] = []
    floors, edge = at_floors(space, params), at_boundaries(space, params)
    if floors:
        notes.append(f"Held by a floor and so without a standard error: {listed(floors)}.")
    if edge:
        notes.append(f"On the edge of what is allowed and so held: {listed(edge)}.")
    return notes
