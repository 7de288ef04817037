"""A fitted latent class model as a record for a file, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from latentia.mixture import evidence, general_record
from latentia.mixture.general import Mixture

from .items import Categories

if TYPE_CHECKING:
    from latentia.persistence import Record

    from .estimator import LatentClass


def family(categories: Sequence[Categories]) -> str:
    """The specification of the mixture of codes.

    Examples
    --------
    >>> family([("no", "yes"), (1, 2, 3)])
    'categorical(n_levels=[2, 3])'
    """
    return f"categorical(n_levels={[len(each) for each in categories]})"


def to_record(estimator: LatentClass) -> Record:
    """Everything but the data: the mixture of codes, and what the codes stand for."""
    mixture = estimator._mixture
    mixture._errors = estimator._errors
    inner = general_record.to_record(mixture)
    header = {
        **evidence.settings_of(estimator),
        "categories": [list(each) for each in estimator.categories_],
        "mixture": inner.header,
    }
    return inner._replace(kind=type(estimator).__name__, header=header)


def restore(kind: type[LatentClass], written: Record) -> LatentClass:
    """A fitted estimator from its record; the inverse of `to_record`."""
    inner = written._replace(kind=Mixture.__name__, header=written.header["mixture"])
    estimator = kind()
    evidence.take_settings(estimator, written)
    evidence.take_names(estimator, written)
    estimator._set_categories([tuple(each) for each in written.header["categories"]])
    estimator._keep(general_record.restore(Mixture, inner))
    vars(estimator)["n_features_in_"] = len(estimator.categories_)
    return estimator
