"""Fitted principal components as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.mixture import evidence

from .principal_errors import PrincipalErrors
from .principal_model import PrincipalModel, PrincipalParams
from .record import framed

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .principal import ProbabilisticPCA


def to_record(estimator: ProbabilisticPCA) -> Record:
    """Everything but the data."""
    fitted: Any = estimator
    model = estimator._model
    header = {"n_components": model.n_components, "compiled": model.compiled}
    arrays = {f"params.{name}": v for name, v in estimator.fit_.params._asdict().items()}
    arrays |= {f"frame.{name}": v for name, v in model.frame._asdict().items()}
    arrays["apart"] = np.array(estimator.apart_, dtype=np.int64).reshape(-1, 2)
    arrays["rows"] = np.array([estimator._n_rows, estimator._n_whole])
    return evidence.to_record(fitted, header, arrays)


def restore(estimator: ProbabilisticPCA, written: Record) -> ProbabilisticPCA:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    fitted: Any = estimator
    evidence.take_settings(fitted, written)
    params = PrincipalParams(*(arrays[f"params.{name}"] for name in PrincipalParams._fields))
    estimator._model = PrincipalModel(framed(arrays), header["n_components"], header["compiled"])
    vars(estimator)["n_features_in_"] = len(params.mean)
    estimator.apart_ = [(int(i), int(j)) for i, j in arrays["apart"]]
    estimator._n_rows, estimator._n_whole = (float(n) for n in arrays["rows"])
    estimator._set_parameters(params)
    shown = (estimator.mean_, estimator.components_, estimator.explained_variance_)
    errors: Any = PrincipalErrors(*shown, params.noise, "")
    evidence.restore(fitted, written, params, errors)
    return estimator
