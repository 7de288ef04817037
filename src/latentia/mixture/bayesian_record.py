"""A fitted Bayesian Gaussian mixture as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.arrays import Frame

from . import evidence
from .bayesian_prior import PROPORTIONS
from .inference import StandardErrors
from .variational import Prior, VariationalParams

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .bayesian import BayesianGaussianMixture


def to_record(estimator: BayesianGaussianMixture) -> Record:
    """Everything but the data."""
    proportions, *others = estimator._prior
    header = {
        "start": estimator.start_,
        "single": estimator.means_.dtype == np.float32,
        "proportions": type(proportions).__name__,
    }
    names = [f"prior.{name}" for name in Prior._fields]
    arrays = dict(zip(names, [proportions.prior[-1, -1], *others], strict=True))
    arrays |= {f"params.{k}": v for k, v in estimator.fit_.params._asdict().items()}
    arrays |= {f"frame.{k}": v for k, v in estimator._frame._asdict().items()}
    return evidence.to_record(estimator, header, arrays)


def restore(estimator: BayesianGaussianMixture, written: Record) -> BayesianGaussianMixture:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    evidence.take_settings(estimator, written)
    params: Any = VariationalParams(
        *(arrays[f"params.{name}"] for name in VariationalParams._fields)
    )
    vars(estimator)["n_features_in_"] = params.means.shape[1]
    origin, scale, spread = (arrays[f"frame.{name}"] for name in Frame._fields)
    estimator._frame = Frame(origin, float(scale), spread)
    kinds = {kind.__name__: kind for kind in PROPORTIONS.values()}
    concentration, precision, mean, degrees, covariance = (
        arrays[f"prior.{name}"] for name in Prior._fields
    )
    proportions = kinds[header["proportions"]](len(params.means), float(concentration))
    estimator._prior = Prior(proportions, float(precision), mean, float(degrees), covariance)
    dtype = np.float32 if header["single"] else np.float64
    estimator._set_parameters(params, dtype)
    estimator.start_ = header["start"]
    nothing: Any = np.empty(0)
    evidence.restore(estimator, written, params, StandardErrors(*(nothing,) * 3, note=""))
    estimator._of_all_rows()
    return estimator
