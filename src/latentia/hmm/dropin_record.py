"""A fitted drop-in for hmmlearn as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from latentia.engine import tree
from latentia.families import making
from latentia.mixture import evidence

from . import arguments
from .model import HiddenMarkovParams
from .monitor import Monitor
from .parameters import HiddenMarkovErrors

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .dropin import HmmlearnEstimator

E = TypeVar("E", bound="HmmlearnEstimator")


def to_record(estimator: HmmlearnEstimator) -> Record:
    """Everything but the data: parameters, arguments, and what the fit found for arguments."""
    params = estimator._fitted().params
    names = (f"params.{name}" for name in tree.names(params))
    arrays = dict(zip(names, tree.leaves(params), strict=True))
    for name, value in estimator.get_params(deep=False).items():
        if isinstance(value, list | tuple | np.ndarray):
            arrays[f"setting.{name}"] = np.asarray(value)
    arrays |= {f"found.{name}": value for name, value in arguments.found(estimator).items()}
    return evidence.to_record(estimator, {"parts": making.stored(estimator._parts)}, arrays)


def restore(kind: type[E], written: Record) -> E:
    """The estimator of a record."""
    header, arrays = written.header, written.arrays
    estimator = kind()
    evidence.take_settings(estimator, written)
    for name, value in arrays.items():
        if name.startswith("setting."):
            estimator.set_params(**{name.removeprefix("setting."): value})
        if name.startswith("found."):
            arguments.fill(estimator, name.removeprefix("found."), value)
    estimator._parts = making.restored(header["parts"])
    space = estimator._model().space
    held: list[Any] = [arrays[f"params.{name}"] for name in tree.names(space)]
    params: HiddenMarkovParams = tree.rebuild(space, held)
    estimator._know_width(sum(len(part.columns) for part in estimator._parts))
    estimator.startprob_, estimator.transmat_ = params.start, params.transitions
    estimator._set_emissions(params.emissions)
    evidence.restore(estimator, written, params, HiddenMarkovErrors(*params, note=""))
    certificate, most = estimator.certificate_, estimator._most_steps
    told = Monitor.of(certificate.tol, most, bool(estimator.verbose), estimator.fit_)
    vars(estimator)["_monitor"] = told
    return estimator
