"""A fitted switching autoregression as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine import tree
from latentia.hmm import sequential_record
from latentia.mixture import evidence

from .series_naming import LaggedErrors

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .autoregressive import MarkovAutoregression


def to_record(estimator: MarkovAutoregression) -> Record:
    """Everything but the data."""
    names = (f"params.{name}" for name in tree.names(estimator.params_))
    arrays = dict(zip(names, tree.leaves(estimator.params_), strict=True))
    arrays["frame"] = np.array(estimator._frame)
    return evidence.to_record(estimator, {}, arrays)


def restore(kind: Any, written: Record) -> MarkovAutoregression:
    """The estimator that was written."""
    made = kind()
    evidence.take_settings(made, written)
    vars(made)["n_features_in_"] = 1
    origin, unit = written.arrays["frame"]
    made._frame = (float(origin), float(unit))
    params = sequential_record.params_of(made._model().space, written)
    made._set_parameters(params)
    evidence.restore(made, written, params, LaggedErrors(*params, note=""))
    return made
