"""Standard errors: the observed information from q, and the delta method through a chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from . import tree
from .backend import Backend
from .chart import Chart, arrays, at_boundaries, at_floors
from .climb import Evaluator
from .model import Chunk, Model, Source
from .numerical import STEP, chart_score, differences
from .tree import Array, Tree


@dataclass(frozen=True)
class Information:
    """The observed information at some parameters, in a chart's coordinates.

    Attributes
    ----------
    chart : Chart
        Around the parameters, so its coordinates are zero there.
    matrix : array of shape (size, size)
        Minus the Hessian of the objective.
    free : array of bool, shape (size,)
        False where a floor bars the way; such coordinates are held.
    note : str
        Why standard errors are missing or conditional; empty where all is well.
    """

    chart: Chart
    matrix: Array
    free: Any
    note: str

    @property
    def covariance(self) -> Array:
        """The inverse over the free coordinates, zero over held ones; nan if not definite."""
        size = self.chart.size
        out = np.zeros((size, size))
        inner = self.matrix[np.ix_(self.free, self.free)]
        scale = np.sqrt(np.abs(np.diagonal(inner)))
        if not len(inner):
            return out
        try:
            scaled = inner / scale / scale[:, None]
            np.linalg.cholesky(scaled)
            inverse = np.linalg.inv(scaled) / scale / scale[:, None]
        except np.linalg.LinAlgError:
            return np.full((size, size), np.nan)
        out[np.ix_(self.free, self.free)] = (inverse + inverse.T) / 2
        return out

    def standard_errors(self) -> Tree:
        """Standard errors of all parameters, by the delta method, shaped like them."""
        flat = self.delta(lambda params: np.concatenate([a.ravel() for a in arrays(params)]))
        values: list[Array] = []
        at = 0
        for leaf in arrays(self.chart.base):
            values.append(flat[at : at + leaf.size].reshape(leaf.shape))
            at += leaf.size
        return tree.rebuild(self.chart.base, values)

    def delta(self, function: Callable[[Tree], Array]) -> Array:
        """Standard errors of any smooth function of the parameters, shape (m,)."""
        covariance = self.covariance

        def at(x: Array) -> Array:
            return function(self.chart.unpack(x))

        origin = np.zeros(self.chart.size)
        jacobian = differences(at, origin).T if self.chart.size else np.zeros((0, 0))
        jacobian = jacobian * self.free  # a held coordinate may have a one-sided derivative
        variance = np.einsum("ij,jk,ik->i", jacobian, covariance, jacobian, optimize=True)
        return np.sqrt(np.maximum(variance, 0.0))


def observed_information(
    model: Model[Any, Any], data: Source | Chunk, params: Tree, backend: Backend
) -> Information:
    """Minus the Hessian of the objective, by central differences of the score.

    By Fisher's identity the score of the observed likelihood is the gradient of q at the
    parameters that made the statistics, so its derivative needs two E-steps a free parameter
    and no second derivatives (Oakes 1999, eq. 2.2, with both terms taken together).

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
        Usually the maximum.
    backend : Backend
    """
    source = cast(Any, data)
    raw = source.chunks() if isinstance(data, Source) else [data]
    chunks: list[Chunk] = [model.prepare(chunk) for chunk in raw]
    chart = Chart(model.space, params)
    floors = at_floors(model.space, params)
    free = chart.open_at(STEP) if floors else np.ones(chart.size, dtype=bool)
    with backend.open(len(chunks)) as mapper:
        evaluator = Evaluator(model, chunks, mapper)

        def score(x: Array) -> Array:
            at = chart.unpack(x)
            suff, _ = evaluator.suff(at)
            return chart_score(model, chart, at, suff)

        matrix = -differences(score, np.zeros(chart.size))
    matrix = (matrix + matrix.T) / 2
    return Information(chart, matrix, free, _note(model, params, matrix, free, floors))


def _note(
    model: Model[Any, Any], params: Tree, matrix: Array, free: Any, floors: tuple[str, ...]
) -> str:
    notes: list[str] = []
    inner = matrix[np.ix_(free, free)]
    if not np.isfinite(inner).all() or (
        len(inner) and np.linalg.eigvalsh(inner / _unit(inner))[0] <= 0
    ):
        notes.append(
            "The observed information is not positive definite, so this is not a proper "
            "maximum (or two components coincide) and there are no standard errors."
        )
    if floors:
        notes.append(f"Held by a floor and so without a standard error: {', '.join(floors)}.")
    edge = at_boundaries(model.space, params)
    if edge:
        notes.append(f"On the edge of what is allowed and so held: {', '.join(edge)}.")
    return " ".join(notes)


def _unit(matrix: Array) -> Array:
    scale = np.sqrt(np.maximum(np.abs(np.diagonal(matrix)), 1e-300))
    return scale * scale[:, None]
