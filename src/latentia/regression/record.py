"""A fitted mixture of regressions as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from latentia.engine import tree
from latentia.families.predictor import Basis
from latentia.families.regression.gaussian import LinearFrame
from latentia.mixture import evidence
from latentia.mixture.model import MixtureParams
from latentia.mixture.parameters import MixtureErrors

from .data import Beside
from .design import Design
from .formula import FormulaError
from .setting import Setting

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import MixtureRegression


def to_record(estimator: MixtureRegression) -> Record:
    """Everything but the data; formulas are text and the expressions in them."""
    setting, params = estimator._setting, estimator._fitted
    beside = setting.concomitant
    header = {
        "family": setting.family,
        "n_components": setting.n_components,
        "shared": setting.shared,
        "floor": setting.floor,
        "design": setting.design.to_record(),
        "concomitant": None if beside is None else beside.to_record(),
        "beside": [name if isinstance(name, str) else None for name in setting.beside],
        "n_features": estimator.n_features_in_,
    }
    arrays = {
        "weights": estimator.weights_,
        "basis": setting.frame.basis.columns,
        "origin": setting.frame.origin,
        "unit": np.array(setting.frame.unit),
    }
    if setting.basis is not None:
        arrays["concomitant.basis"] = setting.basis.columns
    for name, leaf in zip(tree.names(params), tree.leaves(params), strict=True):
        arrays[f"params.{name}"] = leaf
    return evidence.to_record(cast(Any, estimator), header, arrays)


def restore(kind: type[MixtureRegression], written: Record) -> MixtureRegression:
    """A fitted estimator from its record; the inverse of `to_record`.

    Raises
    ------
    ModelFileError
        If something in a formula is not allowed.
    """
    from latentia.persistence import ModelFileError

    try:
        return _restored(kind, written)
    except FormulaError as error:
        raise ModelFileError(f"the model file holds what no formula may: {error}") from error


def _restored(kind: type[MixtureRegression], written: Record) -> MixtureRegression:
    header, arrays = written.header, written.arrays
    estimator = kind()
    evidence.take_settings(cast(Any, estimator), written)
    beside = header["concomitant"]
    frame = LinearFrame(Basis(arrays["basis"], ()), arrays["origin"], float(arrays["unit"]))
    setting = Setting(
        header["n_components"],
        header["family"],
        header["shared"],
        header["floor"],
        Design.from_record(header["design"]),
        None if beside is None else Design.from_record(beside),
        Beside(*header["beside"]),
        frame,
        None if beside is None else Basis(arrays["concomitant.basis"], ()),
    )
    space = setting.model().space
    params = tree.rebuild(space, [arrays[f"params.{name}"] for name in tree.names(space)])
    vars(estimator)["n_features_in_"] = header["n_features"]
    estimator._set_parameters(params, setting, arrays["weights"])
    told = MixtureErrors(params.weights, params.components, note="")
    evidence.restore(cast(Any, estimator), written, MixtureParams(*params), told)
    return estimator
