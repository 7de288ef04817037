"""A fitted switching regression as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine import tree
from latentia.families.predictor import Basis
from latentia.families.regression.gaussian import LinearFrame
from latentia.mixture import evidence
from latentia.regression.data import Beside
from latentia.regression.design import Design
from latentia.regression.formula import FormulaError

from .naming import SwitchingErrors
from .setting import Setting

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import MarkovRegression


def to_record(estimator: MarkovRegression) -> Record:
    """Everything but the data; formulas are text and the expressions in them."""
    made, params = estimator._setting, estimator.params_
    designs = {"start": made.start, "moves": made.moves}
    header: dict[str, Any] = {
        "formula": _plain(estimator.formula),
        "family": _plain(estimator.family),
        "n_states": made.n_states,
        "families": list(made.families),
        "shared": made.shared,
        "floor": made.floor,
        "designs": [each.to_record() for each in made.designs],
        **{name: None if d is None else d.to_record() for name, d in designs.items()},
        "beside": [name if isinstance(name, str) else None for name in made.beside],
        "n_features": estimator.n_features_in_,
    }
    arrays = {"startprob": estimator.startprob_, "transmat": estimator.transmat_}
    for i, frame in enumerate(made.frames):
        arrays[f"frame.{i}.basis"] = frame.basis.columns
        arrays[f"frame.{i}.origin"] = frame.origin
        arrays[f"frame.{i}.unit"] = np.array(frame.unit)
    for name, basis in (("start", made.start_basis), ("moves", made.moves_basis)):
        if basis is not None:
            arrays[f"{name}.basis"] = basis.columns
    for name, leaf in zip(tree.names(params), tree.leaves(params), strict=True):
        arrays[f"params.{name}"] = leaf
    return evidence.to_record(estimator, header, arrays)


def restore(kind: type[MarkovRegression], written: Record) -> MarkovRegression:
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


def _restored(kind: type[MarkovRegression], written: Record) -> MarkovRegression:
    header, arrays = written.header, written.arrays
    estimator = kind(header["formula"], family=header["family"])
    evidence.take_settings(estimator, written)
    start, moves = (
        None if header[name] is None else Design.from_record(header[name])
        for name in ("start", "moves")
    )
    made = Setting(
        header["n_states"],
        tuple(header["families"]),
        header["shared"],
        header["floor"],
        tuple(Design.from_record(each) for each in header["designs"]),
        tuple(_frame(arrays, i) for i in range(len(header["designs"]))),
        Beside(*header["beside"]),
        moves,
        start,
        None if moves is None else Basis(arrays["moves.basis"], ()),
        None if start is None else Basis(arrays["start.basis"], ()),
    )
    space = made.model().space
    params = tree.rebuild(space, [arrays[f"params.{name}"] for name in tree.names(space)])
    vars(estimator)["n_features_in_"] = header["n_features"]
    estimator._set_parameters(params, made, None)
    estimator.startprob_, estimator.transmat_ = arrays["startprob"], arrays["transmat"]
    evidence.restore(estimator, written, params, SwitchingErrors(*params, note=""))
    return estimator


def _frame(arrays: dict[str, Any], i: int) -> LinearFrame:
    basis = Basis(arrays[f"frame.{i}.basis"], ())
    return LinearFrame(basis, arrays[f"frame.{i}.origin"], float(arrays[f"frame.{i}.unit"]))


def _plain(named: Any) -> Any:
    """A name, or a list of names."""
    return named if isinstance(named, str) else list(named)
