"""A fitted classifier as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.mixture import GaussianMixture, Mixture, evidence

from .densities import ClassDensities
from .training import Candidate, Trained

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import MixtureDiscriminant

_KINDS = {kind.__name__: kind for kind in (GaussianMixture, Mixture)}


def to_record(estimator: MixtureDiscriminant) -> Record:
    """Everything but the data: the mixtures that were fitted, each with its own record."""
    from latentia.persistence import Record

    whole: Any = estimator
    inner = [mixture._to_record() for mixture in estimator.mixtures_]
    tried, numbers = estimator.covariance_types, estimator.n_components
    classes, candidates = estimator.classes_, estimator.candidates_
    texts = classes.dtype.kind in "OU"
    header = {
        **evidence.settings_of(whole),
        "covariance_types": None if tried is None else [str(name) for name in tried],
        "n_components": np.asarray(numbers).tolist(),
        "classes": classes.tolist() if texts else None,
        "objects": classes.dtype.kind == "O",
        "structures": list(estimator.covariance_types_),
        "candidates": [[each.covariance, each.n_parameters, each.note] for each in candidates],
        "kinds": [each.kind for each in inner],
        "mixtures": [each.header for each in inner],
    }
    arrays: dict[str, Any] = {
        f"densities.{k}": v for k, v in estimator.densities_._asdict().items()
    }
    arrays["fit"] = np.array([estimator.loglik_, estimator._n])
    arrays["confusion"] = estimator.confusion_
    arrays["candidates"] = np.array([[each.loglik, each.bic] for each in candidates])
    if estimator.priors is not None:
        arrays["priors"] = np.asarray(estimator.priors, dtype=np.float64)
    if not texts:
        arrays["classes"] = classes
    for i, each in enumerate(inner):
        arrays |= {f"mixture.{i}.{name}": value for name, value in each.arrays.items()}
    return Record(type(estimator).__name__, header, arrays)


def restore(estimator: MixtureDiscriminant, written: Record) -> MixtureDiscriminant:
    """A fitted classifier from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    whole: Any = estimator
    evidence.take_settings(whole, written)
    evidence.take_names(whole, written)
    numbers = header["n_components"]
    estimator.set_params(
        covariance_types=header["covariance_types"],
        n_components=tuple(numbers) if isinstance(numbers, list) else numbers,
        priors=arrays.get("priors"),
    )
    kind: Any = object if header["objects"] else None
    texts = header["classes"]
    estimator.classes_ = arrays["classes"] if texts is None else np.array(texts, dtype=kind)
    estimator.confusion_ = arrays["confusion"]
    densities = ClassDensities(*(arrays[f"densities.{name}"] for name in ClassDensities._fields))
    told = zip(header["candidates"], arrays["candidates"], strict=True)
    candidates = tuple(
        Candidate(name, float(loglik), free, float(bic), note)
        for (name, free, note), (loglik, bic) in told
    )
    mixtures = [
        _KINDS[kind]._from_record(written._replace(kind=kind, header=each, arrays=_part(arrays, i)))
        for i, (kind, each) in enumerate(zip(header["kinds"], header["mixtures"], strict=True))
    ]
    trained = Trained(densities, tuple(header["structures"]), mixtures, candidates)
    loglik, n = map(float, arrays["fit"])
    estimator._keep(trained, loglik, n)
    vars(estimator)["n_features_in_"] = densities.means.shape[1]
    return estimator


def _part(arrays: dict[str, Any], i: int) -> dict[str, Any]:
    prefix = f"mixture.{i}."
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
