"""What a fit learns of its data before it climbs, and rows as the engine takes them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentia.data.arrays import Rows, RowSource
from latentia.data.groups import GroupedRows, GroupedSource
from latentia.families.predictor import Basis
from latentia.families.regression import Regression
from latentia.families.regression.gaussian import LinearFrame
from latentia.mixture import errors
from latentia.mixture.concomitant import Concomitant
from latentia.mixture.groups import grouped
from latentia.mixture.model import MixtureModel
from latentia.mixture.weighting import Constant

from . import data, reading
from .data import NOTHING, Beside
from .design import Design
from .kinds import KINDS, framed
from .reading import Read
from .start import LineGuesses

Array = NDArray[np.float64]


class Setting(NamedTuple):
    """A mixture of regressions but for its parameters.

    Attributes
    ----------
    n_components : int
    family : str
        A name in `KINDS`.
    shared : bool
        Whether components share their dispersion.
    floor : float
        Under residual variances.
    design : Design
    concomitant : Design or None
        Of the weights.
    beside : Beside
        What `fit` was told of offset and trials.
    frame : LinearFrame
        Of the design.
    basis : Basis or None
        Of the covariates of the weights.
    """

    n_components: int
    family: str
    shared: bool
    floor: float
    design: Design
    concomitant: Design | None
    beside: Beside
    frame: LinearFrame
    basis: Basis | None

    @property
    def n_concomitant(self) -> int:
        """Columns of the weights' design."""
        return 0 if self.concomitant is None else len(self.concomitant.names)

    def regression(self) -> Regression[Any, Any]:
        """The family of all components."""
        kind = KINDS[self.family]
        return kind.build(self.n_components, self.frame, self.shared, self.floor)

    def model(self, init_params: str = "lines") -> MixtureModel:
        """The engine's view."""
        family, k, q = self.regression(), self.n_components, self.n_concomitant
        weighting = Constant(k) if self.basis is None else Concomitant(k, q, self.basis)
        return MixtureModel(family, k, LineGuesses(family, k, q, init_params), weighting)

    def given(self, found: Read, X: Any, told: Beside = NOTHING) -> Array:
        """All columns of rows but the response: of the weights, of the lines, beside these."""
        parts = [self.design.matrix(found.columns, found.n)]
        if self.concomitant is not None:
            parts.insert(0, self.concomitant.matrix(found.columns, found.n))
        told = told.filled(self.beside)
        return np.hstack([*parts, data.beside(X, told, found.n, KINDS[self.family].trials)])

    def rows(self, found: Read, X: Any, sample_weight: Any, groups: Any) -> Rows | GroupedRows:
        """The rows that have a response, as the engine takes them."""
        assert found.y is not None
        given = self.given(found, X, self.beside)
        weights = errors.checked_weights(sample_weight, given)
        known = data.known_responses(found.y)
        x = np.column_stack([given, found.y])[known]
        self.require_possible(x, np.flatnonzero(known))
        if groups is None:
            return Rows(x, weights[known])
        label = np.asarray(data.one_column(X, groups, found.n, "groups"))[known]
        return grouped(x, weights[known], label)[0]

    def require_possible(self, x: Array, places: NDArray[np.intp]) -> None:
        """Refuse the first response that no component could make.

        `places` are the rows' numbers in what the user gave.
        """
        wrong, expected = self.regression().wrong(x[:, self.n_concomitant :])
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ValueError(f"got the response {x[i, -1]:g} at row {int(places[i])}, {expected}")


def source_of(rows: Rows | GroupedRows) -> RowSource | GroupedSource:
    """The rows in chunks."""
    return GroupedSource(rows) if isinstance(rows, GroupedRows) else RowSource(rows)


def learned(
    estimator: Any, X: Any, y: Any, sample_weight: Any, groups: Any, told: Beside
) -> tuple[Rows | GroupedRows, Setting]:
    """The rows of a fit, and what is learned of them before the climb.

    Parameters
    ----------
    estimator : MixtureRegression
        Gets the names and the number of its columns.
    X, y, sample_weight, groups : as its `fit` takes them
    told : Beside
    """
    kind, k = KINDS[estimator.family], estimator.n_components
    if estimator.shared_dispersion and kind.dispersion is None:
        raise ValueError(
            f"got shared_dispersion=True for family={estimator.family!r}, which has no "
            "dispersion; expected it for 'gaussian' or 'gamma'"
        )
    formulas = reading.formulas(estimator)
    found = reading.read(estimator, X, y, formulas, reset=True)
    design, beside = reading.designs(estimator, formulas, found)
    plain = LinearFrame.plain(len(design.names))
    shared, floor = estimator.shared_dispersion, float(estimator.reg_variance)
    setting = Setting(k, estimator.family, shared, floor, design, beside, told, plain, None)
    rows = setting.rows(found, X, sample_weight, groups)
    units = isinstance(rows, GroupedRows)
    weights = rows.spread(rows.weights) if units else rows.weights
    q = setting.n_concomitant
    errors.require_enough_rows(weights, k)
    if beside is not None:
        basis = Basis.of(rows.x[:, :q], weights)
        data.refuse_dependent(basis.dependent, beside.names, "concomitant")
        setting = setting._replace(basis=basis)
    frame = framed(kind, rows.x[:, q:], weights, len(design.names))
    data.refuse_dependent(frame.basis.dependent, design.names, "design")
    return rows, setting._replace(frame=frame)
