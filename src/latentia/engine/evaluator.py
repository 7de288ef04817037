"""The objective and statistics of some data at any parameters, and what a visited point is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .accelerate import Here
from .backend import Mapper
from .model import Chunk, Model, Suff
from .space import DegenerateError, OutOfChartError
from .tree import Tree

FAILURES = (DegenerateError, OutOfChartError, np.linalg.LinAlgError, FloatingPointError)
"""What may be raised where parameters have no finite likelihood or no coordinates."""


class Summed(NamedTuple):
    """The statistics of some chunks, and the sum of the sizes of their log-likelihoods."""

    suff: Suff
    size: float


class Evaluator:
    """The objective and statistics of some data at any parameters.

    Parameters
    ----------
    mapper : Mapper
        An open backend, which has the model and the data.
    """

    def __init__(self, mapper: Mapper) -> None:
        self.mapper, self.model = mapper, mapper.model

    @property
    def chunks(self) -> Sequence[Chunk]:
        """The data, prepared."""
        return self.mapper.chunks

    def suff(self, params: Tree) -> tuple[Suff, float]:
        """The statistics of all chunks, and the rounding of their log-likelihood in nats."""
        suff, size = self.mapper.total(_sized, params)
        return suff, 8 * float(np.finfo(np.float64).eps) * float(size)

    def objective(self, params: Tree, suff: Suff) -> float:
        """Log-likelihood plus log-prior."""
        return float(suff.loglik) + float(self.model.log_prior(params))


def e_step(model: Model[Any, Any], params: Tree, chunk: Chunk) -> Suff:
    """The E-step of a chunk; what is not finite is for the caller to refuse."""
    with np.errstate(all="ignore"):
        return model.e_step(params, chunk)


def _sized(model: Model[Any, Any], params: Tree, chunk: Chunk) -> Summed:
    suff = e_step(model, params, chunk)
    return Summed(suff, abs(suff.loglik))


class Point(NamedTuple):
    """A visited point: its parameters, statistics, and where the M-step goes from it."""

    params: Tree
    suff: Suff
    em_params: Tree
    objective: float
    rounding: float
    here: Here | None  # None where the chart cannot express the EM step
