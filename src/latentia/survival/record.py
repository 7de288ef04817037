"""A fitted survival curve as a record for a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentia.mixture import evidence

from .innermost import Innermost
from .model import Masses

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import SelfConsistent


def to_record(estimator: SelfConsistent) -> Record:
    """Everything but the data."""
    fitted: Any = estimator
    arrays: dict[str, Any] = {
        "params.mass": estimator.fit_.params.mass,
        "where.left": estimator._where.left,
        "where.right": estimator._where.right,
    }
    return evidence.to_record(fitted, {"gap": estimator.gap_}, arrays)


def restore(estimator: SelfConsistent, written: Record) -> SelfConsistent:
    """A fitted estimator from its record; the inverse of `to_record`."""
    from .estimator import CurveErrors

    fitted: Any = estimator
    evidence.take_settings(fitted, written)
    arrays = written.arrays
    estimator._where = Innermost(arrays["where.left"], arrays["where.right"])
    estimator.gap_ = float(written.header["gap"])
    vars(estimator)["n_features_in_"] = 2
    mass = arrays["params.mass"]
    errors: Any = CurveErrors(mass, mass, "")
    evidence.restore(fitted, written, Masses(mass), errors)
    return estimator
