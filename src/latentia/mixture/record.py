"""A fitted Gaussian mixture as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentia.data.arrays import Frame
from latentia.families.conjugate import ConjugatePrior
from latentia.families.noise import Box

from . import evidence
from .inference import StandardErrors

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import GaussianMixture

_FITTED = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_")


def to_record(estimator: GaussianMixture) -> Record:
    """Everything but the data."""
    arrays = {name: getattr(estimator, name) for name in _FITTED}
    if estimator.prior_ is not None:
        arrays |= {f"prior.{name}": value for name, value in estimator.prior_._asdict().items()}
    if estimator.noise_box_ is not None:
        arrays |= {f"noise.{name}": value for name, value in estimator.noise_box_._asdict().items()}
        arrays["noise.weight"] = np.array(estimator.noise_weight_)
    arrays |= {f"frame.{name}": value for name, value in estimator._frame._asdict().items()}
    return evidence.to_record(estimator, {}, arrays)


def restore(estimator: GaussianMixture, written: Record) -> GaussianMixture:
    """A fitted estimator from its record; the inverse of `to_record`."""
    arrays = written.arrays
    evidence.take_settings(estimator, written)
    for name in _FITTED:
        setattr(estimator, name, arrays[name])
    weights, means, covariances = (np.asarray(arrays[name], dtype=float) for name in _FITTED[:3])
    vars(estimator)["n_features_in_"] = means.shape[1]
    origin, scale, spread = (arrays[f"frame.{name}"] for name in Frame._fields)
    estimator._frame = Frame(origin, float(scale), spread)
    if "noise.axes" in arrays:
        estimator.noise_box_ = Box(*(arrays[f"noise.{name}"] for name in Box._fields))
        estimator.noise_weight_ = float(arrays["noise.weight"])
    if "prior.mean" in arrays:
        mean, shrinkage, dof, matrix = (arrays[f"prior.{name}"] for name in ConjugatePrior._fields)
        estimator.prior_ = ConjugatePrior(mean, float(shrinkage), float(dof), matrix)
        if estimator.prior is None:  # it was not a name
            estimator.set_params(prior=estimator.prior_)
    like = StandardErrors(weights, means, covariances, note="")
    evidence.restore(estimator, written, estimator._params(), like)
    return estimator
