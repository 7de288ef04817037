"""A fitted regression of times as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from latentia.mixture import evidence

from .censored import CensoredParams, Units

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .regression import CensoredRegression


class CensoredErrors(NamedTuple):
    """Standard errors of a regression, shaped like `CensoredParams`.

    Attributes
    ----------
    coefficients, scale, slopes, covariance : array
    note : str
        Why something is missing; empty where all is well.
    """

    coefficients: Any
    scale: Any
    slopes: Any
    covariance: Any
    note: str


def to_record(estimator: CensoredRegression) -> Record:
    """Everything but the data."""
    fitted: Any = estimator
    arrays: dict[str, Any] = {f"params.{k}": v for k, v in fitted.fit_.params._asdict().items()}
    arrays |= {f"units.{k}": v for k, v in estimator._units._asdict().items()}
    arrays["order"] = estimator._order
    return evidence.to_record(fitted, {"n_holed": estimator._n_holed}, arrays)


def restore(estimator: CensoredRegression, written: Record) -> CensoredRegression:
    """A fitted estimator from its record; the inverse of `to_record`."""
    fitted: Any = estimator
    evidence.take_settings(fitted, written)
    arrays = written.arrays
    params = CensoredParams(*(arrays[f"params.{name}"] for name in CensoredParams._fields))
    centre, spread, middle, unit = (arrays[f"units.{name}"] for name in Units._fields)
    estimator._units = Units(centre, spread, float(middle), float(unit))
    estimator._order, estimator._n_holed = arrays["order"], int(written.header["n_holed"])
    vars(estimator)["n_features_in_"] = len(estimator._order)
    errors: Any = CensoredErrors(*params, "")
    evidence.restore(fitted, written, params, errors)
    return estimator
