"""The data of a model, prepared, and the chart around some parameters: where inference works."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backend import Backend, Threads
from ..chart import Chart, at_floors
from ..climb import Evaluator
from ..model import Chunk, Model, Source, Suff, source_of
from ..numerical import STEP, chart_score
from ..tree import Array, Tree


class TooFewUnitsError(ValueError):
    """A method that compares independent units with one another has too few of them."""


@dataclass(frozen=True)
class Site:
    """The data, and coordinates that are zero at the parameters.

    Attributes
    ----------
    model : Model
    chunks : list of Chunk
        Prepared.
    chart : Chart
    free : array of bool, shape (size,)
        False where a floor bars the way.
    floors : tuple of str
        The parameters held up by one.
    evaluator : Evaluator
    """

    model: Model[Any, Any]
    chunks: Sequence[Chunk]
    chart: Chart
    free: NDArray[np.bool_]
    floors: tuple[str, ...]
    evaluator: Evaluator

    def suff(self, x: Array) -> Suff:
        """The statistics at coordinates `x`."""
        return self.evaluator.suff(self.chart.unpack(x))[0]

    def score(self, x: Array) -> Array:
        """The gradient of the objective at `x`: that of q at its own statistics (Fisher)."""
        at = self.chart.unpack(x)
        suff, _ = self.evaluator.suff(at)
        return chart_score(self.model, self.chart, at, suff)

    @property
    def n_free(self) -> int:
        """Free coordinates, less the directions that the likelihood cannot see."""
        return int(self.free.sum()) - self.model.n_gauge


def chunks_of(data: Source | Chunk) -> list[Chunk]:
    """The chunks of some data, as the user gave them."""
    if isinstance(data, Source):
        return list(data.chunks())
    return [data]


@contextmanager
def opened(
    model: Model[Any, Any], data: Source | Chunk, params: Tree, backend: Backend | None
) -> Generator[Site, None, None]:
    """The data prepared, and the backend's workers at hand."""
    chart = Chart(model.space, params)
    floors = at_floors(model.space, params)
    free = chart.open_at(STEP) if floors else np.ones(chart.size, dtype=np.bool_)
    source = source_of(data)
    with (backend or Threads()).open(model, source) as mapper:
        yield Site(model, mapper.chunks, chart, free, floors, Evaluator(mapper))


def score(
    model: Model[Any, Any], data: Source | Chunk, params: Tree, backend: Backend | None = None
) -> Array:
    """The gradient of the objective at `params`, in the chart around them.

    Parameters
    ----------
    model : Model
    data : Source or Chunk
    params : NamedTuple of arrays
    backend : Backend, optional
        Threads on all cores by default.

    Returns
    -------
    array of shape (size,)
        In the order of ``Chart(model.space, params).labels()``.

    Notes
    -----
    Fisher's identity: the gradient of q at the parameters that made the statistics (Dempster,
    Laird & Rubin 1977, sec. 3).
    """
    with opened(model, data, params, backend) as site:
        return site.score(np.zeros(site.chart.size))


def refuse_random(model: Model[Any, Any], method: str) -> None:
    """Refuse to difference E-steps that draw random numbers."""
    if model.stochastic:
        raise ValueError(
            f"got method={method!r} for {type(model).__name__}, whose E-step draws random numbers "
            "and so cannot be differenced; use method='bootstrap'"
        )


def require_units(method: str, n_rows: int, n_units: float, n_free: int) -> None:
    """Refuse where units are too few to be compared with one another.

    Raises
    ------
    TooFewUnitsError
    """
    others = "'oakes' or 'sem'"
    if method == "bootstrap":
        others = "'oakes', 'sem' or 'parametric-bootstrap'"
    if n_rows < 2:
        raise TooFewUnitsError(
            f"got a single independent unit, expected several for method={method!r}, which "
            f"compares units; use method={others}, which do not"
        )
    if n_units < (n_free + 1) * (1 - 1e-9):
        raise TooFewUnitsError(
            f"got {n_units:g} independent units for {n_free} free parameters, expected at least "
            f"{n_free + 1} for method={method!r}; use method={others}"
        )


def unit_weights(model: Model[Any, Any], params: Tree, chunk: Chunk) -> Array:
    """The weight of each unit of a prepared chunk, shape (units,).

    Read from the chunk where it shows ``weights``, otherwise from the E-step of each unit.
    """
    shown = getattr(chunk, "weights", None)
    if shown is not None and np.shape(shown) == (len(chunk),):
        return np.asarray(shown, dtype=np.float64)
    return np.array([suff.n_units for suff in model.unit_stats(params, chunk)], dtype=np.float64)
