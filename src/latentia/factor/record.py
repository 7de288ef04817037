"""Fitted factors and components as records for files, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.arrays import Frame
from latentia.mixture import evidence

from .factor_errors import FactorErrors
from .model import FactorModel, FactorParams

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .analysis import FactorAnalysis


def to_record(estimator: FactorAnalysis) -> Record:
    """Everything but the data."""
    fitted: Any = estimator
    model = estimator._model
    header = {"n_factors": model.n_factors, "floor": model.floor, "compiled": model.compiled}
    arrays = {f"params.{name}": v for name, v in estimator.fit_.params._asdict().items()}
    arrays |= {f"frame.{name}": v for name, v in model.frame._asdict().items()}
    arrays["apart"] = np.array(estimator.apart_, dtype=np.int64).reshape(-1, 2)
    return evidence.to_record(fitted, header, arrays)


def restore(estimator: FactorAnalysis, written: Record) -> FactorAnalysis:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    fitted: Any = estimator
    evidence.take_settings(fitted, written)
    frame = framed(arrays)
    params = FactorParams(*(arrays[f"params.{name}"] for name in FactorParams._fields))
    estimator._model = FactorModel(frame, header["n_factors"], header["floor"], header["compiled"])
    vars(estimator)["n_features_in_"] = len(frame.origin)
    estimator.apart_ = [(int(i), int(j)) for i, j in arrays["apart"]]
    estimator._set_parameters(params)
    shown = (estimator.mean_, estimator.components_, estimator.factor_correlations_)
    errors: Any = FactorErrors(*shown, estimator.noise_variance_, "")
    evidence.restore(fitted, written, params, errors)
    return estimator


def framed(arrays: Any) -> Frame:
    """The frame of a fit."""
    origin, scale, spread = (arrays[f"frame.{name}"] for name in Frame._fields)
    return Frame(origin, float(scale), spread)
