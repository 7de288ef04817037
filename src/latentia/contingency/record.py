"""A fitted table as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from latentia.data.arrays import Frame
from latentia.mixture import evidence

from .model import CellParams
from .reading import Kinds

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .base import TableEstimator

E = TypeVar("E", bound="TableEstimator")


def to_record(estimator: TableEstimator) -> Record:
    """Everything but the data."""
    fitted: Any = estimator
    kinds = estimator.kinds_
    arrays: dict[str, Any] = {f"params.{k}": v for k, v in fitted.fit_.params._asdict().items()}
    if estimator._frame is not None:
        arrays |= {f"frame.{k}": v for k, v in estimator._frame._asdict().items()}
    header = {
        "columns": list(kinds.names),
        "categorical": list(kinds.categorical),
        "categories": [list(each) for each in kinds.categories],
        "terms": _listed(estimator._terms),
        "mean_terms": _listed(estimator._mean_terms),
        "asked": {
            name: _plain(value)
            for name, value in estimator.get_params(deep=False).items()
            if name in ("interactions", "means", "categorical")
        },
    }
    return evidence.to_record(fitted, header, arrays)


def _listed(terms: Any) -> Any:
    return None if terms is None else [list(term) for term in terms]


def _plain(asked: Any) -> Any:
    return asked if asked is None or isinstance(asked, int | str) else list(asked)


def restore(estimator: E, written: Record) -> E:
    """A fitted estimator from its record; the inverse of `to_record`."""
    from .base import CellErrors

    fitted: Any = estimator
    header, arrays = written.header, written.arrays
    evidence.take_settings(fitted, written)
    estimator.set_params(**header["asked"])
    at = tuple(header["categorical"])
    names = tuple(header["columns"])
    others = tuple(j for j in range(len(names)) if j not in at)
    categories = tuple(tuple(each) for each in header["categories"])
    estimator.kinds_ = Kinds(names, at, others, categories)
    estimator._terms = _tuples(header["terms"])
    estimator._mean_terms = _tuples(header["mean_terms"])
    estimator._frame = None
    if others:
        origin, scale, spread = (arrays[f"frame.{name}"] for name in Frame._fields)
        estimator._frame = Frame(origin, float(scale), spread)
    vars(estimator)["n_features_in_"] = len(names)
    params = CellParams(*(arrays[f"params.{name}"] for name in CellParams._fields))
    errors: Any = CellErrors(*params, "")
    evidence.restore(fitted, written, params, errors)
    return estimator


def _tuples(terms: Any) -> Any:
    return None if terms is None else tuple(tuple(term) for term in terms)
