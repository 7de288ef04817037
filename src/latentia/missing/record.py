"""A fitted normal distribution as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.arrays import Frame
from latentia.mixture import evidence

from .conditional import Normal
from .patterns import Patterns

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import IncompleteNormal


def to_record(estimator: IncompleteNormal) -> Record:
    """Everything but the data."""
    mixture: Any = estimator
    patterns = estimator.patterns_
    header = {
        "single": estimator.mean_.dtype == np.float32,
        "columns": list(patterns.columns),
    }
    arrays = {f"params.{name}": v for name, v in estimator.fit_.params._asdict().items()}
    arrays |= {f"frame.{name}": v for name, v in estimator._frame._asdict().items()}
    arrays |= {f"patterns.{k}": getattr(patterns, k) for k in ("seen", "rows", "missing")}
    arrays["apart"] = np.array(estimator.apart_, dtype=np.int64).reshape(-1, 2)
    return evidence.to_record(mixture, header, arrays)


def restore(estimator: IncompleteNormal, written: Record) -> IncompleteNormal:
    """A fitted estimator from its record; the inverse of `to_record`."""
    from .estimator import NormalErrors

    header, arrays = written.header, written.arrays
    mixture: Any = estimator
    evidence.take_settings(mixture, written)
    params = Normal(arrays["params.mean"], arrays["params.covariance"])
    vars(estimator)["n_features_in_"] = len(params.mean)
    origin, scale, spread = (arrays[f"frame.{name}"] for name in Frame._fields)
    estimator._frame = Frame(origin, float(scale), spread)
    estimator.apart_ = [(int(i), int(j)) for i, j in arrays["apart"]]
    found = (arrays[f"patterns.{name}"] for name in ("seen", "rows", "missing"))
    estimator.patterns_ = Patterns(tuple(header["columns"]), *found)
    estimator._set_parameters(params, np.float32 if header["single"] else np.float64)
    errors: Any = NormalErrors(params.mean, params.covariance, "")
    evidence.restore(mixture, written, params, errors)  # pyright: ignore[reportArgumentType]
    return estimator
