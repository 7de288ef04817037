"""What `MixtureRegression` is given, as columns and responses, with a formula or without."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length, column_or_1d

from latentia.estimator import feature_names
from latentia.mixture import errors

from . import data
from .design import Design
from .formula import Formula, computed, parsed

Array = NDArray[np.float64]


class Read(NamedTuple):
    """Data as they were read.

    Attributes
    ----------
    columns : dict of str to array of shape (n,)
        What the designs are made of.
    y : array of shape (n,), or None
        The responses, where they were asked for.
    n : int
    """

    columns: dict[str, Any]
    y: Array | None
    n: int


def formulas(estimator: Any) -> tuple[Formula | None, Formula | None]:
    """The estimator's two formulas, checked: of the response and of the weights."""
    own = None if estimator.formula is None else parsed(estimator.formula, response=True)
    beside = estimator.concomitant
    return own, None if beside is None else parsed(beside, response=False)


def read(
    estimator: Any,
    X: Any,
    y: Any,
    told: tuple[Formula | None, Formula | None],
    *,
    reset: bool,
    wanted: bool = True,
) -> Read:
    """The columns that the formulas need, all where there is none, and responses if wanted.

    Parameters
    ----------
    estimator : MixtureRegression
        Gets the names and the number of its columns where `reset` says that it is being fitted.
    X, y : as `fit` takes them
    told : tuple of Formula or None
        Of the response and of the weights.
    reset, wanted : bool
    """
    own, beside = told
    if own is None:
        return _read_plain(estimator, X, y, reset=reset, wanted=wanted)
    if y is not None:
        raise ValueError("got y beside a formula, expected the response among the columns of X")
    needed = list(dict.fromkeys([*own.columns, *(() if beside is None else beside.columns)]))
    left = data.columns_in(own.response) if wanted else ()
    found = data.columns_of(X, list(dict.fromkeys([*needed, *left])))
    n = len(next(iter(found.values()))) if found else _length(X)
    if reset:
        estimator.n_features_in_ = len(needed)
        estimator.feature_names_in_ = np.array(needed, dtype=object)
    responses = None
    if wanted:
        responses = _numbers(computed(str(own.response), found), str(own.response))
    return Read({name: found[name] for name in needed}, responses, n)


def _length(X: Any) -> int:
    """The number of rows where no column is needed, as of ``~ 1`` at prediction."""
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape else len(next(iter(X.values())))


def _read_plain(estimator: Any, X: Any, y: Any, *, reset: bool, wanted: bool) -> Read:
    x = errors.validated(estimator, X, reset=reset)
    names = feature_names(estimator, x.shape[1])
    columns: dict[str, Any] = {name: x[:, j] for j, name in enumerate(names)}
    if not wanted:
        return Read(columns, None, len(x))
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None; give "
            "the responses, or a formula that has one"
        )
    flat = column_or_1d(y, warn=True)
    check_consistent_length(x, flat)
    return Read(columns, _numbers(flat, "y"), len(x))


def _numbers(values: Any, name: str) -> Array:
    try:
        made = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"got text in {name}, expected numbers; code two categories as 0 and 1"
        ) from None
    infinite = np.isinf(made)
    if infinite.any():
        raise ValueError(
            f"Input {name} contains infinity or a value too large for dtype('float64') at row "
            f"{int(np.argmax(infinite))}; correct it or leave that row out"
        )
    return made


def designs(
    estimator: Any, told: tuple[Formula | None, Formula | None], found: Read
) -> tuple[Design, Design | None]:
    """The designs of the lines and of the weights, for these data."""
    (own, beside), columns, n = told, found.columns, found.n
    if own is None:
        design = Design.of_columns(list(columns), bool(estimator.fit_intercept))
    else:
        design = Design.of_formula(own, columns, n)
    if beside is None:
        return design, None
    missing = [name for name in beside.columns if name not in columns]
    if missing:
        raise ValueError(
            f"got concomitant {beside.text!r}, but X has no column {missing[0]!r}; its columns are "
            f"{', '.join(map(repr, columns))}"
        )
    return design, Design.of_formula(beside, columns, n)
