"""A fitted latent class model as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.engine import tree
from latentia.families.predictor import Basis
from latentia.mixture import evidence
from latentia.mixture.model import MixtureParams
from latentia.mixture.parameters import MixtureErrors

from .model import built

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import LatentClass


def to_record(estimator: LatentClass) -> Record:
    """Everything but the data."""
    params, basis = estimator._params(), estimator._basis
    header = {
        "categories": [list(each) for each in estimator.categories_],
        "columns": estimator.n_features_in_,
        "covariates": _plain(estimator.covariates),
        "start": estimator.start_,
    }
    names = (f"params.{name}" for name in tree.names(params))
    arrays = dict(zip(names, tree.leaves(params), strict=True))
    arrays["sizes"] = estimator.weights_
    if basis is not None:
        arrays["basis"] = basis.columns
    return evidence.to_record(estimator, header, arrays)


def _plain(covariates: Any) -> Any:
    """Names and numbers of columns as JSON has them."""
    if covariates is None or isinstance(covariates, str):
        return covariates
    if isinstance(covariates, int | np.integer):
        return int(covariates)
    return [_plain(each) for each in covariates]


def restore(kind: type[LatentClass], written: Record) -> LatentClass:
    """A fitted estimator from its record; the inverse of `to_record`."""
    header, arrays = written.header, written.arrays
    estimator = kind()
    evidence.take_settings(estimator, written)
    estimator.set_params(covariates=header["covariates"])
    categories = [tuple(each) for each in header["categories"]]
    basis = Basis(arrays["basis"], ()) if "basis" in arrays else None
    levels = [len(each) for each in categories]
    space = built(levels, len(arrays["sizes"]), estimator.init_params, basis).space
    leaves = [np.asarray(arrays[f"params.{name}"]) for name in tree.names(space)]
    params: MixtureParams = tree.rebuild(space, leaves)
    vars(estimator)["n_features_in_"] = int(header["columns"])
    estimator._know(categories, basis)
    evidence.restore(estimator, written, params, MixtureErrors(*params, note=""))
    estimator._describe(arrays["sizes"], header["start"])
    return estimator
