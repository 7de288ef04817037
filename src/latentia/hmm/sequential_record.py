"""Estimators of sequences whose states make what a family says, as records for files, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine import tree
from latentia.families import making, registry
from latentia.mixture import evidence

if TYPE_CHECKING:
    from latentia.persistence import Record


def to_record(estimator: Any, **header: Any) -> Record:
    """Everything but the data; a family is its name and plain arguments.

    Parameters
    ----------
    estimator : estimator
        Fitted: `params_`, `_parts` and `family` are kept.
    **header
        What else its restoring needs, as JSON can carry it.
    """
    params = estimator.params_
    told = {
        "family": registry.written(estimator.family),
        "parts": making.stored(estimator._parts),
        "letters": getattr(estimator, "letters_", None),
        **header,
    }
    names = (f"params.{name}" for name in tree.names(params))
    arrays = dict(zip(names, map(np.asarray, tree.leaves(params)), strict=True))
    return evidence.to_record(estimator, told, arrays)


def begun(kind: Any, written: Record) -> Any:
    """An estimator of this kind with its settings, and what it has learned of the columns."""
    estimator = kind(registry.read(written.header["family"]))
    evidence.take_settings(estimator, written)
    estimator._parts = making.restored(written.header["parts"])
    if written.header.get("letters"):
        vars(estimator)["letters_"] = written.header["letters"]
    vars(estimator)["n_features_in_"] = sum(len(part.columns) for part in estimator._parts)
    return estimator


def params_of(space: Any, written: Record) -> Any:
    """The parameters in a record, shaped like their space."""
    return tree.rebuild(space, [written.arrays[f"params.{name}"] for name in tree.names(space)])
