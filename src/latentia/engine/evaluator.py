"""The objective and statistics of some data at any parameters, and what a visited point is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import tree
from .accelerate import Here
from .backend import Mapper
from .model import Chunk, Model, Suff
from .space import DegenerateError, OutOfChartError
from .tree import Tree

FAILURES = (DegenerateError, OutOfChartError, np.linalg.LinAlgError, FloatingPointError)
"""What may be raised where parameters have no finite likelihood or no coordinates."""


class Evaluator:
    """The objective and statistics of some data at any parameters.

    Parameters
    ----------
    model : Model
    chunks : sequence of Chunk
        Prepared.
    mapper : Mapper
    """

    def __init__(self, model: Model[Any, Any], chunks: Sequence[Chunk], mapper: Mapper) -> None:
        self.model, self.chunks, self.mapper = model, chunks, mapper

    def suff(self, params: Tree) -> tuple[Suff, float]:
        """The statistics of all chunks, and the rounding of their log-likelihood in nats."""

        def e_step(chunk: Chunk) -> Suff:
            with np.errstate(all="ignore"):  # what is not finite is refused, not warned of
                return self.model.e_step(params, chunk)

        parts = self.mapper.map(e_step, self.chunks)
        total: Suff = tree.reduce_in_order(parts)
        rounding = 8 * float(np.finfo(np.float64).eps) * sum(abs(p.loglik) for p in parts)
        return total, rounding

    def objective(self, params: Tree, suff: Suff) -> float:
        """Log-likelihood plus log-prior."""
        return float(suff.loglik) + float(self.model.log_prior(params))


class Point(NamedTuple):
    """A visited point: its parameters, statistics, and where the M-step goes from it."""

    params: Tree
    suff: Suff
    em_params: Tree
    objective: float
    rounding: float
    here: Here | None  # None where the chart cannot express the EM step
