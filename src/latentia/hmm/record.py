"""A fitted hidden Markov model as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine import tree
from latentia.engine.space import Constraint
from latentia.families import making, registry
from latentia.mixture import evidence

from .model import HiddenMarkovParams
from .parameters import HiddenMarkovErrors

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import HiddenMarkov


def to_record(estimator: HiddenMarkov) -> Record:
    """Everything but the data; a family is its name and plain arguments.

    Raises
    ------
    ValueError
        If the family, or the constraint of the transitions, is an object of the user's.
    """
    if isinstance(estimator.transitions, Constraint):
        raise ValueError(
            f"got transitions={type(estimator.transitions).__name__}(...), expected a name or an "
            "array of True and False: a model file holds no other constraint"
        )
    params = estimator._fitted().params
    header = {
        "family": registry.written(estimator.family),
        "parts": making.stored(estimator._parts),
        "letters": getattr(estimator, "letters_", None),
    }
    names = (f"params.{name}" for name in tree.names(params))
    arrays = dict(zip(names, tree.leaves(params), strict=True))
    arrays["startprob"] = np.asarray(estimator.startprob_)
    if estimator.transitions is not None and not isinstance(estimator.transitions, str):
        arrays["transitions"] = np.asarray(estimator.transitions)
    if estimator.shared is not None:
        arrays["shared"] = np.asarray(estimator.shared)
    for name, value in (estimator.held or {}).items():
        arrays[f"held.{name}"] = np.asarray(value, dtype=np.float64)
    return evidence.to_record(estimator, header, arrays)


def restore(kind: type[HiddenMarkov], written: Record) -> HiddenMarkov:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    estimator = kind(registry.read(header["family"]))
    evidence.take_settings(estimator, written)
    if "transitions" in arrays:
        estimator.set_params(transitions=arrays["transitions"])
    if "shared" in arrays:
        estimator.set_params(shared=arrays["shared"].tolist())
    held = {n.removeprefix("held."): a for n, a in arrays.items() if n.startswith("held.")}
    estimator.set_params(held=held or None)
    parts = making.restored(header["parts"])
    model = estimator._model(parts)
    kept: list[Any] = [arrays[f"params.{name}"] for name in tree.names(model.space)]
    params: HiddenMarkovParams = tree.rebuild(model.space, kept)
    vars(estimator)["n_features_in_"] = sum(len(part.columns) for part in parts)
    estimator._set_parameters(model, params, parts)
    estimator.startprob_ = arrays["startprob"]
    if header.get("letters"):
        vars(estimator)["letters_"] = header["letters"]
    evidence.restore(estimator, written, params, HiddenMarkovErrors(*params, note=""))
    return estimator
