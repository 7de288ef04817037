"""What an imputer learns of a table: its columns, and the distributions that fill them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows
from latentia.engine import EM
from latentia.estimator import climb_settings, feature_names
from latentia.mixture import errors

from . import columns, design, draws, filling, priors, scales, table
from .estimator import IncompleteNormal
from .measured import MeasuredRows
from .panel import places_of
from .patterns import patterns_of
from .table import Table

if TYPE_CHECKING:
    from .imputer import EMImputer

Array = NDArray[np.float64]

DEFAULTS = {"tol": 1e-3, "max_iter": 1000}
"""What `tol` and `max_iter` of an imputer are where nothing is said."""


def learn(imputer: EMImputer, read: Table, sample_weight: Any) -> None:
    """Give the imputer what it knows of the columns of a table, and its distributions."""
    x, hidden = read.x, read.hidden
    weights = errors.checked_weights(sample_weight, x)
    names = feature_names(imputer, x.shape[1])
    roles, seen = table.roles_of(imputer, names), np.where(hidden, np.nan, x)
    integers = [*imputer.integers, *sorted(read.whole)]
    asked = (imputer.transforms, imputer.bounds, integers, imputer.ordered)
    ends = scales.ends_of(imputer.min_value, imputer.max_value, len(names))
    known = scales.learnt(scales.scales_of(names, *asked, ends), seen, names, read.categories)
    untouched = np.isin(np.arange(x.shape[1]), list(roles.untouched))
    kept = columns.columns_of(seen, weights, names, imputer.keep_empty_features, untouched)
    imputer._design = design.made(
        x,
        hidden,
        weights,
        kept,
        known,
        roles.nominal,
        imputer.panel,
        places_of(imputer.panel, names),
        names,
        read.categories,
    )
    imputer._categories, imputer._holes = read.categories, hidden.any(axis=0)
    imputer._mark = table.mark(read) if len(imputer.priors) else b""
    numbers = set(map(int, imputer._design.columns.modelled))
    each = [known[j] if j in numbers else None for j in range(x.shape[1])]
    imputer._beliefs = priors.beliefs_of(imputer.priors, hidden, each, names)
    imputer.patterns_ = patterns_of(
        Rows(seen[:, ~untouched], weights),
        [name for name, left in zip(names, untouched, strict=True) if not left],
    )
    _learn_normal(imputer, read, weights, names)


def _learn_normal(imputer: EMImputer, read: Table, weights: Array, names: Sequence[str]) -> None:
    if not imputer._design.size:
        imputer.normal_, imputer.draws_ = None, []
        imputer.certificate_, imputer.n_iter_ = None, 0
        return
    y = imputer._design.into(read.x, read.hidden, names)
    given = {"tol": imputer.tol, "max_iter": imputer.max_iter}
    em = climb_settings(imputer.em, given, DEFAULTS)
    if imputer.verbose:
        em = EM(**{**em.get_params(deep=False), "progress": True})
    normal = IncompleteNormal(ridge=imputer.ridge, em=em, random_state=imputer.random_state)
    told = filling.told(imputer, read)
    rows: Any = Rows(y, weights) if told is None else MeasuredRows(y, weights, *told)
    named = list(imputer._design.names)
    vars(normal)["n_features_in_"] = len(named)
    vars(normal)["feature_names_in_"] = np.array(named, dtype=object)
    normal.fit_rows(rows, named, np.float64)
    imputer.normal_ = normal
    imputer.certificate_, imputer.n_iter_ = normal.certificate_, normal.n_iter_
    made = draws.drawn(
        imputer.draw or "",
        normal._model(),
        rows,
        normal.fit_.params,
        imputer.n_imputations,
        em,
        imputer.steps,
        np.random.default_rng(imputer._seed()),
    )
    imputer.draws_ = list(made)
