"""A fitted mixture of any family as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentia.engine import tree
from latentia.families import making, registry

from . import evidence
from .model import MixtureParams
from .parameters import MixtureErrors

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .general import Mixture


def to_record(estimator: Mixture) -> Record:
    """Everything but the data; a family is its name and plain arguments.

    Raises
    ------
    ValueError
        If the family is the user's own.
    """
    params = estimator._params()
    header = {
        "family": registry.written(estimator.family),
        "parts": making.stored(estimator._parts),
        "start": estimator.start_,
        "digest": estimator._digest,
    }
    names = (f"params.{name}" for name in tree.names(params))
    return evidence.to_record(estimator, header, dict(zip(names, tree.leaves(params), strict=True)))


def restore(kind: type[Mixture], written: Record) -> Mixture:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    estimator = kind(registry.read(header["family"]))
    evidence.take_settings(estimator, written)
    parts = making.restored(header["parts"])
    family = making.built(parts, len(arrays["params.weights"]))
    space = MixtureParams(np.empty(0), family.space)
    params = tree.rebuild(space, [arrays[f"params.{name}"] for name in tree.names(space)])
    vars(estimator)["n_features_in_"] = sum(len(part.columns) for part in parts)
    estimator._set_parameters(params, family, parts)
    estimator.start_, estimator._digest = header["start"], header["digest"]
    evidence.restore(estimator, written, params, MixtureErrors(*params, note=""))
    return estimator
