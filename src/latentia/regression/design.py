"""Designs: matrices that columns of data are made into, the same way at fit and later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.extras import require

from .formula import Formula, computed, factor_of, restored

Array = NDArray[np.float64]

INTERCEPT = "Intercept"


class Design(NamedTuple):
    """How a design is made of columns.

    Attributes
    ----------
    names : tuple of str
        Of the design's columns.
    formula : Formula or None
        None where the design is the data's columns, after an intercept if there is to be one.
    levels : tuple of (str, tuple)
        The levels of each expression that is a factor, the first of which is the reference.
    """

    names: tuple[str, ...]
    formula: Formula | None
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of_columns(cls, columns: Sequence[str], intercept: bool) -> Design:
        """The columns themselves."""
        return cls((*([INTERCEPT] if intercept else []), *columns), None)

    @classmethod
    def of_formula(cls, formula: Formula, columns: Mapping[str, Any], n: int) -> Design:
        """What a formula makes of n rows; they decide the levels of factors."""
        levels: list[tuple[str, tuple[str, ...]]] = []
        for expression in formula.expressions:
            values, is_factor = _values(expression, columns)
            if is_factor:
                known = [v for v in _texts(values) if v is not None]
                levels.append((expression, tuple(dict.fromkeys(sorted(known, key=_in_order)))))
        made = cls((), formula, tuple(levels))
        names = tuple(str(name) for name in made._frame(columns, n).columns)
        return made._replace(names=names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of data that are needed."""
        if self.formula is not None:
            return self.formula.columns
        return tuple(name for name in self.names if name != INTERCEPT)

    def matrix(self, columns: Mapping[str, Any], n: int) -> Array:
        """The design of n rows, (n, p).

        Raises
        ------
        ValueError
            If a cell is missing, infinite, or of a level that the fit did not see; the first such
            cell is named.
        """
        make = self._plain if self.formula is None else self._formulaic
        made = make(columns, n)
        wrong = ~np.isfinite(made)
        if wrong.any():
            i, j = (int(at) for at in np.argwhere(wrong)[0])
            what = "NaN" if np.isnan(made[i, j]) else "inf (infinity)"
            raise ValueError(
                f"Input X contains {what} at row {i}, {self.names[j]!r} ({int(wrong.sum())} such "
                "cells in all): covariates must be known, so drop these rows or fill them in"
            )
        return made

    def _plain(self, columns: Mapping[str, Any], n: int) -> Array:
        parts = [np.ones(n) if name == INTERCEPT else columns[name] for name in self.names]
        return np.column_stack([np.asarray(part, dtype=np.float64) for part in parts])

    def _formulaic(self, columns: Mapping[str, Any], n: int) -> Array:
        frame = self._frame(columns, n)
        if self.names != tuple(map(str, frame.columns)):
            raise ValueError(
                f"got columns {', '.join(map(str, frame.columns))} in the design, expected those "
                f"of the fit: {', '.join(self.names)}"
            )
        return frame.to_numpy(dtype=np.float64)

    def _frame(self, columns: Mapping[str, Any], n: int) -> Any:
        """The design as a data frame: formulaic sees computed columns and evaluates nothing."""
        pandas = require("pandas", extra="formula")
        formulaic = require("formulaic", extra="formula")
        types = require("formulaic.parser.types", extra="formula")
        assert self.formula is not None
        levels, data = dict(self.levels), {}
        for expression in self.formula.expressions:
            values, _ = _values(expression, columns)
            if expression in levels:
                values = _coded(expression, values, levels[expression], pandas)
            data[expression] = values
        frame = pandas.DataFrame(data, index=range(n))

        def factor(expression: str) -> Any:
            method = "literal" if expression == "1" else "lookup"
            return types.Factor(expression, eval_method=method)

        terms = [types.Term([factor(e) for e in term]) for term in self.formula.terms]
        return formulaic.Formula(terms).get_model_matrix(frame, context={}, na_action="ignore")

    def to_record(self) -> dict[str, Any]:
        """The design as JSON can carry it."""
        formula = self.formula
        return {
            "names": list(self.names),
            "formula": None if formula is None else [formula.text, formula.response],
            "terms": None if formula is None else [list(term) for term in formula.terms],
            "levels": [[name, list(each)] for name, each in self.levels],
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Design:
        """The inverse of `to_record`; every expression is checked again.

        Raises
        ------
        FormulaError
            If something in the formula is not allowed.
        """
        formula = None
        if record["formula"] is not None:
            text, response = record["formula"]
            formula = restored(text, response, record["terms"])
        levels = tuple((str(name), tuple(map(str, each))) for name, each in record["levels"])
        return cls(tuple(map(str, record["names"])), formula, levels)


def _values(expression: str, columns: Mapping[str, Any]) -> tuple[Any, bool]:
    """The values of an expression, and whether they are levels."""
    column = factor_of(expression)
    if column is not None:
        return columns[column], True
    values = computed(expression, columns)
    return values, np.asarray(values).dtype.kind not in "biuf"


def _texts(values: Any) -> list[str | None]:
    """Levels as text: 1.0 as 1, so that whole numbers are written alike; None where missing."""
    return [_text(value) for value in np.asarray(values).tolist()]


def _text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _in_order(level: str) -> tuple[int, float, str]:
    """Numbers by size, then texts."""
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def _coded(expression: str, values: Any, levels: tuple[str, ...], pandas: Any) -> Any:
    texts = _texts(values)
    known = set(levels)
    for i, text in enumerate(texts):
        if text is None:
            raise ValueError(
                f"Input X contains NaN at row {i}, {expression!r}: covariates must be known, so "
                "drop these rows or fill them in"
            )
        if text not in known:
            shown = ", ".join(levels[:8]) + (", ..." if len(levels) > 8 else "")
            raise ValueError(
                f"got {text!r} at row {i} for {expression}, expected a level of the fit: {shown}"
            )
    return pandas.Categorical(texts, categories=list(levels))
