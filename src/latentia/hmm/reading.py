"""What estimators of sequences are given: steps, whose they are, and how often each counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.data.groups import GroupedRows
from latentia.data.sequences import Ragged, sequences
from latentia.estimator import feature_names
from latentia.families import making, registry
from latentia.families.family import Family
from latentia.mixture import errors

Array = NDArray[np.float64]


def read(
    estimator: Any,
    X: Any,
    lengths: Any = None,
    id: str | None = None,
    time: str | None = None,
    *,
    reset: bool = False,
) -> Ragged:
    """The sequences in X, of as many columns as in the fit.

    Parameters
    ----------
    estimator : estimator
        Where `reset` says that it is being fitted, it gets the number of columns, and their names.
    X, lengths, id, time
        As in `latentia.data.sequences.sequences`.
    reset : bool

    Raises
    ------
    ValueError
        If there are more or fewer columns than in the fit; if there is nothing to learn of some.
    """
    ragged = sequences(errors.at_hand(X), lengths, id=id, time=time)
    d = ragged.x.shape[1]
    known = getattr(estimator, "n_features_in_", None)
    if reset:
        vars(estimator)["n_features_in_"] = d
        vars(estimator).pop("feature_names_in_", None)
        if ragged.columns is not None:
            vars(estimator)["feature_names_in_"] = np.array(ragged.columns, dtype=object)
        _require_known(ragged)
    elif known is not None and d != known:
        raise ValueError(
            f"got sequences of {d} columns, expected {known} as in the fit; give the same columns"
        )
    elif ragged.columns is not None:
        names = [str(name) for name in getattr(estimator, "feature_names_in_", ragged.columns)]
        if names != [str(name) for name in ragged.columns]:
            raise ValueError(
                f"got the columns {', '.join(map(str, ragged.columns))}, expected "
                f"{', '.join(names)} as in the fit, in this order"
            )
    return ragged


def _require_known(ragged: Ragged) -> None:
    """Refuse a fit to columns of which no step has a value."""
    if np.isnan(ragged.x).all():
        raise ValueError("got sequences without a single known cell, expected some data")
    errors.require_known_columns(ragged.x, np.ones(len(ragged.x)), ragged.columns)


def seen(ragged: Ragged) -> Rows:
    """The steps of which some cell is known: those that there are, where these are all."""
    hollow = np.isnan(ragged.x).all(axis=1)
    return Rows.of(ragged.x[~hollow] if hollow.any() else ragged.x)


def weights_of(sample_weight: Any, m: int) -> Array:
    """One weight for each of m sequences."""
    if sample_weight is None:
        return np.ones(m)
    given = np.asarray(sample_weight, dtype=np.float64)
    if given.shape != (m,):
        raise ValueError(
            f"got sample_weight of shape {given.shape}, expected ({m},): one weight a sequence"
        )
    return np.array(errors.checked_weights(given, np.empty((m, 0))))


def require_possible(estimator: Any, ragged: Ragged, family: Family[Any, Any]) -> None:
    """Refuse what no state could make, naming the first cell; steps may be missing whole."""
    names = getattr(estimator, "feature_names_in_", None)
    own: Any = getattr(family, "inner", family)  # what of it stays has no say in what is possible
    pieces = making.pieces(own, range(ragged.x.shape[1]))
    x = ragged.x
    hollow = np.isnan(x).all(axis=1)
    if hollow.any() and not family.takes_missing:
        x = np.array(x)
        x[hollow] = x[int(np.argmin(hollow))]  # such a step is missing, not wrong
    errors.require_possible(x, names, pieces)


def rows(estimator: Any, ragged: Ragged, weights: Array, family: Family[Any, Any]) -> GroupedRows:
    """The sequences as the engine takes them.

    Raises
    ------
    ValueError
        If a cell is none that the family could make, or if none is known at all.
    """
    require_possible(estimator, ragged, family)
    if np.isnan(ragged.x).all():
        raise ValueError("got sequences without a single known cell, expected some data")
    return GroupedRows(ragged.x, weights, ragged.sizes)


def learned(estimator: Any, ragged: Ragged, specification: Any) -> tuple[registry.Part, ...]:
    """What a specification of a family says of these steps."""
    whole = ~np.isnan(ragged.x).all(axis=1)
    steps = Rows.of(ragged.x[whole])
    names = feature_names(estimator, ragged.x.shape[1])
    return making.learned(registry.parts_of(specification, names), steps, RowSource(steps).distinct)


def require_count(name: str, n: Any) -> None:
    """Refuse what is no whole number of at least 1."""
    if not (isinstance(n, int | np.integer) and n >= 1):
        raise ValueError(f"got {name}={n!r}, expected a whole number of at least 1")
