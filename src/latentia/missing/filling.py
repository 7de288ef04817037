"""A fitted imputer at work on a table: read, filled, and given back as it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._set_output import _wrap_data_with_container

from latentia.estimator import feature_names

from . import columns, imputing, priors, table
from .table import Table

if TYPE_CHECKING:
    from .imputer import EMImputer

Array = NDArray[np.float64]

Shift = Callable[[Any, NDArray[np.bool_]], None]
"""Changes numbers (n, d) where they were filled in."""


def read(imputer: EMImputer, X: Any, *, reset: bool = False) -> Table:
    """X as numbers, and which cells are missing; `reset` says that the imputer is being fitted."""
    known = None if reset else imputer._categories
    if table.is_mixed(X):
        roles = table.roles_of(imputer, table.names_of(X))
        return table.read_mixed(imputer, X, roles, imputer.missing_values, known)
    if known:
        raise ValueError(
            "got a table of numbers alone, expected a data frame with the texts of the fit"
        )
    given = table.read_numbers(imputer, X, imputer.missing_values, feature_names, reset=reset)
    untouched = table.roles_of(imputer, feature_names(imputer, given.x.shape[1])).ids
    if untouched:
        given.hidden[:, list(untouched)] = False
    return given


def told(imputer: EMImputer, given: Table) -> tuple[Array, Array] | None:
    """What is believed of the cells of the model's rows, or None."""
    if not imputer._beliefs.rows.size:
        return None
    same = table.mark(given) == imputer._mark
    return priors.of_rows(imputer._beliefs, imputer._design, given.hidden, same)


def filled(imputer: EMImputer, given: Table, i: int) -> Any:
    """The numbers of a table (n, d), filled for the i-th time."""
    x, hidden, y = given.x, given.hidden, np.empty(0)
    if not hidden.any():
        return np.array(x)
    rng = None if imputer.draw is None else np.random.default_rng([*imputer._seed(), i])
    design = imputer._design
    if design.size:
        y = design.into(x, hidden, feature_names(imputer, x.shape[1]))
        believed = told(imputer, given)
        y = imputing.completed(imputer.draws_[i], y, design.limits(), rng, believed)
    return design.back(y, x, hidden, rng)


def imputed(imputer: EMImputer, given: Table, i: int, shift: Shift | None = None) -> Any:
    """The i-th imputation of a table; `shift` changes what was filled in."""
    out = filled(imputer, given, i)
    if shift is not None:
        shift(out, given.hidden)
    kept, marks = imputer._design.columns.kept, None
    if imputer.indicator_ is not None:
        found: Any = imputer.indicator_.transform(columns.marked(given.hidden))
        marks = found.astype(out.dtype)
    if given.frame is not None:
        named = imputer.get_feature_names_out()[len(kept) :]
        return table.into_frame(given, out, kept, marks, named, imputer)
    return out[:, kept] if marks is None else np.hstack([out[:, kept], marks])


def contained(imputer: EMImputer, made: Any, X: Any) -> Any:
    """An imputation as ``set_output`` asks for it."""
    return _wrap_data_with_container("transform", made, X, imputer)


def undone(imputer: EMImputer, X: Any) -> Array:
    """What was given: missing values where the indicator says so."""
    if imputer.indicator_ is None:
        raise ValueError(
            "got an imputer with add_indicator=False, which does not keep what was missing; "
            "expected add_indicator=True"
        )
    if imputer._categories:
        raise ValueError(
            "got an imputer of a data frame with texts, whose missing cells no number stands "
            "for; expected one of numbers"
        )
    x, kept = np.asarray(X), imputer._design.columns.kept
    if x.ndim != 2 or x.shape[1] != len(kept) + int(imputer._holes.sum()):
        raise ValueError(
            f"got X of shape {x.shape}, expected {len(kept) + int(imputer._holes.sum())} columns, "
            "as transform gives them"
        )
    hollow: Any = np.nan if columns.is_no_number(imputer.missing_values) else imputer.missing_values
    out = np.full((len(x), imputer.n_features_in_), hollow, dtype=np.result_type(x, np.float32))
    out[:, kept] = x[:, : len(kept)]
    out[:, imputer._holes] = np.where(x[:, len(kept) :] > 0, hollow, out[:, imputer._holes])
    return out
